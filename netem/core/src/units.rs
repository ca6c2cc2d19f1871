//! Rates, sizes and ratios.

use std::ops::{Add, AddAssign, Sub};

use crate::quantity::quantity;
use crate::time::Span;

quantity!(
    /// A bit rate in whole bits per second, decimal multiples.
    Bitrate,
    "bits per second",
    "a bit rate such as `3Mbps` (bps, kbps, Mbps or Gbps)",
    r"^[0-9]+(\.[0-9]+)?(bps|kbps|Mbps|Gbps)$",
    [("bps", 1), ("kbps", 1_000), ("Mbps", 1_000_000), ("Gbps", 1_000_000_000)]
);

quantity!(
    /// A size in whole bytes, decimal multiples.
    Bytes,
    "bytes",
    "a size such as `64kB` (B, kB, MB or GB)",
    r"^[0-9]+(\.[0-9]+)?(B|kB|MB|GB)$",
    [("B", 1), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)]
);

quantity!(
    /// A share, written in per cent, kept in parts per 10^9.
    Ratio,
    "parts per billion",
    "a share such as `5%`",
    r"^[0-9]+(\.[0-9]+)?%$",
    [("%", 10_000_000)]
);

impl Bitrate {
    /// `n` bits per second.
    #[must_use]
    pub const fn from_bps(n: u64) -> Self {
        Self(n)
    }
    /// `n` kilobits per second.
    #[must_use]
    pub const fn from_kbps(n: u64) -> Self {
        Self(n.saturating_mul(1_000))
    }
    /// `n` megabits per second.
    #[must_use]
    pub const fn from_mbps(n: u64) -> Self {
        Self(n.saturating_mul(1_000_000))
    }
    /// Bits per second as a float, rounded to the nearest; NaN and negative
    /// values become zero.
    #[must_use]
    pub fn from_bps_f64(bps: f64) -> Self {
        Self(libm::round(bps).max(0.0) as u64)
    }
    /// Bits per second.
    #[must_use]
    pub const fn as_bps(self) -> u64 {
        self.0
    }
    /// Bits per second as a float.
    #[must_use]
    pub const fn as_bps_f64(self) -> f64 {
        self.0 as f64
    }
    /// Kilobits per second.
    #[must_use]
    pub fn as_kbps_f64(self) -> f64 {
        self.0 as f64 / 1e3
    }
    /// Whether this is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
    /// This rate times `factor`, rounded to the nearest bit per second.
    #[must_use]
    pub fn mul_f64(self, factor: f64) -> Self {
        Self::from_bps_f64(self.0 as f64 * factor)
    }
    /// Whole bytes carried in `span`, rounded down.
    #[must_use]
    pub fn bytes_in(self, span: Span) -> Bytes {
        let bits = u128::from(self.0) * u128::from(span.as_nanos()) / 1_000_000_000;
        Bytes(u64::try_from(bits / 8).unwrap_or(u64::MAX))
    }
    /// The time that `bytes` take at this rate, rounded up; the largest span
    /// when the rate is zero.
    #[must_use]
    pub fn time_for(self, bytes: Bytes) -> Span {
        if self.0 == 0 {
            return Span::MAX;
        }
        let nanos = (u128::from(bytes.0) * 8_000_000_000).div_ceil(u128::from(self.0));
        Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Bytes {
    /// `n` bytes.
    #[must_use]
    pub const fn new(n: u64) -> Self {
        Self(n)
    }
    /// Whole bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
    /// Bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0.saturating_mul(8)
    }
    /// The mean rate of this many bytes in `span`; zero for an empty span.
    #[must_use]
    pub fn per(self, span: Span) -> Bitrate {
        if span.is_zero() {
            return Bitrate::ZERO;
        }
        let bps = u128::from(self.0) * 8_000_000_000 / u128::from(span.as_nanos());
        Bitrate(u64::try_from(bps).unwrap_or(u64::MAX))
    }
}

impl Ratio {
    /// The whole.
    pub const ONE: Self = Self(1_000_000_000);

    /// From a float where 1.0 is the whole, rounded to parts per billion; NaN
    /// and negative values become zero.
    #[must_use]
    pub fn from_f64(value: f64) -> Self {
        Self(libm::round(value * 1e9).max(0.0) as u64)
    }
    /// As a float where 1.0 is the whole.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// Parts per billion.
    #[must_use]
    pub const fn ppb(self) -> u64 {
        self.0
    }
}

macro_rules! arithmetic {
    ($($name:ident),+) => {$(
        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }
        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }
        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                iter.fold(Self(0), Add::add)
            }
        }
    )+};
}
arithmetic!(Bitrate, Bytes, Ratio);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_exact() {
        assert_eq!("2.5Mbps".parse::<Bitrate>().unwrap().as_bps(), 2_500_000);
        assert_eq!("0bps".parse::<Bitrate>().unwrap(), Bitrate::ZERO);
        assert_eq!("0.1%".parse::<Ratio>().unwrap().ppb(), 1_000_000);
        assert_eq!("64kB".parse::<Bytes>().unwrap().get(), 64_000);
        assert_eq!(Bitrate::from_kbps(2500).to_string(), "2.5Mbps");
        assert_eq!(Ratio::from_f64(0.05).to_string(), "5%");
        assert_eq!(Ratio::from_f64(0.0005).to_string(), "0.05%");
    }

    #[test]
    fn wrong_units_name_the_nearest() {
        let message = "3mbps".parse::<Bitrate>().unwrap_err().to_string();
        assert!(
            message.contains("unknown unit `mbps`") && message.contains("did you mean `"),
            "{message}"
        );
        assert!("3ms".parse::<Bitrate>().is_err());
        assert!(
            "-1Mbps"
                .parse::<Bitrate>()
                .unwrap_err()
                .to_string()
                .contains("negative")
        );
    }

    #[test]
    fn serialisation_time_rounds_up() {
        // queues-and-wire: 1500 B at 7 Mbit/s and 1400 B at 3 Mbit/s.
        assert_eq!(
            Bitrate::from_mbps(7).time_for(Bytes::new(1500)).as_nanos(),
            1_714_286
        );
        assert_eq!(
            Bitrate::from_mbps(3).time_for(Bytes::new(1400)).as_nanos(),
            3_733_334
        );
        assert_eq!(
            Bitrate::from_mbps(5).time_for(Bytes::new(1200)).as_nanos(),
            1_920_000
        );
    }

    proptest! {
        #[test]
        fn print_then_parse_is_identity(n in any::<u64>()) {
            prop_assert_eq!(Bitrate(n).to_string().parse::<Bitrate>().unwrap(), Bitrate(n));
            prop_assert_eq!(Bytes(n).to_string().parse::<Bytes>().unwrap(), Bytes(n));
            prop_assert_eq!(Ratio(n).to_string().parse::<Ratio>().unwrap(), Ratio(n));
        }
        #[test]
        fn any_text_is_refused_politely(text in ".{0,12}") {
            let _ = text.parse::<Bitrate>();
            let _ = text.parse::<Span>();
        }
    }
}
