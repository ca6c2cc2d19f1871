//! Behaviour of the whole controller.

use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::Nada;
use crate::cc::testing::{build, received, report};
use crate::cc::{CcEvent, CongestionController, Constraints};
use crate::conformance::{IdealLink, value};

const SECOND: Span = Span::from_secs(1);

fn nada(config: &Nada) -> Box<dyn CongestionController> {
    build(config).unwrap()
}

/// The range of table 2 of RFC 8698.
fn ranged() -> Nada {
    Nada {
        rmin: Some(Bitrate::from_kbps(150)),
        rmax: Some(Bitrate::from_kbps(1_500)),
        ..Nada::default()
    }
}

#[test]
fn range_comes_from_streams_then_from_the_application() {
    let bounds = |config: &Nada, allocated: Option<(u64, u64)>, min, max| {
        let mut controller = nada(config);
        if let Some((min, max)) = allocated {
            let (min, max) = (Bitrate::from_kbps(min), Bitrate::from_kbps(max));
            controller.on_event(Time::ZERO, &CcEvent::Allocated { min, max });
        }
        let constraints = Constraints {
            min,
            start: Bitrate::from_kbps(300),
            max,
        };
        controller.on_event(Time::ZERO, &CcEvent::Start(constraints));
        controller.output().target.unwrap().as_bps()
    };
    let none = (Bitrate::ZERO, Bitrate::MAX);
    assert_eq!(bounds(&ranged(), None, none.0, none.1), 150_000);
    assert_eq!(
        bounds(&Nada::default(), Some((62, 2_532)), none.0, none.1),
        62_000
    );
    assert_eq!(bounds(&Nada::default(), None, none.0, none.1), 300_000);
    let application = (Bitrate::from_kbps(200), Bitrate::from_kbps(400));
    assert_eq!(
        bounds(&ranged(), None, application.0, application.1),
        200_000
    );
    let application = (Bitrate::from_kbps(50), Bitrate::from_kbps(100));
    assert_eq!(
        bounds(&ranged(), None, application.0, application.1),
        100_000
    );
}

#[test]
fn what_waits_parts_encoder_and_pacer() {
    let mut controller = nada(&ranged());
    controller.on_event(Time::ZERO, &CcEvent::PacerQueue(Bytes::new(100)));
    let output = controller.output();
    // 100 bytes at 30 frames per second, a tenth of that.
    assert_eq!(output.target, Some(Bitrate::from_kbps(150)), "RMIN");
    assert_eq!(output.pacing, Some(Bitrate::from_bps(152_400)));
    assert_eq!(output.ecn, Ecn::NotEct);
    let marked = Nada {
        ecn: true,
        ..ranged()
    };
    assert_eq!(nada(&marked).output().ecn, Ecn::Ect0);
}

#[test]
fn reports_between_two_intervals_change_nothing() {
    let mut controller = nada(&ranged());
    controller.on_event(Time::ZERO, &CcEvent::RouteChange);
    let ms = Time::from_millis;
    for (k, changes) in [(0, false), (1, true), (2, false), (3, true)] {
        let before = controller.output();
        let packets = [received(k, ms(50 * k), ms(50 * k + 25), 3_000 << k)];
        controller.on_feedback(&report(ms(50 * k + 50), &packets));
        assert_eq!(controller.output() != before, changes, "{k}");
    }
}

#[test]
fn settles_on_a_link_with_the_delay_of_its_rate() {
    // 1 Mbit/s of a range up to 1.5: 15 ms, and the granularity of packets of
    // 9.6 ms each, of which the least of 15 waits 0 to 1.
    let mut link = IdealLink::new(
        Bitrate::from_mbps(1),
        Span::from_millis(50),
        Bytes::new(37_500),
    );
    let flow = link.add(nada(&ranged()));
    link.run(SECOND * 120);
    let throughput = link.throughput(flow, SECOND * 60).as_bps_f64();
    assert!((throughput / 1e6 - 1.0).abs() < 0.01, "{throughput}");
    let queue = link.wait_percentile(SECOND * 60, 0.5).as_millis_f64();
    assert!((10.0..30.0).contains(&queue), "{queue}");
    assert!((value(link.controller(flow), "congestion_signal_ms") - 15.0).abs() < 10.0);
}

#[test]
fn priorities_share_a_link_one_to_two() {
    let mut link = IdealLink::new(
        Bitrate::from_mbps(2),
        Span::from_millis(50),
        Bytes::new(75_000),
    );
    let one = link.add(nada(&ranged()));
    let two = link.add(nada(&Nada {
        prio: 2.0,
        ..ranged()
    }));
    link.run(SECOND * 300);
    let rate = |flow| link.throughput(flow, SECOND * 100).as_bps_f64();
    let ratio = rate(two) / rate(one);
    assert!((1.6..2.4).contains(&ratio), "{ratio}");
}

#[test]
fn configurations_without_meaning_are_refused() {
    let field = |change: fn(&mut Nada)| {
        let mut config = Nada::default();
        change(&mut config);
        build(&config).err().and_then(|error| error.field).unwrap()
    };
    assert_eq!(field(|c| c.tau = Span::ZERO), "tau");
    assert_eq!(field(|c| c.prio = f64::NAN), "prio");
    assert_eq!(field(|c| c.rmax = Some(Bitrate::ZERO)), "rmax");
    assert_eq!(field(|c| c.min_filter = 0), "min_filter");
    let crossed = Nada {
        rmin: Some(Bitrate::from_mbps(2)),
        ..ranged()
    };
    assert_eq!(
        build(&crossed).err().unwrap().field.as_deref(),
        Some("rmin")
    );
}
