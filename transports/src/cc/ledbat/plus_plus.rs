//! LEDBAT++: LEDBAT on round trips, with growth that leaves room to others,
//! multiplicative decrease, and a periodic slowdown that makes flows agree on
//! the base delay.
//!
//! Implements: draft-irtf-iccrg-ledbat-plus-plus-01, sections 4.1 to 4.5, as
//! quoted by two implementations (Go uTP, the rLEDBAT kernel module); revision
//! 06 of 2026 was not read. The window changes per acknowledgement by its share
//! of a round trip's change.
//! Differs: the decrease of section 4.3 holds above the target only; taken to
//! the letter below it, it would add up to a window per round trip. Round
//! trips of the schedule are smoothed ones. A window that is not used does not
//! grow. A timeout leaves one packet and half of the window as threshold.
//! Not modelled: reactions to marks (packets are sent as not ECN-capable).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Span, Time};

use super::queueing::QueueingDelay;
use super::slowdown::Slowdown;
use super::{MOST, check, packet_bytes};
use crate::cc::recovery::Recovery;
use crate::cc::{CcEvent, CcOutput, CongestionControl, CongestionController, Feedback, Visitor};
use crate::transport::RttEstimator;

/// Round trip assumed before one is measured (RFC 9002, section 6.2.2).
const INITIAL_RTT: Span = Span::from_millis(333);

/// LEDBAT++.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LedbatPlusPlus {
    /// Delay that it may add to the round trip (60 ms; section 4.5).
    pub target: Span,
    /// Largest divisor of growth (16; section 4.2).
    pub most_gain_divisor: f64,
    /// Scale of the decrease above the target (1; section 4.3).
    pub constant: f64,
    /// Share of the target at which the initial slow start ends (0.75; section
    /// 4.1).
    pub slow_start_exit: f64,
    /// Whether growth falls towards the target (false; the Go implementation
    /// does so).
    pub proportional_growth: bool,
    /// Whether the window grows back after a slowdown with the reduced gain, as
    /// the draft says (true); else it doubles per round trip.
    pub reduced_regain: bool,
    /// Minutes over which the base delay is the least round trip (10).
    pub base_history: u32,
    /// Samples of which the least is the current round trip (4).
    pub current_filter: u32,
    /// Packets in the first window, in slowdowns, and at least (2).
    pub min_cwnd: f64,
    /// Pacing rate over window per round trip (1.25, RFC 9002 section 7.7).
    pub pacing_gain: f64,
    /// Largest packet, all of it that counts against the window, until the
    /// transport knows better (1200 bytes).
    pub packet_size: Bytes,
}

impl Default for LedbatPlusPlus {
    fn default() -> Self {
        Self {
            target: Span::from_millis(60),
            most_gain_divisor: 16.0,
            constant: 1.0,
            slow_start_exit: 0.75,
            proportional_growth: false,
            reduced_regain: true,
            base_history: 10,
            current_filter: 4,
            min_cwnd: 2.0,
            pacing_gain: 1.25,
            packet_size: Bytes::new(1_200),
        }
    }
}

impl Plugin for LedbatPlusPlus {
    type Kind = CongestionControl;
    const NAME: &'static str = "ledbat_pp";
    const SUMMARY: &'static str =
        "background transport (LEDBAT++): keeps the queueing delay at 60 ms and yields to others";
    const REFERENCES: &'static [&'static str] =
        &["draft-irtf-iccrg-ledbat-plus-plus-01", "RFC 6817 (LEDBAT)"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        if !(Span::from_millis(1)..=Span::from_secs(10)).contains(&self.target) {
            return Err(BuildError::field("target", "expected 1ms to 10s"));
        }
        check("most_gain_divisor", self.most_gain_divisor, 1.0, 1e3)?;
        check("constant", self.constant, 0.0, 100.0)?;
        check("slow_start_exit", self.slow_start_exit, 0.01, 1.0)?;
        check("base_history", f64::from(self.base_history), 1.0, 1e3)?;
        check("current_filter", f64::from(self.current_filter), 1.0, 1e3)?;
        check("min_cwnd", self.min_cwnd, 1.0, 100.0)?;
        check("pacing_gain", self.pacing_gain, 0.5, 100.0)?;
        check("packet_size", self.packet_size.get() as f64, 64.0, 65_535.0)?;
        Ok(Box::new(Controller::new(self)))
    }
}

impl LedbatPlusPlus {
    /// What growth is divided by on a path with that base delay.
    pub(super) fn gain_divisor(&self, base: Span) -> f64 {
        let (target, base) = (self.target.as_nanos(), base.as_nanos().max(1));
        let divisor = target.saturating_mul(2).div_ceil(base);
        (divisor as f64).clamp(1.0, self.most_gain_divisor)
    }

    /// By how many packets a window of `packets` changes in a round trip
    /// outside slow start.
    pub(super) fn change(&self, packets: f64, base: Span, queueing: Span) -> f64 {
        let gain = 1.0 / self.gain_divisor(base);
        let relative = queueing.as_secs_f64() / self.target.as_secs_f64();
        if relative > 1.0 {
            (gain - self.constant * packets * (relative - 1.0)).max(-packets / 2.0)
        } else if self.proportional_growth {
            gain * (1.0 - relative)
        } else {
            gain
        }
    }
}

/// The controller.
#[derive(Debug, Clone)]
struct Controller {
    config: LedbatPlusPlus,
    packet: f64,
    /// Bytes.
    cwnd: f64,
    /// Bytes; infinite in the initial slow start.
    ssthresh: f64,
    queueing: QueueingDelay,
    rtt: RttEstimator,
    recovery: Recovery,
    slowdown: Slowdown,
}

impl Controller {
    fn new(config: &LedbatPlusPlus) -> Self {
        let packet = packet_bytes(config.packet_size);
        Self {
            config: config.clone(),
            packet,
            cwnd: config.min_cwnd * packet,
            ssthresh: f64::INFINITY,
            queueing: QueueingDelay::new(config.base_history, config.current_filter),
            rtt: RttEstimator::new(INITIAL_RTT),
            recovery: Recovery::default(),
            slowdown: Slowdown::default(),
        }
    }

    fn min(&self) -> f64 {
        self.config.min_cwnd * self.packet
    }

    /// The round trip that the schedule of slowdowns counts in.
    fn round_trip(&self) -> Span {
        self.rtt.smoothed().max(RttEstimator::GRANULARITY)
    }

    fn is_slow_start(&self) -> bool {
        self.cwnd < self.ssthresh
    }

    fn measure(&mut self, feedback: &Feedback<'_>) {
        if let Some(rtt) = feedback.rtt() {
            self.rtt.on_sample(feedback.now, rtt, Span::ZERO);
        }
        for packet in feedback.received() {
            let held = match (feedback.made, packet.received) {
                (Some(made), Some(at)) => made.since(at),
                _ => Span::ZERO,
            };
            let rtt = feedback.now.since(packet.sent.at) - held;
            let rtt = i64::try_from(rtt.as_nanos()).unwrap_or(i64::MAX);
            self.queueing.on_sample(feedback.now, rtt);
        }
    }

    fn advance(&mut self, now: Time) {
        while self.slowdown.next_change().is_some_and(|at| at <= now) {
            if self.slowdown.advance(now, self.round_trip()) {
                self.ssthresh = self.cwnd;
                self.cwnd = self.min();
            } else if !self.is_slow_start() {
                // A window that was at its least has nothing to regain.
                self.leave_slow_start(now);
            }
            if self.slowdown.is_held() {
                break;
            }
        }
    }

    /// The window stays where it is, or at what it has regained.
    fn leave_slow_start(&mut self, now: Time) {
        self.ssthresh = self.ssthresh.min(self.cwnd);
        let rtt = self.round_trip();
        self.slowdown.on_slow_start_end(now, rtt);
    }

    fn grow(&mut self, now: Time, acked: f64) {
        if self.is_slow_start() {
            self.slow_start(now, acked);
        } else {
            let packets = self.cwnd / self.packet;
            let change = self
                .config
                .change(packets, self.queueing.base(), self.queueing.get());
            // A report may acknowledge more than a window, but not of a later
            // round trip.
            let cwnd = self.cwnd + change * self.packet * (acked / self.cwnd).min(1.0);
            self.cwnd = cwnd.max(self.min());
            self.ssthresh = self.ssthresh.min(self.cwnd);
        }
        self.cwnd = self.cwnd.min(MOST);
    }

    fn slow_start(&mut self, now: Time, acked: f64) {
        let initial = self.slowdown == Slowdown::Initial;
        let exit = self.config.target.mul_f64(self.config.slow_start_exit);
        if initial && self.queueing.get() > exit {
            self.leave_slow_start(now);
            return;
        }
        let divisor = if initial || self.config.reduced_regain {
            self.config.gain_divisor(self.queueing.base())
        } else {
            1.0
        };
        self.cwnd = (self.cwnd + acked / divisor).min(self.ssthresh);
        if !self.is_slow_start() {
            self.leave_slow_start(now);
        }
    }

    /// Whether the flow makes use of its window.
    fn is_used(&self, flight: f64) -> bool {
        if self.is_slow_start() {
            2.0 * flight >= self.cwnd
        } else {
            flight + 3.0 * self.packet >= self.cwnd
        }
    }

    fn on_lost(&mut self, now: Time) {
        self.cwnd = (self.cwnd / 2.0).max(self.min());
        self.ssthresh = self.cwnd;
        self.leave_slow_start(now);
    }
}

impl CongestionController for Controller {
    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        let now = feedback.now;
        self.measure(feedback);
        self.advance(now);
        self.recovery.on_feedback(feedback);
        let acked = feedback.acked_bytes().get() as f64;
        let used = self.is_used(feedback.prior_in_flight.get() as f64);
        let shrinks = self.queueing.get() > self.config.target;
        if acked > 0.0 && !self.slowdown.is_held() && (used || shrinks) {
            self.grow(now, acked);
        }
        let lost = feedback.lost().any(|p| self.recovery.is_new(p.sent.at));
        if lost && !self.slowdown.is_held() {
            self.recovery.enter(now);
            self.on_lost(now);
        }
    }

    fn on_timer(&mut self, now: Time) {
        self.advance(now);
    }

    fn next_timer(&self) -> Option<Time> {
        self.slowdown.next_change()
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        match *event {
            CcEvent::RetransmissionTimeout | CcEvent::PersistentCongestion => {
                self.leave_slow_start(now);
                self.ssthresh = (self.cwnd / 2.0).max(self.min());
                self.cwnd = self.packet;
                self.recovery.enter(now);
            }
            CcEvent::Mtu(size) => {
                self.packet = packet_bytes(size);
                self.cwnd = self.cwnd.max(self.min());
            }
            CcEvent::RouteChange => *self = Self::new(&self.config),
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        let seconds = self.round_trip().as_secs_f64();
        let rate = Bitrate::from_bps_f64(8.0 * self.cwnd * self.config.pacing_gain / seconds);
        CcOutput {
            cwnd: Some(Bytes::new(self.cwnd as u64)),
            pacing: self.rtt.latest().map(|_| rate),
            ..CcOutput::default()
        }
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        let threshold = if self.ssthresh.is_finite() {
            self.ssthresh
        } else {
            0.0
        };
        for (name, value) in [
            ("cwnd_bytes", self.cwnd),
            ("slow_start_threshold_bytes", threshold),
            ("queue_delay_ms", self.queueing.get().as_millis_f64()),
            ("base_delay_ms", self.queueing.base().as_millis_f64()),
            (
                "gain_divisor",
                self.config.gain_divisor(self.queueing.base()),
            ),
            ("slowdown", f64::from(u8::from(self.slowdown.is_held()))),
            ("smoothed_rtt_ms", self.rtt.smoothed().as_millis_f64()),
        ] {
            visitor.number(name, value);
        }
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}
