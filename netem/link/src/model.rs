//! The traits of a link's exchangeable parts.

use weaknet_core::event::DropReason;
use weaknet_core::packet::Packet;
use weaknet_core::{Bitrate, Kind, Span, Time};

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
    /// and is never before the end of the previous service. Fractions of a
    /// nanosecond left over at the end of a service are carried into the next
    /// one when that starts at the very same instant, so that a busy server
    /// never drifts from its rate.
    fn serve(&mut self, start: Time, bytes: u32) -> Time;

    /// The rate at `now`, for limits given in time; `None`: unlimited.
    fn rate_at(&mut self, now: Time) -> Option<Bitrate>;

    /// Bits that a fully used link would carry in [from, to); `None`:
    /// unlimited.
    fn capacity(&self, from: Time, to: Time) -> Option<f64>;
}

/// When a packet that left the serialiser reaches the far end.
pub trait DelayModel: Send {
    /// Release time of the packet number `index` (counted per link from 0) that
    /// enters the pipe at `at`. Not before `at`.
    fn release(&mut self, index: u64, at: Time) -> Time;

    /// Whether packets may overtake each other. When not, the link holds a
    /// packet back until its predecessor is released.
    fn reorders(&self) -> bool {
        false
    }
}

/// Which packets get lost.
pub trait LossModel: Send {
    /// Whether packet number `index` (counted per link from 0), which arrived
    /// at the link at `at`, is lost. Called once per packet with ascending
    /// `index`.
    fn lose(&mut self, index: u64, at: Time) -> bool;
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

/// A queue that decides at dequeue or that reorders.
pub trait QueueDiscipline: Send {
    /// Takes a packet. Whatever is dropped, the packet itself or another, is
    /// pushed to `dropped`.
    fn enqueue(&mut self, now: Time, packet: Packet, dropped: &mut Vec<(Packet, DropReason)>);
    /// The next packet to serve.
    fn dequeue(&mut self, now: Time, dropped: &mut Vec<(Packet, DropReason)>) -> Option<Packet>;
    /// Packets that wait.
    fn packets(&self) -> u64;
    /// Bytes that wait.
    fn bytes(&self) -> u64;
}
