//! Rates and times that can be computed by hand.

use weaknet_core::packet::Leg;
use weaknet_core::{Event, Span, Time};

use super::support::{events, metric, outcome};

#[test]
fn a_window_makes_a_rate() {
    // 20 packets per 100 ms: 2.4 Mbit/s of IP, 1448/1500 of it useful. A packet
    // more or less at the ends of the window of 10 s.
    let outcome = outcome(
        "
duration: 20s
measure: {from: 10s}
network: {forward: {delay: 50ms}, backward: {delay: 50ms}}
flows:
  - {name: flow, bulk: {receive_window: 28960B, pacing_gain: 0}, congestion_control: textbook}
",
    );
    let want = 20.0 * 1_448.0 * 8.0 / 100.0;
    let found = metric(&outcome, "flow", "goodput_kbps");
    assert!(
        (found - want).abs() < 1_448.0 * 20.0 * 8e-3 / 10.0,
        "{found} {want}"
    );
    assert_eq!(metric(&outcome, "flow", "rtx_overhead_ratio"), 0.0);
    let rtt = metric(&outcome, "flow", "rtt_p50_ms");
    assert!((rtt - 100.0).abs() < 1e-6, "{rtt}");
}

#[test]
fn periodic_losses_give_the_rate_of_mathis() {
    // Mathis et al. 1997: one loss in every 1/p packets makes a sawtooth between
    // W/2 and W, so that 1/p = W/2 * 3/4 W and the rate is sqrt(3/2 / p) packets
    // per round trip. Two things take from that here: only whole packets are in
    // flight, half a one less on average; and the window rests after a loss until
    // a packet sent after it is acknowledged, half a round trip (in which the
    // flight drains) and one more. With these, in round trips and packets:
    // 1/p = W/2 (3/4 W - 1/2) + 3/2 (W/2 - 1/2) in W/2 + 3/2.
    let outcome = outcome(
        "
duration: 600s
measure: {from: 60s}
network:
  forward: {delay: 50ms, loss: {periodic: {every: 1000, offset: 500}}}
  backward: {delay: 50ms}
flows:
  - {name: flow, bulk: {ack_every: 1}, congestion_control: {textbook: {threshold: 30}}}
",
    );
    let peak = (-0.5 + (0.25f64 + 4.0 * 0.375 * 1_000.75).sqrt()) / 0.75;
    let want = 1_000.0 / (peak / 2.0 + 1.5) * 1_500.0 * 8.0 / 100.0;
    let ideal = 1_500.0f64.sqrt() * 1_500.0 * 8.0 / 100.0;
    let found = metric(&outcome, "flow", "send_rate_kbps");
    // Where the loss falls within its round trip is left: half of one in 27.
    assert!((found / want - 1.0).abs() < 0.02, "{found} {want}");
    assert!((0.93..1.0).contains(&(found / ideal)), "{found} {ideal}");
    let again = metric(&outcome, "flow", "rtx_overhead_ratio");
    assert!(
        (again * 999.0 - 1.0).abs() < 0.02,
        "one packet in 1000: {again}"
    );
}

#[test]
fn a_short_transfer_takes_its_rounds() {
    // 40 000 B are 28 packets: 10 at once, the other 18 when these are
    // acknowledged after 50 ms, which doubles the window. Half a round trip
    // later they are there.
    let text = |bulk: &str| {
        format!(
            "
duration: 10s
network: {{forward: {{delay: 25ms}}, backward: {{delay: 25ms}}}}
flows:
  - {{name: flow, bulk: {{size: 40kB, pacing_gain: 0{bulk}}}, congestion_control: textbook}}
"
        )
    };
    let one = outcome(&text(""));
    assert_eq!(metric(&one, "flow", "transfers_finished"), 1.0);
    assert_eq!(metric(&one, "flow", "transfer_time_p50_ms"), 75.0);
    // An idle second follows the acknowledgement after 100 ms: transfers begin
    // at 0, 1.1, 2.2 s and so on to 9.9 s; the last ends at 9.975 s.
    let many = ", idle: 1s, idle_times: fixed";
    let new = outcome(&text(many));
    assert_eq!(metric(&new, "flow", "transfers_finished"), 10.0);
    assert_eq!(metric(&new, "flow", "transfer_time_p95_ms"), 75.0);
    // On one connection the window of 38 packets is there from the second on.
    let kept = outcome(&text(&format!("{many}, connections: kept")));
    assert_eq!(metric(&kept, "flow", "transfer_time_p50_ms"), 25.0);
    assert!(metric(&kept, "flow", "transfer_time_p95_ms") > 25.0);
}

#[test]
fn every_second_packet_is_acknowledged() {
    let text = |every| {
        format!(
            "
duration: 10s
network: {{forward: {{rate: 10Mbps, delay: 20ms}}, backward: {{delay: 20ms}}}}
flows:
  - {{name: flow, bulk: {{receive_window: 100kB, ack_every: {every}}}, congestion_control: textbook}}
"
        )
    };
    for every in [1, 2, 4] {
        let (mut data, mut acks) = (0, 0);
        for (_, event) in events(&text(every)) {
            match event {
                Event::Received { packet, .. } if packet.leg == Leg::Outward => data += 1,
                Event::Sent { packet, .. } if packet.leg == Leg::Return => acks += 1,
                _ => {}
            }
        }
        assert!(data > 6_000, "{data}");
        // The window fills by pacing; a timer may fire while it is small.
        assert!(
            (data / every..=data / every + 10).contains(&acks),
            "{every}: {data} {acks}"
        );
    }
}

#[test]
fn pacing_spreads_a_window_over_its_round_trip() {
    // Pacing at 1.25 * window / round trip: of packets in a row, only the burst
    // leaves at once.
    let sent: Vec<Time> = events(
        "
duration: 5s
network: {forward: {delay: 50ms}, backward: {delay: 50ms}}
flows:
  - {name: flow, bulk: {receive_window: 72400B, burst: 1}, congestion_control: {textbook: {initial: 50, threshold: 1}}}
",
    )
    .into_iter()
    .filter_map(|(at, event)| match event {
        Event::Sent { packet, .. } if packet.leg == Leg::Outward => Some(at),
        _ => None,
    })
    .filter(|at| *at > Time::from_secs(2))
    .collect();
    let gaps = sent.windows(2).map(|pair| pair[1].since(pair[0]));
    // The window grows for ever although the receiver's does not: the rate of
    // the first seconds is 50 to 100 packets per 80 ms.
    assert!(gaps.clone().min().unwrap() >= Span::from_micros(800));
    assert!(sent.len() > 1_400, "{}", sent.len());
}

#[test]
fn two_flows_share_a_link_alike() {
    let outcome = outcome(
        "
duration: 180s
seeds: [1]
measure: {from: 60s}
network:
  forward: {rate: 10Mbps, delay: 20ms, queue: {drop_tail: {limit: 100kB}}}
  backward: {delay: 20ms}
flows:
  - {name: one, bulk: {}, congestion_control: textbook}
  - {name: two, start: 5s, bulk: {}, congestion_control: textbook}
",
    );
    let rate = |flow| metric(&outcome, flow, "goodput_kbps");
    let (one, two) = (rate("one"), rate("two"));
    // Additive increase and multiplicative decrease meet at equal rates (Chiu,
    // Jain 1989); 120 s hold about 30 teeth, of which each flow's mean is within
    // a tenth.
    assert!((one / two).max(two / one) < 1.2, "{one} {two}");
    let used = metric(&outcome, "forward", "utilisation");
    assert!(used > 0.97, "{used}");
    // All that is useful is what crosses the link, less headers.
    assert!(one + two < 10_000.0 * 1_448.0 / 1_500.0);
}

#[test]
fn marks_take_the_place_of_losses() {
    let text = |field: &str| {
        format!(
            "
duration: 60s
measure: {{from: 10s}}
network:
  forward: {{rate: 10Mbps, delay: 20ms, ecn: {field}, queue: {{codel: {{ecn: true}}}}}}
  backward: {{delay: 20ms}}
flows:
  - {{name: flow, bulk: {{}}, congestion_control: {{textbook: {{ecn: true}}}}}}
"
        )
    };
    let marks = |text: &str| {
        let events = events(text);
        let marked = |event: &&(Time, Event)| matches!(event.1, Event::LinkMark { .. });
        events.iter().filter(marked).count()
    };
    let (passed, bleached) = (text("pass"), text("bleach"));
    assert!(marks(&passed) > 20);
    let clean = outcome(&passed);
    assert_eq!(metric(&clean, "flow", "loss_ratio"), 0.0);
    assert!(metric(&clean, "flow", "queue_delay_p95_ms") < 40.0);
    // Without any queue the sawtooth would fill three quarters.
    assert!(metric(&clean, "flow", "utilisation") > 0.75);
    // Where the field is erased nothing is marked, and losses tell again.
    assert_eq!(marks(&bleached), 0);
    let lossy = outcome(&bleached);
    assert!(metric(&lossy, "flow", "loss_ratio") > 0.0);
    assert!(metric(&lossy, "flow", "utilisation") > 0.75);
}
