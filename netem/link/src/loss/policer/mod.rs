//! Policers: packets beyond a rate are dropped on arrival, nothing waits.

mod bucket;
mod single_rate;
mod three_colours;
mod two_rates;

pub use single_rate::Policer;
pub use three_colours::{Colour, SingleRateThreeColours};
pub use two_rates::TwoRatesThreeColours;

use weaknet_core::{Bitrate, BuildError, Bytes};

/// Refuses what lets no packet through.
fn above_zero(field: &str, rate: Bitrate) -> Result<(), BuildError> {
    if rate.is_zero() {
        return Err(BuildError::field(field, "expected a rate above 0bps"));
    }
    Ok(())
}

/// Refuses a bucket without room.
fn some_room(field: &str, burst: Bytes) -> Result<(), BuildError> {
    if burst == Bytes::ZERO {
        return Err(BuildError::field(field, "expected a size above 0B"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
