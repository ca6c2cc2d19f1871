//! Common random numbers: senders that do different things meet the same fate,
//! by the number of the packet or by the instant, as the scenario says.

use crate::support::{build, drive, link, packet, parts};
use weaknet_core::event::Event;
use weaknet_core::packet::{FlowId, Packet};
use weaknet_core::{Span, Time};
use weaknet_netem::model::{Limit, Queue};
use weaknet_netem::{DrawKey, Parts, corrupt, delay, duplicate, loss, reorder};

/// What became of a packet.
#[derive(Debug, Clone, PartialEq, Default)]
struct Fate {
    lost: bool,
    damaged: bool,
    /// Of the packet and of its copy, in order of arrival.
    delays: Vec<Span>,
}

/// The fates on a link with every impairment that is drawn.
fn fates(draws: DrawKey, packets: &[Packet]) -> Vec<Fate> {
    let bursts = loss::GilbertElliott {
        average: "20%".parse().ok(),
        burst: Some(4.0),
        ..loss::GilbertElliott::default()
    };
    let jitter = delay::UniformDelay {
        reorder: delay::Reorder::Allowed,
        ..delay::UniformDelay::default()
    };
    let drifting = delay::NormalDelay {
        correlation: "90%".parse().unwrap(),
        reorder: delay::Reorder::Allowed,
        ..delay::NormalDelay::default()
    };
    let copies = duplicate::IndependentDuplication {
        probability: "25%".parse().unwrap(),
        lag: Span::from_millis(3),
    };
    let late = reorder::Late {
        probability: "10%".parse().unwrap(),
        ..reorder::Late::default()
    };
    let damage = corrupt::IndependentCorruption("25%".parse().unwrap());
    let queue = Queue::DropTail(Limit::Packets(u64::MAX));
    let mut link = link(Parts {
        loss: vec![
            build(&bursts, 5),
            build(&loss::Bernoulli("5%".parse().unwrap()), 6),
        ],
        delay: vec![build(&jitter, 7), build(&drifting, 8)],
        corrupt: Some(build(&damage, 9)),
        duplicate: Some(build(&copies, 10)),
        reorder: Some(build(&late, 11)),
        draws,
        ..parts("unlimited", queue, "0ms")
    });
    let mut events = Vec::new();
    let out = drive(&mut link, packets, &mut events);
    let mut fates = vec![Fate::default(); packets.len()];
    for (_, event) in &events {
        if let Event::LinkDrop { packet, .. } = event {
            fates[packet.id as usize].lost = true;
        }
    }
    for delivery in out {
        let fate = &mut fates[delivery.packet.id as usize];
        fate.delays.push(delivery.at - delivery.packet.sent);
        fate.damaged = delivery.packet.damaged;
    }
    fates
}

/// Packets of a flow at some instants.
fn flow(id: u16, size: u32, times: impl IntoIterator<Item = Time>) -> Vec<Packet> {
    let packet = |(number, at)| Packet {
        flow: FlowId(id),
        ..packet(number, size, at)
    };
    (0..).zip(times).map(packet).collect()
}

/// A packet every `every` ms for 20 s, `into` its millisecond.
fn sender(id: u16, every: u64, into: Span, size: u32) -> Vec<Packet> {
    let times = (0..20_000 / every).map(|i| Time::from_millis(i * every) + into);
    flow(id, size, times)
}

fn slow() -> Vec<Packet> {
    sender(1, 20, Span::ZERO, 1_200)
}

/// Four packets for each of the slow flow, at other instants of the same slots.
fn fast() -> Vec<Packet> {
    sender(2, 5, Span::from_micros(4_321), 200)
}

/// Every impairment is there in every form, so that equality says something.
fn is_rich(fates: &[Fate]) -> bool {
    let some = |has: fn(&Fate) -> bool| fates.iter().filter(|fate| has(fate)).count() > 10;
    some(|fate| fate.lost)
        && some(|fate| fate.damaged && fate.delays.len() == 1)
        && some(|fate| !fate.damaged && fate.delays.len() == 2)
        && some(|fate| fate.damaged && fate.delays.len() == 2)
}

#[test]
fn the_kth_packet_meets_the_same_fate() {
    let slow = fates(DrawKey::Packet, &slow());
    let fast = fates(DrawKey::Packet, &fast());
    assert!(is_rich(&slow));
    assert_eq!(slow, fast[..slow.len()]);
}

#[test]
fn the_same_instant_meets_the_same_fate() {
    let every_fourth = |fates: Vec<Fate>| fates.into_iter().step_by(4).collect::<Vec<_>>();
    let slot = DrawKey::Slot(Span::from_millis(5));
    let slow_fates = fates(slot, &slow());
    assert!(is_rich(&slow_fates));
    assert_eq!(slow_fates, every_fourth(fates(slot, &fast())));
    // By the packet's number the two have nothing to do with each other.
    let slow_fates = fates(DrawKey::Packet, &slow());
    assert_ne!(slow_fates, every_fourth(fates(DrawKey::Packet, &fast())));
}

/// Packets of a slot are told apart by their order in it, not by the instant:
/// a burst at its start fares like packets spread over it.
#[test]
fn the_pattern_within_a_slot_does_not_matter() {
    let slot = DrawKey::Slot(Span::from_millis(20));
    let pattern = |id, size, apart: Span| {
        let times = (0..1_000u64).flat_map(|k| {
            let ten = move |i| Time::from_millis(20 * k) + apart * i;
            (0..10).map(ten)
        });
        fates(slot, &flow(id, size, times))
    };
    let burst = pattern(1, 100, Span::ZERO);
    assert!(is_rich(&burst));
    assert_eq!(burst, pattern(2, 1_400, Span::from_millis(1)));
}

#[test]
fn a_chain_moves_by_the_slot_however_many_packets_there_are() {
    // Ten packets at once in every slot or in every third one: bursts last as
    // long in time, and are told apart from single losses inside a slot.
    let slot = DrawKey::Slot(Span::from_millis(20));
    let crowd = |every: usize| {
        let times = (0..1_000u64).step_by(every);
        let ten =
            |k: u64| (0..10u64).map(move |i| Time::from_millis(20 * k) + Span::from_micros(i));
        fates(slot, &flow(1, 100, times.flat_map(ten)))
    };
    let (all, some) = (crowd(1), crowd(3));
    let same: Vec<_> = all.chunks(10).step_by(3).flatten().cloned().collect();
    assert_eq!(some, same);
    // In a bad slot the chain loses all ten.
    let whole = all
        .chunks(10)
        .filter(|ten| ten.iter().all(|fate| fate.lost));
    assert!(whole.count() > 100);
}

/// Damage by bits grows with the size, so that fates cannot be equal: but what
/// damages a small packet damages a large one in its place.
#[test]
fn a_large_packet_is_damaged_where_a_small_one_would_be() {
    let damaged = |size| {
        let errors = corrupt::BitErrors { rate: 2e-5 };
        let mut link = link(Parts {
            corrupt: Some(build(&errors, 12)),
            ..parts("unlimited", Queue::DropTail(Limit::Packets(9)), "1ms")
        });
        let packets = sender(1, 5, Span::ZERO, size);
        let out = drive(&mut link, &packets, &mut Vec::new());
        let damaged = out.into_iter().filter(|d| d.packet.damaged);
        damaged.map(|d| d.packet.id).collect::<Vec<_>>()
    };
    let (small, large) = (damaged(200), damaged(1_400));
    assert!(small.len() > 50 && large.len() > 3 * small.len());
    assert!(small.iter().all(|id| large.contains(id)));
}
