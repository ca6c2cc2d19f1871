//! Estimates that climb, collapse, or leave their bounds.

use weaknet_core::{Bitrate, Time};
use weaknet_transports::cc::{CcEvent, Constraints};

use crate::support::{
    CONSTRAINTS, Feed, ONE_WAY, SECOND, adaptive, gcc, kbps, link, ms, target, with_target,
};

/// pion/interceptor#299, pion/bwe-test#54: without probes nothing shows more
/// than one and a half times what is acknowledged.
#[test]
fn an_estimate_does_not_climb_beyond_what_is_acknowledged() {
    let mut feed = Feed::new(gcc());
    let targets = feed.run(SECOND * 60, Some(kbps(784)), |_, _| Some(ONE_WAY));
    let highest = targets.iter().max().unwrap();
    // 1.5 x 784 + 10, and 3 % for whole packets in a window of one second.
    assert!(*highest <= kbps(1_186).mul_f64(1.03), "{highest}");
    assert!(*highest >= kbps(1_186).mul_f64(0.97), "{highest}");
}

/// pion/interceptor#156: the first overuse of a flow limited by its source cuts
/// to a share of the little that is acknowledged. When it is over, a probe for
/// the rate before brings back what the source needs.
#[test]
fn a_cut_far_below_the_estimate_is_probed_away_within_five_seconds() {
    let mut link = link(kbps(3_000));
    let flow = link.add_media(gcc());
    link.set_application(flow, Some(kbps(500)));
    link.run(SECOND * 20);
    let before = target(&link, flow);
    assert!(before > kbps(2_000), "{before}");
    link.set_rate(kbps(300));
    link.run(ms(500));
    link.set_rate(kbps(3_000));
    link.run(SECOND * 5);
    let least = link
        .last(flow, SECOND * 5)
        .iter()
        .filter_map(|i| i.target)
        .min();
    assert!(least <= Some(kbps(500).mul_f64(0.85)), "{least:?}");
    let after = target(&link, flow);
    // At 8 % a second it would need eight seconds.
    assert!(after > kbps(750), "{after}");
}

/// pion/webrtc#3310: the least of two estimates was below the minimum.
#[test]
fn the_minimum_holds_while_half_of_the_packets_are_lost() {
    for (name, controller) in with_target() {
        let bounds = Constraints {
            min: kbps(400),
            start: kbps(400),
            ..CONSTRAINTS
        };
        let mut link = link(kbps(2_000)).with_constraints(bounds);
        let flow = link.add_media(controller);
        link.set_loss(0.5);
        link.run(SECOND * 20);
        let least = link.intervals(flow).iter().filter_map(|i| i.target).min();
        assert!(least >= Some(bounds.min), "{name}: {least:?}");
    }
}

/// licode#945: without a maximum the estimate reached 1 Gbit/s and took long to
/// fall.
#[test]
fn without_a_maximum_the_acknowledged_rate_is_the_bound_and_falls_are_fast() {
    let endless = Constraints {
        max: Bitrate::MAX,
        ..CONSTRAINTS
    };
    let mut link = link(kbps(2_000)).with_constraints(endless);
    let flow = link.add_media(gcc());
    link.run(SECOND * 30);
    let highest = link.intervals(flow).iter().filter_map(|i| i.target).max();
    assert!(highest < Some(kbps(3_010)), "{highest:?}");
    link.set_rate(kbps(500));
    link.run(SECOND * 3);
    let sent = link.send_rate(flow, SECOND);
    assert!(sent < kbps(650), "{sent}");
}

/// Ericsson/scream#4: a step of more than the whole turned its sign and tripled
/// the rate under congestion.
#[test]
fn no_step_triples_a_rate_at_a_bottleneck_of_200_kbps() {
    for (name, controller) in with_target() {
        let mut link = link(kbps(200));
        let flow = link.add_media(controller);
        link.run(SECOND * 60);
        let settled = &link.intervals(flow)[100..];
        for pair in settled.windows(2) {
            let [before, after] = [pair[0], pair[1]].map(|i| i.target.unwrap().as_bps_f64());
            assert!(after < before * 3.0, "{name}: {:?}", pair[1]);
        }
        let delivered = link.throughput(flow, SECOND * 30);
        assert!(delivered > kbps(90), "{name}: {delivered}");
    }
}

/// mediasoup#468: one late burst made the trend jump and cut the rate again and
/// again.
#[test]
fn one_spike_of_delay_costs_at_most_one_cut() {
    let mut feed = Feed::new(gcc());
    feed.run(SECOND * 20, Some(kbps(1_000)), |_, _| Some(ONE_WAY));
    // All that is sent in 200 ms arrives at their end.
    let spike = feed.now + ms(200);
    let targets = feed.run(SECOND * 5, Some(kbps(1_000)), |_, at| {
        Some(ONE_WAY + spike.since(at))
    });
    let cuts = targets.windows(2).filter(|t| t[1] < t[0].mul_f64(0.95));
    assert!(cuts.count() <= 1);
}

/// The multiplicative step is at least 1 kbit/s per report (libwebrtc), so that
/// growth at low rates depends on how often reports come: from 50 kbit/s to 160
/// in twelve seconds with a report every 25 ms, to 121 with one every 250 ms.
/// One and a half of what is acknowledged, and 10 kbit/s, bound the spread.
#[test]
fn growth_at_low_rates_depends_on_the_interval_of_reports() {
    let grown = [25, 50, 100, 250].map(|interval| {
        let bounds = Constraints {
            start: kbps(50),
            ..CONSTRAINTS
        };
        let mut feed = Feed::new(gcc());
        feed.script.event(Time::ZERO, CcEvent::Start(bounds));
        feed.every = ms(interval);
        let targets = feed.run(SECOND * 12, None, |_, _| Some(ONE_WAY));
        targets.last().unwrap().as_bps() / 1_000
    });
    assert!(grown.is_sorted_by(|a, b| a >= b), "{grown:?}");
    assert_eq!(grown, [160, 157, 147, 121]);
}

/// A probe meets a capacity that has just fallen: its result is not believed
/// for long.
#[test]
fn a_capacity_that_falls_while_a_probe_is_under_way_is_found() {
    let mut link = link(kbps(3_000));
    let flow = link.add_media(gcc());
    // The first probes leave at once, at 900 and 1800 kbit/s.
    link.run(ms(30));
    link.set_rate(kbps(400));
    link.run(SECOND * 8);
    let target = target(&link, flow);
    assert!(target < kbps(480), "{target}");
    assert!(link.throughput(flow, SECOND * 3) > kbps(250));
}

/// A report of ten packets that all went wrong does not end a flow.
#[test]
fn every_controller_survives_a_report_of_losses_only() {
    for (name, controller) in adaptive() {
        let mut link = link(kbps(2_000));
        let flow = if with_target().iter().any(|(known, _)| *known == name) {
            link.add_media(controller)
        } else {
            link.add(controller)
        };
        link.run(SECOND * 10);
        link.set_loss(1.0);
        link.run(ms(200));
        link.set_loss(0.0);
        link.run(SECOND * 20);
        let delivered = link.throughput(flow, SECOND * 5);
        assert!(delivered > kbps(800), "{name}: {delivered}");
    }
}
