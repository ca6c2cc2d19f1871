//! What qlog events say. Those that come by the packet have structs of their own,
//! which are written without a tree in between.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use weaknet_core::packet::{Class, Leg, Media, Tag};

/// The data of an event. Members stand in the order of their names.
pub(super) enum Data<'a> {
    Packet(Packet<'a>),
    Media(MediaData),
    /// One named value.
    Number(&'static str, f64),
    Other(Value),
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Packet(packet) => packet.serialize(serializer),
            Self::Media(media) => media.serialize(serializer),
            Self::Number(name, value) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(name, value)?;
                map.end()
            }
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

/// A packet, and what happened to it.
#[derive(serde::Serialize)]
pub(super) struct Packet<'a> {
    pub(super) header: Header,
    pub(super) leg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) one_way_delay: Option<f64>,
    pub(super) raw: Raw,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trigger: Option<&'static str>,
}

#[derive(serde::Serialize)]
pub(super) struct Header {
    packet_id: u64,
    packet_type: &'static str,
}

#[derive(serde::Serialize)]
pub(super) struct Raw {
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_length: Option<u32>,
}

impl Packet<'_> {
    pub(super) const fn new(packet: Tag) -> Self {
        Self {
            header: Header {
                // Without the flow, so that every reader of JSON takes it exactly.
                packet_id: packet.id & 0xffff_ffff_ffff,
                packet_type: class_name(packet.class),
            },
            leg: match packet.leg {
                Leg::Outward => "outward",
                Leg::Return => "return",
            },
            link: None,
            one_way_delay: None,
            raw: Raw {
                length: Some(packet.size),
                payload_length: None,
            },
            trigger: None,
        }
    }

    pub(super) const fn payload_length(mut self, payload: Option<u32>) -> Self {
        self.raw.payload_length = payload;
        self
    }
}

/// A media packet that can be used.
#[derive(serde::Serialize)]
pub(super) struct MediaData {
    media: &'static str,
    raw: Raw,
    repaired: bool,
    seq: u64,
}

impl MediaData {
    pub(super) const fn new(media: Media, seq: u64, payload: u32, repaired: bool) -> Self {
        Self {
            media: match media {
                Media::Audio => "audio",
                Media::Video => "video",
            },
            raw: Raw {
                length: None,
                payload_length: Some(payload),
            },
            repaired,
            seq,
        }
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
