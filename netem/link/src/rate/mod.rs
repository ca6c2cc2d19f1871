//! Rate models: how fast a link serialises packets.

mod airtime;
mod constant;
mod curve;
mod grants;
mod markov;
mod opportunities;
mod progress;
mod ramps;
mod steps;
mod token_bucket;
mod trace;
mod unlimited;

pub use airtime::AirtimeRate;
pub use constant::ConstantRate;
pub use grants::GrantedRate;
pub use markov::{MarkovRate, MarkovState};
pub use ramps::RateRamps;
pub use steps::RateSteps;
pub use token_bucket::TokenBucket;
pub use trace::{RateTrace, Sharing};
pub use unlimited::UnlimitedRate;

use weaknet_core::{Bitrate, BuildError};

/// Refuses a rate at which nothing would ever pass.
pub(crate) fn above_zero(field: &str, rate: Bitrate) -> Result<(), BuildError> {
    if rate.is_zero() {
        return Err(BuildError::field(field, "expected a rate above 0bps"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
