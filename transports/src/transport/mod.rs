//! The transport layer that all controllers share: what was sent, what has
//! been reported, and what follows from that.

mod ack_ranges;
mod assembler;
mod capacity;
mod delivery_rate;
mod ecn_counts;
mod flight;
mod history;
#[cfg(test)]
mod history_model_tests;
mod loss;
pub(crate) mod quic;
mod ranges;
mod rate;
mod rounds;
mod rtt;
mod unwrap;
mod window_rate;
mod windowed;

pub use ack_ranges::{AckGenerator, AckRules, AckedNumbers, DatagramAcks};
pub use assembler::{Assembly, FrameAssembler};
pub use capacity::Capacity;
pub(crate) use capacity::CapacityNews;
pub use delivery_rate::{DeliveryRate, RateSample};
pub(crate) use flight::{Flight, News};
pub use history::{Reported, SendHistory};
pub use loss::{Alarm, LossDetector, LossRules, Tail};
pub use ranges::Ranges;
pub use rate::RateCounter;
pub use rounds::RoundCounter;
pub use rtt::RttEstimator;
pub use unwrap::Unwrapper;
pub use window_rate::WindowRate;
pub use windowed::{WindowedMax, WindowedMin};
