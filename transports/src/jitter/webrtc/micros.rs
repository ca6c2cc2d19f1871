//! Signed microseconds, the unit that libwebrtc keeps times in, with its
//! roundings (`rtc_base/units/unit_base.h`, 2026-07).

use weaknet_core::{Span, Time};

/// Microseconds.
pub(super) type Micros = i64;

/// One millisecond.
pub(super) const MILLISECOND: Micros = 1_000;
/// One second.
pub(super) const SECOND: Micros = 1_000_000;

/// An instant, rounded down.
pub(super) fn from_time(time: Time) -> Micros {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// A span, rounded down.
pub(super) fn from_span(span: Span) -> Micros {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// As an instant, not before the start.
pub(super) fn to_time(micros: Micros) -> Time {
    Time::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// As a span, zero when negative.
pub(super) fn to_span(micros: Micros) -> Span {
    Span::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// Whole milliseconds, to the nearest, halves up.
pub(super) const fn to_millis(micros: Micros) -> i64 {
    micros.saturating_add(500).div_euclid(1_000)
}

/// From fractional milliseconds, towards zero.
pub(super) fn from_millis(millis: f64) -> Micros {
    (millis * 1e3) as Micros
}

/// A multiple, to the nearest, halves away from zero.
pub(super) fn scale(micros: Micros, factor: f64) -> Micros {
    libm::round(micros as f64 * factor) as Micros
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_as_the_unit_classes_do() {
        assert_eq!(
            [499, 500, 1_499, -500, -501].map(to_millis),
            [0, 1, 1, 0, -1]
        );
        assert_eq!([from_millis(1.9999), from_millis(-1.9999)], [1_999, -1_999]);
        assert_eq!(
            [scale(5, 0.5), scale(-5, 0.5), scale(100_000, 0.9)],
            [3, -3, 90_000]
        );
    }
}
