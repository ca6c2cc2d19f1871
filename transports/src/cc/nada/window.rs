//! The packets of the last `LOGWIN`, and what they add up to.
//!
//! Sums are kept up to date and the largest delay is the front of a queue of
//! those that no later packet exceeds, so that neither a report nor a packet
//! costs more when many are in the window.

use std::collections::VecDeque;

use weaknet_core::{Span, Time};

/// Packets in the window before memory is asked for: 20 Mbit/s.
const ROOM: usize = 1_024;

/// What became of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    Lost,
    Received {
        bytes: u64,
        /// One-way delay in nanoseconds.
        delay: i64,
        marked: bool,
        /// Counted as lost before.
        recovered: bool,
    },
}

/// What the packets of the window add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Packets that should have arrived.
    pub(super) expected: u64,
    pub(super) lost: u64,
    pub(super) marked: u64,
    pub(super) bytes: u128,
}

impl Totals {
    const fn of(fate: Fate) -> Self {
        match fate {
            Fate::Lost => Self {
                expected: 1,
                lost: 1,
                marked: 0,
                bytes: 0,
            },
            Fate::Received {
                bytes,
                marked,
                recovered,
                ..
            } => Self {
                expected: !recovered as u64,
                lost: 0,
                marked: (marked && !recovered) as u64,
                bytes: bytes as u128,
            },
        }
    }

    const fn add(&mut self, other: Self) {
        self.expected += other.expected;
        self.lost += other.lost;
        self.marked += other.marked;
        self.bytes += other.bytes;
    }

    const fn remove(&mut self, other: Self) {
        self.expected -= other.expected;
        self.lost -= other.lost;
        self.marked -= other.marked;
        self.bytes -= other.bytes;
    }
}

/// The window.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// Ascending by time: arrival by the receiver's clock; of a lost packet that
    /// of its report.
    seen: VecDeque<(Time, Fate)>,
    totals: Totals,
    /// Delays larger than all later ones, ascending by time.
    peaks: VecDeque<(Time, i64)>,
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            seen: VecDeque::with_capacity(ROOM),
            totals: Totals::default(),
            peaks: VecDeque::with_capacity(ROOM),
        }
    }

    pub(super) fn clear(&mut self) {
        self.seen.clear();
        self.totals = Totals::default();
        self.peaks.clear();
    }

    pub(super) fn push(&mut self, at: Time, fate: Fate) {
        let place = self.seen.partition_point_from_back(at);
        self.seen.insert(place, (at, fate));
        self.totals.add(Totals::of(fate));
        if let Fate::Received { delay, .. } = fate {
            self.push_peak(at, delay);
        }
    }

    fn push_peak(&mut self, at: Time, delay: i64) {
        let place = self.peaks.partition_point_from_back(at);
        if self.peaks.get(place).is_some_and(|later| later.1 >= delay) {
            return;
        }
        let lower = self.peaks.range(..place).rev();
        let lower = lower.take_while(|earlier| earlier.1 <= delay).count();
        self.peaks.drain(place - lower..place);
        self.peaks.insert(place - lower, (at, delay));
    }

    /// Forgets packets that are `length` or more older than `end`.
    pub(super) fn expire(&mut self, end: Time, length: Span) {
        let is_old = |at: Time| end.since(at) >= length;
        while let Some((_, fate)) = self.seen.front().copied().filter(|seen| is_old(seen.0)) {
            self.seen.pop_front();
            self.totals.remove(Totals::of(fate));
        }
        while self.peaks.front().is_some_and(|peak| is_old(peak.0)) {
            self.peaks.pop_front();
        }
    }

    pub(super) const fn totals(&self) -> Totals {
        self.totals
    }

    pub(super) fn most_delay(&self) -> Option<i64> {
        self.peaks.front().map(|peak| peak.1)
    }

    #[cfg(test)]
    pub(super) fn room(&self) -> (usize, usize) {
        (self.seen.len(), self.seen.capacity())
    }
}

/// Where something of that time goes behind all that is not later; nearly always
/// the end.
trait PartitionPointFromBack {
    fn partition_point_from_back(&self, at: Time) -> usize;
}

impl<T> PartitionPointFromBack for VecDeque<(Time, T)> {
    fn partition_point_from_back(&self, at: Time) -> usize {
        let later = self.iter().rev().take_while(|entry| entry.0 > at).count();
        self.len() - later
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// As if everything were kept and looked through each time.
        #[test]
        fn sums_and_largest_delay_are_those_of_the_packets(
            packets in prop::collection::vec((0_u64..40, -50_i64..50, 0_u64..3, 0_u8..4), 1..200),
        ) {
            let (mut window, mut all) = (Window::new(), Vec::new());
            let (length, mut base, mut end) = (Span::from_millis(100), 0, Time::ZERO);
            for (step, delay, bytes, kind) in packets {
                // Up to 20 ms back in time.
                base += step / 2;
                let at = Time::from_millis((base + 20).saturating_sub(step));
                let fate = if kind == 0 {
                    Fate::Lost
                } else {
                    Fate::Received { bytes, delay, marked: kind == 1, recovered: kind == 2 }
                };
                end = end.max(at);
                window.push(at, fate);
                all.push((at, fate));
                window.expire(end, length);
                all.retain(|seen| end.since(seen.0) < length);
                let mut totals = Totals::default();
                all.iter().for_each(|seen| totals.add(Totals::of(seen.1)));
                prop_assert_eq!(window.totals(), totals);
                let delays = all.iter().filter_map(|seen| match seen.1 {
                    Fate::Lost => None,
                    Fate::Received { delay, .. } => Some(delay),
                });
                prop_assert_eq!(window.most_delay(), delays.max());
            }
        }
    }
}
