//! The model, the states and the order of things per ACK.
//!
//! Implements: draft-cardwell-iccrg-bbr-congestion-control-00, sections 3.5,
//! 4.1 and 4.3.

use weaknet_core::rng::Sequence;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::Bbr1;
use super::cycle::{Cycle, PhaseEnd};
use super::recovery::Repair;
use crate::cc::bbr::{Ack, DrainedHold, FullPipe, Intake, LEAST_MTU, Pacing, initial_window};
use crate::cc::{Feedback, SentPacket};
use crate::transport::WindowedMax;

/// A state of the machine. Its number is its code in snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Doubles the rate every round.
    Startup = 0,
    /// Drains the queue of Startup.
    Drain = 1,
    /// Probes, drains and cruises in turn.
    ProbeBw = 2,
    /// Probes for a shorter round trip.
    ProbeRtt = 3,
}

/// The model, the state and what follows from them.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    pub(super) config: Bbr1,
    pub(super) mss: Bytes,
    pub(super) initial_window: Bytes,
    pub(super) intake: Intake,
    pub(super) state: State,
    rates: WindowedMax<Bitrate>,
    /// Zero before the first sample.
    pub(super) bandwidth: Bitrate,
    pub(super) min_rtt: Option<Span>,
    min_rtt_at: Time,
    pub(super) full_pipe: FullPipe,
    pub(super) cycle: Cycle,
    hold: DrainedHold,
    pub(super) idle_restart: bool,
    pub(super) repair: Repair,
    pub(super) pacing: Pacing,
    pub(super) quantum: Bytes,
    pub(super) cwnd: Bytes,
}

impl Engine {
    pub(super) fn new(config: &Bbr1, random: Sequence) -> Self {
        Self::begin(config.clone(), Intake::default(), Cycle::new(random))
    }

    fn begin(config: Bbr1, intake: Intake, cycle: Cycle) -> Self {
        let initial_window = initial_window(config.mss);
        Self {
            mss: config.mss,
            initial_window,
            intake,
            state: State::Startup,
            rates: WindowedMax::new(u64::from(config.bandwidth_rounds)),
            bandwidth: Bitrate::ZERO,
            min_rtt: None,
            min_rtt_at: Time::ZERO,
            full_pipe: FullPipe::new(config.full_bw_growth, config.full_bw_rounds),
            cycle,
            hold: DrainedHold::default(),
            idle_restart: false,
            repair: Repair::default(),
            pacing: Pacing::new(config.high_gain, initial_window),
            quantum: config.mss,
            cwnd: initial_window,
            config,
        }
    }

    /// The path is another one: everything is learnt anew.
    pub(super) fn on_route_change(&mut self) {
        let mut config = self.config.clone();
        config.mss = self.mss;
        *self = Self::begin(config, self.intake, self.cycle.renewed());
    }

    /// The largest packet is another one.
    pub(super) fn on_mtu(&mut self, mtu: Bytes) {
        self.mss = mtu.max(LEAST_MTU);
        self.initial_window = initial_window(self.mss);
    }

    pub(super) const fn pacing_gain(&self) -> f64 {
        match self.state {
            State::Startup => self.config.high_gain,
            State::Drain => 1.0 / self.config.high_gain,
            State::ProbeBw => self.cycle.gain(&self.config),
            State::ProbeRtt => 1.0,
        }
    }

    pub(super) const fn cwnd_gain(&self) -> f64 {
        match self.state {
            State::Startup | State::Drain => self.config.high_gain,
            State::ProbeBw => self.config.cwnd_gain,
            State::ProbeRtt => 1.0,
        }
    }

    pub(super) fn on_sent(&mut self, packet: &SentPacket) {
        self.intake.on_sent(packet, self.cwnd);
        if packet.in_flight == packet.size && packet.app_limited {
            self.idle_restart = true;
            if self.state == State::ProbeBw {
                self.set_pacing_rate(1.0);
            }
        }
    }

    pub(super) fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        let ack = self.intake.on_feedback(feedback, self.min_rtt);
        self.follow_losses(feedback);
        if let Some(ack) = ack {
            self.on_ack(&ack);
        }
    }

    fn on_ack(&mut self, ack: &Ack) {
        if let Some(rtt) = ack.rtt {
            self.pacing.on_rtt(rtt);
        }
        if ack.round_start {
            self.repair.conserving = false;
        }
        self.update_bandwidth(ack);
        self.check_cycle(ack);
        if ack.round_start && !ack.sample.app_limited && !self.full_pipe.reached() {
            self.full_pipe.on_round(self.bandwidth);
        }
        self.check_drain(ack);
        let expired = self.update_min_rtt(ack);
        self.check_probe_rtt(ack, expired);
        self.update_control(ack);
    }

    fn update_bandwidth(&mut self, ack: &Ack) {
        let counts = ack.rate >= self.bandwidth || !ack.sample.app_limited;
        if counts && !ack.rate.is_zero() {
            self.bandwidth = self.rates.update(self.intake.round(), ack.rate);
        }
    }

    fn check_cycle(&mut self, ack: &Ack) {
        let (State::ProbeBw, Some(min_rtt)) = (self.state, self.min_rtt) else {
            return;
        };
        let end = PhaseEnd {
            now: ack.now,
            min_rtt,
            prior_in_flight: ack.prior_in_flight,
            wanted: self.inflight(self.cycle.gain(&self.config)),
            full: self.inflight(1.0),
            lost: ack.lost > Bytes::ZERO,
        };
        if self.cycle.is_over(&end) {
            self.cycle.advance(ack.now);
        }
    }

    fn check_drain(&mut self, ack: &Ack) {
        if self.state == State::Startup && self.full_pipe.reached() {
            self.state = State::Drain;
        }
        if self.state == State::Drain && ack.in_flight <= self.inflight(1.0) {
            self.enter_probe_bw(ack.now);
        }
    }

    fn enter_probe_bw(&mut self, now: Time) {
        self.state = State::ProbeBw;
        self.cycle.begin(now);
    }

    /// Whether the shortest round trip was too old.
    fn update_min_rtt(&mut self, ack: &Ack) -> bool {
        let expired =
            self.min_rtt.is_some() && ack.now > self.min_rtt_at + self.config.min_rtt_window;
        if let Some(rtt) = ack.rtt
            && (expired || self.min_rtt.is_none_or(|least| rtt <= least))
        {
            self.min_rtt = Some(rtt);
            self.min_rtt_at = ack.now;
        }
        expired
    }

    fn check_probe_rtt(&mut self, ack: &Ack, expired: bool) {
        if self.state != State::ProbeRtt && expired && !self.idle_restart {
            self.save_cwnd();
            self.state = State::ProbeRtt;
            self.hold.restart();
        }
        if self.state == State::ProbeRtt {
            self.intake.hold_back(ack.now, ack.in_flight);
            let drained = ack.in_flight <= self.min_pipe_cwnd();
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
        self.idle_restart = false;
    }

    fn exit_probe_rtt(&mut self, now: Time) {
        self.min_rtt_at = now;
        self.restore_cwnd();
        if self.full_pipe.reached() {
            self.enter_probe_bw(now);
        } else {
            self.state = State::Startup;
        }
    }
}
