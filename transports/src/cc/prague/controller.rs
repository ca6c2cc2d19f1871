//! When the window moves; see the parent module.

use weaknet_core::packet::Ecn;
use weaknet_core::{Bytes, Span, Time};

use super::Prague;
use super::growth::Growth;
use super::mark_share::MarkShare;
use crate::cc::recovery::Recovery;
use crate::cc::window::{FlightUse, INITIAL_RTT, PacingGains, Undo, Window};
use crate::cc::{
    CcEvent, CcOutput, CongestionController, Feedback, FeedbackKind, SentPacket, Visitor,
};
use crate::transport::{RoundCounter, RttEstimator};

/// All of it is of fixed size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Controller {
    window: Window,
    share: MarkShare,
    growth: Growth,
    least_virtual_rtt: Span,
    beta: f64,
    pacing: PacingGains,
    rtt: RttEstimator,
    rounds: RoundCounter,
    flight: FlightUse,
    /// The last reduction for loss.
    loss: Recovery,
    /// The last reduction for marks, and when it was.
    mark: Recovery,
    marked_at: Option<Time>,
    /// Marks in the present period of the average.
    is_calm: bool,
    timed_out: bool,
    undo: Option<Undo<Window>>,
    /// The path does not carry ECT(1).
    is_bleached: bool,
    /// When the path was taken, if it is not the first.
    path_since: Option<Time>,
}

impl Controller {
    pub(super) fn new(config: &Prague) -> Self {
        Self {
            window: Window::new(&config.window),
            share: MarkShare::new(config.g, config.initial_alpha),
            growth: Growth::new(config.fast_growth),
            least_virtual_rtt: config.virtual_rtt,
            beta: config.beta,
            pacing: config.pacing(),
            rtt: RttEstimator::new(INITIAL_RTT),
            rounds: RoundCounter::default(),
            flight: FlightUse::default(),
            loss: Recovery::default(),
            mark: Recovery::default(),
            marked_at: None,
            is_calm: true,
            timed_out: false,
            undo: None,
            is_bleached: false,
            path_since: None,
        }
    }

    /// Another path (RFC 9000 section 9.4): all begins anew, and what was sent
    /// over the old one tells nothing about this.
    fn reset(&mut self, now: Time) {
        self.window.reset();
        self.share = self.share.fresh();
        self.rtt = RttEstimator::new(INITIAL_RTT);
        self.flight = FlightUse::default();
        self.loss.enter(now);
        self.mark.enter(now);
        self.marked_at = None;
        self.timed_out = false;
        self.undo = None;
        self.is_bleached = false;
        self.path_since = Some(now);
    }

    /// The round-trip time in which the window moves.
    fn virtual_rtt(&self) -> Span {
        self.rtt.smoothed().max(self.least_virtual_rtt)
    }

    /// Bytes per second.
    fn rate(&self) -> f64 {
        let seconds = self.rtt.smoothed().as_secs_f64();
        self.window.cwnd() / seconds.max(1e-6)
    }

    fn on_loss(&mut self, now: Time) {
        self.undo = Some(Undo::new(self.window, self.loss));
        let rate = self.rate();
        let virtual_rtt = self.virtual_rtt();
        self.growth.on_loss(rate, self.window.packet(), virtual_rtt);
        self.window.reduce_to(self.window.cwnd() * self.beta);
        self.loss.enter(now);
    }

    fn on_mark(&mut self, now: Time) {
        self.growth.on_mark(self.rate());
        let left = 1.0 - self.share.alpha() / 2.0;
        self.window.reduce_to(self.window.cwnd() * left);
        self.mark.enter(now);
        self.marked_at = Some(now);
    }

    fn on_timeout(&mut self, now: Time) {
        // A packet lost again says nothing new about the threshold.
        if !self.timed_out {
            self.on_loss(now);
        }
        self.window.restart(self.window.packet());
        self.loss.enter(now);
        self.timed_out = true;
    }

    fn on_persistent_congestion(&mut self, now: Time) {
        if !self.loss.entered_at(now) {
            self.on_loss(now);
        }
        self.undo = None;
        self.window.restart(self.window.min());
        self.loss.enter(now);
        self.rtt.reset_min(now);
    }

    fn undo(&mut self) {
        if let Some(undo) = self.undo.take() {
            self.window.restore(&undo.before);
            self.loss.cancel();
            self.timed_out = false;
        }
    }

    /// Whether a packet arrived with another codepoint than it was sent with.
    /// Ranges say of marks only how many there are; there the transport finds
    /// out.
    fn shows_bleaching(&self, feedback: &Feedback<'_>) -> bool {
        feedback.kind == FeedbackKind::PerPacket
            && feedback.received().any(|packet| {
                matches!(packet.ecn, Ecn::NotEct | Ecn::Ect0)
                    && self.path_since.is_none_or(|since| packet.sent.at > since)
            })
    }

    /// Counts the marks and answers those that are due.
    fn look_for_marks(&mut self, feedback: &Feedback<'_>) {
        let now = feedback.now;
        let (acked, marked) = (feedback.acked_bytes(), feedback.marked_bytes());
        let virtual_rtt = self.virtual_rtt();
        self.is_calm &= marked == Bytes::ZERO;
        if self
            .share
            .count(now, acked.get(), marked.get(), virtual_rtt)
        {
            if self.is_calm {
                self.growth.on_calm();
            }
            self.is_calm = true;
        }
        let is_due = self.marked_at.is_none_or(|at| now.since(at) >= virtual_rtt);
        let mut marks = feedback.received().filter(|packet| packet.ecn == Ecn::Ce);
        if is_due && marks.any(|packet| self.mark.is_new(packet.sent.at)) {
            self.on_mark(now);
        }
    }

    fn look_for_losses(&mut self, feedback: &Feedback<'_>) {
        if feedback
            .lost()
            .any(|packet| self.loss.is_new(packet.sent.at))
        {
            self.on_loss(feedback.now);
        }
        let loss = self.loss;
        let all_arrived = self
            .undo
            .as_mut()
            .is_some_and(|undo| undo.on_feedback(&loss, feedback));
        if all_arrived && !self.timed_out {
            self.undo();
        }
        if self.loss.on_feedback(feedback) {
            self.timed_out = false;
        }
    }

    /// Grows by what arrived without a mark, also after a reduction for marks.
    fn grow(&mut self, feedback: &Feedback<'_>) {
        if self.loss.active() {
            return;
        }
        let (cwnd, packet_size) = (self.window.cwnd(), self.window.packet());
        let is_slow_start = self.window.is_slow_start();
        let usable: u64 = feedback
            .received()
            .filter(|packet| {
                packet.ecn != Ecn::Ce
                    && self.loss.is_new(packet.sent.at)
                    && self
                        .flight
                        .justifies_growth(cwnd, packet_size, is_slow_start, packet)
            })
            .map(|packet| packet.sent.size.get())
            .sum();
        let mut left = usable as f64;
        if is_slow_start {
            left *= self.window.slow_start(left);
        }
        let real = self.rtt.smoothed().as_secs_f64();
        let pace = (real / self.virtual_rtt().as_secs_f64()).min(1.0);
        let increment = self.growth.increment(self.rate(), packet_size);
        let cwnd = self.window.cwnd();
        self.window
            .set(cwnd + left * pace * pace * increment / cwnd);
    }

    /// 0 slow start, 2 congestion avoidance, 3 recovery from loss.
    fn state(&self) -> u8 {
        if self.loss.active() {
            3
        } else if self.window.is_slow_start() {
            0
        } else {
            2
        }
    }
}

impl CongestionController for Controller {
    fn on_sent(&mut self, packet: &SentPacket) {
        self.flight.on_sent(packet.in_flight);
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        if feedback.packets.is_empty() {
            return;
        }
        self.rtt.on_feedback(feedback);
        let round_ended = self.rounds.on_feedback(feedback);
        self.flight.on_feedback(feedback, round_ended);
        self.is_bleached |= self.shows_bleaching(feedback);
        self.look_for_marks(feedback);
        self.look_for_losses(feedback);
        self.grow(feedback);
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        match *event {
            CcEvent::RetransmissionTimeout => self.on_timeout(now),
            CcEvent::PersistentCongestion => self.on_persistent_congestion(now),
            CcEvent::SpuriousLoss => self.undo(),
            CcEvent::RouteChange => self.reset(now),
            CcEvent::Mtu(size) => {
                let is_used = self.rtt.latest().is_some();
                self.window.set_packet(size, is_used);
                if let Some(undo) = &mut self.undo {
                    undo.before.set_packet(size, true);
                }
            }
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        let is_starting = 2.0 * self.window.cwnd() < self.window.ssthresh();
        let gain = if is_starting {
            self.pacing.slow_start
        } else {
            self.pacing.avoidance
        };
        let measured = self.rtt.latest().map(|_| self.rtt.smoothed());
        CcOutput {
            cwnd: Some(self.window.whole_bytes()),
            pacing: measured.and_then(|rtt| self.window.rate(gain, rtt)),
            ecn: if self.is_bleached {
                Ecn::NotEct
            } else {
                Ecn::Ect1
            },
            ..CcOutput::default()
        }
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        visitor.number("cwnd_bytes", self.window.cwnd());
        if !self.window.is_initial_slow_start() {
            visitor.number("ssthresh_bytes", self.window.ssthresh());
        }
        visitor.number("state", f64::from(self.state()));
        visitor.number("alpha", self.share.alpha());
        if let Some(least) = self.rtt.min() {
            visitor.number("smoothed_rtt_ms", self.rtt.smoothed().as_millis_f64());
            visitor.number("min_rtt_ms", least.as_millis_f64());
            visitor.number("virtual_rtt_ms", self.virtual_rtt().as_millis_f64());
        }
        visitor.number("bleached", f64::from(u8::from(self.is_bleached)));
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(*self)
    }
}
