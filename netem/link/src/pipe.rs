//! Packets on their way to the far end, in the order in which they get there.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use weaknet_core::packet::Packet;
use weaknet_core::{Span, Time};

use crate::ring::Ring;

/// A packet that has been given its time of release.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) release: Time,
    pub(crate) arrived: Time,
    pub(crate) waited: Span,
    pub(crate) packet: Packet,
}

/// A vacant place.
impl Default for InFlight {
    fn default() -> Self {
        Self {
            release: Time::ZERO,
            arrived: Time::ZERO,
            waited: Span::ZERO,
            packet: Packet::VACANT,
        }
    }
}

/// The propagation pipe.
pub(crate) enum Pipe {
    /// Nobody overtakes: a ring, and the release of the last packet put in.
    Ordered(Ring<InFlight>, Time),
    /// Packets may overtake each other.
    Reordering(Box<Disorder>),
}

impl Pipe {
    pub(crate) fn ordered() -> Self {
        Self::Ordered(Ring::new(), Time::ZERO)
    }

    /// A pipe in which packets may be displaced; the others keep their order
    /// unless `free`.
    pub(crate) fn reordering(free: bool) -> Self {
        Self::Reordering(Box::new(Disorder {
            free,
            ..Disorder::default()
        }))
    }

    /// Whether packets that come from now on keep their order; those of an ordered
    /// pipe always do.
    pub(crate) fn set_free(&mut self, free: bool) {
        if let Self::Reordering(disorder) = self {
            disorder.free = free;
        }
    }

    /// Puts in a packet that keeps its place in the order, out of its place
    /// ([`Packet::take`]), and says when it is released: not before its
    /// predecessor.
    #[inline(always)]
    pub(crate) fn push_from(
        &mut self,
        packet: &mut Packet,
        release: Time,
        arrived: Time,
        waited: Span,
    ) -> Time {
        match self {
            Self::Ordered(ring, last) => {
                let release = release.max(*last);
                *last = release;
                let place = ring.push();
                // A vacant place against a packet.
                std::mem::swap(&mut place.packet, packet);
                (place.release, place.arrived, place.waited) = (release, arrived, waited);
                release
            }
            Self::Reordering(disorder) => disorder.push(InFlight {
                release,
                arrived,
                waited,
                packet: packet.take(),
            }),
        }
    }

    /// Puts in a packet that keeps its place in the order.
    pub(crate) fn push(&mut self, mut in_flight: InFlight) {
        let InFlight {
            release,
            arrived,
            waited,
            ref mut packet,
        } = in_flight;
        self.push_from(packet, release, arrived, waited);
    }

    /// Puts in a packet that leaves its place in the order.
    pub(crate) fn push_displaced(&mut self, packet: InFlight) {
        match self {
            Self::Ordered(..) => self.push(packet),
            Self::Reordering(disorder) => disorder.push_displaced(packet),
        }
    }

    /// Puts in a packet that is released right after `successors` packets that
    /// keep their place behind it, `at_most` after its own time at the latest.
    pub(crate) fn push_behind(&mut self, packet: InFlight, successors: u32, at_most: Span) {
        match self {
            Self::Ordered(..) => self.push(packet),
            Self::Reordering(disorder) => disorder.push_behind(packet, successors, at_most),
        }
    }

    /// When the next packet is released.
    #[inline(always)]
    pub(crate) fn next_release(&self) -> Option<Time> {
        match self {
            Self::Ordered(ring, _) => ring.front().map(|packet| packet.release),
            Self::Reordering(disorder) => disorder.next_release(),
        }
    }

    /// Takes out the next packet if it is released by `now`, and says whether.
    #[inline(always)]
    pub(crate) fn pop_due(&mut self, now: Time) -> bool {
        if self.next_release().is_none_or(|at| at > now) {
            return false;
        }
        match self {
            Self::Ordered(ring, _) => ring.pop(),
            Self::Reordering(disorder) => disorder.pop(),
        }
        true
    }

    /// The packet that was taken out last, before anything else is put in.
    #[inline(always)]
    pub(crate) fn popped(&mut self) -> &mut InFlight {
        match self {
            Self::Ordered(ring, _) => ring.popped(),
            Self::Reordering(disorder) => &mut disorder.out,
        }
    }

    /// The sizes of all packets in the pipe.
    pub(crate) fn sizes(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::Ordered(ring, _) => Box::new(ring.iter().map(|packet| packet.packet.size)),
            Self::Reordering(disorder) => Box::new(disorder.sizes()),
        }
    }
}

/// A packet with a time of release of its own.
#[derive(Debug)]
struct Loose {
    /// Its number in the pipe: packets of the same instant keep their order.
    number: u64,
    /// Whether those that are held back count it.
    in_place: bool,
    in_flight: InFlight,
}

impl Loose {
    const fn key(&self) -> (Time, u64) {
        (self.in_flight.release, self.number)
    }
}

impl PartialEq for Loose {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Loose {}

impl PartialOrd for Loose {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Loose {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// A packet that waits for others to pass it.
#[derive(Debug)]
struct Held {
    number: u64,
    /// How many are still to pass.
    successors: u32,
    /// Its `release` is the latest instant.
    in_flight: InFlight,
}

/// A pipe in which packets may overtake each other.
#[derive(Debug, Default)]
pub(crate) struct Disorder {
    /// Whether packets that are not displaced may overtake each other too.
    free: bool,
    last: Time,
    next_number: u64,
    loose: BinaryHeap<Reverse<Loose>>,
    /// A few at most.
    held: Vec<Held>,
    /// Where a packet stays that has been taken out.
    out: InFlight,
}

impl Disorder {
    fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    fn push(&mut self, mut in_flight: InFlight) -> Time {
        if !self.free {
            in_flight.release = in_flight.release.max(self.last);
            self.last = in_flight.release;
        }
        let (number, release) = (self.number(), in_flight.release);
        self.loose.push(Reverse(Loose {
            number,
            in_place: true,
            in_flight,
        }));
        release
    }

    fn push_displaced(&mut self, in_flight: InFlight) {
        let number = self.number();
        self.loose.push(Reverse(Loose {
            number,
            in_place: false,
            in_flight,
        }));
    }

    fn push_behind(&mut self, mut in_flight: InFlight, successors: u32, at_most: Span) {
        if successors == 0 {
            self.push(in_flight);
            return;
        }
        in_flight.release = in_flight.release.max(self.last) + at_most;
        let number = self.number();
        self.held.push(Held {
            number,
            successors,
            in_flight,
        });
    }

    fn next_release(&self) -> Option<Time> {
        let loose = self.loose.peek().map(|Reverse(loose)| loose.key());
        let held = self.first_held().map(|(_, key)| key);
        loose.into_iter().chain(held).min().map(|(at, _)| at)
    }

    /// The held packet whose latest instant comes first.
    fn first_held(&self) -> Option<(usize, (Time, u64))> {
        let keys = self
            .held
            .iter()
            .map(|held| (held.in_flight.release, held.number));
        keys.enumerate().min_by_key(|(_, key)| *key)
    }

    fn pop(&mut self) {
        if let Some(first) = self.take_first() {
            self.out = first;
        }
    }

    fn take_first(&mut self) -> Option<InFlight> {
        let loose = self.loose.peek().map(|Reverse(loose)| loose.key());
        if let Some((at, key)) = self.first_held()
            && loose.is_none_or(|loose| key < loose)
        {
            return Some(self.held.remove(at).in_flight);
        }
        let Reverse(loose) = self.loose.pop()?;
        if loose.in_place {
            self.passed(loose.number, loose.in_flight.release);
        }
        Some(loose.in_flight)
    }

    /// Lets go those that were waiting for a packet to pass.
    fn passed(&mut self, number: u64, at: Time) {
        let mut index = 0;
        while index < self.held.len() {
            let held = &mut self.held[index];
            if held.number < number {
                held.successors -= 1;
                if held.successors == 0 {
                    let held = self.held.remove(index);
                    let mut in_flight = held.in_flight;
                    in_flight.release = at;
                    // Of all that are in place it has the lowest number: it is next.
                    self.loose.push(Reverse(Loose {
                        number: held.number,
                        in_place: false,
                        in_flight,
                    }));
                    continue;
                }
            }
            index += 1;
        }
    }

    fn sizes(&self) -> impl Iterator<Item = u32> + '_ {
        let loose = self.loose.iter().map(|Reverse(loose)| &loose.in_flight);
        let held = self.held.iter().map(|held| &held.in_flight);
        loose.chain(held).map(|in_flight| in_flight.packet.size)
    }
}
