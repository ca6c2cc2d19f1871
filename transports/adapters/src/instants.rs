//! Logical time as the [`Instant`]s that other stacks take.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use weaknet_core::{Span, Time};

/// What stands for the start of every run, read once per process. Only
/// differences of instants reach a decision, so that its value is of no matter.
static START: OnceLock<Instant> = OnceLock::new();

/// Logical `time` as an instant.
pub(crate) fn instant(time: Time) -> Instant {
    #[expect(clippy::disallowed_methods, reason = "an instant has no other maker")]
    let start = *START.get_or_init(Instant::now);
    let later = start.checked_add(duration(time.since_start()));
    later.unwrap_or(start)
}

/// A span as a duration.
pub(crate) const fn duration(span: Span) -> Duration {
    Duration::from_nanos(span.as_nanos())
}
