//! Vectors of queues-and-wire 1.2 and the edges of RFC 8290.

use weaknet_core::event::DropReason;
use weaknet_core::packet::{Ecn, FlowId, Leg, Packet};
use weaknet_core::{Bytes, Span, Time};

use super::{ControlLaw, FqCodel, TurnEnds};
use crate::queue::QueueLimit;
use crate::queue::flow_key::FlowKey;
use crate::queue::support::{Tested, packet, refusal};

const A: u16 = 1;
const B: u16 = 2;
const C: u16 = 3;

/// The scheduler vector: packets are named by flow and number.
fn order(turn_ends: TurnEnds) -> String {
    let mut tested = Tested::new(&FqCodel {
        turn_ends,
        ..FqCodel::default()
    });
    let mut out = Vec::new();
    for slot in 0..13 {
        let arriving: &[(u16, u32, u64)] = match slot {
            0 => &[(A, 1514, 6), (B, 500, 5)],
            4 => &[(C, 200, 1)],
            6 => &[(C, 200, 2)],
            _ => &[],
        };
        for (flow, size, last) in arriving {
            let first = if *flow == C { *last } else { 1 };
            for id in first..=*last {
                tested.enqueue(Time::ZERO, packet(id, *flow, *size));
            }
        }
        let queued = tested.dequeue(Time::ZERO).unwrap();
        let name = ["", "A", "B", "C"][usize::from(queued.packet.flow.0)];
        out.push(format!("{name}{}", queued.packet.id));
    }
    assert!(tested.dequeue(Time::ZERO).is_none());
    out.join(" ")
}

#[test]
fn turns_end_at_zero_credits() {
    assert_eq!(
        order(TurnEnds::AtZero),
        "A1 B1 B2 B3 B4 C1 C2 A2 B5 A3 A4 A5 A6"
    );
}

#[test]
fn turns_end_below_zero_credits_by_the_letter() {
    assert_eq!(
        order(TurnEnds::BelowZero),
        "A1 A2 B1 B2 B3 B4 C1 C2 A3 B5 A4 A5 A6"
    );
}

/// A full queue, all at the start: one packet of A leaves at once, as on a
/// link; then so many of A and of B wait.
fn full(a: u64, b: u64, limit: u64) -> Tested {
    let mut tested = Tested::new(&FqCodel {
        limit: QueueLimit::Packets(limit),
        ..FqCodel::default()
    });
    tested.enqueue(Time::ZERO, packet(0, A, 1500));
    tested.dequeue(Time::ZERO).unwrap();
    for id in 1..=a {
        tested.enqueue(Time::ZERO, packet(id, A, 1500));
    }
    for id in 1..=b {
        tested.enqueue(Time::ZERO, packet(1000 + id, B, 300));
    }
    assert_eq!(tested.bench.dropped(), []);
    tested
}

#[test]
fn overload_takes_half_of_the_fattest_queue_from_its_head() {
    let mut tested = full(80, 20, 100);
    tested.enqueue(Time::ZERO, packet(2000, B, 300));
    let dropped = (1..=40).map(|id| (id, DropReason::Overflow));
    assert_eq!(tested.bench.dropped(), dropped.collect::<Vec<_>>());
    assert_eq!(tested.discipline.bytes(), 40 * 1500 + 21 * 300);
}

#[test]
fn overload_takes_a_batch_at_most() {
    let mut tested = full(200, 0, 200);
    tested.enqueue(Time::ZERO, packet(2000, B, 300));
    let dropped = (1..=64).map(|id| (id, DropReason::Overflow));
    assert_eq!(tested.bench.dropped(), dropped.collect::<Vec<_>>());
}

/// The arriving packet stays, unless its own queue is the fattest and short.
#[test]
fn the_arriving_packet_stays() {
    let mut tested = full(3, 0, 3);
    tested.enqueue(Time::ZERO, packet(9, B, 300));
    let dropped = [1, 2].map(|id| (id, DropReason::Overflow));
    assert_eq!(tested.bench.dropped(), dropped);
    // A has 14 of its first credits left.
    assert_eq!(tested.ids(Time::ZERO, 9), [3, 9]);
}

#[test]
fn a_sparse_flow_goes_ahead_of_bulk() {
    let mut tested = Tested::new(&FqCodel::default());
    for id in 0..100 {
        tested.enqueue(Time::ZERO, packet(id, A, 1500));
    }
    // The first quantum of A, which is new too.
    assert_eq!(tested.ids(Time::ZERO, 2), [0, 1]);
    for id in 1000..1030 {
        tested.enqueue(Time::ZERO, packet(id, B, 200));
        assert_eq!(tested.ids(Time::ZERO, 1), [id]);
        tested.ids(Time::ZERO, 2);
    }
}

/// A queue that was new and empties goes behind the old ones: a flow that
/// sends again at once does not starve bulk.
#[test]
fn an_emptied_new_queue_passes_through_the_old_ones() {
    let mut tested = Tested::new(&FqCodel::default());
    for id in 0..20 {
        tested.enqueue(Time::ZERO, packet(id, A, 1514));
    }
    assert_eq!(tested.ids(Time::ZERO, 1), [0]);
    let mut bulk = 0;
    for id in 100..110 {
        // B sends a whole quantum whenever its queue is empty.
        tested.enqueue(Time::ZERO, packet(id, B, 1514));
        let two = tested.ids(Time::ZERO, 2);
        bulk += two.iter().filter(|id| **id < 100).count();
    }
    assert!((9..=10).contains(&bulk), "{bulk} packets of bulk among 20");
}

/// CoDel looks at all queues: a flow with one packet is acted on while others
/// fill the link.
#[test]
fn codel_counts_the_bytes_of_all_queues() {
    let drops = |others: u64| {
        let mut tested = Tested::new(&FqCodel::default());
        for id in 0..others {
            tested.enqueue(Time::ZERO, packet(id, A, 1500));
        }
        let mut dropped = Vec::new();
        // B has two packets at a time, one leaves, 50 ms after its arrival.
        for n in 0..40u64 {
            tested.enqueue(Time::from_millis(50 * n), packet(1000 + n, B, 100));
            if n > 0 {
                tested.dequeue(Time::from_millis(50 * n + 40));
            }
            dropped.extend(tested.bench.dropped());
        }
        dropped.iter().filter(|(id, _)| *id >= 1000).count()
    };
    assert_eq!(drops(0), 0);
    assert!(drops(1000) > 0);
}

/// Vector A2 of queues-and-wire 1.1: one flow alone is plain CoDel.
#[test]
fn a_single_flow_meets_the_schedule_of_codel() {
    for (control_law, want) in [
        (ControlLaw::Rfc8289, A2_RFC),
        (ControlLaw::Strict, A2_RFC.map(|(ms, id)| (ms + 1, id + 1))),
    ] {
        let mut tested = Tested::new(&FqCodel {
            control_law,
            ..FqCodel::default()
        });
        for id in 0..4_000 {
            tested.enqueue(Time::ZERO, packet(id, A, 1500));
        }
        let mut drops = Vec::new();
        for n in 0..=430 {
            tested.dequeue(Time::from_millis(n)).unwrap();
            drops.extend(tested.bench.dropped().iter().map(|(id, _)| (n, *id)));
        }
        assert_eq!(drops, want, "{control_law:?}");
    }
}

const A2_RFC: [(u64, u64); 6] = [
    (105, 105),
    (205, 206),
    (276, 278),
    (334, 337),
    (384, 388),
    (429, 434),
];

#[test]
fn marks_capable_packets_by_default() {
    let mut tested = Tested::new(&FqCodel::default());
    for id in 0..400 {
        let ecn = if id % 2 == 0 { Ecn::Ect0 } else { Ecn::NotEct };
        tested.enqueue(
            Time::ZERO,
            Packet {
                ecn,
                ..packet(id, A, 1500)
            },
        );
    }
    let (mut marked, mut sent) = (0, 0);
    for n in 0..300 {
        let Some(queued) = tested.dequeue(Time::from_millis(n)) else {
            break;
        };
        sent += 1;
        if queued.packet.ecn == Ecn::Ce {
            assert_eq!(queued.packet.id % 2, 0);
            marked += 1;
        }
    }
    let dropped = 400 - sent - tested.discipline.packets();
    assert_eq!(
        dropped as usize + tested.bench.marked().len(),
        3,
        "105, 205 and 276 ms"
    );
    assert!(marked > 0);
}

/// The number of flows without company among 100 flows and 1024 queues:
/// (1 - 1/1024)^99 of them, 90.78 of 100 (RFC 8290 section 5; queues-and-wire
/// 1.2). The mean over 400 salts has a standard deviation of about
/// sqrt(100 * 0.9078 * 0.0922 * 2) / 20 = 0.2; the factor 2 bounds the
/// dependence of flows that collide with each other.
#[test]
fn collisions_are_those_of_chance() {
    let alone = |salt: u64| {
        let queue = |flow: u16| FlowKey::of(&packet(0, flow, 0)).queue(salt, 1024);
        let queues: Vec<usize> = (0..100).map(queue).collect();
        let alone = queues
            .iter()
            .filter(|queue| queues.iter().filter(|other| other == queue).count() == 1);
        alone.count() as f64
    };
    let mean = (0..400).map(alone).sum::<f64>() / 400.0;
    assert!((mean - 90.7804).abs() < 4.0 * 0.2, "{mean}");
}

#[test]
fn directions_and_paths_are_flows_of_their_own() {
    let key = |leg, path| {
        FlowKey::of(&Packet {
            flow: FlowId(7),
            leg,
            path,
            ..packet(0, 7, 0)
        })
        .queue(8290, 65_536)
    };
    let keys = [
        key(Leg::Outward, 0),
        key(Leg::Outward, 1),
        key(Leg::Return, 0),
        key(Leg::Return, 1),
    ];
    for (i, one) in keys.iter().enumerate() {
        assert!(keys[..i].iter().all(|other| other != one), "{keys:?}");
    }
}

#[test]
fn packets_of_many_quanta_are_served() {
    let mut tested = Tested::new(&FqCodel {
        quantum: Bytes::new(1),
        ..FqCodel::default()
    });
    for (id, flow, size) in [
        (0, A, u32::MAX),
        (1, A, 100),
        (2, B, 40),
        (3, B, 40),
        (4, C, 0),
    ] {
        tested.enqueue(Time::ZERO, packet(id, flow, size));
    }
    assert_eq!(tested.ids(Time::ZERO, 9), [0, 2, 4, 3, 1]);
}

#[test]
fn refuses_numbers_that_make_no_sense() {
    let default = FqCodel::default;
    for (field, config) in [
        (
            "flows",
            FqCodel {
                flows: 0,
                ..default()
            },
        ),
        (
            "flows",
            FqCodel {
                flows: 65_537,
                ..default()
            },
        ),
        (
            "quantum",
            FqCodel {
                quantum: Bytes::ZERO,
                ..default()
            },
        ),
        (
            "drop_batch",
            FqCodel {
                drop_batch: 0,
                ..default()
            },
        ),
        (
            "interval",
            FqCodel {
                interval: Span::ZERO,
                ..default()
            },
        ),
    ] {
        assert_eq!(refusal(&config).0, field);
    }
}
