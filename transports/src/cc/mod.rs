//! Congestion control: one object-safe trait for rate-based and window-based
//! controllers.
//!
//! A controller gets the time as an argument, never reads a clock, never
//! allocates after warm-up and draws random numbers only from a seed that it
//! was built with. The transport layer under it keeps the send history,
//! unwraps sequence numbers, filters duplicates, and measures round trips and
//! delivery rates, so that a controller holds no per-packet map.
//!
//! Calls with equal `now` are allowed; `now` never falls. [`CongestionController::output`]
//! is valid before any feedback.

mod base_delay;
mod bbr;
pub mod bbr1;
pub mod bbr3;
pub mod copa;
pub mod cubic;
pub mod fixed;
pub mod gcc;
pub mod gcc_draft02;
pub mod hystart;
pub mod ledbat;
pub mod nada;
pub mod new_reno;
pub mod oracle;
pub mod prague;
mod recovery;
pub mod replay;
pub mod scream;
pub mod scream_ericsson;
#[cfg(test)]
pub(crate) mod testing;
mod units;
pub mod window;

use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Bytes, Kind, Span, Time};

/// The kind of congestion controllers.
pub enum CongestionControl {}

impl Kind for CongestionControl {
    type Product = Box<dyn CongestionController>;
    const NAME: &'static str = "congestion_control";
    const ABOUT: &'static str = "decides how fast a flow may send";
}

/// A packet that was just sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentPacket {
    /// Packet number, ascending without holes over all RTP packets of the flow.
    pub number: u64,
    /// When it was sent.
    pub at: Time,
    /// Bytes that count for congestion control.
    pub size: Bytes,
    /// What it carries.
    pub kind: SentKind,
    /// The probe cluster that it belongs to.
    pub probe: Option<ProbeCluster>,
    /// Bytes in flight, this packet included.
    pub in_flight: Bytes,
    /// Whether the application limits the flow: bytes that it did not have
    /// ready are missing from the flight
    /// (draft-ietf-ccwg-bbr, section 4.1.2.4).
    pub app_limited: bool,
}

/// What a sent packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentKind {
    /// Audio, first transmission.
    Audio,
    /// Video, first transmission, or its repair packets.
    Video,
    /// A retransmission.
    Retransmission,
    /// Padding only.
    Padding,
    /// Bulk data.
    Data,
}

/// One packet of a feedback report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketResult {
    /// The packet as it was sent.
    pub sent: SentPacket,
    /// Arrival by the receiver's clock; `None` when reported lost. A report of
    /// ranges carries no arrival times: then the arrival of the report.
    pub received: Option<Time>,
    /// ECN codepoint on arrival.
    pub ecn: Ecn,
    /// Reported lost before and received now.
    pub recovered: bool,
    /// Delivery state when the packet was sent, for delivery-rate samples
    /// (draft-ietf-ccwg-bbr, section 4.1.1.2).
    pub delivery: DeliverySnapshot,
}

/// What the transport knew when a packet was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliverySnapshot {
    /// Bytes delivered by then.
    pub delivered: Bytes,
    /// When the last of them was known to be delivered.
    pub delivered_at: Time,
    /// Send time of the packet that was delivered then.
    pub first_sent_at: Time,
    /// Bytes reported lost by then.
    pub lost: Bytes,
}

/// How a report names packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FeedbackKind {
    /// One status per packet with its arrival time (TWCC, RFC 8888).
    #[default]
    PerPacket,
    /// Ranges of packet numbers without arrival times (QUIC, TCP SACK).
    AckRanges,
}

/// A feedback report, decoded: packets ascending by number, each reported
/// received at most once over the life of the flow and lost at most once.
#[derive(Debug, Clone, Copy)]
pub struct Feedback<'a> {
    /// Arrival of the report at the sender.
    pub now: Time,
    /// When the receiver made it, by the receiver's clock.
    pub made: Option<Time>,
    /// The packets that it tells something new about.
    pub packets: &'a [PacketResult],
    /// Bytes in flight after this report.
    pub in_flight: Bytes,
    /// Bytes in flight before this report.
    pub prior_in_flight: Bytes,
    /// How packets are named.
    pub kind: FeedbackKind,
}

impl Feedback<'_> {
    /// The packets reported received.
    pub fn received(&self) -> impl DoubleEndedIterator<Item = &PacketResult> {
        self.packets.iter().filter(|p| p.received.is_some())
    }

    /// The packets reported lost.
    pub fn lost(&self) -> impl DoubleEndedIterator<Item = &PacketResult> {
        self.packets.iter().filter(|p| p.received.is_none())
    }

    /// Bytes of the packets reported received.
    #[must_use]
    pub fn acked_bytes(&self) -> Bytes {
        self.received().map(|p| p.sent.size).sum()
    }

    /// Bytes of the packets reported lost.
    #[must_use]
    pub fn lost_bytes(&self) -> Bytes {
        self.lost().map(|p| p.sent.size).sum()
    }

    /// Bytes of the packets that arrived with a mark of congestion.
    #[must_use]
    pub fn marked_bytes(&self) -> Bytes {
        self.received()
            .filter(|p| p.ecn == Ecn::Ce)
            .map(|p| p.sent.size)
            .sum()
    }

    /// Round-trip time of the newest packet reported received, without the
    /// time that the receiver held the report back.
    #[must_use]
    pub fn rtt(&self) -> Option<Span> {
        let newest = self.received().next_back()?;
        let held = match (self.made, newest.received) {
            (Some(made), Some(at)) => made.since(at),
            _ => Span::ZERO,
        };
        Some(self.now.since(newest.sent.at) - held)
    }
}

/// Bounds on the target, set by the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Constraints {
    /// Never below.
    pub min: Bitrate,
    /// Where to start.
    pub start: Bitrate,
    /// Never above.
    pub max: Bitrate,
}

impl Constraints {
    /// The rate within the bounds that comes closest to `rate`.
    #[must_use]
    pub fn bound(&self, rate: Bitrate) -> Bitrate {
        rate.min(self.max).max(self.min)
    }
}

/// What happens outside packets and reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum CcEvent {
    /// The flow begins: media may be sent from now on.
    Start(Constraints),
    /// New bounds.
    Constraints(Constraints),
    /// What all streams together need at least and would use at most.
    Allocated {
        /// Below this the media cannot go.
        min: Bitrate,
        /// More than this they would not use.
        max: Bitrate,
    },
    /// The path went away or came back.
    Network {
        /// Whether packets can be sent.
        up: bool,
    },
    /// The path is another one.
    RouteChange,
    /// Largest packet, IP header included.
    Mtu(Bytes),
    /// A round-trip time measured by report blocks (not by this controller's
    /// feedback), unsmoothed.
    Rtt(Span),
    /// Losses counted by report blocks.
    LossReport {
        /// Packets lost since the previous such report.
        lost: u32,
        /// Packets received since the previous such report.
        received: u32,
        /// Time since the previous such report.
        interval: Span,
    },
    /// The encoder made a frame; its bytes, headers included, go to the pacer.
    Frame(Bytes),
    /// Bytes waiting in the pacer.
    PacerQueue(Bytes),
    /// Retransmission timeout of a window-based transport.
    RetransmissionTimeout,
    /// No packet of a long span was delivered (RFC 9002, section 7.6).
    PersistentCongestion,
    /// An earlier loss turned out to be none.
    SpuriousLoss,
    /// For validation only: the true capacity of the bottleneck from now on.
    /// Only a controller with a [`CongestionController::capacity_window`] is
    /// told.
    TrueCapacity(Bitrate),
}

/// What a controller asks for now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CcOutput {
    /// Rate for the encoder and everything else of the flow; `None` for a pure
    /// window-based controller.
    pub target: Option<Bitrate>,
    /// Rate at which packets leave the pacer; `None`: the transport derives it.
    pub pacing: Option<Bitrate>,
    /// Rate to fill up with padding.
    pub padding: Bitrate,
    /// Congestion window; `None`: no limit on bytes in flight.
    pub cwnd: Option<Bytes>,
    /// Share of its target that the encoder shall drop by skipping whole
    /// frames, 0 to 1.
    pub frame_drop: f64,
    /// ECN codepoint to send with.
    pub ecn: Ecn,
}

impl Default for CcOutput {
    fn default() -> Self {
        Self {
            target: None,
            pacing: None,
            padding: Bitrate::ZERO,
            cwnd: None,
            frame_drop: 0.0,
            ecn: Ecn::NotEct,
        }
    }
}

/// A request to send a burst at a given rate, to learn whether the path takes
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeCluster {
    /// Number of the cluster, from 1.
    pub id: u32,
    /// Rate to send at.
    pub rate: Bitrate,
    /// Least number of packets.
    pub min_packets: u32,
    /// Least number of bytes.
    pub min_bytes: Bytes,
    /// Intended length of the burst.
    pub duration: Span,
}

/// Receives the named values inside a controller.
pub trait Visitor {
    /// A number; the name carries the unit.
    fn number(&mut self, name: &'static str, value: f64);
}

/// A congestion controller.
pub trait CongestionController: Send {
    /// A packet was sent.
    fn on_sent(&mut self, packet: &SentPacket) {
        let _ = packet;
    }

    /// A whole report arrived.
    fn on_feedback(&mut self, feedback: &Feedback<'_>);

    /// The instant of [`CongestionController::next_timer`] has come.
    fn on_timer(&mut self, now: Time) {
        let _ = now;
    }

    /// When `on_timer` shall be called; `None`: never.
    fn next_timer(&self) -> Option<Time> {
        None
    }

    /// Something else happened.
    fn on_event(&mut self, now: Time, event: &CcEvent) {
        let _ = (now, event);
    }

    /// What the controller asks for now.
    fn output(&self) -> CcOutput;

    /// How many decisions it has published so far, for a controller that
    /// publishes at times of its own choosing, be it with unchanged values;
    /// `None`: a decision is a change of the output or a probe.
    fn decisions(&self) -> Option<u64> {
        None
    }

    /// The next probe cluster to send, each handed out once.
    fn poll_probe(&mut self) -> Option<ProbeCluster> {
        None
    }

    /// For validation only: the windows over which it wants to be told the true
    /// capacity, each at its start. `None`, as for every controller that could
    /// be deployed: it is not told.
    fn capacity_window(&self) -> Option<Span> {
        None
    }

    /// Whether round trips and counted losses ([`CcEvent::Rtt`],
    /// [`CcEvent::LossReport`]) are enough for it to decide from, without
    /// feedback about single packets.
    fn lives_on_counts(&self) -> bool {
        false
    }

    /// Shows named internal state, for plots and comparison.
    fn snapshot(&self, visitor: &mut dyn Visitor) {
        let _ = visitor;
    }

    /// A copy that will behave identically.
    fn clone_box(&self) -> Box<dyn CongestionController>;
}

impl Clone for Box<dyn CongestionController> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// Whether a controller is made for media: one with a target of its own wants to
/// know when packets arrived.
#[must_use]
pub fn wants_arrival_times(controller: &dyn CongestionController) -> bool {
    controller.output().target.is_some()
}
