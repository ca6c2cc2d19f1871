//! The transport layer that all controllers share: what was sent, what has
//! been reported, and what follows from that.

mod assembler;
mod delivery_rate;
mod history;
mod rate;
mod rounds;
mod rtt;
mod windowed;

pub use assembler::{Assembly, FrameAssembler};
pub use delivery_rate::{DeliveryRate, RateSample};
pub use history::{Reported, SendHistory};
pub use rate::RateCounter;
pub use rounds::RoundCounter;
pub use rtt::RttEstimator;
pub use windowed::{WindowedMax, WindowedMin};
