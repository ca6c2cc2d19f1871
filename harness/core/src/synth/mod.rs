//! Synthetic traces: conditions over time drawn from a model, the same for the
//! same seed.
//!
//! A trace is a list of [`Piece`]s. [`Lognormal`] makes a rate with a given
//! mean, variation and correlation; [`Markov`] jumps between states of rate,
//! loss and delay; [`Gaps`] cuts outages into either. [`statistics`] measures
//! what was asked for.

mod gaps;
mod lognormal;
mod markov;
pub mod statistics;

pub use gaps::Gaps;
pub use lognormal::Lognormal;
pub use markov::{Markov, State};

use weaknet_core::{Bitrate, Ratio, Span, Streams};

/// Conditions from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Since the start of the trace.
    pub at: Span,
    /// How much the link carries.
    pub rate: Bitrate,
    /// Share of packets that it loses.
    pub loss: Option<Ratio>,
    /// How long packets travel.
    pub delay: Option<Span>,
}

/// What makes the conditions between gaps.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    /// A rate that wanders.
    Lognormal(Lognormal),
    /// States.
    Markov(Markov),
}

/// Why a model makes no trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SynthError(String);

impl SynthError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// More pieces than this are refused.
const MOST_PIECES: u64 = 50_000_000;

/// A trace of `length`. The mean rate asked for is that of the whole trace,
/// gaps included.
///
/// # Errors
/// When parameters are out of range.
pub fn generate(
    model: &Model,
    gaps: Option<&Gaps>,
    length: Span,
    seed: u64,
) -> Result<Vec<Piece>, SynthError> {
    if length.is_zero() {
        return Err(SynthError::new("the length is zero"));
    }
    let streams = Streams::new(seed);
    let open = 1.0 - gaps.map_or(Ok(0.0), Gaps::share)?;
    let pieces = match model {
        Model::Lognormal(lognormal) => lognormal.generate(length, open, &streams)?,
        Model::Markov(markov) => markov.generate(length, &streams)?,
    };
    match gaps {
        Some(gaps) => gaps.cut(&pieces, length, &streams),
        None => Ok(pieces),
    }
}

#[cfg(test)]
mod tests;
