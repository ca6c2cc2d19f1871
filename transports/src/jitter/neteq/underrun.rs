//! The delay that leaves few packets too late: a quantile of arrival delays.
//!
//! Implements: `underrun_optimizer.cc` of NetEQ: the greatest delay of each
//! interval goes into the histogram, when a packet comes after its end.

use super::histogram::{BUCKET_MS, Histogram, ONE};
use super::units::TICK_MS;

/// Finds the delay.
#[derive(Debug, Clone)]
pub(super) struct UnderrunOptimizer {
    histogram: Histogram,
    /// Q30.
    quantile: i32,
    /// 0: every packet counts.
    interval_ms: i64,
    /// Tick at which the interval began.
    began: Option<u64>,
    greatest_ms: i64,
    optimal_ms: Option<i64>,
}

impl UnderrunOptimizer {
    pub(super) fn new(histogram: Histogram, quantile: f64, interval_ms: i64) -> Self {
        Self {
            histogram,
            quantile: (f64::from(ONE) * quantile) as i32,
            interval_ms,
            began: None,
            greatest_ms: 0,
            optimal_ms: None,
        }
    }

    pub(super) fn reset(&mut self) {
        self.histogram.reset();
        self.began = None;
        self.greatest_ms = 0;
        self.optimal_ms = None;
    }

    /// `None` before the first interval is over.
    pub(super) const fn optimal_ms(&self) -> Option<i64> {
        self.optimal_ms
    }

    /// A packet came this late.
    pub(super) fn update(&mut self, tick: u64, delay_ms: i64) {
        let sample = if self.interval_ms > 0 {
            self.resample(tick, delay_ms)
        } else {
            Some(delay_ms)
        };
        if let Some(sample) = sample {
            self.histogram.add_delay(sample);
            let bucket = self.histogram.quantile(self.quantile);
            self.optimal_ms = Some((1 + bucket as i64) * BUCKET_MS);
        }
    }

    fn resample(&mut self, tick: u64, delay_ms: i64) -> Option<i64> {
        let began = *self.began.get_or_insert(tick);
        let elapsed_ms = tick.saturating_sub(began).cast_signed() * TICK_MS;
        let mut sample = None;
        if elapsed_ms > self.interval_ms {
            sample = Some(self.greatest_ms);
            self.began = Some(tick);
            self.greatest_ms = 0;
        }
        self.greatest_ms = self.greatest_ms.max(delay_ms);
        sample
    }
}
