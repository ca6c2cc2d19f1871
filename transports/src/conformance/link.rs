//! A closed loop: flows that send as their controllers allow, over one link.
//!
//! The link has a rate, a drop-tail buffer in bytes and, if asked for, marks
//! every ECN-capable packet that has waited for longer than a threshold, loses
//! packets at random before its queue or delays them at random after it, order
//! kept. Every packet that arrives is acknowledged alone and at once, or all of
//! an interval together; a dropped one is reported lost with the first later
//! packet of its flow or, in flows of bulk data, by a timeout when none is left.

use std::collections::VecDeque;

use weaknet_core::packet::{Arrival, Ecn};
use weaknet_core::rng::Draws;
use weaknet_core::{Bitrate, Bytes, Span, Streams, Time};

use super::flow::{Flow, Interval};
use super::source::Source;
use super::{PACKET, value};
use crate::cc::{CcEvent, CongestionController, Constraints};

/// A packet between the two ends.
#[derive(Debug, Clone, Copy)]
struct Passing {
    flow: usize,
    arrival: Arrival,
    /// When something comes of it: at the sender, or at a receiver that
    /// collects.
    due: Time,
}

/// A bottleneck and the flows over it.
pub struct IdealLink {
    rate: Bitrate,
    rtt: Span,
    buffer: Bytes,
    mark_above: Option<Span>,
    reports: Option<Span>,
    constraints: Constraints,
    loss: f64,
    jitter: Span,
    is_down: bool,
    draws: [Draws; 2],
    accepted: u64,
    now: Time,
    /// When the last packet that was accepted will have left.
    free_at: Time,
    /// In order of arrival.
    passing: VecDeque<Passing>,
    flows: Vec<Flow>,
    /// Time in the queue of each packet that was accepted.
    waits: Vec<(Time, Span)>,
}

impl IdealLink {
    /// What every flow starts with unless told otherwise.
    pub const CONSTRAINTS: Constraints = Constraints {
        min: Bitrate::from_kbps(30),
        start: Bitrate::from_kbps(300),
        max: Bitrate::from_mbps(1_000),
    };

    /// A link of that rate, with `rtt` of propagation there and back and room
    /// for `buffer` bytes.
    #[must_use]
    pub fn new(rate: Bitrate, rtt: Span, buffer: Bytes) -> Self {
        let streams = Streams::new(1);
        Self {
            rate,
            rtt,
            buffer,
            mark_above: None,
            reports: None,
            constraints: Self::CONSTRAINTS,
            loss: 0.0,
            jitter: Span::ZERO,
            is_down: false,
            draws: ["loss", "jitter"].map(|purpose| streams.draws("conformance/link", purpose)),
            accepted: 0,
            now: Time::ZERO,
            free_at: Time::ZERO,
            passing: VecDeque::new(),
            flows: Vec::new(),
            waits: Vec::new(),
        }
    }

    /// Marks packets that waited longer than `wait`.
    #[must_use]
    pub const fn marking_above(mut self, wait: Span) -> Self {
        self.mark_above = Some(wait);
        self
    }

    /// Lets the receivers of flows that are added from now on report all that
    /// arrived since, at these intervals.
    #[must_use]
    pub const fn reporting_every(mut self, interval: Span) -> Self {
        self.reports = Some(interval);
        self
    }

    /// What flows that are added from now on start with.
    #[must_use]
    pub const fn with_constraints(mut self, constraints: Constraints) -> Self {
        self.constraints = constraints;
        self
    }

    /// Adds a flow that starts now and always has something to send. Returns
    /// its index.
    pub fn add(&mut self, controller: Box<dyn CongestionController>) -> usize {
        self.add_flow(controller, Source::Greedy)
    }

    /// Adds a flow that starts now and has no more than `rate` to send.
    pub fn add_limited(
        &mut self,
        controller: Box<dyn CongestionController>,
        rate: Bitrate,
    ) -> usize {
        let source = Source::constant(self.now, Some(rate));
        self.add_flow(controller, source)
    }

    /// Adds a flow that starts now and sends 30 frames per second at its
    /// target.
    pub fn add_media(&mut self, controller: Box<dyn CongestionController>) -> usize {
        let source = Source::encoder(self.now, Bitrate::MAX);
        self.add_flow(controller, source)
    }

    fn add_flow(&mut self, controller: Box<dyn CongestionController>, source: Source) -> usize {
        let mut flow = Flow::new(self.now, controller, self.constraints, source);
        if let Some(every) = self.reports {
            flow.report_every(self.now, every, self.rtt / 2);
        }
        self.flows.push(flow);
        self.tell_capacity();
        self.flows.len() - 1
    }

    /// Changes the rate for the packets that are accepted from now on.
    pub fn set_rate(&mut self, rate: Bitrate) {
        self.rate = rate;
        self.tell_capacity();
    }

    /// Tells controllers that are to know it.
    fn tell_capacity(&mut self) {
        let rate = if self.is_down {
            Bitrate::ZERO
        } else {
            self.rate
        };
        for flow in &mut self.flows {
            if flow.controller().capacity_window().is_some() {
                flow.tell(self.now, &CcEvent::TrueCapacity(rate));
            }
        }
    }

    /// Changes the room for the packets that are accepted from now on.
    pub const fn set_buffer(&mut self, buffer: Bytes) {
        self.buffer = buffer;
    }

    /// Nothing gets through, neither packets nor what reports would tell.
    pub fn set_down(&mut self, is_down: bool) {
        self.is_down = is_down;
        self.tell_capacity();
    }

    /// Loses that share of the packets from now on.
    pub const fn set_loss(&mut self, share: f64) {
        self.loss = share;
    }

    /// Delays packets by up to so much from now on.
    pub const fn set_jitter(&mut self, most: Span) {
        self.jitter = most;
    }

    /// What the application of a flow has to send from now on; `None`: always
    /// something, or all that the target allows.
    pub fn set_application(&mut self, flow: usize, rate: Option<Bitrate>) {
        self.flows[flow].limit(self.now, rate);
    }

    /// Tells the controller of a flow something.
    pub fn tell(&mut self, flow: usize, event: &CcEvent) {
        self.flows[flow].tell(self.now, event);
    }

    /// The present.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The controller of a flow.
    #[must_use]
    pub fn controller(&self, flow: usize) -> &dyn CongestionController {
        self.flows[flow].controller()
    }

    /// A named value inside the controller of a flow; NaN if there is none of
    /// that name.
    #[must_use]
    pub fn value(&self, flow: usize, name: &str) -> f64 {
        value(self.controller(flow), name)
    }

    /// What happened to a flow in each 100 ms since it started.
    #[must_use]
    pub fn intervals(&self, flow: usize) -> &[Interval] {
        self.flows[flow].intervals()
    }

    /// The intervals of the last `span`.
    #[must_use]
    pub fn last(&self, flow: usize, span: Span) -> &[Interval] {
        let count = (span.as_nanos() / Interval::LENGTH.as_nanos()) as usize;
        let all = self.intervals(flow);
        &all[all.len().saturating_sub(count)..]
    }

    /// Rate of delivery over the last `span` (whole intervals).
    #[must_use]
    pub fn throughput(&self, flow: usize, span: Span) -> Bitrate {
        rate_of(self.last(flow, span), |interval| interval.delivered)
    }

    /// Rate of sending over the last `span` (whole intervals).
    #[must_use]
    pub fn send_rate(&self, flow: usize, span: Span) -> Bitrate {
        rate_of(self.last(flow, span), |interval| interval.sent)
    }

    /// That share of the packets of the last `span` waited no longer.
    #[must_use]
    pub fn wait_percentile(&self, span: Span, share: f64) -> Span {
        let since = self.now.saturating_sub(span);
        let mut waits: Vec<Span> = self
            .waits
            .iter()
            .filter(|(at, _)| *at >= since)
            .map(|(_, wait)| *wait)
            .collect();
        waits.sort_unstable();
        let index = (waits.len() as f64 * share) as usize;
        waits
            .get(index.min(waits.len().saturating_sub(1)))
            .copied()
            .unwrap_or(Span::ZERO)
    }

    /// Runs for that long.
    pub fn run(&mut self, span: Span) {
        let end = self.now + span;
        loop {
            let next = self.next_event();
            if next > end {
                break;
            }
            self.now = next.max(self.now);
            self.step();
        }
        self.now = end;
        for flow in &mut self.flows {
            flow.record_until(end);
        }
    }

    fn next_event(&self) -> Time {
        let due = self.passing.front().map_or(Time::MAX, |p| p.due);
        let flows = self.flows.iter().map(|flow| flow.next_event(self.now));
        flows.fold(due, Time::min)
    }

    fn step(&mut self) {
        while let Some(passing) = self.passing.front().copied() {
            if passing.due > self.now {
                break;
            }
            self.passing.pop_front();
            self.flows[passing.flow].on_arrival(self.now, passing.arrival, self.is_down);
        }
        for index in 0..self.flows.len() {
            self.flows[index].on_timers(self.now);
            while let Some((number, ecn)) = self.flows[index].poll_packet(self.now) {
                self.accept(index, number, ecn);
            }
        }
    }

    /// Puts a packet into the queue, unless it is lost or the queue is full.
    fn accept(&mut self, flow: usize, number: u64, ecn: Ecn) {
        let wait = self.free_at.since(self.now);
        let queued = self.rate.bytes_in(wait);
        let [loss, jitter] = self.draws.map(|draws| draws.unit(self.accepted));
        self.accepted += 1;
        if self.is_down || queued + PACKET > self.buffer || loss < self.loss {
            self.flows[flow].on_drop(self.now, number);
            return;
        }
        let marked = ecn != Ecn::NotEct && self.mark_above.is_some_and(|above| wait > above);
        self.free_at = self.now.max(self.free_at) + self.rate.time_for(PACKET);
        let back = if self.reports.is_some() {
            Span::ZERO
        } else {
            self.rtt / 2
        };
        let newest = self.passing.back().map_or(Time::ZERO, |p| p.due);
        let at = self.free_at + self.rtt / 2 + self.jitter.mul_f64(jitter);
        let at = at.max(newest.saturating_sub(back));
        self.waits.push((self.now, wait));
        self.flows[flow].on_wait(self.now, wait);
        self.passing.push_back(Passing {
            flow,
            arrival: Arrival {
                seq: number,
                at: Some(at),
                ecn: if marked { Ecn::Ce } else { ecn },
            },
            due: at + back,
        });
    }
}

/// The mean rate of some bytes of intervals.
pub(super) fn rate_of(intervals: &[Interval], bytes: impl Fn(&Interval) -> Bytes) -> Bitrate {
    let sum: Bytes = intervals.iter().map(bytes).sum();
    sum.per(Interval::LENGTH * intervals.len() as u64)
}
