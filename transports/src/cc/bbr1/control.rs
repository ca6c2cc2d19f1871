//! What follows from the model: pacing rate, send quantum and window.
//!
//! Implements: draft-cardwell-iccrg-bbr-congestion-control-00, section 4.2.

use weaknet_core::{Bitrate, Bytes, Span};

use super::engine::{Engine, State};
use crate::cc::bbr::{Ack, scaled, times};

/// Below this pacing rate one packet is sent at once.
const SLOW: Bitrate = Bitrate::from_kbps(1_200);
/// Below this one two; above it, as much as a millisecond carries.
const FAST: Bitrate = Bitrate::from_mbps(24);
const QUANTUM_TIME: Span = Span::from_millis(1);
const QUANTUM_MOST: Bytes = Bytes::new(65_536);
/// Quanta that the window holds on top, for both ends to send and receive at
/// once.
const QUANTA: u64 = 3;

impl Engine {
    pub(super) const fn min_pipe_cwnd(&self) -> Bytes {
        times(self.mss, self.config.min_pipe_packets as u64)
    }

    /// Estimated bandwidth-delay product; the initial window before a round
    /// trip is known.
    pub(super) fn bdp(&self) -> Bytes {
        self.min_rtt
            .map_or(self.initial_window, |rtt| self.bandwidth.bytes_in(rtt))
    }

    /// BBRInflight: a flight that carries a multiple of the bandwidth.
    pub(super) fn inflight(&self, gain: f64) -> Bytes {
        if self.min_rtt.is_none() {
            return self.initial_window;
        }
        scaled(self.bdp(), gain) + times(self.quantum, QUANTA)
    }

    /// BBRSetPacingRateWithGain.
    pub(super) fn set_pacing_rate(&mut self, gain: f64) {
        if !self.bandwidth.is_zero() {
            let rate = self.bandwidth.mul_f64(gain);
            self.pacing.set(rate, self.full_pipe.reached());
        }
    }

    fn set_quantum(&mut self) {
        let rate = self.pacing.rate();
        self.quantum = if rate < SLOW {
            self.mss
        } else if rate < FAST {
            times(self.mss, 2)
        } else {
            rate.bytes_in(QUANTUM_TIME).min(QUANTUM_MOST)
        };
    }

    pub(super) fn update_control(&mut self, ack: &Ack) {
        self.set_pacing_rate(self.pacing_gain());
        self.set_quantum();
        self.modulate_cwnd(ack.in_flight, ack.acked, ack.lost);
        if !self.repair.conserving {
            let target = self.inflight(self.cwnd_gain());
            if self.full_pipe.reached() {
                self.cwnd = (self.cwnd + ack.acked).min(target);
            } else if self.cwnd < target || self.intake.delivered() < self.initial_window {
                self.cwnd += ack.acked;
            }
            self.cwnd = self.cwnd.max(self.min_pipe_cwnd());
        }
        if self.state == State::ProbeRtt {
            self.cwnd = self.cwnd.min(self.min_pipe_cwnd());
        }
    }
}
