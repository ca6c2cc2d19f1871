//! The rates that a congestion window stands for, for whoever needs a rate.
//!
//! Implements: RFC 9002 section 7.7: pacing at a multiple of window / smoothed
//! round-trip time; the target is that quotient itself, or the controller's own
//! pacing rate where that is less (BBR keeps a window of two bandwidth-delay
//! products). A controller with a target of its own keeps it. The sender of a
//! call, whose encoder follows slowly, makes more of it.

use weaknet_core::{Bitrate, Span};

use crate::cc::CcOutput;

/// Target and pacing rate in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowRate {
    /// For the encoder and everything else of the flow.
    pub target: Bitrate,
    /// At which packets leave.
    pub pacing: Bitrate,
}

impl WindowRate {
    /// Pacing rate over window / round-trip time (RFC 9002, section 7.7).
    pub const GAIN: f64 = 1.25;

    /// What `output` stands for with a smoothed round-trip time of `rtt`;
    /// `start` where neither tells of a rate.
    #[must_use]
    pub fn of(output: &CcOutput, rtt: Option<Span>, start: Bitrate, gain: f64) -> Self {
        let window = output.cwnd.zip(rtt.filter(|rtt| !rtt.is_zero()));
        let window = window.map(|(cwnd, rtt)| cwnd.per(rtt));
        let most = output.pacing.unwrap_or(Bitrate::MAX);
        let target = output.target.unwrap_or_else(|| {
            let rate = window.or(output.pacing).unwrap_or(start);
            rate.min(most)
        });
        let derived = || match (output.target, window) {
            (None, Some(window)) => window.mul_f64(gain),
            _ => target,
        };
        Self {
            target,
            pacing: output.pacing.unwrap_or_else(derived),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Bytes;

    const START: Bitrate = Bitrate::from_kbps(300);
    const RTT: Option<Span> = Some(Span::from_millis(100));

    fn of(target: Option<u64>, pacing: Option<u64>, cwnd: Option<u64>) -> (u64, u64) {
        let output = CcOutput {
            target: target.map(Bitrate::from_kbps),
            pacing: pacing.map(Bitrate::from_kbps),
            cwnd: cwnd.map(Bytes::new),
            ..CcOutput::default()
        };
        let rate = WindowRate::of(&output, RTT, START, WindowRate::GAIN);
        (rate.target.as_bps() / 1_000, rate.pacing.as_bps() / 1_000)
    }

    #[test]
    fn a_window_is_a_rate() {
        // 12 500 B in 100 ms are 1 Mbit/s.
        assert_eq!(of(None, None, Some(12_500)), (1_000, 1_250));
        assert_eq!(of(None, Some(600), Some(12_500)), (600, 600));
        assert_eq!(of(None, Some(3_000), Some(12_500)), (1_000, 3_000));
    }

    #[test]
    fn a_target_stays_what_it_is() {
        assert_eq!(of(Some(800), Some(2_000), Some(12_500)), (800, 2_000));
        assert_eq!(of(Some(800), None, Some(12_500)), (800, 800));
        assert_eq!(of(None, None, None), (300, 300));
        let output = CcOutput {
            cwnd: Some(Bytes::new(12_500)),
            ..CcOutput::default()
        };
        let early = WindowRate::of(&output, None, START, WindowRate::GAIN);
        assert_eq!((early.target, early.pacing), (START, START));
    }
}
