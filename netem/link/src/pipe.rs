//! Packets on their way to the far end, in the order in which they get there.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use weaknet_core::packet::Packet;
use weaknet_core::{Span, Time};

/// A packet that has been given its time of release.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) release: Time,
    /// Its number on this link: packets of the same instant keep their order.
    pub(crate) index: u64,
    pub(crate) arrived: Time,
    pub(crate) waited: Span,
    pub(crate) packet: Packet,
}

impl InFlight {
    const fn key(&self) -> (Time, u64) {
        (self.release, self.index)
    }
}

impl PartialEq for InFlight {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for InFlight {}

impl PartialOrd for InFlight {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for InFlight {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The propagation pipe.
pub(crate) enum Pipe {
    /// Nobody overtakes: a ring, and the release of the last packet put in.
    Ordered(VecDeque<InFlight>, Time),
    /// Packets may overtake each other.
    Reordering(BinaryHeap<Reverse<InFlight>>),
}

impl Pipe {
    pub(crate) fn new(reorders: bool) -> Self {
        if reorders {
            Self::Reordering(BinaryHeap::new())
        } else {
            Self::Ordered(VecDeque::new(), Time::ZERO)
        }
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, mut packet: InFlight) {
        match self {
            Self::Ordered(ring, last) => {
                packet.release = packet.release.max(*last);
                *last = packet.release;
                ring.push_back(packet);
            }
            Self::Reordering(heap) => heap.push(Reverse(packet)),
        }
    }

    /// When the next packet is released.
    pub(crate) fn next_release(&self) -> Option<Time> {
        match self {
            Self::Ordered(ring, _) => ring.front().map(|packet| packet.release),
            Self::Reordering(heap) => heap.peek().map(|Reverse(packet)| packet.release),
        }
    }

    /// The next packet if it is released by `now`.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<InFlight> {
        if self.next_release()? > now {
            return None;
        }
        match self {
            Self::Ordered(ring, _) => ring.pop_front(),
            Self::Reordering(heap) => heap.pop().map(|Reverse(packet)| packet),
        }
    }

    /// The sizes of all packets in the pipe.
    pub(crate) fn sizes(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::Ordered(ring, _) => Box::new(ring.iter().map(|packet| packet.packet.size)),
            Self::Reordering(heap) => {
                Box::new(heap.iter().map(|Reverse(packet)| packet.packet.size))
            }
        }
    }
}
