//! Behaviour of the whole controller.

use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::GccDraft02;
use crate::cc::testing::{build, received, report};
use crate::cc::{CcEvent, CongestionController, Constraints};
use crate::conformance::{IdealLink, value};

const SECOND: Span = Span::from_secs(1);

fn gcc() -> Box<dyn CongestionController> {
    build(&GccDraft02::default()).unwrap()
}

/// 1 Mbit/s, 50 ms and a buffer of 300 ms.
fn link() -> IdealLink {
    IdealLink::new(
        Bitrate::from_mbps(1),
        Span::from_millis(50),
        Bytes::new(37_500),
    )
}

#[test]
fn fills_a_link_without_filling_its_buffer() {
    let mut link = link();
    let flow = link.add(gcc());
    link.run(SECOND * 120);
    let throughput = link.throughput(flow, SECOND * 60).as_bps_f64();
    assert!(throughput > 0.8e6, "{throughput}");
    let queue = link.wait_percentile(SECOND * 60, 0.5);
    assert!(queue < Span::from_millis(150), "{queue:?}");
}

#[test]
fn follows_a_link_that_slows_down() {
    let mut link = link();
    let flow = link.add(gcc());
    link.run(SECOND * 60);
    link.set_rate(Bitrate::from_kbps(500));
    link.run(SECOND * 20);
    let throughput = link.throughput(flow, SECOND * 10).as_bps_f64();
    assert!((350e3..510e3).contains(&throughput), "{throughput}");
    let target = link.controller(flow).output().target.unwrap();
    assert!(target < Bitrate::from_kbps(600), "{target}");
}

#[test]
fn counted_losses_decide_where_nothing_else_is_reported() {
    let mut gcc = gcc();
    let kbps = Bitrate::from_kbps;
    let bounds = Constraints {
        min: kbps(30),
        start: kbps(1_000),
        max: kbps(5_000),
    };
    gcc.on_event(Time::ZERO, &CcEvent::Start(bounds));
    let mut tell = |second: u64, lost, received| {
        let report = CcEvent::LossReport {
            lost,
            received,
            interval: SECOND,
        };
        gcc.on_event(Time::from_secs(second), &report);
        gcc.output().target.unwrap().as_bps() / 1_000
    };
    // Section 6: 5 % more below 2 % of losses, none up to 10 %, half the share less
    // above. Counting begins with the first report.
    assert_eq!(tell(1, 0, 100), 1_000);
    assert_eq!(tell(2, 1, 99), 1_050);
    assert_eq!(tell(3, 5, 95), 1_050);
    assert_eq!(tell(4, 20, 80), 945);
    // Once packets are reported, counts say nothing new.
    let packets = [received(0, Time::ZERO, Time::from_secs(4), 1_000)];
    gcc.on_feedback(&report(Time::from_secs(5), &packets));
    let before = gcc.output();
    let late = CcEvent::LossReport {
        lost: 50,
        received: 50,
        interval: SECOND,
    };
    gcc.on_event(Time::from_secs(9), &late);
    assert_eq!(gcc.output(), before);
}

#[test]
fn the_trend_alone_hardly_ever_reaches_the_threshold() {
    let literal = GccDraft02 {
        detector_gain: 1,
        ..GccDraft02::default()
    };
    let mut link = link();
    let flow = link.add(build(&literal).unwrap());
    link.run(SECOND * 120);
    let queue = link.wait_percentile(SECOND * 60, 0.5);
    assert!(queue > Span::from_millis(200), "{queue:?}");
    assert!(value(link.controller(flow), "loss_ratio") > 0.0);
}

#[test]
fn configurations_without_meaning_are_refused() {
    let field = |change: fn(&mut GccDraft02)| {
        let mut config = GccDraft02::default();
        change(&mut config);
        build(&config).err().and_then(|error| error.field).unwrap()
    };
    assert_eq!(field(|c| c.burst_time = Span::ZERO), "burst_time");
    assert_eq!(field(|c| c.chi = f64::NAN), "chi");
    assert_eq!(field(|c| c.pace_groups = 0), "pace_groups");
    assert_eq!(field(|c| c.high_loss = 0.01), "high_loss");
}
