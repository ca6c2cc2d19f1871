//! The share of marked packets, averaged over virtual round trips.
//!
//! Implements: RFC 8257 section 3.3 (`DCTCP.Alpha`), counted in bytes.
//! Differs: nothing is averaged before the first mark.

use weaknet_core::{Span, Time};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct MarkShare {
    g: f64,
    initial: f64,
    alpha: f64,
    /// Start of the period that is being counted; `None` before any mark.
    since: Option<Time>,
    acked: u64,
    marked: u64,
}

impl MarkShare {
    pub(super) const fn new(g: f64, initial: f64) -> Self {
        Self {
            g,
            initial,
            alpha: initial,
            since: None,
            acked: 0,
            marked: 0,
        }
    }

    /// The same without a past.
    pub(super) const fn fresh(&self) -> Self {
        Self::new(self.g, self.initial)
    }

    /// The average.
    pub(super) const fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Counts bytes acknowledged, of which some were marked; `period` is how
    /// long the average collects before it moves. Whether a period has ended.
    pub(super) fn count(&mut self, now: Time, acked: u64, marked: u64, period: Span) -> bool {
        if self.since.is_none() && marked > 0 {
            self.since = Some(now);
        }
        let Some(since) = self.since else {
            return false;
        };
        self.acked = self.acked.saturating_add(acked);
        self.marked = self.marked.saturating_add(marked);
        if now.since(since) < period || self.acked == 0 {
            return false;
        }
        let share = self.marked as f64 / self.acked as f64;
        self.alpha += self.g * (share - self.alpha);
        (self.acked, self.marked) = (0, 0);
        self.since = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Span = Span::from_millis(25);

    fn averages(initial: f64, marked: u64) -> Vec<f64> {
        let mut share = MarkShare::new(1.0 / 16.0, initial);
        share.since = Some(Time::ZERO);
        (1..=8)
            .map(|k| {
                assert!(!share.count(Time::from_millis(25 * k - 1), 500, marked / 2, PERIOD));
                assert!(share.count(Time::from_millis(25 * k), 500, marked / 2, PERIOD));
                share.alpha()
            })
            .collect()
    }

    #[test]
    fn a_sixteenth_of_the_difference_per_period() {
        let down = [
            0.9375, 0.87891, 0.82397, 0.77248, 0.72420, 0.67893, 0.63650, 0.59672,
        ];
        let up = [
            0.0625, 0.12109, 0.17603, 0.22752, 0.27580, 0.32107, 0.36350, 0.40328,
        ];
        for (got, expected) in [(averages(1.0, 0), down), (averages(0.0, 1_000), up)] {
            for (got, expected) in got.iter().zip(expected) {
                assert!((got - expected).abs() < 5e-6, "{got} {expected}");
            }
        }
    }

    #[test]
    fn nothing_moves_before_the_first_mark() {
        let mut share = MarkShare::new(1.0 / 16.0, 1.0);
        for k in 0..100 {
            assert!(!share.count(Time::from_millis(25 * k), 1_000, 0, PERIOD));
        }
        assert_eq!(share.alpha(), 1.0);
        assert!(!share.count(Time::from_secs(3), 1_000, 1_000, PERIOD));
        assert!(share.count(Time::from_millis(3_025), 1_000, 0, PERIOD));
        assert_eq!(share.alpha(), 1.0 - 0.5 / 16.0);
    }
}
