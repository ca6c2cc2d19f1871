//! Laws that hold for every discipline and every sequence of packets.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weaknet_core::event::Event;
use weaknet_core::packet::{Ecn, FlowId, Leg, Packet};
use weaknet_core::{Bitrate, Span, Time};
use weaknet_netem::model::{Queue, RateModel};
use weaknet_netem::queue::{Band, Codel, DropTail, Drr, DualPi2, Pie, Priority, QueueLimit, Red};
use weaknet_netem::{Link, Tally, rate};

use super::link;
use crate::queue::disciplines::{ALL, Which, limits};
use crate::random_links::packets;
use crate::support::{build, drive, drive_watched, packet};

/// kbit/s by steps of 10 ms, the last one above zero.
fn rates() -> impl Strategy<Value = Vec<u64>> {
    let steps = prop::collection::vec(prop_oneof![1 => Just(0u64), 4 => 300u64..20_000], 0..5);
    (steps, 300u64..20_000).prop_map(|(mut steps, last)| {
        steps.push(last);
        steps
    })
}

fn rate(kbps: &[u64]) -> Box<dyn RateModel> {
    let step =
        |(i, kbps): (usize, &u64)| (Span::from_millis(10 * i as u64), Bitrate::from_kbps(*kbps));
    build(
        &rate::RateSteps(kbps.iter().enumerate().map(step).collect()),
        1,
    )
}

fn which() -> impl Strategy<Value = Which> {
    prop::sample::select(&ALL[..])
}

/// The serialiser does not idle while packets wait, and serves one at a time.
fn works_while_packets_wait(link: &Link, now: Time) {
    let counts = link.counts();
    assert_eq!(
        (counts.lost, counts.copied),
        (Tally::default(), Tally::default())
    );
    let waiting = link.waiting(now);
    assert!(
        waiting.packets == 0 || link.next_event().is_some(),
        "idle with packets"
    );
    let in_service = counts.inside.packets - waiting.packets;
    assert!(in_service <= 1 && counts.inside.bytes >= waiting.bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn books_order_and_marks(
        which in which(), limit in limits(), kbps in rates(), packets in packets(200), seed: u64,
    ) {
        let mut link = link(rate(&kbps), which.queue(limit, seed));
        let mut events = Vec::new();
        // Bytes in service, by the number of packets delivered before.
        let mut in_service = BTreeMap::new();
        let out = drive_watched(&mut link, &packets, &mut events, |link, now, out| {
            works_while_packets_wait(link, now);
            let (inside, waiting) = (link.counts().inside, link.waiting(now));
            if let QueueLimit::Packets(limit) = limit {
                assert!(waiting.packets <= limit * which.limits(), "{waiting:?}");
            }
            if inside.packets > waiting.packets {
                in_service.insert(out.len(), inside.bytes - waiting.bytes);
            }
        });
        prop_assert_eq!(link.counts().inside, Tally::default());

        // What waits has the bytes of the packets that wait: the rest is the
        // packet in service, which is the next to be delivered.
        for (delivered, bytes) in in_service {
            prop_assert_eq!(u64::from(out[delivered].packet.size), bytes);
        }

        // Every packet is delivered once or dropped once.
        let mut fates = vec![0; packets.len()];
        for delivery in &out {
            fates[delivery.packet.id as usize] += 1;
        }
        for (_, event) in &events {
            if let Event::LinkDrop { packet, .. } = event {
                fates[packet.id as usize] += 1;
            }
        }
        prop_assert!(fates.iter().all(|n| *n == 1));

        // Packets that must keep their order do.
        let mut last = BTreeMap::new();
        for delivery in &out {
            let sent = &packets[delivery.packet.id as usize];
            let before = last.insert(which.order().key(sent), sent.id);
            prop_assert!(before.is_none_or(|before| before < sent.id), "{:?}", which);
        }

        // Only capable packets are marked, and a mark stays.
        let marked: Vec<u64> = events.iter().filter_map(|(_, event)| match event {
            Event::LinkMark { packet, .. } => Some(packet.id),
            _ => None,
        }).collect();
        for delivery in &out {
            let sent = packets[delivery.packet.id as usize].ecn;
            let changed = marked.contains(&delivery.packet.id);
            let want = if changed { Ecn::Ce } else { sent };
            prop_assert_eq!(delivery.packet.ecn, want);
            prop_assert!(!changed || matches!(sent, Ecn::Ect0 | Ecn::Ect1));
        }
        prop_assert!(events.is_sorted_by_key(|(at, _)| *at));
    }

    /// A discipline that never acts is a FIFO with tail drop, of which we have
    /// the closed form.
    #[test]
    fn at_rest_all_are_drop_tail(
        limit in limits(), kbps in rates(), packets in packets(200), form in 0usize..7,
    ) {
        let packets: Vec<Packet> = packets
            .into_iter()
            .map(|sent| Packet { ecn: Ecn::NotEct, flow: FlowId(0), leg: Leg::Outward, ..sent })
            .collect();
        let for_ever = Span::from_secs(1_000_000);
        // Limits in time and bytes ask DualPI2 for a packet of the MTU, and may
        // take more than the last packet from DRR.
        let limit = match (form, limit) {
            (5 | 6, QueueLimit::Packets(_)) | (0..5, _) => limit,
            _ => QueueLimit::Packets(7),
        };
        let closed = build(&DropTail { limit, at: None, ce_threshold: None }, 1);
        let general = match form {
            0 => build(&DropTail { limit, at: None, ce_threshold: Some(for_ever) }, 1),
            1 => build(&Codel { limit, target: for_ever, interval: for_ever, ..Codel::default() }, 1),
            2 => build(&Pie { limit, alpha: 0.0, beta: 0.0, ..Pie::default() }, 1),
            3 => build(&Red { limit, min: QueueLimit::Packets(1_000_000), ..Red::default() }, 1),
            4 => {
                let bands = vec![Band { limit, ..Band::default() }];
                build(&Priority { bands, ce_threshold: None }, 1)
            }
            5 => {
                let limit = Some(limit);
                build(&DualPi2 { limit, alpha: Some(0.0), beta: Some(0.0), ..DualPi2::default() }, 1)
            }
            _ => build(&Drr { limit, ..Drr::default() }, 1),
        };
        let run = |queue: Queue| {
            let mut events = Vec::new();
            drive(&mut link(rate(&kbps), queue), &packets, &mut events);
            events
        };
        prop_assert_eq!(run(closed), run(general));
    }
}

/// No discipline has anything to do on a link without limit: nothing waits.
#[test]
fn an_unlimited_link_never_drops() {
    for which in ALL {
        let unlimited = build(&rate::UnlimitedRate {}, 1);
        let mut link = link(unlimited, which.queue(QueueLimit::Packets(5), 1));
        let packets: Vec<Packet> = (0..500)
            .map(|id| Packet {
                ecn: Ecn::Ect1,
                ..packet(id, 1500, Time::from_micros(id / 10 * 100))
            })
            .collect();
        let mut events = Vec::new();
        let out = drive(&mut link, &packets, &mut events);
        assert_eq!(out.len(), 500, "{which:?}");
        for delivery in out {
            assert_eq!(delivery.at, delivery.packet.sent);
            assert_eq!(delivery.packet.ecn, Ecn::Ect1);
        }
    }
}

/// Random decisions follow the seed, the others do not ask for it.
#[test]
fn only_random_disciplines_follow_the_seed() {
    for which in ALL {
        let run = |seed| {
            let queue = which.queue(QueueLimit::Packets(500), seed);
            let mut link = link(rate(&[5_000]), queue);
            let packets: Vec<Packet> = (0..3_000)
                .map(|id| packet(id, 1500, Time::from_micros(id * 2_200)))
                .collect();
            let mut events = Vec::new();
            drive(&mut link, &packets, &mut events);
            events
        };
        let random = matches!(
            which,
            Which::Red
                | Which::RedSteep
                | Which::RedByTime
                | Which::Pie
                | Which::PieSpread
                | Which::PieMarks
                | Which::PieLinux
                | Which::PieLinuxRate
                | Which::DualPi2Linux
        );
        assert_eq!(run(1) != run(2), random, "{which:?}");
    }
}
