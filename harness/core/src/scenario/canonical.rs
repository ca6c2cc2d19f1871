//! The resolved scenario as JSON: every default filled in, every quantity in
//! one spelling. It is a scenario file again, and what digests cover.

use serde_json::{Map, Value, json};
use weaknet_core::packet::LinkId;
use weaknet_core::{Bitrate, Kind, Span, Time};
use weaknet_transports::cc::Constraints;
use weaknet_transports::endpoint::KeyFrameRequest;
use weaknet_transports::fec::Fec;
use weaknet_transports::session::SessionConfig;

use super::document::LiveDoc;
use super::model::{
    Blocks, Call, DrawKey, End, Feedback, FeedbackFormat, Flow, LinkSpec, Load, Media, Network,
    Path, RtpOverhead, Scenario, Topology,
};
use crate::registry::Spec;

impl Scenario {
    /// The scenario as a file that loads to the same scenario.
    #[must_use]
    pub fn canonical(&self) -> Value {
        let mut map = Map::new();
        put(&mut map, "name", &self.name);
        if let Some(about) = &self.about {
            put(&mut map, "about", about);
        }
        put(&mut map, "duration", self.duration);
        map.insert("seeds".to_owned(), json!(self.seeds));
        map.insert(
            "measure".to_owned(),
            json!({ "from": since_start(self.measure.from), "to": since_start(self.measure.to) }),
        );
        if self.max_error_p99 != LiveDoc::default().max_error_p99 {
            let limit = self.max_error_p99.to_string();
            map.insert("live".to_owned(), json!({ "max_error_p99": limit }));
        }
        map.insert("network".to_owned(), self.network.canonical());
        map.insert(
            "flows".to_owned(),
            self.flows
                .iter()
                .map(|flow| flow.canonical(&self.network))
                .collect(),
        );
        map.insert(
            "expect".to_owned(),
            self.expect.iter().map(|e| json!(e.text)).collect(),
        );
        Value::Object(map)
    }

    /// What makes two cases the same case apart from the seed: everything but
    /// the sentence for people, the list of seeds and what is asked of a live run.
    #[must_use]
    pub fn identity(&self) -> Value {
        let mut value = self.canonical();
        if let Some(map) = value.as_object_mut() {
            for key in ["about", "seeds", "live"] {
                map.remove(key);
            }
        }
        value
    }
}

impl Network {
    fn canonical(&self) -> Value {
        let links: Map<String, Value> = self
            .links
            .iter()
            .map(|link| (link.name.clone(), link.canonical()))
            .collect();
        let mut network = Map::new();
        match self.draws {
            DrawKey::Packet => put(&mut network, "draws", "packet"),
            DrawKey::Slot(length) => {
                network.insert("draws".to_owned(), json!({ "slot": length.to_string() }));
            }
        }
        match self.topology {
            Topology::Ends => network.extend(links),
            Topology::Links => drop(network.insert("links".to_owned(), Value::Object(links))),
        }
        Value::Object(network)
    }

    fn put_paths(&self, map: &mut Map<String, Value>, paths: &[Path]) {
        let entry = |path: &Path| {
            let mut entry = Map::new();
            if let Some(name) = &path.name {
                put(&mut entry, "name", name);
            }
            entry.insert("route".to_owned(), json!(self.names(&path.outward)));
            entry.insert("route_back".to_owned(), json!(self.names(&path.back)));
            entry
        };
        match paths {
            [only] if only.name.is_none() => map.extend(entry(only)),
            several => {
                let entries: Vec<_> = several.iter().map(entry).collect();
                map.insert("paths".to_owned(), json!(entries));
            }
        }
    }

    fn names(&self, route: &[LinkId]) -> Vec<&str> {
        route
            .iter()
            .filter_map(|id| self.links.get(usize::from(id.0)))
            .map(|link| link.name.as_str())
            .collect()
    }
}

/// One plug-in as itself, several as a list.
fn one_or_list<K: Kind>(specs: &[Spec<K>]) -> Value {
    match specs {
        [one] => one.canonical(),
        several => several.iter().map(Spec::canonical).collect(),
    }
}

impl LinkSpec {
    fn canonical(&self) -> Value {
        let mut link = json!({
            "rate": self.rate.canonical(),
            "delay": one_or_list(&self.delay),
            "loss": one_or_list(&self.loss),
            "loss_at": self.loss_at,
            "corrupt": self.corrupt.canonical(),
            "duplicate": self.duplicate.canonical(),
            "reorder": self.reorder.canonical(),
            "mtu": self.mtu,
            "ecn": self.ecn,
            "queue": self.queue.canonical(),
        });
        if self.blocks != Blocks::Nothing
            && let Some(map) = link.as_object_mut()
        {
            map.insert("blocks".to_owned(), json!(self.blocks));
        }
        link
    }
}

impl Flow {
    fn canonical(&self, network: &Network) -> Value {
        let mut map = Map::new();
        put(&mut map, "name", &self.name);
        match network.topology {
            Topology::Ends => put(
                &mut map,
                "from",
                if self.from == End::A { "a" } else { "b" },
            ),
            Topology::Links => network.put_paths(&mut map, &self.paths),
        }
        put(&mut map, "start", since_start(self.start));
        put(&mut map, "stop", since_start(self.stop));
        match &self.load {
            Load::Call(call) => call.put(&mut map),
            Load::Bulk(bulk) => {
                map.insert("bulk".to_owned(), json!(bulk.config));
                plugin(&mut map, &bulk.congestion_control);
                put_constraints(&mut map, &bulk.constraints);
            }
            Load::Messages(messages) => {
                map.insert("messages".to_owned(), json!(messages.config));
                if let Some(controller) = &messages.congestion_control {
                    plugin(&mut map, controller);
                    put_constraints(&mut map, &messages.constraints);
                }
            }
            Load::Traffic(traffic) => plugin(&mut map, traffic),
        }
        Value::Object(map)
    }
}

impl Call {
    fn put(&self, map: &mut Map<String, Value>) {
        map.insert("media".to_owned(), self.media.canonical());
        plugin(map, &self.congestion_control);
        map.insert(Fec::NAME.to_owned(), canonical_fec(&self.fec));
        plugin(map, &self.protection);
        plugin(map, &self.arq);
        plugin(map, &self.jitter_buffer);
        plugin(map, &self.audio_buffer);
        put(map, "clock_drift", self.clock_drift);
        map.insert("lip_sync".to_owned(), json!(self.lip_sync));
        plugin(map, &self.pacer);
        put(
            map,
            "rtp_overhead",
            if self.rtp_overhead == RtpOverhead::Webrtc {
                "webrtc"
            } else {
                "none"
            },
        );
        map.insert("signalling".to_owned(), json!(self.signalling));
        if self.session != SessionConfig::default() {
            map.insert("session".to_owned(), json!(self.session));
        }
        let Feedback { format, every } = self.feedback;
        let feedback = match (format, every) {
            (FeedbackFormat::Twcc, None) => json!("default"),
            (FeedbackFormat::Twcc, Some(every)) => json!({ "every": every }),
            (_, None) => json!(format),
            (_, Some(every)) => json!({ "format": format, "every": every }),
        };
        map.insert("feedback".to_owned(), feedback);
        if self.key_frame_request != KeyFrameRequest::Pli {
            let request = json!(self.key_frame_request);
            map.insert("key_frame_request".to_owned(), request);
        }
        put_constraints(map, &self.constraints);
    }
}

fn put_constraints(map: &mut Map<String, Value>, constraints: &Constraints) {
    let mut bounds = Map::new();
    put(&mut bounds, "min_bitrate", constraints.min);
    put(&mut bounds, "start_bitrate", constraints.start);
    if constraints.max != Bitrate::MAX {
        put(&mut bounds, "max_bitrate", constraints.max);
    }
    map.insert("constraints".to_owned(), Value::Object(bounds));
}

impl Media {
    fn canonical(&self) -> Value {
        let mut map = Map::new();
        if let Some(video) = &self.video {
            let mut stream = Map::new();
            put(&mut stream, "max_bitrate", video.max_bitrate);
            put(&mut stream, "min_bitrate", video.min_bitrate);
            stream.insert("fps".to_owned(), json!(video.fps));
            stream.insert("source".to_owned(), video.source.canonical());
            put_pauses(&mut stream, &video.pauses);
            map.insert("video".to_owned(), Value::Object(stream));
        }
        if let Some(audio) = &self.audio {
            let mut stream = Map::new();
            put(&mut stream, "bitrate", audio.bitrate);
            if let Some(least) = audio.min_bitrate {
                put(&mut stream, "min_bitrate", least);
            }
            stream.insert("source".to_owned(), audio.source.canonical());
            put_pauses(&mut stream, &audio.pauses);
            map.insert("audio".to_owned(), Value::Object(stream));
        }
        Value::Object(map)
    }
}

/// One scheme as it is, several as a list.
fn canonical_fec(schemes: &[Spec<Fec>]) -> Value {
    match schemes {
        [one] => one.canonical(),
        several => several.iter().map(Spec::canonical).collect(),
    }
}

fn put_pauses(map: &mut Map<String, Value>, pauses: &[(Time, Time)]) {
    let entry = |(from, to): &(Time, Time)| {
        let mut entry = Map::new();
        put(&mut entry, "from", since_start(*from));
        if *to < Time::MAX {
            put(&mut entry, "to", since_start(*to));
        }
        Value::Object(entry)
    };
    if !pauses.is_empty() {
        map.insert("pause".to_owned(), pauses.iter().map(entry).collect());
    }
}

fn since_start(at: Time) -> Span {
    at.since(Time::ZERO)
}

fn put(map: &mut Map<String, Value>, key: &str, value: impl ToString) {
    map.insert(key.to_owned(), Value::String(value.to_string()));
}

fn plugin<K: Kind>(map: &mut Map<String, Value>, spec: &Spec<K>) {
    map.insert(K::NAME.to_owned(), spec.canonical());
}
