//! How long decoding takes: 95th percentile over 10 s.
//!
//! Implements: `decode_time_percentile_filter.cc` of libwebrtc (2026-07): whole
//! milliseconds, the first five samples ignored, index truncated.

use std::collections::VecDeque;

const IGNORED: u32 = 5;
const PERCENTILE: f32 = 0.95;
const WINDOW_MS: i64 = 10_000;

/// The filter.
#[derive(Debug, Clone, Default)]
pub(super) struct DecodeTimes {
    ignored: u32,
    sorted: Vec<i64>,
    /// Decode time and when it was measured, oldest first.
    history: VecDeque<(i64, i64)>,
}

impl DecodeTimes {
    pub(super) fn add(&mut self, took_ms: i64, now_ms: i64) {
        if self.ignored < IGNORED {
            self.ignored += 1;
            return;
        }
        let took_ms = took_ms.max(0);
        self.sorted
            .insert(self.sorted.partition_point(|v| *v <= took_ms), took_ms);
        self.history.push_back((took_ms, now_ms));
        while let Some(&(value, at)) = self.history.front()
            && now_ms - at > WINDOW_MS
        {
            self.history.pop_front();
            if let Ok(position) = self.sorted.binary_search(&value) {
                self.sorted.remove(position);
            }
        }
    }

    /// The percentile in milliseconds, 0 without samples.
    pub(super) fn percentile_ms(&self) -> i64 {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted
            .get((PERCENTILE * last as f32) as usize)
            .copied()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignores_five_then_takes_the_95th_percentile() {
        let mut filter = DecodeTimes::default();
        for _ in 0..5 {
            filter.add(1000, 0);
        }
        assert_eq!(filter.percentile_ms(), 0);
        for value in 0..=100 {
            filter.add(value, 0);
        }
        assert_eq!(filter.percentile_ms(), 95);
        filter.add(7, 10_000);
        assert_eq!(filter.percentile_ms(), 94, "102 values, index 95");
        filter.add(3, 10_001);
        assert_eq!(filter.percentile_ms(), 3, "of 3 and 7, index 0");
    }
}
