//! The frame of classic window controllers: when to grow, when to reduce and
//! when to take it back. By how much is the matter of an [`Avoidance`].
//!
//! Implements: RFC 9002 section 7 and appendix B: slow start, one reduction
//! per window of data, persistent congestion, no growth in recovery nor while
//! the window is not used (section 7.8); RFC 5681 section 3.1 for timeouts;
//! RFC 9438 section 4.9 for reductions that prove unnecessary; RFC 6937 for
//! reductions in proportion, if so configured.
//! Differs: after persistent congestion, packets sent before it neither grow
//! nor reduce the window, whether its losses are told before or after it
//! (RFC 9002 forgets the start of recovery). A loss counts as spurious when
//! the transport says so, or when all that was reported lost has arrived.

use weaknet_core::packet::Ecn;
use weaknet_core::{Bytes, Span, Time};

use super::{FlightUse, INITIAL_RTT, PacingGains, Prr, Undo, Window, WindowConfig};
use crate::cc::hystart::Hystart;
use crate::cc::recovery::Recovery;
use crate::cc::{
    CcEvent, CcOutput, CongestionController, Feedback, PacketResult, SentPacket, Visitor,
};
use crate::transport::{RoundCounter, RttEstimator};

/// What told of congestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cc) enum Congestion {
    /// Packets were lost.
    Loss,
    /// Packets were marked.
    Mark,
}

/// Packets acknowledged in congestion avoidance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cc) struct Acked {
    pub(in crate::cc) now: Time,
    /// How many, fractions included.
    pub(in crate::cc) packets: f64,
    /// Smoothed round-trip time.
    pub(in crate::cc) rtt: Span,
}

/// By how much a window grows and shrinks; all windows in packets.
pub(in crate::cc) trait Avoidance: Copy + Send + 'static {
    /// The window after `acked`.
    fn grow(&mut self, cwnd: f64, acked: &Acked) -> f64;

    /// The window after congestion.
    fn reduce(&mut self, cwnd: f64, congestion: Congestion) -> f64;

    /// All was lost: the window starts again from little.
    fn restart(&mut self) {}

    /// Time has passed in which the window was not used.
    fn skip(&mut self, span: Span) {
        let _ = span;
    }

    /// A packet is now `factor` as large.
    fn rescale(&mut self, factor: f64) {
        let _ = factor;
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        let _ = visitor;
    }
}

/// A classic window controller.
#[derive(Debug, Clone, Copy)]
pub(in crate::cc) struct WindowController<A> {
    avoidance: A,
    /// It without a past.
    fresh: A,
    window: Window,
    hystart: Option<Hystart>,
    rtt: RttEstimator,
    rounds: RoundCounter,
    flight: FlightUse,
    recovery: Recovery,
    /// Whether a timeout came after the last packet that was acknowledged.
    timed_out: bool,
    undo: Option<Undo<(Window, A)>>,
    reduces_in_proportion: bool,
    /// The reduction that is under way.
    prr: Option<Prr>,
    /// Last instant at which the flow was busy.
    busy: Option<Time>,
    pacing: PacingGains,
    ecn: Ecn,
}

impl<A: Avoidance> WindowController<A> {
    pub(in crate::cc) fn new(
        avoidance: A,
        config: &WindowConfig,
        hystart: Option<Hystart>,
        pacing: PacingGains,
        ecn: bool,
    ) -> Self {
        Self {
            avoidance,
            fresh: avoidance,
            window: Window::new(config),
            hystart,
            rtt: RttEstimator::new(INITIAL_RTT),
            rounds: RoundCounter::default(),
            flight: FlightUse::default(),
            recovery: Recovery::default(),
            timed_out: false,
            undo: None,
            reduces_in_proportion: config.proportional_rate_reduction,
            prr: None,
            busy: None,
            pacing,
            ecn: if ecn { Ecn::Ect0 } else { Ecn::NotEct },
        }
    }

    /// Another path (RFC 9000 section 9.4): all begins anew, and what was sent
    /// over the old one tells nothing about this.
    fn reset(&mut self, now: Time) {
        self.avoidance = self.fresh;
        self.window.reset();
        self.hystart = self.hystart.map(Hystart::fresh);
        self.rtt = RttEstimator::new(INITIAL_RTT);
        self.flight = FlightUse::default();
        self.recovery.enter(now);
        self.timed_out = false;
        self.undo = None;
        self.prr = None;
    }

    fn reduce(&mut self, now: Time, congestion: Congestion) {
        self.undo = Some(Undo::new((self.window, self.avoidance), self.recovery));
        let left = self.avoidance.reduce(self.window.packets(), congestion);
        self.window.reduce_to(left * self.window.packet());
        self.recovery.enter(now);
    }

    fn undo(&mut self) {
        let Some((window, avoidance)) = self.undo.take().map(|undo| undo.before) else {
            return;
        };
        if window.cwnd() > self.window.cwnd() {
            self.avoidance = avoidance;
        }
        self.window.restore(&window);
        self.recovery.cancel();
        self.timed_out = false;
        self.prr = None;
    }

    fn on_timeout(&mut self, now: Time) {
        // A packet lost again says nothing new about the threshold.
        if !self.timed_out {
            self.reduce(now, Congestion::Loss);
            self.avoidance.restart();
        }
        self.window.restart(self.window.packet());
        self.recovery.enter(now);
        self.timed_out = true;
        self.prr = None;
    }

    fn on_persistent_congestion(&mut self, now: Time) {
        if !self.recovery.entered_at(now) {
            self.reduce(now, Congestion::Loss);
        }
        self.avoidance.restart();
        self.undo = None;
        self.prr = None;
        self.window.restart(self.window.min());
        self.recovery.enter(now);
        self.rtt.reset_min(now);
    }

    /// Reacts to losses and marks that are news. Whether there were any.
    fn look_for_congestion(&mut self, feedback: &Feedback<'_>) -> bool {
        let is_new = |packet: &PacketResult| self.recovery.is_new(packet.sent.at);
        let is_mark = |packet: &PacketResult| packet.ecn == Ecn::Ce && is_new(packet);
        if feedback.lost().any(is_new) {
            self.reduce(feedback.now, Congestion::Loss);
        } else if feedback.received().any(is_mark) {
            self.reduce(feedback.now, Congestion::Mark);
            self.undo = None;
        } else {
            return false;
        }
        true
    }

    /// Lets packets leave while the window is being reduced.
    fn reduce_in_proportion(&mut self, feedback: &Feedback<'_>, has_begun: bool) {
        if !self.recovery.active() {
            self.prr = None;
        } else if has_begun && self.reduces_in_proportion {
            let (ssthresh, packet) = (self.window.ssthresh(), self.window.packet());
            self.prr = Some(Prr::new(ssthresh, packet, feedback));
        } else if let Some(prr) = &mut self.prr {
            prr.on_feedback(feedback);
        }
    }

    /// Takes the last reduction back if nothing was lost in truth.
    fn look_for_spurious_loss(&mut self, feedback: &Feedback<'_>) {
        let recovery = self.recovery;
        let all_arrived = self
            .undo
            .as_mut()
            .is_some_and(|undo| undo.on_feedback(&recovery, feedback));
        if all_arrived && !self.timed_out {
            self.undo();
        }
    }

    fn grow(&mut self, feedback: &Feedback<'_>) {
        let is_slow_start = self.window.is_slow_start();
        let (mut usable, mut unused) = (0, false);
        for packet in feedback.received() {
            if !self.recovery.is_new(packet.sent.at) {
                continue;
            }
            let (cwnd, size) = (self.window.cwnd(), self.window.packet());
            if self
                .flight
                .justifies_growth(cwnd, size, is_slow_start, packet)
            {
                usable += packet.sent.size.get();
            } else {
                unused = true;
            }
        }
        let busy = self.busy.replace(feedback.now);
        if usable == 0 {
            if let Some(busy) = busy.filter(|_| unused) {
                self.avoidance.skip(feedback.now.since(busy));
            }
            return;
        }
        let mut left = usable as f64;
        if is_slow_start {
            let growth = match &self.hystart {
                Some(hystart) if self.window.is_initial_slow_start() => {
                    hystart.growth(left, self.window.packet())
                }
                _ => left,
            };
            left *= self.window.slow_start(growth);
        }
        if left > 0.0 {
            let acked = Acked {
                now: feedback.now,
                packets: left / self.window.packet(),
                rtt: self.rtt.smoothed(),
            };
            let cwnd = self.avoidance.grow(self.window.packets(), &acked);
            self.window.set(cwnd * self.window.packet());
        }
    }

    fn set_packet(&mut self, size: Bytes) {
        let before = self.window.packet();
        let is_used = self.rtt.latest().is_some();
        self.window.set_packet(size, is_used);
        self.avoidance.rescale(self.window.packet() / before);
        if let Some(undo) = &mut self.undo {
            let (window, avoidance) = &mut undo.before;
            window.set_packet(size, true);
            avoidance.rescale(self.window.packet() / before);
        }
    }

    /// 0 slow start, 1 conservative slow start, 2 congestion avoidance,
    /// 3 recovery.
    fn state(&self) -> u8 {
        if self.recovery.active() {
            return 3;
        }
        if !self.window.is_slow_start() {
            return 2;
        }
        let hystart = self.hystart.as_ref();
        let watched = hystart.filter(|_| self.window.is_initial_slow_start());
        u8::from(watched.is_some_and(Hystart::is_conservative))
    }
}

impl<A: Avoidance> CongestionController for WindowController<A> {
    fn on_sent(&mut self, packet: &SentPacket) {
        self.flight.on_sent(packet.in_flight);
        if let Some(prr) = &mut self.prr {
            prr.on_sent(packet.size);
        }
        if packet.in_flight <= packet.size {
            let idle = self.busy.map_or(Span::ZERO, |busy| packet.at.since(busy));
            self.avoidance.skip(idle);
            self.busy = Some(packet.at);
        }
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        if feedback.packets.is_empty() {
            return;
        }
        self.rtt.on_feedback(feedback);
        let round_ended = self.rounds.on_feedback(feedback);
        self.flight.on_feedback(feedback, round_ended);
        let has_begun = self.look_for_congestion(feedback);
        self.look_for_spurious_loss(feedback);
        if self.recovery.on_feedback(feedback) {
            self.timed_out = false;
        }
        self.reduce_in_proportion(feedback, has_begun);
        if let Some(hystart) = &mut self.hystart
            && self.window.is_initial_slow_start()
            && hystart.on_feedback(feedback, round_ended)
        {
            self.window.leave_slow_start();
        }
        self.grow(feedback);
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        match *event {
            CcEvent::RetransmissionTimeout => self.on_timeout(now),
            CcEvent::PersistentCongestion => self.on_persistent_congestion(now),
            CcEvent::SpuriousLoss => self.undo(),
            CcEvent::RouteChange => self.reset(now),
            CcEvent::Mtu(size) => self.set_packet(size),
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        let gain = if self.window.is_slow_start() {
            self.pacing.slow_start
        } else {
            self.pacing.avoidance
        };
        let measured = self.rtt.latest().map(|_| self.rtt.smoothed());
        CcOutput {
            cwnd: Some(match &self.prr {
                Some(prr) => prr.cwnd(),
                None => self.window.whole_bytes(),
            }),
            pacing: measured.and_then(|rtt| self.window.rate(gain, rtt)),
            ecn: self.ecn,
            ..CcOutput::default()
        }
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        visitor.number("cwnd_bytes", self.window.cwnd());
        if !self.window.is_initial_slow_start() {
            visitor.number("ssthresh_bytes", self.window.ssthresh());
        }
        visitor.number("state", f64::from(self.state()));
        if let Some(least) = self.rtt.min() {
            visitor.number("smoothed_rtt_ms", self.rtt.smoothed().as_millis_f64());
            visitor.number("min_rtt_ms", least.as_millis_f64());
        }
        self.avoidance.snapshot(visitor);
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(*self)
    }
}
