//! The link against the closed forms of queueing theory (queues reference 2.1
//! and 2.4).

use crate::support::{build, drive, link, parts};
use weaknet_core::event::{DropReason, Event};
use weaknet_core::{Span, Time};
use weaknet_netem::model::{Limit, Queue};
use weaknet_netem::{LossAt, Parts, delay, loss, rate};

const FRAME: u64 = 33_333_333;

/// Frames of so many packets of 1200 bytes, all at once, one frame period apart.
fn frames(sizes: &[u64]) -> Vec<(Time, u32)> {
    let start = |frame: usize| Time::from_nanos(frame as u64 * FRAME);
    sizes
        .iter()
        .enumerate()
        .flat_map(|(f, k)| (0..*k).map(move |_| (start(f), 1_200)))
        .collect()
}

/// When the last packet of each frame gets there, counted from its start.
fn frame_delays(rate: &str, sizes: &[u64]) -> Vec<u64> {
    let mut last = vec![0; sizes.len()];
    let mut link = link(parts(
        rate,
        Queue::DropTail(Limit::Packets(u64::MAX)),
        "0ms",
    ));
    for delivery in drive(&mut link, &frames(sizes), &mut Vec::new()) {
        let frame = (delivery.packet.sent.as_nanos() / FRAME) as usize;
        last[frame] = (delivery.at - delivery.packet.sent).as_nanos();
    }
    last
}

/// Packets lost in each frame, by their position in it.
fn lost_positions(rate: &str, size: u64, limit: u64, count: usize) -> Vec<Vec<u64>> {
    let mut lost = vec![Vec::new(); count];
    let mut events = Vec::new();
    let mut link = link(parts(rate, Queue::DropTail(Limit::Packets(limit)), "0ms"));
    drive(&mut link, &frames(&vec![size; count]), &mut events);
    for (_, event) in events {
        if let Event::LinkDrop { packet, reason, .. } = event {
            assert_eq!(reason, DropReason::Overflow);
            lost[(packet.id / size) as usize].push(packet.id % size);
        }
    }
    lost
}

#[test]
fn periodic_frames_below_capacity() {
    assert_eq!(frame_delays("5Mbps", &[12; 6]), [23_040_000; 6]);
    let mut events = Vec::new();
    let mut link = link(parts(
        "5Mbps",
        Queue::DropTail(Limit::Packets(u64::MAX)),
        "7ms",
    ));
    drive(&mut link, &frames(&[12; 6]), &mut events);
    let waits: Vec<u64> = events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::LinkDeliver { waited, total, .. } => {
                assert_eq!(*total, *waited + Span::from_nanos(1_920_000 + 7_000_000));
                Some(waited.as_nanos())
            }
            _ => None,
        })
        .collect();
    assert_eq!(waits.iter().max(), Some(&21_120_000));
    // The mean is that of (k-1) s / 2.
    assert_eq!(waits.iter().sum::<u64>(), 72 * 11 * 1_920_000 / 2);
}

#[test]
fn periodic_frames_above_capacity() {
    assert_eq!(
        frame_delays("3Mbps", &[12; 6]),
        [
            38_400_000, 43_466_667, 48_533_334, 53_600_001, 58_666_668, 63_733_335
        ]
    );
}

#[test]
fn key_frame_drains() {
    assert_eq!(
        frame_delays("5Mbps", &[60, 8, 8, 8, 8, 8, 8, 8]),
        [
            115_200_000,
            97_226_667,
            79_253_334,
            61_280_001,
            43_306_668,
            25_333_335,
            15_360_000,
            15_360_000
        ]
    );
}

#[test]
fn drop_tail_loses_the_tail_of_each_frame() {
    assert_eq!(lost_positions("5Mbps", 12, 8, 4), vec![vec![9, 10, 11]; 4]);
    let counts: Vec<usize> = lost_positions("4Mbps", 20, 20, 8)
        .iter()
        .map(Vec::len)
        .collect();
    assert_eq!(counts, [0, 6, 6, 6, 6, 6, 6, 6]);
}

#[test]
fn limits_in_bytes_and_time_are_exact() {
    let lost = |limit: Limit| {
        let mut link = link(parts("1Mbps", Queue::DropTail(limit), "0ms"));
        drive(&mut link, &[(Time::ZERO, 1_000); 10], &mut Vec::new());
        link.counts().dropped.packets
    };
    // One in service; the others must fit whole. 1000 bytes are 8 ms.
    assert_eq!(lost(Limit::Bytes(4_999)), 5);
    assert_eq!(lost(Limit::Bytes(5_000)), 4);
    assert_eq!(lost(Limit::Time(Span::from_millis(40), None)), 4);
    assert_eq!(lost(Limit::Time(Span::from_nanos(39_999_999), None)), 5);
    assert_eq!(
        lost(Limit::Time(
            Span::from_millis(20),
            Some("2Mbps".parse().unwrap())
        )),
        4
    );
    assert_eq!(
        lost(Limit::Packets(0)),
        9,
        "an idle serialiser always takes a packet"
    );
    let mut open = link(parts(
        "unlimited",
        Queue::DropTail(Limit::Time(Span::ZERO, None)),
        "0ms",
    ));
    drive(&mut open, &[(Time::ZERO, 1_000); 10], &mut Vec::new());
    assert_eq!(open.counts().delivered.packets, 10);
}

#[test]
fn an_outage_keeps_what_is_queued_and_the_limit() {
    let steps = [("0s", "1Mbps"), ("10ms", "0bps"), ("1s", "1Mbps")];
    let steps = steps.map(|(at, rate)| (at.parse().unwrap(), rate.parse().unwrap()));
    let limit = Limit::Time(Span::from_millis(40), None);
    let mut link = link(Parts {
        rate: build(&rate::RateSteps(steps.to_vec()), 1),
        ..parts("1Mbps", Queue::DropTail(limit), "0ms")
    });
    // At 5 ms: one in service and three wait. During the outage two more fit.
    let mut packets = vec![(Time::from_millis(5), 1_000); 4];
    packets.extend([(Time::from_millis(500), 1_000); 4]);
    let out = drive(&mut link, &packets, &mut Vec::new());
    let got: Vec<(u64, u64)> = out
        .iter()
        .map(|d| (d.packet.id, d.at.as_millis()))
        .collect();
    assert_eq!(
        got,
        [
            (0, 1_003),
            (1, 1_011),
            (2, 1_019),
            (3, 1_027),
            (4, 1_035),
            (5, 1_043)
        ]
    );
    assert_eq!(link.counts().dropped.packets, 2);
}

#[test]
fn loss_uses_link_time_only_after_the_link() {
    let all = || build(&loss::Bernoulli("100%".parse().unwrap()), 1);
    let run = |loss_at| {
        let mut events = Vec::new();
        let queue = Queue::DropTail(Limit::Packets(1));
        let mut link = link(Parts {
            loss: vec![all()],
            loss_at,
            ..parts("1Mbps", queue, "50ms")
        });
        drive(&mut link, &[(Time::ZERO, 1_000); 3], &mut events);
        let drops = events.iter().filter_map(|(at, event)| match event {
            Event::LinkDrop { packet, reason, .. } => Some((at.as_millis(), packet.id, *reason)),
            _ => None,
        });
        drops.collect::<Vec<_>>()
    };
    let (loss, overflow) = (DropReason::Loss, DropReason::Overflow);
    assert_eq!(
        run(LossAt::BeforeQueue),
        [(0, 0, loss), (0, 1, loss), (0, 2, loss)]
    );
    // Lost as the last bit leaves the serialiser; the third found no room.
    assert_eq!(
        run(LossAt::AfterLink),
        [(0, 2, overflow), (8, 0, loss), (16, 1, loss)]
    );
}

#[test]
fn reordering_is_a_matter_of_permission() {
    let order = |reorder| {
        let uniform = delay::UniformDelay {
            min: Span::ZERO,
            max: Span::from_millis(50),
            reorder,
            ..delay::UniformDelay::default()
        };
        let queue = Queue::DropTail(Limit::Packets(u64::MAX));
        let mut link = link(Parts {
            delay: vec![build(&uniform, 9)],
            ..parts("10Mbps", queue, "0ms")
        });
        let packets: Vec<_> = (0..200).map(|i| (Time::from_millis(i), 1_000)).collect();
        let out = drive(&mut link, &packets, &mut Vec::new());
        out.iter().map(|d| (d.packet.id, d.at)).collect::<Vec<_>>()
    };
    let (held, free) = (
        order(delay::Reorder::Forbidden),
        order(delay::Reorder::Allowed),
    );
    assert!(held.is_sorted() && held.is_sorted_by_key(|(_, at)| *at));
    assert!(!free.is_sorted() && free.is_sorted_by_key(|(_, at)| *at));
    // Forbidden: the release is the running maximum of the free ones.
    let mut own = free;
    own.sort_unstable();
    let mut latest = Time::ZERO;
    for ((id, at), (_, held_at)) in own.into_iter().zip(held) {
        latest = latest.max(at);
        assert_eq!(held_at, latest, "packet {id}");
    }
}

#[test]
fn two_pipes_are_one() {
    let queue = || Queue::DropTail(Limit::Packets(5));
    let packets: Vec<_> = (0..500u64)
        .map(|i| (Time::from_nanos(i * i * 10_007 % 400_000_000), 1_200))
        .collect();
    let mut packets = packets;
    packets.sort_unstable();
    let mut whole = link(parts("5Mbps", queue(), "30ms"));
    let want = drive(&mut whole, &packets, &mut Vec::new());
    let mut first = link(parts("5Mbps", queue(), "13ms"));
    let mut second = link(parts("unlimited", queue(), "17ms"));
    let between = drive(&mut first, &packets, &mut Vec::new());
    let mut got = Vec::new();
    for delivery in between {
        while let Some(next) = second.next_event().filter(|next| *next <= delivery.at) {
            got.extend(second.deliver(next, &mut ()));
        }
        second.arrive(delivery.at, delivery.packet, &mut ());
    }
    while let Some(next) = second.next_event() {
        got.extend(second.deliver(next, &mut ()));
    }
    assert_eq!(got, want);
    assert!(whole.counts().dropped.packets > 0);
}
