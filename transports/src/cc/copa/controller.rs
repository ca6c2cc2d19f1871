//! The window, and Copa as a controller.
//!
//! Implements: Copa, section 2.1. Windows are in packets of the largest size,
//! a smaller packet counts for its share of one.

use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::Copa;
use super::delay::Delay;
use super::heavy_loss::{FACTOR, HeavyLoss};
use super::mode::Mode;
use super::velocity::{Direction, Velocity};
use crate::cc::bbr::{LEAST_MTU, NOMINAL_RTT, Pacing};
use crate::cc::{CcEvent, CcOutput, CongestionController, Feedback, PacketResult, Visitor};

/// The controller.
#[derive(Debug, Clone)]
pub(super) struct Controller {
    config: Copa,
    mss: Bytes,
    delay: Delay,
    mode: Mode,
    velocity: Velocity,
    heavy_loss: HeavyLoss,
    slow_start: bool,
    /// In packets.
    window: f64,
}

impl Controller {
    pub(super) fn new(config: &Copa) -> Self {
        Self {
            mss: config.mss,
            delay: Delay::new(config),
            mode: Mode::new(config),
            velocity: Velocity::new(config.velocity_from_start),
            heavy_loss: HeavyLoss::default(),
            slow_start: true,
            window: f64::from(config.initial_window),
            config: config.clone(),
        }
    }

    /// The window at which the present round trip gives the target rate, in
    /// packets; none without a queue.
    fn wanted_window(&self) -> Option<f64> {
        let queueing = self.delay.queueing(&self.config)?;
        let current = self.delay.current(&self.config)?;
        (!queueing.is_zero())
            .then(|| current.as_secs_f64() / (queueing.as_secs_f64() * self.mode.delta()))
    }

    fn on_received(&mut self, now: Time, made: Option<Time>, packet: &PacketResult) {
        let held = match (made, packet.received) {
            (Some(made), Some(at)) => made - at,
            _ => Span::ZERO,
        };
        let rtt = (now - packet.sent.at) - held;
        self.delay.on_rtt(now, rtt, &self.config);
        let smoothed = self.delay.smoothed();
        let empty = self.delay.is_nearly_empty(&self.config);
        self.mode.on_queue(now, empty, smoothed, &self.config);
        self.take_fate(now, false);
        self.follow_target(now, packet);
    }

    /// Moves the window towards the one wanted.
    fn follow_target(&mut self, now: Time, packet: &PacketResult) {
        let packets = packet.sent.size.get() as f64 / self.mss.get().max(1) as f64;
        let up = self
            .wanted_window()
            .is_none_or(|wanted| self.window <= wanted);
        self.slow_start &= up;
        let used = packet.sent.in_flight.get().saturating_mul(2) >= self.cwnd().get();
        if up && packet.sent.app_limited && !used {
            return;
        }
        if self.slow_start {
            self.window += packets;
            return;
        }
        if self.config.mvfst {
            let direction = if up { Direction::Up } else { Direction::Down };
            self.velocity.turn(now, direction, self.window);
        }
        self.velocity
            .on_window(now, self.delay.smoothed(), self.window);
        let delta = self.mode.delta();
        let velocity = self.velocity.bounded(self.window, delta);
        let step = packets * velocity / (delta * self.window);
        self.set_window(if up {
            self.window + step
        } else {
            self.window - step
        });
    }

    /// Counts a packet for the loss rate.
    fn take_fate(&mut self, now: Time, lost: bool) {
        let smoothed = self.delay.smoothed();
        let heavy = self.heavy_loss.on_packet(now, lost, smoothed);
        if heavy && self.config.heavy_loss_cut {
            self.slow_start = false;
            self.set_window(self.window * FACTOR);
        }
    }

    fn set_window(&mut self, window: f64) {
        self.window = window.max(f64::from(self.config.min_window));
    }

    fn restart(&mut self) {
        self.set_window(0.0);
        self.slow_start = true;
        self.velocity = Velocity::new(self.config.velocity_from_start);
    }

    fn cwnd(&self) -> Bytes {
        Bytes::new((self.window * self.mss.get() as f64) as u64)
    }

    /// Twice the window per round trip; per millisecond before one is known.
    fn pacing(&self) -> Bitrate {
        let rtt = if self.config.mvfst {
            self.delay.smoothed()
        } else {
            self.delay.current(&self.config).unwrap_or_default()
        };
        let rtt = if rtt.is_zero() { NOMINAL_RTT } else { rtt };
        self.cwnd().per(rtt).mul_f64(2.0).max(Pacing::LEAST)
    }
}

impl CongestionController for Controller {
    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        for packet in feedback.packets {
            if packet.received.is_some() {
                self.on_received(feedback.now, feedback.made, packet);
            } else {
                let smoothed = self.delay.smoothed();
                self.mode.on_loss(feedback.now, smoothed, &self.config);
                self.take_fate(feedback.now, true);
            }
        }
    }

    fn on_event(&mut self, _: Time, event: &CcEvent) {
        match event {
            CcEvent::RetransmissionTimeout | CcEvent::PersistentCongestion => self.restart(),
            CcEvent::RouteChange => {
                let mss = self.mss;
                *self = Self {
                    mss,
                    ..Self::new(&self.config)
                };
            }
            CcEvent::Mtu(mtu) => self.mss = (*mtu).max(LEAST_MTU),
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        CcOutput {
            pacing: Some(self.pacing()),
            cwnd: Some(self.cwnd()),
            ..CcOutput::default()
        }
    }

    /// `mode` is 0 default, 1 competitive. Values that need a round trip, or a
    /// queue, are absent without.
    fn snapshot(&self, visitor: &mut dyn Visitor) {
        let flag = |is: bool| f64::from(u8::from(is));
        for (name, value) in [
            ("mode", flag(self.mode.is_competitive())),
            ("slow_start", flag(self.slow_start)),
            ("delta", self.mode.delta()),
            ("velocity", self.velocity.value()),
            ("window_packets", self.window),
        ] {
            visitor.number(name, value);
        }
        if let Some(wanted) = self.wanted_window() {
            visitor.number("target_window_packets", wanted);
        }
        for (name, span) in [
            ("min_rtt_ms", self.delay.shortest()),
            ("standing_rtt_ms", self.delay.current(&self.config)),
            ("queue_delay_ms", self.delay.queueing(&self.config)),
        ] {
            if let Some(span) = span {
                visitor.number(name, span.as_millis_f64());
            }
        }
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}
