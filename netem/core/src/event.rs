//! What happened: the only thing that metrics and recorders see.
//!
//! Events are published in order of logical time. Each is `Copy` and small;
//! whoever needs history keeps it.

use crate::packet::{FlowId, LinkId, Media, Picture, Protocol, Tag};
use crate::time::{Span, Time};
use crate::units::Bitrate;

/// Why a link did not deliver a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The queue had no room.
    Overflow,
    /// An active queue management decided so.
    Aqm,
    /// The loss model decided so.
    Loss,
    /// It exceeded the rate that a policer grants.
    Policed,
    /// It was larger than the link's MTU.
    TooBig,
    /// A middlebox does not let such packets pass.
    Filtered,
}

/// Why a complete or partial video frame was never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FrameDrop {
    /// The encoder or the sender skipped it.
    Encoder,
    /// Packets were missing when the receiver gave up on it.
    Incomplete,
    /// A frame that it refers to was missing.
    Undecodable,
    /// A newer frame was due: the jitter buffer jumped over it.
    Late,
    /// The buffer was full or had been flushed.
    Flushed,
}

/// The life of a rendered video frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameTimes {
    /// Captured (handed to the encoder).
    pub captured: Time,
    /// First packet put on the first link.
    pub first_sent: Time,
    /// First packet arrived at the receiver.
    pub first_arrived: Time,
    /// Last missing packet arrived.
    pub complete: Time,
    /// Given to the decoder.
    pub decode_start: Time,
    /// Decoded.
    pub decoded: Time,
}

/// Stages of call set-up, in their order, and what may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SessionStage {
    /// The flow's start time: both ends know each other's candidates.
    Started,
    /// The sender's end has a working candidate pair.
    IceConnected,
    /// The sender's end may send media (key exchange finished there).
    SenderReady,
    /// Both ends are connected.
    Connected,
    /// No candidate pair of the sender's end works any more; no media are sent
    /// until one does again.
    Disconnected,
    /// Set-up was given up, or no candidate pair is left to try.
    Failed,
}

/// What an audio buffer counts: the names of `RTCInboundRtpStreamStats` (W3C
/// webrtc-stats) where it has one, else of libwebrtc's `NetEqLifetimeStatistics`.
/// Samples are those of a 48 kHz clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AudioCounter {
    /// `concealedSamples`.
    ConcealedSamples,
    /// `silentConcealedSamples`: those that had faded out, or were noise.
    SilentConcealedSamples,
    /// `concealmentEvents`.
    ConcealmentEvents,
    /// `insertedSamplesForDeceleration`.
    InsertedSamples,
    /// `removedSamplesForAcceleration`.
    RemovedSamples,
    /// Samples of comfort noise between packets of silence.
    ComfortNoiseSamples,
    /// `interruption_count`: concealments of 150 ms or more.
    Interruptions,
    /// `total_interruption_duration_ms`.
    InterruptionMillis,
    /// `delayed_packet_outage_events`: concealments that a late packet ended.
    Outages,
    /// `delayed_packet_outage_samples`.
    OutageSamples,
    /// `packetsDiscarded`: that came too late, twice or too many.
    PacketsDiscarded,
    /// `fecPacketsReceived`: redundant copies.
    RedundantReceived,
    /// `fecPacketsDiscarded`.
    RedundantDiscarded,
    /// `packet_buffer_flushes`.
    Flushes,
    /// `relative_packet_arrival_delay_ms`.
    RelativeArrivalMillis,
    /// Samples decoded from a copy of their packet.
    RecoveredSamples,
    /// Those of them that have less than the codec's full quality.
    ReducedSamples,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A packet reached a link.
    LinkArrive {
        /// Where.
        link: LinkId,
        /// What.
        packet: Tag,
    },
    /// A link dropped or lost a packet.
    LinkDrop {
        /// Where.
        link: LinkId,
        /// What.
        packet: Tag,
        /// Why.
        reason: DropReason,
    },
    /// A link delivered a packet at its far end.
    LinkDeliver {
        /// Where.
        link: LinkId,
        /// What.
        packet: Tag,
        /// Time in the queue, own serialisation excluded.
        waited: Span,
        /// Time from arrival at the link to delivery.
        total: Span,
    },
    /// A queue marked a packet with congestion experienced (RFC 3168).
    LinkMark {
        /// Where.
        link: LinkId,
        /// What.
        packet: Tag,
    },
    /// A link made a copy of a packet.
    LinkCopy {
        /// Where.
        link: LinkId,
        /// What; the copy has the same tag.
        packet: Tag,
    },
    /// A packet left a live link in fact.
    LinkLeft {
        /// Where.
        link: LinkId,
        /// So long after it was due.
        late: Span,
    },
    /// A damaged packet reached the other end, which threw it away.
    Damaged {
        /// What.
        packet: Tag,
    },
    /// An end sent a packet on a path that its flow does not have; it goes
    /// nowhere.
    NoPath {
        /// What.
        packet: Tag,
    },
    /// An end put a packet on its first link.
    Sent {
        /// What.
        packet: Tag,
        /// Payload bytes of media carried for the first time, else 0.
        payload: u32,
    },
    /// A packet reached the other end.
    Received {
        /// What.
        packet: Tag,
        /// Time since it was sent.
        one_way: Span,
    },
    /// A media packet became usable at the receiver for the first time.
    MediaUsable {
        /// Which flow.
        flow: FlowId,
        /// Which stream.
        media: Media,
        /// Its extended sequence number.
        seq: u64,
        /// Payload bytes.
        payload: u32,
        /// Whether it took a retransmission or repair packet.
        repaired: bool,
    },
    /// Repair packets yielded a media packet that had not come by itself.
    FecRecovered {
        /// Which flow.
        flow: FlowId,
    },
    /// An audio packet was sent that carries copies of older ones.
    RedundancySent {
        /// Which flow.
        flow: FlowId,
        /// Bytes that the copies take in it.
        bytes: u32,
    },
    /// The encoder delivered a frame; one for each simulcast layer of the same
    /// number.
    FrameEncoded {
        /// Which flow.
        flow: FlowId,
        /// Which frame, from 0.
        frame: u64,
        /// Whether it is a key frame.
        key: bool,
        /// Payload bytes.
        size: u32,
        /// What it shows, and its layers.
        picture: Picture,
    },
    /// A frame will never be shown.
    FrameDropped {
        /// Which flow.
        flow: FlowId,
        /// Which frame, from 0.
        frame: u64,
        /// Why.
        reason: FrameDrop,
    },
    /// A frame was shown.
    FrameRendered {
        /// Which flow.
        flow: FlowId,
        /// Which frame, from 0.
        frame: u64,
        /// Its life until now.
        times: FrameTimes,
        /// Payload bytes.
        size: u32,
        /// What it shows, and its layers.
        picture: Picture,
    },
    /// The receiver asked for a key frame.
    KeyFrameRequested {
        /// Which flow.
        flow: FlowId,
    },
    /// The receiver asked for retransmissions.
    NackSent {
        /// Which flow.
        flow: FlowId,
        /// How many sequence numbers.
        count: u32,
    },
    /// Audio was played out: `length` of sound, real or concealed.
    AudioPlayed {
        /// Which flow.
        flow: FlowId,
        /// How much.
        length: Span,
        /// When the sound was captured; `None` when it was made up.
        captured: Option<Time>,
    },
    /// An audio packet left its buffer to be decoded.
    AudioDecoded {
        /// Which flow.
        flow: FlowId,
        /// Length of its sound.
        length: Span,
        /// How long it was in the buffer.
        waited: Span,
        /// The delay that the buffer aims at.
        target: Span,
        /// What it would aim at without bounds from outside.
        minimum: Span,
    },
    /// An audio buffer counted something.
    AudioCount {
        /// Which flow.
        flow: FlowId,
        /// What.
        counter: AudioCounter,
        /// How many more.
        by: u64,
    },
    /// The controller's decision changed.
    Target {
        /// Which flow.
        flow: FlowId,
        /// Target bit rate.
        target: Bitrate,
        /// Pacing rate.
        pacing: Bitrate,
    },
    /// A named value inside an algorithm, for plots.
    Gauge {
        /// Which flow.
        flow: FlowId,
        /// Its name, unit included.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// A round-trip time sample at the sender.
    RttSample {
        /// Which flow.
        flow: FlowId,
        /// How long.
        rtt: Span,
    },
    /// Call set-up reached a stage.
    Session {
        /// Which flow.
        flow: FlowId,
        /// Which stage.
        stage: SessionStage,
    },
    /// Bytes of a stream reached the application, in order and each once.
    StreamDelivered {
        /// Which flow.
        flow: FlowId,
        /// How many.
        bytes: u64,
    },
    /// The application has a transfer to send.
    TransferStarted {
        /// Which flow.
        flow: FlowId,
        /// Which of its transfers, from 0.
        transfer: u64,
    },
    /// The last byte of a transfer reached the application.
    TransferFinished {
        /// Which flow.
        flow: FlowId,
        /// Which of its transfers, from 0.
        transfer: u64,
    },
    /// A retransmission that the receiver had asked for arrived.
    Retransmitted {
        /// Which flow.
        flow: FlowId,
        /// Of which frame, from 0.
        frame: u64,
        /// Whether it brought a packet that was still missing of a frame that
        /// had not been given up.
        fresh: bool,
    },
    /// An end decided against retransmissions because they would come too late.
    RetransmissionForgone {
        /// Which flow.
        flow: FlowId,
        /// How many.
        count: u32,
    },
    /// The application gave a message to its sender.
    MessageGiven {
        /// Which flow.
        flow: FlowId,
        /// Which of its messages, from 0.
        message: u64,
        /// Its bytes.
        size: u32,
    },
    /// A message reached the application at the other end.
    MessageDelivered {
        /// Which flow.
        flow: FlowId,
        /// Which of its messages, from 0.
        message: u64,
        /// When it was given to the sender.
        given: Time,
    },
    /// The sender's end of a watched session sends by this protocol from now on.
    /// Sessions that can neither fall back nor be disconnected do not tell.
    Selected {
        /// Which flow.
        flow: FlowId,
        /// Which protocol.
        protocol: Protocol,
    },
    /// The application paused (`true`) or resumed a stream.
    Paused {
        /// Which flow.
        flow: FlowId,
        /// Which of its streams.
        media: Media,
        /// Paused or resumed.
        paused: bool,
    },
}

/// Something that watches a run.
pub trait EventSink {
    /// Called in order of logical time.
    fn event(&mut self, at: Time, event: &Event);
}

impl<S: EventSink + ?Sized> EventSink for &mut S {
    #[inline]
    fn event(&mut self, at: Time, event: &Event) {
        (**self).event(at, event);
    }
}

/// A sink that ignores everything.
impl EventSink for () {
    #[inline]
    fn event(&mut self, _: Time, _: &Event) {}
}

/// A sink that keeps everything, for tests.
impl EventSink for Vec<(Time, Event)> {
    fn event(&mut self, at: Time, event: &Event) {
        self.push((at, *event));
    }
}
