//! Logical time: whole nanoseconds since the start of the run.

use std::ops::{Add, AddAssign, Div, Mul, Sub};

use crate::quantity::quantity;

quantity!(
    /// A length of time in nanoseconds. Arithmetic saturates.
    Span,
    "nanoseconds",
    "a duration such as `25ms` (ns, us, ms, s, min or h)",
    r"^[0-9]+(\.[0-9]+)?(ns|us|ms|s|min|h)$",
    [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ]
);

/// An instant in nanoseconds since the start of the run. Arithmetic saturates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Time(u64);

impl Span {
    /// `n` nanoseconds.
    #[must_use]
    pub const fn from_nanos(n: u64) -> Self {
        Self(n)
    }
    /// `n` microseconds.
    #[must_use]
    pub const fn from_micros(n: u64) -> Self {
        Self(n.saturating_mul(1_000))
    }
    /// `n` milliseconds.
    #[must_use]
    pub const fn from_millis(n: u64) -> Self {
        Self(n.saturating_mul(1_000_000))
    }
    /// `n` seconds.
    #[must_use]
    pub const fn from_secs(n: u64) -> Self {
        Self(n.saturating_mul(1_000_000_000))
    }
    /// Seconds as a float, rounded to the nearest nanosecond; NaN and negative
    /// values become zero.
    #[must_use]
    pub fn from_secs_f64(s: f64) -> Self {
        Self(libm::round(s * 1e9).max(0.0) as u64)
    }
    /// Milliseconds as a float, rounded to the nearest nanosecond; NaN and
    /// negative values become zero.
    #[must_use]
    pub fn from_millis_f64(ms: f64) -> Self {
        Self(libm::round(ms * 1e6).max(0.0) as u64)
    }
    /// Whole nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
    /// Whole microseconds, rounded down.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }
    /// Whole milliseconds, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }
    /// Seconds.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// Milliseconds.
    #[must_use]
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
    /// The difference, or zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
    /// This span times `factor`, rounded to the nearest nanosecond.
    #[must_use]
    pub fn mul_f64(self, factor: f64) -> Self {
        Self(libm::round(self.0 as f64 * factor).max(0.0) as u64)
    }
    /// Whether this is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Time {
    /// The start of the run.
    pub const ZERO: Self = Self(0);
    /// The end of time.
    pub const MAX: Self = Self(u64::MAX);

    /// `n` nanoseconds after the start.
    #[must_use]
    pub const fn from_nanos(n: u64) -> Self {
        Self(n)
    }
    /// `n` microseconds after the start.
    #[must_use]
    pub const fn from_micros(n: u64) -> Self {
        Self(n.saturating_mul(1_000))
    }
    /// `n` milliseconds after the start.
    #[must_use]
    pub const fn from_millis(n: u64) -> Self {
        Self(n.saturating_mul(1_000_000))
    }
    /// `n` seconds after the start.
    #[must_use]
    pub const fn from_secs(n: u64) -> Self {
        Self(n.saturating_mul(1_000_000_000))
    }
    /// Nanoseconds since the start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
    /// Microseconds since the start, rounded down.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }
    /// Milliseconds since the start, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }
    /// Milliseconds since the start.
    #[must_use]
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
    /// Seconds since the start.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// Whole ticks since the start of a clock with so many in a second.
    #[must_use]
    pub const fn ticks(self, per_second: u32) -> u64 {
        const SECOND: u64 = 1_000_000_000;
        let whole = (self.0 / SECOND).saturating_mul(per_second as u64);
        // Less than 2^62, and exact in all: a whole second is whole ticks.
        whole.saturating_add(self.0 % SECOND * per_second as u64 / SECOND)
    }
    /// The time from `earlier` to this instant, or zero when it is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
    /// The start of the run as a span.
    #[must_use]
    pub const fn since_start(self) -> Span {
        Span(self.0)
    }
    /// This instant less `span`, not before the start.
    #[must_use]
    pub const fn saturating_sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl From<Span> for Time {
    fn from(span: Span) -> Self {
        Self(span.0)
    }
}

impl Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Sub<Self> for Time {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        self.since(earlier)
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}

impl Mul<u64> for Span {
    type Output = Self;
    fn mul(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }
}

impl Div<u64> for Span {
    type Output = Self;
    fn div(self, n: u64) -> Self {
        Self(self.0 / n)
    }
}

impl std::iter::Sum for Span {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_the_unit_a_person_would_write() {
        for text in [
            "0ns",
            "25ms",
            "1.5s",
            "300us",
            "10min",
            "1h",
            "1234567ns",
            "0.5s",
        ] {
            let span: Span = text.parse().unwrap();
            let want = match text {
                "1234567ns" => "1.234567ms".parse::<Span>().unwrap(),
                other => other.parse().unwrap(),
            };
            assert_eq!(span, want);
        }
        assert_eq!(Span::from_millis(1500).to_string(), "1.5s");
        assert_eq!(Span::from_micros(33_333).to_string(), "33.333ms");
        assert_eq!(Span::from_secs(60).to_string(), "1min");
        assert_eq!(Span::from_secs(90).to_string(), "90s");
    }

    #[test]
    fn says_what_is_wrong() {
        let message = |text: &str| text.parse::<Span>().unwrap_err().to_string();
        assert_eq!(
            message("25"),
            "`25` has no unit: expected a duration such as `25ms` (ns, us, ms, s, min or h)"
        );
        assert!(message("-5ms").contains("negative"));
        assert!(message("25 ms").contains("unknown unit `ms`") || message("25 ms").contains("ms"));
        assert!(message("3sec").contains("unknown unit `sec`"));
        assert!(message("0.1ns").contains("not a whole number"));
        assert!(message("ms").contains("expected"));
        assert!(message("99999999999h").contains("out of range"));
    }

    #[test]
    fn a_tick_has_passed_when_all_of_it_has() {
        let ticks = |nanos, per_second| Time::from_nanos(nanos).ticks(per_second);
        assert_eq!((ticks(11_111, 90_000), ticks(11_112, 90_000)), (0, 1));
        assert_eq!(ticks(1_999_999_999, 48_000), 95_999);
        assert_eq!(ticks(600_000_000_000, 90_000), 54_000_000);
        assert_eq!(Time::MAX.ticks(1_000_000_000), u64::MAX);
    }

    proptest! {
        #[test]
        fn ticks_are_rounded_down(nanos in any::<u64>(), per_second in 0u32..=1_000_000_000) {
            let exact = u128::from(nanos) * u128::from(per_second) / 1_000_000_000;
            prop_assert_eq!(u128::from(Time::from_nanos(nanos).ticks(per_second)), exact);
        }

        #[test]
        fn print_then_parse_is_identity(n in any::<u64>()) {
            prop_assert_eq!(Span(n).to_string().parse::<Span>().unwrap(), Span(n));
        }
    }
}
