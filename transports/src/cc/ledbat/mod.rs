//! LEDBAT and LEDBAT++: windows that yield to everybody else by keeping the
//! delay that they add to the path at a target.

mod classic;
#[cfg(test)]
mod classic_tests;
mod plus_plus;
#[cfg(test)]
mod plus_plus_tests;
mod queueing;
mod slowdown;

pub use classic::Ledbat;
pub use plus_plus::LedbatPlusPlus;

use weaknet_core::{BuildError, Bytes};

/// What a window of no more than this many bytes is kept below.
const MOST: f64 = (1_u64 << 40) as f64;

/// Refuses a value outside its range.
fn check(field: &str, value: f64, least: f64, most: f64) -> Result<(), BuildError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let message = format!("expected {least} to {most}, found {value}");
    Err(BuildError::field(field, message))
}

/// A packet size as bytes that a window can be counted in.
const fn packet_bytes(size: Bytes) -> f64 {
    let bytes = size.get();
    if bytes < 64 {
        64.0
    } else if bytes > 65_535 {
        65_535.0
    } else {
        bytes as f64
    }
}
