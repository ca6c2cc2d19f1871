//! The order of things: per ACK, per loss, per packet sent.
//!
//! Implements: draft-ietf-ccwg-bbr, section 5.2 (working copy of 2026-08).
//! Losses of a report are taken before its acknowledgements.

use weaknet_core::rng::Sequence;
use weaknet_core::{Bitrate, Bytes, Time};

use super::Bbr3;
use super::aggregation::Aggregation;
use super::bandwidth::MaxBandwidth;
use super::congestion::Congestion;
use super::long_term::{LongTerm, inflight_at_loss, is_too_high};
use super::min_rtt::MinRtt;
use super::probe_bw::Cycle;
use super::startup::RoundLosses;
use super::state::State;
use super::undo::Undo;
use crate::cc::bbr::{Ack, DrainedHold, FullPipe, Intake, LEAST_MTU, Pacing, initial_window};
use crate::cc::recovery::Recovery;
use crate::cc::{Feedback, PacketResult, SentPacket};
use weaknet_core::packet::Ecn;

/// The model, the state and what follows from them.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    pub(super) config: Bbr3,
    pub(super) mss: Bytes,
    pub(super) initial_window: Bytes,
    pub(super) intake: Intake,
    pub(super) state: State,
    pub(super) max_bandwidth: MaxBandwidth,
    /// The bandwidth within the short-term bound.
    pub(super) bandwidth: Bitrate,
    pub(super) min_rtt: MinRtt,
    pub(super) aggregation: Aggregation,
    pub(super) full_pipe: FullPipe,
    pub(super) round_losses: RoundLosses,
    pub(super) drain_start_round: u64,
    pub(super) cycle: Cycle,
    pub(super) long_term: LongTerm,
    pub(super) congestion: Congestion,
    pub(super) recovery: Recovery,
    pub(super) undo: Undo,
    pub(super) hold: DrainedHold,
    pub(super) idle_restart: bool,
    pub(super) pacing: Pacing,
    pub(super) quantum: Bytes,
    pub(super) cwnd: Bytes,
    in_flight: Bytes,
    /// Nothing was acknowledged since a retransmission timeout.
    timed_out: bool,
}

impl Engine {
    pub(super) fn new(config: &Bbr3, random: Sequence) -> Self {
        Self::begin(config.clone(), Intake::default(), Cycle::new(random))
    }

    fn begin(config: Bbr3, intake: Intake, cycle: Cycle) -> Self {
        let initial_window = initial_window(config.mss);
        Self {
            mss: config.mss,
            initial_window,
            intake,
            state: State::Startup,
            max_bandwidth: MaxBandwidth::default(),
            bandwidth: Bitrate::ZERO,
            min_rtt: MinRtt::default(),
            aggregation: Aggregation::new(config.extra_acked_rounds),
            full_pipe: FullPipe::new(config.full_bw_growth, config.full_bw_rounds),
            round_losses: RoundLosses::default(),
            drain_start_round: 0,
            cycle,
            long_term: LongTerm::default(),
            congestion: Congestion::default(),
            recovery: Recovery::default(),
            undo: Undo::default(),
            hold: DrainedHold::default(),
            idle_restart: false,
            pacing: Pacing::new(config.startup_pacing_gain, initial_window),
            quantum: Bytes::ZERO,
            cwnd: initial_window,
            in_flight: Bytes::ZERO,
            timed_out: false,
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

    pub(super) fn on_sent(&mut self, packet: &SentPacket) {
        self.in_flight = packet.in_flight;
        self.intake.on_sent(packet, self.cwnd);
        if packet.in_flight == packet.size && packet.app_limited {
            self.restart_from_idle(packet.at);
        }
    }

    pub(super) fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        self.in_flight = feedback.in_flight;
        let ack = self.intake.on_feedback(feedback, self.min_rtt.get());
        self.take_losses(feedback);
        if self.recovery.on_feedback(feedback) {
            self.restore_cwnd();
        }
        match ack {
            Some(ack) => self.on_ack(&ack),
            None if self.timed_out => self.cwnd = self.in_flight + self.mss,
            None => {}
        }
    }

    fn take_losses(&mut self, feedback: &Feedback<'_>) {
        // Bytes lost up to each packet in turn.
        let mut lost = self.intake.lost() - feedback.lost_bytes();
        for packet in feedback.packets {
            if packet.received.is_none() || packet.ecn == Ecn::Ce {
                lost += packet.sent.size;
                self.on_lost(feedback.now, packet, lost);
            }
        }
    }

    /// HandleLostPacket.
    fn on_lost(&mut self, now: Time, packet: &PacketResult, lost: Bytes) {
        let SentPacket {
            number,
            at,
            size,
            in_flight,
            ..
        } = packet.sent;
        if self.congestion.on_loss(self.intake.delivered()) {
            self.save_state();
        }
        if self.recovery.is_new(at) {
            if !self.recovery.active() {
                self.save_state();
            }
            self.recovery.enter(now);
        }
        self.round_losses.on_lost(number, size);
        if !self.cycle.is_probe_sample() {
            return;
        }
        let lost = lost - packet.delivery.lost;
        if is_too_high(lost, in_flight, &self.config) {
            let flight = inflight_at_loss(in_flight, size, lost, &self.config);
            self.on_inflight_too_high(now, flight, self.intake.is_limited(packet));
        }
    }

    /// UpdateOnACK.
    fn on_ack(&mut self, ack: &Ack) {
        self.timed_out = false;
        if let Some(rtt) = ack.rtt {
            self.pacing.on_rtt(rtt);
        }
        if ack.round_start {
            self.cycle.on_round();
        }
        let app_limited = ack.sample.app_limited;
        self.congestion.update_latest(ack, self.intake.delivered());
        self.max_bandwidth.on_sample(ack.rate, app_limited);
        let (probing, bandwidth) = (self.state.is_probing(), self.max_bandwidth.get());
        self.congestion
            .adapt(probing, bandwidth, self.cwnd, self.config.beta);
        self.aggregation.on_ack(
            ack.now,
            ack.acked,
            self.bandwidth,
            self.cwnd,
            self.intake.round(),
            self.full_pipe.reached(),
        );
        if ack.round_start && !app_limited {
            self.full_pipe.on_round(ack.rate);
        }
        self.check_startup_done(ack);
        self.check_drain_done(ack);
        self.update_cycle(ack);
        self.min_rtt.on_ack(ack.now, ack.rtt, &self.config);
        self.check_probe_rtt(ack);
        self.congestion.advance_latest(ack);
        self.bound_bandwidth();
        self.update_control(ack);
    }

    /// OnEnterRTO. The losses may be told before or after.
    pub(super) fn on_timeout(&mut self, now: Time) {
        self.save_state();
        self.recovery.enter(now);
        self.timed_out = true;
        self.cwnd = self.in_flight + self.mss;
    }
}
