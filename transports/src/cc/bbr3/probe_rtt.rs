//! ProbeRTT: a short drain now and then, to see the path's shortest round
//! trip; and the restart from idle.
//!
//! Implements: draft-ietf-ccwg-bbr, sections 5.3.4 and 5.4 (working copy of
//! 2026-08). The flight shrinks to half the bandwidth-delay product, as the
//! pseudocode has it; the prose of section 5.6.4.5 still says four packets.

use weaknet_core::{Bytes, Time};

use super::engine::Engine;
use super::probe_bw::AckPhase;
use super::state::State;
use crate::cc::bbr::Ack;

impl Engine {
    pub(super) fn check_probe_rtt(&mut self, ack: &Ack) {
        let due = self.min_rtt.is_expired() && !self.idle_restart;
        if self.state != State::ProbeRtt && due {
            self.save_cwnd();
            self.state = State::ProbeRtt;
            self.hold.restart();
            self.cycle.ack_phase = AckPhase::ProbeStopping;
            self.intake.start_round();
        }
        if self.state == State::ProbeRtt {
            self.intake.hold_back(ack.now, ack.in_flight);
            let drained = ack.in_flight <= self.probe_rtt_cwnd();
            let duration = self.config.probe_rtt_duration;
            let begins = self
                .hold
                .on_report(ack.now, drained, ack.round_start, duration);
            if begins {
                self.intake.start_round();
            }
            if self.hold.is_over(ack.now) {
                self.exit_probe_rtt(ack.now);
            }
        }
        if ack.sample.delivered > Bytes::ZERO {
            self.idle_restart = false;
        }
    }

    fn exit_probe_rtt(&mut self, now: Time) {
        self.min_rtt.on_probed(now);
        self.restore_cwnd();
        self.congestion.reset_bounds();
        if self.full_pipe.reached() {
            self.start_probe_down(now);
            self.state = State::ProbeCruise;
        } else {
            self.state = State::Startup;
        }
    }

    /// A packet is sent into an empty pipe after the application paused.
    pub(super) fn restart_from_idle(&mut self, now: Time) {
        self.idle_restart = true;
        self.aggregation.restart(now);
        if self.state.is_probe_bw() {
            self.set_pacing_rate(1.0);
        } else if self.state == State::ProbeRtt && self.hold.has_lasted(now) {
            self.exit_probe_rtt(now);
        }
    }
}
