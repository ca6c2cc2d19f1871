//! Laws that hold for every link and every sequence of packets.

use crate::support::{StrictFifo, build, drive, link, parts};
use proptest::prelude::*;
use weaknet_core::event::Event;
use weaknet_core::{Bitrate, Ratio, Span, Time};
use weaknet_netem::model::{DelayModel, Limit, LossModel, Queue, RateModel};
use weaknet_netem::{Link, LossAt, Parts, delay, loss, rate};

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

fn keeps_its_books(link: &Link) {
    let counts = link.counts();
    assert_eq!(
        counts.arrived + counts.copied,
        counts.delivered + counts.dropped + counts.lost + counts.inside
    );
}

proptest! {
    #[test]
    fn conservation_order_and_time(config in configs(), packets in packets(), general: bool) {
        let queue = if general { Queue::Active(StrictFifo::boxed(10)) } else { Queue::DropTail(config.limit) };
        let mut link = config.link(queue);
        let mut events = Vec::new();
        let out = drive(&mut link, &packets, &mut events, |link, _| keeps_its_books(link));
        keeps_its_books(&link);

        // Events are published in order of time, as packets are delivered.
        prop_assert!(events.is_sorted_by_key(|(at, _)| *at));
        prop_assert!(out.is_sorted_by_key(|d| d.at));
        if config.reorder == delay::Reorder::Forbidden {
            prop_assert!(out.is_sorted_by_key(|d| d.packet.id));
        }

        // The books say what the events say, and nobody is faster than light.
        let counts = link.counts();
        let dropped = events.iter().filter(|(_, e)| matches!(e, Event::LinkDrop { .. })).count() as u64;
        prop_assert_eq!(counts.dropped.packets + counts.lost.packets, dropped);
        prop_assert_eq!(counts.delivered.packets, out.len() as u64);
        prop_assert_eq!(counts.arrived.packets, packets.len() as u64);
        for delivery in &out {
            prop_assert!(delivery.at >= delivery.packet.sent + Span::from_millis(5));
        }
        // Only a link that stays at 0bps keeps anything for ever.
        if config.rates.last() != Some(&0) {
            prop_assert_eq!(counts.inside.packets, 0);
        }
    }

    #[test]
    fn same_seed_same_decisions(config in configs(), packets in packets()) {
        let run = || {
            let mut events = Vec::new();
            drive(&mut config.link(Queue::DropTail(config.limit)), &packets, &mut events, |_, _| {});
            events
        };
        prop_assert_eq!(run(), run());
    }

    /// The general path gives the departures of the closed form.
    #[test]
    fn general_path_equals_closed_form(config in configs(), packets in packets(), limit in 1u64..20) {
        let run = |queue| {
            let mut events = Vec::new();
            let out = drive(&mut config.link(queue), &packets, &mut events, |_, _| {});
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
        let out = drive(&mut link, &packets, &mut Vec::new(), |_, _| {});
        for (first, from) in out.iter().enumerate() {
            let mut bits = 0u64;
            for to in &out[first + 1..] {
                bits += u64::from(to.packet.size) * 8;
                let allowed = link.capacity(from.at, to.at).unwrap();
                let one_nanosecond = 20_000_000.0 / 1e9;
                prop_assert!(bits as f64 <= allowed + one_nanosecond + 1e-6, "{bits} bits where {allowed} fit");
            }
        }
    }

    /// What waits is what the events say that waits, within the limit.
    #[test]
    fn waiting_stays_within_its_limit(config in configs(), packets in packets(), limit in 0u64..20) {
        let mut link = config.link(Queue::DropTail(Limit::Packets(limit)));
        drive(&mut link, &packets, &mut Vec::new(), |link, now| {
            assert!(link.waiting(now).packets <= limit);
        });
    }
}
