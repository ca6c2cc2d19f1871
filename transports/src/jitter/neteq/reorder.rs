//! The delay that is worth waiting for reordered packets: each percent of loss
//! costs as much as some milliseconds of delay.
//!
//! Implements: `reorder_optimizer.cc` of NetEQ.

use super::histogram::{BUCKET_MS, Histogram, ONE};

/// Finds the delay.
#[derive(Debug, Clone)]
pub(super) struct ReorderOptimizer {
    histogram: Histogram,
    ms_per_loss_percent: i64,
    optimal_ms: Option<i64>,
}

impl ReorderOptimizer {
    pub(super) const fn new(histogram: Histogram, ms_per_loss_percent: i64) -> Self {
        Self {
            histogram,
            ms_per_loss_percent,
            optimal_ms: None,
        }
    }

    pub(super) fn reset(&mut self) {
        self.histogram.reset();
        self.optimal_ms = None;
    }

    pub(super) const fn optimal_ms(&self) -> Option<i64> {
        self.optimal_ms
    }

    /// A packet came this late. `base_ms`: the delay that is there anyway.
    pub(super) fn update(&mut self, delay_ms: i64, reordered: bool, base_ms: i64) {
        self.histogram
            .add_delay(if reordered { delay_ms } else { 0 });
        self.optimal_ms = Some((1 + self.cheapest(base_ms)) * BUCKET_MS);
    }

    /// The bucket with the least cost of delay and loss.
    fn cheapest(&self, base_ms: i64) -> i64 {
        let mut loss = i64::from(ONE);
        let (mut least, mut cheapest) = (i64::MAX, 0);
        for (index, bucket) in (0..).zip(self.histogram.buckets()) {
            loss -= i64::from(*bucket);
            let delay = (index * BUCKET_MS - base_ms).max(0) << 30;
            let cost = delay + 100 * self.ms_per_loss_percent * loss;
            if cost < least {
                (least, cheapest) = (cost, index);
            }
            if loss == 0 {
                break;
            }
        }
        cheapest
    }
}
