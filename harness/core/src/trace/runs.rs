//! Times below a rate, and how long they last.

use super::quantiles::Quantiles;

/// Runs below one threshold.
#[derive(Debug, Clone)]
pub(super) struct Runs {
    /// Bits per second.
    pub(super) threshold: u64,
    run: u64,
    below: u128,
    total: u128,
    /// Lengths of finished runs in nanoseconds.
    pub(super) lengths: Quantiles,
}

impl Runs {
    pub(super) fn new(threshold: u64) -> Self {
        Self {
            threshold,
            run: 0,
            below: 0,
            total: 0,
            lengths: Quantiles::default(),
        }
    }

    /// Adds a rate that holds for a time.
    pub(super) fn add(&mut self, bps: u64, nanos: u64) {
        self.total += u128::from(nanos);
        if bps < self.threshold {
            self.below += u128::from(nanos);
            self.run = self.run.saturating_add(nanos);
        } else {
            self.end();
        }
    }

    /// Ends the run that is open.
    pub(super) fn end(&mut self) {
        if self.run > 0 {
            self.lengths.add(self.run, 1);
            self.run = 0;
        }
    }

    /// Share of time below.
    pub(super) fn share(&self) -> Option<f64> {
        (self.total > 0).then(|| self.below as f64 / self.total as f64)
    }

    pub(super) fn per_minute(&self) -> Option<f64> {
        let minutes = self.total as f64 / 60e9;
        (self.total > 0).then(|| self.lengths.total() as f64 / minutes)
    }
}
