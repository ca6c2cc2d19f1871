//! Sources that send little, nothing, or in bursts.

use weaknet_transports::cc::Constraints;
use weaknet_transports::cc::scream::Scream;
use weaknet_transports::cc::scream_ericsson::ScreamEricsson;

use crate::support::{CONSTRAINTS, SECOND, build, gcc, kbps, link, ms, target, with_target};

/// str0m#1018: a variable bit rate below the target was read as a reason not to
/// probe, and the allocator waited for the estimate.
#[test]
fn a_small_source_is_probed_up_to_the_capacity() {
    let mut link = link(kbps(3_000));
    let flow = link.add_media(gcc());
    link.set_application(flow, Some(kbps(500)));
    link.run(SECOND * 20);
    let estimate = target(&link, flow);
    assert!(estimate > kbps(2_400), "{estimate}");
    link.set_application(flow, None);
    link.run(SECOND * 10);
    assert!(link.throughput(flow, SECOND * 5) > kbps(2_400));
}

/// mediasoup#1031: after heavy loss nothing was sent, and as that state was only
/// looked at while sending, nothing was sent ever again. The bound on the rate
/// goes up by 8 % a second and by what losses that have stopped allow: ten
/// seconds for the first tenfold.
#[test]
fn a_minute_of_heavy_loss_is_overcome() {
    let mut link = link(kbps(3_000));
    let flow = link.add_media(gcc());
    link.run(SECOND * 20);
    link.set_loss(0.2);
    link.run(SECOND * 60);
    assert_eq!(target(&link, flow), CONSTRAINTS.min);
    link.set_loss(0.0);
    link.run(SECOND * 10);
    let sent = link.send_rate(flow, SECOND);
    assert!(sent > kbps(400), "{sent}");
    link.run(SECOND * 5);
    let sent = link.send_rate(flow, SECOND);
    assert!(sent > kbps(2_000), "{sent}");
}

/// mediasoup#1031: a source that pauses for ten seconds goes on where it was.
#[test]
fn ten_seconds_without_a_packet_are_no_congestion() {
    for (name, controller) in with_target() {
        let mut link = link(kbps(2_000));
        let flow = link.add_media(controller);
        link.run(SECOND * 30);
        let before = link.throughput(flow, SECOND * 5);
        link.set_application(flow, Some(kbps(0)));
        link.run(SECOND * 10);
        link.set_application(flow, None);
        link.run(SECOND * 10);
        let after = link.throughput(flow, SECOND * 3);
        assert!(
            after > before.mul_f64(0.5),
            "{name}: {before}, then {after}"
        );
    }
}

/// jitsi-videobridge#2443: a shared screen of 0.9 to 3.7 Mbit/s was measured by
/// its bursts and suspended.
#[test]
fn a_bursty_source_keeps_its_estimate() {
    let mut link = link(kbps(5_000));
    let flow = link.add_media(gcc());
    link.run(SECOND * 10);
    // 3.7 Mbit/s for a sixth of the time, 0.9 else: 1.35 on the average.
    for _ in 0..20 {
        link.set_application(flow, Some(kbps(3_700)));
        link.run(ms(500));
        link.set_application(flow, Some(kbps(900)));
        link.run(ms(2_600));
    }
    let least = link
        .last(flow, SECOND * 50)
        .iter()
        .filter_map(|i| i.target)
        .min();
    assert!(least > Some(kbps(1_350)), "{least:?}");
}

/// Ericsson/scream#44: an encoder that follows its target half a second late.
#[test]
fn an_encoder_half_a_second_late_does_not_make_the_target_swing() {
    for (name, controller) in [
        ("scream", build(&Scream::default())),
        ("scream_ericsson", build(&ScreamEricsson::default())),
        ("gcc", gcc()),
    ] {
        let mut link = link(kbps(2_000));
        let flow = link.add_media(controller);
        let mut targets = Vec::new();
        for _ in 0..600 {
            targets.push(target(&link, flow));
            let old = targets[targets.len().saturating_sub(6)];
            link.set_application(flow, Some(old));
            link.run(ms(100));
        }
        let delivered = link.throughput(flow, SECOND * 30);
        let settled = &targets[300..];
        let (least, most) = (settled.iter().min().unwrap(), settled.iter().max().unwrap());
        assert!(delivered > kbps(1_500), "{name}: {delivered}");
        assert!(*most < least.mul_f64(3.0), "{name}: {least} to {most}");
    }
}

/// razor#60: where a call settles depended on where it started, and jitter of a
/// wireless link made the rate collapse.
#[test]
fn jitter_of_30_ms_does_not_make_the_rate_collapse_wherever_it_starts() {
    let settled = [300, 1_600, 3_200].map(|start| {
        let bounds = Constraints {
            start: kbps(start),
            ..CONSTRAINTS
        };
        let mut link = link(kbps(3_000)).with_constraints(bounds);
        let flow = link.add_media(gcc());
        link.set_jitter(ms(30));
        link.run(SECOND * 60);
        link.throughput(flow, SECOND * 30)
    });
    let (least, most) = (settled.iter().min().unwrap(), settled.iter().max().unwrap());
    // The reference sends 2769 kbit/s.
    assert!(
        *least > kbps(2_000) && *most < least.mul_f64(1.1),
        "{settled:?}"
    );
}
