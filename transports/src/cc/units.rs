//! Signed whole-number units of libwebrtc's estimators: bits per second, bytes
//! and microseconds. Their decisions depend on where values are rounded, so
//! every operation says how it rounds.
//!
//! Implements: the rounding of api/units of libwebrtc (July 2026): products
//! and quotients with a factor to nearest, half away from zero; rates from
//! size and time downwards; sizes from rate and time to nearest; milliseconds
//! and kilobits to nearest, half up.

use std::ops::{Add, Div, Mul, Sub};

use weaknet_core::{Bitrate, Bytes, Span, Time};

/// Bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rate(i64);

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size(i64);

/// A difference of times in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Delta(i64);

/// An instant in microseconds, of the sender's or the receiver's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp(i64);

const fn to_nearest_thousand(value: i64) -> i64 {
    value.saturating_add(500).div_euclid(1_000)
}

const fn microbits_to_bytes(microbits: i64) -> i64 {
    microbits.saturating_add(4_000_000) / 8_000_000
}

fn clamp_to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Rate {
    pub(super) const ZERO: Self = Self(0);
    /// No limit.
    pub(super) const INFINITE: Self = Self(i64::MAX);
    /// Rates above a petabit per second mean "no limit".
    const LARGEST: u64 = 1_000_000_000_000_000;

    pub(super) const fn from_bps(bps: i64) -> Self {
        Self(bps)
    }
    pub(super) const fn from_kbps(kbps: i64) -> Self {
        Self(kbps * 1_000)
    }
    /// Rounded towards zero.
    pub(super) const fn from_bps_f64(bps: f64) -> Self {
        Self(bps as i64)
    }
    /// Rounded towards zero.
    pub(super) const fn from_kbps_f64(kbps: f64) -> Self {
        Self((kbps * 1_000.0) as i64)
    }
    pub(super) const fn as_bps(self) -> i64 {
        self.0
    }
    pub(super) const fn as_kbps(self) -> i64 {
        to_nearest_thousand(self.0)
    }
    pub(super) const fn is_finite(self) -> bool {
        self.0 != i64::MAX
    }
    /// Half of it, rounded down.
    pub(super) const fn half(self) -> Self {
        Self(self.0 / 2)
    }
}

impl From<Bitrate> for Rate {
    fn from(rate: Bitrate) -> Self {
        if rate.as_bps() > Self::LARGEST {
            Self::INFINITE
        } else {
            Self(clamp_to_i64(rate.as_bps()))
        }
    }
}

impl From<Rate> for Bitrate {
    fn from(rate: Rate) -> Self {
        Self::from_bps(u64::try_from(rate.0).unwrap_or(0))
    }
}

impl Size {
    pub(super) const ZERO: Self = Self(0);

    pub(super) const fn from_bytes(bytes: i64) -> Self {
        Self(bytes)
    }
    pub(super) const fn as_bytes(self) -> i64 {
        self.0
    }
    pub(super) const fn as_kilobytes_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }
    /// Half of it, rounded down.
    pub(super) const fn half(self) -> Self {
        Self(self.0 / 2)
    }
}

impl From<Bytes> for Size {
    fn from(size: Bytes) -> Self {
        Self(clamp_to_i64(size.get()))
    }
}

impl From<Size> for Bytes {
    fn from(size: Size) -> Self {
        Self::new(u64::try_from(size.0).unwrap_or(0))
    }
}

impl Delta {
    pub(super) const ZERO: Self = Self(0);

    pub(super) const fn from_micros(us: i64) -> Self {
        Self(us)
    }
    pub(super) const fn from_millis(ms: i64) -> Self {
        Self(ms * 1_000)
    }
    pub(super) const fn from_secs(s: i64) -> Self {
        Self(s * 1_000_000)
    }
    /// Half of it, rounded towards zero.
    pub(super) const fn half(self) -> Self {
        Self(self.0 / 2)
    }
    /// Rounded to the nearest millisecond.
    pub(super) const fn as_millis(self) -> i64 {
        to_nearest_thousand(self.0)
    }
    pub(super) const fn as_millis_f64(self) -> f64 {
        self.0 as f64 * 1e-3
    }
    pub(super) const fn as_secs_f64(self) -> f64 {
        self.0 as f64 * 1e-6
    }
}

impl From<Span> for Delta {
    fn from(span: Span) -> Self {
        Self(clamp_to_i64(span.as_micros()))
    }
}

impl Stamp {
    pub(super) const MIN: Self = Self(i64::MIN);
    pub(super) const MAX: Self = Self(i64::MAX);

    /// Rounded to the nearest millisecond.
    pub(super) const fn as_millis(self) -> i64 {
        to_nearest_thousand(self.0)
    }
}

impl From<Time> for Stamp {
    fn from(time: Time) -> Self {
        Self(clamp_to_i64(time.as_micros()))
    }
}

macro_rules! sums {
    ($($name:ident),+) => {$(
        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }
        impl Mul<f64> for $name {
            type Output = Self;
            /// To nearest, half away from zero.
            fn mul(self, factor: f64) -> Self {
                Self(libm::round(self.0 as f64 * factor) as i64)
            }
        }
        impl Div<f64> for $name {
            type Output = Self;
            /// To nearest, half away from zero.
            fn div(self, divisor: f64) -> Self {
                Self(libm::round(self.0 as f64 / divisor) as i64)
            }
        }
        impl Div for $name {
            type Output = f64;
            fn div(self, other: Self) -> f64 {
                self.0 as f64 / other.0 as f64
            }
        }
    )+};
}
sums!(Rate, Size, Delta);

impl Sub for Stamp {
    type Output = Delta;
    /// Instants lie within 2^64 ns of the start: no difference overflows.
    fn sub(self, earlier: Self) -> Delta {
        Delta(self.0.wrapping_sub(earlier.0))
    }
}

impl Add<Delta> for Stamp {
    type Output = Self;
    fn add(self, delta: Delta) -> Self {
        Self(self.0.saturating_add(delta.0))
    }
}

impl Div<Delta> for Size {
    type Output = Rate;
    /// Rounded down; no limit when the time is zero.
    fn div(self, time: Delta) -> Rate {
        Rate(
            self.0
                .saturating_mul(8_000_000)
                .checked_div(time.0)
                .unwrap_or(i64::MAX),
        )
    }
}

impl Mul<Delta> for Rate {
    type Output = Size;
    /// To the nearest byte, half up.
    fn mul(self, time: Delta) -> Size {
        Size(microbits_to_bytes(self.0.saturating_mul(time.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_rounds_its_own_way() {
        assert_eq!(Rate::from_bps(5) * 0.5, Rate::from_bps(3));
        assert_eq!(Rate::from_bps(5).half(), Rate::from_bps(2));
        assert_eq!(Delta::from_micros(-5).half(), Delta::from_micros(-2));
        assert_eq!(Rate::from_kbps_f64(1.0009), Rate::from_bps(1_000));
        assert_eq!(Rate::from_bps(1_499).as_kbps(), 1);
        assert_eq!(Rate::from_bps(1_500).as_kbps(), 2);
        assert_eq!(Delta::from_micros(-1_500).as_millis(), -1);
        assert_eq!(Delta::from_micros(-1_501).as_millis(), -2);
        // 331,100 bps over 40 ms are 1655.5 bytes.
        let window = Delta::from_millis(40);
        assert_eq!(Rate::from_bps(331_100) * window, Size::from_bytes(1_656));
        assert_eq!(Size::from_bytes(1_656) / window, Rate::from_bps(331_200));
        assert_eq!(
            Size::from_bytes(1) / Delta::from_micros(3),
            Rate::from_bps(2_666_666)
        );
    }

    #[test]
    fn extremes_saturate() {
        assert_eq!(Rate::from(Bitrate::MAX), Rate::INFINITE);
        assert_eq!(Size::from_bytes(1) / Delta::ZERO, Rate::INFINITE);
        assert_eq!(
            Size::from(Bytes::MAX) + Size::from_bytes(1),
            Size::from(Bytes::MAX)
        );
        assert!(Stamp::from(Time::MAX) - Stamp::from(Time::ZERO) > Delta::ZERO);
    }
}
