//! The rules of `nack_requester.cc`, each with its test: `kUpdateInterval` 20 ms,
//! `kDefaultRtt` 100 ms, a first request at once and others each round trip
//! (`a_new_gap..`); retries 100 in 2026, 10 in 2024 (`gives_up..`); `kMaxPacketAge`
//! 10 000 (`numbers_10_000..`); `kMaxNackPackets` 1000 with and without key frames
//! (`more_than_1000..`, `the_older_rule..`); recovered packets (`repaired..`);
//! `ClearUpTo` (`decoded..`); the send delay of at most 20 ms (`the_first_request..`).

use super::*;
use proptest::prelude::*;

const RULES: Rules = Rules {
    max_retries: 100,
    list_full: ListFull::Clear,
    process_interval: Span::from_millis(20),
    send_delay: Span::ZERO,
};

const NOTHING: [u64; 0] = [];

const fn usable(seq: u64, key: bool, repaired: bool) -> UsablePacket {
    UsablePacket {
        seq,
        timestamp: 0,
        key,
        repaired,
    }
}

struct Bench {
    requester: NackRequester,
    out: Vec<u64>,
}

impl Bench {
    fn new(rules: Rules) -> Self {
        Self {
            requester: NackRequester::new(rules, Span::from_millis(100)),
            out: Vec::new(),
        }
    }
    /// A media packet: what is asked for at once.
    fn packet(&mut self, now: Time, seq: u64) -> Vec<u64> {
        self.requester
            .on_packet(now, &usable(seq, false, false), &mut self.out);
        std::mem::take(&mut self.out)
    }
    fn repaired(&mut self, now: Time, seq: u64) {
        self.requester
            .on_packet(now, &usable(seq, false, true), &mut self.out);
        assert!(self.out.is_empty());
    }
    /// Ticks until `until`: when, and what is asked for.
    fn ticks(&mut self, until: Time) -> Vec<(u64, Vec<u64>)> {
        let mut all = Vec::new();
        while let Some(now) = self.requester.next_wake().filter(|now| *now <= until) {
            self.requester.wake(now, &mut self.out);
            assert!(self.requester.next_wake().is_none_or(|next| next > now));
            all.push((now.as_nanos(), std::mem::take(&mut self.out)));
        }
        all
    }
}

fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

#[test]
fn a_new_gap_is_asked_for_at_once_and_again_every_rtt_on_the_20_ms_grid() {
    let mut b = Bench::new(RULES);
    assert_eq!(b.packet(Time::from_nanos(1_234_567), 10), NOTHING);
    assert_eq!(b.packet(at(5), 14), [11, 12, 13]);
    assert_eq!(b.packet(at(6), 15), NOTHING);
    // 105 ms after the start: the next tick is at 1.234567 + 6 * 20 ms, and
    // from there every 100 ms are five ticks.
    let grid = |k: u64| 1_234_567 + k * 20_000_000;
    assert_eq!(
        b.ticks(at(230)),
        [(grid(6), vec![11, 12, 13]), (grid(11), vec![11, 12, 13])]
    );
    b.requester.on_rtt(Span::from_millis(50));
    assert_eq!(b.packet(at(231), 12), NOTHING);
    assert_eq!(
        b.ticks(at(345)),
        [(grid(14), vec![11, 13]), (grid(17), vec![11, 13])]
    );
    b.packet(at(346), 11);
    b.packet(at(347), 13);
    assert_eq!(b.requester.next_wake(), None);
    assert_eq!(
        [11, 12, 13, 14].map(|n| b.requester.times_requested(n)),
        [5, 3, 5, 0]
    );
}

#[test]
fn the_first_packet_and_duplicates_ask_for_nothing() {
    let mut b = Bench::new(RULES);
    assert_eq!(
        (
            b.packet(at(0), 500),
            b.packet(at(1), 500),
            b.packet(at(2), 300)
        ),
        (vec![], vec![], vec![])
    );
    assert_eq!(b.requester.next_wake(), None);
}

#[test]
fn repaired_packets_are_not_asked_for() {
    let mut b = Bench::new(RULES);
    b.packet(at(0), 1);
    b.repaired(at(1), 3);
    b.repaired(at(1), 4);
    assert_eq!(b.packet(at(2), 6), [2, 5]);
    b.repaired(at(3), 2);
    assert_eq!(b.ticks(at(150)).last().unwrap().1, [5]);
    assert_eq!(b.requester.times_requested(2), 1);
}

#[test]
fn gives_up_after_100_or_10_requests() {
    for (max_retries, end) in [(100, 9_900), (10, 900)] {
        let mut b = Bench::new(Rules {
            max_retries,
            ..RULES
        });
        b.packet(at(0), 1);
        assert_eq!(b.packet(at(0), 3), [2]);
        let ticks = b.ticks(Time::from_secs(60));
        assert_eq!(ticks.len(), max_retries as usize - 1);
        assert_eq!(ticks.last().unwrap().0, end * 1_000_000);
        assert_eq!(b.requester.next_wake(), None);
    }
}

#[test]
fn more_than_1000_missing_clear_the_list_and_want_a_key_frame() {
    let mut b = Bench::new(RULES);
    b.packet(at(0), 0);
    assert_eq!(b.packet(at(1), 1001).len(), 1000);
    let wish = b
        .requester
        .on_packet(at(2), &usable(1003, false, false), &mut b.out);
    assert!(wish.key_frame && b.out.is_empty());
    assert_eq!(b.requester.next_wake(), None);
    assert_eq!(b.packet(at(3), 1005), [1004]);
    assert!(
        b.requester
            .on_packet(at(4), &usable(u64::MAX, true, false), &mut b.out)
            .key_frame
    );
}

#[test]
fn the_older_rule_cuts_the_list_at_key_frames() {
    let mut b = Bench::new(Rules {
        list_full: ListFull::CutAtKeyFrames,
        ..RULES
    });
    b.packet(at(0), 0);
    b.packet(at(1), 600);
    b.requester
        .on_packet(at(2), &usable(601, true, false), &mut b.out);
    assert_eq!(b.packet(at(3), 902).len(), 300);
    // 599 + 300 are listed; 200 more only fit without the 599.
    let wish = b
        .requester
        .on_packet(at(4), &usable(1103, false, false), &mut b.out);
    assert_eq!((wish, b.out.len()), (Wish::default(), 200));
    b.out.clear();
    assert_eq!(b.requester.missing.front().unwrap().seq, 602);
    // No key frame is left that anything precedes.
    let wish = b
        .requester
        .on_packet(at(5), &usable(1703, false, false), &mut b.out);
    assert!(wish.key_frame);
    assert!(b.requester.missing.is_empty());
}

#[test]
fn numbers_10_000_behind_are_given_up() {
    let mut b = Bench::new(RULES);
    b.packet(at(0), 0);
    b.packet(at(0), 2);
    for seq in 3..=10_001 {
        b.packet(at(0), seq);
    }
    assert_eq!(b.requester.missing.len(), 1);
    b.packet(at(0), 10_002);
    assert_eq!(b.requester.missing.len(), 0, "1 is 10 001 behind 10 002");
}

#[test]
fn decoded_packets_are_cleared_below_the_given_number() {
    let mut b = Bench::new(RULES);
    b.packet(at(0), 0);
    b.packet(at(0), 5);
    b.requester.clear_up_to(at(1), 3);
    assert_eq!(b.ticks(at(100)), [(100_000_000, vec![3, 4])]);
}

#[test]
fn the_first_request_can_be_held_back() {
    let mut b = Bench::new(Rules {
        send_delay: Span::from_millis(15),
        ..RULES
    });
    b.packet(at(0), 0);
    assert_eq!(b.packet(at(2), 3), NOTHING);
    assert_eq!(b.packet(at(10), 1), NOTHING);
    assert_eq!(b.packet(at(16), 4), NOTHING);
    assert_eq!(
        b.packet(at(17), 5),
        [2],
        "15 ms after the gap was seen, with the next packet"
    );
    let mut b = Bench::new(Rules {
        send_delay: Span::from_millis(15),
        ..RULES
    });
    b.packet(at(0), 0);
    b.packet(at(2), 2);
    assert_eq!(
        b.ticks(at(119)),
        [(20_000_000, vec![1])],
        "or at the next tick"
    );
}

proptest! {
    #[test]
    fn asks_only_for_what_is_missing_and_never_twice_within_an_rtt(
        steps in proptest::collection::vec((0u64..400, any::<bool>(), any::<bool>(), 0u64..30), 1..300),
        old in any::<bool>(),
    ) {
        let list_full = if old { ListFull::CutAtKeyFrames } else { ListFull::Clear };
        let mut b = Bench::new(Rules { list_full, ..RULES });
        let mut now = Time::ZERO;
        let mut have = BTreeSet::new();
        let mut asked = std::collections::BTreeMap::new();
        for (seq, key, repaired, pause) in steps {
            let until = now + Span::from_millis(pause);
            let mut nacks: Vec<(Time, Vec<u64>)> =
                b.ticks(until).into_iter().map(|(at, n)| (Time::from_nanos(at), n)).collect();
            for (_, list) in &nacks {
                prop_assert!(list.iter().all(|n| !have.contains(n)));
            }
            now = until;
            b.requester.on_packet(now, &usable(seq, key, repaired), &mut b.out);
            have.insert(seq);
            nacks.push((now, std::mem::take(&mut b.out)));
            for (at, list) in nacks {
                prop_assert!(list.windows(2).all(|w| w[0] < w[1]), "ascending");
                for n in list {
                    let last = asked.insert(n, at);
                    prop_assert!(last.is_none_or(|last| at.since(last) >= Span::from_millis(100)));
                }
            }
            prop_assert!(b.requester.missing.iter().all(|m| !have.contains(&m.seq)));
            prop_assert_eq!(b.requester.fresh, b.requester.missing.iter().filter(|m| m.requested.is_none()).count());
        }
    }

    #[test]
    fn survives_any_numbers(steps in proptest::collection::vec((any::<u64>(), any::<u64>(), any::<bool>()), 1..100)) {
        let mut b = Bench::new(RULES);
        for (nanos, seq, clear) in steps {
            let now = Time::from_nanos(nanos);
            if clear {
                b.requester.clear_up_to(now, seq);
            } else {
                b.packet(now, seq);
            }
            b.requester.on_rtt(Span::from_nanos(nanos));
            b.requester.wake(now, &mut b.out);
            b.out.clear();
            let _ = b.requester.next_wake();
        }
    }
}
