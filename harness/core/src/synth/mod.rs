//! Synthetic traces: conditions over time drawn from a model, the same for the
//! same seed.
//!
//! A trace is a list of [`Segment`]s. [`Lognormal`] makes a rate with a given
//! mean, variation and correlation; [`Markov`] jumps between states of rate,
//! loss and delay; [`Gaps`] cuts outages into either. [`of_link`] samples what a link
//! of a scenario can carry.

mod gaps;
mod link;
mod lognormal;
mod markov;

pub use gaps::Gaps;
pub use link::of_link;
pub use lognormal::Lognormal;
pub use markov::{Markov, State};

use weaknet_core::{Span, Streams};
use weaknet_netem::trace::{
    Direction, Format, Head, Kind, Quantity, Record, Segment, Target, TraceError, TraceWriter,
};

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

/// More segments than this are refused.
const MOST_SEGMENTS: u64 = 50_000_000;

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
) -> Result<Vec<Segment>, SynthError> {
    if length.is_zero() {
        return Err(SynthError::new("the length is zero"));
    }
    let streams = Streams::new(seed);
    let open = 1.0 - gaps.map_or(Ok(0.0), Gaps::share)?;
    let segments = match model {
        Model::Lognormal(lognormal) => lognormal.generate(length, open, &streams)?,
        Model::Markov(markov) => markov.generate(length, &streams)?,
    };
    match gaps {
        Some(gaps) => gaps.cut(&segments, length, &streams),
        None => Ok(segments),
    }
}

/// Writes a trace in the canonical form.
///
/// # Errors
/// When the segments are no trace.
pub fn canonical(segments: &[Segment], length: Span, title: &str) -> Result<Vec<u8>, TraceError> {
    let carried = |quantity: &Quantity| segments.iter().all(|segment| segment.has(*quantity));
    let target = Target {
        format: Format::Canonical,
        kind: Kind::Segments,
        quantities: Quantity::ALL.into_iter().filter(carried).collect(),
        opportunity: 1500,
        direction: Direction::Uplink,
        lossy: false,
    };
    let mut head = Head::default();
    head.entries.push(("title".to_owned(), title.to_owned()));
    let mut writer = TraceWriter::new(Vec::new(), &head, target)?;
    for segment in segments {
        writer.push(&Record::Segment(*segment))?;
    }
    writer.finish(Some(length))
}

#[cfg(test)]
mod tests;
