//! The receiver's half of a parity scheme, on numbers.
//!
//! Implements: iterative ("peeling") decoding as in libwebrtc's
//! `ForwardErrorCorrection::AttemptRecovery` (2026-07): a repair packet with one
//! packet missing recovers it, which may complete others. Memory is bounded as
//! there: the newest media packets that a mask can span, and 48 repair packets,
//! of which the one that protects the oldest packets goes first. What is not
//! remembered counts as missing.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use weaknet_core::Time;

use crate::fec::{FecDecoder, Repair};

/// Repair packets that wait (`kUlpfecMaxMediaPackets`).
const MAX_REPAIRS: usize = 48;
/// A repair packet so far behind the newest number is given up
/// (`kOldSequenceThreshold`).
const OLD: u64 = 0x3fff;

/// Recovers single losses, again and again.
#[derive(Debug)]
pub(crate) struct Peeler {
    span: usize,
    /// Ascending.
    have: VecDeque<u64>,
    /// What repair packets protect, by their last number. Of each two packets
    /// are missing.
    waiting: VecDeque<Vec<u64>>,
}

impl Peeler {
    /// Remembers so many media packets.
    pub(crate) const fn new(span: usize) -> Self {
        Self {
            span,
            have: VecDeque::new(),
            waiting: VecDeque::new(),
        }
    }

    fn remember(&mut self, seq: u64) {
        if let Err(place) = self.have.binary_search(&seq) {
            self.have.insert(place, seq);
        }
        while self.have.len() > self.span {
            self.have.pop_front();
        }
    }

    fn missing(&self, protects: &[u64]) -> Missing {
        let mut missing = protects
            .iter()
            .filter(|seq| self.have.binary_search(seq).is_err());
        match (missing.next(), missing.next()) {
            (None, _) => Missing::Nothing,
            (Some(seq), None) => Missing::One(*seq),
            _ => Missing::More,
        }
    }

    /// Recovers what follows from packets that are new, within `new`.
    fn peel(&mut self, mut new: RangeInclusive<u64>, out: &mut Vec<u64>) {
        let mut at = 0;
        while let Some(protects) = self.waiting.get(at) {
            let (first, last) = (protects.first(), protects.last());
            let is_concerned = first <= Some(new.end()) && last >= Some(new.start());
            let missing = if is_concerned {
                self.missing(protects)
            } else {
                Missing::More
            };
            match missing {
                Missing::One(seq) => {
                    self.waiting.remove(at);
                    self.remember(seq);
                    out.push(seq);
                    new = seq.min(*new.start())..=seq.max(*new.end());
                    at = 0;
                }
                Missing::More if !self.is_old(protects) => at += 1,
                Missing::More | Missing::Nothing => {
                    self.waiting.remove(at);
                }
            }
        }
    }

    fn is_old(&self, protects: &[u64]) -> bool {
        let newest = self.have.back().copied().unwrap_or_default();
        let last = protects.last().copied().unwrap_or_default();
        newest > last.saturating_add(OLD)
    }
}

enum Missing {
    Nothing,
    One(u64),
    More,
}

impl FecDecoder for Peeler {
    fn on_media(&mut self, _: Time, seq: u64, out: &mut Vec<u64>) {
        self.remember(seq);
        self.peel(seq..=seq, out);
    }

    fn on_repair(&mut self, _: Time, repair: &Repair, out: &mut Vec<u64>) {
        let (Some(first), Some(last)) = (repair.protects.first(), repair.protects.last()) else {
            return;
        };
        let new = *first..=*last;
        let last = Some(last);
        let place = self.waiting.partition_point(|other| other.last() <= last);
        self.waiting.insert(place, repair.protects.clone());
        if self.waiting.len() > MAX_REPAIRS {
            self.waiting.pop_front();
        }
        self.peel(new, out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn repair(protects: &[u64]) -> Repair {
        Repair {
            protects: protects.to_vec(),
            symbol: 0,
            payload: 0,
        }
    }

    #[test]
    fn one_recovery_leads_to_the_next() {
        let mut peeler = Peeler::new(48);
        let mut out = Vec::new();
        for seq in [0, 3] {
            peeler.on_media(Time::ZERO, seq, &mut out);
        }
        peeler.on_repair(Time::ZERO, &repair(&[1, 2, 3]), &mut out);
        assert!(out.is_empty());
        peeler.on_repair(Time::ZERO, &repair(&[0, 1]), &mut out);
        assert_eq!(out, [1, 2]);
        assert!(peeler.waiting.is_empty());
    }

    #[test]
    fn what_is_forgotten_counts_as_missing() {
        let mut peeler = Peeler::new(3);
        let mut out = Vec::new();
        for seq in [0, 2, 3, 4] {
            peeler.on_media(Time::ZERO, seq, &mut out);
        }
        peeler.on_repair(Time::ZERO, &repair(&[0, 1, 2]), &mut out);
        assert!(out.is_empty());
        peeler.on_repair(Time::ZERO, &repair(&[1, 2, 3]), &mut out);
        assert_eq!(out, [1]);
    }

    proptest! {
        #[test]
        fn memory_is_bounded_and_nothing_that_follows_is_left(
            steps in proptest::collection::vec((any::<bool>(), 0u64..400, 1u64..0xffff_ffff), 0..400)
        ) {
            let mut peeler = Peeler::new(48);
            let mut out = Vec::new();
            for (is_media, seq, mask) in steps {
                let before = peeler.have.clone();
                out.clear();
                if is_media {
                    peeler.on_media(Time::ZERO, seq, &mut out);
                } else {
                    let protects = (0..48).filter(|bit| mask >> bit & 1 == 1).map(|bit| seq + bit);
                    peeler.on_repair(Time::ZERO, &repair(&protects.collect::<Vec<_>>()), &mut out);
                }
                prop_assert!(peeler.have.len() <= 48 && peeler.waiting.len() <= 48);
                prop_assert!(out.iter().all(|seq| !before.contains(seq)));
                let mut waiting = peeler.waiting.iter();
                prop_assert!(waiting.all(|repair| matches!(peeler.missing(repair), Missing::More)));
            }
        }
    }
}
