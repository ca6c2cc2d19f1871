//! A rate over the last second.
//!
//! Implements: libwebrtc's rate statistics (`rtc_base/rate_statistics.cc`,
//! 2026-07): buckets of 1 ms; the window begins with the first sample after a
//! silence of one and a half windows, so that a rate is known early; a single
//! sample, or samples of a single millisecond, make no rate.
//! Not modelled: windows of other lengths.

use std::collections::VecDeque;

use weaknet_core::{Bitrate, Bytes, Span, Time};

const WINDOW_MS: u64 = 1_000;

/// What was counted in one millisecond.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    ms: u64,
    bytes: u64,
    samples: u64,
}

/// Bytes counted over the last second.
#[derive(Debug, Clone)]
pub struct RateCounter {
    buckets: VecDeque<Bucket>,
    bytes: u64,
    samples: u64,
    /// The millisecond in which the window began to fill.
    first_ms: Option<u64>,
}

impl Default for RateCounter {
    fn default() -> Self {
        Self::new()
    }
}

impl RateCounter {
    /// Length of the window.
    pub const WINDOW: Span = Span::from_millis(WINDOW_MS);

    /// An empty counter.
    #[must_use]
    pub fn new() -> Self {
        Self {
            buckets: VecDeque::with_capacity(WINDOW_MS as usize + 1),
            bytes: 0,
            samples: 0,
            first_ms: None,
        }
    }

    fn forget(&mut self, now_ms: u64) {
        while let Some(old) = self
            .buckets
            .front()
            .filter(|bucket| bucket.ms + WINDOW_MS <= now_ms)
        {
            self.bytes = self.bytes.saturating_sub(old.bytes);
            self.samples -= old.samples;
            self.buckets.pop_front();
        }
    }

    /// Counts `size` bytes at `now`.
    pub fn add(&mut self, now: Time, size: u64) {
        let now_ms = now.as_millis();
        let silent = self
            .buckets
            .back()
            .is_none_or(|last| last.ms + WINDOW_MS * 3 / 2 <= now_ms);
        self.forget(now_ms);
        if self.first_ms.is_none() || (self.samples == 0 && silent) {
            self.first_ms = Some(now_ms);
        }
        match self.buckets.back_mut() {
            Some(bucket) if bucket.ms >= now_ms => {
                bucket.bytes = bucket.bytes.saturating_add(size);
                bucket.samples += 1;
            }
            _ => self.buckets.push_back(Bucket {
                ms: now_ms,
                bytes: size,
                samples: 1,
            }),
        }
        self.bytes = self.bytes.saturating_add(size);
        self.samples += 1;
    }

    /// The rate over the window that ends at `now`; `None` while there is too
    /// little to tell.
    pub fn rate(&mut self, now: Time) -> Option<Bitrate> {
        let now_ms = now.as_millis();
        self.forget(now_ms);
        let active = (now_ms.saturating_sub(self.first_ms?) + 1).min(WINDOW_MS);
        let too_little =
            self.samples == 0 || active == 1 || (self.samples == 1 && active < WINDOW_MS);
        (!too_little).then(|| Bytes::new(self.bytes).per(Span::from_millis(active)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn counts_the_last_second() {
        let mut counter = RateCounter::new();
        for ms in (0..2000).step_by(10) {
            counter.add(at(ms), 125);
        }
        let bps = |counter: &mut RateCounter, ms| counter.rate(at(ms)).map(Bitrate::as_bps);
        assert_eq!(bps(&mut counter, 1999), Some(100_000));
        assert_eq!(bps(&mut counter, 2499), Some(50_000));
        assert_eq!(bps(&mut counter, 100_000), None);
    }

    #[test]
    fn the_window_begins_with_the_first_sample() {
        let mut counter = RateCounter::new();
        counter.add(at(5_000), 1000);
        counter.add(at(5_000), 1000);
        assert_eq!(counter.rate(at(5_000)), None, "a single millisecond");
        // 16 000 bits in 50 ms.
        assert_eq!(counter.rate(at(5_049)), Some(Bitrate::from_kbps(320)));
        assert_eq!(counter.rate(at(5_999)), Some(Bitrate::from_kbps(16)));
        assert_eq!(counter.rate(at(6_000)), None);
    }

    #[test]
    fn one_sample_is_no_rate_unless_the_window_was_full() {
        let mut counter = RateCounter::new();
        counter.add(at(0), 1000);
        assert_eq!(counter.rate(at(998)), None);
        counter.add(at(1_200), 1000);
        assert_eq!(counter.rate(at(1_300)), Some(Bitrate::from_kbps(8)));
        counter.add(at(9_000), 1000);
        assert_eq!(counter.rate(at(9_500)), None, "begun anew after a silence");
    }
}
