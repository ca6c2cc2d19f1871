//! Vectors of queues-and-wire 1.3 and the edges of RFC 8033.

use proptest::prelude::*;
use weaknet_core::event::DropReason;
use weaknet_core::packet::{Ecn, Packet};
use weaknet_core::rng::Draws;
use weaknet_core::{Ratio, Span, Time};

use super::{Controller, Decay, Discipline, Estimate, Gains, Latency, Pie, Spread, q32};
use crate::model::{QueueDiscipline, Queued};
use crate::queue::QueueLimit;
use crate::queue::room::Room;
use crate::queue::support::{Bench, Tested, packet, refusal};
use crate::queue::ticks::Ticks;
use crate::queue::waiting::Waiting;

fn ms(n: u64) -> Time {
    Time::from_millis(n)
}

fn gains(cap_step: bool, decay: Decay) -> Gains {
    Gains {
        target: Span::from_millis(15),
        update: Span::from_millis(15),
        max_burst: Span::from_millis(150),
        alpha: 0.125,
        beta: 1.25,
        cap_step,
        decay,
    }
}

/// The probabilities after each update; the delay in us by number of the
/// update, from 1.
fn updates(gains: &Gains, n: u64, delay_us: impl Fn(u64) -> u64) -> Vec<f64> {
    let mut controller = Controller::default();
    let update = |i| {
        controller.update(gains, Span::from_micros(delay_us(i)));
        controller.probability
    };
    (1..=n).map(update).collect()
}

#[track_caller]
fn assert_at(probabilities: &[f64], want: &[(usize, f64)]) {
    for (i, want) in want {
        assert_eq!(probabilities[i - 1], *want, "update {i}");
    }
}

/// Vector P1, bit for bit.
#[test]
fn constant_30_ms() {
    let p = updates(&gains(false, Decay::AtZero), 60, |_| 30_000);
    assert_at(
        &p,
        &[
            (1, 1.922607421875e-05),
            (2, 3.3874511718749996e-05),
            (3, 4.8522949218749996e-05),
            (5, 7.781_982_421_875e-5),
            (10, 0.000_282_897_949_218_75),
            (20, 0.000_868_835_449_218_750_2),
            (30, 0.002_685_241_699_218_751),
            (40, 0.005_028_991_699_218_753),
            (50, 0.007_372_741_699_218_755),
            (60, 0.009_716_491_699_218_757),
        ],
    );
    let in_q32 = [82575, 145489, 208404];
    assert_eq!([0, 1, 2].map(|i| q32(p[i])), in_q32);
    assert_eq!(
        [5, 10, 20, 30, 60].map(|i| q32(p[i - 1])),
        [334233, 1215037, 3731619, 11533025, 41732014]
    );
}

/// Vector P2; the cap changes nothing, a step is 0.0106.
#[test]
fn constant_100_ms() {
    for cap in [false, true] {
        let p = updates(&gains(cap, Decay::AtZero), 40, |_| 100_000);
        assert_at(
            &p,
            &[
                (1, 6.622_314_453_125e-5),
                (2, 0.00014923095703125002),
                (3, 0.00048126220703125004),
                (5, 0.00114532470703125),
                (10, 0.007_785_949_707_031_252),
                (20, 0.052_942_199_707_031_24),
                (30, 0.11137969970703122),
                (40, 0.217_629_699_707_031_2),
            ],
        );
        assert_eq!(q32(p[39]), 934_712_442);
    }
}

/// Vector P3. Its delays are products of floats, ours quotients of integers:
/// they may differ in the last digit.
#[test]
fn delay_that_grows_by_5_ms_per_update() {
    let p = updates(&gains(false, Decay::AtZero), 30, |n| 5_000 * n);
    for (i, want) in [
        (1, 2.4414062500000005e-06),
        (2, 1.3427734375000002e-05),
        (3, 6.225_585_937_499_999e-5),
        (5, 0.000_350_341_796_875),
        (10, 0.0037487792968750005),
        (20, 0.050623779296875004),
        (30, 0.19656127929687497),
    ] {
        assert!(
            (p[i - 1] / want - 1.0).abs() < 1e-12,
            "update {i}: {}",
            p[i - 1]
        );
    }
}

/// Vector P4.
#[test]
fn decay_when_the_queue_is_empty() {
    let delay = |n| if n <= 40 { 100_000 } else { 0 };
    let p = updates(&gains(false, Decay::AtZero), 50, delay);
    assert_at(
        &p,
        &[
            (41, 0.090_754_699_707_031_2),
            (42, 0.088_020_855_712_890_59),
            (45, 0.080_143_032_730_126_93),
            (50, 0.068_029_315_606_384_84),
        ],
    );
}

/// The table of updates until the probability is so high.
#[test]
fn time_to_reach_a_probability() {
    let thresholds = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0];
    for (ms, want) in [
        (20, [1, 1, 19, 66, 181, 469, 1909]),
        (30, [1, 1, 7, 23, 62, 158, 638]),
        (50, [1, 1, 3, 10, 27, 68, 274]),
        (100, [1, 1, 2, 5, 12, 29, 114]),
        (200, [1, 1, 1, 3, 6, 14, 53]),
    ] {
        let p = updates(&gains(false, Decay::AtZero), 2_000, |_| 1_000 * ms);
        let reached = thresholds.map(|t| 1 + p.iter().position(|p| *p >= t).unwrap());
        assert_eq!(reached, want, "{ms} ms");
    }
}

/// Vector P6: Linux's integers, a scale of 2^56 - 1. They truncate at every
/// step; six digits agree.
#[test]
fn linux_gives_the_same_to_six_digits() {
    let p = updates(&gains(false, Decay::AtZero), 60, |_| 30_000);
    for (i, linux) in [
        (1, 1_385_384_062_500u64),
        (2, 2_440_915_078_125),
        (3, 3_496_446_093_750),
        (10, 20_384_943_750_000),
        (60, 700_147_010_625_000),
    ] {
        let linux = linux as f64 / ((1u64 << 56) - 1) as f64;
        assert!(
            (p[i - 1] / linux - 1.0).abs() < 1e-6,
            "update {i}: {} {linux}",
            p[i - 1]
        );
    }
}

/// Section 5.5: from 10 % on, at most 2 % per update.
#[test]
fn a_step_is_capped() {
    let delay = |n| if n <= 30 { 100_000 } else { 600_000 };
    let free = updates(&gains(false, Decay::AtZero), 31, delay);
    let capped = updates(&gains(true, Decay::AtZero), 31, delay);
    assert_eq!(free[..30], capped[..30]);
    assert!((capped[30] - capped[29] - 0.02).abs() < 1e-15);
    assert!(free[30] - free[29] > 0.6);
}

/// Appendix B decays below half the target, appendix A at zero only.
#[test]
fn decay_below_half_the_target() {
    let delay = |n| if n <= 40 { 100_000 } else { 7_499 };
    let [a, b] = [Decay::AtZero, Decay::BelowHalfTarget]
        .map(|decay| updates(&gains(false, decay), 42, delay));
    // The second update below half is the first to decay.
    assert_eq!(a[..41], b[..41]);
    assert!((b[41] / a[41] - 0.98).abs() < 1e-12);
    let half = |n| if n <= 40 { 100_000 } else { 7_500 };
    let [a, b] = [Decay::AtZero, Decay::BelowHalfTarget]
        .map(|decay| updates(&gains(false, decay), 42, half));
    assert_eq!(a, b);
}

fn discipline(config: &Pie) -> Discipline {
    Discipline {
        room: Room::new(config.limit),
        draws: Draws::from_key(1),
        arrivals: 0,
        gains: Gains {
            update: config.update,
            ..gains(config.cap_step, config.decay)
        },
        mtu: 1500,
        mark_below: config.ecn.then(|| config.mark_threshold.as_f64()),
        spread: config.derandomise.then(Spread::default),
        ticks: Ticks::new(config.update),
        controller: Controller::default(),
        estimate: Estimate::new(config.latency),
        waiting: Waiting::default(),
    }
}

/// The allowance is whole at the first congested arrival at 0 and gone after
/// the tenth update at 150 ms; the probability grows meanwhile (ns-3 holds it at
/// zero).
#[test]
fn a_burst_is_let_through() {
    let mut bench = Bench::new(10);
    let mut pie = discipline(&Pie::default());
    // A long queue that has just come up.
    for id in 0..200 {
        let packet = packet(id, 0, 1500);
        pie.enqueue(
            Queued {
                arrived: ms(0),
                packet,
            },
            &mut bench.at(ms(0)),
        );
    }
    pie.dequeue(&mut bench.at(Time::from_nanos(14_999_999)));
    let mut probability = 0.0;
    for update in 1..=10 {
        pie.catch_up(ms(15 * update));
        assert_eq!(pie.controller.burst, Span::from_millis(150 - 15 * update));
        assert!(update == 1 || pie.controller.probability > probability);
        probability = pie.controller.probability;
        pie.dequeue(&mut bench.at(ms(15 * update + 10)));
        pie.controller.probability = 1.0;
        let packet = packet(1000 + update, 0, 1500);
        let at = ms(15 * update + 10);
        pie.enqueue(
            Queued {
                arrived: at,
                packet,
            },
            &mut bench.at(at),
        );
        pie.controller.probability = probability;
    }
    // Only the last of those that met a probability of 1 was not let through.
    assert_eq!(bench.dropped(), [(1010, DropReason::Aqm)]);
}

proptest! {
    /// Updates made up for at the next packet are those made on time.
    #[test]
    fn late_updates_equal_updates_on_time(
        steps in prop::collection::vec((prop_oneof![Just(0u64), 0u64..5_000, 0u64..200_000], any::<bool>()), 1..300),
        departure_rate: bool,
        derandomise: bool,
    ) {
        let latency = if departure_rate { Latency::DepartureRate } else { Latency::Timestamp };
        let config = Pie { latency, derandomise, ..Pie::default() };
        let (mut lazy, mut eager) = (discipline(&config), discipline(&config));
        let (mut lazy_bench, mut eager_bench) = (Bench::new(10), Bench::new(10));
        let (mut now, mut due) = (Time::ZERO, ms(15));
        for (id, (gap, arrives)) in steps.into_iter().enumerate() {
            now += Span::from_micros(gap);
            while due <= now {
                // An update on time: exactly one at its instant.
                let delay = eager.delay();
                prop_assert_eq!(eager.ticks.pop(due), Some(due));
                prop_assert_eq!(eager.ticks.pop(due), None);
                let gains = eager.gains.clone();
                eager.controller.update(&gains, delay);
                due += Span::from_millis(15);
            }
            for (pie, bench) in [(&mut lazy, &mut lazy_bench), (&mut eager, &mut eager_bench)] {
                if arrives {
                    let queued = Queued { arrived: now, packet: packet(id as u64, 0, 1500) };
                    pie.enqueue(queued, &mut bench.at(now));
                } else {
                    pie.dequeue(&mut bench.at(now));
                }
            }
            prop_assert_eq!(&lazy.controller, &eager.controller);
            prop_assert_eq!(lazy_bench.dropped(), eager_bench.dropped());
        }
    }
}

/// Long without packets, then at once: rest is found, not waited for.
#[test]
fn a_long_pause_takes_no_time() {
    let mut pie = discipline(&Pie {
        update: Span::from_micros(1),
        ..Pie::default()
    });
    pie.controller.probability = 0.5;
    pie.catch_up(Time::from_nanos(u64::MAX - 1));
    assert_eq!(pie.controller.probability, 0.0);
}

/// Marks below the threshold, drops from it on, and drops what is not capable.
#[test]
fn marks_while_the_probability_is_low() {
    for (probability, ecn, marks) in [
        (0.099, Ecn::Ect0, true),
        (0.099, Ecn::Ect1, true),
        (0.099, Ecn::NotEct, false),
        (0.1, Ecn::Ect0, false),
    ] {
        let mut pie = discipline(&Pie {
            ecn: true,
            ..Pie::default()
        });
        let mut bench = Bench::new(10);
        pie.controller.old = Span::from_millis(15);
        for n in 0..1000 {
            pie.controller.probability = probability;
            let packet = Packet {
                ecn,
                ..packet(n, 0, 1500)
            };
            pie.enqueue(
                Queued {
                    arrived: ms(0),
                    packet,
                },
                &mut bench.at(ms(0)),
            );
        }
        let marked = bench
            .verdicts
            .iter()
            .filter(|v| matches!(v, crate::model::Verdict::Mark(_)))
            .count();
        let dropped = bench.dropped();
        assert!(dropped.iter().all(|(_, reason)| *reason == DropReason::Aqm));
        // 1000 draws at 10 %: 100, standard deviation 9.5.
        assert!((marked + dropped.len()).abs_diff(100) < 40);
        assert_eq!(
            (marked > 0, dropped.is_empty()),
            (marks, marks),
            "{probability} {ecn:?}"
        );
    }
}

#[test]
fn short_queues_and_short_delays_are_safe() {
    let gains = gains(false, Decay::AtZero);
    let with = |probability, old_us| Controller {
        probability,
        old: Span::from_micros(old_us),
        burst: Span::ZERO,
    };
    assert!(with(0.9, 90_000).is_safe(&gains, 3000, 1500));
    assert!(!with(0.9, 90_000).is_safe(&gains, 3001, 1500));
    assert!(with(0.19, 7_499).is_safe(&gains, 90_000, 1500));
    assert!(!with(0.19, 7_500).is_safe(&gains, 90_000, 1500));
    assert!(!with(0.2, 7_499).is_safe(&gains, 90_000, 1500));
}

/// The k-th packet to arrive meets draw k, whatever became of others.
#[test]
fn draws_belong_to_the_order_of_arrival() {
    let mut bench = Bench::new(10);
    let mut pie = discipline(&Pie::default());
    pie.controller.old = Span::from_millis(15);
    pie.controller.probability = 0.5;
    for n in 0..500 {
        let packet = packet(n, 0, 1500);
        pie.enqueue(
            Queued {
                arrived: ms(0),
                packet,
            },
            &mut bench.at(ms(0)),
        );
        if n % 3 == 2 {
            pie.dequeue(&mut bench.at(ms(0)));
        }
    }
    let unlucky = |n: &u64| pie.draws.bits(*n) < 1 << 63;
    let dropped: Vec<u64> = bench.dropped().iter().map(|(id, _)| *id).collect();
    let first = dropped[0];
    assert!(first < 20, "the queue is long enough soon");
    assert_eq!(dropped, (first..500).filter(unlucky).collect::<Vec<_>>());
}

/// Every drop and mark starts the spread anew, also when the probability that
/// has passed forces it; Linux's forced marks do not, so that the next packet is
/// marked too.
#[test]
fn every_action_starts_the_spread_anew() {
    for ecn in [Ecn::Ect0, Ecn::NotEct] {
        let config = Pie {
            ecn: true,
            derandomise: true,
            ..Pie::default()
        };
        let mut bench = Bench::new(10);
        let mut pie = discipline(&config);
        pie.controller.old = Span::from_millis(15);
        pie.controller.probability = 0.05;
        let mut acted = Vec::new();
        for n in 0..2_000 {
            let packet = Packet {
                ecn,
                ..packet(n, 0, 1500)
            };
            pie.enqueue(
                Queued {
                    arrived: ms(0),
                    packet,
                },
                &mut bench.at(ms(0)),
            );
            if !bench.verdicts.is_empty() {
                acted.push(n);
                bench.verdicts.clear();
            }
        }
        let distances = acted.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(acted.len() > 30 && distances.min() >= Some(18), "{acted:?}");
    }
}

#[test]
fn overflow_is_told_from_decisions() {
    let mut tested = Tested::new(&Pie {
        limit: QueueLimit::Packets(2),
        ..Pie::default()
    });
    tested.enqueue(ms(0), packet(0, 0, 1500));
    tested.dequeue(ms(0)).unwrap();
    for id in 1..4 {
        tested.enqueue(ms(0), packet(id, 0, 1500));
    }
    assert_eq!(tested.bench.dropped(), [(3, DropReason::Overflow)]);
}

#[test]
fn refuses_numbers_that_make_no_sense() {
    let default = Pie::default;
    for (field, config) in [
        (
            "update",
            Pie {
                update: Span::ZERO,
                ..default()
            },
        ),
        (
            "target",
            Pie {
                target: Span::ZERO,
                ..default()
            },
        ),
        (
            "alpha",
            Pie {
                alpha: f64::NAN,
                ..default()
            },
        ),
        (
            "beta",
            Pie {
                beta: -1.0,
                ..default()
            },
        ),
        (
            "mark_threshold",
            Pie {
                mark_threshold: Ratio::from_f64(1.1),
                ..default()
            },
        ),
    ] {
        assert_eq!(refusal(&config).0, field);
    }
}
