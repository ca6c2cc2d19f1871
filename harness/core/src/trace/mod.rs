//! Recorded networks: what is in them, and from one format to another.
//!
//! Definitions (weak-network figures, section 2.1):
//! - mean rate: bits over the length of the trace, which for opportunities is
//!   the last of them; an opportunity carries 1500 bytes unless the file says
//!   more;
//! - CV, autocorrelation at 1 s, halving: of the rates of whole seconds;
//! - gap: at least 200 ms between two opportunities, or at a rate of zero; time
//!   before the first opportunity is none; quantiles lie between values;
//! - quantiles of rates, delays and losses: of time, for opportunities of whole
//!   seconds;
//! - below: rate under a threshold (of whole seconds for opportunities); without
//!   a choice 0.15 Mbit/s where the median is below 3 Mbit/s (3G), 3 Mbit/s below
//!   100 Mbit/s (WiFi, LTE), else 20 Mbit/s (5G).

mod convert;
mod describe;
mod description;
mod quantiles;
mod runs;
mod seconds;
mod series;

pub use convert::{Conversion, Converted, convert};
pub use describe::describe;
pub use description::{Below, Delay, Description, Frames, Gaps, Jitter, Loss, Rate, Step};
pub use series::{Cell, Series};

#[cfg(test)]
mod tests;
