//! LEDBAT: the window grows while the one-way delay is below its target and
//! shrinks above it, both in proportion.
//!
//! Implements: RFC 6817, section 2.4.2, with linear growth from the start (slow
//! start is a MAY); the delay filter is the least of the last four samples.
//! Differs: a report that tells of several packets moves the window once, by
//! all of their bytes. Persistent congestion counts as a timeout.
//! Not modelled: the timeout itself, which is the transport's; random
//! variation of the target, skew of clocks beyond the ageing of the base delay;
//! reactions to marks (packets are sent as not ECN-capable).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin, Span, Time};

use super::queueing::QueueingDelay;
use super::{MOST, check, packet_bytes};
use crate::cc::base_delay::one_way_delay;
use crate::cc::recovery::Recovery;
use crate::cc::{CcEvent, CcOutput, CongestionControl, CongestionController, Feedback, Visitor};

/// LEDBAT; parameters are named as in RFC 6817.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ledbat {
    /// Delay that it may add (100 ms, the most that RFC 6817 allows).
    pub target: Span,
    /// Packets by which the window changes per round trip and target's worth of
    /// delay (1, the most that RFC 6817 allows).
    pub gain: f64,
    /// The window exceeds the flight by at most so many packets (1).
    pub allowed_increase: f64,
    /// Minutes over which the base delay is the least one (10).
    pub base_history: u32,
    /// Samples of which the least is the current delay (4).
    pub current_filter: u32,
    /// Packets in the first window (2).
    pub init_cwnd: f64,
    /// Fewest packets in the window except after a timeout (2).
    pub min_cwnd: f64,
    /// Largest packet, all of it that counts against the window, until the
    /// transport knows better (1200 bytes).
    pub packet_size: Bytes,
}

impl Default for Ledbat {
    fn default() -> Self {
        Self {
            target: Span::from_millis(100),
            gain: 1.0,
            allowed_increase: 1.0,
            base_history: 10,
            current_filter: 4,
            init_cwnd: 2.0,
            min_cwnd: 2.0,
            packet_size: Bytes::new(1_200),
        }
    }
}

impl Plugin for Ledbat {
    type Kind = CongestionControl;
    const NAME: &'static str = "ledbat";
    const SUMMARY: &'static str =
        "background transport (RFC 6817): keeps the one-way queueing delay at 100 ms";
    const REFERENCES: &'static [&'static str] = &["RFC 6817 (LEDBAT)"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        if !(Span::from_millis(1)..=Span::from_secs(10)).contains(&self.target) {
            return Err(BuildError::field("target", "expected 1ms to 10s"));
        }
        check("gain", self.gain, 1e-3, 1.0)?;
        check("allowed_increase", self.allowed_increase, 0.1, 100.0)?;
        check("base_history", f64::from(self.base_history), 1.0, 1e3)?;
        check("current_filter", f64::from(self.current_filter), 1.0, 1e3)?;
        check("min_cwnd", self.min_cwnd, 1.0, 100.0)?;
        check("init_cwnd", self.init_cwnd, self.min_cwnd, 100.0)?;
        check("packet_size", self.packet_size.get() as f64, 64.0, 65_535.0)?;
        Ok(Box::new(Controller::new(self)))
    }
}

/// The controller.
#[derive(Debug, Clone)]
pub(super) struct Controller {
    config: Ledbat,
    packet: f64,
    /// Bytes.
    cwnd: f64,
    queueing: QueueingDelay,
    recovery: Recovery,
}

impl Controller {
    pub(super) fn new(config: &Ledbat) -> Self {
        let packet = packet_bytes(config.packet_size);
        Self {
            config: config.clone(),
            packet,
            cwnd: config.init_cwnd * packet,
            queueing: QueueingDelay::new(config.base_history, config.current_filter),
            recovery: Recovery::default(),
        }
    }

    fn min(&self) -> f64 {
        self.config.min_cwnd * self.packet
    }

    fn on_acked(&mut self, acked: f64, flight: f64) {
        let target = self.config.target.as_secs_f64();
        let off_target = (target - self.queueing.get().as_secs_f64()) / target;
        let cwnd = self.cwnd + self.config.gain * off_target * acked * self.packet / self.cwnd;
        let allowed = flight + self.config.allowed_increase * self.packet;
        self.cwnd = cwnd.min(allowed).max(self.min()).min(MOST);
    }

    fn on_lost(&mut self) {
        self.cwnd = self.cwnd.min((self.cwnd / 2.0).max(self.min()));
    }
}

impl CongestionController for Controller {
    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        for delay in feedback.received().filter_map(one_way_delay) {
            self.queueing.on_sample(feedback.now, delay);
        }
        self.recovery.on_feedback(feedback);
        let acked = feedback.acked_bytes();
        if acked > Bytes::ZERO {
            let flight = feedback.prior_in_flight.get() as f64;
            self.on_acked(acked.get() as f64, flight);
        }
        if feedback.lost().any(|p| self.recovery.is_new(p.sent.at)) {
            self.recovery.enter(feedback.now);
            self.on_lost();
        }
    }

    fn on_event(&mut self, _: Time, event: &CcEvent) {
        match *event {
            CcEvent::RetransmissionTimeout | CcEvent::PersistentCongestion => {
                self.cwnd = self.packet;
            }
            CcEvent::Mtu(size) => {
                self.packet = packet_bytes(size);
                self.cwnd = self.cwnd.max(self.packet);
            }
            CcEvent::RouteChange => *self = Self::new(&self.config),
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        CcOutput {
            cwnd: Some(Bytes::new(self.cwnd as u64)),
            ..CcOutput::default()
        }
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        visitor.number("cwnd_bytes", self.cwnd);
        visitor.number("queue_delay_ms", self.queueing.get().as_millis_f64());
        visitor.number("base_delay_ms", self.queueing.base().as_millis_f64());
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}
