//! The edges of RFC 9332 and DualPI2's laws.

use proptest::prelude::*;
use weaknet_core::event::DropReason;
use weaknet_core::packet::{Ecn, Packet};
use weaknet_core::rng::Draws;
use weaknet_core::{Bytes, Ratio, Span, Time};

use super::chance::{Chance, Native};
use super::controller::{Controller, Gains};
use super::discipline::{Discipline, Settings};
use super::scheduler::Scheduler;
use super::{DualPi2, DualPi2Scheduler, DualPi2Variant};
use crate::model::{QueueDiscipline, Queued};
use crate::queue::QueueLimit;
use crate::queue::support::{Bench, Tested, packet, refusal};

fn ms(n: u64) -> Time {
    Time::from_millis(n)
}

fn of(id: u64, ecn: Ecn) -> Packet {
    Packet {
        ecn,
        ..packet(id, 0, 1500)
    }
}

/// With a p' that stays as it is.
fn with_probability(probability: f64, linux: bool) -> Discipline {
    let frozen = Gains {
        target: Span::from_secs(1),
        alpha: 0.0,
        beta: 0.0,
    };
    let mut controller = Controller::real(frozen);
    controller.set(probability);
    let native = Native::Ramp {
        min: Span::from_micros(800),
        range: Span::from_micros(400),
        spared: 1,
    };
    Discipline::new(
        QueueLimit::Packets(1_000_000),
        Settings {
            coupling: 2.0,
            native,
            mtu: 1500,
            spared_bytes: if linux { 3000 } else { 0 },
        },
        Span::from_millis(15),
        controller,
        if linux {
            Chance::random(Draws::from_key(1))
        } else {
            Chance::even()
        },
        Scheduler::weighted(62_500_000, 1500),
    )
}

/// Sent, marked and dropped of `n` packets that all leave at once.
fn fates(discipline: &mut Discipline, n: u64, ecn: Ecn) -> (u64, u64, u64) {
    let mut bench = Bench::new(10);
    for id in 0..n {
        let queued = Queued {
            arrived: ms(0),
            packet: of(id, ecn),
        };
        discipline.enqueue(queued, &mut bench.at(ms(0)));
    }
    let sent = std::iter::from_fn(|| discipline.dequeue(&mut bench.at(ms(0)))).count() as u64;
    let marks = bench
        .verdicts
        .iter()
        .filter(|v| matches!(v, crate::model::Verdict::Mark(_)))
        .count() as u64;
    let drops = bench.dropped();
    assert!(drops.iter().all(|(_, reason)| *reason == DropReason::Aqm));
    (sent, marks, drops.len() as u64)
}

/// p' = 1/8: classic packets at 1/64, scalable ones at 1/4: squaring p_CL or
/// coupling from p_C would give 1/16 and 1/32.
#[test]
fn coupling_follows_the_square_root() {
    let fates = |ecn| fates(&mut with_probability(0.125, false), 6_400, ecn);
    assert_eq!(fates(Ecn::NotEct), (6_300, 0, 100));
    assert_eq!(fates(Ecn::Ect0), (6_400, 100, 0));
    assert_eq!(
        fates(Ecn::Ect1),
        (6_400, 1_600, 0),
        "no drops before overload"
    );
    // RFC 9332 appendix C.2: Reno and Prague at 25 ms.
    let (reno, prague) = (1.22 / (0.025 * 0.1), 2.0 / (0.025 * 0.2));
    assert_eq!((libm::round(reno), libm::round(prague)), (488.0, 400.0));
}

/// p' = 0.5: p_CL is 1; both queues drop at 25 %, and what is left of the L
/// queue is marked.
#[test]
fn overload_drops_both_alike() {
    let p = 0.5;
    assert_eq!(
        fates(&mut with_probability(p, false), 10_000, Ecn::NotEct),
        (7_500, 0, 2_500)
    );
    assert_eq!(
        fates(&mut with_probability(p, false), 10_000, Ecn::Ect0),
        (7_500, 0, 2_500)
    );
    assert_eq!(
        fates(&mut with_probability(p, false), 10_000, Ecn::Ect1),
        (7_500, 7_500, 2_500)
    );
    let just_below = 0.499;
    let (sent, marks, drops) = fates(&mut with_probability(just_below, false), 10_000, Ecn::Ect1);
    assert_eq!((sent, drops), (10_000, 0));
    assert!((9979..=9980).contains(&marks), "{marks}");
    // p_C = 1: nothing gets through.
    assert_eq!(
        fates(&mut with_probability(1.0, false), 100, Ecn::Ect1),
        (0, 0, 100)
    );
    assert_eq!(
        fates(&mut with_probability(1.0, false), 100, Ecn::NotEct),
        (0, 0, 100)
    );
}

/// Random decisions have the same shares: counts within four standard
/// deviations; the last two packets are below 2 MTU and spared.
#[test]
fn linux_decides_at_random() {
    let (sent, _, drops) = fates(&mut with_probability(0.3, true), 10_000, Ecn::NotEct);
    assert_eq!(sent + drops, 10_000);
    assert!(drops.abs_diff(900) < 4 * 29, "{drops}");
    let (_, marks, drops) = fates(&mut with_probability(0.3, true), 10_000, Ecn::Ect1);
    assert!(marks.abs_diff(6_000) < 4 * 49 && drops == 0, "{marks}");
    assert_eq!(
        fates(&mut with_probability(1.0, true), 1, Ecn::NotEct),
        (1, 0, 0)
    );
    assert_eq!(
        fates(&mut with_probability(1.0, true), 2, Ecn::NotEct),
        (1, 0, 1)
    );
}

#[test]
fn the_l_queue_marks_by_itself() {
    let mut tested = Tested::new(&DualPi2::default());
    for id in 0..4 {
        tested.enqueue(ms(1), of(id, Ecn::Ect1));
    }
    // 0.9 ms: a likelihood of 1/4 each; 1.3 ms: all, but for the one that leaves
    // one behind.
    let at = |us| ms(1) + Span::from_micros(us);
    tested.dequeue(at(900)).unwrap();
    assert_eq!(tested.bench.marked(), [0u64; 0]);
    tested.dequeue(at(1300)).unwrap();
    assert_eq!(tested.bench.marked(), [1]);
    tested.dequeue(at(1300)).unwrap();
    tested.dequeue(at(1300)).unwrap();
    assert_eq!(tested.bench.marked(), [0u64; 0]);

    let mut linux = Tested::new(&DualPi2 {
        variant: DualPi2Variant::Linux,
        ..DualPi2::default()
    });
    for id in 0..3 {
        linux.enqueue(ms(1), of(id, Ecn::Ect1));
    }
    linux.dequeue(at(1000)).unwrap();
    assert_eq!(linux.bench.marked(), [0u64; 0], "not at exactly the step");
    linux.dequeue(at(1001)).unwrap();
    linux.dequeue(at(1001)).unwrap();
    assert_eq!(linux.bench.marked(), [1, 2]);
}

/// Not-ECT and ECT(0) are classic, ECT(1) and CE go to the L queue.
#[test]
fn classifier() {
    let mut tested = Tested::new(&DualPi2::default());
    for (id, ecn) in [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce]
        .into_iter()
        .enumerate()
    {
        tested.enqueue(ms(0), of(id as u64, ecn));
    }
    assert_eq!(tested.ids(ms(0), 9), [2, 3, 0, 1]);
}

/// Figure 3: there must be room for a packet of the MTU, whatever arrives; one
/// limit for both queues.
#[test]
fn room_for_a_whole_packet() {
    let mut tested = Tested::new(&DualPi2 {
        limit: Some(QueueLimit::Bytes(Bytes::new(3_000))),
        ..DualPi2::default()
    });
    tested.enqueue(ms(0), of(0, Ecn::Ect1));
    tested.dequeue(ms(0)).unwrap();
    tested.enqueue(ms(0), of(1, Ecn::Ect1));
    tested.enqueue(ms(0), packet(2, 0, 1));
    tested.enqueue(ms(0), packet(3, 0, 1));
    assert_eq!(tested.bench.dropped(), [(3, DropReason::Overflow)]);
}

fn controlled() -> Discipline {
    let gains = Gains {
        target: Span::from_millis(15),
        alpha: 0.15,
        beta: 3.0,
    };
    let mut discipline = with_probability(0.0, false);
    discipline.controller = Controller::real(gains);
    discipline
}

proptest! {
    /// Updates made up for at the next packet are those made on time: the heads
    /// grow older from tick to tick.
    #[test]
    fn late_updates_equal_updates_on_time(
        steps in prop::collection::vec(
            (prop_oneof![Just(0u64), 0u64..5_000, 0u64..100_000], prop::option::of(any::<bool>())),
            1..300,
        ),
    ) {
        let (mut lazy, mut eager) = (controlled(), controlled());
        let (mut lazy_bench, mut eager_bench) = (Bench::new(10), Bench::new(10));
        let (mut now, mut due) = (Time::ZERO, ms(15));
        for (id, (gap, arrives)) in steps.into_iter().enumerate() {
            now += Span::from_micros(gap);
            while due <= now {
                prop_assert_eq!(eager.ticks.pop(due), Some(due));
                let delay = eager.delay(due);
                eager.controller.update(delay);
                due += Span::from_millis(15);
            }
            for (queue, bench) in [(&mut lazy, &mut lazy_bench), (&mut eager, &mut eager_bench)] {
                match arrives {
                    Some(l4s) => {
                        let ecn = if l4s { Ecn::Ect1 } else { Ecn::NotEct };
                        let queued = Queued { arrived: now, packet: of(id as u64, ecn) };
                        queue.enqueue(queued, &mut bench.at(now));
                    }
                    None => { queue.dequeue(&mut bench.at(now)); }
                }
            }
            prop_assert_eq!(&lazy.controller, &eager.controller);
            prop_assert_eq!(lazy_bench.dropped(), eager_bench.dropped());
        }
    }
}

/// The delay of the L queue counts in the update: too much scalable traffic
/// alone is met with drops before the limit is.
#[test]
fn an_overloaded_l_queue_drops() {
    let mut tested = Tested::new(&DualPi2 {
        limit: Some(QueueLimit::Packets(1_000_000)),
        ..DualPi2::default()
    });
    let mut sent = 0;
    for n in 0..20_000u64 {
        // Two arrive per ms, one leaves.
        tested.enqueue(ms(n / 2), of(n, Ecn::Ect1));
        if n % 2 == 1 {
            sent += u64::from(tested.dequeue(ms(n / 2)).is_some());
        }
    }
    let dropped = tested.bench.dropped();
    assert!(dropped.iter().all(|(_, reason)| *reason == DropReason::Aqm));
    assert_eq!(sent, 10_000);
    // What does not fit is dropped: half of all but the queue.
    assert!(dropped.len() > 9_800, "{}", dropped.len());
}

/// Long pauses, with and without packets, take no time.
#[test]
fn a_long_pause_is_skipped() {
    for waiting in [false, true] {
        let mut tested = Tested::new(&DualPi2 {
            update: Some(Span::from_micros(1)),
            ..DualPi2::default()
        });
        if waiting {
            tested.enqueue(ms(0), of(0, Ecn::NotEct));
        }
        tested.enqueue(Time::from_nanos(u64::MAX - 2), of(1, Ecn::NotEct));
        tested.dequeue(Time::from_nanos(u64::MAX - 1));
        // What waited for ages is dropped, at a probability of 1.
        assert_eq!(tested.bench.dropped().len(), if waiting { 2 } else { 0 });
    }
}

#[test]
fn gains_follow_from_the_times() {
    let gains = DualPi2::default().gains();
    assert!((gains.alpha - 0.15).abs() < 1e-12 && (gains.beta - 3.0).abs() < 1e-12);
    let slow = DualPi2 {
        rtt_max: Span::from_millis(30),
        ..DualPi2::default()
    };
    assert_eq!(slow.update(), Span::from_millis(10));
    assert!((slow.gains().alpha - 0.1 * 0.01 / 0.0009).abs() < 1e-12);
    let linux = DualPi2 {
        variant: DualPi2Variant::Linux,
        ..DualPi2::default()
    };
    assert_eq!(linux.update(), Span::from_millis(16));
}

#[test]
fn time_shifted_fifo_can_be_chosen() {
    let mut tested = Tested::new(&DualPi2 {
        scheduler: DualPi2Scheduler::TimeShiftedFifo,
        ..DualPi2::default()
    });
    tested.enqueue(ms(0), of(0, Ecn::NotEct));
    tested.enqueue(ms(0), of(1, Ecn::NotEct));
    tested.enqueue(ms(51), of(2, Ecn::Ect1));
    assert_eq!(tested.ids(ms(51), 1), [0], "more than 50 ms older");
    tested.enqueue(ms(51), of(3, Ecn::Ect1));
}

#[test]
fn refuses_numbers_that_make_no_sense() {
    let default = DualPi2::default;
    let linux = DualPi2Variant::Linux;
    for (field, config) in [
        (
            "update",
            DualPi2 {
                update: Some(Span::ZERO),
                ..default()
            },
        ),
        (
            "rtt_max",
            DualPi2 {
                rtt_max: Span::ZERO,
                ..default()
            },
        ),
        (
            "alpha",
            DualPi2 {
                alpha: Some(-1.0),
                ..default()
            },
        ),
        (
            "beta",
            DualPi2 {
                beta: Some(f64::INFINITY),
                ..default()
            },
        ),
        (
            "coupling",
            DualPi2 {
                coupling: 0.0,
                ..default()
            },
        ),
        (
            "classic_weight",
            DualPi2 {
                classic_weight: Some(Ratio::ZERO),
                ..default()
            },
        ),
        (
            "range",
            DualPi2 {
                variant: linux,
                range: Some(Span::ZERO),
                ..default()
            },
        ),
    ] {
        assert_eq!(refusal(&config).0, field);
    }
}
