//! The whole controller: numbers by hand, and over a link that knows no chance.

use weaknet_core::{Bitrate, Bytes, Span, Streams, Time};

use super::Bbr1;
use super::engine::{Engine, State};
use crate::cc::bbr::testing::{
    LEAST_RTT_MS, RATE, RTT, link, loss_ratio, secs, stays, time_to_reach, utilisation, watch,
};
use crate::cc::bbr::{Ack, times};
use crate::cc::testing::build;
use crate::cc::{CcEvent, CongestionController};
use crate::conformance::{Fate, PACKET, Script, value};
use crate::transport::RateSample;

const STARTUP: u32 = State::Startup as u32;
const DRAIN: u32 = State::Drain as u32;
const PROBE_BW: u32 = State::ProbeBw as u32;
const PROBE_RTT: u32 = State::ProbeRtt as u32;

/// For the packets of the ideal link.
fn bbr1() -> Box<dyn CongestionController> {
    let config = Bbr1 {
        mss: PACKET,
        ..Bbr1::default()
    };
    build(&config).unwrap()
}

/// An engine that knows 10 Mbit/s and 40 ms, in a state.
fn knowing(state: State) -> Engine {
    let random = Streams::new(1).sequence("call", "cycle start");
    let mut engine = Engine::new(&Bbr1::default(), random);
    engine.bandwidth = RATE;
    engine.min_rtt = Some(RTT);
    engine.pacing.on_rtt(secs(1));
    engine.state = state;
    if state != State::Startup {
        engine.full_pipe.set_full();
    }
    engine.update_control(&ack(0));
    engine
}

/// An ACK of so many bytes.
fn ack(acked: u64) -> Ack {
    Ack {
        now: Time::from_millis(100),
        acked: Bytes::new(acked),
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
    for (state, kbps, target) in [
        // 2.8854 * 50,000 and three quanta of 3606 whole bytes.
        (State::Startup, 28_854, 144_270 + 3 * 3_606),
        (State::Drain, 3_466, 144_270 + 3 * 3_000),
        (State::ProbeBw, 12_500, 109_000),
        (State::ProbeRtt, 10_000, 59_000),
    ] {
        let mut engine = knowing(state);
        let pacing = engine.pacing.rate().as_kbps_f64();
        assert_eq!(libm::round(pacing) as u64, kbps, "{state:?}");
        let (target, gain) = (Bytes::new(target), engine.cwnd_gain());
        assert_eq!(engine.inflight(gain), target, "{state:?}");
        (0..200).for_each(|_| engine.update_control(&ack(1_500)));
        let window = engine.cwnd.get();
        match state {
            // Nothing was delivered yet that would bound it.
            State::Startup => assert_eq!(window, 14_600 + 201 * 1_500 - 1_500),
            State::ProbeRtt => assert_eq!(window, 6_000),
            _ => assert_eq!(window, target.get()),
        }
    }
    assert_eq!(knowing(State::Drain).inflight(1.0), Bytes::new(59_000));
    let quantum = |bandwidth| {
        let mut engine = knowing(State::ProbeRtt);
        engine.bandwidth = bandwidth;
        engine.update_control(&ack(0));
        engine.quantum.get()
    };
    assert_eq!(quantum(Bitrate::from_kbps(1_199)), 1_500);
    assert_eq!(quantum(Bitrate::from_kbps(1_200)), 3_000);
    assert_eq!(quantum(Bitrate::from_mbps(24)), 3_000);
    assert_eq!(quantum(Bitrate::from_mbps(80)), 10_000);
    assert_eq!(quantum(Bitrate::from_mbps(1_000)), 65_536);
}

#[test]
fn recovery_conserves_packets_for_a_round_and_gives_the_window_back() {
    let mut script = Script::new(bbr1());
    let at = Time::from_millis;
    script.send(at(0), 10);
    let window = script.value("cwnd_bytes");
    script.ack_each(at(40), 0..1);
    script.report(at(41), [1], Fate::Lost);
    script.report(at(41), [2], Fate::Received);
    // Seven in flight and the one that was delivered; the loss was told with
    // nothing delivered, which counts as one packet.
    assert_eq!(script.value("packet_conservation"), 1.0);
    assert_eq!(script.value("cwnd_bytes"), 9.0 * 1_200.0);
    script.send_window(at(42));
    script.report(at(43), [3], Fate::Received);
    assert_eq!(script.value("packet_conservation"), 1.0);
    script.report(at(83), [10], Fate::Received);
    assert_eq!(script.value("packet_conservation"), 0.0);
    assert_eq!(script.value("in_recovery"), 0.0);
    assert!(script.value("cwnd_bytes") >= window);
    script.event(at(2_000), CcEvent::RetransmissionTimeout);
    assert_eq!(script.value("cwnd_bytes"), 1_200.0);
}

#[test]
fn goes_through_its_states_in_order() {
    let mut link = link(150);
    let flow = link.add(bbr1());
    let stays = stays(&mut link, flow, secs(32), "state");
    let states: Vec<u32> = stays.iter().map(|stay| stay.state).collect();
    let probes = [PROBE_BW, PROBE_RTT, PROBE_BW, PROBE_RTT, PROBE_BW];
    assert_eq!(states[..2], [STARTUP, DRAIN]);
    assert_eq!(states[2..7], probes);
    assert!(
        stays[0].ms < 700 && stays[0].rounds <= 9.0,
        "{:?}",
        stays[0]
    );
    // Ten seconds after the last packet that met an empty queue.
    assert!((10_000..11_000).contains(&stays[3].from_ms), "{stays:?}");
    for probe in stays.iter().filter(|stay| stay.state == PROBE_RTT).take(2) {
        // The flight of 50 kB needs a round trip to shrink to four packets.
        assert!((200..200 + 2 * 41).contains(&probe.ms), "{probe:?}");
    }
}

#[test]
fn cycles_through_eight_phases() {
    let mut link = link(150);
    let flow = link.add(bbr1());
    link.run(secs(2));
    let phases = stays(&mut link, flow, secs(8), "cycle_phase");
    for pair in phases.windows(2) {
        assert_eq!(pair[1].state, (pair[0].state + 1) % 8);
    }
    for phase in &phases[1..phases.len() - 1] {
        // Longer than the shortest round trip, seen to the millisecond.
        assert!((40..60).contains(&phase.ms), "{phase:?}");
    }
    assert!(phases.len() >= 8_000 / 45, "{}", phases.len());
}

#[test]
fn knows_the_link() {
    let mut link = link(150);
    let flow = link.add(bbr1());
    link.run(secs(1));
    watch(&mut link, flow, secs(21), |now, controller| {
        let bandwidth = value(controller, "bw_bps") / RATE.as_bps_f64();
        assert!((bandwidth - 1.0).abs() < 0.01, "{bandwidth} at {now:?}");
        if value(controller, "state") as u32 == PROBE_RTT {
            assert_eq!(value(controller, "cwnd_bytes"), 4_800.0);
        } else {
            assert_eq!(value(controller, "min_rtt_ms"), LEAST_RTT_MS);
        }
        let gain = value(controller, "pacing_gain");
        assert!([1.25, 0.75, 1.0].contains(&gain));
    });
    // The probe's queue of a quarter of a round trip and then some stays.
    assert!(link.wait_percentile(secs(20), 0.5) < Span::from_millis(12));
    assert_eq!(loss_ratio(&link, flow, 200), 0.0);
    assert!(link.throughput(flow, secs(21)) > Bitrate::from_kbps(9_600));
}

#[test]
fn is_deaf_to_the_losses_of_a_shallow_buffer() {
    let mut link = link(5);
    let flow = link.add(bbr1());
    link.run(secs(20));
    assert!(loss_ratio(&link, flow, 170) > 0.02);
    assert!(utilisation(&link, flow, RATE) > 0.9);
}

#[test]
fn a_flow_limited_from_birth_learns_its_own_rate_and_keeps_a_small_window() {
    let mut link = link(85);
    let offered = Bitrate::from_mbps(1);
    let flow = link.add_limited(bbr1(), offered);
    link.run(secs(600));
    let controller = link.controller(flow);
    let bandwidth = value(controller, "bw_bps");
    // A packet within a round trip more than the mean.
    assert!((1e6..1.3e6).contains(&bandwidth), "{bandwidth}");
    assert_eq!(value(controller, "full_bw_reached"), 0.0);
    let wanted = value(controller, "target_cwnd_bytes");
    assert!(value(controller, "cwnd_bytes") <= 3.0 * wanted);
    assert_eq!(link.throughput(flow, secs(60)), offered);
}

#[test]
fn recovers_from_an_outage() {
    let mut link = link(85);
    let flow = link.add(bbr1());
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
    let flow = link.add(bbr1());
    link.run(secs(8));
    let slow = Bitrate::from_mbps(1);
    link.set_rate(slow);
    link.run(secs(20));
    let known = value(link.controller(flow), "bw_bps") / slow.as_bps_f64();
    assert!((known - 1.0).abs() < 0.05, "{known}");
    assert!(utilisation(&link, flow, slow) > 0.85);
    link.set_rate(RATE);
    let took = time_to_reach(&mut link, flow, RATE);
    // A quarter more every round trip, for the phase that probes lasts until
    // the flight has grown by as much: ln 10 / ln 1.25 = 10.3 round trips at
    // least, and half a second of measuring.
    assert!((900..2_000).contains(&took), "{took} ms");
}

#[test]
fn nonsense_is_refused() {
    let field = |change: fn(&mut Bbr1)| {
        let mut config = Bbr1::default();
        change(&mut config);
        config.validate().unwrap_err().field.unwrap()
    };
    assert_eq!(field(|c| c.mss = Bytes::ZERO), "mss");
    assert_eq!(field(|c| c.high_gain = f64::NAN), "high_gain");
    assert_eq!(field(|c| c.drain_gain = 0.0), "drain_gain");
    assert_eq!(field(|c| c.bandwidth_rounds = 0), "bandwidth_rounds");
    assert!(Bbr1::default().validate().is_ok());
}
