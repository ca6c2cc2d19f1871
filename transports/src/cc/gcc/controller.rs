//! The order in which the parts are asked, and what is published when.
//!
//! Implements: GoogCcNetworkController of libwebrtc (modules/
//! congestion_controller/goog_cc/goog_cc_network_control, July 2026).

use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Span, Time};

use crate::cc::{
    CcEvent, CcOutput, CongestionController, Constraints, Feedback, PacketResult, ProbeCluster,
    SentPacket, Visitor,
};

use super::alr::AlrDetector;
use super::delay_based::DelayBased;
use super::loss_v2::State;
use super::probe_controller::{Limit, ProbeController};
use super::probe_estimator::ProbeEstimator;
use super::pushback::{Pushback, PushbackMode};
use super::robust_throughput::RobustThroughput;
use super::send_side::SendSide;
use super::trendline::Usage;
use super::units::{Delta, Rate, Size, Stamp};
use super::{Arrival, Gcc, MIN_RATE};

/// Pacing factor until a report shows that the sender estimates.
const EARLY_PACING: f32 = 2.5;
/// Pacing factor from then on.
const PACING: f32 = 1.1;
/// A probe lowers the rate no further than this share of the throughput.
const PROBE_FLOOR: f64 = 0.85;

/// The controller.
#[derive(Debug, Clone)]
pub(super) struct Controller {
    config: Gcc,
    constraints: Constraints,
    min_allocated: Rate,
    max_allocated: Option<Rate>,
    delay: DelayBased,
    throughput: RobustThroughput,
    probes: ProbeController,
    probe_estimator: ProbeEstimator,
    send_side: SendSide,
    alr: AlrDetector,
    pushback: Pushback,
    arrivals: Vec<Arrival>,
    next_tick: Option<Time>,
    sent_first: bool,
    got_report: bool,
    was_in_alr: bool,
    published: Published,
    output: CcOutput,
    decisions: u64,
}

/// What the latest decision rested on; a difference makes the next one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Published {
    target: Rate,
    pushed_back: Rate,
    loss_state: State,
    fraction_lost: u8,
    rtt: Option<Delta>,
}

impl Controller {
    pub(super) fn new(config: &Gcc) -> Self {
        Self {
            constraints: Constraints {
                min: MIN_RATE.into(),
                start: Rate::from_kbps(300).into(),
                max: Rate::INFINITE.into(),
            },
            min_allocated: Rate::ZERO,
            max_allocated: None,
            delay: DelayBased::new(&config.grouping, &config.trendline, &config.aimd, MIN_RATE),
            throughput: RobustThroughput::new(&config.throughput),
            probes: ProbeController::new(&config.probing),
            probe_estimator: ProbeEstimator::new(),
            send_side: SendSide::new(&config.early_loss, &config.rtt_backoff, &config.loss),
            alr: AlrDetector::new(&config.alr),
            pushback: Pushback::new(&config.pushback),
            arrivals: Vec::with_capacity(512),
            next_tick: None,
            sent_first: false,
            got_report: false,
            was_in_alr: false,
            published: Published::starting_at(Rate::from_kbps(300)),
            output: CcOutput {
                ecn: Ecn::NotEct,
                ..CcOutput::default()
            },
            decisions: 0,
            config: config.clone(),
        }
    }

    /// Runs a call and counts it when it decided something.
    fn deciding(&mut self, call: impl FnOnce(&mut Self) -> bool) {
        let probes = self.probes.launched();
        let decided = call(self);
        if decided || self.probes.launched() != probes {
            self.decisions += 1;
        }
    }

    fn start(&mut self, constraints: Constraints, now: Stamp) -> bool {
        self.published = Published::starting_at(constraints.start.into());
        self.probes.on_network(true, now);
        self.set_constraints(constraints, true, now);
        self.set_pacer();
        if let Some(max_allocated) = self.max_allocated {
            self.probes.set_max_allocated(max_allocated, now);
        }
        self.tick(now);
        true
    }

    fn set_constraints(&mut self, constraints: Constraints, restart: bool, now: Stamp) {
        self.constraints = constraints;
        let min = Rate::from(constraints.min)
            .max(MIN_RATE)
            .max(self.min_allocated);
        let max = Rate::from(constraints.max).max(min);
        let start = restart.then(|| Rate::from(constraints.start).max(min));
        self.send_side.set_bounds(min, start, max);
        if let Some(start) = start {
            self.delay.aimd_mut().start_at(start);
        }
        self.delay.aimd_mut().set_min(min);
        self.probes.set_bounds(min, start, max, now);
    }

    fn on_route_change(&mut self, now: Stamp) {
        self.throughput.reset();
        self.probe_estimator.reset();
        let Gcc {
            grouping,
            trendline,
            aimd,
            ..
        } = &self.config;
        self.delay = DelayBased::new(grouping, trendline, aimd, MIN_RATE);
        self.send_side.on_route_change();
        self.probes.reset(now);
        self.set_constraints(self.constraints, true, now);
    }

    fn tick(&mut self, now: Stamp) -> bool {
        self.send_side.update(now);
        self.probes
            .set_alr(self.alr.since().filter(|_| self.got_report));
        self.probes.on_tick(now);
        let windowed = self.refresh_window();
        self.publish_changes(now) || windowed
    }

    /// Refreshes the congestion window; whether the pacer has to know.
    fn refresh_window(&mut self) -> bool {
        self.pushback.refresh_window(self.published.target);
        if self.pushback.mode() != PushbackMode::LimitPacer || self.pushback.window().is_none() {
            return false;
        }
        self.output.cwnd = self.pushback.window().map(Into::into);
        true
    }

    fn on_report(&mut self, feedback: &Feedback<'_>, now: Stamp) -> bool {
        self.got_report = true;
        self.pushback.set_in_flight(feedback.in_flight.into());
        self.collect_arrivals(feedback.packets);
        let has_arrivals = !self.arrivals.is_empty();
        self.measure_rtt(now);

        let app_limited = self.alr.since().is_some();
        if self.was_in_alr && !app_limited {
            self.probes.on_alr_ended(now);
        }
        self.was_in_alr = app_limited;

        self.throughput.on_report(&self.arrivals);
        let acked = self.throughput.rate();
        self.send_side.set_acked(acked);
        for packet in &self.arrivals {
            self.probe_estimator.on_packet(packet);
        }
        let probed = self.probe_estimator.take().map(|probed| match acked {
            Some(acked) => probed.max(self.delay.last_estimate().min(acked * PROBE_FLOOR)),
            None => probed,
        });

        let outcome = self
            .delay
            .on_report(&self.arrivals, acked, probed, app_limited, now);
        if let Some(estimate) = outcome.estimate {
            if outcome.from_probe {
                self.send_side.set_target(estimate);
            }
            self.send_side.set_delay_limit(estimate);
        }
        self.send_side
            .on_packets(feedback.packets, app_limited, now);
        let published = outcome.estimate.is_some() && self.publish_changes(now);
        if outcome.recovered {
            self.probes.set_alr(self.alr.since());
            self.probes.on_recovery(now);
        }
        let windowed = has_arrivals && self.refresh_window();
        published || windowed
    }

    /// Keeps the packets that arrived, in order of arrival.
    fn collect_arrivals(&mut self, packets: &[PacketResult]) {
        self.arrivals.clear();
        self.arrivals.extend(packets.iter().filter_map(|packet| {
            Some(Arrival {
                number: packet.sent.number,
                sent: packet.sent.at.into(),
                received: packet.received?.into(),
                size: packet.sent.size.into(),
                probe: packet.sent.probe,
            })
        }));
        self.arrivals
            .sort_unstable_by_key(|packet| (packet.received, packet.sent, packet.number));
    }

    fn measure_rtt(&mut self, now: Stamp) {
        let Some(last) = self.arrivals.last() else {
            return;
        };
        let rtts = self.arrivals.iter().map(|packet| now - packet.sent);
        // Without the time that a packet's report waited for the last arrival.
        let propagation = self
            .arrivals
            .iter()
            .map(|packet| (now - packet.sent) - (last.received - packet.received));
        let (longest, shortest) = (rtts.max(), propagation.min());
        if let (Some(longest), Some(shortest)) = (longest, shortest) {
            self.pushback.on_report(longest);
            self.send_side.backoff_mut().on_report(shortest, now);
        }
    }

    /// Publishes a target when anything that it rests on has changed.
    fn publish_changes(&mut self, now: Stamp) -> bool {
        let target = self.send_side.target();
        let pushed_back = match self.pushback.mode() {
            PushbackMode::DropFrames | PushbackMode::LowerTarget => {
                self.pushback.push_back(target).max(self.send_side.min())
            }
            PushbackMode::LimitPacer | PushbackMode::Off => target,
        };
        let next = Published {
            target,
            pushed_back,
            loss_state: self.send_side.loss_state(),
            fraction_lost: self.send_side.fraction_lost(),
            rtt: Some(self.send_side.rtt()),
        };
        if next == self.published {
            return false;
        }
        self.published = next;
        self.alr.set_estimate(target);
        if self.pushback.mode() == PushbackMode::DropFrames {
            self.output.target = Some(target.into());
            self.output.frame_drop = (target - pushed_back) / target;
        } else {
            self.output.target = Some(pushed_back.into());
        }
        self.probes.set_estimate(target, self.limit(), now);
        self.set_pacer();
        true
    }

    /// What holds the estimate down.
    fn limit(&self) -> Limit {
        if self.delay.last_usage() != Usage::Normal {
            return Limit::DelayIncreased;
        }
        if self.send_side.is_rtt_above_limit() {
            return Limit::HighRtt;
        }
        match self.send_side.loss_state() {
            State::Decreasing | State::IncreasingWithPadding => Limit::Loss,
            State::Increasing => Limit::LossIncreasing,
            State::DelayBased => Limit::Delay,
        }
    }

    fn set_pacer(&mut self) {
        let Published {
            target,
            pushed_back,
            loss_state,
            ..
        } = self.published;
        let usual = if self.got_report {
            PACING
        } else {
            EARLY_PACING
        };
        let factor = self.config.pacing_factor.map_or(usual, |f| f as f32);
        let pacing = target.max(self.min_allocated) * f64::from(factor);
        let max_padding = Rate::from(self.config.max_padding);
        let padding = if loss_state == State::IncreasingWithPadding {
            max_padding.max(target)
        } else {
            max_padding
        };
        // Whole bytes per window.
        let window = Delta::from(self.config.pacing_window);
        let quantised = |rate: Rate| ((rate * window) / window).into();
        self.output.pacing = Some(quantised(pacing));
        self.output.padding = quantised(padding.min(pushed_back));
    }
}

impl Published {
    const fn starting_at(target: Rate) -> Self {
        Self {
            target,
            pushed_back: target,
            loss_state: State::DelayBased,
            fraction_lost: 0,
            rtt: None,
        }
    }
}

impl CongestionController for Controller {
    fn on_sent(&mut self, packet: &SentPacket) {
        let now = Stamp::from(packet.at);
        self.alr.on_sent(packet.size.into(), now);
        if !self.sent_first {
            self.sent_first = true;
            self.send_side.backoff_mut().on_report(Delta::ZERO, now);
        }
        self.send_side.backoff_mut().on_sent(now);
        if matches!(
            self.pushback.mode(),
            PushbackMode::DropFrames | PushbackMode::LowerTarget
        ) {
            self.pushback.set_in_flight(packet.in_flight.into());
            self.deciding(|this| this.publish_changes(now));
        }
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        if !feedback.packets.is_empty() {
            self.deciding(|this| this.on_report(feedback, feedback.now.into()));
        }
    }

    fn on_timer(&mut self, now: Time) {
        self.next_tick = Some(now + self.config.process_interval);
        self.deciding(|this| this.tick(now.into()));
    }

    fn next_timer(&self) -> Option<Time> {
        self.next_tick
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        let at = Stamp::from(now);
        match *event {
            CcEvent::Start(constraints) => {
                let first = self.config.process_interval + self.config.process_offset;
                self.next_tick = Some(now + first);
                self.deciding(|this| this.start(constraints, at));
            }
            CcEvent::Constraints(constraints) => self.deciding(|this| {
                this.set_constraints(constraints, false, at);
                this.publish_changes(at)
            }),
            CcEvent::Allocated { min, max } => {
                self.min_allocated = min.into();
                self.max_allocated = Some(max.into());
                if self.next_tick.is_some() {
                    self.deciding(|this| {
                        this.probes.set_max_allocated(max.into(), at);
                        this.set_constraints(this.constraints, false, at);
                        this.publish_changes(at)
                    });
                }
            }
            CcEvent::Network { up } => self.deciding(|this| {
                this.probes.on_network(up, at);
                false
            }),
            CcEvent::RouteChange => self.deciding(|this| {
                this.on_route_change(at);
                this.publish_changes(at)
            }),
            CcEvent::Rtt(rtt) if rtt > Span::ZERO => {
                self.delay.aimd_mut().set_rtt(rtt.into());
                self.send_side.on_rtt(rtt.into());
            }
            CcEvent::LossReport { lost, received, .. } => {
                self.send_side.on_loss_report(lost, received, at)
            }
            CcEvent::PacerQueue(bytes) => self.pushback.set_in_pacer(Size::from(bytes)),
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        CcOutput {
            target: self.output.target.map(|t| self.constraints.bound(t)),
            ..self.output
        }
    }

    fn decisions(&self) -> Option<u64> {
        Some(self.decisions)
    }

    fn poll_probe(&mut self) -> Option<ProbeCluster> {
        self.probes.poll()
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        let bps = |rate: Rate| Bitrate::from(rate).as_bps_f64();
        visitor.number("trend_slope", self.delay.trend().slope());
        visitor.number("trend_threshold_ms", self.delay.trend().threshold());
        visitor.number("usage", f64::from(self.delay.last_usage() as u8));
        visitor.number("delay_estimate_bps", bps(self.delay.last_estimate()));
        visitor.number("loss_estimate_bps", bps(self.send_side.loss().estimate()));
        visitor.number("loss_state", f64::from(self.send_side.loss_state() as u8));
        visitor.number("mean_loss", self.send_side.loss().mean_loss());
        visitor.number("inherent_loss", self.send_side.loss().inherent_loss());
        if let Some(acked) = self.throughput.rate() {
            visitor.number("acked_bps", bps(acked));
        }
        if let Some(capacity) = self.delay.aimd().link().estimate() {
            visitor.number("link_capacity_bps", bps(capacity));
        }
        if let Some(window) = self.pushback.window() {
            visitor.number("data_window_bytes", window.as_bytes() as f64);
        }
        visitor.number(
            "application_limited",
            f64::from(u8::from(self.alr.since().is_some())),
        );
    }

    fn lives_on_counts(&self) -> bool {
        true
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}
