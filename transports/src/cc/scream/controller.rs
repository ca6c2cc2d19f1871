//! What is published when: target, send window, pacing and periodic padding.
//!
//! Implements: ScreamNetworkController of libwebrtc (modules/
//! congestion_controller/scream/scream_network_controller, July 2026).

use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Time};

use crate::cc::units::{Delta, Rate, Stamp};
use crate::cc::{
    CcEvent, CcOutput, CongestionController, Constraints, Feedback, SentPacket, Visitor,
};

use super::Scream;
use super::engine::Engine;
use super::report::Report;

/// Time over which the pacer keeps its rate for some time after congestion.
const SHORT_PACING_WINDOW: Delta = Delta::from_millis(10);

/// The controller.
#[derive(Debug, Clone)]
pub(super) struct Controller {
    config: Scream,
    engine: Engine,
    constraints: Constraints,
    network_up: bool,
    /// Whether anything was published since the route was taken.
    published_first: bool,
    /// What all streams would use at most, now and at most so far.
    allocated: Rate,
    most_allocated: Rate,
    padding_until: Option<Stamp>,
    pacer: Pacer,
    next_tick: Option<Time>,
    output: CcOutput,
    decisions: u64,
}

/// What the pacer was told.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pacer {
    pacing: Rate,
    padding: Rate,
    window: Delta,
}

impl Controller {
    pub(super) fn new(config: &Scream) -> Self {
        Self {
            engine: Engine::new(config),
            constraints: Constraints {
                min: Bitrate::ZERO,
                start: Bitrate::from_kbps(300),
                max: Bitrate::MAX,
            },
            network_up: false,
            published_first: false,
            allocated: Rate::ZERO,
            most_allocated: Rate::ZERO,
            padding_until: None,
            pacer: Pacer {
                pacing: Rate::ZERO,
                padding: Rate::ZERO,
                window: config.pacing_window.into(),
            },
            next_tick: None,
            output: CcOutput {
                ecn: Ecn::Ect1,
                ..CcOutput::default()
            },
            decisions: 0,
            config: config.clone(),
        }
    }

    fn set_constraints(&mut self, constraints: Constraints) {
        self.constraints = constraints;
        self.engine.set_bounds(
            constraints.min.into(),
            constraints.start.into(),
            constraints.max.into(),
        );
    }

    fn publish_first(&mut self, now: Stamp) {
        if self.network_up && !self.published_first {
            self.published_first = true;
            self.padding_until = None;
            self.publish(now);
        }
    }

    fn on_route_change(&mut self, now: Stamp) {
        self.engine = Engine::new(&self.config);
        self.set_constraints(self.constraints);
        self.published_first = false;
        if self.allocated > Rate::ZERO {
            self.publish_first(now);
        }
    }

    fn publish(&mut self, now: Stamp) {
        self.set_pacer(now);
        self.output.target = Some(self.engine.target().into());
        self.output.cwnd = Some(self.engine.send_window().into());
        self.decisions += 1;
    }

    /// Brings the pacer up to date; whether anything is new.
    fn set_pacer(&mut self, now: Stamp) -> bool {
        let pacer = Pacer {
            pacing: self.engine.pacing(),
            padding: self.padding(now),
            window: self.pacing_window(now),
        };
        if pacer == self.pacer {
            return false;
        }
        self.pacer = pacer;
        // Whole bytes per window.
        let quantised = |rate: Rate| ((rate * pacer.window) / pacer.window).into();
        self.output.pacing = Some(quantised(pacer.pacing));
        self.output.padding = quantised(pacer.padding);
        true
    }

    /// Longer bursts are allowed when congestion was long ago.
    fn pacing_window(&self, now: Stamp) -> Delta {
        let long_ago = self
            .config
            .allow_large_pacing_bursts_after_congestion_time
            .into();
        let calm = self.engine.window().reacted();
        if calm.is_none_or(|at| now - at > long_ago) {
            self.config.pacing_window.into()
        } else {
            SHORT_PACING_WINDOW
        }
    }

    /// The target where padding may help to raise it, otherwise zero.
    fn padding(&mut self, now: Stamp) -> Rate {
        if !self.is_padding_time(now) {
            return Rate::ZERO;
        }
        let most = Rate::from(self.constraints.max)
            .min(self.most_allocated)
            .min(self.allocated * 2.0);
        let target = self.engine.target();
        if target < most { target } else { Rate::ZERO }
    }

    /// Keeps track of the periods of padding.
    fn is_padding_time(&mut self, now: Stamp) -> bool {
        let Some(between) = self.config.time_between_periodic_padding else {
            return false;
        };
        let after = self.config.allow_padding_after_last_congestion_time.into();
        let decreased = self.engine.window().decreased();
        let inside = self.padding_until.is_some_and(|end| now < end);
        if decreased.is_some_and(|at| now - at <= after) {
            if inside {
                self.padding_until = Some(now);
            }
            return false;
        }
        if inside {
            return true;
        }
        let due = self
            .padding_until
            .is_none_or(|end| now - end >= between.into());
        if due {
            self.padding_until = Some(now + self.config.periodic_padding_duration.into());
        }
        due
    }
}

impl CongestionController for Controller {
    fn on_sent(&mut self, packet: &SentPacket) {
        let in_flight = packet.in_flight.into();
        self.engine.on_sent(in_flight);
        if in_flight > self.engine.send_window() || self.engine.delay().is_congested() {
            self.publish(packet.at.into());
        }
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        if feedback.packets.is_empty() {
            return;
        }
        if let Some(report) = Report::of(feedback) {
            self.engine.on_report(&report);
        }
        self.publish(feedback.now.into());
    }

    fn on_timer(&mut self, now: Time) {
        self.next_tick = Some(now + self.config.process_interval);
        if self.set_pacer(now.into()) {
            self.decisions += 1;
        }
    }

    fn next_timer(&self) -> Option<Time> {
        self.next_tick
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        let at = Stamp::from(now);
        match *event {
            CcEvent::Start(constraints) => {
                self.next_tick = Some(now + self.config.process_interval);
                self.network_up = true;
                self.set_constraints(constraints);
                self.publish_first(at);
            }
            CcEvent::Constraints(constraints) => self.set_constraints(constraints),
            CcEvent::Allocated { max, .. } => {
                self.allocated = max.into();
                self.most_allocated = self.most_allocated.max(self.allocated);
                if self.allocated > Rate::ZERO {
                    self.publish_first(at);
                }
            }
            CcEvent::Network { up } => {
                self.network_up = up && self.next_tick.is_some();
                self.publish_first(at);
            }
            CcEvent::RouteChange => self.on_route_change(at),
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

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        let Self { engine, .. } = self;
        let (delay, window) = (engine.delay(), engine.window());
        for (name, size) in [
            ("ref_window_bytes", window.size()),
            ("ref_window_inflection_bytes", window.inflection()),
            ("ref_window_allowed_bytes", engine.allowed_window()),
            ("send_window_bytes", engine.send_window()),
        ] {
            visitor.number(name, size.as_bytes() as f64);
        }
        for (name, time) in [
            ("smoothed_rtt_ms", Some(delay.rtt())),
            ("feedback_hold_ms", Some(engine.hold())),
            ("base_delay_ms", delay.base()),
            ("queue_delay_ms", delay.queueing()),
            (
                "queue_delay_min_avg_ms",
                Some(delay.least_queueing_average()),
            ),
            ("latency_spread_avg_ms", Some(delay.spread_average())),
        ] {
            if let Some(time) = time {
                visitor.number(name, time.as_millis_f64());
            }
        }
        visitor.number("l4s_alpha", window.alpha());
        visitor.number("virtual_alpha", delay.virtual_alpha());
        visitor.number("loss_level", engine.loss().level());
        let limited = f64::from(u8::from(engine.is_app_limited()));
        visitor.number("application_limited", limited);
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}
