use proptest::prelude::*;
use weaknet_core::event::Event;
use weaknet_core::packet::FlowId;
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, BuildError, Node, Outbox, Plugin, Streams, Time};

use super::*;

fn build<P: Plugin<Kind = Traffic>>(
    config: &P,
    seed: u64,
) -> Result<Box<dyn TrafficModel>, BuildError> {
    let (streams, assets) = (Streams::new(seed), Assets::default());
    config.build(&BuildContext {
        path: "cross/traffic",
        streams: &streams,
        assets: &assets,
    })
}

/// All packets before `until`.
fn emissions<P: Plugin<Kind = Traffic>>(config: &P, seed: u64, until: Span) -> Vec<Emission> {
    let mut model = build(config, seed).unwrap();
    std::iter::from_fn(|| model.next_emission())
        .take_while(|emission| emission.at < until)
        .collect()
}

fn nanos<P: Plugin<Kind = Traffic>>(config: &P, until: Span) -> Vec<u64> {
    let sent = emissions(config, 1, until);
    sent.iter().map(|emission| emission.at.as_nanos()).collect()
}

fn bps(rate: &str) -> Bitrate {
    rate.parse().unwrap()
}

#[test]
fn the_gap_is_bits_by_rate_and_never_drifts() {
    // 12,000 bits at 7 Mbit/s: 1,714,285.714.. ns.
    let cbr = Cbr {
        rate: bps("7Mbps"),
        ..Cbr::default()
    };
    let sent = nanos(&cbr, Span::from_secs(10));
    assert_eq!(sent[..4], [0, 1_714_286, 3_428_572, 5_142_858]);
    assert_eq!(sent.len(), 5_834);
    for (k, at) in (0u128..).zip(&sent) {
        assert_eq!(
            u128::from(*at),
            (k * 12_000_000_000_000).div_ceil(7_000_000)
        );
    }
}

#[test]
fn windows_send_their_share_and_nothing_outside() {
    // 40 ms per packet; 100 ms carry 2.5 packets.
    let ms = Span::from_millis;
    let cbr = Cbr {
        windows: vec![(ms(50), ms(150)), (ms(1_000), ms(1_100))],
        ..Cbr::default()
    };
    let sent: Vec<u64> = nanos(&cbr, Span::from_secs(60));
    let sent: Vec<u64> = sent.iter().map(|at| at / 1_000_000).collect();
    // The half packet of the first window is there in the second.
    assert_eq!(sent, [50, 90, 130, 1_020, 1_060]);
}

#[test]
fn steps_change_the_gap() {
    let steps = TrafficSteps {
        steps: vec![
            (Span::ZERO, bps("1200kbps")),
            (Span::from_millis(25), bps("2400kbps")),
            (Span::from_millis(40), Bitrate::ZERO),
            (Span::from_millis(90), bps("1200kbps")),
        ],
        packet_size: Bytes::new(1_500),
    };
    let sent: Vec<f64> = nanos(&steps, Span::from_millis(112))
        .iter()
        .map(|at| *at as f64 / 1e6)
        .collect();
    // Half a packet has flowed beyond the third at 25 ms, and half a packet
    // beyond the sixth at 40 ms.
    assert_eq!(sent, [0.0, 10.0, 20.0, 27.5, 32.5, 37.5, 95.0, 105.0]);
}

#[test]
fn fixed_on_off_is_periodic() {
    let on_off = OnOff {
        rate: bps("1200kbps"),
        on: Span::from_millis(20),
        off: Span::from_millis(80),
        lengths: Lengths::Fixed,
        ..OnOff::default()
    };
    let sent = nanos(&on_off, Span::from_millis(300));
    let ms: Vec<u64> = sent.iter().map(|at| at / 1_000_000).collect();
    assert_eq!(ms, [0, 10, 100, 110, 200, 210]);
}

#[test]
fn random_on_off_is_on_for_its_share() {
    let on_off = OnOff {
        rate: bps("1200kbps"),
        on: Span::from_secs(1),
        off: Span::from_secs(3),
        ..OnOff::default()
    };
    // 10^4 s hold about 2,500 cycles; a quarter of 10^6 packets. The share has
    // a relative standard deviation of about (3/4) sqrt(2 / 2500) = 2.1 %.
    let sent = emissions(&on_off, 1, Span::from_secs(10_000));
    let share = sent.len() as f64 / 1e6;
    assert!((share - 0.25).abs() < 0.25 * 0.065, "{share}");
    assert_ne!(
        sent[..200],
        emissions(&on_off, 2, Span::from_secs(100))[..200]
    );
}

#[test]
fn poisson_has_exponential_gaps() {
    let poisson = Poisson {
        rate: bps("1200kbps"),
        ..Poisson::default()
    };
    let sent = emissions(&poisson, 3, Span::from_secs(1_000));
    let gaps: Vec<f64> = sent
        .windows(2)
        .map(|pair| (pair[1].at - pair[0].at).as_millis_f64())
        .collect();
    let n = gaps.len() as f64;
    let mean = gaps.iter().sum::<f64>() / n;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / n;
    // 10^5 gaps: standard errors 0.3 % of the mean, 0.9 % of the variance.
    assert!((mean / 10.0 - 1.0).abs() < 0.01, "{mean}");
    assert!((variance / 100.0 - 1.0).abs() < 0.03, "{variance}");
    let long = gaps.iter().filter(|gap| **gap > 20.0).count() as f64 / n;
    assert!((long - libm::exp(-2.0)).abs() < 0.005, "{long}");
}

#[test]
fn refuses_what_makes_no_sense() {
    let field = |result: Result<Box<dyn TrafficModel>, BuildError>| {
        result.err().unwrap().field.unwrap_or_default()
    };
    let cbr = Cbr::default();
    let rate = Bitrate::ZERO;
    assert_eq!(
        field(build(
            &Cbr {
                rate,
                ..cbr.clone()
            },
            1
        )),
        "rate"
    );
    let rate = Bitrate::MAX;
    assert_eq!(
        field(build(
            &Cbr {
                rate,
                ..cbr.clone()
            },
            1
        )),
        "rate"
    );
    for bytes in [0, 27, 65_536] {
        let packet_size = Bytes::new(bytes);
        assert_eq!(
            field(build(
                &Cbr {
                    packet_size,
                    ..cbr.clone()
                },
                1
            )),
            "packet_size"
        );
    }
    let s = Span::from_secs;
    for windows in [vec![(s(2), s(2))], vec![(s(3), s(5)), (s(4), s(6))]] {
        let last = format!("windows.{}", windows.len() - 1);
        assert_eq!(
            field(build(
                &Cbr {
                    windows,
                    ..cbr.clone()
                },
                1
            )),
            last
        );
    }
    let on = Span::from_micros(999);
    assert_eq!(
        field(build(
            &OnOff {
                on,
                ..OnOff::default()
            },
            1
        )),
        "on"
    );
    let steps = |steps| TrafficSteps {
        steps,
        ..TrafficSteps::default()
    };
    assert_eq!(field(build(&steps(Vec::new()), 1)), "steps");
    let back = vec![(s(2), bps("1Mbps")), (s(2), bps("2Mbps"))];
    assert_eq!(field(build(&steps(back), 1)), "steps.0");
}

#[test]
fn the_sender_keeps_to_its_flow() {
    let ms = |n| Time::from_millis(n);
    let model = build(&Cbr::default(), 1).unwrap();
    let mut sender = TrafficSender::new(FlowId(3), ms(500), ms(620), model);
    let (mut packets, mut events) = (Vec::new(), Vec::new());
    while let Some(at) = sender.next_wake() {
        sender.wake(&mut Outbox::new(at, &mut packets, &mut events));
    }
    let sent: Vec<Time> = packets.iter().map(|packet| packet.sent).collect();
    assert_eq!(sent, [ms(500), ms(540), ms(580)]);
    let mut sink = TrafficSink;
    for mut packet in packets.drain(..) {
        sink.receive(
            &mut packet,
            &mut Outbox::new(ms(600), &mut Vec::new(), &mut events),
        );
    }
    let one_way = events.iter().filter_map(|(_, event)| match event {
        Event::Received { one_way, packet } => Some((one_way.as_millis(), packet.size)),
        _ => None,
    });
    assert_eq!(
        one_way.collect::<Vec<_>>(),
        [(100, 1_500), (60, 1_500), (20, 1_500)]
    );
}

proptest! {
    #[test]
    fn never_more_than_a_packet_beyond_the_rate(
        rate in 1_000u64..100_000_000,
        size in 28u64..65_536,
        on in 1u64..5_000,
        off in 1u64..5_000,
        fixed in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let config = OnOff {
            rate: Bitrate::from_bps(rate),
            packet_size: Bytes::new(size),
            on: Span::from_millis(on),
            off: Span::from_millis(off),
            lengths: if fixed { Lengths::Fixed } else { Lengths::Exponential },
        };
        let mut model = build(&config, seed).unwrap();
        let mut last = Span::ZERO;
        for k in 0..500u128 {
            let Some(next) = model.next_emission() else { break };
            prop_assert!(next.at >= last);
            last = next.at;
            let before = k * u128::from(size) * 8 * 1_000_000_000;
            prop_assert!(before <= u128::from(rate) * u128::from(next.at.as_nanos()));
        }
    }
}
