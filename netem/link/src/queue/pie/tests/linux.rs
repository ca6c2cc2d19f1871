//! The integers of Linux.

use weaknet_core::packet::Ecn;
use weaknet_core::{Span, Time};

use super::{ms, on_bench, with_ecn};
use crate::queue::pie::linux::Linux;
use crate::queue::pie::{Algorithm, Discipline, Latency, Pie, PieVariant};
use crate::queue::support::{Tested, packet};

const WHOLE: u64 = (1 << 56) - 1;
/// 64 ns in a millisecond.
const MS: u64 = 15_625;

fn linux() -> Pie {
    Pie {
        variant: PieVariant::Linux,
        ..Pie::default()
    }
}

fn tested(config: &Pie) -> Tested<Discipline<Linux>> {
    on_bench(config, Linux::new(config))
}

/// The probabilities after each update; the delay in ms by number of the update,
/// from 1.
fn updates(n: u64, delay_ms: impl Fn(u64) -> u64) -> Vec<u64> {
    let mut pie = Linux::new(&linux());
    let update = |i| {
        pie.delay = MS * delay_ms(i);
        pie.update(0);
        pie.probability
    };
    (1..=n).map(update).collect()
}

/// Vector P6, to the last unit.
#[test]
fn constant_30_ms() {
    let p = updates(60, |_| 30);
    for (i, want) in [
        (1, 1_385_384_062_500),
        (2, 2_440_915_078_125),
        (3, 3_496_446_093_750),
        (10, 20_384_943_750_000),
        (60, 700_147_010_625_000),
    ] {
        assert_eq!(p[i - 1], want, "update {i}");
    }
}

/// The divisors of RFC 8033 are these shifts: 2048, 512, 128, 32, 8, 2, 1.
#[test]
fn gains_follow_the_decade_of_the_probability() {
    let alpha = (2 * (WHOLE / 15_625_000)) >> 4;
    for (probability, divisor) in [
        (0, 2048),
        (WHOLE / 1_000_000, 512),
        (WHOLE / 100_000 - 1, 512),
        (WHOLE / 100_000, 128),
        (WHOLE / 10_000, 32),
        (WHOLE / 1_000, 8),
        (WHOLE / 100, 2),
        (WHOLE / 10 - 1, 2),
        (WHOLE / 10, 1),
    ] {
        let mut pie = Linux::new(&linux());
        // Without a change only alpha counts: a step of 1 ms beyond 15.
        (pie.delay, pie.probability) = (16 * MS, 0);
        pie.update(0);
        pie.probability = probability;
        pie.update(0);
        assert_eq!(pie.probability - probability, alpha / divisor * MS);
    }
}

#[test]
fn a_step_is_capped_and_rises_above_250_ms() {
    let two_percent = WHOLE / 100 * 2;
    let step = |probability, delay_ms| {
        let mut pie = Linux::new(&linux());
        (pie.probability, pie.delay) = (probability, delay_ms * MS);
        pie.update(0);
        pie.probability - probability
    };
    assert_eq!(step(WHOLE / 10, 250), two_percent);
    assert_eq!(step(WHOLE / 10, 251), two_percent + WHOLE / 50);
    assert!(step(WHOLE / 10 - 1, 250) > two_percent, "not capped below");
    assert_eq!(step(WHOLE - 5, 251), 5, "1 at most");
}

/// 1/64 of it per update without delay twice and nothing waiting, on top of the
/// controller's -15 ms.
#[test]
fn decays_at_rest_only() {
    let before = WHOLE / 5;
    let after = |waiting| {
        let mut pie = Linux::new(&linux());
        pie.probability = before;
        pie.update(waiting);
        pie.probability
    };
    let less = before - ((2 * (WHOLE / 15_625_000)) >> 4) * 15 * MS;
    assert_eq!(after(0), less - less / 64);
    assert_eq!(after(1), less);
}

/// The allowance runs down by the time from departure to departure, and comes
/// back at rest.
#[test]
fn departures_use_up_the_allowance() {
    let mut pie = Linux::new(&linux());
    assert_eq!(pie.burst, 150 * MS);
    for (at, left) in [(100, 150), (110, 140), (110, 140), (249, 1), (300, 0)] {
        pie.depart(ms(at), ms(0), 1500, 9_000);
        assert_eq!(pie.burst, left * MS, "at {at} ms");
    }
    pie.update(9_000);
    pie.depart(ms(300), ms(0), 1500, 0);
    pie.update(0);
    assert_eq!((pie.probability, pie.burst), (0, 0), "late an update ago");
    pie.update(0);
    assert_eq!(pie.burst, 150 * MS);
}

/// 1500 B every 12 ms are 8 B per 64 ns and 1000; the first packet of a
/// measurement counts, and a new one weighs an eighth.
#[test]
fn the_departure_rate_is_measured_in_integers() {
    let mut pie = Linux::new(&Pie {
        latency: Latency::DepartureRate,
        ..linux()
    });
    let mut now = Time::ZERO;
    let mut leave = |pie: &mut Linux, step, packets| {
        for _ in 0..packets {
            now += Span::from_millis(step);
            pie.depart(now, Time::ZERO, 1500, 100_000);
        }
        pie.update(1 << 14);
        pie.delay
    };
    assert_eq!(leave(&mut pie, 12, 10), 0, "not measured yet");
    // 16 500 B in 120 ms: 2.25 of 256 B per unit, kept as 2.
    assert_eq!(leave(&mut pie, 12, 1), (1 << 14 << 8) / 2);
    assert_eq!(pie.burst, 30 * MS);
}

/// A forced mark leaves the account high, so that the next packets are marked
/// too; a drop starts it anew.
#[test]
fn forced_marks_come_in_a_row() {
    let acted_on = |ecn| {
        let mut tested = tested(&Pie {
            ecn: true,
            ..linux()
        });
        for id in 0..4 {
            tested.enqueue(ms(0), packet(100 + id, 0, 1500));
        }
        let pie = &mut tested.discipline.algorithm;
        (pie.burst, pie.delay) = (0, 30 * MS);
        pie.probability = WHOLE / 20;
        pie.passed = WHOLE / 2 * 17 - 1;
        for id in 0..10 {
            tested.enqueue(ms(0), with_ecn(id, ecn));
        }
        tested.bench.verdicts.len()
    };
    assert_eq!((acted_on(Ecn::Ect0), acted_on(Ecn::NotEct)), (10, 1));
}

/// Marks at the threshold too, which is 10 %.
#[test]
fn marks_up_to_the_threshold() {
    let mut pie = Linux::new(&Pie {
        ecn: true,
        ..linux()
    });
    for (probability, marks) in [(WHOLE / 10, true), (WHOLE / 10 + 1, false)] {
        pie.probability = probability;
        assert_eq!(pie.may_mark(), marks);
    }
    let mut off = Linux::new(&linux());
    off.probability = 1;
    assert!(!off.may_mark());
}
