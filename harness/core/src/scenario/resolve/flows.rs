//! The flows of a scenario: what they carry, between which ends, over which links.

use weaknet_core::packet::LinkId;
use weaknet_core::{Span, Time};
use weaknet_transports::arq::Arq;
use weaknet_transports::cc::{CongestionControl, Constraints};
use weaknet_transports::fec::{Fec, ProtectionControl};
use weaknet_transports::jitter::{AudioJitter, Jitter};
use weaknet_transports::pacing::Pacing;

use super::{MAX_ITEMS, Resolver, is_name};
use crate::registry::Spec;
use crate::scenario::document::{Document, FlowDoc, PauseDoc};
use crate::scenario::error::Diagnostic;
use crate::scenario::model::{
    AudioStream, Bulk, Call, End, Feedback, Flow, Load, Media, Messages, Network, Path, Signalling,
    Topology, VideoStream,
};
use crate::scenario::tree::{Node, Value};

/// Paths are numbered in 8 bits.
const MAX_PATHS: usize = 1 << 8;

/// What a flow can carry, one of them.
const LOADS: [&str; 4] = ["media", "bulk", "messages", "traffic"];

/// What only calls have.
const OF_CALLS: [&str; 13] = [
    "fec",
    "protection",
    "arq",
    "jitter_buffer",
    "audio_buffer",
    "clock_drift",
    "lip_sync",
    "pacer",
    "rtp_overhead",
    "signalling",
    "session",
    "feedback",
    "key_frame_request",
];

/// What only flows have that adapt to the network.
const OF_ADAPTING: [&str; 2] = ["congestion_control", "constraints"];

impl Resolver<'_> {
    pub(super) fn flows(
        &mut self,
        doc: &Document,
        tree: &Node,
        network: &Network,
    ) -> Option<Vec<Flow>> {
        let Some(Value::List(nodes)) = tree.get("flows").map(|flows| &flows.value) else {
            return Some(Vec::new());
        };
        if nodes.len() > MAX_ITEMS {
            self.report(
                tree.get("flows")?.place(),
                format!("{} flows: at most {MAX_ITEMS}", nodes.len()),
            );
            return None;
        }
        let mut flows = Vec::new();
        for (at, (flow, node)) in doc.flows.iter().zip(nodes).enumerate() {
            let place = node.get("name").map_or_else(|| node.place(), Node::place);
            if !is_name(&flow.name) {
                self.report(
                    place,
                    format!(
                        "`{}` is no name: expected letters, digits, `_` and `-`",
                        flow.name
                    ),
                );
            }
            if let Some(first) = doc.flows[..at]
                .iter()
                .position(|other| other.name == flow.name)
            {
                let line = nodes[first]
                    .get("name")
                    .map_or(0, |name| name.place().line());
                self.report(
                    place,
                    format!("two flows are called `{}`: first on line {line}", flow.name),
                );
            }
            if network.links.iter().any(|link| link.name == flow.name) {
                self.report(place, format!("a link is called `{}` already", flow.name));
            }
            flows.push(self.flow(flow, node, doc, network));
        }
        flows.into_iter().collect()
    }

    fn flow(
        &mut self,
        flow: &FlowDoc,
        node: &Node,
        doc: &Document,
        network: &Network,
    ) -> Option<Flow> {
        let place = |key: &str| node.get(key).map_or_else(|| node.place(), Node::place);
        let stop = flow.stop.unwrap_or(doc.duration).min(doc.duration);
        if flow.start >= stop && !doc.duration.is_zero() {
            self.report(
                place("start"),
                format!(
                    "the flow starts at {}, not before it stops at {stop}",
                    flow.start
                ),
            );
        }
        let paths = self.paths(flow, node, network);
        let load = self.load(flow, node);
        Some(Flow {
            name: flow.name.clone(),
            from: flow.from.unwrap_or_default(),
            start: Time::ZERO + flow.start,
            stop: Time::ZERO + stop,
            paths,
            load: load?,
        })
    }

    /// What the flow carries: one thing out of several.
    fn load(&mut self, flow: &FlowDoc, node: &Node) -> Option<Load> {
        let given = |key: &&str| node.get(key).is_some_and(|node| !node.is_null());
        let loads: Vec<&str> = LOADS.into_iter().filter(given).collect();
        match loads[..] {
            ["traffic"] => {
                let help = "`traffic:` sends whatever the network does";
                self.refuse(node, &OF_CALLS, "`media:`", help);
                self.refuse(node, &OF_ADAPTING, "`media:`, `bulk:` or `messages:`", help);
                self.choose(node.get("traffic"), "cbr").map(Load::Traffic)
            }
            ["bulk"] => {
                let help = "`bulk:` has its own pacing, acknowledgements and retransmissions";
                self.refuse(node, &OF_CALLS, "`media:`", help);
                self.bulk(flow, node).map(|bulk| Load::Bulk(Box::new(bulk)))
            }
            ["messages"] => {
                let help = "`messages:` has its own reliability and redundancy";
                self.refuse(node, &OF_CALLS, "`media:`", help);
                let messages = self.messages(flow, node);
                messages.map(|messages| Load::Messages(Box::new(messages)))
            }
            [_] => self.call(flow, node).map(|call| Load::Call(Box::new(call))),
            [] => {
                let message = "the flow carries nothing: expected `media:`, `bulk:`, `messages:` or \
                               `traffic:`";
                self.report(node.place(), message);
                None
            }
            [first, second, ..] => {
                let place = node.get(second).map_or_else(|| node.place(), Node::place);
                let message = format!("`{first}:` and `{second}:` exclude each other");
                self.report(place, message);
                None
            }
        }
    }

    /// Keys that are of no use for what a flow carries.
    fn refuse(&mut self, node: &Node, keys: &[&str], owner: &str, help: &str) {
        for key in keys {
            if let Some(given) = node.get(key).filter(|node| !node.is_null()) {
                let message = format!("`{key}:` is of no use here: it goes with {owner}");
                let found = Diagnostic::new(given.place(), message);
                self.found.push(found.help(help));
            }
        }
    }

    fn bulk(&mut self, flow: &FlowDoc, node: &Node) -> Option<Bulk> {
        let (config, place) = (flow.bulk.as_ref()?, node.get("bulk")?);
        if let Err(error) = config.check() {
            let field = error.field.unwrap_or_default();
            let place = place.get(&field).unwrap_or(place).place();
            self.report(place, format!("bulk: {field}: {}", error.message));
        }
        let constraints = self.constraints(flow, node);
        let controller = self.choose(node.get("congestion_control"), "cubic");
        Some(Bulk {
            config: config.clone(),
            congestion_control: controller?,
            constraints,
        })
    }

    fn messages(&mut self, flow: &FlowDoc, node: &Node) -> Option<Messages> {
        let (config, place) = (flow.messages.as_ref()?, node.get("messages")?);
        if let Err(error) = config.check() {
            let field = error.field.unwrap_or_default();
            let place = place.get(&field).unwrap_or(place).place();
            self.report(place, format!("messages: {field}: {}", error.message));
        }
        let constraints = self.constraints(flow, node);
        let controller = node
            .get("congestion_control")
            .filter(|node| !node.is_null());
        let congestion_control = match controller {
            None => None,
            given => Some(self.choose(given, "cubic")?),
        };
        Some(Messages {
            config: config.clone(),
            congestion_control,
            constraints,
        })
    }

    fn constraints(&mut self, flow: &FlowDoc, node: &Node) -> Constraints {
        let most = flow.constraints.max_bitrate;
        let bounds = Constraints {
            min: flow.constraints.min_bitrate,
            start: flow.constraints.start_bitrate,
            max: most.unwrap_or(weaknet_core::Bitrate::MAX),
        };
        if !(bounds.min <= bounds.start && bounds.start <= bounds.max) {
            let place = node.get("constraints").unwrap_or(node).place();
            self.report(
                place,
                "expected min_bitrate <= start_bitrate <= max_bitrate",
            );
        }
        bounds
    }

    fn call(&mut self, flow: &FlowDoc, node: &Node) -> Option<Call> {
        let place = |key: &str| node.get(key).map_or_else(|| node.place(), Node::place);
        let feedback = Feedback {
            format: flow.feedback.format,
            every: flow.feedback.every,
        };
        if feedback.every.is_some_and(Span::is_zero) {
            self.report(place("feedback"), "expected an interval above zero");
        }
        self.session(flow, node);
        let bounds = self.constraints(flow, node);
        let media = self.media(flow, node);
        let plugins = self.flow_plugins(node);
        let plugins = plugins?;
        Some(Call {
            media: media?,
            congestion_control: plugins.congestion_control,
            fec: plugins.fec,
            protection: plugins.protection,
            arq: plugins.arq,
            jitter_buffer: plugins.jitter_buffer,
            audio_buffer: plugins.audio_buffer,
            clock_drift: flow.clock_drift,
            lip_sync: flow.lip_sync.unwrap_or(true),
            pacer: plugins.pacer,
            rtp_overhead: flow.rtp_overhead,
            signalling: flow.signalling,
            session: flow.session.clone(),
            feedback,
            key_frame_request: flow.key_frame_request,
            constraints: bounds,
        })
    }

    fn session(&mut self, flow: &FlowDoc, node: &Node) {
        let Some(place) = node.get("session").filter(|node| !node.is_null()) else {
            return;
        };
        if flow.signalling == Signalling::None {
            let message = "`session:` is of no use here: `signalling: none` sets nothing up";
            self.report(place.place(), message);
        }
        if let Err(error) = flow.session.validate() {
            let field = error.field.unwrap_or_default();
            let place = place.get(&field).unwrap_or(place).place();
            self.report(place, format!("session: {field}: {}", error.message));
        }
    }

    fn media(&mut self, flow: &FlowDoc, node: &Node) -> Option<Media> {
        let (doc, media) = (flow.media.as_ref()?, node.get("media")?);
        if doc.video.is_none() && doc.audio.is_none() {
            self.report(media.place(), "expected `video:`, `audio:` or both");
        }
        let video = doc.video.as_ref().map(|video| {
            let node = media.get("video");
            let place = |key| {
                node.and_then(|node| node.get(key))
                    .map_or_else(|| media.place(), Node::place)
            };
            if !(video.fps.is_finite() && video.fps > 0.0) {
                self.report(
                    place("fps"),
                    format!("expected frames per second above zero, found {}", video.fps),
                );
            }
            if video.min_bitrate > video.max_bitrate || video.max_bitrate.is_zero() {
                let message = format!(
                    "the encoder has no rate between {} and {}",
                    video.min_bitrate, video.max_bitrate
                );
                self.report(place("max_bitrate"), message);
            }
            let source = self.choose(node.and_then(|node| node.get("source")), "rfc8593");
            Some(VideoStream {
                max_bitrate: video.max_bitrate,
                min_bitrate: video.min_bitrate,
                fps: video.fps,
                pauses: self.pauses(&video.pause, node, media),
                source: source?,
            })
        });
        let audio = doc.audio.as_ref().map(|audio| {
            let node = media.get("audio");
            if audio.bitrate.is_zero() {
                let place = node
                    .and_then(|node| node.get("bitrate"))
                    .map_or_else(|| media.place(), Node::place);
                self.report(place, "expected a bit rate above zero");
            }
            if let Some(least) = audio.min_bitrate.filter(|least| *least > audio.bitrate) {
                let place = node.and_then(|node| node.get("min_bitrate"));
                let place = place.map_or_else(|| media.place(), Node::place);
                let message = format!(
                    "expected at most `bitrate: {}`, found {least}",
                    audio.bitrate
                );
                self.report(place, message);
            }
            let source = self.choose(node.and_then(|node| node.get("source")), "opus");
            Some(AudioStream {
                bitrate: audio.bitrate,
                min_bitrate: audio.min_bitrate,
                pauses: self.pauses(&audio.pause, node, media),
                source: source?,
            })
        });
        let video = video.map_or(Some(None), |video| video.map(Some))?;
        let audio = audio.map_or(Some(None), |audio| audio.map(Some))?;
        Some(Media { video, audio })
    }

    /// Pauses in order, none empty, none into the next.
    fn pauses(
        &mut self,
        pauses: &[PauseDoc],
        stream: Option<&Node>,
        media: &Node,
    ) -> Vec<(Time, Time)> {
        let mut resolved: Vec<(Time, Time)> = Vec::new();
        for (i, pause) in pauses.iter().enumerate() {
            let from = Time::ZERO + pause.from;
            let to = pause.to.map_or(Time::MAX, |to| Time::ZERO + to);
            let place = stream.and_then(|stream| stream.find(&format!("pause.{i}")));
            let place = place.unwrap_or(media).place();
            if to <= from {
                self.report(place, "expected a pause that ends after its start");
            }
            if resolved.last().is_some_and(|(_, before)| from < *before) {
                self.report(place, "expected a pause that starts after the one before");
            }
            resolved.push((from, to));
        }
        resolved
    }

    fn paths(&mut self, flow: &FlowDoc, node: &Node, network: &Network) -> Vec<Path> {
        let given = |key: &&str| node.get(key).is_some_and(|node| !node.is_null());
        let place = |key: &str| node.get(key).map_or_else(|| node.place(), Node::place);
        if network.topology == Topology::Ends {
            for key in ["route", "route_back", "paths"]
                .iter()
                .filter(|key| given(key))
            {
                self.report(
                    place(key),
                    format!("`{key}:` needs named `links:` in the network"),
                );
            }
            let (forward, backward) = (vec![LinkId(0)], vec![LinkId(1)]);
            let (outward, back) = match flow.from.unwrap_or_default() {
                End::A => (forward, backward),
                End::B => (backward, forward),
            };
            let name = None;
            return vec![Path {
                name,
                outward,
                back,
            }];
        }
        if flow.from.is_some() {
            self.report(
                place("from"),
                "`from:` needs the two-ended network; here the route says it",
            );
        }
        let Some(paths) = &flow.paths else {
            let mut route = |key: &str, names: &Option<Vec<String>>| match names {
                Some(names) => self.route(key, names, node, network),
                None => {
                    self.report(
                        place("name"),
                        format!("`{key}:` is missing: with named links a flow says its way"),
                    );
                    Vec::new()
                }
            };
            return vec![Path {
                name: None,
                outward: route("route", &flow.route),
                back: route("route_back", &flow.route_back),
            }];
        };
        for key in ["route", "route_back"].iter().filter(|key| given(key)) {
            self.report(
                place(key),
                format!("`{key}:` and `paths:` exclude each other"),
            );
        }
        if paths.is_empty() || paths.len() > MAX_PATHS {
            let message = format!("{} paths: expected 1 to {MAX_PATHS}", paths.len());
            self.report(place("paths"), message);
        }
        let mut resolved: Vec<Path> = Vec::new();
        for (i, path) in paths.iter().enumerate() {
            let node = node.find(&format!("paths.{i}")).unwrap_or(node);
            let place = node.get("name").map_or_else(|| node.place(), Node::place);
            let name = &path.name;
            if !is_name(name) {
                let message = format!("`{name}` is no name: expected letters, digits, `_` and `-`");
                self.report(place, message);
            }
            if paths[..i].iter().any(|other| other.name == *name) {
                self.report(place, format!("two paths are called `{name}`"));
            }
            resolved.push(Path {
                name: Some(name.clone()),
                outward: self.route("route", &path.route, node, network),
                back: self.route("route_back", &path.route_back, node, network),
            });
        }
        resolved
    }

    /// The links of the route under `key` of a node.
    fn route(
        &mut self,
        key: &str,
        names: &[String],
        node: &Node,
        network: &Network,
    ) -> Vec<LinkId> {
        let place = |key: &str| node.get(key).map_or_else(|| node.place(), Node::place);
        if names.len() > usize::from(u8::MAX) {
            self.report(place(key), "a route has 255 links at most");
        }
        let mut links = Vec::new();
        for (i, name) in names.iter().enumerate() {
            let place = node
                .find(&format!("{key}.{i}"))
                .map_or_else(|| place(key), Node::place);
            match network.links.iter().position(|link| link.name == *name) {
                Some(at) => links.push(LinkId(u16::try_from(at).unwrap_or(u16::MAX))),
                None => {
                    let known = network.links.iter().map(|link| link.name.as_str());
                    self.found
                        .push(Diagnostic::unknown(place, "link", name, known));
                }
            }
        }
        links
    }

    pub(super) fn flow_plugins(&mut self, node: &Node) -> Option<FlowPlugins> {
        let congestion_control = self.choose(node.get("congestion_control"), "gcc");
        let fec = self.choose_all(node.get("fec"), "none");
        let protection = self.choose(node.get("protection"), "webrtc");
        let arq = self.choose(node.get("arq"), "nack");
        let jitter_buffer = self.choose(node.get("jitter_buffer"), "webrtc");
        let audio_buffer = self.choose(node.get("audio_buffer"), "neteq");
        let pacer = self.choose(node.get("pacer"), "webrtc");
        Some(FlowPlugins {
            congestion_control: congestion_control?,
            fec: fec?,
            protection: protection?,
            arq: arq?,
            jitter_buffer: jitter_buffer?,
            audio_buffer: audio_buffer?,
            pacer: pacer?,
        })
    }
}

/// The plug-ins of a call.
pub(super) struct FlowPlugins {
    congestion_control: Spec<CongestionControl>,
    fec: Vec<Spec<Fec>>,
    protection: Spec<ProtectionControl>,
    arq: Spec<Arq>,
    jitter_buffer: Spec<Jitter>,
    audio_buffer: Spec<AudioJitter>,
    pacer: Spec<Pacing>,
}
