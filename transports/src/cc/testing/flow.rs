//! A sender that obeys its controller: window, pacing rate and timers.

use weaknet_core::packet::{Arrival, Ecn};
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::{CONSTRAINTS, PACKET};
use crate::cc::{
    CcEvent, CongestionController, Feedback, FeedbackKind, PacketResult, SentKind, SentPacket,
};
use crate::transport::{RttEstimator, SendHistory};

/// What happened to a flow in 100 ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    /// When it ended.
    pub(crate) end: Time,
    /// The window at its end.
    pub(crate) cwnd: Option<Bytes>,
    /// Longest time that a packet of it waited in the queue.
    pub(crate) wait: Span,
    /// Bytes acknowledged.
    pub(crate) delivered: Bytes,
    /// Bytes acknowledged with a mark.
    pub(crate) marked: Bytes,
    /// Bytes dropped.
    pub(crate) dropped: Bytes,
}

impl Interval {
    /// How long each is.
    pub(crate) const LENGTH: Span = Span::from_millis(100);

    const fn ending(end: Time) -> Self {
        Self {
            end,
            cwnd: None,
            wait: Span::ZERO,
            delivered: Bytes::ZERO,
            marked: Bytes::ZERO,
            dropped: Bytes::ZERO,
        }
    }
}

/// What the application has to send.
#[derive(Debug, Clone, Copy)]
struct Application {
    /// Time between two packets.
    every: Span,
    /// When the next one is there.
    next: Time,
}

pub(super) struct Flow {
    controller: Box<dyn CongestionController>,
    history: SendHistory,
    rtt: RttEstimator,
    application: Option<Application>,
    /// The pacer lets no packet go earlier.
    paced_until: Time,
    /// Packets in the network, and dropped ones that nobody knows of yet.
    outstanding: u64,
    dropped: Vec<u64>,
    timeout: Option<Time>,
    results: Vec<PacketResult>,
    interval: Interval,
    intervals: Vec<Interval>,
}

impl Flow {
    pub(super) fn new(
        now: Time,
        mut controller: Box<dyn CongestionController>,
        limit: Option<Bitrate>,
    ) -> Self {
        controller.on_event(now, &CcEvent::Start(CONSTRAINTS));
        let mut flow = Self {
            controller,
            history: SendHistory::new(),
            rtt: RttEstimator::new(Span::from_millis(333)),
            application: None,
            paced_until: now,
            outstanding: 0,
            dropped: Vec::new(),
            timeout: None,
            results: Vec::new(),
            interval: Interval::ending(now + Interval::LENGTH),
            intervals: Vec::new(),
        };
        flow.set_application(now, limit);
        flow
    }

    pub(super) fn controller(&self) -> &dyn CongestionController {
        self.controller.as_ref()
    }

    pub(super) fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    pub(super) fn set_application(&mut self, now: Time, rate: Option<Bitrate>) {
        self.application = rate.map(|rate| Application {
            every: rate.time_for(PACKET),
            next: now,
        });
    }

    fn fits_window(&self) -> bool {
        let cwnd = self.controller.output().cwnd;
        cwnd.is_none_or(|cwnd| self.history.in_flight() + PACKET <= cwnd)
    }

    /// When something happens here by itself.
    pub(super) fn next_event(&self) -> Time {
        let mut next = self.controller.next_timer().unwrap_or(Time::MAX);
        next = next.min(self.timeout.unwrap_or(Time::MAX));
        if self.fits_window() {
            let ready = self.application.map_or(Time::ZERO, |app| app.next);
            next = next.min(ready.max(self.paced_until));
        }
        next
    }

    pub(super) fn on_timers(&mut self, now: Time) {
        self.record_until(now);
        // A controller whose timer does not move on must not stop the clock.
        for _ in 0..8 {
            if self.controller.next_timer().is_none_or(|at| at > now) {
                break;
            }
            self.controller.on_timer(now);
        }
        if self.timeout.is_some_and(|at| at <= now) {
            self.timeout = None;
            self.controller
                .on_event(now, &CcEvent::RetransmissionTimeout);
            self.report(now, None);
        }
    }

    /// The next packet, if one may leave now: its number and codepoint.
    pub(super) fn poll_packet(&mut self, now: Time) -> Option<(u64, Ecn)> {
        if now < self.paced_until || !self.fits_window() {
            return None;
        }
        if let Some(app) = &mut self.application {
            if app.next > now {
                return None;
            }
            app.next += app.every;
            if app.next > now {
                self.history.set_app_limited();
            }
        }
        let output = self.controller.output();
        if let Some(rate) = output.pacing.or(output.target) {
            self.paced_until = self.paced_until.max(now) + rate.time_for(PACKET);
        }
        let sent = self.history.on_sent(SentPacket {
            number: self.history.next_number(),
            at: now,
            size: PACKET,
            kind: SentKind::Data,
            probe: None,
            in_flight: Bytes::ZERO,
            app_limited: false,
        });
        self.controller.on_sent(&sent);
        self.outstanding += 1;
        Some((sent.number, output.ecn))
    }

    pub(super) fn on_wait(&mut self, now: Time, wait: Span) {
        self.record_until(now);
        self.interval.wait = self.interval.wait.max(wait);
    }

    pub(super) fn on_drop(&mut self, now: Time, number: u64) {
        self.record_until(now);
        self.interval.dropped += PACKET;
        self.dropped.push(number);
        self.arm(now);
    }

    /// A timeout is due when nothing in the network can tell of the losses.
    fn arm(&mut self, now: Time) {
        let silent = self.outstanding > 0 && self.outstanding == self.dropped.len() as u64;
        self.timeout = silent.then(|| now + self.rtt.retransmission_timeout(Span::from_secs(1)));
    }

    pub(super) fn on_ack(&mut self, now: Time, arrival: Arrival) {
        self.record_until(now);
        self.interval.delivered += PACKET;
        if arrival.ecn == Ecn::Ce {
            self.interval.marked += PACKET;
        }
        self.report(now, Some(arrival));
    }

    /// Tells the controller of a packet received and of all dropped before.
    fn report(&mut self, now: Time, received: Option<Arrival>) {
        let newest = received.map_or(u64::MAX, |arrival| arrival.seq);
        let known = self.dropped.partition_point(|number| *number < newest);
        let mut arrivals: Vec<Arrival> = self
            .dropped
            .drain(..known)
            .map(|seq| Arrival {
                seq,
                at: None,
                ecn: Ecn::NotEct,
            })
            .collect();
        arrivals.extend(received);
        self.outstanding -= arrivals.len() as u64;
        let made = received.and_then(|arrival| arrival.at);
        let told =
            self.history
                .on_report(now, made.unwrap_or_default(), &arrivals, &mut self.results);
        if let Some(sample) = told.rtt {
            self.rtt.on_sample(now, sample, Span::ZERO);
        }
        self.arm(now);
        self.controller.on_feedback(&Feedback {
            now,
            made,
            packets: &self.results,
            in_flight: self.history.in_flight(),
            prior_in_flight: told.prior_in_flight,
            kind: FeedbackKind::PerPacket,
        });
    }

    /// Closes the intervals that have ended.
    pub(super) fn record_until(&mut self, now: Time) {
        while self.interval.end <= now {
            let end = self.interval.end;
            self.interval.cwnd = self.controller.output().cwnd;
            self.intervals.push(self.interval);
            self.interval = Interval::ending(end + Interval::LENGTH);
        }
    }
}
