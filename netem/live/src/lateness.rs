//! The emulator's own error: how late packets left.

use hdrhistogram::Histogram;
use weaknet_core::{Span, Time};

/// Longest lateness that is told apart from longer ones.
const LONGEST: u64 = 60_000_000_000;

/// Differences between ideal and actual departures.
#[derive(Debug, Clone)]
pub struct Lateness {
    /// In nanoseconds.
    histogram: Histogram<u64>,
}

/// What is shown of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quantiles {
    /// Packets.
    pub count: u64,
    /// Half of them left at most so late.
    pub p50: Span,
    /// 99 % of them.
    pub p99: Span,
    /// 99.9 % of them.
    pub p999: Span,
    /// All of them.
    pub max: Span,
}

impl Default for Lateness {
    fn default() -> Self {
        let histogram =
            Histogram::new_with_bounds(1, LONGEST, 3).expect("bounds and a precision that exist");
        Self { histogram }
    }
}

impl Lateness {
    /// A packet that should have left at `ideal` left at `actual`.
    pub fn record(&mut self, ideal: Time, actual: Time) {
        let late = actual.since(ideal).as_nanos().clamp(1, LONGEST);
        self.histogram.saturating_record(late);
    }

    /// Adds what another one recorded.
    pub fn add(&mut self, other: &Self) {
        // Both grow to what they need.
        let _ = self.histogram.add(&other.histogram);
    }

    /// What is shown of it.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        let at = |share| Span::from_nanos(self.histogram.value_at_quantile(share));
        if self.histogram.is_empty() {
            return Quantiles::default();
        }
        Quantiles {
            count: self.histogram.len(),
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            max: Span::from_nanos(self.histogram.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Time {
        Time::from_micros(micros)
    }

    #[test]
    fn quantiles_are_within_a_thousandth() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.quantiles(), Quantiles::default());
        for micros in 1..=10_000 {
            lateness.record(at(500), at(500 + micros));
        }
        let Quantiles {
            count,
            p50,
            p99,
            p999,
            max,
        } = lateness.quantiles();
        assert_eq!(count, 10_000);
        for (found, micros) in [
            (p50, 5_000.0),
            (p99, 9_900.0),
            (p999, 9_990.0),
            (max, 10_000.0),
        ] {
            let share = found.as_secs_f64() * 1e6 / micros;
            assert!((0.999..1.001).contains(&share), "{found} {micros}");
        }
    }

    #[test]
    fn what_is_too_long_counts_as_the_longest() {
        let mut lateness = Lateness::default();
        lateness.record(Time::ZERO, Time::from_secs(3_600));
        let max = lateness.quantiles().max.as_secs_f64();
        assert!((59.9..61.0).contains(&max), "{max}");
        let mut other = Lateness::default();
        other.record(Time::ZERO, at(1));
        other.add(&lateness);
        assert_eq!(other.quantiles().count, 2);
    }
}
