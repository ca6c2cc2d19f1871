//! What comes back: reports, requests for retransmission and for key frames.

use weaknet_core::packet::{Ack, Arrival, FlowId, Media, Rtcp, Rtp, RtpKind};
use weaknet_core::{Event, Outbox, Span, Time};

use super::transmit::Outgoing;
use super::{ReportSource, Sender, gives_window_only};
use crate::arq::Answer;
use crate::cc::{CcEvent, Visitor};
use crate::pacing::Priority;
use crate::rtp::FeedbackFormat;
use crate::transport::{Alarm, News};

/// Key-frame requests closer to the last one are ignored.
const KEY_FRAME_INTERVAL: Span = Span::from_millis(300);
/// Named values of the controller are shown this often at most.
const SHOW_EVERY: Span = Span::from_millis(10);
/// Video packets that a repair packet may reach back.
const REPAIR_MEMORY: u64 = 1_024;

impl Sender {
    pub(super) fn on_rtcp(&mut self, out: &mut Outbox<'_>, rtcp: Rtcp) {
        let now = out.now();
        match rtcp {
            Rtcp::TransportFeedback { arrivals } => {
                // It does not say when it was made: as libwebrtc does, with its newest.
                let newest = arrivals.iter().filter_map(|arrival| arrival.at).max();
                self.on_feedback(out, &arrivals, newest.unwrap_or_default());
            }
            Rtcp::CongestionFeedback { arrivals, made } => {
                self.on_feedback(out, &arrivals, made);
            }
            Rtcp::Nack {
                media: Media::Video,
                seqs,
            } => self.on_nack(out, &seqs),
            Rtcp::JitterBuffer { delay } => self.parts.responder.on_playout_delay(delay),
            Rtcp::Pli => {
                self.on_key_frame_request(now);
            }
            Rtcp::Fir { seq } => self.on_full_intra_request(now, seq),
            Rtcp::ReceiverReport {
                last_sr,
                delay_since_last_sr,
                expected,
                lost,
                rrtr,
                ..
            } => {
                self.rrtr = rrtr.map(|time| (time, now)).or(self.rrtr);
                let rtt = last_sr.map(|sr| now.since(sr) - delay_since_last_sr);
                if self.parts.feedback.format == FeedbackFormat::Rr {
                    // What went out before that sender report has left the path.
                    self.flight.history.leave_path(last_sr.unwrap_or_default());
                }
                self.on_receiver_report(out, rtt, expected, lost);
            }
            _ => {}
        }
    }

    fn on_feedback(&mut self, out: &mut Outbox<'_>, arrivals: &[Arrival], made: Time) {
        let news = self
            .flight
            .on_report(out.now(), made, arrivals, &mut self.results);
        self.tell_round_trip(out, news.rtt);
        self.tell(out, &news);
    }

    pub(super) fn on_ack(&mut self, out: &mut Outbox<'_>, ack: &Ack) {
        let news = self
            .flight
            .on_ack(out.now(), ack, &mut self.results, |_| {});
        self.tell_round_trip(out, news.rtt);
        self.tell(out, &news);
        self.flight.forget(out.now());
    }

    /// Does what is due because no report came.
    pub(super) fn run_alarms(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        let Some((_, alarm)) = self.next_alarm().filter(|(at, _)| *at <= now) else {
            return;
        };
        let news = self.flight.on_alarm(now, alarm, &mut self.results);
        self.tell(out, &news);
        if alarm == Alarm::Probe {
            self.probe(out);
        }
    }

    fn tell_round_trip(&self, out: &mut Outbox<'_>, rtt: Option<Span>) {
        let flow = self.parts.flow;
        if let Some(rtt) = rtt {
            out.event(Event::RttSample { flow, rtt });
        }
    }

    /// Tells the controller what is in `results`.
    fn tell(&mut self, out: &mut Outbox<'_>, news: &News) {
        let now = out.now();
        if self.results.is_empty() && !news.is_event() {
            return;
        }
        if self.parts.reports == ReportSource::Feedback
            && let Some((rtt, losses)) = self.derived.on_feedback(now, &self.results)
        {
            self.on_rtt(now, rtt);
            if let CcEvent::LossReport { lost, received, .. } = losses {
                self.on_losses(now, lost, lost.saturating_add(received));
            }
            self.parts.controller.on_event(now, &losses);
        }
        self.path.on_results(&self.results);
        let queued = self.parts.pacer.queued();
        let controller = self.parts.controller.as_mut();
        controller.on_event(now, &CcEvent::PacerQueue(queued));
        self.flight.tell(now, news, &mut self.results, controller);
        if gives_window_only(&self.output) {
            self.window.on_report(now, &self.results);
        }
        self.show(out);
        self.follow_controller(out);
        self.set_encoder(out);
        self.forget_old(now);
    }

    /// Publishes the controller's named values; those of acknowledgements, which
    /// are many, from time to time.
    fn show(&mut self, out: &mut Outbox<'_>) {
        let (now, flow) = (out.now(), self.parts.flow);
        let acks = self.parts.feedback.format == FeedbackFormat::Ack;
        let shown = |at| now - at < SHOW_EVERY;
        if acks && self.last_shown.is_some_and(shown) {
            return;
        }
        self.last_shown = Some(now);
        let mut gauges = Gauges { flow, out };
        if let Some(cwnd) = self.output.cwnd.filter(|_| gives_window_only(&self.output)) {
            let in_flight = self.flight.history.in_flight();
            gauges.number("in_flight_bytes", in_flight.get() as f64);
            gauges.number("cwnd_bytes", cwnd.get() as f64);
            let queued = self.parts.pacer.queued();
            gauges.number("pacer_queue_bytes", queued.get() as f64);
        }
        self.parts.controller.snapshot(&mut gauges);
    }

    /// Frees video packets that neither retransmission nor repair packets will
    /// want.
    pub(super) fn forget_old(&mut self, now: Time) {
        let mut from = self.parts.responder.oldest_kept(now);
        if self.parts.fec.is_some() {
            from = from.min(self.kept.next().saturating_sub(REPAIR_MEMORY));
        }
        self.kept.free_below(from);
    }

    fn on_nack(&mut self, out: &mut Outbox<'_>, seqs: &[u64]) {
        let (now, flow) = (out.now(), self.parts.flow);
        let mut late = 0;
        for &seq in seqs {
            let Some(rtp) = self.kept.get(seq).copied() else {
                continue;
            };
            let copies = match self.parts.responder.on_nack(now, seq) {
                Answer::Copies(copies) => copies,
                Answer::Refused => 0,
                Answer::TooLate => {
                    late += 1;
                    0
                }
            };
            for _ in 0..copies {
                let again = Outgoing::Plain(Rtp {
                    kind: RtpKind::Rtx,
                    ..rtp
                });
                self.enqueue(now, again, Priority::Retransmission);
            }
        }
        if late > 0 {
            out.event(Event::RetransmissionForgone { flow, count: late });
        }
    }

    /// A repetition of what has been answered counts no more (RFC 5104, section
    /// 4.3.1).
    fn on_full_intra_request(&mut self, now: Time, seq: u8) {
        if self.answered_fir != Some(seq) && self.on_key_frame_request(now) {
            self.answered_fir = Some(seq);
        }
    }

    /// Whether the request is heeded.
    fn on_key_frame_request(&mut self, now: Time) -> bool {
        if self
            .last_key_request
            .is_some_and(|at| now - at < KEY_FRAME_INTERVAL)
        {
            return false;
        }
        self.last_key_request = Some(now);
        if let Some((source, _)) = &mut self.parts.video {
            source.request_key_frame(now);
        }
        true
    }

    fn on_rtt(&mut self, now: Time, rtt: Span) {
        self.parts.responder.on_rtt(now, rtt);
        self.path.on_rtt(rtt);
        self.parts.controller.on_event(now, &CcEvent::Rtt(rtt));
    }

    fn on_losses(&mut self, now: Time, lost: u32, expected: u32) {
        self.path.on_losses(lost, expected);
        self.parts.audio_protection.on_loss(now, self.path.loss());
    }

    fn on_receiver_report(
        &mut self,
        out: &mut Outbox<'_>,
        rtt: Option<Span>,
        expected: u32,
        lost: u32,
    ) {
        let now = out.now();
        let counts_only = self.parts.feedback.format == FeedbackFormat::Rr;
        if let Some(rtt) = rtt {
            self.on_rtt(now, rtt);
            if counts_only {
                self.flight.on_round_trip(now, rtt);
                self.tell_round_trip(out, Some(rtt));
            }
        }
        self.on_losses(now, lost, expected);
        let received = expected.saturating_sub(lost);
        if received > 0 {
            let interval = now - std::mem::replace(&mut self.last_loss_report, now);
            let report = CcEvent::LossReport {
                lost,
                received,
                interval,
            };
            self.parts.controller.on_event(now, &report);
        }
        if counts_only {
            self.show(out);
        }
        if counts_only || self.parts.fec.is_some() {
            self.set_encoder(out);
        }
        if counts_only {
            self.forget_old(now);
        }
        self.follow_controller(out);
    }
}

/// Publishes a controller's named values.
struct Gauges<'a, 'b> {
    flow: FlowId,
    out: &'a mut Outbox<'b>,
}

impl Visitor for Gauges<'_, '_> {
    fn number(&mut self, name: &'static str, value: f64) {
        self.out.event(Event::Gauge {
            flow: self.flow,
            name,
            value,
        });
    }
}
