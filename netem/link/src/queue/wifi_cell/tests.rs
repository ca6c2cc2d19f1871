use proptest::prelude::*;
use weaknet_core::event::{DropReason, Event};
use weaknet_core::packet::{FlowId, Leg, Packet};
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::super::link_bench::{Events, backlog, drive, link, packet, shares};
use super::*;
use crate::testing::refusal;

fn us(n: u64) -> Time {
    Time::from_micros(n)
}

/// Nobody is refused.
fn roomy() -> WifiCell {
    WifiCell {
        limit: QueueLimit::Packets(u64::MAX),
        ..WifiCell::default()
    }
}

/// What `flows` stations that always have something to send get through.
fn saturated(config: &WifiCell, flows: u16, size: u32, seconds: u64) -> (Vec<u64>, Events) {
    let mut events = Vec::new();
    // More than the air can carry.
    let arrivals = backlog(flows, seconds * 5_000 / u64::from(flows), size);
    let mut link = link(config, 7);
    let end = Time::from_secs(seconds);
    let delivered = drive(&mut link, arrivals, end, &mut events);
    (shares(&delivered, flows), events)
}

/// Time from one success to the next of stations that never collide, backoff
/// excluded.
fn exchange(config: &WifiCell, size: u32, rate: Bitrate) -> f64 {
    let timing = config.timing();
    let air = timing.transmission([size].into_iter(), rate);
    (timing.aifs + air + timing.answer(1)).as_secs_f64()
}

/// Bianchi's fixed point: the probabilities that a station sends in a slot, and
/// that it collides then.
fn bianchi(config: &WifiCell, stations: u16) -> (f64, f64) {
    let window = f64::from(config.cw_min) + 1.0;
    let stages = libm::log2((f64::from(config.cw_max) + 1.0) / window);
    let tau = |p: f64| {
        let growth = p * window * (1.0 - libm::pow(2.0 * p, stages)) / (1.0 - 2.0 * p);
        2.0 / (window + 1.0 + growth)
    };
    let (mut low, mut high) = (0.0, 0.499_999);
    for _ in 0..100 {
        let p: f64 = (low + high) / 2.0;
        let found = 1.0 - (1.0 - tau(p)).powi(i32::from(stations) - 1);
        if found > p { low = p } else { high = p }
    }
    (tau(low), low)
}

/// Packets per second of each of `stations` by that model.
fn bianchi_rate(config: &WifiCell, stations: u16, exchange: f64) -> f64 {
    let (tau, _) = bianchi(config, stations);
    let n = i32::from(stations);
    let idle = (1.0 - tau).powi(n);
    let own = tau * (1.0 - tau).powi(n - 1);
    own / (idle * config.slot.as_secs_f64() + (1.0 - idle) * exchange)
}

#[test]
fn a_lone_station_has_about_twenty_megabits() {
    // RFC 8869 section 3: 52 Mbit/s raw, about 20 Mbit/s for applications.
    for (size, payload) in [(1_500, 1_460), (1_240, 1_200)] {
        let config = roomy();
        let (got, _) = saturated(&config, 1, size, 10);
        let goodput = got[0] as f64 * f64::from(payload) * 8e-6 / 10.0;
        assert!((18.0..=22.0).contains(&goodput), "{size}: {goodput} Mbit/s");
        // Backoff takes 7.5 slots on average; 2 x 10^4 draws know it to 0.5 %.
        let cycle = exchange(&config, size, config.phy_rate) + 7.5 * 20e-6;
        let want = 10.0 / cycle;
        assert!((got[0] as f64 / want - 1.0).abs() < 0.005, "{got:?} {want}");
    }
}

#[test]
fn stations_share_evenly_and_lose_what_bianchi_says() {
    for stations in [2, 5, 20] {
        let config = roomy();
        let (got, _) = saturated(&config, stations, 1_500, 20);
        let mean = got.iter().sum::<u64>() as f64 / f64::from(stations);
        let want =
            20.0 * bianchi_rate(&config, stations, exchange(&config, 1_500, config.phy_rate));
        assert!(
            (mean / want - 1.0).abs() < 0.01,
            "{stations}: {mean}, want {want}"
        );
        // A station's count has a relative standard deviation of about
        // 3 / sqrt(count), as losers of a collision wait longer.
        for own in &got {
            let error = (*own as f64 / mean - 1.0).abs();
            assert!(error < 4.0 * 3.0 / mean.sqrt(), "{stations}: {got:?}");
        }
    }
}

#[test]
fn a_slow_station_drags_the_others() {
    let slow = Bitrate::from_bps(6_500_000);
    let config = WifiCell {
        phy_rates: vec![slow, Bitrate::from_mbps(52)],
        ..roomy()
    };
    let (got, _) = saturated(&config, 2, 1_500, 20);
    let (fast_air, slow_air) = (
        exchange(&config, 1_500, config.phy_rate),
        exchange(&config, 1_500, slow),
    );
    // Both send equally often; a collision lasts as long as the slow frame.
    let (tau, _) = bianchi(&config, 2);
    let (idle, own, both) = ((1.0 - tau).powi(2), tau * (1.0 - tau), tau * tau);
    let slot = idle * 20e-6 + own * (fast_air + slow_air) + both * slow_air;
    let want = 20.0 * own / slot;
    for own in &got {
        assert!(
            (*own as f64 / want - 1.0).abs() < 0.05,
            "{got:?}, want {want}"
        );
    }
    // Alone the fast station would have four times as much.
    let (alone, _) = saturated(&config, 1, 1_500, 1);
    assert!(alone[0] < got[0]);
    let fast = saturated(&roomy(), 1, 1_500, 20).0[0];
    assert!(fast as f64 > 3.5 * got[1] as f64, "{fast} {got:?}");
}

#[test]
fn aggregation_saves_the_overhead() {
    let config = WifiCell {
        aggregate: 16,
        ..roomy()
    };
    let (got, events) = saturated(&config, 1, 1_500, 5);
    let timing = config.timing();
    let air = timing.transmission([1_500; 16].into_iter(), config.phy_rate);
    let cycle = timing.aifs + air + timing.answer(16) + Span::from_micros(150);
    let want = 5.0 * 16.0 / cycle.as_secs_f64();
    assert!((got[0] as f64 / want - 1.0).abs() < 0.01, "{got:?} {want}");
    // All of a transmission get through at once.
    let at: Vec<Time> = delivered(&events).map(|(at, _)| at).collect();
    assert!(at.chunks_exact(16).all(|chunk| chunk[0] == chunk[15]));
    let few = WifiCell {
        aggregate_bytes: Bytes::new(4_600),
        ..config
    };
    let (_, events) = saturated(&few, 1, 1_500, 1);
    let at: Vec<Time> = delivered(&events).map(|(at, _)| at).collect();
    assert!(at.chunks_exact(3).all(|chunk| chunk[0] == chunk[2]));
    assert!(at.windows(4).all(|chunk| chunk[0] < chunk[3]));
}

fn delivered(events: &Events) -> impl Iterator<Item = (Time, u32)> + '_ {
    events.iter().filter_map(|(at, event)| match event {
        Event::LinkDeliver { packet, .. } => Some((*at, packet.size)),
        _ => None,
    })
}

#[test]
fn an_idle_air_is_taken_at_once() {
    let config = roomy();
    let arrivals = [
        (us(1_000), packet(0, Leg::Outward, 0, 1_500)),
        // Long after the backoff that follows the first one.
        (us(5_000), packet(0, Leg::Outward, 1, 1_500)),
        // While the other is on the air: waits for silence, AIFS and backoff.
        (us(5_100), packet(0, Leg::Return, 2, 40)),
    ];
    let end = Time::from_secs(1);
    let out = drive(&mut link(&config, 1), arrivals, end, &mut Vec::new());
    let at: Vec<u64> = out.iter().map(|(at, _)| at.as_nanos() / 1_000).collect();
    assert_eq!(at[..2], [1_286, 5_286]);
    let backoff = at[2] - (5_286 + 44 + 70 + 62);
    assert!(backoff.is_multiple_of(20) && backoff <= 15 * 20, "{at:?}");
}

#[test]
fn hopeless_packets_are_given_up() {
    // A window of zero: both always send together.
    let config = WifiCell {
        cw_min: 0,
        cw_max: 0,
        retry_limit: 3,
        ..roomy()
    };
    let mut events = Vec::new();
    let mut link = link(&config, 1);
    // The first packet keeps the air busy while both others arrive.
    let arrivals = [
        (us(0), packet(2, Leg::Outward, 0, 1_500)),
        (us(100), packet(0, Leg::Outward, 1, 1_500)),
        (us(110), packet(1, Leg::Outward, 2, 1_500)),
    ];
    let out = drive(&mut link, arrivals, Time::from_secs(1), &mut events);
    assert_eq!(out.len(), 1);
    let lost: Vec<(Time, u64)> = events
        .iter()
        .filter_map(|(at, event)| match event {
            Event::LinkDrop { packet, reason, .. } if *reason == DropReason::Loss => {
                Some((*at, packet.id))
            }
            _ => None,
        })
        .collect();
    // 70 + 286 + 44 us for the first, then four tries, the last of which is
    // given up when it ends.
    let given_up = us(70 + 4 * (286 + 44 + 70) + 286);
    assert_eq!(lost, [(given_up, 1), (given_up, 2)]);
    assert_eq!(link.counts().lost.packets, 2);
}

#[test]
fn the_access_point_is_one_station() {
    let hop = |mut packet: Packet| {
        packet.hop = 1;
        packet
    };
    // One station up; four flows down.
    let run = |downlink| {
        let config = WifiCell {
            downlink,
            ..roomy()
        };
        let mut arrivals = backlog(1, 40_000, 1_500);
        arrivals.extend((0..40_000u64).map(|id| {
            let flow = 1 + (id % 4) as u16;
            (Time::ZERO, hop(packet(flow, Leg::Outward, id, 1_500)))
        }));
        let end = Time::from_secs(20);
        let out = drive(&mut link(&config, 3), arrivals, end, &mut Vec::new());
        let got = shares(&out, 5);
        got[1..].iter().sum::<u64>() as f64 / got[0] as f64
    };
    let (per_flow, shared) = (run(Downlink::PerFlow), run(Downlink::AccessPoint));
    // About 7,500 packets each, 20,000 of two: three standard deviations.
    assert!((per_flow / 4.0 - 1.0).abs() < 0.1, "{per_flow}");
    assert!((shared - 1.0).abs() < 0.06, "{shared}");
}

#[test]
fn each_station_has_its_own_limit() {
    let config = WifiCell {
        limit: QueueLimit::Packets(3),
        ..WifiCell::default()
    };
    let mut events = Vec::new();
    let mut link = link(&config, 1);
    let out = drive(
        &mut link,
        backlog(2, 5, 1_500),
        Time::from_secs(1),
        &mut events,
    );
    assert_eq!(shares(&out, 2), [3, 3]);
    assert_eq!(link.counts().dropped.packets, 4);
}

#[test]
fn refuses_what_makes_no_sense() {
    let field = |config: WifiCell| refusal(&config).0;
    let cell = WifiCell::default;
    let limit = QueueLimit::Time(Span::from_millis(300));
    assert_eq!(field(WifiCell { limit, ..cell() }), "limit");
    let phy_rate = Bitrate::ZERO;
    assert_eq!(field(WifiCell { phy_rate, ..cell() }), "phy_rate");
    let phy_rates = vec![Bitrate::from_mbps(6), Bitrate::ZERO];
    assert_eq!(
        field(WifiCell {
            phy_rates,
            ..cell()
        }),
        "phy_rates.1"
    );
    let aggregate = 0;
    assert_eq!(
        field(WifiCell {
            aggregate,
            ..cell()
        }),
        "aggregate"
    );
    let cw_min = 2_000;
    assert_eq!(field(WifiCell { cw_min, ..cell() }), "cw_max");
    let symbol = Span::ZERO;
    assert_eq!(field(WifiCell { symbol, ..cell() }), "symbol");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_air_is_never_used_twice(
        arrivals in prop::collection::vec((0u64..3_000, 0u16..5, any::<bool>(), 28u32..1_501), 1..200),
        aggregate in 1u32..5,
        seed in any::<u64>(),
    ) {
        let config = WifiCell { aggregate, limit: QueueLimit::Packets(20), ..WifiCell::default() };
        let mut now = 0;
        let arrivals: Vec<(Time, Packet)> = arrivals
            .iter()
            .zip(0u64..)
            .map(|(&(gap, flow, back, size), id)| {
                now += gap;
                let leg = if back { Leg::Return } else { Leg::Outward };
                (us(now), packet(flow, leg, id, size))
            })
            .collect();
        let mut events = Vec::new();
        let mut cell = link(&config, seed);
        let end = us(now) + Span::from_secs(60);
        let out = drive(&mut cell, arrivals.clone(), end, &mut events);
        // Conservation.
        let counts = cell.counts();
        prop_assert_eq!(counts.arrived.packets, arrivals.len() as u64);
        prop_assert_eq!(
            counts.arrived.bytes,
            counts.delivered.bytes + counts.dropped.bytes + counts.lost.bytes
        );
        prop_assert_eq!(counts.inside.packets, 0);
        // Between successes lie AIFS, air time and answer of the later one.
        let timing = config.timing();
        let mut groups: Vec<(Time, Vec<u32>)> = Vec::new();
        for (at, size) in delivered(&events) {
            match groups.last_mut() {
                Some((last, sizes)) if *last == at => sizes.push(size),
                _ => groups.push((at, vec![size])),
            }
        }
        for pair in groups.windows(2) {
            let air = timing.transmission(pair[1].1.iter().copied(), config.phy_rate);
            let least = timing.answer(pair[0].1.len()) + timing.aifs + air;
            prop_assert!(pair[1].0 >= pair[0].0 + least, "{pair:?}");
        }
        // Each leg of a flow keeps its order.
        for flow in 0..5 {
            for leg in [Leg::Outward, Leg::Return] {
                let own = out.iter().filter(|(_, p)| p.flow == FlowId(flow) && p.leg == leg);
                prop_assert!(own.map(|(_, p)| p.id).is_sorted());
            }
        }
        // The same again.
        let again = drive(&mut link(&config, seed), arrivals, end, &mut Vec::new());
        prop_assert_eq!(again, out);
    }
}
