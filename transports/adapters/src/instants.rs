//! Logical time as the [`Instant`]s that other stacks take.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use weaknet_core::{Span, Time};

/// What stands for the start of every run, read once per process. Only
/// differences of instants reach a decision, so that its value is of no matter.
fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "an instant has no other maker")]
    *START.get_or_init(Instant::now)
}

/// Logical `time` as an instant.
pub(crate) fn instant(time: Time) -> Instant {
    let later = start().checked_add(duration(time.since_start()));
    later.unwrap_or_else(start)
}

/// An instant as logical time: the inverse of [`instant`].
#[cfg(feature = "str0m")]
pub(crate) fn time(instant: Instant) -> Time {
    let nanos = instant.saturating_duration_since(start()).as_nanos();
    Time::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// A span as a duration.
pub(crate) const fn duration(span: Span) -> Duration {
    Duration::from_nanos(span.as_nanos())
}
