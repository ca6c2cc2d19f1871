//! The live half without its devices: which links there are, what a run of them
//! recorded, and what follows from that.
//!
//! What is decided live is decided by a [`Link`](weaknet_netem::Link) from the times at
//! which packets came, so that a [recording](Row) of those is enough to decide it again
//! ([`replay`]) and to score it ([`score`]).

mod capture;
mod recording;
mod replay;
mod score;
mod setup;

#[cfg(test)]
mod tests;

pub use capture::PacketCapture;
pub use recording::{About, Recording, RecordingError, Row, What, Writer};
pub use replay::{Difference, compare, replay};
pub use score::{ScoreError, changes, score};
pub use setup::{Setup, SetupError};
