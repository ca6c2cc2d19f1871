//! Forward error correction: repair packets sent before anything is missing.
//!
//! In the simulator schemes decide on packet numbers, not on bytes: a repair
//! packet carries the numbers that it protects.

pub mod gf256;
mod none;

pub use none::NoFec;

use weaknet_core::{Kind, Span, Time};

/// The kind of FEC schemes.
pub enum Fec {}

impl Kind for Fec {
    type Product = Option<FecPair>;
    const NAME: &'static str = "fec";
    const ABOUT: &'static str = "repairs losses by packets sent in advance";
}

/// Both halves of a scheme. `None` as a product means that there is none.
pub struct FecPair {
    /// At the sender.
    pub encoder: Box<dyn FecEncoder>,
    /// At the receiver.
    pub decoder: Box<dyn FecDecoder>,
}

/// A repair packet: what it protects and how large it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// Media sequence numbers that it protects, ascending.
    pub protects: Vec<u64>,
    /// Payload bytes, repair header included.
    pub payload: u16,
}

/// The sender's half.
pub trait FecEncoder: Send {
    /// A media packet is about to be sent; repair packets that are due after it
    /// are pushed to `out`.
    fn on_media(
        &mut self,
        now: Time,
        seq: u64,
        payload: u16,
        last_of_frame: bool,
        key: bool,
        out: &mut Vec<Repair>,
    );
    /// The share of packets lost, 0 to 1, and the round-trip time.
    fn on_network(&mut self, now: Time, loss: f64, rtt: Span);
}

/// The receiver's half.
pub trait FecDecoder: Send {
    /// A media packet arrived; recovered numbers are pushed to `out`.
    fn on_media(&mut self, now: Time, seq: u64, out: &mut Vec<u64>);
    /// A repair packet arrived; recovered numbers are pushed to `out`.
    fn on_repair(&mut self, now: Time, protects: &[u64], out: &mut Vec<u64>);
}
