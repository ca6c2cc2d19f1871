//! Links whose parts change while they run.

use proptest::prelude::*;
use weaknet_core::packet::{LinkId, Packet};
use weaknet_core::{Ratio, Span, Time};
use weaknet_netem::model::{Limit, LossAt, Queue};
use weaknet_netem::{Change, Delivery, Link, Parts, delay, loss, rate};

use crate::random_links::{self, random_links};
use crate::support::{build, drive, packet, parts};

fn changeable(rate: &str, delay: &str) -> Link {
    let queue = Queue::DropTail(Limit::Packets(1_000));
    Link::changeable(LinkId(0), parts(rate, queue, delay))
}

fn rate(rate: &str) -> Change {
    let config = rate::RateSteps(vec![(Span::ZERO, rate.parse().unwrap())]);
    Change {
        rate: Some(build(&config, 1)),
        ..Change::default()
    }
}

/// When packets of 12,500 bytes (100 ms at 1 Mbit/s) arrive that were there from the
/// start, with changes on the way.
fn arrivals(mut link: Link, packets: u64, changes: Vec<(u64, Change)>) -> Vec<u64> {
    let (mut out, mut events) = (Vec::new(), Vec::new());
    let mut until = |link: &mut Link, at: Time| {
        while let Some(delivery) = link.deliver(at, &mut Vec::new()) {
            out.push(delivery.at.as_nanos() / 1_000_000);
        }
    };
    for id in 0..packets {
        link.arrive(Time::ZERO, packet(id, 12_500, Time::ZERO), &mut events);
    }
    for (ms, change) in changes {
        let at = Time::from_millis(ms);
        until(&mut link, at);
        link.change(at, change, &mut events);
    }
    until(&mut link, Time::MAX);
    out
}

#[test]
fn a_new_rate_serves_the_rest_of_the_packet_in_service() {
    let twice = vec![(50, rate("2Mbps"))];
    assert_eq!(
        arrivals(changeable("1Mbps", "0ms"), 3, twice),
        [75, 125, 175]
    );
    let back = vec![(50, rate("2Mbps")), (100, rate("1Mbps"))];
    assert_eq!(
        arrivals(changeable("1Mbps", "0ms"), 3, back),
        [75, 150, 250]
    );
}

#[test]
fn an_outage_ends_when_the_rate_comes_back() {
    let outage = vec![(30, rate("0bps")), (1_030, rate("1Mbps"))];
    assert_eq!(
        arrivals(changeable("1Mbps", "0ms"), 2, outage),
        [1_100, 1_200]
    );
}

#[test]
fn a_new_delay_is_for_those_that_are_still_to_leave() {
    let delay = |ms| Change {
        delay: Some(vec![build(&delay::ConstantDelay(Span::from_millis(ms)), 1)]),
        ..Change::default()
    };
    // What is on its way keeps its delay; nobody overtakes.
    let longer = vec![(150, delay(80))];
    assert_eq!(
        arrivals(changeable("1Mbps", "40ms"), 3, longer),
        [140, 280, 380]
    );
    let shorter = vec![(150, delay(0))];
    assert_eq!(
        arrivals(changeable("1Mbps", "140ms"), 3, shorter),
        [240, 240, 300]
    );
}

#[test]
fn new_loss_meets_the_draws_of_the_packets_to_come() {
    let config = loss::Bernoulli(Ratio::from_f64(0.5));
    let all = Parts {
        loss: vec![build(&config, 1)],
        ..parts("unlimited", Queue::DropTail(Limit::Packets(9)), "0ms")
    };
    let packets: Vec<Packet> = (0..200)
        .map(|id| packet(id, 100, Time::from_millis(id)))
        .collect();
    let id = |delivery: &Delivery| delivery.packet.id;
    let mut always = Link::changeable(LinkId(0), all);
    let expected: Vec<u64> = drive(&mut always, &packets, &mut Vec::new())
        .iter()
        .map(id)
        .filter(|id| *id >= 100)
        .collect();

    let mut late = changeable("unlimited", "0ms");
    let (first, rest) = packets.split_at(100);
    assert_eq!(drive(&mut late, first, &mut Vec::new()).len(), 100);
    let change = Change {
        loss: Some((vec![build(&config, 1)], LossAt::AfterLink)),
        ..Change::default()
    };
    late.change(Time::from_millis(100), change, &mut Vec::new());
    let found: Vec<u64> = drive(&mut late, rest, &mut Vec::new())
        .iter()
        .map(id)
        .collect();
    assert_eq!(found, expected);
    assert!((30..70).contains(&found.len()), "{}", found.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// That a link may change makes no difference to what it does.
    #[test]
    fn changeable_links_are_like_others(
        random in random_links(), packets in random_links::packets(120),
    ) {
        let run = |mut link: Link| {
            let mut events = Vec::new();
            (drive(&mut link, &packets, &mut events), events)
        };
        let plain = run(Link::new(LinkId(0), random.parts()));
        let changeable = run(Link::changeable(LinkId(0), random.parts()));
        prop_assert_eq!(plain, changeable);
    }

    /// Whatever changes and whenever, the books balance and time never falls.
    #[test]
    fn nothing_is_lost_in_a_change(
        random in random_links(), other in random_links(),
        packets in random_links::packets(60), later in random_links::packets(60),
    ) {
        let mut link = Link::changeable(LinkId(0), random.parts());
        let mut events = Vec::new();
        let mut now = Time::ZERO;
        for packet in &packets {
            now = packet.sent;
            while link.deliver(now, &mut events).is_some() {}
            link.arrive(now, packet.clone(), &mut events);
        }
        let parts = other.parts();
        let change = Change {
            rate: Some(parts.rate),
            delay: Some(parts.delay),
            loss: Some((parts.loss, parts.loss_at)),
            mtu: Some(parts.mtu),
            ecn: Some(parts.ecn),
            blocks: Some(parts.blocks),
            corrupt: parts.corrupt,
            duplicate: parts.duplicate,
            reorder: parts.reorder,
        };
        while link.deliver(now, &mut events).is_some() {}
        link.change(now, change, &mut events);
        for packet in later {
            let at = now + packet.sent.since(Time::ZERO);
            while link.deliver(at, &mut events).is_some() {}
            link.arrive(at, packet, &mut events);
            let counts = link.counts();
            let ends = counts.delivered.packets + counts.dropped.packets + counts.lost.packets;
            prop_assert_eq!(counts.arrived.packets + counts.copied.packets, ends + counts.inside.packets);
        }
        while link.deliver(Time::MAX, &mut events).is_some() {}
        prop_assert!(events.is_sorted_by_key(|(at, _)| *at));
    }
}

#[test]
fn a_link_that_is_not_changeable_keeps_what_is_settled() {
    let queue = Queue::DropTail(Limit::Packets(10));
    let link = Link::new(LinkId(0), parts("1Mbps", queue, "0ms"));
    let change = vec![(50, rate("2Mbps"))];
    assert_eq!(arrivals(link, 2, change), [100, 200]);
}
