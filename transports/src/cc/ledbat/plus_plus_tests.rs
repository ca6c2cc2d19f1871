//! LEDBAT++ by hand and on a link.

use weaknet_core::{Bitrate, Bytes, Span};

use super::LedbatPlusPlus;
use crate::cc::CongestionController;
use crate::cc::testing::build;
use crate::conformance::{IdealLink, PACKET, value};

const SECOND: Span = Span::from_secs(1);

fn ledbat() -> Box<dyn CongestionController> {
    build(&LedbatPlusPlus::default()).unwrap()
}

/// 10 Mbit/s, 40 ms and a buffer of 400 ms.
fn link() -> IdealLink {
    IdealLink::new(
        Bitrate::from_mbps(10),
        Span::from_millis(40),
        Bytes::new(500_000),
    )
}

#[test]
fn short_paths_grow_more_slowly() {
    let config = LedbatPlusPlus::default();
    for (base_us, divisor) in [
        (1, 16.0),
        (7_500, 16.0),
        (8_000, 15.0),
        (10_000, 12.0),
        (15_000, 8.0),
        (20_000, 6.0),
        (30_000, 4.0),
        (40_000, 3.0),
        (60_000, 2.0),
        (80_000, 2.0),
        (100_000, 2.0),
        (119_000, 2.0),
        (120_000, 1.0),
        (500_000, 1.0),
    ] {
        let base = Span::from_micros(base_us);
        assert_eq!(config.gain_divisor(base), divisor, "{base_us} us");
    }
}

#[test]
fn change_per_round_trip() {
    let config = LedbatPlusPlus::default();
    let ms = Span::from_millis;
    for (packets, base, queueing, change) in [
        (50.0, 40, 0, 0.3333),
        (50.0, 40, 60, 0.3333),
        (50.0, 40, 61, -0.5),
        (50.0, 40, 66, -4.6667),
        (50.0, 40, 75, -12.1667),
        (50.0, 40, 90, -24.6667),
        (50.0, 40, 91, -25.0),
        (50.0, 40, 500, -25.0),
        (10.0, 10, 66, -0.9167),
    ] {
        let got = config.change(packets, ms(base), ms(queueing));
        assert!((got - change).abs() < 5e-5, "{queueing} ms: {got}");
    }
    let proportional = LedbatPlusPlus {
        proportional_growth: true,
        ..config
    };
    let got = proportional.change(50.0, ms(40), ms(45));
    assert!((got - 0.25 / 3.0).abs() < 1e-12);
}

#[test]
fn settles_with_its_target_of_delay() {
    let mut link = link();
    let flow = link.add(ledbat());
    link.run(SECOND * 120);
    let queue = link.wait_percentile(SECOND * 60, 0.5).as_millis_f64();
    assert!((queue / 60.0 - 1.0).abs() < 0.1, "{queue}");
    let throughput = link.throughput(flow, SECOND * 60).as_bps_f64();
    assert!(throughput > 8.5e6, "{throughput}");
}

/// When the window was held at its least, in intervals of 100 ms.
fn slowdowns(link: &IdealLink, flow: usize) -> Vec<f64> {
    let least = PACKET.get() * 2;
    let intervals = link.intervals(flow);
    let begins = intervals.windows(2).filter(|pair| {
        let [before, after] = [0, 1].map(|k| pair[k].cwnd.unwrap().get());
        before > 5 * least && after <= least
    });
    begins.map(|pair| pair[1].end.as_secs_f64()).collect()
}

#[test]
fn slowdowns_cost_a_tenth_of_the_time() {
    let mut link = link();
    let flow = link.add(ledbat());
    link.run(SECOND * 120);
    let begins = slowdowns(&link, flow);
    assert!(begins.len() >= 3, "{begins:?}");
    // The window regains its size with a third of normal slow start: 2 packets
    // become some 65 in about 13 round trips, and that ten times over.
    for pair in begins.windows(2) {
        let apart = pair[1] - pair[0];
        assert!((4.0..20.0).contains(&apart), "{begins:?}");
    }
    assert!(value(link.controller(flow), "base_delay_ms") < 41.0);
}

#[test]
fn a_latecomer_finds_the_base_delay_in_a_slowdown() {
    let mut link = link();
    let first = link.add(ledbat());
    link.run(SECOND * 30);
    let second = link.add(ledbat());
    link.run(SECOND * 170);
    let base = value(link.controller(second), "base_delay_ms");
    assert!(base < 60.0, "{base}");
    let rate = |flow| link.throughput(flow, SECOND * 60).as_bps_f64();
    let ratio = rate(first) / rate(second);
    assert!((0.4..2.5).contains(&ratio), "{ratio}");
}

#[test]
fn a_small_buffer_makes_it_halve() {
    let buffer = Bytes::new(25_000);
    let mut link = IdealLink::new(Bitrate::from_mbps(10), Span::from_millis(40), buffer);
    let flow = link.add(ledbat());
    link.run(SECOND * 60);
    let throughput = link.throughput(flow, SECOND * 30).as_bps_f64();
    assert!((4e6..10e6).contains(&throughput), "{throughput}");
}

#[test]
fn configurations_without_meaning_are_refused() {
    let field = |change: fn(&mut LedbatPlusPlus)| {
        let mut config = LedbatPlusPlus::default();
        change(&mut config);
        build(&config).err().and_then(|error| error.field).unwrap()
    };
    assert_eq!(field(|c| c.target = Span::ZERO), "target");
    assert_eq!(field(|c| c.constant = f64::NAN), "constant");
    assert_eq!(field(|c| c.min_cwnd = 0.0), "min_cwnd");
    assert_eq!(field(|c| c.packet_size = Bytes::ZERO), "packet_size");
}
