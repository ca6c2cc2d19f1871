use proptest::prelude::*;
use weaknet_core::packet::{FlowId, Leg, Packet};
use weaknet_core::{Bitrate, Bytes, Ratio, Span, Time};

use super::super::link_bench::{backlog, drive, link, packet, shares};
use super::*;
use crate::testing::refusal;

fn us(n: u64) -> Time {
    Time::from_micros(n)
}

/// 12 Mbit/s: one packet of 1500 bytes per slot; nobody is refused.
fn cell(scheduler: Scheduler) -> CellularCell {
    CellularCell {
        rate: Bitrate::from_mbps(12),
        scheduler,
        limit: QueueLimit::Packets(u64::MAX),
        ..CellularCell::default()
    }
}

/// What users that always have something to send get in so many seconds.
fn saturated(config: &CellularCell, users: u16, seconds: u64) -> Vec<u64> {
    let each = seconds * 4_000;
    let end = Time::from_secs(seconds);
    let arrivals = backlog(users, each, 1_500);
    let delivered = drive(&mut link(config, 5), arrivals, end, &mut Vec::new());
    shares(&delivered, users)
}

#[test]
fn a_lone_user_gets_the_full_rate_bit_by_bit() {
    for scheduler in [
        Scheduler::RoundRobin,
        Scheduler::ProportionalFair,
        Scheduler::MaxRate,
    ] {
        let config = CellularCell {
            rate: Bitrate::from_bps(7_000_001),
            ..cell(scheduler)
        };
        let arrivals = backlog(1, 3_000, 1_237);
        let end = Time::from_secs(3);
        let out = drive(&mut link(&config, 1), arrivals, end, &mut Vec::new());
        // After n slots as many packets are through as n slots carry whole.
        let mut through = vec![0u128; 3_001];
        for (at, _) in &out {
            assert!(at.as_nanos().is_multiple_of(1_000_000), "{at:?}");
            through[(at.as_nanos() / 1_000_000) as usize] += 1;
        }
        let mut sum = 0;
        for (slots, own) in through.iter().enumerate() {
            sum += own;
            let want = slots as u128 * 7_000_001 / (1_000 * 1_237 * 8);
            assert_eq!(sum, want, "after {slots} slots");
        }
    }
}

#[test]
fn a_packet_leaves_at_the_end_of_the_slot_that_it_fits_in() {
    let config = CellularCell {
        grant_delay: Span::from_millis(4),
        ..cell(Scheduler::RoundRobin)
    };
    let small = |at: u64, id| (us(at), packet(0, Leg::Outward, id, 100));
    let ends = |config: &CellularCell, arrivals: Vec<(Time, Packet)>| -> Vec<u64> {
        let end = Time::from_secs(1);
        let out = drive(&mut link(config, 1), arrivals, end, &mut Vec::new());
        out.iter().map(|(at, _)| at.as_nanos() / 1_000).collect()
    };
    let plain = cell(Scheduler::RoundRobin);
    let arrivals = vec![small(0, 0), small(1, 1), small(5_000, 2), small(7_999, 3)];
    assert_eq!(ends(&plain, arrivals.clone()), [1_000, 2_000, 6_000, 9_000]);
    assert_eq!(ends(&config, arrivals), [5_000, 6_000, 10_000, 13_000]);
    // 1.5 slots of bytes take two slots, and leave half a slot to the next one.
    let large = vec![
        (us(0), packet(0, Leg::Outward, 0, 2_250)),
        (us(0), packet(0, Leg::Outward, 1, 750)),
    ];
    assert_eq!(ends(&plain, large), [2_000, 2_000]);
}

#[test]
fn equal_users_share_equally_within_one_slot() {
    for users in [2, 3, 7] {
        let config = cell(Scheduler::RoundRobin);
        let end = Time::from_secs(2);
        let arrivals = backlog(users, 2_000, 1_500);
        let out = drive(&mut link(&config, 1), arrivals, end, &mut Vec::new());
        let mut got = vec![0u64; usize::from(users)];
        for (at, packet) in &out {
            got[usize::from(packet.flow.0)] += 1;
            let (least, most) = (got.iter().min(), got.iter().max());
            assert!(most.unwrap() - least.unwrap() <= 1, "{at:?}: {got:?}");
        }
        assert_eq!(got.iter().sum::<u64>(), 2_000);
    }
}

#[test]
fn slots_that_one_leaves_go_to_the_next() {
    // User 0 sends 300 bytes per slot, user 1 all that it can.
    let mut arrivals = backlog(2, 1_000, 1_500);
    arrivals.retain(|(_, packet)| packet.flow == FlowId(1));
    arrivals.extend((0..999u64).map(|k| (us(k * 1_000), packet(0, Leg::Outward, k, 300))));
    for scheduler in [Scheduler::RoundRobin, Scheduler::ProportionalFair] {
        let config = cell(scheduler);
        let mut cell = link(&config, 1);
        let out = drive(
            &mut cell,
            arrivals.clone(),
            Time::from_secs(1),
            &mut Vec::new(),
        );
        let got = shares(&out, 2);
        // Every slot is full: 12,000 bits.
        let bits = got[0] * 2_400 + got[1] * 12_000;
        assert!(
            (12_000_000 - 24_000..=12_000_000).contains(&bits),
            "{got:?}"
        );
        assert!(got[0] >= 997, "{scheduler:?}: {got:?}");
    }
}

#[test]
fn proportional_fair_gives_equal_time() {
    let config = CellularCell {
        rates: vec![Bitrate::from_mbps(36), Bitrate::from_mbps(12)],
        ..cell(Scheduler::ProportionalFair)
    };
    let got = saturated(&config, 3, 10);
    // A third of 10^4 slots each, at 3, 1 and 1 packets per slot.
    for (own, want) in got.iter().zip([10_000.0, 3_333.0, 3_333.0]) {
        assert!((*own as f64 / want - 1.0).abs() < 0.01, "{got:?}");
    }
}

#[test]
fn proportional_fair_rides_on_the_peaks() {
    let fading = Some(Fading::default());
    let faded = |scheduler| CellularCell {
        fading: fading.clone(),
        ..cell(scheduler)
    };
    let share_bad = 76.0 / 376.0;
    // Alone: the mean of the channel; some 266 cycles in 100 s, whose bad parts
    // have a relative standard deviation of about sqrt(2 / 266) = 9 %.
    let alone = saturated(&faded(Scheduler::RoundRobin), 1, 100)[0] as f64 / 1e5;
    let mean = 1.0 - share_bad * 0.8;
    assert!(
        (alone - mean).abs() < 3.0 * 0.09 * share_bad * 0.8,
        "{alone} {mean}"
    );
    // With 4 users there is nearly always one whose channel is good.
    let total = |scheduler| saturated(&faded(scheduler), 4, 20).iter().sum::<u64>() as f64 / 2e4;
    let (fair, max) = (
        total(Scheduler::ProportionalFair),
        total(Scheduler::MaxRate),
    );
    let best = 1.0 - share_bad.powi(4) * 0.8;
    assert!((max - best).abs() < 0.005, "{max} {best}");
    assert!(fair > mean + 0.05 && fair <= max, "{mean} {fair} {max}");
}

#[test]
fn the_largest_rate_takes_all() {
    let config = CellularCell {
        rates: vec![Bitrate::from_mbps(12), Bitrate::from_mbps(13)],
        ..cell(Scheduler::MaxRate)
    };
    assert_eq!(saturated(&config, 2, 1), [0, 1_083]);
}

#[test]
fn nobody_fills_the_queue_of_another() {
    let config = CellularCell {
        limit: QueueLimit::Time(Span::from_millis(3)),
        ..cell(Scheduler::RoundRobin)
    };
    let mut cell = link(&config, 1);
    let mut arrivals = backlog(1, 50, 1_500);
    arrivals.push((us(0), packet(1, Leg::Outward, 0, 1_500)));
    arrivals.push((us(0), packet(0, Leg::Return, 0, 1_500)));
    let out = drive(&mut cell, arrivals, Time::from_secs(1), &mut Vec::new());
    assert_eq!(shares(&out, 2), [4, 1]);
    assert_eq!(cell.counts().dropped.packets, 47);
}

#[test]
fn refuses_what_makes_no_sense() {
    let field = |config: CellularCell| refusal(&config).0;
    let cell = CellularCell::default;
    let rate = Bitrate::ZERO;
    assert_eq!(field(CellularCell { rate, ..cell() }), "rate");
    let rates = vec![Bitrate::ZERO];
    assert_eq!(field(CellularCell { rates, ..cell() }), "rates.0");
    let slot = Span::from_micros(9);
    assert_eq!(field(CellularCell { slot, ..cell() }), "slot");
    let memory = Span::from_millis(1);
    assert_eq!(field(CellularCell { memory, ..cell() }), "memory");
    let fading = |fading| CellularCell {
        fading: Some(fading),
        ..cell()
    };
    let depth = Ratio::from_f64(1.1);
    let deep = Fading {
        depth,
        ..Fading::default()
    };
    assert_eq!(field(fading(deep)), "fading.depth");
    let bad = Span::ZERO;
    let short = Fading {
        bad,
        ..Fading::default()
    };
    assert_eq!(field(fading(short)), "fading.bad");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_comes_in_goes_out_in_order_and_never_faster_than_the_cell(
        arrivals in prop::collection::vec((0u64..2_000, 0u16..4, 28u32..3_000), 1..200),
        scheduler in prop::sample::select(vec![
            Scheduler::RoundRobin, Scheduler::ProportionalFair, Scheduler::MaxRate,
        ]),
        fades in any::<bool>(),
        grant_delay in 0u64..5_000,
        seed in any::<u64>(),
    ) {
        let config = CellularCell {
            rate: Bitrate::from_mbps(12),
            fading: fades.then(Fading::default),
            scheduler,
            grant_delay: Span::from_micros(grant_delay),
            limit: QueueLimit::Bytes(Bytes::new(20_000)),
            ..CellularCell::default()
        };
        let mut now = 0;
        let arrivals: Vec<(Time, Packet)> = arrivals
            .iter()
            .zip(0u64..)
            .map(|(&(gap, flow, size), id)| {
                now += gap;
                (us(now), packet(flow, Leg::Outward, id, size))
            })
            .collect();
        let mut cell = link(&config, seed);
        let end = us(now) + Span::from_secs(60);
        let out = drive(&mut cell, arrivals.clone(), end, &mut Vec::new());
        let counts = cell.counts();
        prop_assert_eq!(counts.arrived.bytes, counts.delivered.bytes + counts.dropped.bytes);
        prop_assert_eq!(counts.inside.packets, 0);
        // A slot carries 1,500 bytes, and what was begun before.
        let mut sum = 0u64;
        for (at, packet) in &out {
            sum += u64::from(packet.size);
            prop_assert!(sum <= at.as_nanos() / 1_000_000 * 1_500);
            prop_assert!(at.as_nanos().is_multiple_of(1_000_000));
            let (arrived, _) = arrivals[packet.id as usize];
            prop_assert!(*at >= arrived + config.grant_delay);
        }
        for flow in 0..4 {
            let own = out.iter().filter(|(_, packet)| packet.flow == FlowId(flow));
            prop_assert!(own.map(|(_, packet)| packet.id).is_sorted());
        }
        let again = drive(&mut link(&config, seed), arrivals, end, &mut Vec::new());
        prop_assert_eq!(again, out);
    }
}
