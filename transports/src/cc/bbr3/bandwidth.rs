//! The bandwidth: the largest delivery rate of this cycle of probing and the
//! one before.
//!
//! Implements: draft-ietf-ccwg-bbr, sections 5.5.2 to 5.5.6 (working copy of
//! 2026-08), with the two slots that section 5.5.6 says are enough.

use weaknet_core::Bitrate;

/// The filter and what it last said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct MaxBandwidth {
    current: Bitrate,
    previous: Bitrate,
    value: Bitrate,
    cycles: u64,
}

impl MaxBandwidth {
    /// Takes a sample in; one that the application limited counts only when it
    /// says that there is more.
    pub(super) fn on_sample(&mut self, rate: Bitrate, app_limited: bool) {
        if rate.is_zero() || (app_limited && rate < self.value) {
            return;
        }
        self.current = self.current.max(rate);
        self.value = self.current.max(self.previous);
    }

    /// A cycle is over; the one before it is forgotten with the next sample.
    pub(super) const fn advance(&mut self) {
        self.previous = self.current;
        self.current = Bitrate::ZERO;
        self.cycles += 1;
    }

    /// The bandwidth; zero before the first sample.
    pub(super) const fn get(&self) -> Bitrate {
        self.value
    }

    /// Cycles that are over.
    pub(super) const fn cycles(&self) -> u64 {
        self.cycles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mbps(n: u64) -> Bitrate {
        Bitrate::from_mbps(n)
    }

    #[test]
    fn a_sample_lives_for_two_cycles() {
        let mut bandwidth = MaxBandwidth::default();
        bandwidth.on_sample(mbps(10), false);
        bandwidth.on_sample(mbps(3), false);
        bandwidth.advance();
        bandwidth.on_sample(mbps(4), false);
        assert_eq!(bandwidth.get(), mbps(10));
        bandwidth.advance();
        assert_eq!(bandwidth.get(), mbps(10), "until the next sample");
        bandwidth.on_sample(mbps(2), false);
        assert_eq!(bandwidth.get(), mbps(4));
    }

    #[test]
    fn limited_samples_count_when_they_say_more() {
        let mut bandwidth = MaxBandwidth::default();
        bandwidth.on_sample(mbps(5), true);
        assert_eq!(bandwidth.get(), mbps(5));
        bandwidth.advance();
        bandwidth.advance();
        bandwidth.on_sample(mbps(4), true);
        bandwidth.on_sample(Bitrate::ZERO, false);
        assert_eq!(bandwidth.get(), mbps(5));
        bandwidth.on_sample(mbps(4), false);
        assert_eq!(bandwidth.get(), mbps(4));
    }
}
