//! Packets sorted by the time at which they are to be sent, and those before
//! them that are sent at once.

use std::collections::{BTreeMap, VecDeque};

use crate::model::Queued;

/// What a netem queue holds. Times are in nanoseconds and may lie before the
/// start of the run.
#[derive(Debug, Default)]
pub(super) struct DelayLine {
    /// The next one in front; each with the time at which it came.
    at_once: VecDeque<(i64, Queued)>,
    /// By time, then in order of arrival.
    timed: BTreeMap<(i64, u64), Queued>,
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
        self.timed.insert((at, self.arrivals), queued);
        self.arrivals += 1;
    }

    /// The latest time of all packets; of those that are sent at once only the
    /// last one counts.
    pub(super) fn last(&self) -> Option<i64> {
        let at_once = self.at_once.back().map(|(at, _)| *at);
        let timed = self.timed.last_key_value().map(|((at, _), _)| *at);
        at_once.max(timed)
    }

    /// The time of the first packet that has one.
    pub(super) fn first(&self) -> Option<i64> {
        self.timed.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn pop_at_once(&mut self) -> Option<Queued> {
        let (_, queued) = self.at_once.pop_front()?;
        self.bytes -= u64::from(queued.packet.size);
        Some(queued)
    }

    pub(super) fn pop(&mut self) -> Option<Queued> {
        let (_, queued) = self.timed.pop_first()?;
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
