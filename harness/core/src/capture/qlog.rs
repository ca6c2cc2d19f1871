//! qlog files: what happened to a flow, event by event.
//!
//! Implements: draft-ietf-quic-qlog-main-schema (editors' copy of July 2026): the
//! sequential file (`QlogFileSeq`) in JSON text sequences (RFC 7464), times in
//! milliseconds since an epoch of the `system` clock, and
//! `simulation:scenario`. No schema for RTP is registered, so events are in a
//! namespace of their own, `weaknet`; those that QUIC has too have its names and
//! fields (draft-ietf-quic-qlog-quic-events: `packet_sent`, `packet_received`,
//! `packet_lost`, `recovery_metrics_updated` with `latest_rtt` in milliseconds
//! and `pacing_rate` in bits per second).
//! Differs: `qlog_version` and `qlog_format` of draft version 0.3 are there as
//! well, by which older viewers know the form of a file. One file has what both
//! ends of the flow say.
//! Not modelled: what happens on links besides losses and marks; packet captures
//! have that.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value, json};
use weaknet_core::event::{FrameDrop, SessionStage};
use weaknet_core::packet::{Class, Leg, Media, Picture, Protocol, Tag};
use weaknet_core::{Event, Span, Time};

use super::files::{CaptureError, Stream, error};
use super::tap::reason_name;
use crate::metrics::RunFacts;
use crate::plan::Case;

/// The event schema of the `weaknet` namespace.
const SCHEMA: &str = "urn:x-weaknet:qlog:events:weaknet";

const SEPARATOR: &[u8] = b"\x1e";

/// Writes one qlog file.
#[derive(Debug)]
pub struct QlogWriter<W> {
    out: W,
}

impl<W: Write> QlogWriter<W> {
    /// Writes the header: what the file is about, and the group of files that it
    /// belongs to.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(
        mut out: W,
        title: &str,
        flow: &str,
        group: &str,
        version: &str,
    ) -> io::Result<Self> {
        let header = json!({
            "file_schema": "urn:ietf:params:qlog:file:sequential",
            "serialization_format": "application/qlog+json-seq",
            "qlog_version": "0.3",
            "qlog_format": "JSON-SEQ",
            "title": title,
            "code_version": version,
            "trace": {
                "title": flow,
                "common_fields": {
                    "group_id": group,
                    "reference_time": {
                        "clock_type": "system",
                        "epoch": "2026-01-01T00:00:00.000Z",
                    },
                },
                "vantage_point": { "name": flow, "type": "network", "flow": "client" },
                "event_schemas": ["urn:ietf:params:qlog:events:simulation", SCHEMA],
            },
        });
        out.write_all(SEPARATOR)?;
        serde_json::to_writer(&mut out, &header)?;
        out.write_all(b"\n")?;
        Ok(Self { out })
    }

    /// Writes an event.
    ///
    /// # Errors
    /// Those of the output.
    pub fn event(&mut self, at: Time, name: &str, data: &Value) -> io::Result<()> {
        const MILLISECOND: u64 = 1_000_000;
        let (ms, ns) = (at.as_nanos() / MILLISECOND, at.as_nanos() % MILLISECOND);
        self.out.write_all(SEPARATOR)?;
        write!(
            self.out,
            "{{\"time\":{ms}.{ns:06},\"name\":\"{name}\",\"data\":"
        )?;
        serde_json::to_writer(&mut self.out, data)?;
        self.out.write_all(b"}\n")
    }

    /// The output.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// The qlog files of a case, one per flow.
pub(super) struct CaseQlog {
    flows: Vec<QlogWriter<Stream>>,
    links: Vec<String>,
}

impl CaseQlog {
    pub(super) fn create(
        folder: &Path,
        case: &Case,
        facts: &RunFacts,
        version: &str,
    ) -> Result<Self, CaptureError> {
        let scenario = &case.scenario.name;
        let group = super::folder_name(&case.id, &case.seed.to_string());
        let mut details: Map<String, Value> = case
            .params
            .iter()
            .map(|(path, value)| (path.clone(), json!(value)))
            .collect();
        details.insert("seed".to_owned(), json!(case.seed.to_string()));
        let about = json!({ "name": scenario, "details": details });
        let open = |name: &String| {
            let path = folder.join(format!("{name}.sqlog"));
            let file = Stream::create(&path)?;
            QlogWriter::new(file, scenario, name, &group, version)
                .and_then(|mut log| {
                    log.event(Time::ZERO, "simulation:scenario", &about)?;
                    Ok(log)
                })
                .map_err(error("write", &path))
        };
        let flows = facts.flows.iter().map(|flow| open(&flow.name));
        Ok(Self {
            flows: flows.collect::<Result<_, _>>()?,
            links: facts.links.iter().map(|link| link.name.clone()).collect(),
        })
    }

    pub(super) fn event(&mut self, at: Time, event: &Event) {
        let Some((flow, name, data)) = entry(event, &self.links) else {
            return;
        };
        if let Some(log) = self.flows.get_mut(usize::from(flow)) {
            // A stream keeps its failure until it is finished.
            let _ = log.event(at, name, &data);
        }
    }

    pub(super) fn finish(self) -> Result<(), CaptureError> {
        let mut flows = self.flows.into_iter();
        flows.try_for_each(|log| log.into_inner().finish())
    }
}

/// Flow, name and data of an event that belongs into a flow's log.
fn entry(event: &Event, links: &[String]) -> Option<(u16, &'static str, Value)> {
    let link_name = |link: weaknet_core::packet::LinkId| links.get(usize::from(link.0));
    let ms = Span::as_millis_f64;
    Some(match *event {
        Event::Sent { packet, payload } => {
            let mut data = about(packet);
            if payload > 0 {
                data["raw"]["payload_length"] = json!(payload);
            }
            (packet.flow.0, "weaknet:packet_sent", data)
        }
        Event::Received { packet, one_way } => {
            let mut data = about(packet);
            data["one_way_delay"] = json!(ms(one_way));
            (packet.flow.0, "weaknet:packet_received", data)
        }
        Event::LinkDrop {
            link,
            packet,
            reason,
        } => {
            let mut data = about(packet);
            data["link"] = json!(link_name(link));
            data["trigger"] = json!(reason_name(reason));
            (packet.flow.0, "weaknet:packet_lost", data)
        }
        Event::LinkMark { link, packet } => {
            let mut data = about(packet);
            data["link"] = json!(link_name(link));
            (packet.flow.0, "weaknet:packet_marked", data)
        }
        Event::Damaged { packet } => {
            let mut data = about(packet);
            data["trigger"] = json!("damaged");
            (packet.flow.0, "weaknet:packet_dropped", data)
        }
        Event::MediaUsable {
            flow,
            media,
            seq,
            payload,
            repaired,
        } => {
            let data = json!({
                "media": media_name(media),
                "seq": seq,
                "raw": { "payload_length": payload },
                "repaired": repaired,
            });
            (flow.0, "weaknet:media_usable", data)
        }
        Event::FrameEncoded {
            flow,
            frame,
            key,
            size,
            picture,
        } => {
            let mut data = json!({ "frame": frame, "key": key, "raw": { "payload_length": size } });
            put_picture(&mut data, &picture);
            (flow.0, "weaknet:frame_encoded", data)
        }
        Event::FrameDropped {
            flow,
            frame,
            reason,
        } => {
            let data = json!({ "frame": frame, "trigger": frame_drop_name(reason) });
            (flow.0, "weaknet:frame_dropped", data)
        }
        Event::FrameRendered {
            flow,
            frame,
            times,
            picture,
            ..
        } => {
            let mut data = json!({
                "frame": frame,
                "captured": times.captured.as_millis_f64(),
                "first_sent": times.first_sent.as_millis_f64(),
                "first_arrived": times.first_arrived.as_millis_f64(),
                "complete": times.complete.as_millis_f64(),
                "decode_start": times.decode_start.as_millis_f64(),
                "decoded": times.decoded.as_millis_f64(),
            });
            put_picture(&mut data, &picture);
            (flow.0, "weaknet:frame_rendered", data)
        }
        Event::KeyFrameRequested { flow } => (flow.0, "weaknet:key_frame_requested", json!({})),
        Event::NackSent { flow, count } => (flow.0, "weaknet:nack_sent", json!({ "count": count })),
        Event::AudioPlayed {
            flow,
            length,
            captured,
        } => {
            let captured = captured.map(Time::as_millis_f64);
            let data = json!({ "length": ms(length), "captured": captured });
            (flow.0, "weaknet:audio_played", data)
        }
        Event::Target {
            flow,
            target,
            pacing,
        } => {
            let data = json!({
                "target_bitrate": target.as_bps(),
                "pacing_rate": pacing.as_bps(),
            });
            (flow.0, METRICS, data)
        }
        Event::Gauge { flow, name, value } => (flow.0, METRICS, json!({ name: value })),
        Event::RttSample { flow, rtt } => (flow.0, METRICS, json!({ "latest_rtt": ms(rtt) })),
        Event::Session { flow, stage } => {
            let data = json!({ "new": stage_name(stage) });
            (flow.0, "weaknet:session_state_updated", data)
        }
        Event::Selected { flow, protocol } => {
            let data = json!({ "protocol": protocol_name(protocol) });
            (flow.0, "weaknet:protocol_selected", data)
        }
        Event::Paused {
            flow,
            media,
            paused,
        } => {
            let data = json!({ "media": media_name(media), "paused": paused });
            (flow.0, "weaknet:stream_paused", data)
        }
        Event::Retransmitted { flow, frame, fresh } => {
            let data = json!({ "frame": frame, "fresh": fresh });
            (flow.0, "weaknet:retransmission_received", data)
        }
        Event::RetransmissionForgone { flow, count } => {
            let data = json!({ "count": count });
            (flow.0, "weaknet:retransmission_forgone", data)
        }
        Event::MessageGiven {
            flow,
            message,
            size,
        } => {
            let data = json!({ "message": message, "length": size });
            (flow.0, "weaknet:message_given", data)
        }
        Event::MessageDelivered {
            flow,
            message,
            given,
        } => {
            let data = json!({ "message": message, "given": given.as_millis_f64() });
            (flow.0, "weaknet:message_delivered", data)
        }
        _ => return None,
    })
}

const METRICS: &str = "weaknet:recovery_metrics_updated";

/// Adds what is modelled of a picture.
fn put_picture(data: &mut Value, picture: &Picture) {
    let Some(map) = data.as_object_mut() else {
        return;
    };
    if picture.pixels().is_some() {
        map.insert("width".to_owned(), json!(picture.width));
        map.insert("height".to_owned(), json!(picture.height));
    }
    if let Some(qp) = picture.qp {
        map.insert("qp".to_owned(), json!(qp));
    }
    if picture.temporal > 0 {
        map.insert("temporal_layer".to_owned(), json!(picture.temporal));
    }
    if picture.simulcast_layers > 1 {
        map.insert("simulcast_layer".to_owned(), json!(picture.simulcast));
    }
}

fn about(packet: Tag) -> Value {
    // Without the flow, so that every reader of JSON takes it exactly.
    let id = packet.id & 0xffff_ffff_ffff;
    let leg = match packet.leg {
        Leg::Outward => "outward",
        Leg::Return => "return",
    };
    json!({
        "header": { "packet_id": id, "packet_type": class_name(packet.class) },
        "leg": leg,
        "raw": { "length": packet.size },
    })
}

const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Audio => "audio",
        Class::Video => "video",
        Class::Rtx => "rtx",
        Class::Fec => "fec",
        Class::Padding => "padding",
        Class::Rtcp => "rtcp",
        Class::Session => "session",
        Class::Message => "message",
        Class::Other => "other",
    }
}

const fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Udp => "udp",
        Protocol::Tcp => "tcp",
    }
}

const fn media_name(media: Media) -> &'static str {
    match media {
        Media::Audio => "audio",
        Media::Video => "video",
    }
}

const fn frame_drop_name(reason: FrameDrop) -> &'static str {
    match reason {
        FrameDrop::Encoder => "encoder",
        FrameDrop::Incomplete => "incomplete",
        FrameDrop::Undecodable => "undecodable",
        FrameDrop::Late => "late",
        FrameDrop::Flushed => "flushed",
        _ => "other",
    }
}

const fn stage_name(stage: SessionStage) -> &'static str {
    match stage {
        SessionStage::Started => "started",
        SessionStage::IceConnected => "ice_connected",
        SessionStage::SenderReady => "sender_ready",
        SessionStage::Connected => "connected",
        SessionStage::Disconnected => "disconnected",
        SessionStage::Failed => "failed",
        _ => "other",
    }
}
