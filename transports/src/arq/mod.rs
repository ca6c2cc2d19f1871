//! Retransmission: who asks again, and what is sent again.
//!
//! Every scheme has two halves. The receiver's half sees which packets became
//! usable and what its jitter buffer aims at, and decides what to ask for; the
//! sender's half decides what is answered, and with how many copies. Schemes:
//! [`Nack`] as libwebrtc does it, [`RtxFixed`] as the simplest baseline,
//! [`Deadline`] for what can still come in time, [`Hybrid`] with copies that grow
//! towards the deadline, [`NoArq`].

mod asked;
mod deadline;
mod history;
mod holes;
mod hybrid;
mod nack;
mod none;
mod rate_limiter;
mod rtx_fixed;

pub use deadline::Deadline;
pub use history::SenderRules;
pub use hybrid::Hybrid;
pub use nack::Nack;
pub use none::NoArq;
pub use rtx_fixed::RtxFixed;

use weaknet_core::{Bitrate, Kind, Span, Time};

/// The kind of retransmission schemes.
pub enum Arq {}

impl Kind for Arq {
    type Product = ArqPair;
    const NAME: &'static str = "arq";
    const ABOUT: &'static str = "repairs losses by sending packets again";
}

/// Both halves of a scheme, one for each end.
pub struct ArqPair {
    /// At the receiver.
    pub requester: Box<dyn Requester>,
    /// At the sender.
    pub responder: Box<dyn Responder>,
}

/// What a requester wants sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wish {
    /// A key frame, because repair is hopeless.
    pub key_frame: bool,
}

/// A media packet of the stream that became usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsablePacket {
    /// Extended sequence number.
    pub seq: u64,
    /// Extended RTP timestamp, 90 kHz.
    pub timestamp: u64,
    /// Whether it belongs to a key frame.
    pub key: bool,
    /// Whether it came by retransmission or FEC.
    pub repaired: bool,
}

/// The receiver's half: watches one video stream for holes.
pub trait Requester: Send {
    /// A media packet became usable. Numbers to ask for right away are pushed to
    /// `nack`, ascending.
    fn on_packet(&mut self, now: Time, packet: &UsablePacket, nack: &mut Vec<u64>) -> Wish;
    /// Everything up to `seq` is decoded or given up.
    fn clear_up_to(&mut self, now: Time, seq: u64);
    /// A new round-trip time.
    fn on_rtt(&mut self, rtt: Span);
    /// What the jitter buffer aims at now, told before each packet.
    fn on_playout_delay(&mut self, _delay: Span) {}
    /// The instant of [`Requester::next_wake`] has come.
    fn wake(&mut self, now: Time, nack: &mut Vec<u64>) -> Wish;
    /// When to be woken.
    fn next_wake(&self) -> Option<Time>;
    /// Whether the packet is on the list, or how often it was asked for.
    fn times_requested(&self, seq: u64) -> u32;
    /// Whether requests shall tell the sender what the jitter buffer aims at
    /// (RFC 7005).
    fn tells_playout_delay(&self) -> bool {
        false
    }
    /// Packets since the last call that are not asked for (again) because the
    /// answer would come too late.
    fn take_forgone(&mut self) -> u32 {
        0
    }
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// With so many copies, one at least.
    Copies(u32),
    /// Not: the packet is not kept, was sent again just now, or the budget is
    /// used up.
    Refused,
    /// Not: the packet would come too late.
    TooLate,
}

/// The sender's half: decides which requests are answered. The sender keeps
/// the packets.
pub trait Responder: Send {
    /// A media packet was sent for the first time.
    fn on_sent(&mut self, now: Time, seq: u64, size: u32);
    /// The receiver asked for `seq`.
    fn on_nack(&mut self, now: Time, seq: u64) -> Answer;
    /// A packet that [`Responder::on_nack`] granted has left the pacer.
    fn on_resent(&mut self, _now: Time, _seq: u64) {}
    /// The receiver said what its jitter buffer aims at.
    fn on_playout_delay(&mut self, _delay: Span) {}
    /// A new round-trip time.
    fn on_rtt(&mut self, now: Time, rtt: Span);
    /// A new target rate, for the retransmission budget.
    fn on_target(&mut self, now: Time, target: Bitrate);
    /// Oldest sequence number that is still kept; older ones may be freed.
    fn oldest_kept(&self, now: Time) -> u64;
}
