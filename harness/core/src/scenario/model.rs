//! The typed scenario: what is left of a scenario file once `extends`, `--set`
//! and `matrix` are applied, defaults are filled in and names are resolved.

use weaknet_core::packet::LinkId;
use weaknet_core::{Bitrate, Bytes, ClockDrift, Span, Time};
use weaknet_netem::model::{Corruption, Delay, Duplication, Loss, Qdisc, Rate, Reordering};
pub use weaknet_netem::{Blocks, DrawKey, EcnField, LossAt};
use weaknet_transports::arq::Arq;
use weaknet_transports::bulk::BulkConfig;
use weaknet_transports::cc::{CongestionControl, Constraints};
use weaknet_transports::endpoint::KeyFrameRequest;
use weaknet_transports::fec::{Fec, ProtectionControl};
use weaknet_transports::jitter::{AudioJitter, Jitter};
use weaknet_transports::media::{Audio, Video};
use weaknet_transports::messages::MessagesConfig;
use weaknet_transports::pacing::Pacing;
pub use weaknet_transports::rtp::{FeedbackFormat, RtpOverhead};
use weaknet_transports::session::SessionConfig;
use weaknet_transports::traffic::Traffic;

use super::error::Place;
use crate::registry::Spec;

/// One case of a scenario file.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name; the file's stem when the file gives none.
    pub name: String,
    /// One sentence for people.
    pub about: Option<String>,
    /// How long a run lasts; never zero.
    pub duration: Span,
    /// One run per seed; at least one, no duplicates.
    pub seeds: Vec<u64>,
    /// The window that metrics look at.
    pub measure: Measure,
    /// So late 99 % of the packets of a live run may leave at most for it to be
    /// trustworthy.
    pub max_error_p99: Span,
    /// The links.
    pub network: Network,
    /// The flows, by [`weaknet_core::packet::FlowId`].
    pub flows: Vec<Flow>,
    /// What the results must satisfy.
    pub expect: Vec<Expectation>,
}

/// A window of a run: `from <= t < to`, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Its start.
    pub from: Time,
    /// Its end, the end of the run at the latest.
    pub to: Time,
}

/// The links of a scenario.
#[derive(Debug, Clone)]
pub struct Network {
    /// How the file describes them.
    pub topology: Topology,
    /// The links, by [`LinkId`].
    pub links: Vec<LinkSpec>,
    /// What random draws are keyed by.
    pub draws: DrawKey,
}

/// How the file describes the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// Two ends, a and b: link 0 is `forward` (a to b), link 1 is `backward`.
    Ends,
    /// Named links, and a route per flow.
    Links,
}

/// One link, one direction.
#[derive(Debug, Clone)]
pub struct LinkSpec {
    /// Its name.
    pub name: String,
    /// How fast it serialises; default `unlimited`.
    pub rate: Spec<Rate>,
    /// How long packets travel, stage by stage; default `0ms`.
    pub delay: Vec<Spec<Delay>>,
    /// Which packets it loses; default `none`.
    pub loss: Vec<Spec<Loss>>,
    /// Where it loses them.
    pub loss_at: LossAt,
    /// Which packets it damages; default `none`.
    pub corrupt: Spec<Corruption>,
    /// Which packets it delivers twice; default `none`.
    pub duplicate: Spec<Duplication>,
    /// Which packets leave their place in the order; default `none`.
    pub reorder: Spec<Reordering>,
    /// The largest packet that it carries; `None`: any.
    pub mtu: Option<Bytes>,
    /// What it does to the ECN field.
    pub ecn: EcnField,
    /// Which protocols its firewall drops.
    pub blocks: Blocks,
    /// Which packets wait; default `drop_tail` with its own defaults.
    pub queue: Spec<Qdisc>,
}

/// An end of the two-ended network.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Sends over `forward`.
    #[default]
    A,
    /// Sends over `backward`.
    B,
}

/// What one end sends to another.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Its name.
    pub name: String,
    /// The sending end of the two-ended network; `a` where flows have routes.
    pub from: End,
    /// When it starts.
    pub start: Time,
    /// When it stops; the end of the run at the latest.
    pub stop: Time,
    /// Ways between its ends; at least one.
    pub paths: Vec<Path>,
    /// What it carries.
    pub load: Load,
}

impl Flow {
    /// The call, if it is one.
    #[must_use]
    pub fn call(&self) -> Option<&Call> {
        match &self.load {
            Load::Call(call) => Some(call),
            Load::Bulk(_) | Load::Messages(_) | Load::Traffic(_) => None,
        }
    }
}

/// One way between the ends of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Its name under `paths:`; `None` for the only path of a flow that says
    /// `route:`, or of the two-ended network.
    pub name: Option<String>,
    /// Links from sender to receiver, in order.
    pub outward: Vec<LinkId>,
    /// Links from receiver to sender, in order.
    pub back: Vec<LinkId>,
}

/// What a flow carries.
#[derive(Debug, Clone)]
pub enum Load {
    /// One direction of a call.
    Call(Box<Call>),
    /// A reliable byte stream.
    Bulk(Box<Bulk>),
    /// Messages.
    Messages(Box<Messages>),
    /// Cross traffic.
    Traffic(Spec<Traffic>),
}

/// A reliable byte stream.
#[derive(Debug, Clone)]
pub struct Bulk {
    /// What it carries and how it looks on the wire.
    pub config: BulkConfig,
    /// Decides how fast to send; default `cubic`.
    pub congestion_control: Spec<CongestionControl>,
    /// Bounds on the congestion controller's target.
    pub constraints: Constraints,
}

/// Messages.
#[derive(Debug, Clone)]
pub struct Messages {
    /// What they are and how reliable.
    pub config: MessagesConfig,
    /// Decides how fast to send; default: nobody.
    pub congestion_control: Option<Spec<CongestionControl>>,
    /// Bounds on the congestion controller's target.
    pub constraints: Constraints,
}

/// One direction of a call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its streams; at least one of both.
    pub media: Media,
    /// Decides how fast to send; default `gcc`.
    pub congestion_control: Spec<CongestionControl>,
    /// Repair sent in advance, at most one scheme for video; default `none`.
    pub fec: Vec<Spec<Fec>>,
    /// How much of it; default `fixed`.
    pub protection: Spec<ProtectionControl>,
    /// Repair on request; default `nack`.
    pub arq: Spec<Arq>,
    /// Evens out video; default `webrtc`.
    pub jitter_buffer: Spec<Jitter>,
    /// Evens out audio; default `neteq`.
    pub audio_buffer: Spec<AudioJitter>,
    /// How much faster the receiver's loudspeaker runs than the sender's
    /// microphone; default none.
    pub clock_drift: ClockDrift,
    /// Whether audio and video are kept in step; default yes.
    pub lip_sync: bool,
    /// Spreads packets; default `webrtc`.
    pub pacer: Spec<Pacing>,
    /// Which headers packets carry.
    pub rtp_overhead: RtpOverhead,
    /// What else is sent.
    pub signalling: Signalling,
    /// How it is set up and kept up.
    pub session: SessionConfig,
    /// When the receiver reports.
    pub feedback: Feedback,
    /// How the receiver asks for a key frame.
    pub key_frame_request: KeyFrameRequest,
    /// Bounds on the congestion controller's target.
    pub constraints: Constraints,
}

/// The streams of a call.
#[derive(Debug, Clone)]
pub struct Media {
    /// The video stream, if there is one.
    pub video: Option<VideoStream>,
    /// The audio stream, if there is one.
    pub audio: Option<AudioStream>,
}

/// A video stream.
#[derive(Debug, Clone)]
pub struct VideoStream {
    /// The encoder never goes above.
    pub max_bitrate: Bitrate,
    /// The encoder never goes below.
    pub min_bitrate: Bitrate,
    /// Frames per second; finite and above zero.
    pub fps: f64,
    /// Camera and encoder; default `rfc8593`.
    pub source: Spec<Video>,
    /// When the application sends none: from, to, ascending.
    pub pauses: Vec<(Time, Time)>,
}

/// An audio stream.
#[derive(Debug, Clone)]
pub struct AudioStream {
    /// Payload rate, or the highest one.
    pub bitrate: Bitrate,
    /// The lowest payload rate, at most `bitrate`; `None`: it never changes.
    pub min_bitrate: Option<Bitrate>,
    /// Microphone and encoder; default `opus`.
    pub source: Spec<Audio>,
    /// When the application sends none: from, to, ascending.
    pub pauses: Vec<(Time, Time)>,
}

/// What a call sends besides media and congestion control feedback.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Signalling {
    /// Call set-up with ICE and DTLS, consent checks, sender and receiver
    /// reports.
    #[default]
    Webrtc,
    /// Nothing: media flow from the start, and the sender takes round trips and
    /// losses from the feedback, once a second.
    None,
}

/// The congestion control feedback that the receiver sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Feedback {
    /// Its format.
    pub format: FeedbackFormat,
    /// A fixed interval, never zero; `None`: as the receiver's own rule says.
    pub every: Option<Span>,
}

/// A condition on a metric, judged on the median over seeds.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The flow or link.
    pub subject: String,
    /// The metric, one that the subject's kind has.
    pub metric: String,
    /// How the metric must relate to the value.
    pub op: Comparison,
    /// The bound; shares are between 0 and 1.
    pub value: f64,
    /// The condition as written.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// How a metric must relate to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<=`
    AtMost,
    /// `<`
    Below,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
}

impl Comparison {
    /// Whether `value` relates to `bound` as it must.
    #[must_use]
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::AtMost => value <= bound,
            Self::Below => value < bound,
            Self::AtLeast => value >= bound,
            Self::Above => value > bound,
        }
    }
}
