//! A closed loop: flows that send as much as their controllers allow, over one
//! link that knows no chance.
//!
//! The link has a constant rate, a drop-tail buffer in bytes and, if asked
//! for, marks every ECN-capable packet that has waited for longer than a
//! threshold. Every packet that arrives is acknowledged alone and at once; a
//! dropped one is reported lost with the first later packet of its flow, or by
//! a timeout when none is left.

use std::collections::VecDeque;

use weaknet_core::packet::{Arrival, Ecn};
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::PACKET;
use super::flow::{Flow, Interval};
use crate::cc::CongestionController;

/// A packet between the two ends.
#[derive(Debug, Clone, Copy)]
struct Passing {
    flow: usize,
    arrival: Arrival,
    /// When the sender learns of it.
    acked: Time,
}

/// A bottleneck and the flows over it.
pub(crate) struct IdealLink {
    rate: Bitrate,
    rtt: Span,
    buffer: Bytes,
    mark_above: Option<Span>,
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
    /// A link of that rate, with `rtt` of propagation there and back and room
    /// for `buffer` bytes.
    pub(crate) const fn new(rate: Bitrate, rtt: Span, buffer: Bytes) -> Self {
        Self {
            rate,
            rtt,
            buffer,
            mark_above: None,
            now: Time::ZERO,
            free_at: Time::ZERO,
            passing: VecDeque::new(),
            flows: Vec::new(),
            waits: Vec::new(),
        }
    }

    /// Marks packets that waited longer than `wait`.
    pub(crate) const fn marking_above(mut self, wait: Span) -> Self {
        self.mark_above = Some(wait);
        self
    }

    /// Adds a flow that starts now and always has something to send. Returns
    /// its index.
    pub(crate) fn add(&mut self, controller: Box<dyn CongestionController>) -> usize {
        self.flows.push(Flow::new(self.now, controller, None));
        self.flows.len() - 1
    }

    /// Adds a flow that starts now and has no more than `rate` to send.
    pub(crate) fn add_limited(
        &mut self,
        controller: Box<dyn CongestionController>,
        rate: Bitrate,
    ) -> usize {
        self.flows.push(Flow::new(self.now, controller, Some(rate)));
        self.flows.len() - 1
    }

    /// Changes the rate for the packets that are accepted from now on.
    pub(crate) const fn set_rate(&mut self, rate: Bitrate) {
        self.rate = rate;
    }

    /// Changes the room for the packets that are accepted from now on; without
    /// any the link is down.
    pub(crate) const fn set_buffer(&mut self, buffer: Bytes) {
        self.buffer = buffer;
    }

    /// What the application of a flow has to send from now on; `None`: always
    /// something.
    pub(crate) fn set_application(&mut self, flow: usize, rate: Option<Bitrate>) {
        self.flows[flow].set_application(self.now, rate);
    }

    pub(crate) const fn now(&self) -> Time {
        self.now
    }

    pub(crate) fn controller(&self, flow: usize) -> &dyn CongestionController {
        self.flows[flow].controller()
    }

    /// What happened to a flow in each 100 ms since it started.
    pub(crate) fn intervals(&self, flow: usize) -> &[Interval] {
        self.flows[flow].intervals()
    }

    /// Rate of delivery over the last `span` (whole intervals).
    pub(crate) fn throughput(&self, flow: usize, span: Span) -> Bitrate {
        let count = (span.as_nanos() / Interval::LENGTH.as_nanos()) as usize;
        let all = self.intervals(flow);
        let last = &all[all.len().saturating_sub(count)..];
        let delivered: Bytes = last.iter().map(|interval| interval.delivered).sum();
        delivered.per(Interval::LENGTH * last.len() as u64)
    }

    /// That share of the packets of the last `span` waited no longer.
    pub(crate) fn wait_percentile(&self, span: Span, share: f64) -> Span {
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
    pub(crate) fn run(&mut self, span: Span) {
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
        let ack = self.passing.front().map_or(Time::MAX, |p| p.acked);
        let flows = self.flows.iter().map(|flow| flow.next_event());
        flows.fold(ack, Time::min)
    }

    fn step(&mut self) {
        while let Some(passing) = self.passing.front().copied() {
            if passing.acked > self.now {
                break;
            }
            self.passing.pop_front();
            self.flows[passing.flow].on_ack(self.now, passing.arrival);
        }
        for index in 0..self.flows.len() {
            let flow = &mut self.flows[index];
            flow.on_timers(self.now);
            while let Some((number, ecn)) = self.flows[index].poll_packet(self.now) {
                self.accept(index, number, ecn);
            }
        }
    }

    /// Puts a packet into the queue, unless it is full.
    fn accept(&mut self, flow: usize, number: u64, ecn: Ecn) {
        let wait = self.free_at.since(self.now);
        let queued = self.rate.bytes_in(wait);
        if queued + PACKET > self.buffer {
            self.flows[flow].on_drop(self.now, number);
            return;
        }
        let marked = ecn != Ecn::NotEct && self.mark_above.is_some_and(|above| wait > above);
        self.free_at = self.now.max(self.free_at) + self.rate.time_for(PACKET);
        let at = self.free_at + self.rtt / 2;
        self.waits.push((self.now, wait));
        self.flows[flow].on_wait(self.now, wait);
        self.passing.push_back(Passing {
            flow,
            arrival: Arrival {
                seq: number,
                at: Some(at),
                ecn: if marked { Ecn::Ce } else { ecn },
            },
            acked: self.free_at + self.rtt,
        });
    }
}
