//! The delay to aim at, from how late packets come.
//!
//! Implements: `delay_manager.cc` of NetEQ: the greater of what the two
//! optimizers find; the start delay before the first is found.

use super::Neteq;
use super::histogram::Histogram;
use super::reorder::ReorderOptimizer;
use super::underrun::UnderrunOptimizer;

/// Finds the target.
#[derive(Debug, Clone)]
pub(super) struct DelayManager {
    underrun: UnderrunOptimizer,
    reorder: Option<ReorderOptimizer>,
    start_ms: i64,
    target_ms: i64,
}

impl DelayManager {
    pub(super) fn new(config: &Neteq) -> Self {
        // The weight of the underrun optimizer is a whole number there.
        let weight = config.start_forget_weight;
        let underrun = Histogram::new(config.forget_factor, libm::trunc(weight));
        let reorder = config.use_reorder_optimizer.then(|| {
            let histogram = Histogram::new(config.reorder_forget_factor, libm::trunc(weight));
            ReorderOptimizer::new(histogram, i64::from(config.ms_per_loss_percent))
        });
        let start_ms = config.start_delay.as_millis().cast_signed();
        Self {
            underrun: UnderrunOptimizer::new(
                underrun,
                config.quantile,
                config.resample_interval.as_millis().cast_signed(),
            ),
            reorder,
            start_ms,
            target_ms: start_ms,
        }
    }

    pub(super) fn reset(&mut self) {
        self.underrun.reset();
        if let Some(reorder) = &mut self.reorder {
            reorder.reset();
        }
        self.target_ms = self.start_ms;
    }

    pub(super) const fn target_ms(&self) -> i64 {
        self.target_ms
    }

    /// A packet came this late, after ones that were sent later or not.
    pub(super) fn update(&mut self, tick: u64, delay_ms: i64, reordered: bool) {
        if self.reorder.is_none() || !reordered {
            self.underrun.update(tick, delay_ms);
        }
        self.target_ms = self.underrun.optimal_ms().unwrap_or(self.start_ms);
        if let Some(reorder) = &mut self.reorder {
            reorder.update(delay_ms, reordered, self.target_ms);
            self.target_ms = self.target_ms.max(reorder.optimal_ms().unwrap_or(0));
        }
    }
}
