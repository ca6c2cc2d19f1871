//! Whether sending faster still delivers faster.
//!
//! Implements: draft-ietf-ccwg-bbr, section 5.3.1.2 (working copy of
//! 2026-08), which for Startup is section 4.3.2.2 of
//! draft-cardwell-iccrg-bbr-congestion-control-00: a rate that in three
//! rounds has not grown by a quarter has reached its plateau.

use weaknet_core::Bitrate;

/// Detector of a plateau.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cc) struct FullPipe {
    growth: f64,
    rounds: u32,
    baseline: Bitrate,
    count: u32,
    now: bool,
    reached: bool,
}

impl FullPipe {
    /// A plateau is `rounds` rounds that each deliver less than `growth` times
    /// as much as the one that began it.
    pub(in crate::cc) const fn new(growth: f64, rounds: u32) -> Self {
        Self {
            growth,
            rounds,
            baseline: Bitrate::ZERO,
            count: 0,
            now: false,
            reached: false,
        }
    }

    /// Looks for a new plateau, from `baseline` on.
    pub(in crate::cc) const fn restart(&mut self, baseline: Bitrate) {
        self.baseline = baseline;
        self.count = 0;
        self.now = false;
    }

    /// A round has ended that the application did not limit.
    pub(in crate::cc) fn on_round(&mut self, rate: Bitrate) {
        if self.now {
            return;
        }
        if rate.as_bps_f64() >= self.baseline.as_bps_f64() * self.growth {
            self.restart(rate);
            return;
        }
        self.count += 1;
        if self.count >= self.rounds {
            self.set_full();
        }
    }

    /// The pipe is full by other signs.
    pub(in crate::cc) const fn set_full(&mut self) {
        self.now = true;
        self.reached = true;
    }

    /// The pipe was never full, it only seemed so.
    pub(in crate::cc) const fn unset_reached(&mut self) {
        self.reached = false;
    }

    /// Whether this search has found a plateau.
    pub(in crate::cc) const fn now(&self) -> bool {
        self.now
    }

    /// Whether any search has.
    pub(in crate::cc) const fn reached(&self) -> bool {
        self.reached
    }

    /// Rounds without growth.
    pub(in crate::cc) const fn count(&self) -> u32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full_after(kbps: &[u64]) -> Option<usize> {
        let mut pipe = FullPipe::new(1.25, 3);
        kbps.iter().position(|rate| {
            pipe.on_round(Bitrate::from_kbps(*rate));
            pipe.now()
        })
    }

    #[test]
    fn three_rounds_without_a_quarter_more() {
        let by_9900 = [1_000, 2_000, 4_000, 8_000, 9_900, 9_900, 9_900, 9_900];
        assert_eq!(full_after(&by_9900), Some(6), "the seventh round");
        // A quarter more exactly moves the baseline.
        let by_10000 = [1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000, 10_000];
        assert_eq!(full_after(&by_10000), Some(7));
        assert_eq!(full_after(&[100, 100, 100]), None);
    }

    #[test]
    fn a_new_search_does_not_forget_that_the_pipe_was_full() {
        let mut pipe = FullPipe::new(1.25, 1);
        pipe.on_round(Bitrate::from_kbps(100));
        pipe.on_round(Bitrate::from_kbps(100));
        assert!(pipe.now() && pipe.reached());
        pipe.restart(Bitrate::from_kbps(100));
        assert!(!pipe.now() && pipe.reached());
    }
}
