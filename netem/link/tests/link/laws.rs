//! Laws that hold for every link and every sequence of packets.

use std::collections::BTreeMap;

use crate::random_links::{self, RandomLink, random_links};
use crate::support::{StrictFifo, build, drive, drive_watched, link, parts};
use proptest::prelude::*;
use weaknet_core::event::Event;
use weaknet_core::packet::Packet;
use weaknet_core::{Bitrate, Ratio, Span, Time};
use weaknet_netem::model::{DelayModel, Limit, LossModel, Queue, RateModel};
use weaknet_netem::{Delivery, Link, LossAt, Parts, delay, loss, rate};

#[derive(Debug, Clone)]
struct Config {
    /// kbit/s by steps of 10 ms; empty: unlimited.
    rates: Vec<u64>,
    limit: Limit,
    reorder: delay::Reorder,
    jitter_ms: u64,
    loss_percent: u64,
    burst: f64,
    loss_at: LossAt,
    seed: u64,
}

impl Config {
    fn rate(&self) -> Box<dyn RateModel> {
        if self.rates.is_empty() {
            return build(&rate::UnlimitedRate {}, self.seed);
        }
        let step = |(i, kbps): (usize, &u64)| {
            (Span::from_millis(10 * i as u64), Bitrate::from_kbps(*kbps))
        };
        build(
            &rate::RateSteps(self.rates.iter().enumerate().map(step).collect()),
            self.seed,
        )
    }

    fn delay(&self) -> Box<dyn DelayModel> {
        let (min, max) = (Span::from_millis(5), Span::from_millis(5 + self.jitter_ms));
        build(
            &delay::UniformDelay {
                min,
                max,
                reorder: self.reorder,
                ..delay::UniformDelay::default()
            },
            self.seed,
        )
    }

    fn loss(&self) -> Box<dyn LossModel> {
        let average = Some(Ratio::from_f64(self.loss_percent as f64 / 100.0));
        let config = loss::GilbertElliott {
            average,
            burst: Some(self.burst),
            ..loss::GilbertElliott::default()
        };
        build(&config, self.seed)
    }

    fn link(&self, queue: Queue) -> Link {
        link(Parts {
            loss: vec![self.loss()],
            loss_at: self.loss_at,
            ..Parts::new(self.rate(), queue, self.delay())
        })
    }
}

fn limits() -> impl Strategy<Value = Limit> {
    prop_oneof![
        (0u64..20).prop_map(Limit::Packets),
        (0u64..20_000).prop_map(Limit::Bytes),
        (0u64..100).prop_map(|ms| Limit::Time(Span::from_millis(ms), None)),
        (0u64..100).prop_map(|ms| Limit::Time(Span::from_millis(ms), Some(Bitrate::from_mbps(2)))),
    ]
}

fn configs() -> impl Strategy<Value = Config> {
    let rates = prop::collection::vec(prop_oneof![Just(0u64), 100u64..20_000], 0..6);
    let reorder = prop_oneof![
        Just(delay::Reorder::Forbidden),
        Just(delay::Reorder::Allowed)
    ];
    let loss_at = prop_oneof![Just(LossAt::BeforeQueue), Just(LossAt::AfterLink)];
    (
        rates,
        limits(),
        reorder,
        0u64..30,
        0u64..50,
        1.0..5.0f64,
        loss_at,
        any::<u64>(),
    )
        .prop_map(
            |(rates, limit, reorder, jitter_ms, loss_percent, burst, loss_at, seed)| Config {
                rates,
                limit,
                reorder,
                jitter_ms,
                loss_percent,
                burst,
                loss_at,
                seed,
            },
        )
}

/// Times that ascend, with many equal ones, and sizes.
fn packets() -> impl Strategy<Value = Vec<(Time, u32)>> {
    prop::collection::vec(
        (prop_oneof![Just(0u64), 0u64..3_000_000], 1u32..3_000),
        0..120,
    )
    .prop_map(|gaps| {
        let mut now = Time::ZERO;
        let place = |(gap, size)| {
            now += Span::from_nanos(gap);
            (now, size)
        };
        gaps.into_iter().map(place).collect()
    })
}

/// Bits of a nanosecond at 100 Mbit/s, above all rates here: services end at
/// whole nanoseconds.
const ONE_NANOSECOND: f64 = 0.1;

/// How a driver asks for what is due.
#[derive(Debug, Clone, Copy)]
enum Polling {
    /// At each instant at which something happens.
    OnTime,
    /// Just before each arrival.
    Late,
    /// On time, and so often in vain between two arrivals.
    TooOften(u64),
}

type Story = (Vec<Delivery>, Vec<(Time, Event)>);

/// What a link does with packets.
fn story(link: &RandomLink, packets: &[Packet], polling: Polling) -> Story {
    let (mut link, mut out, mut events) = (link.build(), Vec::new(), Vec::new());
    let mut before = Time::ZERO;
    for packet in packets {
        let now = packet.sent;
        let mut all_until = |at| {
            while let Some(delivery) = link.deliver(at, &mut events) {
                out.push(delivery);
            }
        };
        if let Polling::TooOften(times) = polling {
            for i in 1..times {
                all_until(before + (now - before) / times * i);
            }
        }
        all_until(now);
        link.arrive(now, packet.clone(), &mut events);
        if !matches!(polling, Polling::Late) {
            while let Some(delivery) = link.deliver(now, &mut events) {
                out.push(delivery);
            }
        }
        before = now;
    }
    while let Some(delivery) = link.deliver(Time::MAX, &mut events) {
        out.push(delivery);
    }
    (out, events)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Nothing is gained or lost unseen, time never falls, and what keeps its
    /// order keeps it, on any link. (The books are balanced at every step.)
    #[test]
    fn conservation_order_and_time(random in random_links(), packets in random_links::packets(120)) {
        let mut link = random.build();
        let mut events = Vec::new();
        let out = drive_watched(&mut link, &packets, &mut events, |_, _, _| {});
        prop_assert!(events.is_sorted_by_key(|(at, _)| *at));
        prop_assert!(out.is_sorted_by_key(|d| d.at));
        for delivery in &out {
            prop_assert!(delivery.at >= delivery.packet.sent);
            prop_assert_eq!(delivery.packet.size, packets[delivery.packet.id as usize].size);
        }
        if let Some(order) = random.order() {
            let mut last = BTreeMap::new();
            for delivery in &out {
                let sent = &packets[delivery.packet.id as usize];
                let before = last.insert(order.key(sent), sent.id);
                prop_assert!(before.is_none_or(|before| before < sent.id), "{}", sent.id);
            }
        }

        // The books say what the events say.
        let counts = link.counts();
        let count = |is: fn(&Event) -> bool| events.iter().filter(|(_, e)| is(e)).count() as u64;
        let dropped = count(|e| matches!(e, Event::LinkDrop { .. }));
        prop_assert_eq!(counts.dropped.packets + counts.lost.packets, dropped);
        prop_assert_eq!(counts.copied.packets, count(|e| matches!(e, Event::LinkCopy { .. })));
        prop_assert_eq!(counts.delivered.packets, out.len() as u64);
        prop_assert_eq!(counts.arrived.packets, packets.len() as u64);

        // So do the fates of each packet and its copies.
        let mut fates = vec![1i32; packets.len()];
        for (_, event) in &events {
            match event {
                Event::LinkCopy { packet, .. } => fates[packet.id as usize] += 1,
                Event::LinkDrop { packet, .. } | Event::LinkDeliver { packet, .. } => {
                    fates[packet.id as usize] -= 1;
                }
                _ => {}
            }
        }
        prop_assert!(fates.iter().all(|left| *left >= 0));
        prop_assert_eq!(fates.iter().sum::<i32>() as u64, counts.inside.packets);
    }

    /// The same seed makes the same decisions, however the driver asks for them.
    #[test]
    fn same_seed_same_story(
        random in random_links(), packets in random_links::packets(120), times in 2u64..9,
    ) {
        let want = story(&random, &packets, Polling::OnTime);
        for polling in [Polling::OnTime, Polling::Late, Polling::TooOften(times)] {
            prop_assert_eq!(&story(&random, &packets, polling), &want, "{:?}", polling);
        }
    }

    /// In any window, both ends included, what leaves is at most what the rate model can carry,
    /// the packet that began before it aside, and what a bucket has kept. (The
    /// capacity of some models is that of packets of 1500 bytes: none is larger
    /// here.)
    #[test]
    fn capacity_is_never_exceeded(
        (rate, burst) in random_links::rates(),
        seed: u64,
        packets in prop::collection::vec((prop_oneof![Just(0u64), 0u64..3_000_000], 1u32..=1_500), 0..120),
    ) {
        let mut now = Time::ZERO;
        let packets: Vec<_> = packets.into_iter().map(|(gap, size)| {
            now += Span::from_nanos(gap);
            (now, size)
        }).collect();
        let queue = Queue::DropTail(Limit::Packets(u64::MAX));
        let mut link = link(Parts { rate: rate.build(seed, "link/rate"), ..parts("unlimited", queue, "0ms") });
        let out = drive(&mut link, &packets, &mut Vec::new());
        for (i, first) in out.iter().enumerate() {
            let mut bits = 0u64;
            for last in &out[i..] {
                bits += u64::from(last.packet.size) * 8;
                let end = last.at + Span::from_nanos(1);
                let capacity = link.capacity(first.at, end).unwrap();
                let allowed = capacity + 8.0 * (1_500 + burst) as f64 + ONE_NANOSECOND;
                prop_assert!(bits as f64 <= allowed, "{bits} bits where {allowed} fit");
            }
        }
    }

    /// The general path gives the departures of the closed form.
    #[test]
    fn general_path_equals_closed_form(config in configs(), packets in packets(), limit in 1u64..20) {
        let run = |queue| {
            let mut events = Vec::new();
            let out = drive(&mut config.link(queue), &packets, &mut events);
            (out, events)
        };
        let closed = run(Queue::DropTail(Limit::Packets(limit)));
        let general = run(Queue::Active(StrictFifo::boxed(limit)));
        prop_assert_eq!(closed, general);
    }

    /// Over any window that starts with a service, what leaves is at most what
    /// the rate allows, one nanosecond of rounding for the first packet aside.
    #[test]
    fn rate_is_never_exceeded(config in configs(), packets in packets()) {
        prop_assume!(!config.rates.is_empty());
        let queue = Queue::DropTail(config.limit);
        let clean = parts("unlimited", queue, "0ms");
        let mut link = link(Parts { rate: config.rate(), ..clean });
        let out = drive(&mut link, &packets, &mut Vec::new());
        for (first, from) in out.iter().enumerate() {
            let mut bits = 0u64;
            for to in &out[first + 1..] {
                bits += u64::from(to.packet.size) * 8;
                let allowed = link.capacity(from.at, to.at).unwrap();
                prop_assert!(bits as f64 <= allowed + ONE_NANOSECOND, "{bits} bits where {allowed} fit");
            }
        }
    }

    /// What waits is what the events say that waits, within the limit.
    #[test]
    fn waiting_stays_within_its_limit(config in configs(), packets in packets(), limit in 0u64..20) {
        let mut link = config.link(Queue::DropTail(Limit::Packets(limit)));
        drive_watched(&mut link, &packets, &mut Vec::new(), |link, now, _| {
            assert!(link.waiting(now).packets <= limit);
        });
    }
}
