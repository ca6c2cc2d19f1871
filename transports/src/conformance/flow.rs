//! A sender that obeys its controller: target, window, pacing rate, probes,
//! padding and timers.

use std::collections::VecDeque;

use weaknet_core::packet::{Arrival, Ecn};
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::PACKET;
use super::pacer::Pacer;
use super::source::Source;
use crate::cc::{
    CcEvent, CongestionController, Constraints, Feedback, FeedbackKind, PacketResult, SentKind,
    SentPacket,
};
use crate::transport::{RttEstimator, SendHistory};

/// A media sender whose window is full sends a packet this often all the same
/// (libwebrtc's pacer, July 2026).
const KEEP_ALIVE: Span = Span::from_millis(500);
/// Time between two reports of losses and round-trip time beside the feedback.
const LOSS_REPORT: Span = Span::from_secs(1);
/// Calls of a timer at one instant.
const TIMER_CALLS: usize = 8;
/// And then none for so long.
const TIMER_PAUSE: Span = Span::from_millis(1);

/// What happened to a flow in 100 ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// When it ended.
    pub end: Time,
    /// The target at its end.
    pub target: Option<Bitrate>,
    /// The window at its end.
    pub cwnd: Option<Bytes>,
    /// Longest time that a packet of it waited in the queue.
    pub wait: Span,
    /// Bytes sent.
    pub sent: Bytes,
    /// Bytes that are known to have arrived.
    pub delivered: Bytes,
    /// Of these, bytes with a mark.
    pub marked: Bytes,
    /// Bytes dropped.
    pub dropped: Bytes,
}

impl Interval {
    /// How long each is.
    pub const LENGTH: Span = Span::from_millis(100);

    const fn ending(end: Time) -> Self {
        Self {
            end,
            target: None,
            cwnd: None,
            wait: Span::ZERO,
            sent: Bytes::ZERO,
            delivered: Bytes::ZERO,
            marked: Bytes::ZERO,
            dropped: Bytes::ZERO,
        }
    }
}

/// A report on its way to the sender.
#[derive(Debug, Clone)]
struct Flying {
    due: Time,
    made: Time,
    arrivals: Vec<Arrival>,
}

/// How a receiver reports.
#[derive(Debug, Clone)]
struct Receiver {
    every: Span,
    next: Time,
    /// Way back.
    delay: Span,
    /// What the next report will tell.
    arrived: Vec<Arrival>,
    flying: VecDeque<Flying>,
}

pub(super) struct Flow {
    controller: Box<dyn CongestionController>,
    history: SendHistory,
    rtt: RttEstimator,
    source: Source,
    pacer: Pacer,
    last_sent: Time,
    /// When the timer was served last, if it was in the last step.
    served: Option<Time>,
    /// `None`: every packet is reported alone and at once.
    receiver: Option<Receiver>,
    /// Packets in the network, and dropped ones that nobody knows of yet.
    outstanding: u64,
    dropped: Vec<u64>,
    timeout: Option<Time>,
    loss_report: Time,
    /// Lost and received since.
    counted: (u32, u32),
    results: Vec<PacketResult>,
    interval: Interval,
    intervals: Vec<Interval>,
}

impl Flow {
    pub(super) fn new(
        now: Time,
        mut controller: Box<dyn CongestionController>,
        constraints: Constraints,
        source: Source,
    ) -> Self {
        if source.is_media() {
            let (min, max) = (Bitrate::ZERO, constraints.max);
            controller.on_event(now, &CcEvent::Allocated { min, max });
        }
        controller.on_event(now, &CcEvent::Start(constraints));
        Self {
            controller,
            history: SendHistory::new(),
            rtt: RttEstimator::new(Span::from_millis(333)),
            source,
            pacer: Pacer::new(now),
            last_sent: now,
            served: None,
            receiver: None,
            outstanding: 0,
            dropped: Vec::new(),
            timeout: None,
            loss_report: now,
            counted: (0, 0),
            results: Vec::new(),
            interval: Interval::ending(now + Interval::LENGTH),
            intervals: Vec::new(),
        }
    }

    /// Lets the receiver report all that arrived since, at these intervals.
    pub(super) fn report_every(&mut self, now: Time, every: Span, delay: Span) {
        self.receiver = Some(Receiver {
            every,
            next: now + every,
            delay,
            arrived: Vec::new(),
            flying: VecDeque::new(),
        });
    }

    pub(super) fn controller(&self) -> &dyn CongestionController {
        self.controller.as_ref()
    }

    pub(super) fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    pub(super) fn limit(&mut self, now: Time, rate: Option<Bitrate>) {
        self.source.limit(now, rate);
    }

    pub(super) fn tell(&mut self, now: Time, event: &CcEvent) {
        self.controller.on_event(now, event);
        self.fetch_probe();
    }

    /// When a packet may leave though the window is full.
    fn window_opens(&self) -> Time {
        let cwnd = self.controller.output().cwnd;
        if cwnd.is_none_or(|cwnd| self.history.in_flight() + PACKET <= cwnd) {
            Time::ZERO
        } else if self.source.is_media() {
            self.last_sent + KEEP_ALIVE
        } else {
            Time::MAX
        }
    }

    /// When a packet may leave, if nothing else happens.
    fn next_departure(&self) -> Time {
        if self.pacer.probe().is_some() {
            return self.pacer.until();
        }
        let media = self.source.ready();
        let padding = self.pacer.padding_at(&self.controller.output());
        let ready = media.or(padding).unwrap_or(Time::MAX);
        ready.max(self.pacer.until()).max(self.window_opens())
    }

    /// When something happens here by itself.
    pub(super) fn next_event(&self, now: Time) -> Time {
        let reports = self.receiver.as_ref().map(|receiver| {
            let due = receiver.flying.front().map_or(Time::MAX, |f| f.due);
            due.min(receiver.next)
        });
        // A controller whose timer does not move on must not stop the clock.
        let stands_still = |at: &Time| *at <= now && self.served == Some(now);
        let timer = self.controller.next_timer();
        let timer = match timer.filter(stands_still) {
            Some(_) => Some(now + TIMER_PAUSE),
            None => timer,
        };
        [timer, self.timeout, self.source.next_frame(), reports]
            .into_iter()
            .flatten()
            .fold(self.next_departure(), Time::min)
    }

    pub(super) fn on_timers(&mut self, now: Time) {
        self.record_until(now);
        self.served = None;
        for _ in 0..TIMER_CALLS {
            if self.controller.next_timer().is_none_or(|at| at > now) {
                break;
            }
            self.controller.on_timer(now);
            self.served = Some(now);
        }
        self.poll_reports(now);
        if self.timeout.is_some_and(|at| at <= now) {
            self.timeout = None;
            self.controller
                .on_event(now, &CcEvent::RetransmissionTimeout);
            let lost = self.dropped_before(u64::MAX);
            self.report(now, now, &lost);
        }
        let output = self.controller.output();
        if let Some(frame) = self.source.poll_frame(now, &output) {
            self.controller.on_event(now, &CcEvent::Frame(frame));
        }
        self.fetch_probe();
    }

    fn fetch_probe(&mut self) {
        if self.pacer.probe().is_none()
            && let Some(cluster) = self.controller.poll_probe()
        {
            self.pacer.start(cluster);
        }
    }

    fn poll_reports(&mut self, now: Time) {
        let Some(receiver) = &mut self.receiver else {
            return;
        };
        while receiver.next <= now {
            receiver.next += receiver.every;
            if !receiver.arrived.is_empty() {
                receiver.flying.push_back(Flying {
                    due: now + receiver.delay,
                    made: now,
                    arrivals: std::mem::take(&mut receiver.arrived),
                });
            }
        }
        while let Some(receiver) = &mut self.receiver
            && let Some(flying) = receiver.flying.pop_front_if(|f| f.due <= now)
        {
            let newest = flying.arrivals.iter().map(|a| a.seq).max();
            let mut arrivals = self.dropped_before(newest.unwrap_or(0));
            arrivals.extend(flying.arrivals);
            arrivals.sort_unstable_by_key(|arrival| arrival.seq);
            self.report(now, flying.made, &arrivals);
        }
    }

    /// The next packet, if one may leave now: its number and codepoint.
    pub(super) fn poll_packet(&mut self, now: Time) -> Option<(u64, Ecn)> {
        if self.next_departure() > now {
            return None;
        }
        let output = self.controller.output();
        let is_media = self.source.ready().is_some_and(|at| at <= now);
        if is_media && self.source.take(now) {
            self.history.set_app_limited();
        }
        let probe = self.pacer.probe();
        self.pacer.on_sent(now, &output);
        let sent = self.history.on_sent(SentPacket {
            number: self.history.next_number(),
            at: now,
            size: PACKET,
            kind: match (is_media, self.source.is_media()) {
                (false, _) => SentKind::Padding,
                (true, true) => SentKind::Video,
                (true, false) => SentKind::Data,
            },
            probe,
            in_flight: Bytes::ZERO,
            app_limited: false,
        });
        self.controller.on_sent(&sent);
        self.fetch_probe();
        self.last_sent = now;
        self.outstanding += 1;
        self.interval.sent += PACKET;
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

    /// A timeout of bulk data is due when nothing in the network can tell of
    /// the losses. Media has none.
    fn arm(&mut self, now: Time) {
        let silent = self.outstanding > 0 && self.outstanding == self.dropped.len() as u64;
        let due = || now + self.rtt.retransmission_timeout(Span::from_secs(1));
        self.timeout = (silent && !self.source.is_media()).then(due);
    }

    /// A packet reached the receiver, or the sender learns so if it is told of
    /// each.
    pub(super) fn on_arrival(&mut self, now: Time, arrival: Arrival, is_lost: bool) {
        self.record_until(now);
        match &mut self.receiver {
            // What no report tells of has arrived in vain: media never learns
            // of it, bulk data is told by a later range that it is missing.
            Some(_) if is_lost && self.source.is_media() => self.outstanding -= 1,
            Some(_) if is_lost => {
                let place = self.dropped.partition_point(|seq| *seq < arrival.seq);
                self.dropped.insert(place, arrival.seq);
                self.arm(now);
            }
            Some(receiver) => receiver.arrived.push(arrival),
            None => {
                let mut arrivals = self.dropped_before(arrival.seq);
                arrivals.push(arrival);
                self.report(now, arrival.at.unwrap_or(now), &arrivals);
            }
        }
    }

    /// The dropped packets that a report up to `newest` tells of.
    fn dropped_before(&mut self, newest: u64) -> Vec<Arrival> {
        let known = self.dropped.partition_point(|number| *number < newest);
        let told = self.dropped.drain(..known).map(|seq| Arrival {
            seq,
            at: None,
            ecn: Ecn::NotEct,
        });
        told.collect()
    }

    fn report(&mut self, now: Time, made: Time, arrivals: &[Arrival]) {
        self.outstanding -= arrivals.len() as u64;
        let told = self
            .history
            .on_report(now, made, arrivals, &mut self.results);
        if let Some(sample) = told.rtt {
            self.rtt.on_sample(now, sample, Span::ZERO);
        }
        self.arm(now);
        for packet in &self.results {
            if packet.received.is_none() {
                self.counted.0 += 1;
                continue;
            }
            self.counted.1 += 1;
            self.interval.delivered += PACKET;
            if packet.ecn == Ecn::Ce {
                self.interval.marked += PACKET;
            }
        }
        if self.source.is_media() {
            self.tell_beside(now, told.rtt);
        }
        self.controller.on_feedback(&Feedback {
            now,
            made: Some(made),
            packets: &self.results,
            in_flight: self.history.in_flight(),
            prior_in_flight: told.prior_in_flight,
            kind: FeedbackKind::PerPacket,
        });
        self.fetch_probe();
    }

    /// What a media sender tells beside the feedback.
    fn tell_beside(&mut self, now: Time, rtt: Option<Span>) {
        let queue = CcEvent::PacerQueue(self.source.waiting());
        self.controller.on_event(now, &queue);
        let interval = now.since(self.loss_report);
        let (Some(rtt), true) = (rtt, interval >= LOSS_REPORT) else {
            return;
        };
        self.loss_report = now;
        let (lost, received) = std::mem::take(&mut self.counted);
        self.controller.on_event(now, &CcEvent::Rtt(rtt));
        let report = CcEvent::LossReport {
            lost,
            received,
            interval,
        };
        self.controller.on_event(now, &report);
    }

    /// Closes the intervals that have ended.
    pub(super) fn record_until(&mut self, now: Time) {
        while self.interval.end <= now {
            let end = self.interval.end;
            let output = self.controller.output();
            self.interval.target = output.target;
            self.interval.cwnd = output.cwnd;
            self.intervals.push(self.interval);
            self.interval = Interval::ending(end + Interval::LENGTH);
        }
    }
}
