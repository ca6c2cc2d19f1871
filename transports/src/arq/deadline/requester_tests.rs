use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const RULES: Rules = Rules {
    ahead: Span::from_millis(15),
    grace: Span::ZERO,
    deviations: 2.0,
    max_retries: 10,
    key_frames: true,
};

const NOTHING: [u64; 0] = [];

fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

fn ms(ms: u64) -> Span {
    Span::from_millis(ms)
}

/// One packet each 10 ms, each with a timestamp of its own.
fn packet(seq: u64, repaired: bool) -> UsablePacket {
    UsablePacket {
        seq,
        timestamp: seq * 900,
        key: false,
        repaired,
    }
}

/// A requester that knows a steady round trip and has seen packet 0 at 0 ms.
fn requester(rtt: u64, delay: u64) -> DeadlineRequester {
    let mut r = DeadlineRequester::new(RULES, ms(100));
    for _ in 0..60 {
        r.on_rtt(ms(rtt));
    }
    r.on_playout_delay(ms(delay));
    r.on_packet(at(0), &packet(0, false), &mut Vec::new());
    r
}

fn arrive(r: &mut DeadlineRequester, seq: u64) -> Vec<u64> {
    let mut nack = Vec::new();
    let wish = r.on_packet(at(seq * 10), &packet(seq, false), &mut nack);
    assert_eq!(wish, Wish::default());
    nack
}

#[test]
fn asks_while_the_answer_comes_before_the_play_out() {
    // Packet 2 reveals the loss of 1 at 20 ms; its own timestamp is due at
    // 20 + 100 ms, and an answer is there at 20 + 80 + 15.
    let mut r = requester(80, 100);
    assert_eq!(arrive(&mut r, 2), [1]);
    assert_eq!((r.times_requested(1), r.take_forgone()), (1, 0));
    // One millisecond less of a buffer than that takes, and nobody is asked.
    let mut r = requester(80, 94);
    assert_eq!(arrive(&mut r, 2), NOTHING);
    assert_eq!((r.times_requested(1), r.take_forgone()), (0, 1));
    assert_eq!(r.take_forgone(), 0, "told once");
}

#[test]
fn a_picture_may_stand_still_for_the_grace() {
    let grace = ms(50);
    for (delay, asked) in [(46, vec![1]), (44, vec![])] {
        let mut r = requester(80, delay);
        r.rules.grace = grace;
        assert_eq!(arrive(&mut r, 2), asked, "{delay} ms");
    }
}

#[test]
fn asks_again_as_long_as_there_is_time() {
    let mut r = requester(40, 150);
    assert_eq!(arrive(&mut r, 2), [1]);
    let (mut nack, mut asked) = (Vec::new(), Vec::new());
    loop {
        let now = r.next_wake().unwrap();
        let wish = r.wake(now, &mut nack);
        if wish.key_frame {
            assert_eq!(now, at(170), "due 150 ms after 20 ms");
            break;
        }
        asked.extend(nack.drain(..).map(|seq| (now.as_millis(), seq)));
    }
    // At 60 and 100 ms; at 140 an answer would come at 180.
    assert_eq!(asked, [(60, 1), (100, 1)]);
    assert_eq!((r.take_forgone(), r.next_wake()), (1, None));
    assert_eq!(r.times_requested(1), 3);
}

#[test]
fn nothing_is_asked_for_between_a_loss_for_good_and_a_key_frame() {
    let mut r = requester(80, 94);
    assert_eq!(arrive(&mut r, 2), NOTHING, "too late");
    r.on_playout_delay(ms(200));
    assert_eq!(arrive(&mut r, 4), NOTHING, "of no use without 1");
    assert_eq!(r.take_forgone(), 1);
    // A key frame of packets 7 and 8, of one timestamp; 7 is lost.
    let key = UsablePacket {
        timestamp: 7 * 900,
        key: true,
        ..packet(8, false)
    };
    arrive(&mut r, 6);
    let mut nack = Vec::new();
    r.on_packet(at(80), &key, &mut nack);
    assert_eq!(nack, [7]);
    assert_eq!(arrive(&mut r, 10), [9]);
}

#[test]
fn what_is_not_asked_for_may_still_be_repaired() {
    let mut r = requester(300, 100);
    assert_eq!(arrive(&mut r, 2), NOTHING);
    let wish = r.on_packet(at(60), &packet(1, true), &mut Vec::new());
    assert_eq!((wish, r.next_wake()), (Wish::default(), None));
}

#[test]
fn key_frames_are_asked_for_once_per_wait() {
    let mut r = requester(300, 100);
    let mut wishes = Vec::new();
    for seq in (2..80).step_by(2) {
        let now = at(seq * 10);
        if r.on_packet(now, &packet(seq, false), &mut Vec::new())
            .key_frame
        {
            wishes.push(now.as_millis());
        }
        while let Some(now) = r.next_wake().filter(|now| *now < at(seq * 10 + 20)) {
            if r.wake(now, &mut Vec::new()).key_frame {
                wishes.push(now.as_millis());
            }
        }
    }
    // The first is due at 20 + 100 ms; then 300 ms and what is left of the
    // variation pass.
    assert_eq!(wishes.len(), 3, "{wishes:?}");
    assert_eq!(wishes[0], 120);
    assert!(wishes.windows(2).all(|w| w[1] - w[0] >= 300), "{wishes:?}");
}

#[test]
fn answers_teach_how_long_they_take() {
    let mut r = requester(40, 200);
    let before = r.answer_time();
    assert_eq!(arrive(&mut r, 2), [1]);
    r.on_packet(at(140), &packet(1, true), &mut Vec::new());
    assert!(r.answer_time() > before + ms(30), "{}", r.answer_time());
    // A late original is no answer.
    let mut r = requester(40, 200);
    arrive(&mut r, 2);
    r.on_packet(at(140), &packet(1, false), &mut Vec::new());
    assert_eq!(r.answer_time(), before);
}

#[test]
fn too_many_missing_want_a_key_frame_at_once() {
    let mut r = requester(40, 200);
    let wish = r.on_packet(at(10), &packet(1_002, false), &mut Vec::new());
    assert!(wish.key_frame);
    assert_eq!(r.next_wake(), None);
}

proptest! {
    #[test]
    fn never_asks_for_what_is_there_nor_for_what_would_be_late(
        steps in prop::collection::vec((1u64..4, 0u64..40, any::<bool>(), 0u64..300), 1..150),
        rtt in 1u64..400,
    ) {
        let mut r = DeadlineRequester::new(RULES, ms(rtt));
        let (mut now, mut seq) = (at(0), 0);
        let mut have = BTreeSet::new();
        let mut times: BTreeMap<u64, u32> = BTreeMap::new();
        for (skip, pause, repaired, delay) in steps {
            let until = now + ms(pause);
            let mut nack = Vec::new();
            while let Some(wake) = r.next_wake().filter(|wake| *wake <= until) {
                now = now.max(wake);
                let wish = r.wake(now, &mut nack);
                prop_assert!(!wish.key_frame || nack.is_empty());
                let earliest = now + r.answer_time() + RULES.ahead;
                for n in nack.drain(..) {
                    prop_assert!(!have.contains(&n));
                    let hole = r.holes.iter().find(|hole| hole.seq == n).unwrap();
                    prop_assert!(earliest <= r.clock.due(hole.latest));
                    *times.entry(n).or_default() += 1;
                }
            }
            now = until;
            r.on_playout_delay(ms(delay));
            seq += skip;
            let which = if repaired { seq - skip.min(seq) } else { seq };
            have.insert(which);
            r.on_packet(now, &packet(which, repaired), &mut nack);
            let earliest = now + r.answer_time() + RULES.ahead;
            for n in nack.drain(..) {
                prop_assert!(!have.contains(&n));
                let hole = r.holes.iter().find(|hole| hole.seq == n).unwrap();
                prop_assert!(earliest <= r.clock.due(hole.latest));
                *times.entry(n).or_default() += 1;
            }
            prop_assert!(r.holes.iter().count() <= MOST);
        }
        prop_assert!(times.values().all(|times| *times <= RULES.max_retries));
    }

    #[test]
    fn survives_any_numbers(steps in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>(), any::<bool>()), 1..80)) {
        let mut r = DeadlineRequester::new(RULES, ms(100));
        for (nanos, seq, timestamp, repaired) in steps {
            let now = Time::from_nanos(nanos);
            let packet = UsablePacket { seq, timestamp, key: false, repaired };
            r.on_playout_delay(Span::from_nanos(timestamp));
            r.on_packet(now, &packet, &mut Vec::new());
            r.on_rtt(Span::from_nanos(seq));
            r.wake(now, &mut Vec::new());
            let _ = r.next_wake();
            r.clear_up_to(now, timestamp);
        }
    }
}
