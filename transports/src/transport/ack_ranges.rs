//! Acknowledgements by ranges of packet numbers, at both ends.
//!
//! Implements: RFC 9000 section 13.2: an acknowledgement after so many packets
//! or so long, at once when a packet is out of order or leaves a gap, and for
//! one marked CE; 32 ranges at most, the newest (13.2.3); the delay of the
//! largest number (13.2.5); counts of ECN codepoints (13.4.1). Arrival times of
//! the newest packets on request, as draft-smith-quic-receive-ts-01 (2022).
//! RFC 5681 section 4.2 and RFC 2018 ask for the same but for holes in the
//! stream, of which [`AckGenerator::on_packet`] is told.
//! Differs: the sender says from which number on it wants to know (RFC 9000
//! 13.2.4 learns that from acknowledgements of acknowledgements; for TCP it is
//! the cumulative point). A duplicate is answered at once (RFC 5681).

use std::collections::VecDeque;
use std::ops::Range;

use weaknet_core::packet::{Ack, AckDetails, Arrival, Ecn};
use weaknet_core::{Span, Time};

use super::ranges::Ranges;

/// Most ranges of one acknowledgement.
const MAX_RANGES: usize = 32;
/// Most arrival times of one acknowledgement.
const MAX_ARRIVALS: usize = 32;

/// When acknowledgements are made and what they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AckRules {
    /// At the latest with so many packets.
    pub every: u32,
    /// And after this time.
    pub max_delay: Span,
    /// Whether they carry arrival times.
    pub arrival_times: bool,
}

/// Remembers what has arrived and acknowledges it.
#[derive(Debug, Clone)]
pub struct AckGenerator {
    rules: AckRules,
    arrived: Ranges,
    /// The sender wants to know nothing about lower numbers.
    floor: u64,
    largest_at: Time,
    /// Packets since the last acknowledgement.
    pending: u32,
    due: Option<Time>,
    ecn: [u64; 3],
    recent: VecDeque<Arrival>,
}

impl AckGenerator {
    /// A generator that has seen nothing.
    #[must_use]
    pub fn new(rules: AckRules) -> Self {
        Self {
            rules,
            arrived: Ranges::new(),
            floor: 0,
            largest_at: Time::ZERO,
            pending: 0,
            due: None,
            ecn: [0; 3],
            recent: VecDeque::with_capacity(MAX_ARRIVALS),
        }
    }

    /// Packet `number` arrived. Its sender wants to know nothing about numbers
    /// below `floor`; `hole` says that bytes before it are missing in the stream,
    /// which asks for an answer at once.
    pub fn on_packet(&mut self, now: Time, number: u64, floor: u64, ecn: Ecn, hole: bool) {
        match ecn {
            Ecn::NotEct => {}
            Ecn::Ect0 => self.ecn[0] += 1,
            Ecn::Ect1 => self.ecn[1] += 1,
            Ecn::Ce => self.ecn[2] += 1,
        }
        let expected = self.arrived.last().map_or(self.floor, |last| last.end);
        if floor > self.floor {
            self.floor = floor;
            self.arrived.remove(0..floor);
        }
        let fresh = number >= self.floor && self.arrived.insert(number..number.saturating_add(1));
        while self.arrived.len() > MAX_RANGES {
            self.arrived.pop_first();
        }
        if number >= expected {
            self.largest_at = now;
        }
        if fresh && self.rules.arrival_times {
            if self.recent.len() == MAX_ARRIVALS {
                self.recent.pop_front();
            }
            let at = Some(now);
            self.recent.push_back(Arrival {
                seq: number,
                at,
                ecn,
            });
        }
        self.pending += 1;
        let at_once = hole
            || number != expected
            || !fresh
            || ecn == Ecn::Ce
            || self.pending >= self.rules.every;
        let due = if at_once {
            now
        } else {
            now + self.rules.max_delay
        };
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
    }

    /// When an acknowledgement is due.
    #[must_use]
    pub const fn next_wake(&self) -> Option<Time> {
        self.due
    }

    /// The acknowledgement that is due.
    pub fn poll(&mut self, now: Time) -> Option<Ack> {
        self.due.filter(|due| *due <= now)?;
        self.due = None;
        self.pending = 0;
        let newest = self.arrived.last()?;
        let delay = now.since(self.largest_at).as_micros();
        let further = self.arrived.len() > 1;
        let more = (further || self.ecn != [0; 3] || !self.recent.is_empty()).then(|| {
            let ranges = self.arrived.iter().rev().skip(1);
            Box::new(AckDetails {
                ranges: ranges.map(|range| (range.start, range.end - 1)).collect(),
                ecn: self.ecn,
                arrivals: self.recent.iter().copied().collect(),
            })
        });
        Some(Ack {
            largest: newest.end - 1,
            before: u32::try_from(newest.end - 1 - newest.start).unwrap_or(u32::MAX),
            delay_us: u32::try_from(delay).unwrap_or(u32::MAX),
            more,
        })
    }
}

/// Acknowledges media in datagrams, whose sender does not say what it still
/// waits for: what has been acknowledged for so long is not said again.
#[derive(Debug, Clone)]
pub struct DatagramAcks {
    generator: AckGenerator,
    /// When acknowledgements were made, and the numbers where they ended.
    made: VecDeque<(Time, u64)>,
    floor: u64,
}

impl DatagramAcks {
    /// How long numbers are repeated.
    pub const REPEAT: Span = Span::from_millis(500);

    /// Nothing has arrived.
    #[must_use]
    pub fn new(rules: AckRules) -> Self {
        Self {
            generator: AckGenerator::new(rules),
            made: VecDeque::new(),
            floor: 0,
        }
    }

    /// Packet `number` arrived.
    pub fn on_packet(&mut self, now: Time, number: u64, ecn: Ecn) {
        let old = |made: &mut (Time, u64)| now.since(made.0) >= Self::REPEAT;
        while let Some((_, end)) = self.made.pop_front_if(old) {
            self.floor = self.floor.max(end);
        }
        self.generator
            .on_packet(now, number, self.floor, ecn, false);
    }

    /// When an acknowledgement is due.
    #[must_use]
    pub const fn next_wake(&self) -> Option<Time> {
        self.generator.next_wake()
    }

    /// The acknowledgement that is due.
    pub fn poll(&mut self, now: Time) -> Option<Ack> {
        let ack = self.generator.poll(now)?;
        self.made.push_back((now, ack.largest.saturating_add(1)));
        Some(ack)
    }
}

/// The numbers that acknowledgements have named so far.
#[derive(Debug, Clone, Default)]
pub struct AckedNumbers {
    named: Ranges,
    fresh: Vec<Range<u64>>,
}

impl AckedNumbers {
    /// Takes an acknowledgement in and yields the numbers, ascending, that it
    /// names first, from `floor` to below `end`.
    pub fn on_ack(&mut self, ack: &Ack, floor: u64, end: u64) -> impl Iterator<Item = u64> + '_ {
        self.named.remove(0..floor);
        self.fresh.clear();
        let top = (
            ack.largest.saturating_sub(u64::from(ack.before)),
            ack.largest,
        );
        let further = ack.more.iter().flat_map(|more| more.ranges.iter().rev());
        for &(first, last) in further.chain([&top]) {
            let range = first.max(floor)..last.saturating_add(1).min(end);
            let before = self.fresh.len();
            self.fresh.extend(self.named.missing(range.clone()));
            for range in &self.fresh[before..] {
                self.named.insert(range.clone());
            }
        }
        self.fresh.iter().cloned().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(n: u64) -> Time {
        Time::from_millis(n)
    }

    fn generator(arrival_times: bool) -> AckGenerator {
        AckGenerator::new(AckRules {
            every: 2,
            max_delay: Span::from_millis(25),
            arrival_times,
        })
    }

    #[test]
    fn every_second_packet_or_25_ms() {
        let mut acks = generator(false);
        acks.on_packet(ms(0), 0, 0, Ecn::NotEct, false);
        assert_eq!((acks.poll(ms(24)), acks.next_wake()), (None, Some(ms(25))));
        let ack = acks.poll(ms(25)).unwrap();
        assert_eq!((ack.largest, ack.before, ack.delay_us), (0, 0, 25_000));
        acks.on_packet(ms(30), 1, 0, Ecn::NotEct, false);
        acks.on_packet(ms(31), 2, 0, Ecn::NotEct, false);
        let ack = acks.poll(ms(31)).unwrap();
        assert_eq!((ack.largest, ack.before, ack.delay_us), (2, 2, 0));
        assert_eq!((ack.more, acks.next_wake()), (None, None));
    }

    #[test]
    fn gaps_reordering_duplicates_holes_and_marks_are_answered_at_once() {
        for (number, ecn, hole) in [
            (2, Ecn::NotEct, false),
            (0, Ecn::NotEct, false),
            (1, Ecn::Ce, false),
            (1, Ecn::NotEct, true),
        ] {
            let mut acks = generator(false);
            acks.on_packet(ms(0), 0, 0, Ecn::NotEct, false);
            acks.poll(ms(25));
            acks.on_packet(ms(30), number, 0, ecn, hole);
            assert_eq!(acks.next_wake(), Some(ms(30)), "{number} {ecn:?} {hole}");
        }
        let mut acks = generator(false);
        acks.on_packet(ms(0), 1, 0, Ecn::NotEct, false);
        assert!(acks.poll(ms(0)).is_some(), "the first packet is missing");
        acks.on_packet(ms(1), 0, 0, Ecn::NotEct, false);
        let ack = acks.poll(ms(1)).unwrap();
        // The largest number arrived a millisecond ago.
        assert_eq!((ack.largest, ack.before, ack.delay_us), (1, 1, 1_000));
    }

    #[test]
    fn says_no_more_than_the_sender_waits_for() {
        let mut acks = generator(true);
        for number in (0..200).step_by(2) {
            acks.on_packet(ms(number), number, 0, Ecn::Ect0, false);
        }
        let more = acks.poll(ms(200)).unwrap().more.unwrap();
        assert_eq!((more.ranges.len(), more.ecn), (31, [100, 0, 0]));
        assert_eq!(more.ranges[0], (196, 196));
        assert_eq!(more.arrivals.len(), 32);
        acks.on_packet(ms(300), 200, 194, Ecn::NotEct, false);
        let more = acks.poll(ms(300)).unwrap().more.unwrap();
        assert_eq!(more.ranges, [(198, 198), (196, 196), (194, 194)]);
        // What lies below is old news.
        acks.on_packet(ms(301), 3, 3, Ecn::NotEct, false);
        assert_eq!(
            acks.poll(ms(301)).unwrap().more.unwrap().ranges,
            more.ranges
        );
    }

    #[test]
    fn datagrams_are_acknowledged_for_half_a_second() {
        let mut acks = DatagramAcks::new(generator(false).rules);
        acks.on_packet(ms(0), 0, Ecn::NotEct);
        acks.on_packet(ms(10), 2, Ecn::NotEct);
        assert_eq!(acks.next_wake(), Some(ms(10)), "a gap");
        let ack = acks.poll(ms(10)).unwrap();
        assert_eq!((ack.largest, ack.more.unwrap().ranges), (2, vec![(0, 0)]));
        for (at, first) in [(509, Some((0, 0))), (512, Some((509, 509)))] {
            acks.on_packet(ms(at), at, Ecn::NotEct);
            let ranges = acks.poll(ms(at)).unwrap().more.map(|more| more.ranges);
            let last = ranges.and_then(|ranges| ranges.last().copied());
            assert_eq!(last, first, "{at}");
        }
    }

    proptest! {
        #[test]
        fn both_ends_agree_while_acknowledgements_get_lost(
            packets in prop::collection::vec((0u64..40, any::<bool>()), 1..60)
        ) {
            let mut acks = generator(false);
            let (mut acked, mut known, mut sent) = (AckedNumbers::default(), Vec::new(), Vec::new());
            for (at, (number, arrives)) in (0..).zip(packets) {
                acks.on_packet(ms(at), number, 0, Ecn::NotEct, false);
                sent.push(number);
                if let Some(ack) = acks.poll(ms(at)).filter(|_| arrives) {
                    known.extend(acked.on_ack(&ack, 0, 100));
                    let (mut want, mut found) = (sent.clone(), known.clone());
                    want.sort_unstable();
                    want.dedup();
                    found.sort_unstable();
                    prop_assert_eq!(found, want);
                }
            }
        }

        #[test]
        fn any_ack_names_a_number_once(acks in prop::collection::vec((any::<u64>(), any::<u32>(), prop::collection::vec((0u64..200, 0u64..200), 0..6)), 1..20)) {
            let (mut acked, mut known) = (AckedNumbers::default(), Vec::new());
            for (largest, before, ranges) in acks {
                let more = Some(Box::new(AckDetails { ranges, ..AckDetails::default() }));
                let ack = Ack { largest, before, delay_us: 0, more };
                known.extend(acked.on_ack(&ack, 10, 100));
            }
            let count = known.len();
            known.sort_unstable();
            known.dedup();
            prop_assert_eq!(known.len(), count);
            prop_assert!(known.iter().all(|n| (10..100).contains(n)));
        }
    }
}
