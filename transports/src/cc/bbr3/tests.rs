//! The whole controller: numbers by hand, and over a link that knows no chance.

use weaknet_core::{Bitrate, Bytes, Span, Streams, Time};

use super::Bbr3;
use super::engine::Engine;
use super::state::State;
use crate::cc::bbr::testing::{
    LEAST_RTT_MS, RATE, RTT, Stay, link, loss_ratio, secs, stays, time_to_reach, utilisation, watch,
};
use crate::cc::bbr::{Ack, times};
use crate::cc::testing::{build, build_seeded};
use crate::cc::{CcEvent, CongestionController};
use crate::conformance::{IdealLink, PACKET, value};
use crate::transport::RateSample;

const STARTUP: u32 = State::Startup as u32;
const DRAIN: u32 = State::Drain as u32;
const DOWN: u32 = State::ProbeDown as u32;
const CRUISE: u32 = State::ProbeCruise as u32;
const REFILL: u32 = State::ProbeRefill as u32;
const UP: u32 = State::ProbeUp as u32;
const PROBE_RTT: u32 = State::ProbeRtt as u32;

/// For the packets of the ideal link.
fn bbr3() -> Box<dyn CongestionController> {
    let config = Bbr3 {
        mss: PACKET,
        ..Bbr3::default()
    };
    build(&config).unwrap()
}

/// An engine that knows 10 Mbit/s and 40 ms, in a state.
fn knowing(state: State) -> Engine {
    let config = Bbr3::default();
    let mut engine = Engine::new(&config, Streams::new(1).sequence("call", "probe wait"));
    engine.max_bandwidth.on_sample(RATE, false);
    engine.min_rtt.on_ack(Time::ZERO, Some(RTT), &config);
    engine.bound_bandwidth();
    engine.state = state;
    if state != State::Startup {
        engine.full_pipe.set_full();
    }
    engine.update_control(&ack());
    engine
}

/// An ACK that tells of nothing.
fn ack() -> Ack {
    Ack {
        now: Time::from_millis(100),
        acked: Bytes::ZERO,
        lost: Bytes::ZERO,
        in_flight: Bytes::new(50_000),
        prior_in_flight: Bytes::new(50_000),
        rtt: Some(RTT),
        round_start: false,
        rate: RATE,
        sample: RateSample {
            delivered: Bytes::new(50_000),
            prior_delivered: Bytes::ZERO,
            lost: Bytes::ZERO,
            interval: RTT,
            app_limited: false,
            sent_in_flight: Bytes::new(50_000),
        },
    }
}

#[test]
fn rates_and_windows_of_every_state() {
    for (state, kbps, quantum, window) in [
        (State::Startup, 27_423.0, 3_427, 100_000),
        (State::Drain, 4_950.0, 3_000, 100_000),
        (State::ProbeDown, 8_910.0, 3_000, 100_000),
        (State::ProbeCruise, 9_900.0, 3_000, 100_000),
        (State::ProbeRefill, 9_900.0, 3_000, 100_000),
        (State::ProbeUp, 12_375.0, 3_000, 115_500),
        (State::ProbeRtt, 9_900.0, 3_000, 25_000),
    ] {
        let mut engine = knowing(state);
        if state == State::Startup {
            // The first rate is above: only once a round trip is known.
            engine.pacing.on_rtt(secs(1));
            engine.update_control(&ack());
        }
        assert_eq!(engine.bdp(), Bytes::new(50_000));
        assert_eq!(engine.pacing.rate().as_kbps_f64(), kbps, "{state:?}");
        assert_eq!(engine.quantum, Bytes::new(quantum), "{state:?}");
        assert_eq!(engine.max_inflight(), Bytes::new(window), "{state:?}");
    }
}

#[test]
fn the_window_grows_by_what_is_acknowledged_up_to_the_model() {
    let mut engine = knowing(State::ProbeCruise);
    assert_eq!(engine.cwnd, Bytes::new(14_600));
    let acked = Ack {
        acked: Bytes::new(3_000),
        ..ack()
    };
    engine.update_control(&acked);
    assert_eq!(engine.cwnd, Bytes::new(17_600));
    (0..100).for_each(|_| engine.update_control(&acked));
    assert_eq!(engine.cwnd, Bytes::new(100_000));
    engine.state = State::ProbeRtt;
    engine.update_control(&acked);
    assert_eq!(engine.cwnd, Bytes::new(25_000));
}

#[test]
fn too_much_loss_ends_a_probe_and_bounds_the_flight() {
    let mut engine = knowing(State::ProbeUp);
    engine.cwnd = Bytes::new(100_000);
    engine.on_inflight_too_high(Time::from_millis(100), Bytes::new(62_245), false);
    assert_eq!(engine.state, State::ProbeDown);
    assert_eq!(engine.long_term.limit, Bytes::new(62_245));
    engine.update_control(&ack());
    assert_eq!(engine.cwnd, Bytes::new(62_245));
    engine.state = State::ProbeCruise;
    engine.update_control(&ack());
    assert_eq!(engine.cwnd, Bytes::new(52_908));
    // Never below 0.7 of what the flow wants in flight, and not at all when
    // the application is the limit.
    engine.on_inflight_too_high(Time::from_millis(100), Bytes::new(1_000), false);
    assert_eq!(engine.long_term.limit, Bytes::new(35_000));
    engine.on_inflight_too_high(Time::from_millis(100), Bytes::new(90_000), true);
    assert_eq!(engine.long_term.limit, Bytes::new(35_000));
}

#[test]
fn a_loss_that_was_none_restores_the_probe() {
    let mut engine = knowing(State::ProbeUp);
    engine.cwnd = Bytes::new(100_000);
    engine.save_state();
    engine.on_inflight_too_high(Time::from_millis(100), Bytes::new(62_245), false);
    engine.update_control(&ack());
    engine.on_spurious_loss();
    assert_eq!(engine.state, State::ProbeRefill);
    assert_eq!(engine.long_term.limit, Bytes::MAX);
    assert_eq!(engine.cwnd, Bytes::new(100_000));
}

#[test]
fn after_a_timeout_one_packet_more_than_is_in_flight() {
    let mut engine = knowing(State::ProbeCruise);
    engine.cwnd = Bytes::new(80_000);
    engine.on_timeout(Time::from_millis(100));
    assert_eq!(engine.cwnd, engine.mss);
    engine.restore_cwnd();
    assert_eq!(engine.cwnd, Bytes::new(80_000));
}

/// Stays of twenty seconds alone on the link, with room for two bandwidth-delay
/// products.
fn alone() -> (IdealLink, Vec<Stay>) {
    let mut link = link(85);
    let flow = link.add(bbr3());
    let seen = stays(&mut link, flow, secs(20), "state");
    (link, seen)
}

#[test]
fn goes_through_its_states_in_order() {
    let (_, stays) = alone();
    assert_eq!((stays[0].state, stays[1].state), (STARTUP, DRAIN));
    // 10 packets in the first round, doubled every round; 43 fill the pipe.
    // The plateau takes three more.
    assert!(
        stays[0].ms < 600 && stays[0].rounds <= 9.0,
        "{:?}",
        stays[0]
    );
    assert!(stays[1].rounds <= 4.0, "{:?}", stays[1]);
    for pair in stays.windows(2).skip(1) {
        let next = pair[1].state;
        let expected: &[u32] = match pair[0].state {
            // From Drain and ProbeRTT through DOWN at once.
            DRAIN | PROBE_RTT => &[CRUISE, DOWN],
            DOWN => &[CRUISE, PROBE_RTT],
            CRUISE => &[REFILL, PROBE_RTT],
            REFILL => &[UP],
            UP => &[DOWN],
            state => panic!("{state}"),
        };
        assert!(expected.contains(&next), "{pair:?}");
    }
    for stay in &stays[..stays.len() - 1] {
        match stay.state {
            REFILL => assert_eq!(stay.rounds, 1.0, "{stay:?}"),
            UP => assert_eq!(stay.rounds, 3.0, "{stay:?}"),
            _ => {}
        }
    }
}

#[test]
fn probes_for_bandwidth_every_43_rounds_and_for_delay_every_five_seconds() {
    let (_, stays) = alone();
    // 51.2 kB are 43 packets, the count begins at 0 or 1.
    let ups: Vec<&Stay> = stays.iter().filter(|stay| stay.state == UP).collect();
    assert!(ups.len() >= 7, "{ups:?}");
    let probes: Vec<&Stay> = stays.iter().filter(|s| s.state == PROBE_RTT).collect();
    assert_eq!(probes.len(), 3);
    assert!((5_000..5_100).contains(&probes[0].from_ms), "{probes:?}");
    for pair in probes.windows(2) {
        let end = pair[0].from_ms + pair[0].ms;
        assert!((5_000..5_100).contains(&(pair[1].from_ms - end)));
    }
    for probe in probes {
        // 200 ms after the flight has halved, which takes half a round trip.
        assert!((200..200 + 2 * 41).contains(&probe.ms), "{probe:?}");
    }
}

#[test]
fn rounds_between_probes_count_packets_or_seconds_run_out() {
    let waits = |rtt: u64, seed| {
        let room = Bytes::new(1_000_000);
        let mut link = IdealLink::new(RATE, Span::from_millis(rtt), room);
        let config = Bbr3 {
            mss: PACKET,
            probe_rtt_interval: secs(1_000),
            ..Bbr3::default()
        };
        let flow = link.add(build_seeded(&config, seed).unwrap());
        let stays = stays(&mut link, flow, secs(25), "state");
        let spans = stays
            .windows(3)
            .filter(|s| s[0].state == DOWN && s[2].state == REFILL);
        let waits: Vec<(f64, u64)> = spans
            .map(|s| {
                // Rounds go by between two looks too.
                let rounds = s[0].rounds + s[1].rounds;
                (rounds, s[2].from_ms - s[0].from_ms)
            })
            .collect();
        waits
    };
    let short: Vec<_> = (0..3).flat_map(|seed| waits(40, seed)).collect();
    assert!(short.len() > 20);
    for (rounds, ms) in &short {
        assert!(
            (39.0..=43.0).contains(rounds) && *ms < 2_000,
            "{rounds} {ms}"
        );
    }
    let long: Vec<u64> = (0..3)
        .flat_map(|seed| waits(200, seed))
        .map(|w| w.1)
        .collect();
    // Two to three seconds, and the ACK after it.
    assert!(
        long.iter().all(|ms| (2_000..3_010).contains(ms)),
        "{long:?}"
    );
    let spread = long.iter().max().unwrap() - long.iter().min().unwrap();
    assert!(spread > 300, "drawn at random: {long:?}");
}

#[test]
fn knows_the_link_and_leaves_the_queue_empty_while_it_cruises() {
    let mut link = link(85);
    let flow = link.add(bbr3());
    link.run(secs(1));
    let mut cruised = Vec::new();
    watch(&mut link, flow, secs(19), |now, controller| {
        let bandwidth = value(controller, "max_bw_bps") / RATE.as_bps_f64();
        assert!((bandwidth - 1.0).abs() < 0.01, "{bandwidth} at {now:?}");
        assert_eq!(value(controller, "min_rtt_ms"), LEAST_RTT_MS);
        match value(controller, "state") as u32 {
            PROBE_RTT => assert_eq!(value(controller, "cwnd_bytes"), 25_600.0),
            CRUISE => cruised.push(now),
            _ => {}
        }
    });
    assert!(cruised.len() > 10_000, "most of the time");
    assert_eq!(link.wait_percentile(secs(19), 0.5), Span::ZERO);
    assert_eq!(loss_ratio(&link, flow, 190), 0.0);
    assert!(link.throughput(flow, secs(19)) > Bitrate::from_kbps(9_600));
}

#[test]
fn keeps_clear_of_a_shallow_buffer() {
    // A tenth of the bandwidth-delay product.
    let mut link = link(5);
    let flow = link.add(bbr3());
    link.run(secs(3));
    let mut bounded = 0;
    watch(&mut link, flow, secs(17), |_, controller| {
        let limit = value(controller, "inflight_longterm_bytes");
        if value(controller, "state") as u32 == CRUISE && limit.is_finite() {
            let most = limit - (0.15 * limit).max(1_200.0) + 1.0;
            assert!(value(controller, "cwnd_bytes") <= most.max(4_800.0));
            bounded += 1;
        }
    });
    assert!(bounded > 5_000, "{bounded}");
    assert!(loss_ratio(&link, flow, 170) < 0.02);
    assert!(link.throughput(flow, secs(17)) > Bitrate::from_kbps(7_500));
}

#[test]
fn startup_ends_by_loss_when_the_application_is_the_limit() {
    let mut link = link(0);
    link.set_buffer(times(PACKET, 2));
    let flow = link.add_limited(bbr3(), Bitrate::from_mbps(13));
    let stays = stays(&mut link, flow, secs(3), "state");
    assert_eq!(
        (stays[0].state, stays[1].state),
        (STARTUP, DRAIN),
        "{stays:?}"
    );
    assert!(value(link.controller(flow), "inflight_longterm_bytes").is_finite());
}

#[test]
fn a_flow_limited_from_birth_learns_its_own_rate_and_keeps_a_small_window() {
    let mut link = link(85);
    let offered = Bitrate::from_mbps(1);
    let flow = link.add_limited(bbr3(), offered);
    link.run(secs(600));
    let controller = link.controller(flow);
    let bandwidth = value(controller, "max_bw_bps");
    // A packet within a round trip more than the mean.
    assert!((1e6..1.3e6).contains(&bandwidth), "{bandwidth}");
    assert_eq!(value(controller, "full_bw_reached"), 0.0);
    let wanted = value(controller, "max_inflight_bytes");
    assert!(value(controller, "cwnd_bytes") <= 3.0 * wanted);
    assert_eq!(link.throughput(flow, secs(60)), offered);
}

#[test]
fn an_idle_flow_skips_probe_rtt_and_restarts_at_its_bandwidth() {
    let mut link = link(85);
    let flow = link.add(bbr3());
    link.run(secs(4));
    // A packet in a second: the pipe is empty before each.
    link.set_application(flow, Some(Bitrate::from_bps(9_600)));
    let seen = stays(&mut link, flow, secs(20), "state");
    assert!(seen.iter().all(|stay| stay.state != PROBE_RTT), "{seen:?}");
    assert!(value(link.controller(flow), "max_bw_bps") > 9.9e6);
    link.set_application(flow, None);
    assert!(time_to_reach(&mut link, flow, RATE) <= 700);
}

#[test]
fn recovers_from_an_outage() {
    let mut link = link(85);
    let flow = link.add(bbr3());
    link.run(secs(8));
    link.set_buffer(Bytes::ZERO);
    link.run(secs(5));
    link.set_buffer(times(PACKET, 85));
    let took = time_to_reach(&mut link, flow, RATE);
    // The next timeout, half a second of measuring and a few round trips.
    assert!(took <= 3_000, "{took} ms");
}

#[test]
fn follows_a_rate_that_falls_and_rises_tenfold() {
    let mut link = link(17);
    let flow = link.add(bbr3());
    link.run(secs(8));
    let slow = Bitrate::from_mbps(1);
    link.set_rate(slow);
    link.run(secs(40));
    let known = value(link.controller(flow), "max_bw_bps") / slow.as_bps_f64();
    assert!((known - 1.0).abs() < 0.05, "{known}");
    assert!(utilisation(&link, flow, slow) > 0.85);
    link.set_rate(RATE);
    let took = time_to_reach(&mut link, flow, RATE);
    assert!(took <= 20_000, "{took} ms");
}

#[test]
fn two_flows_share() {
    let mut link = link(85);
    let first = link.add(bbr3());
    link.run(secs(5));
    let second = link.add(bbr3());
    link.run(secs(60));
    let (a, b) = (
        link.throughput(first, secs(30)),
        link.throughput(second, secs(30)),
    );
    let share = a.as_bps_f64() / (a + b).as_bps_f64();
    assert!((0.35..0.65).contains(&share), "{a} {b}");
    assert!(a + b > Bitrate::from_kbps(9_300));
}

#[test]
fn another_route_is_learnt_anew() {
    let mut controller = bbr3();
    controller.on_event(Time::ZERO, &CcEvent::Mtu(Bytes::new(1_400)));
    controller.on_event(Time::ZERO, &CcEvent::RouteChange);
    let output = controller.output();
    assert_eq!(output.cwnd, Some(Bytes::new(14_000)));
    assert_eq!(output.target, None);
}

#[test]
fn nonsense_is_refused() {
    let field = |change: fn(&mut Bbr3)| {
        let mut config = Bbr3::default();
        change(&mut config);
        config.validate().unwrap_err().field.unwrap()
    };
    assert_eq!(field(|c| c.mss = Bytes::ZERO), "mss");
    assert_eq!(field(|c| c.beta = f64::NAN), "beta");
    assert_eq!(field(|c| c.headroom = 1.0), "headroom");
    assert_eq!(
        field(|c| c.probe_up_pacing_gain = 0.9),
        "probe_up_pacing_gain"
    );
    assert_eq!(field(|c| c.full_bw_rounds = 0), "full_bw_rounds");
    assert!(Bbr3::default().validate().is_ok());
}
