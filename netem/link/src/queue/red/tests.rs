//! RED at work.

use weaknet_core::event::DropReason;
use weaknet_core::packet::{Ecn, Packet};
use weaknet_core::rng::Draws;
use weaknet_core::{Bytes, Ratio, Span, Time};

use super::{Average, Decision, Discipline, Measure, Red, Thresholds, Ticks, Waiting};
use crate::model::{QueueDiscipline, Queued};
use crate::queue::QueueLimit;
use crate::queue::room::Room;
use crate::queue::support::{Bench, Tested, packet, refusal};

fn discipline(config: &Red) -> Discipline {
    let (measure, thresholds) = config.thresholds().unwrap();
    Discipline {
        room: Room::new(config.limit),
        draws: Draws::from_key(1993),
        arrivals: 0,
        measure,
        thresholds,
        weight: config.weight,
        max_probability: config.max_probability.as_f64(),
        adaptations: config.adaptive.then(|| Ticks::new(super::ADAPTATION)),
        average: Average::default(),
        count: 0,
        waiting: Waiting::default(),
        config: config.clone(),
    }
}

fn queued(packet: Packet, arrived: Time) -> Queued {
    Queued { arrived, packet }
}

/// The average is the queue itself.
fn instantaneous() -> Red {
    Red {
        weight: 1.0,
        limit: QueueLimit::Packets(u64::MAX),
        ..Red::default()
    }
}

/// A queue of so many packets on a link that is not idle.
fn filled(config: &Red, packets: u64, bench: &mut Bench) -> Discipline {
    let mut red = discipline(config);
    for id in 0..packets {
        let packet = packet(id, 0, 1000);
        red.waiting.push(queued(packet, Time::ZERO));
    }
    // Something has been served: the link is busy.
    let mut first = Waiting::default();
    first.push(queued(packet(0, 0, 1000), Time::ZERO));
    let given = first.pop();
    red.room.give(given);
    bench.verdicts.clear();
    red
}

/// The share of packets of `size` not passed at a queue of so many packets.
fn decisions(config: &Red, queue: u64, size: u32) -> [usize; 3] {
    let mut bench = Bench::new(10);
    let mut red = filled(config, queue, &mut bench);
    let mut counts = [0; 3];
    for _ in 0..10_000 {
        let which = match red.decide(size, &mut bench.at(Time::ZERO)) {
            Decision::Pass => 0,
            Decision::Mark => 1,
            Decision::Drop => 2,
        };
        counts[which] += 1;
    }
    counts
}

/// Mean distances of drops are (1/p_b + 1) / 2: p_b = 5 % at 10 packets, 28 % at
/// 18; four standard deviations of the counts are below 100.
#[test]
fn each_zone_has_its_decision() {
    let config = instantaneous();
    assert_eq!(decisions(&config, 4, 1000), [10_000, 0, 0]);
    let [_, marks, drops] = decisions(&config, 10, 1000);
    assert!(
        marks.abs_diff(10_000 * 2 / 21) < 100 && drops == 0,
        "{marks}"
    );
    let [_, marks, drops] = decisions(&config, 18, 1000);
    assert!(marks == 0 && drops > 2_800, "{drops}");
    assert_eq!(decisions(&config, 30, 1000), [0, 0, 10_000]);
    let steep = Red {
        gentle: false,
        ..config
    };
    assert_eq!(decisions(&steep, 15, 1000), [0, 0, 10_000]);
}

/// A packet of twice the mean size meets twice the probability.
#[test]
fn large_packets_are_dropped_more_often_by_size() {
    let config = Red {
        by_size: true,
        ..instantaneous()
    };
    let [_, small, _] = decisions(&config, 10, 500);
    let [_, large, _] = decisions(&config, 10, 2000);
    // p_b 2.5 % and 10 %: mean distances 20.5 and 5.5.
    assert!(small.abs_diff(10_000 * 2 / 41) < 100, "{small}");
    assert!(large.abs_diff(10_000 * 2 / 11) < 100, "{large}");
}

#[test]
fn thresholds_count_in_their_unit() {
    // 12 packets of 1000 B at 10 Mbit/s are 9.6 ms.
    for (min, max, want) in [
        ("10packets", "20packets", 0.1 * 0.2),
        ("10kB", "20kB", 0.1 * 0.2),
        ("4.8ms", "14.4ms", 0.1 * 0.5),
    ] {
        let config = Red {
            min: min.parse().unwrap(),
            max: Some(max.parse().unwrap()),
            ..instantaneous()
        };
        let mut bench = Bench::new(10);
        let red = filled(&config, 12, &mut bench);
        let queue = red.queue(&mut bench.at(Time::ZERO));
        let super::Pressure::Early(base) = red.thresholds.pressure(queue, 0.1, true) else {
            panic!("{min}")
        };
        assert!((base - want).abs() < 1e-12, "{min}: {base}");
    }
}

/// The queue before the arrival counts, and departures do not move the average.
#[test]
fn the_average_moves_at_arrivals_only() {
    let mut bench = Bench::new(10);
    let mut red = discipline(&Red {
        weight: 0.5,
        ..Red::default()
    });
    let mut arrive = |red: &mut Discipline, ms| {
        let at = Time::from_millis(ms);
        let packet = packet(0, 0, 1000);
        red.enqueue(queued(packet, at), &mut bench.at(at));
        red.average.value()
    };
    assert_eq!(arrive(&mut red, 0), 0.0);
    assert_eq!(arrive(&mut red, 0), 0.5);
    assert_eq!(arrive(&mut red, 0), 1.25);
    let mut bench = Bench::new(10);
    for _ in 0..3 {
        red.dequeue(&mut bench.at(Time::from_millis(1))).unwrap();
        assert_eq!(red.average.value(), 1.25);
    }
    // Idle from 2 ms on; 0.8 ms per mean packet, ten of them.
    assert!(red.dequeue(&mut bench.at(Time::from_millis(2))).is_none());
    let at = Time::from_millis(10);
    let packet = packet(0, 0, 1000);
    red.enqueue(queued(packet, at), &mut bench.at(at));
    assert!((red.average.value() - 1.25 / 1024.0).abs() < 1e-12);
}

#[test]
fn marks_below_the_upper_threshold_only() {
    for (queue, ecn, config_ecn, marked, dropped) in [
        (14, Ecn::Ect0, true, true, false),
        (14, Ecn::NotEct, true, false, true),
        (14, Ecn::Ect0, false, false, true),
        (30, Ecn::Ect0, true, false, true),
    ] {
        let config = Red {
            ecn: config_ecn,
            max_probability: Ratio::ONE,
            ..instantaneous()
        };
        let mut bench = Bench::new(10);
        let mut red = filled(&config, queue, &mut bench);
        red.count = 1000;
        let packet = Packet {
            ecn,
            ..packet(9, 0, 1000)
        };
        red.enqueue(queued(packet, Time::ZERO), &mut bench.at(Time::ZERO));
        let was_marked = bench
            .verdicts
            .iter()
            .any(|v| matches!(v, crate::model::Verdict::Mark(_)));
        let was_dropped = bench.dropped() == [(9, DropReason::Aqm)];
        assert_eq!(
            (was_marked, was_dropped),
            (marked, dropped),
            "{queue} {ecn:?}"
        );
    }
}

/// Adaptations are due every 0.5 s; those missed are made up for.
#[test]
fn adapts_twice_a_second() {
    let config = Red {
        adaptive: true,
        max_probability: Ratio::from_f64(0.02),
        ..instantaneous()
    };
    let mut bench = Bench::new(10);
    let mut red = filled(&config, 14, &mut bench);
    red.decide(1000, &mut bench.at(Time::ZERO));
    red.catch_up(Time::from_millis(499));
    assert_eq!(red.max_probability, 0.02);
    red.catch_up(Time::from_millis(500));
    assert_eq!(red.max_probability, 0.025);
    red.catch_up(Time::from_millis(1999));
    assert_eq!(red.max_probability, 0.039_062_5);
    let mut on_time = filled(&config, 14, &mut bench);
    on_time.decide(1000, &mut bench.at(Time::ZERO));
    for ms in 0..100_000 {
        on_time.catch_up(Time::from_millis(ms));
    }
    red.catch_up(Time::from_millis(99_999));
    assert_eq!(red.max_probability, on_time.max_probability);
    // Above half it rises no more.
    assert!((0.5..0.52).contains(&red.max_probability));
}

/// 10 Mbit/s in packets of 1000 B are 1250/s: 20 ms are 25, half of them 12.5.
#[test]
fn a_target_delay_sets_the_rest() {
    let mut bench = Bench::new(10);
    let mut red = discipline(&Red {
        target_delay: Some(Span::from_millis(20)),
        ..Red::default()
    });
    red.decide(1000, &mut bench.at(Time::ZERO));
    let want = Thresholds {
        min: 12.5,
        max: 37.5,
    };
    assert_eq!(red.thresholds, want);
    assert!((red.weight - (1.0 - libm::exp(-1.0 / 1250.0))).abs() < 1e-15);
    let mut slow = Bench::new(1);
    red.decide(1000, &mut slow.at(Time::ZERO));
    assert_eq!(red.thresholds.min, 5.0, "5 packets at least");
}

#[test]
fn overflow_is_told_from_decisions() {
    let mut tested = Tested::new(&Red {
        limit: QueueLimit::Packets(1),
        ..Red::default()
    });
    for id in 0..2 {
        tested.enqueue(Time::ZERO, packet(id, 0, 1000));
        tested.dequeue(Time::ZERO);
    }
    for id in 2..4 {
        tested.enqueue(Time::ZERO, packet(id, 0, 1000));
    }
    assert_eq!(tested.bench.dropped(), [(3, DropReason::Overflow)]);
}

#[test]
fn refuses_numbers_that_make_no_sense() {
    let max = |text: &str| Red {
        max: Some(text.parse().unwrap()),
        ..Red::default()
    };
    assert_eq!(
        refusal(&max("20ms")),
        ("max".into(), "expected the unit of `min`, 5packets".into())
    );
    assert_eq!(
        refusal(&max("5packets")).1,
        "expected more than `min`, 5packets"
    );
    fn refused(field: &str, set: impl Fn(&mut Red)) {
        let mut config = Red::default();
        set(&mut config);
        assert_eq!(refusal(&config).0, field);
    }
    refused("max", |red| red.min = QueueLimit::Packets(0));
    refused("max", |red| {
        red.max = Some(QueueLimit::Packets(9));
        red.target_delay = Some(Span::from_millis(5));
    });
    refused("weight", |red| red.weight = 0.0);
    refused("weight", |red| red.weight = f64::NAN);
    refused("max_probability", |red| red.max_probability = Ratio::ZERO);
    refused("mean_packet", |red| red.mean_packet = Bytes::ZERO);
    assert_eq!(Measure::of(QueueLimit::Packets(5)), (Measure::Packets, 5.0));
}
