//! ProbeBW: the cycle of draining, cruising, refilling and probing.
//!
//! Implements: draft-ietf-ccwg-bbr, sections 5.3.3.8 and 5.3.3.9, and the
//! reaction to loss in a probe of section 5.5.10.2 (working copy of 2026-08).

use weaknet_core::rng::Sequence;
use weaknet_core::{Bytes, Span, Time};

use super::Bbr3;
use super::engine::Engine;
use super::long_term::is_too_high;
use super::state::State;
use crate::cc::bbr::{Ack, scaled};

/// What the ACKs of the moment tell of. Its number is its code in snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AckPhase {
    /// Nothing of a probe.
    Init = 0,
    /// The round that refills the pipe.
    Refilling = 1,
    /// A probe has begun, its packets are not acknowledged yet.
    ProbeStarting = 2,
    /// Packets of a probe.
    ProbeFeedback = 3,
    /// A probe is over, its last packets are acknowledged.
    ProbeStopping = 4,
}

/// Where the flow is in its cycle.
#[derive(Debug, Clone)]
pub(super) struct Cycle {
    pub(super) ack_phase: AckPhase,
    random: Sequence,
    began: Time,
    wait: Span,
    rounds: u64,
    /// Whether ACKs tell of packets sent to probe.
    is_probe_sample: bool,
    previous_too_high: bool,
    previous_precautionary: bool,
}

impl Cycle {
    pub(super) const fn new(random: Sequence) -> Self {
        Self {
            ack_phase: AckPhase::Init,
            random,
            began: Time::ZERO,
            wait: Span::ZERO,
            rounds: 0,
            is_probe_sample: false,
            previous_too_high: false,
            previous_precautionary: false,
        }
    }

    /// The same before anything was sent, with the random numbers that follow.
    pub(super) fn renewed(&self) -> Self {
        Self::new(self.random.clone())
    }

    /// A round has ended.
    pub(super) const fn on_round(&mut self) {
        self.rounds += 1;
    }

    /// PickProbeWait.
    fn pick_wait(&mut self, config: &Bbr3) {
        self.rounds = self.random.bits() & 1;
        self.wait = config.probe_wait + config.probe_wait_spread.mul_f64(self.random.unit());
    }

    /// Whether ACKs tell of packets sent to probe.
    pub(super) const fn is_probe_sample(&self) -> bool {
        self.is_probe_sample
    }
}

impl Engine {
    pub(super) fn start_probe_down(&mut self, now: Time) {
        self.congestion.reset_signals();
        self.long_term.stop_growth();
        self.cycle.pick_wait(&self.config);
        self.cycle.began = now;
        self.cycle.ack_phase = AckPhase::ProbeStopping;
        self.intake.start_round();
        self.state = State::ProbeDown;
    }

    pub(super) fn start_probe_refill(&mut self) {
        self.congestion.reset_bounds();
        self.long_term.restart_growth();
        self.cycle.previous_precautionary = false;
        self.cycle.ack_phase = AckPhase::Refilling;
        self.intake.start_round();
        self.state = State::ProbeRefill;
    }

    fn start_probe_up(&mut self, ack: &Ack) {
        self.cycle.ack_phase = AckPhase::ProbeStarting;
        self.intake.start_round();
        self.full_pipe.restart(ack.rate);
        self.state = State::ProbeUp;
        self.long_term.raise_slope(self.cwnd, self.mss);
    }

    /// UpdateProbeBWCyclePhase.
    pub(super) fn update_cycle(&mut self, ack: &Ack) {
        if !self.full_pipe.reached() || self.adapt_long_term(ack) {
            return;
        }
        match self.state {
            State::ProbeDown | State::ProbeCruise if self.is_time_to_probe(ack.now) => {
                self.start_probe_refill();
            }
            State::ProbeDown if self.is_time_to_cruise(ack) => self.state = State::ProbeCruise,
            State::ProbeRefill if ack.round_start => {
                self.cycle.is_probe_sample = true;
                self.start_probe_up(ack);
            }
            State::ProbeUp => self.check_probe_up(ack),
            _ => {}
        }
    }

    fn is_time_to_probe(&self, now: Time) -> bool {
        let packets = self.target_inflight().get().div_ceil(self.mss.get().max(1));
        let most = u64::from(self.config.probe_wait_rounds);
        now > self.cycle.began + self.cycle.wait || self.cycle.rounds >= packets.min(most)
    }

    fn is_time_to_cruise(&self, ack: &Ack) -> bool {
        ack.in_flight <= self.inflight_with_headroom()
            && ack.in_flight <= self.inflight(self.max_bandwidth.get(), 1.0)
    }

    fn check_probe_up(&mut self, ack: &Ack) {
        if self.is_time_to_go_down(ack) {
            self.cycle.previous_too_high = false;
            self.start_probe_down(ack.now);
        }
    }

    fn is_time_to_go_down(&mut self, ack: &Ack) -> bool {
        if self.cycle.previous_too_high && ack.in_flight >= self.long_term.limit {
            self.cycle.previous_precautionary = true;
            return true;
        }
        if self.is_held_by_long_term() {
            self.full_pipe.restart(ack.rate);
            return false;
        }
        self.full_pipe.now()
    }

    fn is_held_by_long_term(&self) -> bool {
        self.intake.is_window_limited() && self.cwnd >= self.long_term.limit
    }

    /// AdaptLongTermModel. Whether it has chosen a state.
    fn adapt_long_term(&mut self, ack: &Ack) -> bool {
        match self.cycle.ack_phase {
            AckPhase::ProbeStarting if ack.round_start => {
                self.cycle.ack_phase = AckPhase::ProbeFeedback;
            }
            AckPhase::ProbeStopping if ack.round_start => {
                self.cycle.is_probe_sample = false;
                self.cycle.ack_phase = AckPhase::Init;
                if self.state.is_probe_bw() && !ack.sample.app_limited {
                    self.max_bandwidth.advance();
                }
                let again = self.cycle.previous_precautionary && !self.cycle.previous_too_high;
                if self.state.is_probe_bw() && again {
                    self.start_probe_refill();
                    return true;
                }
            }
            _ => {}
        }
        let (lost, flight) = (ack.sample.lost, ack.sample.sent_in_flight);
        if !is_too_high(lost, flight, &self.config) && self.long_term.is_bounded() {
            self.long_term.limit = self.long_term.limit.max(flight);
            if self.state == State::ProbeUp && self.is_held_by_long_term() {
                self.long_term.grow(ack.acked, self.mss);
                if ack.round_start {
                    self.long_term.raise_slope(self.cwnd, self.mss);
                }
            }
        }
        false
    }

    /// HandleInflightTooHigh, with how much was in flight.
    pub(super) fn on_inflight_too_high(&mut self, now: Time, flight: Bytes, app_limited: bool) {
        self.cycle.previous_too_high = true;
        self.cycle.is_probe_sample = false;
        if !app_limited {
            let least = scaled(self.target_inflight(), self.config.beta);
            self.long_term.limit = flight.max(least);
        }
        if self.state == State::ProbeUp {
            self.undo.left(State::ProbeUp);
            self.start_probe_down(now);
        }
    }
}
