//! From reports to a target: delay, loss and window put together, the rate
//! that the window makes over a round trip, and draining a queue that stands.
//!
//! Implements: ScreamV2 of libwebrtc (modules/congestion_controller/scream/
//! scream_v2, July 2026) without the window's own rules;
//! draft-johansson-ccwg-rfc8298bis-screamv2, sections 4.3.1 and 4.4.
//! Differs: the time that the receiver holds reports back counts as part of
//! the round trip; no compensation for frames that wait in the pacer.

use crate::cc::units::{Delta, Rate, Size, Stamp};

use super::Scream;
use super::delay::{PathDelay, ewma};
use super::loss::LossLevel;
use super::report::Report;
use super::window::{ReferenceWindow, Surroundings};

/// Shortest round trip to divide by.
const LEAST_RTT: Delta = Delta::from_millis(1);
/// Least time of draining.
const LEAST_DRAIN: Delta = Delta::from_millis(100);
/// Share of the target while draining.
const DRAIN_SHARE: f64 = 0.5;

/// The state of SCReAM over one route.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    config: Scream,
    min_target: Rate,
    max_target: Rate,
    target: Rate,
    delay: PathDelay,
    loss: LossLevel,
    window: ReferenceWindow,
    in_flight: PeakInFlight,
    hold: Delta,
    app_limited: bool,
    got_report: bool,
    drain_since: Option<Stamp>,
}

/// Most bytes in flight in this round trip and in the one before.
#[derive(Debug, Clone)]
struct PeakInFlight {
    this_rtt: Size,
    previous_rtt: Size,
    since: Option<Stamp>,
}

impl PeakInFlight {
    fn add(&mut self, in_flight: Size) {
        self.this_rtt = self.this_rtt.max(in_flight);
    }

    fn peak(&self) -> Size {
        self.this_rtt.max(self.previous_rtt)
    }

    fn turn_over(&mut self, now: Stamp, rtt: Delta) {
        if self.since.is_none_or(|since| now - since >= rtt) {
            self.since = Some(now);
            self.previous_rtt = self.this_rtt;
            self.this_rtt = Size::ZERO;
        }
    }
}

impl Engine {
    pub(super) fn new(config: &Scream) -> Self {
        Self {
            min_target: Rate::ZERO,
            max_target: Rate::INFINITE,
            target: Rate::ZERO,
            delay: PathDelay::new(config),
            loss: LossLevel::new(config),
            window: ReferenceWindow::new(config),
            in_flight: PeakInFlight {
                this_rtt: Size::ZERO,
                previous_rtt: Size::ZERO,
                since: None,
            },
            hold: Delta::ZERO,
            app_limited: false,
            got_report: false,
            drain_since: None,
            config: config.clone(),
        }
    }

    /// The start counts until the first report.
    pub(super) fn set_bounds(&mut self, min: Rate, start: Rate, max: Rate) {
        self.min_target = min;
        self.max_target = max;
        if !self.got_report {
            self.target = start;
        }
    }

    pub(super) fn on_sent(&mut self, in_flight: Size) {
        self.in_flight.add(in_flight);
    }

    pub(super) fn on_report(&mut self, report: &Report) {
        self.in_flight.add(report.in_flight);
        self.app_limited = self.config.enable_alr && self.allowed_window() < self.window.size();
        self.delay.on_report(report, self.app_limited);
        if !self.app_limited {
            self.average_hold(report.hold);
        }
        if !self.got_report {
            self.got_report = true;
            self.window
                .start_at(self.target * (self.delay.rtt() + self.hold));
        }
        self.loss.on_report(report, self.delay.rtt());
        let surroundings = Surroundings {
            delay: &self.delay,
            loss: &self.loss,
            hold: self.hold,
            allowed: self.allowed_window(),
        };
        self.window.on_report(report, &surroundings);
        self.update_target(report.at);
        let rtt = self.delay.rtt().max(self.config.virtual_rtt.into());
        self.in_flight.turn_over(report.at, rtt);
    }

    fn average_hold(&mut self, sample: Delta) {
        let gain = self.config.feedback_hold_time_avg_g;
        let before = if self.hold == Delta::ZERO && gain > 0.0 {
            sample
        } else {
            self.hold
        };
        self.hold = ewma(before, sample, gain);
    }

    fn update_target(&mut self, now: Stamp) {
        let rtt = self.delay.rtt().max(LEAST_RTT);
        // Less when the window is a few packets only.
        let share = 1.0 - (self.window.segment_share() - 0.1).clamp(0.0, 0.2);
        let mut target = (self.window.size() / (rtt + self.hold)) * share;
        if self.delay.is_drained_in_time(now) {
            self.drain_since = None;
        } else {
            let since = *self.drain_since.get_or_insert(now);
            let long_enough = rtt * f64::from(self.config.queue_delay_drain_rtts);
            if now - since < long_enough.max(LEAST_DRAIN) {
                target = target * DRAIN_SHARE;
            } else {
                // The queue is not of our making, or the path has changed.
                self.delay.reset_queueing();
            }
        }
        self.target = target.max(self.min_target).min(self.max_target);
    }

    /// For the encoder.
    pub(super) fn target(&self) -> Rate {
        self.target.min(self.max_target)
    }

    /// For the pacer.
    pub(super) fn pacing(&self) -> Rate {
        self.target * self.config.pacing_factor
    }

    /// Most bytes in flight before the sender has to wait.
    pub(super) fn send_window(&self) -> Size {
        let (least, most) = (
            self.config.ref_window_overhead_min,
            self.config.ref_window_overhead_max,
        );
        self.window.size() * (least + (most - least) * self.delay.steady_queue_share(0.0))
    }

    /// The size up to which the bytes in flight justify a larger window.
    pub(super) fn allowed_window(&self) -> Size {
        let headroom = self.in_flight.peak() * self.config.bytes_in_flight_head_room;
        (Size::from(self.config.max_segment_size) + headroom).max(self.config.min_ref_window.into())
    }

    pub(super) const fn delay(&self) -> &PathDelay {
        &self.delay
    }

    pub(super) const fn loss(&self) -> &LossLevel {
        &self.loss
    }

    pub(super) const fn window(&self) -> &ReferenceWindow {
        &self.window
    }

    /// Average time that the receiver holds reports back.
    pub(super) const fn hold(&self) -> Delta {
        self.hold
    }

    pub(super) const fn is_app_limited(&self) -> bool {
        self.app_limited
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::scream::testing::digest;

    fn ms(ms: i64) -> Delta {
        Delta::from_millis(ms)
    }

    fn engine() -> Engine {
        let mut engine = Engine::new(&Scream::default());
        engine.set_bounds(
            Rate::from_kbps(50),
            Rate::from_kbps(300),
            Rate::from_kbps(5_000),
        );
        engine
    }

    #[test]
    fn target_is_the_window_over_round_trip_and_hold() {
        let mut engine = engine();
        engine.on_report(&Report {
            hold: ms(30),
            ..digest(100)
        });
        // 300 kbps over 80 ms; 1280 of 3000 bytes are more than 0.3.
        assert_eq!(engine.window().size(), Size::from_bytes(3_000));
        assert_eq!(engine.target(), Rate::from_kbps(240));
        assert_eq!(engine.pacing(), Rate::from_kbps(264));
        assert_eq!(engine.send_window(), Size::from_bytes(9_000));
    }

    #[test]
    fn window_may_exceed_the_most_in_flight_of_two_round_trips_by_a_tenth() {
        let mut engine = engine();
        engine.on_sent(Size::from_bytes(20_000));
        assert_eq!(engine.allowed_window(), Size::from_bytes(23_280));
        engine.on_report(&digest(100));
        assert_eq!(engine.allowed_window(), Size::from_bytes(23_280));
        engine.on_report(&digest(150));
        assert_eq!(engine.allowed_window(), Size::from_bytes(1_280));
    }

    #[test]
    fn unused_window_freezes_the_hold_time() {
        let mut engine = engine();
        let held = |at_ms, hold| Report {
            hold: ms(hold),
            ..digest(at_ms)
        };
        engine.on_report(&held(100, 30));
        // Nothing in flight allows 1280 bytes; the window has 3000.
        engine.on_report(&held(150, 110));
        assert!(engine.is_app_limited());
        assert_eq!(engine.hold(), ms(30));
        engine.on_sent(Size::from_bytes(10_000));
        engine.on_report(&held(200, 110));
        assert!(!engine.is_app_limited());
        assert_eq!(engine.hold(), ms(40));
    }

    #[test]
    fn queue_that_stands_for_twenty_seconds_is_drained_then_forgotten() {
        let mut engine = engine();
        let standing = |at_ms| Report {
            least_delay: ms(45),
            most_delay: ms(45),
            ..digest(at_ms)
        };
        engine.on_report(&digest(0));
        for at_ms in (100..20_100).step_by(100) {
            engine.on_report(&standing(at_ms));
        }
        let before = engine.target();
        // Five round trips of 50 ms.
        for at_ms in [20_100, 20_200, 20_300] {
            engine.on_report(&standing(at_ms));
            assert_eq!(engine.target(), before * 0.5);
            assert_eq!(engine.delay().base(), Some(ms(25)));
        }
        engine.on_report(&standing(20_400));
        assert_eq!(engine.target(), before);
        assert_eq!(engine.delay().base(), None);
        engine.on_report(&standing(20_500));
        assert_eq!(engine.delay().base(), Some(ms(45)));
        assert_eq!(engine.delay().queueing(), Some(Delta::ZERO));
    }
}
