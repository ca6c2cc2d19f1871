//! Common random numbers: senders that do different things meet the same fate,
//! by the number of the packet or by the instant, as the scenario says.

use crate::support::{build, drive, link, parts};
use weaknet_core::event::Event;
use weaknet_core::{Span, Time};
use weaknet_netem::model::{Limit, Queue};
use weaknet_netem::{DrawKey, Parts, delay, loss};

/// One fate per packet: when it was sent, whether it was lost, its delay.
type Fates = Vec<(Time, bool, Option<Span>)>;

fn fates(draws: DrawKey, packets: &[(Time, u32)]) -> Fates {
    let bursts = loss::GilbertElliott {
        average: "20%".parse().ok(),
        burst: Some(4.0),
        ..loss::GilbertElliott::default()
    };
    let jitter = delay::UniformDelay {
        reorder: delay::Reorder::Allowed,
        ..delay::UniformDelay::default()
    };
    let queue = Queue::DropTail(Limit::Packets(u64::MAX));
    let mut link = link(Parts {
        loss: vec![
            build(&bursts, 5),
            build(&loss::Bernoulli("5%".parse().unwrap()), 6),
        ],
        delay: vec![build(&jitter, 7)],
        draws,
        ..parts("unlimited", queue, "0ms")
    });
    let mut events = Vec::new();
    let out = drive(&mut link, packets, &mut events, |_, _| {});
    let mut fates: Fates = packets.iter().map(|(at, _)| (*at, false, None)).collect();
    for (_, event) in &events {
        if let Event::LinkDrop { packet, .. } = event {
            fates[packet.id as usize].1 = true;
        }
    }
    for delivery in out {
        let fate = &mut fates[delivery.packet.id as usize];
        fate.2 = Some(delivery.at - fate.0);
    }
    fates
}

/// A packet every `every` ms for 20 s.
fn sender(every: u64, size: u32) -> Vec<(Time, u32)> {
    let count = 20_000 / every;
    (0..count)
        .map(|i| (Time::from_millis(i * every), size))
        .collect()
}

#[test]
fn the_kth_packet_meets_the_same_fate() {
    let slow = fates(DrawKey::Packet, &sender(20, 1_200));
    let fast = fates(DrawKey::Packet, &sender(5, 200));
    let fate = |(_, lost, delay): &(Time, bool, Option<Span>)| (*lost, *delay);
    assert!(
        slow.iter()
            .map(fate)
            .eq(fast.iter().map(fate).take(slow.len()))
    );
    assert!(slow.iter().any(|(_, lost, _)| *lost));
}

#[test]
fn the_same_instant_meets_the_same_fate() {
    let slot = DrawKey::Slot(Span::from_millis(5));
    let slow = fates(slot, &sender(20, 1_200));
    let fast = fates(slot, &sender(5, 200));
    let same: Vec<_> = fast.into_iter().step_by(4).collect();
    assert_eq!(slow, same);
    // By the packet's number the two have nothing to do with each other.
    let slow = fates(DrawKey::Packet, &sender(20, 1_200));
    let fast = fates(DrawKey::Packet, &sender(5, 200));
    let same: Vec<_> = fast.into_iter().step_by(4).collect();
    assert_ne!(slow, same);
}

#[test]
fn a_chain_moves_by_the_slot_however_many_packets_there_are() {
    // Ten packets at once in every slot or in every third one: bursts last as
    // long in time, and are told apart from single losses inside a slot.
    let slot = DrawKey::Slot(Span::from_millis(20));
    let crowd = |every: u64| {
        let times = (0..1_000u64).step_by(every as usize);
        let ten = |k: u64| {
            (0..10u64).map(move |i| (Time::from_millis(20 * k) + Span::from_micros(i), 100))
        };
        fates(slot, &times.flat_map(ten).collect::<Vec<_>>())
    };
    let (all, some) = (crowd(1), crowd(3));
    let same: Vec<_> = all.chunks(10).step_by(3).flatten().copied().collect();
    assert_eq!(some, same);
    // In a bad slot the chain loses all ten.
    let whole = all
        .chunks(10)
        .filter(|ten| ten.iter().all(|(_, lost, _)| *lost));
    assert!(whole.count() > 100);
}
