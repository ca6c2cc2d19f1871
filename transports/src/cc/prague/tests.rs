//! The whole controller: its rules, and in a closed loop with an AQM that
//! marks above a step.

use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::*;
use crate::cc::testing::{build, received, report};
use crate::cc::{CcEvent, FeedbackKind};
use crate::conformance::{Fate, IdealLink, Script, value};

const fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

fn prague(change: impl FnOnce(&mut Prague)) -> Script {
    let mut config = Prague::default();
    change(&mut config);
    Script::new(build(&config).unwrap())
}

/// Sends a window and has it acknowledged alike `rtt` later.
fn round(script: &mut Script, ms: u64, rtt: u64, fate: Fate) {
    let first = script.next_number();
    let end = script.send_window(at(ms));
    script.report(at(ms + rtt), first..end, fate);
}

#[test]
fn the_first_mark_ends_slow_start_and_halves() {
    let mut script = prague(|_| {});
    assert_eq!(script.controller.output().ecn, Ecn::Ect1);
    round(&mut script, 0, 30, Fate::Received);
    round(&mut script, 40, 30, Fate::Received);
    assert_eq!(script.value("cwnd_bytes"), 48_000.0);
    assert_eq!(script.value("state"), 0.0);
    // Twice the window per round trip of 30 ms, then once.
    let pacing = |script: &Script| script.controller.output().pacing;
    assert_eq!(pacing(&script), Some(Bitrate::from_bps(25_600_000)));
    round(&mut script, 80, 30, Fate::Marked);
    assert_eq!(script.value("cwnd_bytes"), 24_000.0);
    assert_eq!(script.value("state"), 2.0);
    assert_eq!(pacing(&script), Some(Bitrate::from_bps(6_400_000)));
}

#[test]
fn a_mark_takes_half_of_alpha_once_per_virtual_round_trip() {
    let mut script = prague(|c| {
        c.initial_alpha = 0.1;
        c.window.initial_packets = 50;
    });
    script.send(at(0), 40);
    // Round trips of 10 ms: reductions are 25 ms apart all the same.
    script.report(at(10), [0], Fate::Marked);
    assert_eq!(script.value("cwnd_bytes"), 0.95 * 60_000.0);
    let after = script.value("cwnd_bytes");
    for (ms, number) in [(11, 1), (20, 2), (34, 3)] {
        script.report(at(ms), [number], Fate::Marked);
        assert_eq!(script.value("cwnd_bytes"), after, "{ms}");
    }
    let next = script.next_number();
    script.send(at(30), 1);
    script.report(at(35), [next], Fate::Marked);
    assert!(script.value("cwnd_bytes") < after);
}

#[test]
fn growth_is_slower_the_shorter_the_round_trip() {
    for (rtt, factor) in [
        (1, 0.0016),
        (5, 0.04),
        (10, 0.16),
        (15, 0.36),
        (20, 0.64),
        (25, 1.0),
        (100, 1.0),
    ] {
        let mut script = prague(|_| {});
        script.send(at(0), 10);
        script.report(at(rtt), 0..10, Fate::Marked);
        let before = script.value("cwnd_bytes");
        assert_eq!(before, 6_000.0);
        script.send(at(rtt + 1), 5);
        script.report(at(rtt + 1 + rtt), [10], Fate::Received);
        let grown = script.value("cwnd_bytes") - before;
        // One packet of five, of a packet per window.
        assert!((grown - factor * 240.0).abs() < 1e-6, "{rtt} ms: {grown}");
    }
}

#[test]
fn a_loss_halves_once_even_after_a_mark_and_may_be_taken_back() {
    let mut script = prague(|c| c.initial_alpha = 0.2);
    script.send(at(0), 10);
    script.report(at(30), [0], Fate::Marked);
    assert_eq!(script.value("cwnd_bytes"), 10_800.0);
    script.report(at(31), [1, 2], Fate::Lost);
    assert_eq!(script.value("cwnd_bytes"), 5_400.0);
    script.report(at(32), [3], Fate::Lost);
    assert_eq!(script.value("cwnd_bytes"), 5_400.0);
    script.report(at(33), [1, 2], Fate::Received);
    assert_eq!(script.value("cwnd_bytes"), 5_400.0);
    script.report(at(34), [3], Fate::Received);
    assert!(script.value("cwnd_bytes") >= 10_800.0);
}

#[test]
fn timeouts_leave_one_packet_and_persistent_congestion_two() {
    let mut script = prague(|_| {});
    script.send(at(0), 10);
    script.event(at(1_000), CcEvent::RetransmissionTimeout);
    script.event(at(3_000), CcEvent::RetransmissionTimeout);
    assert_eq!(script.value("cwnd_bytes"), 1_200.0);
    assert_eq!(script.value("ssthresh_bytes"), 6_000.0);
    script.event(at(9_000), CcEvent::PersistentCongestion);
    assert_eq!(script.value("cwnd_bytes"), 2_400.0);
}

#[test]
fn a_path_that_wipes_the_codepoint_gets_packets_without_it() {
    let mut link = IdealLink::new(
        Bitrate::from_mbps(10),
        Span::from_millis(30),
        Bytes::new(40_000),
    );
    let flow = link.add(build(&Prague::default()).unwrap());
    link.run(Span::from_secs(2));
    assert_eq!(link.controller(flow).output().ecn, Ecn::Ect1);
    let mut script = prague(|_| {});
    script.send(at(0), 3);
    script.report(at(30), [0], Fate::Received);
    script.report(at(31), [1], Fate::Bleached);
    assert_eq!(script.controller.output().ecn, Ecn::NotEct);
    script.event(at(32), CcEvent::RouteChange);
    script.report(at(33), [2], Fate::Bleached);
    assert_eq!(script.controller.output().ecn, Ecn::Ect1);
}

#[test]
fn ranges_do_not_tell_of_a_wiped_codepoint() {
    let mut controller = build(&Prague::default()).unwrap();
    let packet = received(0, at(0), at(30), 1_200);
    let per_packet = report(at(30), std::slice::from_ref(&packet));
    controller.on_feedback(&crate::cc::Feedback {
        kind: FeedbackKind::AckRanges,
        ..per_packet
    });
    assert_eq!(controller.output().ecn, Ecn::Ect1);
    controller.on_feedback(&per_packet);
    assert_eq!(controller.output().ecn, Ecn::NotEct);
}

#[test]
fn the_window_is_two_marks_per_virtual_round_trip() {
    // W = 2 / p: 100 packets, 2 % marked, falls by what it grows.
    let mut script = prague(|c| {
        c.window.initial_packets = 101;
        c.initial_alpha = 0.02;
    });
    script.send(at(0), 1);
    script.report(at(25), [0], Fate::Marked);
    let before = script.value("cwnd_bytes");
    assert!((before / 1_200.0 - 100.0).abs() < 0.1);
    script.send(at(50), 100);
    script.report(at(75), 1..99, Fate::Received);
    script.report(at(75), 99..101, Fate::Marked);
    let after = script.value("cwnd_bytes");
    assert!((after / before - 1.0).abs() < 1e-3, "{before} {after}");
}

#[test]
fn a_step_aqm_keeps_the_link_full_and_the_queue_short() {
    let rate = Bitrate::from_mbps(50);
    let mut link = IdealLink::new(rate, Span::from_millis(25), Bytes::new(400_000))
        .marking_above(Span::from_millis(1));
    let flow = link.add(build(&Prague::default()).unwrap());
    link.run(Span::from_secs(40));
    let span = Span::from_secs(30);
    let share = link.throughput(flow, span).as_bps_f64() / rate.as_bps_f64();
    assert!(share >= 0.9, "{share}");
    let wait = link.wait_percentile(span, 0.99);
    assert!(wait < Span::from_millis(5), "{wait}");
    let dropped: Bytes = link.intervals(flow).iter().map(|i| i.dropped).sum();
    assert_eq!(dropped, Bytes::ZERO);
    assert!(value(link.controller(flow), "alpha") < 0.2);
}

#[test]
fn fast_growth_finds_new_capacity_sooner() {
    let reach = |fast_growth| {
        let config = Prague {
            fast_growth,
            ..Prague::default()
        };
        let mut link = IdealLink::new(
            Bitrate::from_mbps(5),
            Span::from_millis(25),
            Bytes::new(400_000),
        )
        .marking_above(Span::from_millis(1));
        let flow = link.add(build(&config).unwrap());
        link.run(Span::from_secs(10));
        link.set_rate(Bitrate::from_mbps(100));
        let start = link.now();
        let mut rate = Bitrate::ZERO;
        while rate < Bitrate::from_mbps(80) && link.now() < Time::from_secs(60) {
            link.run(Span::from_millis(100));
            rate = link.throughput(flow, Span::from_millis(100));
        }
        link.now().since(start)
    };
    let (slow, fast) = (reach(false), reach(true));
    assert!(fast * 2 < slow, "{fast} {slow}");
}

#[test]
fn two_flows_share_alike() {
    let rate = Bitrate::from_mbps(40);
    let mut link = IdealLink::new(rate, Span::from_millis(25), Bytes::new(400_000))
        .marking_above(Span::from_millis(1));
    let first = link.add(build(&Prague::default()).unwrap());
    link.run(Span::from_secs(5));
    let second = link.add(build(&Prague::default()).unwrap());
    link.run(Span::from_secs(60));
    let rates = [first, second].map(|f| link.throughput(f, Span::from_secs(30)).as_bps_f64());
    let share = rates[0] / (rates[0] + rates[1]);
    assert!((0.35..=0.65).contains(&share), "{share}");
    assert!(rates[0] + rates[1] > 0.9 * rate.as_bps_f64());
}

#[test]
fn configurations_without_meaning_are_refused() {
    let field = |change: fn(&mut Prague)| {
        let mut config = Prague::default();
        change(&mut config);
        build(&config).err().and_then(|error| error.field)
    };
    assert_eq!(field(|c| c.g = 0.0).as_deref(), Some("g"));
    assert_eq!(
        field(|c| c.initial_alpha = 1.1).as_deref(),
        Some("initial_alpha")
    );
    assert_eq!(
        field(|c| c.virtual_rtt = Span::ZERO).as_deref(),
        Some("virtual_rtt")
    );
    assert_eq!(
        field(|c| c.pacing_gain = f64::NAN).as_deref(),
        Some("pacing_gain")
    );
}
