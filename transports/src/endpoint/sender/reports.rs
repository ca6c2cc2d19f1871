//! What comes back: reports, requests for retransmission and for key frames.

use weaknet_core::packet::{Arrival, FlowId, Media, Rtcp, Rtp, RtpKind};
use weaknet_core::{Event, Outbox, Span, Time};

use super::transmit::Outgoing;
use super::{ReportSource, Sender};
use crate::cc::{CcEvent, Feedback, FeedbackKind, Visitor};
use crate::pacing::Priority;

/// Key-frame requests closer to the last one are ignored.
const KEY_FRAME_INTERVAL: Span = Span::from_millis(300);
/// Video packets that a repair packet may reach back.
const REPAIR_MEMORY: u64 = 1_024;

impl Sender {
    pub(super) fn on_rtcp(&mut self, out: &mut Outbox<'_>, rtcp: Rtcp) {
        let now = out.now();
        match rtcp {
            Rtcp::TransportFeedback { arrivals, made }
            | Rtcp::CongestionFeedback { arrivals, made } => {
                self.on_feedback(out, &arrivals, made);
            }
            Rtcp::Nack {
                media: Media::Video,
                seqs,
            } => self.on_nack(now, &seqs),
            Rtcp::Pli => self.on_key_frame_request(now),
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
                self.on_receiver_report(out, rtt, expected, lost);
            }
            _ => {}
        }
    }

    fn on_feedback(&mut self, out: &mut Outbox<'_>, arrivals: &[Arrival], made: Time) {
        let now = out.now();
        let told = self
            .history
            .on_report(now, made, arrivals, &mut self.results);
        if let Some(rtt) = told.rtt {
            self.rtt.on_sample(now, rtt, Span::ZERO);
            out.event(Event::RttSample {
                flow: self.parts.flow,
                rtt,
            });
        }
        if self.results.is_empty() {
            return;
        }
        if self.parts.reports == ReportSource::Feedback
            && let Some((rtt, losses)) = self.derived.on_feedback(now, &self.results)
        {
            self.on_rtt(now, rtt);
            self.parts.controller.on_event(now, &losses);
        }
        let queued = self.parts.pacer.queued();
        self.parts
            .controller
            .on_event(now, &CcEvent::PacerQueue(queued));
        self.parts.controller.on_feedback(&Feedback {
            now,
            made: Some(made),
            packets: &self.results,
            in_flight: self.history.in_flight(),
            prior_in_flight: told.prior_in_flight,
            kind: FeedbackKind::PerPacket,
        });
        self.parts.controller.snapshot(&mut Gauges {
            flow: self.parts.flow,
            out,
        });
        self.follow_controller(out);
        self.set_encoder(out);
        self.forget_old(now);
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

    fn on_nack(&mut self, now: Time, seqs: &[u64]) {
        for &seq in seqs {
            let Some(rtp) = self.kept.get(seq).copied() else {
                continue;
            };
            if self.parts.responder.on_nack(now, seq) {
                let again = Outgoing::Plain(Rtp {
                    kind: RtpKind::Rtx,
                    ..rtp
                });
                self.enqueue(now, again, Priority::Retransmission);
            }
        }
    }

    fn on_key_frame_request(&mut self, now: Time) {
        if self
            .last_key_request
            .is_some_and(|at| now - at < KEY_FRAME_INTERVAL)
        {
            return;
        }
        self.last_key_request = Some(now);
        if let Some((source, _)) = &mut self.parts.video {
            source.request_key_frame(now);
        }
    }

    fn on_rtt(&mut self, now: Time, rtt: Span) {
        self.parts.responder.on_rtt(now, rtt);
        self.parts.controller.on_event(now, &CcEvent::Rtt(rtt));
    }

    fn on_receiver_report(
        &mut self,
        out: &mut Outbox<'_>,
        rtt: Option<Span>,
        expected: u32,
        lost: u32,
    ) {
        let now = out.now();
        if let Some(rtt) = rtt {
            self.on_rtt(now, rtt);
            if let Some(encoder) = self.parts.fec.as_mut().filter(|_| expected > 0) {
                encoder.on_network(now, f64::from(lost) / f64::from(expected), rtt);
            }
        }
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
