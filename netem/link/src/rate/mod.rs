//! Rate models: how fast a link serialises packets.

mod constant;
mod curve;
mod opportunities;
mod steps;
mod trace;
mod unlimited;

pub use constant::ConstantRate;
pub use steps::RateSteps;
pub use trace::{RateTrace, Sharing};
pub use unlimited::UnlimitedRate;

#[cfg(test)]
mod tests;
