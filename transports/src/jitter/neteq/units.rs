//! Samples of the 48 kHz clock, in which NetEQ counts.

use weaknet_core::Span;

/// A number of samples, or a place in the stream.
pub(super) type Samples = i64;

/// Samples in one millisecond.
pub(super) const PER_MS: Samples = 48;
/// Milliseconds between two pulls of the loudspeaker (`kOutputSizeMs`).
pub(super) const TICK_MS: i64 = 10;
/// Samples that the loudspeaker takes at once.
pub(super) const TICK: Samples = TICK_MS * PER_MS;

/// The nearest number of samples.
pub(super) fn samples(span: Span) -> Samples {
    let nanos = u128::from(span.as_nanos());
    Samples::try_from((nanos * 48 + 500_000) / 1_000_000).unwrap_or(Samples::MAX)
}

/// How long so many samples are.
pub(super) fn span(samples: Samples) -> Span {
    let samples = u128::from(samples.unsigned_abs());
    Span::from_nanos(u64::try_from(samples * 1_000_000 / 48).unwrap_or(u64::MAX))
}

/// Whole milliseconds, as a span.
pub(super) fn millis(ms: i64) -> Span {
    Span::from_millis(ms.unsigned_abs())
}
