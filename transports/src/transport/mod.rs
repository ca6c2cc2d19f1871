//! The transport layer that all controllers share: what was sent, what has
//! been reported, and what follows from that.

mod assembler;
mod history;
mod rate;

pub use assembler::{Assembly, FrameAssembler};
pub use history::{Reported, SendHistory};
pub use rate::RateCounter;
