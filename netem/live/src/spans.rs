//! Lengths of time and their quantiles.

use hdrhistogram::Histogram;
use weaknet_core::Span;

/// The longest that is told apart from longer ones.
const LONGEST: u64 = 60_000_000_000;

/// A histogram of lengths of time, exact to a thousandth.
#[derive(Debug, Clone)]
pub struct Spans {
    /// In nanoseconds.
    histogram: Histogram<u64>,
}

/// What is shown of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quantiles {
    /// How many.
    pub count: u64,
    /// Half of them were at most so long.
    pub p50: Span,
    /// 95 % of them.
    pub p95: Span,
    /// 99 % of them.
    pub p99: Span,
    /// 99.9 % of them.
    pub p999: Span,
    /// All of them.
    pub max: Span,
}

impl Default for Spans {
    fn default() -> Self {
        let histogram =
            Histogram::new_with_bounds(1, LONGEST, 3).expect("bounds and a precision that exist");
        Self { histogram }
    }
}

impl Spans {
    /// One more.
    pub fn record(&mut self, span: Span) {
        self.histogram
            .saturating_record(span.as_nanos().clamp(1, LONGEST));
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
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: Span::from_nanos(self.histogram.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(micros: u64) -> Span {
        Span::from_micros(micros)
    }

    #[test]
    fn quantiles_are_within_a_thousandth() {
        let mut spans = Spans::default();
        assert_eq!(spans.quantiles(), Quantiles::default());
        for each in 1..=10_000 {
            spans.record(micros(each));
        }
        let quantiles = spans.quantiles();
        assert_eq!(quantiles.count, 10_000);
        for (found, want) in [
            (quantiles.p50, 5_000.0),
            (quantiles.p99, 9_900.0),
            (quantiles.p999, 9_990.0),
            (quantiles.max, 10_000.0),
        ] {
            let share = found.as_secs_f64() * 1e6 / want;
            assert!((0.999..1.001).contains(&share), "{found} {want}");
        }
    }

    #[test]
    fn what_is_too_long_counts_as_the_longest() {
        let mut spans = Spans::default();
        spans.record(Span::from_secs(3_600));
        let max = spans.quantiles().max.as_secs_f64();
        assert!((59.9..61.0).contains(&max), "{max}");
        let mut other = Spans::default();
        other.record(micros(1));
        other.add(&spans);
        assert_eq!(other.quantiles().count, 2);
    }
}
