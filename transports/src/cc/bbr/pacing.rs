//! The pacing rate.
//!
//! Implements: draft-ietf-ccwg-bbr, section 5.6.2 (working copy of 2026-08),
//! and section 4.2.1 of draft-cardwell-iccrg-bbr-congestion-control-00: until
//! the pipe is full the rate only rises. The first comes from the initial
//! window over a millisecond, or over the round trip once one is known.
//! Differs: never below [`Pacing::LEAST`], so that a packet leaves at all.

use weaknet_core::{Bitrate, Bytes, Span};

/// Time over which the initial window is paced before a round trip is known.
pub(in crate::cc) const NOMINAL_RTT: Span = Span::from_millis(1);

/// The pacing rate and how it may change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cc) struct Pacing {
    rate: Bitrate,
    gain: f64,
    initial_window: Bytes,
    knows_rtt: bool,
}

impl Pacing {
    /// The rate is never lower.
    pub(in crate::cc) const LEAST: Bitrate = Bitrate::from_kbps(1);

    /// The first rate: `gain` times the initial window per millisecond.
    pub(in crate::cc) fn new(gain: f64, initial_window: Bytes) -> Self {
        Self {
            rate: initial_window.per(NOMINAL_RTT).mul_f64(gain),
            gain,
            initial_window,
            knows_rtt: false,
        }
    }

    /// A round trip was measured; the first one puts the first rate right.
    pub(in crate::cc) fn on_rtt(&mut self, rtt: Span) {
        if !self.knows_rtt && !rtt.is_zero() {
            self.knows_rtt = true;
            self.rate = self.initial_window.per(rtt).mul_f64(self.gain);
        }
    }

    /// Sets the rate; before the pipe was full it only rises.
    pub(in crate::cc) fn set(&mut self, rate: Bitrate, full: bool) {
        let rate = rate.max(Self::LEAST);
        if full || rate > self.rate {
            self.rate = rate;
        }
    }

    /// The rate.
    pub(in crate::cc) const fn rate(&self) -> Bitrate {
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rate_is_the_initial_window_over_the_round_trip() {
        let mut pacing = Pacing::new(2.77, Bytes::new(14_600));
        assert_eq!(pacing.rate(), Bitrate::from_kbps(323_536));
        pacing.on_rtt(Span::from_millis(40));
        assert_eq!(pacing.rate(), Bitrate::from_bps(8_088_400));
        pacing.on_rtt(Span::from_millis(400));
        assert_eq!(pacing.rate(), Bitrate::from_bps(8_088_400), "only once");
    }

    #[test]
    fn rises_only_until_the_pipe_is_full() {
        let mut pacing = Pacing::new(1.0, Bytes::new(1_250));
        let first = pacing.rate();
        assert_eq!(first, Bitrate::from_mbps(10));
        pacing.set(Bitrate::from_mbps(9), false);
        assert_eq!(pacing.rate(), first);
        pacing.set(Bitrate::from_mbps(11), false);
        assert_eq!(pacing.rate(), Bitrate::from_mbps(11));
        pacing.set(Bitrate::ZERO, true);
        assert_eq!(pacing.rate(), Pacing::LEAST);
    }
}
