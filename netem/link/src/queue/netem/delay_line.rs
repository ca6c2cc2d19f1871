//! Packets sorted by the time at which they are to be sent, and those before
//! them that are sent at once.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use crate::model::Queued;

/// A packet with the time at which it is to be sent.
#[derive(Debug)]
struct Timed {
    at: i64,
    /// Its place among those of the same time.
    arrival: u64,
    queued: Queued,
}

impl Timed {
    const fn key(&self) -> (i64, u64) {
        (self.at, self.arrival)
    }
}

impl PartialEq for Timed {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Timed {}

impl PartialOrd for Timed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// What a netem queue holds. Times are in nanoseconds and may lie before the
/// start of the run.
#[derive(Debug, Default)]
pub(super) struct DelayLine {
    /// The next one in front; each with the time at which it came.
    at_once: VecDeque<(i64, Queued)>,
    /// By time, then in order of arrival.
    timed: BinaryHeap<Reverse<Timed>>,
    /// The latest time in `timed` while there is any.
    latest: i64,
    arrivals: u64,
    bytes: u64,
}

impl DelayLine {
    /// Takes a packet that is sent before all others.
    pub(super) fn push_at_once(&mut self, now: i64, queued: Queued) {
        self.bytes += u64::from(queued.packet.size);
        self.at_once.push_front((now, queued));
    }

    /// Takes a packet that is sent at a time.
    pub(super) fn push(&mut self, at: i64, queued: Queued) {
        self.bytes += u64::from(queued.packet.size);
        self.latest = if self.timed.is_empty() {
            at
        } else {
            self.latest.max(at)
        };
        self.timed.push(Reverse(Timed {
            at,
            arrival: self.arrivals,
            queued,
        }));
        self.arrivals += 1;
    }

    /// The latest time of all packets; of those that are sent at once only the
    /// last one counts.
    pub(super) fn last(&self) -> Option<i64> {
        let at_once = self.at_once.back().map(|(at, _)| *at);
        // They leave by ascending time: the latest is there to the end.
        let timed = (!self.timed.is_empty()).then_some(self.latest);
        at_once.max(timed)
    }

    /// The time of the first packet that has one.
    pub(super) fn first(&self) -> Option<i64> {
        self.timed.peek().map(|Reverse(timed)| timed.at)
    }

    pub(super) fn pop_at_once(&mut self) -> Option<Queued> {
        let (_, queued) = self.at_once.pop_front()?;
        self.bytes -= u64::from(queued.packet.size);
        Some(queued)
    }

    pub(super) fn pop(&mut self) -> Option<Queued> {
        let Reverse(Timed { queued, .. }) = self.timed.pop()?;
        self.bytes -= u64::from(queued.packet.size);
        Some(queued)
    }

    pub(super) fn packets(&self) -> u64 {
        (self.at_once.len() + self.timed.len()) as u64
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }
}
