//! What follows from the model: pacing rate, send quantum and window.
//!
//! Implements: draft-ietf-ccwg-bbr, sections 5.5.8 and 5.6 (working copy of
//! 2026-08).

use weaknet_core::{Bitrate, Bytes, Span};

use super::engine::Engine;
use super::state::State;
use crate::cc::bbr::{Ack, scaled, times};

/// Least window, in packets.
const MIN_PIPE_PACKETS: u64 = 4;
/// Longest time of sending at once, and most bytes.
const QUANTUM_TIME: Span = Span::from_millis(1);
const QUANTUM_MOST: Bytes = Bytes::new(65_536);

impl Engine {
    /// The bandwidth-delay product.
    pub(super) fn bdp(&self) -> Bytes {
        self.bdp_at(self.bandwidth, 1.0)
    }

    /// BDPMultiple.
    fn bdp_at(&self, bandwidth: Bitrate, gain: f64) -> Bytes {
        match self.min_rtt.get() {
            Some(rtt) => scaled(bandwidth.bytes_in(rtt), gain),
            None => self.initial_window,
        }
    }

    pub(super) const fn min_pipe_cwnd(&self) -> Bytes {
        times(self.mss, MIN_PIPE_PACKETS)
    }

    /// QuantizationBudget.
    fn quantised(&self, flight: Bytes) -> Bytes {
        let offload = times(self.quantum, u64::from(self.config.offload_quanta));
        let flight = flight.max(offload).max(self.min_pipe_cwnd());
        if self.state == State::ProbeUp {
            flight + times(self.mss, 2)
        } else {
            flight
        }
    }

    /// Inflight: a flight that carries a multiple of a bandwidth.
    pub(super) fn inflight(&self, bandwidth: Bitrate, gain: f64) -> Bytes {
        self.quantised(self.bdp_at(bandwidth, gain))
    }

    /// The most that the model allows in flight.
    pub(super) fn max_inflight(&self) -> Bytes {
        let gain = self.state.cwnd_gain(&self.config);
        self.quantised(self.bdp_at(self.bandwidth, gain) + self.aggregation.extra())
    }

    /// TargetInflight.
    pub(super) fn target_inflight(&self) -> Bytes {
        self.bdp().min(self.cwnd)
    }

    pub(super) fn inflight_with_headroom(&self) -> Bytes {
        self.long_term
            .with_headroom(self.mss, self.min_pipe_cwnd(), &self.config)
    }

    pub(super) fn probe_rtt_cwnd(&self) -> Bytes {
        self.bdp_at(self.bandwidth, self.config.probe_rtt_cwnd_gain)
            .max(self.min_pipe_cwnd())
    }

    /// BoundBWForModel.
    pub(super) fn bound_bandwidth(&mut self) {
        let short_term = self.congestion.bounds().bandwidth;
        self.bandwidth = self.max_bandwidth.get().min(short_term);
    }

    /// SetPacingRateWithGain.
    pub(super) fn set_pacing_rate(&mut self, gain: f64) {
        if !self.bandwidth.is_zero() {
            let rate = self
                .bandwidth
                .mul_f64(gain * (1.0 - self.config.pacing_margin));
            self.pacing.set(rate, self.full_pipe.reached());
        }
    }

    /// UpdateControlParameters.
    pub(super) fn update_control(&mut self, ack: &Ack) {
        self.set_pacing_rate(self.state.pacing_gain(&self.config));
        self.quantum = self
            .pacing
            .rate()
            .bytes_in(QUANTUM_TIME)
            .min(QUANTUM_MOST)
            .max(times(self.mss, 2));
        self.set_cwnd(ack.acked);
    }

    fn set_cwnd(&mut self, acked: Bytes) {
        let most = self.max_inflight();
        if self.full_pipe.reached() {
            self.cwnd = (self.cwnd + acked).min(most);
        } else if self.cwnd < most || self.intake.delivered() < self.initial_window {
            self.cwnd += acked;
        }
        self.cwnd = self.cwnd.max(self.min_pipe_cwnd());
        if self.state == State::ProbeRtt {
            self.cwnd = self.cwnd.min(self.probe_rtt_cwnd());
        }
        self.bound_cwnd();
    }

    /// BoundCwndForModel.
    fn bound_cwnd(&mut self) {
        let long_term = match self.state {
            State::ProbeDown | State::ProbeRefill | State::ProbeUp => self.long_term.limit,
            State::ProbeCruise | State::ProbeRtt => self.inflight_with_headroom(),
            State::Startup | State::Drain => Bytes::MAX,
        };
        let cap = long_term
            .min(self.congestion.bounds().in_flight)
            .max(self.min_pipe_cwnd());
        self.cwnd = self.cwnd.min(cap);
    }
}
