//! The whole controller: steps by hand, and over a link that knows no chance.

use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::Copa;
use crate::cc::CongestionController;
use crate::cc::bbr::testing::{LEAST_RTT_MS, RATE, link, secs, time_to_reach, utilisation, watch};
use crate::cc::testing::build;
use crate::cc::{CcEvent, CcOutput, Feedback};
use crate::conformance::{Fate, IdealLink, PACKET, Script, value};

fn config() -> Copa {
    Copa {
        mss: PACKET,
        ..Copa::default()
    }
}

/// Without competitive mode.
fn polite() -> Copa {
    Copa {
        mode_switching: false,
        ..config()
    }
}

fn copa(config: &Copa) -> Box<dyn CongestionController> {
    build(config).unwrap()
}

const fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

/// A flow out of slow start: one packet met a shortest round trip of 40 ms,
/// the standing one is `rtt_ms`.
fn with_queue(config: &Copa, rtt_ms: u64) -> Script {
    let mut script = Script::new(copa(config));
    script.send(at(0), 1);
    script.report(at(40), [0], Fate::Received);
    for n in 1..=10 {
        script.send(at(100 * n), 1);
        script.report(at(100 * n + rtt_ms), [n], Fate::Received);
    }
    script
}

#[test]
fn the_window_wanted_is_the_round_trip_over_delta_times_the_queue() {
    for (rtt_ms, packets) in [
        (41, 82.0),
        (42, 42.0),
        (44, 22.0),
        (45, 18.0),
        (50, 10.0),
        (60, 6.0),
    ] {
        let script = with_queue(&polite(), rtt_ms);
        assert_eq!(script.value("queue_delay_ms"), rtt_ms as f64 - 40.0);
        let wanted = script.value("target_window_packets");
        assert!((wanted - packets).abs() < 1e-9, "{rtt_ms} ms: {wanted}");
    }
}

#[test]
fn a_step_is_velocity_over_delta_and_window() {
    // 60 ms want six packets and 41 ms want 82.
    for (window, rtt_ms, up) in [
        (100, 60, false),
        (36, 60, false),
        (36, 41, true),
        (10, 41, true),
    ] {
        let config = Copa {
            initial_window: window,
            ..polite()
        };
        let mut script = with_queue(&config, 60);
        let before = script.value("window_packets");
        script.send(at(1_100), 40);
        script.report(at(1_100 + rtt_ms), [11], Fate::Received);
        let step = script.value("window_packets") - before;
        let size = script.value("velocity") / (0.5 * before);
        let expected = if up { size } else { -size };
        assert!(
            (step - expected).abs() < 1e-9,
            "{window}: {step} {expected}"
        );
    }
}

#[test]
fn sends_twice_the_window_per_standing_round_trip() {
    let script = with_queue(&config(), 50);
    let output = script.controller.output();
    let rate = output.cwnd.unwrap().per(Span::from_millis(50));
    assert_eq!(output.target, None, "that is for the transport to tell");
    assert_eq!(output.pacing, Some(rate.mul_f64(2.0)));
}

#[test]
fn slow_start_doubles_until_the_queue_says_enough() {
    let mut link = link(200);
    let flow = link.add(copa(&config()));
    // Ten packets, doubled after each round trip; 43 fill the pipe.
    for (ms, packets) in [(40, 10.0), (81, 20.0), (122, 40.0)] {
        link.run(Span::from_millis(ms) - link.now().since_start());
        assert_eq!(value(link.controller(flow), "window_packets"), packets);
        assert_eq!(value(link.controller(flow), "slow_start"), 1.0);
    }
    link.run(Span::from_millis(100));
    assert_eq!(value(link.controller(flow), "slow_start"), 0.0);
}

/// Mean queueing delay in packets, of flows that have found each other.
fn queue_of(flows: u32, config: &Copa) -> f64 {
    let mut link = link(200);
    for _ in 0..flows {
        link.add(copa(config));
        link.run(Span::from_millis(1_234));
    }
    link.run(secs(10));
    let (mut sum, mut count) = (0.0, 0.0);
    watch(&mut link, 0, secs(20), |_, controller| {
        sum += value(controller, "queue_delay_ms");
        count += 1.0;
    });
    // A packet takes 0.96 ms.
    sum / count / 0.96
}

#[test]
fn n_flows_keep_n_over_delta_packets_in_the_queue() {
    let alone = |delta| Copa { delta, ..polite() };
    for (flows, delta) in [(1, 0.5), (2, 0.5), (4, 0.5), (1, 0.25), (1, 0.1)] {
        let theory = f64::from(flows) / delta;
        let queue = queue_of(flows, &alone(delta));
        let error = queue / theory - 1.0;
        assert!(error.abs() < 0.1, "{flows} flows, delta {delta}: {queue}");
    }
}

#[test]
fn alone_it_stays_in_default_mode_and_fills_the_link() {
    let mut link = link(200);
    let flow = link.add(copa(&config()));
    link.run(secs(5));
    watch(&mut link, flow, secs(60), |now, controller| {
        assert_eq!(value(controller, "mode"), 0.0, "at {now:?}");
        assert_eq!(value(controller, "velocity"), 1.0, "at {now:?}");
        assert_eq!(value(controller, "min_rtt_ms"), LEAST_RTT_MS);
    });
    assert!(utilisation(&link, flow, RATE) > 0.99);
    assert!(link.wait_percentile(secs(60), 1.0) < Span::from_millis(6));
}

/// Keeps a constant number of packets in flight.
#[derive(Debug, Clone)]
struct Filler(u64);

impl CongestionController for Filler {
    fn on_feedback(&mut self, _: &Feedback<'_>) {}
    fn output(&self) -> CcOutput {
        CcOutput {
            cwnd: Some(Bytes::new(self.0 * PACKET.get())),
            ..CcOutput::default()
        }
    }
    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}

/// Its share beside a flow that keeps a queue of 60 packets, the share of time
/// for which it competed, and whether it returned to default mode afterwards.
fn beside_a_filler(config: &Copa) -> (f64, f64, bool) {
    let mut link = link(200);
    let flow = link.add(copa(config));
    link.run(secs(5));
    let filler = link.add(Box::new(Filler(100)));
    link.run(secs(2));
    let mut competed = 0.0;
    watch(&mut link, flow, secs(18), |_, controller| {
        competed += value(controller, "mode") / 18_000.0;
    });
    let share = utilisation(&link, flow, RATE);
    link.set_application(filler, Some(Bitrate::from_kbps(1)));
    link.run(secs(10));
    let returned = value(link.controller(flow), "mode") == 0.0;
    (share, competed, returned)
}

#[test]
fn competes_with_a_buffer_filler_and_returns() {
    let (share, competed, returned) = beside_a_filler(&config());
    assert!(competed > 0.9 && returned, "{competed} {returned}");
    assert!(share > 0.3, "{share}");
    let (share, competed, _) = beside_a_filler(&polite());
    assert!(competed == 0.0 && share < 0.15, "{share}");
}

#[test]
fn as_in_mvfst_it_never_competes() {
    let mvfst = Copa {
        mvfst: true,
        delta: 0.05,
        ..config()
    };
    let (_, competed, _) = beside_a_filler(&mvfst);
    assert_eq!(competed, 0.0);
    let queue = queue_of(1, &mvfst);
    assert!((queue / 20.0 - 1.0).abs() < 0.1, "{queue}");
}

#[test]
fn heavy_loss_cuts_only_if_asked_to() {
    let after = |heavy_loss_cut| {
        let config = Copa {
            heavy_loss_cut,
            initial_window: 100,
            ..config()
        };
        let mut script = with_queue(&config, 50);
        let first = script.send(at(1_100), 60) - 60;
        let before = script.value("window_packets");
        script.report(at(1_250), first..first + 30, Fate::Lost);
        script.value("window_packets") / before
    };
    assert_eq!(after(false), 1.0);
    assert!((after(true) - 0.7).abs() < 1e-9);
}

#[test]
fn a_timeout_begins_anew_with_two_packets() {
    for event in [
        CcEvent::RetransmissionTimeout,
        CcEvent::PersistentCongestion,
    ] {
        let mut script = with_queue(&config(), 50);
        script.event(at(2_000), event);
        assert_eq!(script.value("window_packets"), 2.0);
        assert_eq!(script.value("slow_start"), 1.0);
    }
}

#[test]
fn a_flow_limited_from_birth_keeps_a_small_window() {
    let mut link = link(85);
    let offered = Bitrate::from_mbps(1);
    let flow = link.add_limited(copa(&config()), offered);
    link.run(secs(600));
    // Some four or five packets in flight, and never less than at the start.
    assert!(value(link.controller(flow), "window_packets") <= 12.0);
    assert_eq!(link.throughput(flow, secs(60)), offered);
}

#[test]
fn recovers_from_an_outage() {
    let mut link = link(85);
    let flow = link.add(copa(&config()));
    link.run(secs(8));
    link.set_buffer(Bytes::ZERO);
    link.run(secs(5));
    link.set_buffer(Bytes::new(100_000));
    let took = time_to_reach(&mut link, flow, RATE);
    assert!(took <= 3_000, "{took} ms");
}

#[test]
fn follows_a_rate_that_falls_and_rises_tenfold() {
    let mut link = IdealLink::new(RATE, Span::from_millis(40), Bytes::new(100_000));
    let flow = link.add(copa(&polite()));
    link.run(secs(8));
    let slow = Bitrate::from_mbps(1);
    link.set_rate(slow);
    link.run(secs(20));
    assert!(utilisation(&link, flow, slow) > 0.95);
    // Two packets of 9.6 ms, and as many of swing.
    assert!(link.wait_percentile(secs(5), 0.95) < Span::from_millis(60));
    link.set_rate(RATE);
    let took = time_to_reach(&mut link, flow, RATE);
    assert!(took <= 3_000, "{took} ms");
}

#[test]
fn nonsense_is_refused() {
    let field = |change: fn(&mut Copa)| {
        let mut config = Copa::default();
        change(&mut config);
        config.validate().unwrap_err().field.unwrap()
    };
    assert_eq!(field(|c| c.mss = Bytes::ZERO), "mss");
    assert_eq!(field(|c| c.delta = 0.0), "delta");
    assert_eq!(field(|c| c.nearly_empty = f64::NAN), "nearly_empty");
    assert_eq!(field(|c| c.initial_window = 1), "initial_window");
    assert!(Copa::default().validate().is_ok());
}
