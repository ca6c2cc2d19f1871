//! A controller of quinn behind weaknet's trait.

use std::sync::Arc;
use std::time::Instant;

use quinn_proto::congestion::{Controller, ControllerFactory};
use weaknet_core::packet::Ecn;
use weaknet_core::{Bytes, Span, Time};
use weaknet_transports::cc::{
    CcEvent, CcOutput, CongestionController, Feedback, SentPacket, Visitor,
};
use weaknet_transports::transport::RttEstimator;

use super::estimator::EstimatorSource;
use crate::instants::instant;

/// quinn's largest packet before it knows the path (its default `initial_mtu`).
const INITIAL_MTU: u16 = 1_200;

/// A run begins a moment after its controllers are made, as in real life:
/// NewReno takes what was sent at that very instant for older than itself.
const MOMENT: Span = Span::from_nanos(1);

fn instant_of(time: Time) -> Instant {
    instant(time + MOMENT)
}

fn just_before(time: Time) -> Instant {
    instant(time)
}

/// What makes quinn's controllers.
pub(super) type Factory = Arc<dyn ControllerFactory + Send + Sync>;

/// A controller of quinn.
pub(super) struct QuinnController {
    factory: Factory,
    running: Box<dyn Controller>,
    mtu: u16,
    rtt: RttEstimator,
    estimators: EstimatorSource,
    /// The next losses are those of persistent congestion.
    persistent: bool,
    ecn: bool,
}

impl QuinnController {
    /// `None` when no source of estimators can be had.
    pub(super) fn new(factory: Factory, ecn: bool) -> Option<Self> {
        Some(Self {
            running: Arc::clone(&factory).build(just_before(Time::ZERO), INITIAL_MTU),
            factory,
            mtu: INITIAL_MTU,
            rtt: RttEstimator::new(EstimatorSource::INITIAL_RTT),
            estimators: EstimatorSource::new()?,
            persistent: false,
            ecn,
        })
    }

    fn restart(&mut self, now: Time) {
        self.running = Arc::clone(&self.factory).build(just_before(now), self.mtu);
        self.rtt = RttEstimator::new(EstimatorSource::INITIAL_RTT);
        self.persistent = false;
    }

    fn acknowledge(&mut self, feedback: &Feedback<'_>) {
        // What arrives after it was given up is none of the controller's
        // business in quinn.
        let news = || feedback.received().filter(|packet| !packet.recovered);
        let Some(newest) = news().next_back() else {
            return;
        };
        let now = instant_of(feedback.now);
        let rtt = self.estimators.estimator(&self.rtt);
        for packet in news() {
            let sent = &packet.sent;
            let (at, size) = (instant_of(sent.at), sent.size.get());
            self.running.on_ack(now, at, size, sent.app_limited, &rtt);
        }
        let in_flight = (feedback.in_flight + feedback.lost_bytes()).get();
        let newest = &newest.sent;
        self.running
            .on_end_acks(now, in_flight, newest.app_limited, Some(newest.number));
    }
}

impl CongestionController for QuinnController {
    fn on_sent(&mut self, packet: &SentPacket) {
        let (at, size) = (instant_of(packet.at), packet.size.get());
        self.running.on_sent(at, size, packet.number);
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        let now = instant_of(feedback.now);
        self.acknowledge(feedback);
        self.rtt.on_feedback(feedback);
        let persistent = std::mem::take(&mut self.persistent);
        if let Some(last) = feedback.lost().next_back() {
            let (sent, bytes) = (instant_of(last.sent.at), feedback.lost_bytes().get());
            self.running
                .on_congestion_event(now, sent, persistent, bytes);
        }
        let is_marked = feedback.received().any(|packet| packet.ecn == Ecn::Ce);
        if let Some(newest) = feedback.received().next_back().filter(|_| is_marked) {
            let sent = instant_of(newest.sent.at);
            self.running.on_congestion_event(now, sent, false, 0);
        }
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        match *event {
            CcEvent::Start(_) | CcEvent::RouteChange => self.restart(now),
            CcEvent::Mtu(size) => {
                self.mtu = u16::try_from(size.get()).unwrap_or(u16::MAX);
                self.running.on_mtu_update(self.mtu);
            }
            CcEvent::PersistentCongestion | CcEvent::RetransmissionTimeout => {
                self.persistent = true;
            }
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        CcOutput {
            cwnd: Some(Bytes::new(self.running.window())),
            ecn: if self.ecn { Ecn::Ect0 } else { Ecn::NotEct },
            ..CcOutput::default()
        }
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        let metrics = self.running.metrics();
        visitor.number("cwnd_bytes", metrics.congestion_window as f64);
        if let Some(ssthresh) = metrics.ssthresh.filter(|bytes| *bytes < u64::MAX) {
            visitor.number("ssthresh_bytes", ssthresh as f64);
        }
        if let Some(rate) = metrics.pacing_rate {
            visitor.number("pacing_rate_bps", rate as f64);
        }
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(Self {
            factory: Arc::clone(&self.factory),
            running: self.running.clone_box(),
            mtu: self.mtu,
            rtt: self.rtt,
            estimators: self.estimators.clone(),
            persistent: self.persistent,
            ecn: self.ecn,
        })
    }
}
