//! What the window grows by per virtual round trip.
//!
//! Implements: one packet; with fast growth, as `udp_prague` (February 2026),
//! a millisecond's worth of the rate after some virtual round trips without a
//! mark: seven, and one more per 1.92 MB/s, after a mark; as long as Reno
//! would take to get back half of the window in 25 ms round trips, after a
//! loss.

use weaknet_core::Span;

/// Rate in bytes per second that adds a virtual round trip of waiting.
const RATE_PER_WAIT: f64 = 1_920_000.0;
/// Virtual round trips to wait at least after a mark.
const LEAST_WAIT: f64 = 7.0;
/// Round trip that waiting is counted in.
const REFERENCE_RTT: f64 = 0.025;
/// Time whose worth of the rate is the faster increment.
const FAST: f64 = 0.001;

/// The increment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Growth {
    is_fast_allowed: bool,
    /// Virtual round trips without a mark until growth is fast.
    wait: f64,
}

impl Growth {
    pub(super) const fn new(is_fast_allowed: bool) -> Self {
        Self {
            is_fast_allowed,
            wait: LEAST_WAIT,
        }
    }

    /// There was a mark at so many bytes per second.
    pub(super) fn on_mark(&mut self, rate: f64) {
        self.wait = libm::floor(rate / RATE_PER_WAIT) + LEAST_WAIT;
    }

    /// There was a loss.
    pub(super) fn on_loss(&mut self, rate: f64, packet: f64, virtual_rtt: Span) {
        let packets = rate / 2.0 / packet * REFERENCE_RTT;
        let rounds = packets * REFERENCE_RTT / virtual_rtt.as_secs_f64();
        self.wait = libm::floor(rounds);
    }

    /// A virtual round trip has passed without a mark.
    pub(super) fn on_calm(&mut self) {
        self.wait = (self.wait - 1.0).max(0.0);
    }

    /// Bytes per virtual round trip.
    pub(super) fn increment(&self, rate: f64, packet: f64) -> f64 {
        if self.is_fast_allowed && self.wait <= 0.0 {
            packet.max(rate * FAST)
        } else {
            packet
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_at_higher_rates() {
        let mut growth = Growth::new(true);
        for (mbps, wait) in [(10.0, 7.0), (100.0, 13.0)] {
            growth.on_mark(mbps * 125_000.0);
            assert_eq!(growth.wait, wait);
        }
        growth.on_loss(1_250_000.0, 1_400.0, Span::from_millis(25));
        assert_eq!(growth.wait, 11.0);
    }

    #[test]
    fn calm_makes_the_increment_a_millisecond_s_worth() {
        let mut growth = Growth::new(true);
        growth.on_mark(1_250_000.0);
        for _ in 0..6 {
            growth.on_calm();
            assert_eq!(growth.increment(12_500_000.0, 1_400.0), 1_400.0);
        }
        growth.on_calm();
        assert_eq!(growth.increment(12_500_000.0, 1_400.0), 12_500.0);
        assert_eq!(growth.increment(125_000.0, 1_400.0), 1_400.0);
        let mut steady = Growth::new(false);
        (0..20).for_each(|_| steady.on_calm());
        assert_eq!(steady.increment(12_500_000.0, 1_400.0), 1_400.0);
    }
}
