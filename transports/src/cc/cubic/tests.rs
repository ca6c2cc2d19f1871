//! The whole controller: its rules around the curve, and in a closed loop.

use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::*;
use crate::cc::CcEvent;
use crate::cc::testing::build;
use crate::conformance::{Fate, IdealLink, Script, value};

const fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

fn standard() -> Cubic {
    Cubic {
        slow_start: SlowStart::Standard,
        ..Cubic::default()
    }
}

/// A flow that lost packet 0 of a window of 80 packets, reduced to 56.
fn reduced(config: &Cubic) -> (Script, u64) {
    let mut script = Script::new(build(config).unwrap());
    let mut next = 0;
    for round in 0..3 {
        let end = script.send_window(at(50 * round));
        script.report(at(50 * round + 50), next..end, Fate::Received);
        next = end;
    }
    assert_eq!(script.value("cwnd_bytes"), 96_000.0);
    let end = script.send_window(at(150));
    script.report(at(200), [next], Fate::Lost);
    assert_eq!(script.value("cwnd_bytes"), 96_000.0 * 0.7);
    (script, end)
}

#[test]
fn the_second_reduction_is_by_beta_too() {
    let (mut script, next) = reduced(&standard());
    let end = script.send_window(at(201)).max(next);
    script.send(at(202), 1);
    script.report(at(250), [end], Fate::Lost);
    let cwnd = script.value("cwnd_bytes");
    assert!((cwnd - 96_000.0 * 0.49).abs() < 1e-6, "{cwnd}");
    assert!((script.value("w_max_packets") - 80.0 * 0.7 * 0.85).abs() < 1e-9);
}

#[test]
fn a_mark_reduces_once_per_window() {
    let config = Cubic {
        ecn: true,
        beta_ecn: 0.85,
        ..standard()
    };
    let mut script = Script::new(build(&config).unwrap());
    assert_eq!(script.controller.output().ecn, Ecn::Ect0);
    script.send_window(at(0));
    script.report(at(50), 0..5, Fate::Marked);
    script.report(at(51), 5..10, Fate::Marked);
    assert_eq!(script.value("cwnd_bytes"), 0.85 * 12_000.0);
}

#[test]
fn loss_at_two_packets_leaves_two() {
    let mut script = Script::new(build(&standard()).unwrap());
    script.event(at(0), CcEvent::PersistentCongestion);
    assert_eq!(script.value("cwnd_bytes"), 2_400.0);
    for round in 1..5 {
        let end = script.send(at(100 * round), 2);
        script.report(at(100 * round + 50), end - 2..end, Fate::Lost);
        assert_eq!(script.value("cwnd_bytes"), 2_400.0);
        assert_eq!(script.value("ssthresh_bytes"), 2_400.0);
    }
}

#[test]
fn all_is_restored_after_a_spurious_loss() {
    let (mut script, next) = reduced(&standard());
    script.report(at(210), [next - 80], Fate::Received);
    assert_eq!(script.value("cwnd_bytes"), 96_000.0 + 1_200.0);
    assert!(
        script.value("ssthresh_bytes").is_nan(),
        "still at its beginning"
    );
    assert_eq!(script.value("w_max_packets"), 0.0);
    assert_eq!(script.value("state"), 0.0);
}

#[test]
fn the_first_stage_without_a_loss_has_its_plateau_at_the_beginning() {
    let rate = Bitrate::from_mbps(20);
    let mut link = IdealLink::new(rate, Span::from_millis(50), Bytes::new(4_000_000));
    let flow = link.add(build(&Cubic::default()).unwrap());
    while value(link.controller(flow), "state") < 2.0 {
        link.run(Span::from_millis(1));
    }
    let of = |name| value(link.controller(flow), name);
    assert_eq!(of("k_s"), 0.0);
    let plateau = of("w_max_packets") * 1_200.0;
    assert!((plateau - of("ssthresh_bytes")).abs() < 1.0);
}

#[test]
fn a_timeout_starts_again_with_a_flat_curve() {
    let (mut script, next) = reduced(&standard());
    script.event(at(1_300), CcEvent::RetransmissionTimeout);
    assert_eq!(script.value("cwnd_bytes"), 1_200.0);
    let ssthresh = script.value("ssthresh_bytes");
    assert!((ssthresh - 96_000.0 * 0.49).abs() < 1e-6);
    script.report(at(1_300), next - 79..next, Fate::Lost);
    let (mut first, mut now) = (next, 1_301);
    while script.value("state") != 2.0 {
        let end = script.send_window(at(now));
        script.report(at(now + 50), first..end, Fate::Received);
        (first, now) = (end, now + 51);
    }
    assert_eq!(script.value("k_s"), 0.0);
}

#[test]
fn packets_of_another_size_keep_the_curve_in_bytes() {
    let (mut script, _) = reduced(&standard());
    script.event(at(300), CcEvent::Mtu(Bytes::new(600)));
    assert_eq!(script.value("cwnd_bytes"), 96_000.0 * 0.7);
    assert_eq!(script.value("w_max_packets"), 160.0);
}

/// Sends a window and has it acknowledged 50 ms later.
fn round(script: &mut Script, ms: u64) {
    let first = script.next_number();
    let end = script.send_window(at(ms));
    script.report(at(ms + 50), first..end, Fate::Received);
}

#[test]
fn an_idle_minute_adds_nothing() {
    let (mut busy, next) = reduced(&standard());
    busy.report(at(205), next - 79..next, Fate::Received);
    for k in 0..10 {
        round(&mut busy, 210 + 50 * k);
    }
    let mut idle = busy.clone();
    round(&mut busy, 710);
    round(&mut idle, 60_710);
    assert_eq!(idle.value("cwnd_bytes"), busy.value("cwnd_bytes"));
}

#[test]
fn a_full_link_stays_full_with_a_buffer_of_half_a_round_trip() {
    let rate = Bitrate::from_mbps(50);
    let mut link = IdealLink::new(rate, Span::from_millis(40), Bytes::new(125_000));
    let flow = link.add(build(&Cubic::default()).unwrap());
    link.run(Span::from_secs(60));
    let throughput = link.throughput(flow, Span::from_secs(50)).as_bps_f64();
    assert!(throughput >= 0.97 * rate.as_bps_f64(), "{throughput}");
}

#[test]
fn two_flows_share_alike() {
    let rate = Bitrate::from_mbps(20);
    let mut link = IdealLink::new(rate, Span::from_millis(40), Bytes::new(100_000));
    let first = link.add(build(&Cubic::default()).unwrap());
    link.run(Span::from_secs(10));
    let second = link.add(build(&Cubic::default()).unwrap());
    link.run(Span::from_secs(120));
    let rates = [first, second].map(|flow| link.throughput(flow, Span::from_secs(60)).as_bps_f64());
    let share = rates[0] / (rates[0] + rates[1]);
    assert!((0.35..=0.65).contains(&share), "{share}");
    assert!(rates[0] + rates[1] > 0.97 * rate.as_bps_f64());
}

#[test]
fn a_source_that_is_the_limit_leaves_the_window_alone() {
    let mut link = IdealLink::new(
        Bitrate::from_mbps(50),
        Span::from_millis(50),
        Bytes::new(1_000_000),
    );
    let flow = link.add_limited(build(&Cubic::default()).unwrap(), Bitrate::from_mbps(2));
    link.run(Span::from_secs(60));
    // 2 Mbit/s hold 12,500 bytes per round trip; slow start may go to twice
    // the flight.
    let cwnd = link.intervals(flow)[599].cwnd.unwrap();
    assert!(cwnd <= Bytes::new(30_000), "{cwnd}");
    assert_eq!(
        link.throughput(flow, Span::from_secs(10)).as_bps(),
        1_999_680
    );
}

#[test]
fn configurations_without_meaning_are_refused() {
    let field = |config: Cubic| build(&config).err().and_then(|error| error.field);
    let cubic = Cubic::default;
    assert_eq!(field(Cubic { c: 0.0, ..cubic() }).as_deref(), Some("c"));
    let beta = Cubic {
        beta: 1.5,
        ..cubic()
    };
    assert_eq!(field(beta).as_deref(), Some("beta"));
}
