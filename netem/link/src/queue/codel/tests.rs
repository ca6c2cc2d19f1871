//! Vectors of queues-and-wire 1.1, the edges of RFC 8289, and its control law.

use std::collections::VecDeque;

use weaknet_core::event::DropReason;
use weaknet_core::packet::{Ecn, Packet};
use weaknet_core::{Bytes, Span, Time};

use super::{Codel, ControlLaw, Settings, State, Supply};
use crate::model::Queued;
use crate::queue::support::{Bench, Tested, packet, refusal};
use crate::queue::waiting::Waiting;

fn ms(n: u64) -> Time {
    Time::from_millis(n)
}

fn settings(law: ControlLaw) -> Settings {
    super::settings(
        law,
        Span::from_millis(5),
        Span::from_millis(100),
        Bytes::new(1500),
    )
    .unwrap()
}

/// The packets and their time of arrival.
fn waiting(arrived: Time, packets: impl IntoIterator<Item = Packet>) -> Waiting {
    let mut waiting = Waiting::default();
    for packet in packets {
        waiting.push(Queued { arrived, packet });
    }
    waiting
}

/// (step, packet) of each drop with the arrivals of vector A2, one call per
/// step.
fn overload_every(
    step: Span,
    settings: &Settings,
    until: u64,
) -> (Vec<(u64, u64)>, State, Waiting) {
    let mut state = State::default();
    let mut bench = Bench::new(10);
    let mut waiting = waiting(ms(0), (0..4000).map(|id| packet(id, 0, 1500)));
    let mut drops = Vec::new();
    for n in 0..=until {
        state.dequeue(settings, &mut waiting, &mut bench.at(Time::ZERO + step * n));
        for (id, reason) in bench.dropped() {
            assert_eq!(reason, DropReason::Aqm);
            drops.push((n, id));
        }
    }
    (drops, state, waiting)
}

fn overload(settings: &Settings, until_ms: u64) -> (Vec<(u64, u64)>, State, Waiting) {
    overload_every(Span::from_millis(1), settings, until_ms)
}

/// Vector A2.
#[test]
fn constant_overload() {
    let (drops, state, waiting) = overload(&settings(ControlLaw::Rfc8289), 1500);
    let first = [
        (105, 105),
        (205, 206),
        (276, 278),
        (334, 337),
        (384, 388),
        (429, 434),
        (469, 475),
        (507, 514),
        (543, 551),
        (576, 585),
        (608, 618),
        (638, 649),
        (667, 679),
        (694, 707),
        (721, 735),
        (747, 762),
        (772, 788),
        (796, 813),
        (820, 838),
        (843, 862),
        (865, 885),
        (887, 908),
        (908, 930),
        (929, 952),
        (949, 973),
        (969, 994),
        (989, 1015),
        (1008, 1035),
        (1027, 1055),
        (1046, 1075),
    ];
    assert_eq!(drops[..first.len()], first);
    assert_eq!(drops.len(), 59);
    assert_eq!((state.spacing.count(), state.last_count), (59, 1));
    assert_eq!((state.drop_next, state.dropping), (1_501_693_925, true));
    assert_eq!(waiting.packets(), 2440);
}

/// Vector A2 with the comparison of Linux: the interval is over one packet later,
/// and with it the whole schedule.
#[test]
fn strict_comparison_drops_one_packet_later() {
    let (drops, state, waiting) = overload(&settings(ControlLaw::Strict), 1500);
    let first = [
        (106, 106),
        (206, 207),
        (277, 279),
        (335, 338),
        (385, 389),
        (430, 435),
    ];
    assert_eq!(drops[..first.len()], first);
    let (exact, ..) = overload(&settings(ControlLaw::Rfc8289), 1499);
    let later: Vec<_> = exact.iter().map(|(ms, id)| (ms + 1, id + 1)).collect();
    assert_eq!(drops, later);
    assert_eq!((state.spacing.count(), state.last_count), (59, 1));
    assert_eq!((state.drop_next, state.dropping), (1_502_693_925, true));
    assert_eq!(waiting.packets(), 2440);
}

/// Linux on a grid of 1000 units of its clock: as the strict comparison, but
/// the square root of its one Newton step brings the third drop early.
#[test]
fn linux_compares_strictly_and_takes_a_rough_root() {
    const STEP: Span = Span::from_nanos(1_024_000);
    let law = ControlLaw::Linux;
    let settings = super::settings(law, STEP * 5, STEP * 100, Bytes::new(1500)).unwrap();
    let (drops, ..) = overload_every(STEP, &settings, 279);
    // 106 000 + 99 998 units, then + 50 000 and + 56 249 by one Newton step.
    assert_eq!(drops, [(106, 106), (206, 207), (256, 258)]);
}

/// Vector A1: instants after entering at 105 ms, from the law itself.
#[test]
fn drops_are_scheduled_from_the_schedule() {
    let schedule = [
        205_000_000,
        275_710_678,
        333_445_704,
        383_445_704,
        428_167_063,
        468_991_892,
        506_788_339,
        542_143_678,
        575_477_011,
        607_099_787,
        637_250_921,
        666_118_434,
        693_853_443,
        720_579_567,
        746_399_455,
    ];
    let settings = settings(ControlLaw::Rfc8289);
    let mut state = State::default();
    let mut bench = Bench::new(10);
    let mut waiting = waiting(ms(0), (0..4000).map(|id| packet(id, 0, 1500)));
    let mut seen = Vec::new();
    for n in 0..=746 {
        state.dequeue(&settings, &mut waiting, &mut bench.at(ms(n)));
        if state.dropping && seen.last() != Some(&state.drop_next) {
            seen.push(state.drop_next);
        }
    }
    assert_eq!(seen, schedule);
}

/// The control law against theory: after k drops since entering the schedule
/// stands at interval times the sum of 1/sqrt(i), which lies between
/// 2(sqrt(k+1)-1) and 2 sqrt(k)-1 intervals; each term is floored to 1 ns, so
/// that it falls short of the sum by less than k ns.
#[test]
fn drop_times_follow_the_sum_of_inverse_roots() {
    let (drops, state, _) = overload(&settings(ControlLaw::Rfc8289), 1500);
    let k = drops.len() as f64;
    let terms: f64 = (1..=drops.len()).map(|i| 1e8 / (i as f64).sqrt()).sum();
    let since_entry = (state.drop_next - 105_000_000) as f64;
    assert!(
        since_entry <= terms && since_entry > terms - k,
        "{since_entry} {terms}"
    );
    assert!(since_entry > 2e8 * ((k + 1.0).sqrt() - 1.0) - k);
    assert!(since_entry < 2e8 * k.sqrt() - 1e8);
}

/// A queue that never ends, each packet of a sojourn that the instant gives.
struct Endless<'a> {
    now: Time,
    sojourn: &'a dyn Fn(u64) -> u64,
}

impl Supply for Endless<'_> {
    fn pop(&mut self) -> Option<Queued> {
        let sojourn = Span::from_millis((self.sojourn)(self.now.as_millis()));
        Some(Queued {
            arrived: self.now.saturating_sub(sojourn),
            packet: packet(0, 0, 1500),
        })
    }

    fn backlog(&self) -> u64 {
        1_000_000
    }
}

/// Vector A3.
#[test]
fn count_is_remembered_for_sixteen_intervals() {
    let sojourn = |ms| match ms {
        1000..1100 | 2000..2100 | 2400..5000 => 1,
        _ => 20,
    };
    // Shifted, so that the packets of the first 20 ms have a time of arrival.
    const SHIFT: u64 = 1000;
    let settings = settings(ControlLaw::Rfc8289);
    let mut state = State::default();
    let mut bench = Bench::new(10);
    let (mut changes, mut drops) = (Vec::new(), Vec::new());
    for n in 0..=5600 {
        let was = state.dropping;
        let mut endless = Endless {
            now: ms(n + SHIFT),
            sojourn: &|ms| sojourn(ms - SHIFT),
        };
        state.dequeue(&settings, &mut endless, &mut bench.at(ms(n + SHIFT)));
        drops.extend(bench.dropped().iter().map(|_| n));
        if state.dropping != was {
            let drop_next = state.drop_next - SHIFT * 1_000_000;
            changes.push((
                n,
                state.dropping,
                state.spacing.count(),
                state.last_count,
                drop_next,
            ));
        }
    }
    assert_eq!(
        changes,
        [
            (100, true, 1, 1, 200_000_000),
            (1000, false, 27, 1, 1_002_787_831),
            (1200, true, 26, 26, 1_219_611_613),
            (2000, false, 82, 26, 2_006_626_296),
            (2200, true, 56, 56, 2_213_363_062),
            (2400, false, 71, 56, 2_401_185_411),
            (5100, true, 1, 1, 5_200_000_000),
        ]
    );
    let from = |at: u64, n: usize| {
        let drops = drops.iter().copied().filter(|ms| *ms >= at);
        drops.take(n).collect::<Vec<_>>()
    };
    assert_eq!(from(1200, 6), [1200, 1220, 1239, 1258, 1277, 1295]);
    assert_eq!(from(2200, 5), [2200, 2214, 2227, 2240, 2253]);
}

/// One call per ms on packets of given sojourns in us; the ms of the drops.
fn drops_with(sojourns: impl Fn(u64) -> u64, until_ms: u64) -> Vec<u64> {
    let settings = settings(ControlLaw::Rfc8289);
    let mut state = State::default();
    let mut bench = Bench::new(10);
    let mut drops = Vec::new();
    for n in 1000..1000 + until_ms {
        let mut supply = waiting(
            ms(n).saturating_sub(Span::from_nanos(sojourns(n - 1000))),
            (0..3).map(|id| packet(id, 0, 1500)),
        );
        state.dequeue(&settings, &mut supply, &mut bench.at(ms(n)));
        drops.extend(bench.dropped().iter().map(|_| n - 1000));
    }
    drops
}

#[test]
fn exactly_the_target_counts_as_above() {
    assert_eq!(drops_with(|_| 5_000_000, 150), [100]);
    assert_eq!(drops_with(|_| 4_999_999, 150), [0u64; 0]);
}

#[test]
fn one_good_packet_starts_the_interval_again() {
    let dip = |at| move |ms| if ms == at { 4_000_000 } else { 8_000_000 };
    assert_eq!(drops_with(dip(99), 250), [200]);
    assert_eq!(drops_with(dip(0), 150), [101]);
}

/// The bytes that are left after the packet count, not those before.
#[test]
fn a_queue_of_one_packet_is_never_acted_on() {
    let settings = settings(ControlLaw::Rfc8289);
    for (left, dropped) in [(0, false), (1, false), (2, true)] {
        let mut state = State::default();
        let mut bench = Bench::new(10);
        for n in 0..200 {
            let mut supply = waiting(ms(0), (0..=left).map(|id| packet(id, 0, 1500)));
            state.dequeue(&settings, &mut supply, &mut bench.at(ms(n)));
        }
        assert_eq!(!bench.dropped().is_empty(), dropped, "{left} left");
    }
}

/// A packet every 12 ms at 1 Mbit/s and two that wait: the delay is above
/// target for ever, and yet nothing can be gained by drops.
#[test]
fn a_slow_link_with_two_waiting_packets_does_not_drop() {
    let mut tested = Tested::new(&Codel::default());
    for n in 0..200u64 {
        tested.enqueue(ms(12 * n), packet(n, 0, 1500));
        if n >= 1 {
            let sent = tested.dequeue(ms(12 * n + 11)).unwrap();
            assert_eq!(sent.packet.id, n - 1);
        }
    }
    assert_eq!(tested.bench.dropped(), []);
}

/// Mahimahi returns the packet that it has chosen to drop and loses those
/// behind it; here what is not reported as dropped is sent, in order.
#[test]
fn every_packet_is_either_sent_or_dropped() {
    let settings = settings(ControlLaw::Rfc8289);
    let mut state = State::default();
    let mut bench = Bench::new(10);
    let mut waiting = waiting(ms(0), (0..300).map(|id| packet(id, 0, 1500)));
    let mut seen = Vec::new();
    let mut sent = VecDeque::new();
    // Calls far apart: several drops are due at each.
    for n in 0..300 {
        let out = state.dequeue(&settings, &mut waiting, &mut bench.at(ms(40 * n)));
        let out = out.map(|queued| queued.packet.id);
        let dropped: Vec<u64> = bench.dropped().iter().map(|(id, _)| *id).collect();
        assert!(dropped.iter().all(|id| out.is_none_or(|out| *id < out)));
        seen.extend(dropped);
        seen.extend(out);
        sent.extend(out);
    }
    assert_eq!(seen, (0..300).collect::<Vec<_>>());
    assert!(sent.len() < 200, "{} were sent", sent.len());
    // The last packet always gets through.
    assert_eq!(sent.back(), Some(&299));
}

#[test]
fn several_drops_are_due_at_once_after_a_pause() {
    let settings = settings(ControlLaw::Rfc8289);
    let mut state = State::default();
    let mut bench = Bench::new(10);
    let mut waiting = waiting(ms(0), (0..4000).map(|id| packet(id, 0, 1500)));
    for n in [5, 105] {
        state.dequeue(&settings, &mut waiting, &mut bench.at(ms(n)));
    }
    assert_eq!(bench.dropped().len(), 1);
    // The schedule of vector A1 up to 400 ms: 205, 275.7, 333.4 and 383.4 ms.
    let sent = state.dequeue(&settings, &mut waiting, &mut bench.at(ms(400)));
    assert_eq!(bench.dropped().len(), 4);
    assert_eq!(sent.unwrap().packet.id, 7);
    assert_eq!(state.drop_next, 428_167_063);
}

/// Marks come at the instants of the drops, one per call, and are sent. ns-3
/// schedules them from the instant of the mark instead.
#[test]
fn marks_keep_the_schedule_of_drops() {
    let settings = Settings {
        ecn: true,
        ..settings(ControlLaw::Rfc8289)
    };
    let mut state = State::default();
    let mut bench = Bench::new(10);
    let ect = |id| Packet {
        ecn: Ecn::Ect0,
        ..packet(id, 0, 1500)
    };
    let mut waiting = waiting(ms(0), (0..4000).map(ect));
    let mut marks = Vec::new();
    for n in 0..=600 {
        let sent = state
            .dequeue(&settings, &mut waiting, &mut bench.at(ms(n)))
            .unwrap();
        assert_eq!(sent.packet.id, n, "a mark takes no packet away");
        for id in bench.marked() {
            assert_eq!((id, sent.packet.ecn), (n, Ecn::Ce));
            marks.push(n);
        }
    }
    assert_eq!(marks, [105, 205, 276, 334, 384, 429, 469, 507, 543, 576]);
    // After a pause one call marks one packet only.
    state.dequeue(&settings, &mut waiting, &mut bench.at(ms(1000)));
    assert_eq!(bench.marked().len(), 1);
}

#[test]
fn only_capable_packets_are_marked() {
    let settings = Settings {
        ecn: true,
        ..settings(ControlLaw::Rfc8289)
    };
    let (drops, ..) = overload(&settings, 300);
    assert_eq!(drops, [(105, 105), (205, 206), (276, 278)]);
}

#[test]
fn threshold_marks_besides_the_law() {
    let mut tested = Tested::new(&Codel {
        ce_threshold: Some(Span::from_millis(1)),
        ..Codel::default()
    });
    for (id, ecn) in [
        (0, Ecn::Ect0),
        (1, Ecn::Ect1),
        (2, Ecn::NotEct),
        (3, Ecn::Ect1),
    ] {
        tested.enqueue(
            ms(0),
            Packet {
                ecn,
                ..packet(id, 0, 100)
            },
        );
    }
    tested.dequeue(ms(1)).unwrap();
    assert_eq!(
        tested.bench.marked(),
        [0u64; 0],
        "not for exactly the threshold"
    );
    tested.dequeue(Time::from_nanos(1_000_001)).unwrap();
    tested.dequeue(ms(2)).unwrap();
    tested.dequeue(ms(2)).unwrap();
    assert_eq!(tested.bench.marked(), [1, 3]);
    assert_eq!(tested.bench.dropped(), []);
}

#[test]
fn arriving_packets_are_dropped_at_the_limit() {
    let mut tested = Tested::new(&Codel {
        limit: "2packets".parse().unwrap(),
        ..Codel::default()
    });
    tested.enqueue(ms(0), packet(0, 0, 1500));
    assert_eq!(tested.ids(ms(0), 1), [0]);
    for id in 1..4 {
        tested.enqueue(ms(0), packet(id, 0, 1500));
    }
    assert_eq!(tested.bench.dropped(), [(3, DropReason::Overflow)]);
}

#[test]
fn refuses_times_that_make_no_sense() {
    let config = Codel {
        interval: Span::ZERO,
        ..Codel::default()
    };
    assert_eq!(refusal(&config).0, "interval");
    let config = Codel {
        target: Span::from_secs(1),
        ..Codel::default()
    };
    assert_eq!(
        refusal(&config),
        (
            "target".into(),
            "expected at most the interval, 100ms, found `1s`".into()
        )
    );
}
