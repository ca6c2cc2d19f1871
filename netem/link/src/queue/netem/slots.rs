//! Slots: packets leave in groups, at instants of their own.

use super::chance::Source;
use super::delay::Spread;

/// Time from one slot to the next.
#[derive(Debug, Clone)]
pub(super) enum Interval {
    /// Uniform between two values, in nanoseconds.
    Between(i64, i64),
    /// Spread around a mean.
    Spread(Spread),
}

/// The slots of a queue.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    pub(super) interval: Interval,
    /// Packets and bytes after which a slot ends.
    pub(super) packets: i64,
    pub(super) bytes: i64,
    /// When packets may leave; the first slot starts with the queue.
    pub(super) next: i64,
    pub(super) packets_left: i64,
    pub(super) bytes_left: i64,
}

impl Slots {
    pub(super) const fn new(interval: Interval, packets: i64, bytes: i64) -> Self {
        Self {
            interval,
            packets,
            bytes,
            next: 0,
            packets_left: packets,
            bytes_left: bytes,
        }
    }

    /// Starts the wait for the next slot.
    pub(super) fn renew(&mut self, now: i64, source: &mut impl Source) {
        let wait = match &self.interval {
            Interval::Between(min, max) => {
                let range = i128::from(max - min);
                min + ((i128::from(source.draw()) * range) >> 32) as i64
            }
            Interval::Spread(spread) if spread.jitter == 0 => spread.mean,
            Interval::Spread(spread) => spread.at(source.draw()),
        };
        self.next = now.saturating_add(wait);
        self.packets_left = self.packets;
        self.bytes_left = self.bytes;
    }

    /// Counts a packet that leaves.
    pub(super) fn leave(&mut self, now: i64, size: u32, source: &mut impl Source) {
        self.packets_left -= 1;
        self.bytes_left -= i64::from(size);
        if self.packets_left <= 0 || self.bytes_left <= 0 {
            self.renew(now, source);
        }
    }
}
