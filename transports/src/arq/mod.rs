//! Retransmission: who asks again, and what is sent again.

pub mod nack;
mod none;

pub use nack::Nack;
pub use none::NoArq;

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

/// The receiver's half: watches one video stream for holes.
pub trait Requester: Send {
    /// A media packet (`repaired`: by retransmission or FEC) of a key frame or
    /// not became usable. Numbers to ask for right away are pushed to `nack`,
    /// ascending.
    fn on_packet(
        &mut self,
        now: Time,
        seq: u64,
        key: bool,
        repaired: bool,
        nack: &mut Vec<u64>,
    ) -> Wish;
    /// Everything up to `seq` is decoded or given up.
    fn clear_up_to(&mut self, now: Time, seq: u64);
    /// A new round-trip time.
    fn on_rtt(&mut self, rtt: Span);
    /// The instant of [`Requester::next_wake`] has come.
    fn wake(&mut self, now: Time, nack: &mut Vec<u64>);
    /// When to be woken.
    fn next_wake(&self) -> Option<Time>;
    /// Whether the packet is on the list, or how often it was asked for.
    fn times_requested(&self, seq: u64) -> u32;
}

/// The sender's half: decides which requests are answered. The sender keeps
/// the packets.
pub trait Responder: Send {
    /// A media packet was sent for the first time.
    fn on_sent(&mut self, now: Time, seq: u64, size: u32);
    /// The receiver asked for `seq`: whether to send it again now.
    fn on_nack(&mut self, now: Time, seq: u64) -> bool;
    /// A packet that [`Responder::on_nack`] granted has left the pacer.
    fn on_resent(&mut self, _now: Time, _seq: u64) {}
    /// A new round-trip time.
    fn on_rtt(&mut self, now: Time, rtt: Span);
    /// A new target rate, for the retransmission budget.
    fn on_target(&mut self, now: Time, target: Bitrate);
    /// Oldest sequence number that is still kept; older ones may be freed.
    fn oldest_kept(&self, now: Time) -> u64;
}
