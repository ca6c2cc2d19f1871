//! From reports and constraints to the target.

use weaknet_core::{Bitrate, Span, Time};

use super::GccDraft02;
use super::detector::{Detector, Signal};
use super::groups::Groups;
use super::kalman::ArrivalFilter;
use super::loss::LossBased;
use super::rate_control::RateControl;
use crate::cc::{CcEvent, CcOutput, CongestionController, Constraints, Feedback, Visitor};
use crate::transport::{RateCounter, RttEstimator};

/// Round trip assumed before one is measured (libwebrtc).
const INITIAL_RTT: Span = Span::from_millis(200);

/// The controller.
#[derive(Debug, Clone)]
pub(super) struct Controller {
    config: GccDraft02,
    constraints: Constraints,
    groups: Groups,
    filter: ArrivalFilter,
    detector: Detector,
    signal: Signal,
    throughput: RateCounter,
    delay_based: RateControl,
    loss_based: LossBased,
    rtt: RttEstimator,
    source: Source,
}

/// What the rate follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Nothing has been reported.
    Nothing,
    /// Reports on packets: delay and losses.
    Packets,
    /// Counts alone: losses.
    Counts,
}

impl Controller {
    pub(super) fn new(config: &GccDraft02) -> Self {
        let constraints = Constraints {
            min: Bitrate::ZERO,
            start: Bitrate::from_kbps(300),
            max: Bitrate::MAX,
        };
        Self::with_constraints(config, constraints)
    }

    fn with_constraints(config: &GccDraft02, constraints: Constraints) -> Self {
        let start = constraints.bound(constraints.start);
        Self {
            config: config.clone(),
            constraints,
            groups: Groups::new(config.burst_time),
            filter: ArrivalFilter::new(config),
            detector: Detector::new(config),
            signal: Signal::Normal,
            throughput: RateCounter::new(),
            delay_based: RateControl::new(config, start),
            loss_based: LossBased::new(config, start),
            rtt: RttEstimator::new(INITIAL_RTT),
            source: Source::Nothing,
        }
    }

    /// Over-use anywhere in the report is over-use; else the newest group
    /// counts, and without one the previous report.
    fn detect(&mut self, feedback: &Feedback<'_>) {
        let mut overuse = false;
        for packet in feedback.received() {
            let Some(arrival) = packet.received else {
                continue;
            };
            self.throughput.add(arrival, packet.sent.size.get());
            let Some(group) = self.groups.on_packet(packet.sent.at, arrival) else {
                continue;
            };
            self.filter.on_group(&group);
            let trend = self.filter.trend();
            self.signal = self.detector.on_trend(trend, group.sent, group.arrival);
            overuse |= self.signal == Signal::Overuse;
        }
        if overuse {
            self.signal = Signal::Overuse;
        }
    }

    /// What was received over the last second, by the receiver's clock.
    fn throughput(&mut self, feedback: &Feedback<'_>) -> Option<Bitrate> {
        let newest = feedback.received().filter_map(|p| p.received).max()?;
        self.throughput.rate(newest)
    }

    fn bound(&mut self, throughput: Option<Bitrate>) {
        let least = self.constraints.min.as_bps_f64();
        let most = self.constraints.max.as_bps_f64();
        self.delay_based.bound(least, most);
        let most = throughput.map_or(most, |received| {
            most.min(received.as_bps_f64() * self.config.throughput_bound)
        });
        self.loss_based.bound(least, most);
    }
}

impl CongestionController for Controller {
    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        if feedback.packets.is_empty() {
            return;
        }
        if self.source == Source::Counts {
            let start = Bitrate::from_bps_f64(self.loss_based.rate());
            self.loss_based = LossBased::new(&self.config, start);
        }
        self.source = Source::Packets;
        if let Some(rtt) = feedback.rtt() {
            self.rtt.on_sample(feedback.now, rtt, Span::ZERO);
        }
        self.detect(feedback);
        self.loss_based.on_feedback(feedback);
        let throughput = self.throughput(feedback);
        self.delay_based
            .update(feedback.now, self.signal, throughput, self.rtt.smoothed());
        self.bound(throughput);
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        match *event {
            CcEvent::LossReport { lost, received, .. } if self.source != Source::Packets => {
                self.source = Source::Counts;
                self.loss_based.on_counts(now, lost.into(), received.into());
                self.bound(None);
            }
            CcEvent::Start(constraints) => {
                *self = Self::with_constraints(&self.config, constraints);
            }
            CcEvent::Constraints(constraints) => {
                self.constraints = constraints;
                self.bound(None);
            }
            CcEvent::RouteChange => {
                *self = Self::with_constraints(&self.config, self.constraints);
            }
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        let rate = match self.source {
            Source::Counts => self.loss_based.rate(),
            _ => self.delay_based.rate().min(self.loss_based.rate()),
        };
        let target = self.constraints.bound(Bitrate::from_bps_f64(rate));
        CcOutput {
            target: Some(target),
            pacing: Some(target.mul_f64(self.config.pacing_factor)),
            ..CcOutput::default()
        }
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        for (name, value) in [
            ("delay_based_bps", self.delay_based.rate()),
            ("loss_based_bps", self.loss_based.rate()),
            ("delay_trend_ms", self.filter.trend()),
            ("delay_noise_ms2", self.filter.noise()),
            ("threshold_ms", self.detector.threshold()),
            ("loss_ratio", self.loss_based.ratio()),
            ("rate_control_state", f64::from(self.delay_based.state())),
            (
                "overuse",
                f64::from(u8::from(self.signal == Signal::Overuse)),
            ),
            ("rtt_ms", self.rtt.smoothed().as_millis_f64()),
        ] {
            visitor.number(name, value);
        }
    }

    fn lives_on_counts(&self) -> bool {
        true
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}
