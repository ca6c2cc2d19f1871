//! Linux `tc qdisc` command lines as scenarios.
//!
//! text -> `words` -> `command` (device, place, discipline) -> options
//! (`netem`, `others`) -> `emit`.
//!
//! Implements: `tc qdisc add|change|replace` of iproute2 6.x for netem, tbf,
//! fq_codel, codel, pie, red, pfifo and bfifo, with tc's units: decimal rates
//! in bits (`bps` is bytes), binary sizes, bare percentages; bare times are
//! nanoseconds for netem and microseconds elsewhere.
//! Differs: option words are not abbreviated.
//! Not modelled: classes and filters; distribution tables of one's own.

mod command;
mod emit;
mod netem;
mod others;
mod units;
mod words;

pub use command::{Discipline, Qdisc};
pub use netem::{Loss, Netem, Slot};
pub use others::Other;

use crate::scenario::error::{Diagnostic, Source};

/// The scenario that a file of tc command lines describes: the first device is
/// `forward`, a second one `backward`.
///
/// # Errors
/// What is wrong, with line and column.
pub fn to_scenario(name: &str, text: &str) -> Result<String, Diagnostic> {
    let source = Source::new(name, text);
    let commands = command::parse(&source)?;
    emit::scenario(name, &commands)
}

#[cfg(test)]
mod tests;
