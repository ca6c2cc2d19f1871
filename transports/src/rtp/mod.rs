//! RTP and RTCP as far as sizes and reports go: how a frame becomes packets,
//! how many bytes each of them has on the wire, and who says what arrived.

mod ccfb;
mod feedback;
mod overhead;
mod packetize;
mod padding;
mod rtcp_size;
mod status_chunks;

#[cfg(test)]
mod feedback_tests;

pub use ccfb::{arrival_offset, ccfb_size};
pub use feedback::{FeedbackConfig, FeedbackFormat, FeedbackGenerator};
pub use overhead::{Overhead, Remainder, RtpOverhead, extension_block};
pub use packetize::{Parts, packetize};
pub use padding::{PaddingPacket, next_padding};
pub use rtcp_size::{nack_entries, rtcp_size, twcc_size};
pub use status_chunks::TWCC_TICK;
pub(crate) use status_chunks::{Chunks, Symbol, reference, statuses};
