//! The scenario file as people write it. These types are the grammar: they
//! read the file and yield its JSON Schema. [`super::resolve`] turns them into
//! the [`super::model`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, Visitor};
use weaknet_core::{Bitrate, Bytes, ClockDrift, Kind, Span};
use weaknet_netem::model::{Corruption, Delay, Duplication, Loss, Qdisc, Rate, Reordering};
use weaknet_transports::arq::Arq;
use weaknet_transports::bulk::BulkConfig;
use weaknet_transports::cc::CongestionControl;
use weaknet_transports::endpoint::KeyFrameRequest;
use weaknet_transports::fec::{Fec, ProtectionControl};
use weaknet_transports::jitter::{AudioJitter, Jitter};
use weaknet_transports::media::{Audio, Video};
use weaknet_transports::messages::MessagesConfig;
use weaknet_transports::pacing::Pacing;
use weaknet_transports::session::SessionConfig;
use weaknet_transports::traffic::Traffic;

use super::model::{Blocks, EcnField, End, FeedbackFormat, LossAt, RtpOverhead, Signalling};

/// A weaknet scenario: a network, the flows that run over it, and what is
/// expected of them.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "weaknet scenario")]
pub struct Document {
    /// Name of the scenario; the file's name when absent. Never inherited.
    pub name: Option<String>,
    /// One sentence for people. Never inherited.
    pub about: Option<String>,
    /// The file or files that this one builds on, relative to this one. Maps
    /// are merged, items of lists by their name; anything else is replaced.
    #[serde(default)]
    pub extends: Files,
    /// How long a run lasts.
    pub duration: Span,
    /// How many seeds to run (1 to n), or which.
    #[serde(default)]
    pub seeds: Seeds,
    /// The window of the run that metrics look at.
    #[serde(default)]
    pub measure: MeasureDoc,
    /// What is asked of a live run of it.
    #[serde(default)]
    pub live: LiveDoc,
    /// The links.
    #[serde(default)]
    pub network: NetworkDoc,
    /// What runs over them.
    #[serde(default)]
    pub flows: Vec<FlowDoc>,
    /// Axes of a matrix: path of a value to the values that it takes. Every
    /// combination is a case.
    #[serde(default)]
    pub matrix: BTreeMap<String, Vec<AnyValue>>,
    /// Conditions on metrics, such as `call.freeze_ratio <= 1%`, judged on the
    /// median over seeds.
    #[serde(default)]
    pub expect: Vec<String>,
}

/// A window of the run.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasureDoc {
    /// Its start; default: the start of the run.
    pub from: Option<Span>,
    /// Its end; default: the end of the run.
    pub to: Option<Span>,
}

/// What is asked of a live run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LiveDoc {
    /// So late 99 % of the packets may leave at most for a run to be trustworthy
    /// (1 ms: a tenth of what a frame of 90 Hz lasts).
    pub max_error_p99: Span,
}

impl Default for LiveDoc {
    fn default() -> Self {
        Self {
            max_error_p99: Span::from_millis(1),
        }
    }
}

/// Either two ends, a and b, with a link each way; or named links.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkDoc {
    /// The link from a to b.
    pub forward: Option<LinkDoc>,
    /// The link from b to a.
    pub backward: Option<LinkDoc>,
    /// Links by name, one direction each; flows then say their `route:`.
    pub links: Option<BTreeMap<String, LinkDoc>>,
    /// What the random draws of links are keyed by: the k-th packet meets the
    /// same fate under every algorithm, or the same instant does; default
    /// `packet`.
    #[serde(default)]
    pub draws: DrawsDoc,
}

/// What random draws are keyed by.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DrawsDoc {
    /// The packet's number on its link.
    #[default]
    Packet,
    /// The slot of time, so long each, as in `draws: {slot: 5ms}`.
    Slot(Span),
}

/// One link, one direction.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkDoc {
    /// How fast it serialises packets; default `unlimited`.
    pub rate: Option<Choice<Rate>>,
    /// How long packets travel; a list: one stage behind the other. Default
    /// `0ms`.
    pub delay: Option<Choices<Delay>>,
    /// Which packets it loses; a list: what any of them loses. Default `none`.
    pub loss: Option<Choices<Loss>>,
    /// Where it loses them; default `after_link`.
    #[serde(default)]
    pub loss_at: LossAt,
    /// Which packets it damages; default `none`.
    pub corrupt: Option<Choice<Corruption>>,
    /// Which packets it delivers twice; default `none`.
    pub duplicate: Option<Choice<Duplication>>,
    /// Which packets leave their place in the order, whatever the delay does;
    /// default `none`.
    pub reorder: Option<Choice<Reordering>>,
    /// The largest packet that it carries, from the IP header on; default: any.
    pub mtu: Option<Bytes>,
    /// What it does to the ECN field of packets; default `pass`.
    #[serde(default)]
    pub ecn: EcnField,
    /// Which protocols its firewall drops; default `nothing`.
    #[serde(default)]
    pub blocks: Blocks,
    /// Which packets wait, and how many; default `drop_tail`.
    pub queue: Option<Choice<Qdisc>>,
}

/// What one end sends to another: `media:`, `bulk:`, `messages:` or `traffic:`.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowDoc {
    /// Its name.
    pub name: String,
    /// The sending end; default `a`.
    pub from: Option<End>,
    /// When it starts; default `0s`.
    #[serde(default)]
    pub start: Span,
    /// When it stops; default: the end of the run.
    pub stop: Option<Span>,
    /// Names of the links from sender to receiver, in order.
    pub route: Option<Vec<String>>,
    /// Names of the links from receiver to sender, in order.
    pub route_back: Option<Vec<String>>,
    /// Several ways between the ends, instead of `route:` and `route_back:`.
    pub paths: Option<Vec<PathDoc>>,
    /// The streams of a call.
    pub media: Option<MediaDoc>,
    /// A reliable byte stream, such as a download.
    pub bulk: Option<BulkConfig>,
    /// Messages, such as room commands, inputs or remote control.
    pub messages: Option<MessagesConfig>,
    /// Cross traffic, which does not adapt.
    pub traffic: Option<Choice<Traffic>>,
    /// Decides how fast to send; default `gcc` for media, `cubic` for bulk,
    /// none for messages.
    pub congestion_control: Option<Choice<CongestionControl>>,
    /// Repair sent in advance; a list: one for video, others for audio. Default
    /// `none`.
    pub fec: Option<Choices<Fec>>,
    /// How much of it for video; default `webrtc`.
    pub protection: Option<Choice<ProtectionControl>>,
    /// Repair on request; default `nack`.
    pub arq: Option<Choice<Arq>>,
    /// Evens out video; default `webrtc`.
    pub jitter_buffer: Option<Choice<Jitter>>,
    /// Evens out audio; default `neteq`.
    pub audio_buffer: Option<Choice<AudioJitter>>,
    /// How much faster the receiver's loudspeaker runs than the sender's
    /// microphone: `50ppm`, or a number of ppm; default 0.
    #[serde(default)]
    pub clock_drift: ClockDrift,
    /// Whether the receiver keeps audio and video in step; default yes.
    pub lip_sync: Option<bool>,
    /// Spreads packets over time; default `webrtc`.
    pub pacer: Option<Choice<Pacing>>,
    /// Which headers packets carry besides IP, UDP and RTP; default `webrtc`.
    #[serde(default)]
    pub rtp_overhead: RtpOverhead,
    /// What is sent besides media and feedback; default `webrtc`.
    #[serde(default)]
    pub signalling: Signalling,
    /// How a call is set up and kept up: outages, the way over TCP.
    #[serde(default)]
    pub session: SessionConfig,
    /// What the receiver reports and when; default `twcc`.
    #[serde(default)]
    pub feedback: FeedbackDoc,
    /// How the receiver asks for a key frame; default `pli`.
    #[serde(default)]
    pub key_frame_request: KeyFrameRequest,
    /// Bounds on the congestion controller's target.
    #[serde(default)]
    pub constraints: ConstraintsDoc,
}

/// One of several ways between the ends of a flow.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathDoc {
    /// Its name.
    pub name: String,
    /// Names of the links from sender to receiver, in order.
    pub route: Vec<String>,
    /// Names of the links from receiver to sender, in order.
    pub route_back: Vec<String>,
}

/// What a call carries: at least one of the two. No `video:` means no video.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaDoc {
    /// A video stream.
    pub video: Option<VideoDoc>,
    /// An audio stream.
    pub audio: Option<AudioDoc>,
}

/// A video stream.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VideoDoc {
    /// The encoder never goes above; default `2.5Mbps`.
    pub max_bitrate: Bitrate,
    /// The encoder never goes below; default `30kbps`.
    pub min_bitrate: Bitrate,
    /// Frames per second; default 30.
    pub fps: f64,
    /// Camera and encoder; default `rfc8593`.
    pub source: Option<Choice<Video>>,
    /// When the application sends none; default never.
    pub pause: Vec<PauseDoc>,
}

/// A time in which the application sends nothing of a stream.
#[derive(Debug, Clone, Copy, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseDoc {
    /// Its start.
    pub from: Span,
    /// Its end; default: the end of the run.
    pub to: Option<Span>,
}

impl Default for VideoDoc {
    fn default() -> Self {
        Self {
            max_bitrate: Bitrate::from_kbps(2500),
            min_bitrate: Bitrate::from_kbps(30),
            fps: 30.0,
            source: None,
            pause: Vec::new(),
        }
    }
}

/// An audio stream.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AudioDoc {
    /// Payload rate; default `32kbps`. With `min_bitrate:` the highest one.
    pub bitrate: Bitrate,
    /// The lowest payload rate: between the two audio follows the target; default:
    /// the rate never changes.
    pub min_bitrate: Option<Bitrate>,
    /// Microphone and encoder; default `opus`.
    pub source: Option<Choice<Audio>>,
    /// When the application sends none; default never.
    pub pause: Vec<PauseDoc>,
}

impl Default for AudioDoc {
    fn default() -> Self {
        Self {
            bitrate: Bitrate::from_kbps(32),
            min_bitrate: None,
            source: None,
            pause: Vec::new(),
        }
    }
}

/// The congestion control feedback that the receiver sends: a format, or format
/// and interval.
#[derive(Debug, Clone, Copy, Default)]
pub struct FeedbackDoc {
    /// Its format.
    pub format: FeedbackFormat,
    /// A fixed interval.
    pub every: Option<Span>,
}

/// The names of formats.
const FORMATS: [&str; 5] = ["default", "twcc", "ccfb", "ack", "rr"];

/// Format and interval.
#[derive(Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct FeedbackMap {
    /// The format: `twcc` (default), `ccfb`, `ack` or `rr`.
    format: FeedbackFormat,
    /// A fixed interval; default: as the receiver's own rule says. With `ack` the
    /// longest time that an acknowledgement is held back.
    every: Option<Span>,
}

impl<'de> Deserialize<'de> for FeedbackDoc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = FeedbackDoc;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one of default, twcc, ccfb, ack, rr, or a map such as `{every: 50ms}`")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<FeedbackDoc, E> {
                let format = match name {
                    "default" | "twcc" => FeedbackFormat::Twcc,
                    "ccfb" => FeedbackFormat::Ccfb,
                    "ack" => FeedbackFormat::Ack,
                    "rr" => FeedbackFormat::Rr,
                    other => return Err(E::unknown_variant(other, &FORMATS)),
                };
                let every = None;
                Ok(FeedbackDoc { format, every })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<FeedbackDoc, A::Error> {
                let map = FeedbackMap::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let FeedbackMap { format, every } = map;
                Ok(FeedbackDoc { format, every })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for FeedbackDoc {
    fn schema_name() -> Cow<'static, str> {
        "Feedback".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = FeedbackMap::json_schema(generator);
        json_schema!({
            "description": "The congestion control feedback that the receiver sends: a format, or format and interval.",
            "anyOf": [{ "enum": FORMATS }, map]
        })
    }
}

/// Bounds on the congestion controller's target.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConstraintsDoc {
    /// Where it starts; default `300kbps`, as libwebrtc does.
    pub start_bitrate: Bitrate,
    /// Never below; default `0bps`.
    pub min_bitrate: Bitrate,
    /// Never above; default: no bound.
    pub max_bitrate: Option<Bitrate>,
}

impl Default for ConstraintsDoc {
    fn default() -> Self {
        Self {
            start_bitrate: Bitrate::from_kbps(300),
            min_bitrate: Bitrate::ZERO,
            max_bitrate: None,
        }
    }
}

/// The choice of a plug-in. The registry reads it from the tree; here it is
/// only a place in the grammar.
pub struct Choice<K>(PhantomData<fn() -> K>);

impl<K> fmt::Debug for Choice<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Choice")
    }
}

impl<'de, K> Deserialize<'de> for Choice<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(PhantomData))
    }
}

impl<K: Kind> JsonSchema for Choice<K> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        K::NAME.into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "$ref": format!("#/definitions/{}", super::schema::definition_name(K::NAME)) })
    }
}

/// One plug-in or a list of them; see [`Choice`].
pub struct Choices<K>(PhantomData<fn() -> K>);

impl<K> fmt::Debug for Choices<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Choices")
    }
}

impl<'de, K> Deserialize<'de> for Choices<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(PhantomData))
    }
}

impl<K: Kind> JsonSchema for Choices<K> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("list of {}", K::NAME).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = Choice::<K>::json_schema(generator);
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

/// A value of any form.
#[derive(Debug)]
pub struct AnyValue;

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl JsonSchema for AnyValue {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "AnyValue".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        Schema::default()
    }
}

/// One file or several.
#[derive(Debug, Default)]
pub struct Files(pub Vec<String>);

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Paths;
        impl<'de> Visitor<'de> for Paths {
            type Value = Files;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the path of a scenario file, or a list of them")
            }
            fn visit_str<E: de::Error>(self, path: &str) -> Result<Files, E> {
                Ok(Files(vec![path.to_owned()]))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, items: A) -> Result<Files, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(items)).map(Files)
            }
        }
        deserializer.deserialize_any(Paths)
    }
}

impl JsonSchema for Files {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Files".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}

/// How many seeds, or which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seeds {
    /// 1 to n.
    Count(u64),
    /// These.
    List(Vec<u64>),
}

impl Default for Seeds {
    fn default() -> Self {
        Self::Count(1)
    }
}

impl Seeds {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Count(n) => *n,
            Self::List(list) => list.len() as u64,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them; look at [`Seeds::len`] first.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u64> {
        match self {
            Self::Count(n) => (1..=*n).collect(),
            Self::List(list) => list.clone(),
        }
    }
}

impl<'de> Deserialize<'de> for Seeds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Seeds;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seeds or a list of seeds")
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Seeds, E> {
                Ok(Seeds::Count(n))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, items: A) -> Result<Seeds, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(items)).map(Seeds::List)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Seeds {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Seeds".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "type": "array", "items": { "type": "integer", "minimum": 0 }, "minItems": 1, "uniqueItems": true }
        ] })
    }
}
