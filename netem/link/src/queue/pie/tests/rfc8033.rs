//! PIE of RFC 8033 at work.

use proptest::prelude::*;
use weaknet_core::event::DropReason;
use weaknet_core::packet::Ecn;
use weaknet_core::{Span, Time};

use super::{ms, on_bench, with_ecn};
use crate::model::QueueDiscipline;
use crate::queue::QueueLimit;
use crate::queue::pie::rfc8033::Rfc8033;
use crate::queue::pie::{Algorithm, Discipline, Latency, Pie};
use crate::queue::support::{Tested, packet};

fn tested(config: &Pie) -> Tested<Discipline<Rfc8033>> {
    on_bench(config, config.rfc8033())
}

/// With a delay above half the target at the last update.
fn congested(config: &Pie, probability: f64) -> Tested<Discipline<Rfc8033>> {
    let mut tested = tested(config);
    let controller = &mut tested.discipline.algorithm.controller;
    controller.old = Span::from_millis(15);
    controller.probability = probability;
    tested
}

/// The allowance is whole at the first congested arrival at 0 and gone after
/// the tenth update at 150 ms; the probability grows meanwhile (ns-3 holds it at
/// zero).
#[test]
fn a_burst_is_let_through() {
    let mut tested = tested(&Pie::default());
    // A long queue that has just come up.
    for id in 0..200 {
        tested.enqueue(ms(0), packet(id, 0, 1500));
    }
    tested.dequeue(Time::from_nanos(14_999_999));
    let mut probability = 0.0;
    for update in 1..=10 {
        tested.discipline.catch_up(ms(15 * update));
        let controller = &tested.discipline.algorithm.controller;
        assert_eq!(controller.burst, Span::from_millis(150 - 15 * update));
        assert!(update == 1 || controller.probability > probability);
        probability = controller.probability;
        let at = ms(15 * update + 10);
        tested.dequeue(at);
        tested.discipline.algorithm.controller.probability = 1.0;
        tested.enqueue(at, packet(1000 + update, 0, 1500));
        tested.discipline.algorithm.controller.probability = probability;
    }
    // Only the last of those that met a probability of 1 was not let through.
    assert_eq!(tested.bench.dropped(), [(1010, DropReason::Aqm)]);
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
        let (mut lazy, mut eager) = (tested(&config), tested(&config));
        let (mut now, mut due) = (Time::ZERO, ms(15));
        for (id, (gap, arrives)) in steps.into_iter().enumerate() {
            now += Span::from_micros(gap);
            while due <= now {
                // An update on time: exactly one at its instant.
                let bytes = eager.discipline.bytes();
                prop_assert_eq!(eager.discipline.ticks.pop(due), Some(due));
                prop_assert_eq!(eager.discipline.ticks.pop(due), None);
                eager.discipline.algorithm.update(bytes);
                due += Span::from_millis(15);
            }
            for tested in [&mut lazy, &mut eager] {
                if arrives {
                    tested.enqueue(now, packet(id as u64, 0, 1500));
                } else {
                    tested.dequeue(now);
                }
            }
            let [a, b] = [&lazy, &eager].map(|tested| &tested.discipline.algorithm.controller);
            prop_assert_eq!(a, b);
            prop_assert_eq!(lazy.bench.dropped(), eager.bench.dropped());
        }
    }
}

/// Long without packets, then at once: rest is found, not waited for.
#[test]
fn a_long_pause_takes_no_time() {
    let update = Span::from_micros(1);
    let mut pie = tested(&Pie {
        update,
        ..Pie::default()
    });
    pie.discipline.algorithm.controller.probability = 0.5;
    pie.discipline.catch_up(Time::from_nanos(u64::MAX - 1));
    assert_eq!(pie.discipline.algorithm.controller.probability, 0.0);
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
        let config = Pie {
            ecn: true,
            ..Pie::default()
        };
        let mut tested = congested(&config, probability);
        for id in 0..1000 {
            tested.enqueue(ms(0), with_ecn(id, ecn));
        }
        let acted = tested.bench.verdicts.len();
        let dropped = tested.bench.dropped();
        assert!(dropped.iter().all(|(_, reason)| *reason == DropReason::Aqm));
        // 1000 draws at 10 %: 100, standard deviation 9.5.
        assert!(acted.abs_diff(100) < 40);
        let expected = if marks { 0 } else { acted };
        assert_eq!(dropped.len(), expected, "{probability} {ecn:?}");
    }
}

/// The k-th packet to arrive meets draw k, whatever became of others.
#[test]
fn draws_belong_to_the_order_of_arrival() {
    let mut tested = congested(&Pie::default(), 0.5);
    for n in 0..500 {
        tested.enqueue(ms(0), packet(n, 0, 1500));
        if n % 3 == 2 {
            tested.dequeue(ms(0));
        }
    }
    let draws = tested.discipline.draws;
    let unlucky = |n: &u64| draws.bits(*n) < 1 << 63;
    let dropped: Vec<u64> = tested.bench.dropped().iter().map(|(id, _)| *id).collect();
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
        let mut tested = congested(&config, 0.05);
        let mut acted = Vec::new();
        for id in 0..2_000 {
            tested.enqueue(ms(0), with_ecn(id, ecn));
            if tested.bench.verdicts.drain(..).next().is_some() {
                acted.push(id);
            }
        }
        let distances = acted.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(acted.len() > 30 && distances.min() >= Some(18), "{acted:?}");
    }
}

#[test]
fn overflow_is_told_from_decisions() {
    let mut tested = tested(&Pie {
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
