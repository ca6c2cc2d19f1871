use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::*;
use crate::cc::CcEvent;
use crate::cc::testing::build;
use crate::conformance::{Fate, IdealLink, Script};

const fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

fn standard() -> NewReno {
    NewReno {
        slow_start: SlowStart::Standard,
        ..NewReno::default()
    }
}

fn script(config: &NewReno) -> Script {
    Script::new(build(config).unwrap())
}

/// A flow in avoidance at `packets`, nothing in flight, and its next number.
fn avoiding(packets: u64) -> (Script, u64) {
    let mut script = script(&standard());
    script
        .controller
        .on_event(at(0), &CcEvent::Mtu(Bytes::new(1_200)));
    let mut next = 0;
    // Twice what is asked for; then a loss halves it.
    while script.value("cwnd_bytes") < 2_400.0 * packets as f64 {
        let grow = 2 * packets - script.value("cwnd_bytes") as u64 / 1_200;
        let end = script.send_window(at(0));
        let acked = end.min(next + grow);
        script.report(at(50), next..acked, Fate::Received);
        script.report(at(50), acked..end, Fate::Lost);
        if acked < end {
            unreachable!("slow start overshoots: choose another window");
        }
        next = end;
    }
    let end = script.send(at(100), 1);
    script.report(at(150), [next], Fate::Lost);
    assert_eq!(end, next + 1);
    (script, end)
}

#[test]
fn slow_start_doubles_per_round_trip_whatever_the_reports() {
    for at_once in [true, false] {
        let mut script = script(&standard());
        assert_eq!(script.controller.output().cwnd, Some(Bytes::new(12_000)));
        assert_eq!(script.controller.output().pacing, None);
        let mut next = 0;
        for round in 0..4 {
            let end = script.send_window(at(50 * round));
            if at_once {
                script.report(at(50 * round + 50), next..end, Fate::Received);
            } else {
                script.ack_each(at(50 * round + 50), next..end);
            }
            next = end;
            assert_eq!(script.value("cwnd_bytes"), 24_000.0 * f64::from(1 << round));
        }
        assert_eq!(script.value("state"), 0.0);
        // 192 kB per 50 ms, twice.
        let pacing = script.controller.output().pacing;
        assert_eq!(pacing, Some(Bitrate::from_bps(192_000 * 8 * 20 * 2)));
    }
}

#[test]
fn avoidance_adds_a_packet_per_window_in_fractions() {
    let (mut script, next) = avoiding(10);
    assert_eq!(script.value("cwnd_bytes"), 12_000.0);
    assert_eq!(script.value("ssthresh_bytes"), 12_000.0);
    assert_eq!(script.value("state"), 3.0);
    let end = script.send_window(at(200));
    script.report(at(250), [next], Fate::Received);
    assert_eq!(script.value("cwnd_bytes"), 12_120.0);
    assert_eq!(script.value("state"), 2.0);
    script.ack_each(at(250), next + 1..end);
    let cwnd = script.value("cwnd_bytes");
    assert!((13_100.0..=13_200.0).contains(&cwnd), "{cwnd}");
    assert_eq!(
        script.controller.output().cwnd,
        Some(Bytes::new(cwnd as u64))
    );
}

#[test]
fn one_reduction_per_window_of_data() {
    let (mut script, next) = avoiding(10);
    let end = script.send_window(at(200));
    for lost in next..end {
        script.report(at(250 + lost), [lost], Fate::Lost);
    }
    assert_eq!(script.value("cwnd_bytes"), 6_000.0);
    // What was sent before the reduction neither reduces nor grows.
    let end2 = script.send_window(at(400));
    script.report(at(450), [end], Fate::Lost);
    assert_eq!(script.value("cwnd_bytes"), 3_000.0);
    script.report(at(450), end + 1..end2, Fate::Received);
    assert_eq!(script.value("cwnd_bytes"), 3_000.0);
}

#[test]
fn a_mark_reduces_like_a_loss_or_as_configured() {
    for (beta_ecn, left) in [(0.5, 6_000.0), (0.8, 9_600.0)] {
        let mut script = script(&NewReno {
            beta_ecn,
            ecn: true,
            ..standard()
        });
        assert_eq!(script.controller.output().ecn, Ecn::Ect0);
        script.send_window(at(0));
        script.report(at(50), 0..10, Fate::Marked);
        assert_eq!(script.value("cwnd_bytes"), left);
        script.event(at(60), CcEvent::SpuriousLoss);
        assert_eq!(script.value("cwnd_bytes"), left, "marks are never spurious");
    }
}

#[test]
fn the_window_is_never_below_two_packets_after_losses() {
    let (mut script, mut next) = avoiding(10);
    for round in 1..8 {
        let end = script.send_window(at(200 * round));
        script.report(at(200 * round + 50), next..end, Fate::Lost);
        next = end;
    }
    assert_eq!(script.value("cwnd_bytes"), 2_400.0);
}

#[test]
fn persistent_congestion_leaves_two_packets_and_the_threshold() {
    for told_first in [true, false] {
        let (mut script, next) = avoiding(20);
        let end = script.send_window(at(200));
        if told_first {
            script.report(at(9_000), next..end, Fate::Lost);
        }
        script.event(at(9_000), CcEvent::PersistentCongestion);
        if !told_first {
            script.report(at(9_000), next..end, Fate::Lost);
        }
        assert_eq!(script.value("cwnd_bytes"), 2_400.0, "{told_first}");
        assert_eq!(script.value("ssthresh_bytes"), 12_000.0, "{told_first}");
        // Slow start from there.
        script.send_window(at(9_001));
        script.report(at(9_050), end..end + 2, Fate::Received);
        assert_eq!(script.value("cwnd_bytes"), 4_800.0);
        assert_eq!(script.value("state"), 0.0);
    }
}

#[test]
fn a_timeout_leaves_one_packet_and_repeated_ones_the_threshold() {
    let (mut script, next) = avoiding(10);
    let end = script.send_window(at(200));
    for ms in [1_200, 3_200, 7_200] {
        script.event(at(ms), CcEvent::RetransmissionTimeout);
        assert_eq!(script.value("cwnd_bytes"), 1_200.0);
        assert_eq!(script.value("ssthresh_bytes"), 6_000.0);
    }
    script.report(at(7_200), next..end, Fate::Lost);
    assert_eq!(script.value("cwnd_bytes"), 1_200.0);
    let mut next = end;
    for (round, cwnd) in [(0, 2_400.0), (1, 4_800.0)] {
        let end = script.send_window(at(7_201 + 50 * round));
        script.report(at(7_250 + 50 * round), next..end, Fate::Received);
        assert_eq!(script.value("cwnd_bytes"), cwnd);
        next = end;
    }
    // Up to the threshold in slow start, one packet of four, and on by 3/5.
    let end = script.send_window(at(7_350));
    script.report(at(7_400), next..end, Fate::Received);
    assert_eq!(script.value("cwnd_bytes"), 6_000.0 + 1_200.0 * 3.0 / 5.0);
}

#[test]
fn a_spurious_loss_is_taken_back() {
    let (mut script, next) = avoiding(10);
    script.send_window(at(200));
    script.report(at(250), [next, next + 1], Fate::Lost);
    assert_eq!(script.value("cwnd_bytes"), 6_000.0);
    let mut told = script.clone();
    told.event(at(260), CcEvent::SpuriousLoss);
    assert_eq!(told.value("cwnd_bytes"), 12_000.0);
    assert_eq!(told.value("state"), 2.0);
    // Reordered feedback: both arrive after all.
    script.report(at(255), [next + 1], Fate::Received);
    assert_eq!(script.value("cwnd_bytes"), 6_000.0);
    script.report(at(260), [next], Fate::Received);
    let cwnd = script.value("cwnd_bytes");
    assert!((12_000.0..=12_120.0).contains(&cwnd), "{cwnd}");
    assert_eq!(script.value("ssthresh_bytes"), 12_000.0);
}

#[test]
fn a_window_that_is_not_used_does_not_grow() {
    let (mut flow, mut next) = avoiding(20);
    for round in 0..100 {
        let now = 200 + 50 * round;
        let end = flow.send(at(now), 5);
        flow.set_app_limited();
        flow.report(at(now + 50), next..end, Fate::Received);
        next = end;
    }
    // The first round still follows one that used it.
    assert!(flow.value("cwnd_bytes") <= 24_300.0);
    let mut fresh = script(&standard());
    for round in 0..100 {
        fresh.send(at(50 * round), 3);
        fresh.report(
            at(50 * round + 50),
            3 * round..3 * round + 3,
            Fate::Received,
        );
    }
    assert_eq!(fresh.value("cwnd_bytes"), 12_000.0);
}

#[test]
fn another_path_begins_anew() {
    let (mut script, next) = avoiding(20);
    let end = script.send_window(at(200));
    script.event(at(210), CcEvent::RouteChange);
    script.report(at(250), next..end, Fate::Lost);
    assert_eq!(script.value("cwnd_bytes"), 12_000.0);
    assert!(script.value("ssthresh_bytes").is_nan());
    script.send_window(at(260));
    script.report(at(360), end..end + 10, Fate::Received);
    assert_eq!(script.value("cwnd_bytes"), 24_000.0);
    assert_eq!(script.value("min_rtt_ms"), 100.0);
}

#[test]
fn a_proportional_reduction_sends_a_packet_for_every_two_that_arrive() {
    let mut config = standard();
    config.window.proportional_rate_reduction = true;
    config.window.initial_packets = 20;
    let mut script = script(&config);
    script.send_window(at(0));
    script.report(at(50), [0], Fate::Lost);
    let mut sent = Vec::new();
    for number in 1..20 {
        let before = script.next_number();
        let after = script.send_window(at(50 + number));
        sent.push(after - before);
        script.report(at(51 + number), [number], Fate::Received);
    }
    // One retransmission at once; ten packets in flight at the end.
    assert_eq!(sent[..6], [1, 0, 0, 1, 0, 1]);
    assert_eq!(sent.iter().sum::<u64>(), 9);
    assert_eq!(script.controller.output().cwnd, Some(Bytes::new(12_000)));
    // Recovery ends with the first packet that was sent in it.
    script.report(at(100), [20], Fate::Received);
    assert_eq!(script.controller.output().cwnd, Some(Bytes::new(12_120)));
}

#[test]
fn reports_out_of_order_give_no_round_trip_time() {
    let (mut script, next) = avoiding(10);
    let end = script.send_window(at(200));
    script.report(at(250), next + 5..end, Fate::Received);
    let before = script.value("smoothed_rtt_ms");
    script.report(at(900), next..next + 5, Fate::Received);
    assert_eq!(script.value("smoothed_rtt_ms"), before);
}

#[test]
fn hystart_leaves_slow_start_before_the_buffer_overflows() {
    // The link holds 125 kB. The first round that is slow from its beginning
    // starts with twice the window of the one before, about 400 kB; five
    // rounds of a quarter more make 1.22 MB.
    let rate = Bitrate::from_mbps(20);
    let run = |config: &NewReno| {
        let mut link = IdealLink::new(rate, Span::from_millis(50), Bytes::new(1_200_000));
        let flow = link.add(build(config).unwrap());
        link.run(Span::from_secs(5));
        let dropped: Bytes = link.intervals(flow).iter().map(|i| i.dropped).sum();
        (dropped, link.throughput(flow, Span::from_secs(3)))
    };
    let (dropped, throughput) = run(&NewReno::default());
    assert_eq!(dropped, Bytes::ZERO);
    assert!(
        throughput.as_bps_f64() > 0.95 * rate.as_bps_f64(),
        "{throughput}"
    );
    assert!(run(&standard()).0 > Bytes::new(500_000));
}

#[test]
fn a_full_link_stays_full_with_a_buffer_of_a_round_trip() {
    let rate = Bitrate::from_mbps(10);
    let mut link = IdealLink::new(rate, Span::from_millis(40), Bytes::new(50_000));
    let flow = link.add(build(&NewReno::default()).unwrap());
    link.run(Span::from_secs(60));
    let throughput = link.throughput(flow, Span::from_secs(50)).as_bps_f64();
    assert!(throughput >= 0.98 * rate.as_bps_f64(), "{throughput}");
    let dropped: Bytes = link.intervals(flow)[100..].iter().map(|i| i.dropped).sum();
    // One packet or two per sawtooth of 42 round trips of 60 ms on average.
    assert!((10..80).contains(&(dropped.get() / 1_200)), "{dropped}");
}

#[test]
fn configurations_without_meaning_are_refused() {
    let field = |config: NewReno| build(&config).err().and_then(|error| error.field);
    let reno = NewReno::default;
    assert_eq!(
        field(NewReno {
            beta: 1.0,
            ..reno()
        })
        .as_deref(),
        Some("beta")
    );
    let nan = NewReno {
        beta_ecn: f64::NAN,
        ..reno()
    };
    assert_eq!(field(nan).as_deref(), Some("beta_ecn"));
    let mut config = reno();
    config.window.min_packets = 0;
    assert_eq!(field(config).as_deref(), Some("window.min_packets"));
    let mut config = reno();
    config.hystart_pp.css_growth_divisor = 1;
    let name = "hystart_pp.css_growth_divisor";
    assert_eq!(field(config).as_deref(), Some(name));
}
