//! The traits of a link's exchangeable parts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::DropReason;
use weaknet_core::packet::{Ecn, Packet, Protocol, Tag};
use weaknet_core::{Bitrate, Kind, Span, Time};

pub use crate::passage::{DrawKey, Passage};

/// The kind of rate models.
pub enum Rate {}

impl Kind for Rate {
    type Product = Box<dyn RateModel>;
    const NAME: &'static str = "rate";
    const ABOUT: &'static str = "how fast a link serialises packets";
    const SHORTHAND: Option<&'static str> = Some("constant");
}

/// The kind of delay models.
pub enum Delay {}

impl Kind for Delay {
    type Product = Box<dyn DelayModel>;
    const NAME: &'static str = "delay";
    const ABOUT: &'static str = "how long a packet travels after it left the serialiser";
    const SHORTHAND: Option<&'static str> = Some("constant");
}

/// The kind of loss models.
pub enum Loss {}

impl Kind for Loss {
    type Product = Box<dyn LossModel>;
    const NAME: &'static str = "loss";
    const ABOUT: &'static str = "which packets a link loses";
    const SHORTHAND: Option<&'static str> = Some("bernoulli");
}

/// The kind of duplication models.
pub enum Duplication {}

impl Kind for Duplication {
    type Product = Box<dyn DuplicationModel>;
    const NAME: &'static str = "duplicate";
    const ABOUT: &'static str = "which packets a link delivers twice";
    const SHORTHAND: Option<&'static str> = Some("independent");
}

/// The kind of corruption models.
pub enum Corruption {}

impl Kind for Corruption {
    type Product = Box<dyn CorruptionModel>;
    const NAME: &'static str = "corrupt";
    const ABOUT: &'static str = "in which packets a link flips bits";
    const SHORTHAND: Option<&'static str> = Some("independent");
}

/// The kind of reordering models.
pub enum Reordering {}

impl Kind for Reordering {
    type Product = Box<dyn ReorderingModel>;
    const NAME: &'static str = "reorder";
    const ABOUT: &'static str = "which packets leave their place in the order";
}

/// The kind of queue disciplines.
pub enum Qdisc {}

impl Kind for Qdisc {
    type Product = Queue;
    const NAME: &'static str = "queue";
    const ABOUT: &'static str =
        "which packets wait for the serialiser, and in what order they leave";
}

/// A FIFO server whose speed may vary over time in a way that is known in
/// advance, so that departures are known at arrival.
pub trait RateModel: Send {
    /// Serves `bytes` from `start` on and returns when the last bit has left;
    /// [`Time::MAX`] when it never will. `start` never falls from call to call
    /// and is never before the end of the previous service. `waited` tells a
    /// packet that was there before `start` from one that arrives at `start`:
    /// only the former can use what is left of an opportunity at `start`.
    ///
    /// Fractions of a nanosecond left over at the end of a service are carried
    /// into the next one when that starts at the very same instant, so that a
    /// busy server never drifts from its rate.
    fn serve(&mut self, start: Time, bytes: u32, waited: bool) -> Time;

    /// The rate at `now` that limits given in time count with: at 0bps the last
    /// other rate, before any other rate the first one to come; 0bps when there
    /// is none at all. `None`: unlimited. `now` never falls from call to call.
    fn rate_at(&mut self, now: Time) -> Option<Bitrate>;

    /// Bits that a fully used link would carry in [from, to); `None`:
    /// unlimited.
    fn capacity(&self, from: Time, to: Time) -> Option<f64>;
}

/// When a packet that left the serialiser reaches the far end.
pub trait DelayModel: Send {
    /// Release time of the packet that enters the pipe at `passage.at`. Not
    /// before that. Called once per packet, in the order in which packets leave
    /// the serialiser; lost ones keep their number.
    fn release(&mut self, passage: Passage) -> Time;

    /// Whether packets may overtake each other. When not, the link holds a
    /// packet back until its predecessor is released.
    fn reorders(&self) -> bool {
        false
    }

    /// The delay when it is the same for every packet: such a model need not be
    /// asked.
    fn constant(&self) -> Option<Span> {
        None
    }
}

/// Where a link loses packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossAt {
    /// On arrival: a lost packet uses neither queue nor link time.
    BeforeQueue,
    /// Behind the serialiser: a lost packet has used link time.
    #[default]
    AfterLink,
}

/// Which packets get lost.
pub trait LossModel: Send {
    /// Whether the packet that reaches the place of loss is lost there. Called
    /// once per packet in the order in which packets get there.
    fn lose(&mut self, passage: Passage) -> bool;

    /// Why it loses packets.
    fn reason(&self) -> DropReason {
        DropReason::Loss
    }

    /// The only place where it makes sense, whatever the link says.
    fn place(&self) -> Option<LossAt> {
        None
    }

    /// Whether it does nothing to any packet, and need not be asked.
    fn never(&self) -> bool {
        false
    }
}

/// Which packets are delivered twice.
pub trait DuplicationModel: Send {
    /// How long after the packet its copy follows; `None`: no copy. Called once
    /// per packet that is not lost, in the order in which packets leave the
    /// serialiser.
    fn copy(&mut self, passage: Passage) -> Option<Span>;

    /// Whether it does nothing to any packet, and need not be asked.
    fn never(&self) -> bool {
        false
    }
}

/// In which packets bits are flipped.
pub trait CorruptionModel: Send {
    /// The bit to flip, counted from the start of the IP header; `None`: none.
    /// Called once per packet that is not lost, in the order in which packets
    /// leave the serialiser.
    fn flip(&mut self, passage: Passage) -> Option<u64>;

    /// Whether it does nothing to any packet, and need not be asked.
    fn never(&self) -> bool {
        false
    }
}

/// How a packet leaves its place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Displacement {
    /// It keeps its place.
    None,
    /// It skips the delay: overtakes everything on the way.
    SkipDelay,
    /// It is held back for so long beyond its delay, and overtaken.
    Late(Span),
    /// It is released right after so many packets behind it, or so long after
    /// its own time at the latest.
    Behind(u32, Span),
}

/// Which packets leave their place in the order.
pub trait ReorderingModel: Send {
    /// What becomes of a packet. Called once per packet that is not lost, in
    /// the order in which packets leave the serialiser.
    fn displace(&mut self, passage: Passage) -> Displacement;

    /// Whether it does nothing to any packet, and need not be asked.
    fn never(&self) -> bool {
        false
    }
}

/// What a link does to the ECN field of packets that arrive (RFC 3168; the
/// manglings that measurement studies find in the wild).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EcnField {
    /// Leaves it alone.
    #[default]
    Pass,
    /// Clears it to Not-ECT (bleaching).
    Bleach,
    /// Turns ECT(1) into ECT(0).
    Ect1ToEct0,
    /// Marks every ECN-capable packet with congestion experienced.
    MarkAll,
    /// Drops ECN-capable packets.
    DropEct,
}

/// Which packets a firewall on a link drops, by their protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Blocks {
    /// None.
    #[default]
    Nothing,
    /// UDP, as many offices, hotels and hospitals do.
    Udp,
    /// TCP.
    Tcp,
    /// Everything.
    All,
}

impl Blocks {
    /// Whether packets of this protocol are dropped.
    #[must_use]
    #[inline]
    pub const fn drops(self, protocol: Protocol) -> bool {
        match (self, protocol) {
            (Self::All, _) | (Self::Udp, Protocol::Udp) | (Self::Tcp, Protocol::Tcp) => true,
            (Self::Nothing | Self::Udp | Self::Tcp, _) => false,
        }
    }
}

/// A limit of a queue. Only waiting packets count, not the one in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Time that the waiting bytes would take at the current rate; at zero
    /// rate the last other rate counts. `at` fixes the rate.
    Time(Span, Option<Bitrate>),
    /// Waiting bytes.
    Bytes(u64),
    /// Waiting packets.
    Packets(u64),
}

/// A queue discipline, ready to run.
pub enum Queue {
    /// FIFO with tail drop: departures are known at arrival (closed form).
    DropTail(Limit),
    /// Anything else: asked at each departure.
    Active(Box<dyn QueueDiscipline>),
}

/// A packet that waits, and since when.
#[derive(Debug, Clone, PartialEq)]
pub struct Queued {
    /// When it arrived at the link.
    pub arrived: Time,
    /// The packet.
    pub packet: Packet,
}

/// What a queue discipline did besides taking and giving packets.
#[derive(Debug)]
pub(crate) enum Verdict {
    Drop(Queued, DropReason),
    Mark(Tag),
    Copy(Tag),
}

/// What a queue discipline may ask, and where it reports.
pub struct QueueContext<'a> {
    now: Time,
    rate: &'a mut dyn RateModel,
    verdicts: &'a mut Vec<Verdict>,
}

impl<'a> QueueContext<'a> {
    pub(crate) fn new(
        now: Time,
        rate: &'a mut dyn RateModel,
        verdicts: &'a mut Vec<Verdict>,
    ) -> Self {
        Self {
            now,
            rate,
            verdicts,
        }
    }

    /// The instant of this call.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The rate of the serialiser behind the queue, as limits in time count
    /// with it; see [`RateModel::rate_at`].
    #[must_use]
    pub fn rate(&mut self) -> Option<Bitrate> {
        self.rate.rate_at(self.now)
    }

    /// Reports a packet that is dropped: the one that arrives or another.
    pub fn drop(&mut self, queued: Queued, reason: DropReason) {
        self.verdicts.push(Verdict::Drop(queued, reason));
    }

    /// Marks an ECN-capable packet with congestion experienced and says whether
    /// it could be marked; one that has the mark already keeps it.
    #[must_use]
    pub fn mark(&mut self, packet: &mut Packet) -> bool {
        match packet.ecn {
            Ecn::NotEct => return false,
            Ecn::Ce => {}
            Ecn::Ect0 | Ecn::Ect1 => {
                packet.ecn = Ecn::Ce;
                self.verdicts.push(Verdict::Mark(packet.tag()));
            }
        }
        true
    }

    /// Reports a copy that the discipline has made of a packet and taken in.
    pub fn copied(&mut self, packet: &Packet) {
        self.verdicts.push(Verdict::Copy(packet.tag()));
    }
}

/// A queue that decides at dequeue, that reorders, or that holds packets back.
///
/// It is asked for a packet whenever the serialiser becomes idle, right after
/// each arrival that finds the serialiser idle, and at [`Self::next_ready`].
pub trait QueueDiscipline: Send {
    /// Takes a packet. Whatever is dropped, the packet itself or another, is
    /// reported to `cx`.
    fn enqueue(&mut self, queued: Queued, cx: &mut QueueContext<'_>);
    /// The next packet to serve.
    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued>;
    /// Packets that wait.
    fn packets(&self) -> u64;
    /// Bytes that wait.
    fn bytes(&self) -> u64;
    /// When a packet that is held back can leave, for disciplines that have
    /// packets and yet give none (shapers, delay lines, slots). Later than the
    /// instant of the last call of `dequeue` that gave none.
    fn next_ready(&self) -> Option<Time> {
        None
    }
}

/// Sees whole packets on a link, for captures. Calls come in order of time.
pub trait Tap: Send {
    /// A packet reached the link.
    fn arrived(&mut self, at: Time, packet: &Packet);
    /// A packet reached the far end, `waited` in the queue and `total` on the
    /// link.
    fn delivered(&mut self, at: Time, packet: &Packet, waited: Span, total: Span);
    /// A packet was dropped or lost.
    fn dropped(&mut self, at: Time, packet: &Packet, reason: DropReason);
    /// A queue marked a packet with congestion experienced.
    fn marked(&mut self, _at: Time, _packet: Tag) {}
    /// The link made a copy of a packet.
    fn copied(&mut self, _at: Time, _packet: Tag) {}
}
