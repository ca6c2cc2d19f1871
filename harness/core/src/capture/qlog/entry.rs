//! What a qlog file says of an event: its name and fields.

use serde::ser::{Serialize, SerializeMap, Serializer};
use weaknet_core::event::{FrameDrop, SessionStage};
use weaknet_core::packet::{Class, FlowId, Leg, LinkId, Media, Picture, Protocol, Tag};
use weaknet_core::{Event, Span, Time};

use crate::capture::tap::reason_name;

/// An event of a flow's log.
pub(super) struct Entry<'a> {
    pub(super) flow: FlowId,
    pub(super) name: &'static str,
    pub(super) data: Data<'a>,
}

/// The fields of an event.
#[derive(serde::Serialize)]
#[serde(untagged)]
pub(super) enum Data<'a> {
    Packet(PacketData<'a>),
    Usable {
        media: &'static str,
        seq: u64,
        raw: Payload,
        repaired: bool,
    },
    Encoded {
        frame: u64,
        key: bool,
        raw: Payload,
        #[serde(flatten)]
        picture: PictureData,
    },
    Dropped {
        frame: u64,
        trigger: &'static str,
    },
    Rendered {
        frame: u64,
        captured: f64,
        first_sent: f64,
        first_arrived: f64,
        complete: f64,
        decode_start: f64,
        decoded: f64,
        #[serde(flatten)]
        picture: PictureData,
    },
    Count {
        count: u32,
    },
    Played {
        length: f64,
        captured: Option<f64>,
    },
    Rates {
        target_bitrate: u64,
        pacing_rate: u64,
    },
    Rtt {
        latest_rtt: f64,
    },
    Gauge(Gauge),
    State {
        new: &'static str,
    },
    Selected {
        protocol: &'static str,
    },
    Paused {
        media: &'static str,
        paused: bool,
    },
    Retransmission {
        frame: u64,
        fresh: bool,
    },
    Given {
        message: u64,
        length: u32,
    },
    Delivered {
        message: u64,
        given: f64,
    },
    Nothing {},
}

#[derive(serde::Serialize)]
pub(super) struct PacketData<'a> {
    header: Header,
    leg: &'static str,
    raw: Raw,
    #[serde(skip_serializing_if = "Option::is_none")]
    one_way_delay: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<&'static str>,
}

#[derive(serde::Serialize)]
struct Header {
    packet_id: u64,
    packet_type: &'static str,
}

#[derive(serde::Serialize)]
struct Raw {
    length: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_length: Option<u32>,
}

#[derive(serde::Serialize)]
pub(super) struct Payload {
    payload_length: u32,
}

/// What is modelled of a picture.
#[derive(serde::Serialize)]
pub(super) struct PictureData {
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qp: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temporal_layer: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    simulcast_layer: Option<u8>,
}

/// One field whose name only the event knows.
pub(super) struct Gauge(&'static str, f64);

impl Serialize for Gauge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &self.1)?;
        map.end()
    }
}

impl From<&Picture> for PictureData {
    fn from(picture: &Picture) -> Self {
        let size = picture.pixels().map(|_| (picture.width, picture.height));
        Self {
            width: size.map(|(width, _)| width),
            height: size.map(|(_, height)| height),
            qp: picture.qp,
            temporal_layer: Some(picture.temporal).filter(|layer| *layer > 0),
            simulcast_layer: Some(picture.simulcast).filter(|_| picture.simulcast_layers > 1),
        }
    }
}

const METRICS: &str = "weaknet:recovery_metrics_updated";

/// What a flow's log says of an event; nothing of most that happens on links.
pub(super) fn of<'a>(event: &Event, links: &'a [String]) -> Option<Entry<'a>> {
    let link_name = |link: LinkId| links.get(usize::from(link.0)).map(String::as_str);
    let ms = Time::as_millis_f64;
    let (flow, name, data) = match *event {
        Event::Sent { packet, payload } => {
            let mut data = about(packet);
            data.raw.payload_length = Some(payload).filter(|payload| *payload > 0);
            (packet.flow, "weaknet:packet_sent", Data::Packet(data))
        }
        Event::Received { packet, one_way } => {
            let mut data = about(packet);
            data.one_way_delay = Some(one_way.as_millis_f64());
            (packet.flow, "weaknet:packet_received", Data::Packet(data))
        }
        Event::LinkDrop {
            link,
            packet,
            reason,
        } => {
            let mut data = about(packet);
            data.link = link_name(link);
            data.trigger = Some(reason_name(reason));
            (packet.flow, "weaknet:packet_lost", Data::Packet(data))
        }
        Event::LinkMark { link, packet } => {
            let mut data = about(packet);
            data.link = link_name(link);
            (packet.flow, "weaknet:packet_marked", Data::Packet(data))
        }
        Event::Damaged { packet } => {
            let mut data = about(packet);
            data.trigger = Some("damaged");
            (packet.flow, "weaknet:packet_dropped", Data::Packet(data))
        }
        Event::MediaUsable {
            flow,
            media,
            seq,
            payload,
            repaired,
        } => {
            let data = Data::Usable {
                media: media_name(media),
                seq,
                raw: Payload {
                    payload_length: payload,
                },
                repaired,
            };
            (flow, "weaknet:media_usable", data)
        }
        Event::FrameEncoded {
            flow,
            frame,
            key,
            size,
            ref picture,
        } => {
            let data = Data::Encoded {
                frame,
                key,
                raw: Payload {
                    payload_length: size,
                },
                picture: picture.into(),
            };
            (flow, "weaknet:frame_encoded", data)
        }
        Event::FrameDropped {
            flow,
            frame,
            reason,
        } => {
            let trigger = frame_drop_name(reason);
            let data = Data::Dropped { frame, trigger };
            (flow, "weaknet:frame_dropped", data)
        }
        Event::FrameRendered {
            flow,
            frame,
            ref times,
            ref picture,
            ..
        } => {
            let data = Data::Rendered {
                frame,
                captured: ms(times.captured),
                first_sent: ms(times.first_sent),
                first_arrived: ms(times.first_arrived),
                complete: ms(times.complete),
                decode_start: ms(times.decode_start),
                decoded: ms(times.decoded),
                picture: picture.into(),
            };
            (flow, "weaknet:frame_rendered", data)
        }
        Event::KeyFrameRequested { flow } => {
            (flow, "weaknet:key_frame_requested", Data::Nothing {})
        }
        Event::NackSent { flow, count } => (flow, "weaknet:nack_sent", Data::Count { count }),
        Event::AudioPlayed {
            flow,
            length,
            captured,
        } => {
            let data = Data::Played {
                length: length.as_millis_f64(),
                captured: captured.map(ms),
            };
            (flow, "weaknet:audio_played", data)
        }
        Event::Target {
            flow,
            target,
            pacing,
        } => {
            let data = Data::Rates {
                target_bitrate: target.as_bps(),
                pacing_rate: pacing.as_bps(),
            };
            (flow, METRICS, data)
        }
        Event::Gauge { flow, name, value } => (flow, METRICS, Data::Gauge(Gauge(name, value))),
        Event::RttSample { flow, rtt } => {
            let latest_rtt = Span::as_millis_f64(rtt);
            (flow, METRICS, Data::Rtt { latest_rtt })
        }
        Event::Session { flow, stage } => {
            let new = stage_name(stage);
            (flow, "weaknet:session_state_updated", Data::State { new })
        }
        Event::Selected { flow, protocol } => {
            let protocol = protocol_name(protocol);
            let name = "weaknet:protocol_selected";
            (flow, name, Data::Selected { protocol })
        }
        Event::Paused {
            flow,
            media,
            paused,
        } => {
            let media = media_name(media);
            let data = Data::Paused { media, paused };
            (flow, "weaknet:stream_paused", data)
        }
        Event::Retransmitted { flow, frame, fresh } => {
            let data = Data::Retransmission { frame, fresh };
            (flow, "weaknet:retransmission_received", data)
        }
        Event::RetransmissionForgone { flow, count } => {
            let name = "weaknet:retransmission_forgone";
            (flow, name, Data::Count { count })
        }
        Event::MessageGiven {
            flow,
            message,
            size,
        } => {
            let length = size;
            let data = Data::Given { message, length };
            (flow, "weaknet:message_given", data)
        }
        Event::MessageDelivered {
            flow,
            message,
            given,
        } => {
            let given = ms(given);
            let data = Data::Delivered { message, given };
            (flow, "weaknet:message_delivered", data)
        }
        _ => return None,
    };
    Some(Entry { flow, name, data })
}

fn about<'a>(packet: Tag) -> PacketData<'a> {
    PacketData {
        header: Header {
            // Without the flow, so that every reader of JSON takes it exactly.
            packet_id: packet.id & 0xffff_ffff_ffff,
            packet_type: class_name(packet.class),
        },
        leg: match packet.leg {
            Leg::Outward => "outward",
            Leg::Return => "return",
        },
        raw: Raw {
            length: packet.size,
            payload_length: None,
        },
        one_way_delay: None,
        link: None,
        trigger: None,
    }
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
        Protocol::Other => "other",
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
