//! A rate over a sliding window, in constant memory.

use weaknet_core::{Bitrate, Bytes, Span, Time};

const BINS: usize = 50;

/// Bytes counted over the last second in bins of 20 ms.
#[derive(Debug, Clone)]
pub struct RateCounter {
    bins: [u64; BINS],
    /// Number of the newest bin since the start of time.
    newest: u64,
    total: u64,
}

impl RateCounter {
    /// Length of the window.
    pub const WINDOW: Span = Span::from_secs(1);

    /// An empty counter.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bins: [0; BINS],
            newest: 0,
            total: 0,
        }
    }

    fn advance(&mut self, now: Time) {
        let bin = now.as_nanos() / (Self::WINDOW.as_nanos() / BINS as u64);
        let steps = bin.saturating_sub(self.newest).min(BINS as u64);
        for step in 1..=steps {
            let slot = ((self.newest + step) % BINS as u64) as usize;
            self.total -= std::mem::take(&mut self.bins[slot]);
        }
        if steps == BINS as u64 {
            self.bins = [0; BINS];
            self.total = 0;
        }
        self.newest = self.newest.max(bin);
    }

    /// Counts `size` bytes at `now`.
    pub fn add(&mut self, now: Time, size: u64) {
        self.advance(now);
        self.bins[(self.newest % BINS as u64) as usize] += size;
        self.total += size;
    }

    /// The rate over the window that ends at `now`.
    pub fn rate(&mut self, now: Time) -> Bitrate {
        self.advance(now);
        Bytes::new(self.total).per(Self::WINDOW)
    }
}

impl Default for RateCounter {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_last_second() {
        let mut counter = RateCounter::new();
        for ms in (0..2000).step_by(10) {
            counter.add(Time::from_millis(ms), 125);
        }
        assert_eq!(counter.rate(Time::from_millis(1999)).as_bps(), 100_000);
        assert_eq!(counter.rate(Time::from_millis(2499)).as_bps(), 50_000);
        assert_eq!(counter.rate(Time::from_secs(100)), Bitrate::ZERO);
        counter.add(Time::from_secs(100), 1000);
        assert_eq!(counter.rate(Time::from_secs(100)).as_bps(), 8_000);
    }
}
