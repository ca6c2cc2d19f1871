//! From reports and constraints to the target.

use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::Nada;
use super::rate::{Bounds, ReferenceRate};
use super::receiver::Receiver;
use crate::cc::{CcEvent, CcOutput, CongestionController, Constraints, Feedback, Visitor};
use crate::transport::RttEstimator;

/// Highest rate when neither encoder nor application name one (RFC 8698,
/// section 4.3).
const UNBOUNDED_MAX: Bitrate = Bitrate::from_mbps(3);

/// The controller.
#[derive(Debug, Clone)]
pub(super) struct Controller {
    config: Nada,
    constraints: Constraints,
    /// What the streams need at least and would use at most.
    allocated: Option<(Bitrate, Bitrate)>,
    receiver: Receiver,
    reference: ReferenceRate,
    rtt: RttEstimator,
    last_report: Option<Time>,
    waiting: Bytes,
}

impl Controller {
    pub(super) fn new(config: &Nada) -> Self {
        // Table 2 of RFC 8698, until the application names its bounds.
        let constraints = Constraints {
            min: Bitrate::from_kbps(150),
            start: Bitrate::from_kbps(150),
            max: Bitrate::from_kbps(1_500),
        };
        let bounds = bounds(config, &constraints, None);
        Self {
            config: config.clone(),
            constraints,
            allocated: None,
            receiver: Receiver::new(config),
            reference: ReferenceRate::new(config, bounds, constraints.start),
            rtt: RttEstimator::new(Span::ZERO),
            last_report: None,
            waiting: Bytes::ZERO,
        }
    }

    fn bounds(&self) -> Bounds {
        bounds(&self.config, &self.constraints, self.allocated)
    }

    fn start(&mut self, now: Time) {
        self.receiver = Receiver::new(&self.config);
        self.reference = ReferenceRate::new(&self.config, self.bounds(), self.constraints.start);
        self.rtt = RttEstimator::new(Span::ZERO);
        self.last_report = Some(now);
    }
}

/// What the configuration leaves open comes from the streams, then from the
/// application, whose bounds always hold.
fn bounds(
    config: &Nada,
    constraints: &Constraints,
    allocated: Option<(Bitrate, Bitrate)>,
) -> Bounds {
    let ceiling = constraints.max.max(constraints.min);
    let unallocated_max = if ceiling == Bitrate::MAX {
        UNBOUNDED_MAX
    } else {
        ceiling
    };
    let (least, most) = allocated.unwrap_or((Bitrate::ZERO, unallocated_max));
    let encoder_max = config.rmax.unwrap_or(most);
    let max = encoder_max.clamp(constraints.min, ceiling);
    let min = config.rmin.unwrap_or(least).clamp(constraints.min, max);
    Bounds {
        min: min.as_bps_f64(),
        max: max.as_bps_f64(),
        encoder_max: encoder_max.as_bps_f64(),
    }
}

impl CongestionController for Controller {
    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        let now = feedback.now;
        if let Some(rtt) = feedback.rtt() {
            self.rtt.on_sample(now, rtt, Span::ZERO);
        }
        self.receiver.on_feedback(feedback, self.rtt.smoothed());
        let delta = now - *self.last_report.get_or_insert(now);
        if delta >= self.config.delta {
            self.last_report = Some(now);
            let report = self.receiver.report();
            self.reference
                .on_report(&report, self.rtt.smoothed(), delta);
        }
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        match *event {
            CcEvent::Start(constraints) => {
                self.constraints = constraints;
                self.start(now);
            }
            CcEvent::Constraints(constraints) => {
                self.constraints = constraints;
                self.reference.set_bounds(self.bounds());
            }
            CcEvent::Allocated { min, max } => {
                self.allocated = (!max.is_zero()).then_some((min, max));
                self.reference.set_bounds(self.bounds());
            }
            CcEvent::PacerQueue(waiting) => self.waiting = waiting,
            CcEvent::RouteChange => self.start(now),
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        let rate = |bps| self.constraints.bound(Bitrate::from_bps_f64(bps));
        CcOutput {
            target: Some(rate(self.reference.encoder(self.waiting))),
            pacing: Some(rate(self.reference.sending(self.waiting))),
            ecn: if self.config.ecn {
                Ecn::Ect0
            } else {
                Ecn::NotEct
            },
            ..CcOutput::default()
        }
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        visitor.number("reference_bps", self.reference.get());
        visitor.number("rtt_ms", self.rtt.smoothed().as_millis_f64());
        self.receiver.snapshot(visitor);
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}
