//! The order of things: what a report changes, when the window is updated, and
//! what follows for target, pacing and window.

use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Span, Time};

use super::ScreamEricsson;
use super::delay::QueueDelay;
use super::loss::LossDetector;
use super::media::MediaRates;
use super::rtt::SmoothedRtt;
use super::window::{Congestion, Surroundings, Window, reaction_interval, reactions_per_rtt};
use crate::cc::{
    CcEvent, CcOutput, CongestionController, Constraints, Feedback, SentKind, SentPacket, Visitor,
};

/// Time over which rates are measured.
const RATE_INTERVAL: Span = Span::from_millis(100);
/// Without a departure for so long packets leave whatever is in flight.
const STALL: Span = Span::from_millis(500);
/// Least time between two updates of the share of L4S marks.
const MARKS_INTERVAL: f64 = 0.01;
/// Weight of a larger and of a smaller share of marks.
const MARKS_UP: f64 = 1.0 / 8.0;
const MARKS_DOWN: f64 = 1.0 / 128.0;
const INITIAL_MARKS: f64 = 0.1;
/// Least pacing rate in bit/s.
const MIN_PACING: f64 = 50e3;
/// A queue that stands is drained this often, at half the target, for five
/// round trips or at least 100 ms.
const DRAIN_INTERVAL: Span = Span::from_secs(60);
const DRAIN_RTTS: f64 = 5.0;
const LEAST_DRAIN: f64 = 0.1;

/// The controller.
#[derive(Debug, Clone)]
pub(super) struct Controller {
    config: ScreamEricsson,
    constraints: Constraints,
    started: bool,
    rtt: SmoothedRtt,
    delay: QueueDelay,
    loss: LossDetector,
    media: MediaRates,
    window: Window,
    marks: Marks,
    /// Bytes reported since the last update of the window, marked ones left out.
    acked: u64,
    new_frame: bool,
    updated: Option<Time>,
    reacted: Time,
    share: f64,
    target: f64,
    drained: Time,
    base_is_old: bool,
    last_sent: Time,
    next_tick: Option<Time>,
    output: CcOutput,
}

/// Average share of packets with marks.
#[derive(Debug, Clone, Copy)]
struct Marks {
    share: f64,
    newest: f64,
    packets: u32,
    marked: u32,
    updated: Time,
}

impl Marks {
    fn update(&mut self, now: Time, rtt: f64) {
        if now.since(self.updated).as_secs_f64() <= rtt.min(MARKS_INTERVAL) {
            return;
        }
        self.updated = now;
        self.newest = f64::from(std::mem::take(&mut self.marked))
            / f64::from(std::mem::take(&mut self.packets).max(1));
        if self.newest >= self.share {
            self.share += MARKS_UP * (self.newest - self.share);
        } else {
            self.share *= 1.0 - MARKS_DOWN;
        }
    }
}

impl Controller {
    pub(super) fn new(config: &ScreamEricsson) -> Self {
        let now = Time::ZERO;
        let ecn = if config.l4s { Ecn::Ect1 } else { Ecn::Ect0 };
        Self {
            constraints: Constraints {
                min: Bitrate::ZERO,
                start: Bitrate::ZERO,
                max: Bitrate::MAX,
            },
            started: false,
            rtt: SmoothedRtt::new(now),
            delay: QueueDelay::new(now, config.queue_delay_target),
            loss: LossDetector::default(),
            media: MediaRates::new(now),
            window: Window::new(now, config),
            marks: Marks {
                share: INITIAL_MARKS,
                newest: 0.0,
                packets: 0,
                marked: 0,
                updated: now,
            },
            acked: 0,
            new_frame: false,
            updated: None,
            reacted: now,
            share: 0.0,
            target: 0.0,
            drained: now,
            base_is_old: false,
            last_sent: now,
            next_tick: None,
            output: CcOutput {
                target: Some(Bitrate::ZERO),
                ecn,
                ..CcOutput::default()
            },
            config: config.clone(),
        }
    }

    /// Begins anew at `now`.
    fn start(&mut self, now: Time) {
        *self = Self {
            constraints: self.constraints,
            started: true,
            rtt: SmoothedRtt::new(now),
            delay: QueueDelay::new(now, self.config.queue_delay_target),
            media: MediaRates::new(now),
            window: Window::new(now, &self.config),
            marks: Marks {
                updated: now,
                ..self.marks
            },
            reacted: now,
            drained: now,
            last_sent: now,
            next_tick: Some(now + RATE_INTERVAL),
            target: self.constraints.min.as_bps_f64(),
            ..Self::new(&self.config)
        };
        self.publish(now);
    }

    /// What the report and the delay say about congestion.
    fn congestion(&mut self, now: Time, marked: bool, lost: bool) -> Option<Congestion> {
        let rtt = self.rtt.secs();
        let since = now.since(self.reacted).as_secs_f64();
        let loss = lost
            && since > rtt
            && self.config.loss_beta < 1.0
            && (self.loss.is_frequent() || self.delay.average_is_raised());
        let due = since > reaction_interval(rtt);
        // A queue that marks everything still does so while it empties.
        let emptying = self.rtt.falls() && self.config.l4s && self.marks.newest >= 1.0;
        let share = self.delay.virtual_marks();
        Some(if loss {
            Congestion::Loss
        } else if marked && due && !emptying {
            if self.config.l4s {
                Congestion::L4sMarks(self.marks.share)
            } else {
                Congestion::Mark
            }
        } else if share > 0.0 && due {
            Congestion::Delay(share / reactions_per_rtt(rtt))
        } else {
            return None;
        })
    }

    fn update_window(&mut self, now: Time, congestion: Option<Congestion>) {
        self.delay.on_window();
        let around = Surroundings {
            now,
            rtt: self.rtt.secs(),
            acked: std::mem::take(&mut self.acked),
            steadiness: self.delay.steadiness(),
            low_delay: self.delay.is_low(),
            target: self.target,
            max_target: self.constraints.max.as_bps_f64(),
            acked_rate: self.media.acked_rate(),
        };
        self.window.update(congestion, &around);
        self.share = self.window.rate(around.rtt).min(around.max_target);
        self.updated = Some(now);
        self.new_frame = false;
        self.update_target();
    }

    fn update_target(&mut self) {
        let (min, max) = (self.constraints.min, self.constraints.max);
        let target = self.share / (1.0 + self.media.adjust());
        self.target = target.max(min.as_bps_f64()).min(max.as_bps_f64());
    }

    /// Half the target for a while when a queue stands, then a new base delay.
    fn drained(&mut self, now: Time) -> f64 {
        if self.delay.stands() {
            if now.since(self.drained) > DRAIN_INTERVAL {
                self.drained = now;
            }
            let length = (DRAIN_RTTS * self.rtt.secs()).max(LEAST_DRAIN);
            if now.since(self.drained).as_secs_f64() < length {
                self.base_is_old = true;
                return self.target / 2.0;
            }
            if std::mem::take(&mut self.base_is_old) {
                self.delay.reset_base();
            }
        }
        self.target
    }

    fn publish(&mut self, now: Time) {
        let target = self.drained(now);
        let scale = self.config.pacing_headroom * self.media.pacing_scale();
        let pacing = self.target.max(self.media.media_rate()) * scale;
        let stalled = now.since(self.last_sent) > STALL;
        self.output.target = Some(
            Bitrate::from_bps_f64(target)
                .max(self.constraints.min)
                .min(self.constraints.max),
        );
        self.output.pacing = Some(Bitrate::from_bps_f64(pacing.max(MIN_PACING)));
        self.output.cwnd = (!stalled).then(|| self.window.most_in_flight());
    }
}

impl CongestionController for Controller {
    fn on_sent(&mut self, packet: &SentPacket) {
        self.last_sent = packet.at;
        self.window.on_sent(packet.at, packet.size);
        if matches!(packet.kind, SentKind::Video) {
            self.media.on_departure(packet.size);
        }
        self.publish(packet.at);
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        let now = feedback.now;
        let Some(newest) = feedback.received().next_back() else {
            return;
        };
        let rtt = now.since(newest.sent.at);
        self.window.on_in_flight(feedback.prior_in_flight);
        let mut marked = false;
        for packet in feedback.packets {
            if let Some(received) = packet.received {
                self.delay.on_packet(now, packet.sent.at, received);
                self.marks.packets += 1;
            }
            let mark = packet.ecn == Ecn::Ce && packet.received.is_some();
            self.marks.marked += u32::from(mark);
            marked |= mark;
            if !packet.recovered {
                self.media.on_acked(packet.sent.size);
                if !mark {
                    self.acked = self.acked.saturating_add(packet.sent.size.get());
                }
            }
        }
        self.rtt.add(now, rtt, self.window.is_app_limited());
        let lost = self.loss.on_report(feedback, self.window.segment_share());
        let interval = reaction_interval(self.rtt.secs());
        self.marks.update(now, self.rtt.secs());
        self.delay.on_report(now, interval, self.rtt.secs());
        let congestion = self.congestion(now, marked, lost);
        if congestion.is_some() {
            self.reacted = now;
        }
        let updated = *self.updated.get_or_insert(now);
        if congestion.is_some() || self.new_frame || now.since(updated).as_secs_f64() > interval {
            self.update_window(now, congestion);
        }
        self.publish(now);
    }

    fn on_timer(&mut self, now: Time) {
        self.next_tick = Some(now + RATE_INTERVAL);
        self.media.measure(now);
        self.publish(now);
    }

    fn next_timer(&self) -> Option<Time> {
        self.next_tick
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        match *event {
            CcEvent::Start(constraints) => {
                self.constraints = constraints;
                self.start(now);
            }
            CcEvent::Constraints(constraints) => {
                self.constraints = constraints;
                self.update_target();
                self.publish(now);
            }
            CcEvent::Frame(size) => {
                let scale = self.config.max_pacing_scale;
                self.media.on_frame(now, size, self.target, scale);
                self.new_frame = true;
                self.update_target();
                self.publish(now);
            }
            CcEvent::RouteChange if self.started => self.start(now),
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        self.output
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        let limited = f64::from(u8::from(self.window.is_app_limited()));
        for (name, value) in [
            ("window_bytes", self.window.size() as f64),
            ("segment_bytes", self.window.segment() as f64),
            ("smoothed_rtt_ms", self.rtt.secs() * 1e3),
            ("queue_delay_ms", self.delay.latest() * 1e3),
            ("queue_delay_avg_ms", self.delay.average() * 1e3),
            ("delay_steadiness", self.delay.steadiness()),
            ("l4s_alpha", self.marks.share),
            ("loss_rate", self.loss.rate()),
            ("waiting_adjustment", self.media.adjust()),
            ("application_limited", limited),
        ] {
            visitor.number(name, value);
        }
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}
