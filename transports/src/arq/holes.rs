//! The sequence numbers that are missing, for requesters of our own design.
//!
//! Implements: as libwebrtc's list (2026-07), a number is missing when a newer
//! one arrives; numbers 10 000 behind are given up; a packet that repair brought
//! before the gap was seen is never missing; when more are missing than the list
//! holds, all are forgotten.

use std::collections::{BTreeSet, VecDeque};

use weaknet_core::{Span, Time};

use super::UsablePacket;
use super::asked::Asked;

/// Numbers further behind the newest are given up.
const MAX_AGE: u64 = 10_000;

/// A missing packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) seq: u64,
    /// Its timestamp is not above this one, that of the first packet behind the
    /// gap.
    pub(super) latest: u64,
    /// When it was asked for last.
    pub(super) requested: Option<Time>,
    /// How often it was asked for.
    pub(super) times: u32,
    /// Once it is not asked for any more: until when it may still come.
    pub(super) until: Option<Time>,
}

impl Hole {
    /// It is asked for.
    pub(super) fn request(&mut self, now: Time, nack: &mut Vec<u64>) {
        self.requested = Some(now);
        self.times = self.times.saturating_add(1);
        nack.push(self.seq);
    }

    /// When it may be asked for again.
    pub(super) fn again(&self, interval: Span) -> Time {
        self.requested.map_or(Time::ZERO, |at| at + interval)
    }
}

/// What a packet did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// It was missing.
    Filled(Hole),
    /// Others before it are missing.
    Opened,
    /// More are missing than the list holds: it has been cleared.
    Overflow,
}

/// The list.
#[derive(Debug, Clone)]
pub(super) struct Holes {
    most: usize,
    newest: Option<u64>,
    /// By sequence number.
    list: VecDeque<Hole>,
    /// Repaired before the gap was seen.
    ahead: BTreeSet<u64>,
    asked: Asked,
}

impl Holes {
    /// An empty list of at most `most` numbers.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            newest: None,
            list: VecDeque::new(),
            ahead: BTreeSet::new(),
            asked: Asked::new(),
        }
    }

    pub(super) fn on_packet(&mut self, packet: &UsablePacket) -> Change {
        let seq = packet.seq;
        let newest = *self.newest.get_or_insert(seq);
        if seq <= newest {
            return self.fill(seq).map_or(Change::None, Change::Filled);
        }
        if packet.repaired {
            self.ahead.insert(seq);
            self.trim(seq.saturating_sub(MAX_AGE));
            return Change::None;
        }
        self.newest = Some(seq);
        self.clear_below(seq.saturating_sub(MAX_AGE));
        let gap = usize::try_from(seq - newest - 1).unwrap_or(usize::MAX);
        if gap == 0 {
            return Change::None;
        }
        if self.list.len().saturating_add(gap) > self.most {
            self.retain(|_| false);
            return Change::Overflow;
        }
        let missing = (newest + 1..seq).filter(|seq| !self.ahead.contains(seq));
        let before = self.list.len();
        self.list.extend(missing.map(|seq| Hole {
            seq,
            latest: packet.timestamp,
            requested: None,
            times: 0,
            until: None,
        }));
        if self.list.len() > before {
            Change::Opened
        } else {
            Change::None
        }
    }

    fn fill(&mut self, seq: u64) -> Option<Hole> {
        let place = self.list.binary_search_by_key(&seq, |hole| hole.seq).ok()?;
        let hole = self.list.remove(place)?;
        self.asked.remember(seq, hole.times);
        Some(hole)
    }

    /// Nothing below `seq` is of use any more, and none of it will be missing.
    pub(super) fn clear_below(&mut self, seq: u64) {
        let floor = seq.saturating_sub(1);
        self.newest = self.newest.map(|newest| newest.max(floor));
        while let Some(hole) = self.list.front().copied().filter(|hole| hole.seq < seq) {
            self.asked.remember(hole.seq, hole.times);
            self.list.pop_front();
        }
        self.trim(seq);
    }

    fn trim(&mut self, seq: u64) {
        while self.ahead.first().is_some_and(|first| *first < seq) {
            self.ahead.pop_first();
        }
    }

    /// Keeps those of which `keep` says so; the others are forgotten.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut Hole) -> bool) {
        let asked = &mut self.asked;
        self.list.retain_mut(|hole| {
            let kept = keep(hole);
            if !kept {
                asked.remember(hole.seq, hole.times);
            }
            kept
        });
    }

    /// Ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Hole> {
        self.list.iter()
    }

    /// How often the packet was asked for.
    pub(super) fn times_requested(&self, seq: u64) -> u32 {
        match self.list.binary_search_by_key(&seq, |hole| hole.seq) {
            Ok(place) => self.list.get(place).map_or(0, |hole| hole.times),
            Err(_) => self.asked.times(seq),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn packet(seq: u64, repaired: bool) -> UsablePacket {
        UsablePacket {
            seq,
            timestamp: seq * 10,
            key: false,
            repaired,
        }
    }

    fn missing(holes: &Holes) -> Vec<u64> {
        holes.iter().map(|hole| hole.seq).collect()
    }

    #[test]
    fn a_gap_is_known_with_the_first_packet_behind_it() {
        let mut holes = Holes::new(10);
        assert_eq!(holes.on_packet(&packet(5, false)), Change::None);
        assert_eq!(holes.on_packet(&packet(7, true)), Change::None);
        assert_eq!(holes.on_packet(&packet(9, false)), Change::Opened);
        assert_eq!(missing(&holes), [6, 8]);
        assert!(holes.iter().all(|hole| hole.latest == 90));
        assert!(matches!(holes.on_packet(&packet(8, true)), Change::Filled(hole) if hole.seq == 8));
        assert_eq!(holes.on_packet(&packet(8, true)), Change::None);
        assert_eq!(missing(&holes), [6]);
    }

    #[test]
    fn a_full_list_is_cleared() {
        let mut holes = Holes::new(10);
        holes.on_packet(&packet(0, false));
        assert_eq!(holes.on_packet(&packet(11, false)), Change::Opened);
        assert_eq!(holes.on_packet(&packet(13, false)), Change::Overflow);
        assert!(missing(&holes).is_empty());
    }

    #[test]
    fn how_often_it_was_asked_for_is_remembered() {
        let mut holes = Holes::new(10);
        holes.on_packet(&packet(0, false));
        holes.on_packet(&packet(4, false));
        let mut nack = Vec::new();
        holes.retain(|hole| {
            hole.request(Time::ZERO, &mut nack);
            hole.seq != 2
        });
        holes.on_packet(&packet(1, true));
        holes.clear_below(4);
        assert_eq!(nack, [1, 2, 3]);
        assert_eq!(
            [0, 1, 2, 3, 4].map(|n| holes.times_requested(n)),
            [0, 1, 1, 1, 0]
        );
    }

    proptest! {
        #[test]
        fn lists_what_is_missing_and_no_more_than_it_holds(
            steps in prop::collection::vec((0u64..300, any::<bool>(), 0u64..60), 1..200),
        ) {
            let mut holes = Holes::new(50);
            let mut have = BTreeSet::new();
            for (seq, repaired, clear) in steps {
                holes.on_packet(&packet(seq, repaired));
                have.insert(seq);
                if clear == 0 {
                    holes.clear_below(seq / 2);
                }
                let list = missing(&holes);
                prop_assert!(list.len() <= 50);
                prop_assert!(list.windows(2).all(|w| w[0] < w[1]));
                prop_assert!(list.iter().all(|n| !have.contains(n)));
            }
        }

        #[test]
        fn survives_any_numbers(steps in prop::collection::vec((any::<u64>(), any::<bool>()), 1..60)) {
            let mut holes = Holes::new(1000);
            for (seq, repaired) in steps {
                let packet = UsablePacket { timestamp: seq, ..packet(0, repaired) };
                holes.on_packet(&UsablePacket { seq, ..packet });
                prop_assert!(missing(&holes).len() <= 1000);
            }
        }
    }
}
