//! The books of a link.

use std::ops::{Add, AddAssign};

/// A number of packets and of their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Packets.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
}

impl Tally {
    /// One packet.
    #[must_use]
    pub const fn one(size: u32) -> Self {
        Self {
            packets: 1,
            bytes: size as u64,
        }
    }
}

impl Add for Tally {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            packets: self.packets + other.packets,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), Add::add)
    }
}

/// What became of the packets that arrived at a link. At every instant
/// `arrived` and `copied` together are the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Arrived.
    pub arrived: Tally,
    /// Copies that the link made.
    pub copied: Tally,
    /// Delivered at the far end.
    pub delivered: Tally,
    /// Dropped by the queue, or refused on arrival.
    pub dropped: Tally,
    /// Lost by the loss model.
    pub lost: Tally,
    /// Still there: waiting, in service or on the way.
    pub inside: Tally,
}
