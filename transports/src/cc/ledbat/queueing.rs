//! The delay that queues add: the least of the last samples against the least
//! of the last minutes.
//!
//! Implements: RFC 6817, sections 2.4.2 and 2.5, FILTER being the least of the
//! last few samples; draft-irtf-iccrg-ledbat-plus-plus-01, section 4.5, takes
//! round trips instead of one-way delays.

use weaknet_core::{Span, Time};

use crate::cc::base_delay::{BaseDelay, RecentMin};

/// Measures queueing delay.
#[derive(Debug, Clone)]
pub(super) struct QueueingDelay {
    base: BaseDelay,
    recent: RecentMin,
}

impl QueueingDelay {
    pub(super) fn new(base_minutes: u32, samples: u32) -> Self {
        Self {
            base: BaseDelay::new(base_minutes),
            recent: RecentMin::new(samples),
        }
    }

    /// Takes in a delay in nanoseconds, known at `now`.
    pub(super) fn on_sample(&mut self, now: Time, delay: i64) {
        self.base.on_sample(now, delay);
        self.recent.push(delay);
    }

    /// The queueing delay; zero before any sample.
    pub(super) fn get(&self) -> Span {
        let (Some(recent), Some(base)) = (self.recent.get(), self.base.get()) else {
            return Span::ZERO;
        };
        // A base that has aged away may have been the least of the recent too.
        let above = i128::from(recent) - i128::from(base);
        Span::from_nanos(u64::try_from(above).unwrap_or(0))
    }

    /// The least delay; zero before any sample and when clocks make it
    /// negative.
    pub(super) fn base(&self) -> Span {
        let base = self.base.get().unwrap_or(0);
        Span::from_nanos(u64::try_from(base).unwrap_or(0))
    }
}
