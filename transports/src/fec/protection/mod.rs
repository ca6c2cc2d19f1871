//! Protection controls: how much is spent on repair packets.

mod adaptive;
mod binomial;
mod deadline;
mod estimate;
mod fixed;
mod webrtc;

pub use adaptive::AdaptiveProtection;
pub use deadline::DeadlineProtection;
pub use fixed::FixedProtection;
pub use webrtc::WebrtcProtection;
