//! Messages: closed forms under independent loss, and the laws of delivery.

use std::collections::BTreeSet;

use weaknet_core::{Event, Span, Time};

use super::support::{events, metric, outcome};

/// A flow of 100 B over 20 ms each way that loses a share of its packets, for 65
/// s, of which 60 s are judged.
fn flow(loss: &str, every: &str, rest: &str) -> String {
    format!(
        "
duration: 65s
seeds: [1]
network:
  forward: {{delay: 20ms, loss: {loss}}}
  backward: {{delay: 20ms}}
flows:
  - {{name: m, messages: {{size: 100B, every: {every}, times: fixed, ordered: false, {rest}}}}}
"
    )
}

/// Four standard errors of a share `p` of `n`.
fn error(p: f64, n: f64) -> f64 {
    4.0 * (p * (1.0 - p) / n).sqrt()
}

/// The delivery ratio with `p` lost.
fn delivered(p: f64, rest: &str) -> f64 {
    let text = flow(&format!("{}%", p * 100.0), "10ms", rest);
    metric(&outcome(&text), "m", "delivery_ratio")
}

#[test]
fn without_repair_what_is_lost_is_lost() {
    for p in [0.05, 0.2, 0.5] {
        let ratio = delivered(p, "reliability: unreliable");
        assert!(
            (ratio - (1.0 - p)).abs() <= error(p, 6_000.0),
            "{p}: {ratio}"
        );
    }
}

#[test]
fn copies_are_lost_independently() {
    for (copies, p) in [(2, 0.2_f64), (3, 0.2), (2, 0.5), (4, 0.5)] {
        let rest = format!("reliability: unreliable, copies: {copies}, spacing: 3ms");
        let (ratio, lost) = (delivered(p, &rest), p.powi(copies));
        assert!(
            (ratio - (1.0 - lost)).abs() <= error(lost, 6_000.0),
            "{copies} {p}: {ratio}"
        );
    }
}

#[test]
fn each_packet_carries_the_last_messages_again() {
    for (again, p) in [(1, 0.2_f64), (2, 0.2), (3, 0.5)] {
        let rest = format!("reliability: unreliable, redundancy: {again}");
        let (ratio, lost) = (delivered(p, &rest), p.powi(again + 1));
        // The same lost packet makes neighbours share their fate.
        let error = error(lost, 6_000.0 / f64::from(again + 1));
        assert!(
            (ratio - (1.0 - lost)).abs() <= error,
            "{again} {p}: {ratio}"
        );
    }
}

#[test]
fn so_many_retransmissions_as_allowed() {
    for (most, p) in [(0, 0.3_f64), (1, 0.3), (2, 0.5)] {
        let rest = format!("reliability: {{max_retransmits: {most}}}");
        let (ratio, lost) = (delivered(p, &rest), p.powi(most + 1));
        // A probe is a retransmission that nobody counts.
        let error = error(lost, 6_000.0);
        assert!((ratio - (1.0 - lost)).abs() <= error, "{most} {p}: {ratio}");
    }
}

#[test]
fn reliable_messages_all_arrive_after_a_geometric_number_of_tries() {
    let p = 0.2;
    let text = flow("20%", "20ms", "reliability: reliable, deadline: 21ms");
    let run = outcome(&text);
    let metric = |name| metric(&run, "m", name);
    assert_eq!(metric("delivery_ratio"), 1.0);
    // What is not lost takes 20 ms.
    let first = metric("message_on_time_ratio");
    assert!((first - (1.0 - p)).abs() <= error(p, 3_000.0), "{first}");
    assert_eq!(metric("message_delay_p50_ms"), 20.0);
    // A loss is known with the acknowledgement of the next packet that comes, 9/8
    // of the round trip of 40 ms or later: the first of 20, 40, .. ms and 40 ms
    // more. 80 % of packets come, so that a try takes 60 ms and 5 ms on average.
    // Of all messages 20 % take two tries or more, 4 % three, 0.8 % four.
    let p95 = metric("message_delay_p95_ms");
    assert!((80.0..=120.0).contains(&p95), "{p95}");
    let p99 = metric("message_delay_p99_ms");
    assert!((140.0..=220.0).contains(&p99), "{p99}");
}

#[test]
fn a_lone_message_is_probed_for() {
    // One message each 2 s: nothing behind it tells that it is lost.
    let text = flow("30%", "2s", "reliability: reliable");
    let run = outcome(&text);
    assert_eq!(metric(&run, "m", "delivery_ratio"), 1.0);
    // Smoothed round trip and four mean deviations, 40 ms once that is steady,
    // and the way; twice that for the second probe.
    let max = metric(&run, "m", "message_delay_max_ms");
    assert!(max >= 60.0, "{max}");
    let p50 = metric(&run, "m", "message_delay_p50_ms");
    assert_eq!(p50, 20.0);
}

/// Message numbers in order of delivery, and their delays.
fn deliveries(text: &str) -> Vec<(u64, Span)> {
    let delivered = |(at, event): (Time, Event)| match event {
        Event::MessageDelivered { message, given, .. } => Some((message, at.since(given))),
        _ => None,
    };
    events(text).into_iter().filter_map(delivered).collect()
}

/// A link that loses, repeats and reorders.
fn weather(rest: &str) -> String {
    format!(
        "
duration: 30s
seeds: [3]
network:
  forward:
    delay: {{uniform: {{min: 10ms, max: 60ms, reorder: allowed}}}}
    loss: {{gilbert_elliott: {{average: 20%, burst: 4}}}}
    duplicate: 10%
  backward: {{delay: 20ms, loss: 20%}}
flows:
  - {{name: m, stop: 20s, messages: {{size: 100B, every: 10ms, times: fixed, {rest}}}}}
"
    )
}

#[test]
fn reliable_means_each_once() {
    for ordered in [false, true] {
        let text = weather(&format!("reliability: reliable, ordered: {ordered}"));
        let numbers: Vec<u64> = deliveries(&text).iter().map(|(n, _)| *n).collect();
        let once: BTreeSet<u64> = numbers.iter().copied().collect();
        assert_eq!(once.len(), numbers.len(), "twice");
        // But for what is under way when the sender falls silent.
        assert!(numbers.len() >= 1_900, "{}", numbers.len());
        assert!((0..1_900).all(|n| once.contains(&n)));
        assert_eq!(numbers.is_sorted(), ordered);
    }
}

#[test]
fn nothing_overtakes_in_order_and_given_up_messages_hold_up_nothing() {
    for reliability in [
        "unreliable",
        "{max_retransmits: 1}",
        "{max_lifetime: 100ms}",
    ] {
        let text = weather(&format!("reliability: {reliability}, ordered: true"));
        let numbers: Vec<u64> = deliveries(&text).iter().map(|(n, _)| *n).collect();
        assert!(numbers.windows(2).all(|w| w[0] < w[1]), "{reliability}");
        assert!(numbers.len() > 1_400, "{reliability}: {}", numbers.len());
    }
}

#[test]
fn the_newest_wins() {
    let numbers = deliveries(&weather("reliability: newest_wins"));
    assert!(numbers.windows(2).all(|w| w[0].0 < w[1].0));
    assert!(numbers.len() > 700, "{}", numbers.len());
}

#[test]
fn nothing_is_sent_after_its_lifetime() {
    let all = deliveries(&weather(
        "reliability: {max_lifetime: 100ms}, ordered: false",
    ));
    let longest = all.iter().map(|(_, delay)| *delay).max().unwrap();
    // The way takes 60 ms at most.
    assert!(longest < Span::from_millis(160), "{longest}");
    assert!(longest > Span::from_millis(100), "{longest}");
}

#[test]
fn a_controller_keeps_messages_out_of_a_full_queue() {
    // 800 kbit/s of messages and headers over 400 kbit/s.
    let text = |controller: &str| {
        format!(
            "
duration: 20s
seeds: [1]
network:
  forward: {{rate: 400kbps, delay: 20ms, queue: {{drop_tail: {{limit: 500ms}}}}}}
  backward: {{delay: 20ms}}
flows:
  - name: m
    messages: {{size: 900B, every: 10ms, times: fixed, reliability: newest_wins, deadline: 200ms}}
{controller}
"
        )
    };
    let [free, kept] = ["", "    congestion_control: ledbat"].map(|text_of| {
        let run = outcome(&text(text_of));
        [
            "message_on_time_ratio",
            "message_delay_p95_ms",
            "one_way_delay_p95_ms",
        ]
        .map(|name| metric(&run, "m", name))
    });
    assert!(free[1] > 500.0, "the queue is full: {free:?}");
    assert!(kept[1] < 200.0 && kept[0] > 0.4, "{kept:?}");
    assert!(free[0] < 0.1, "{free:?}");
}

#[test]
fn a_flow_of_messages_goes_ahead_in_a_priority_queue() {
    let text = |queue: &str| {
        format!(
            "
duration: 20s
seeds: [1]
network:
  forward: {{rate: 2Mbps, delay: 20ms, queue: {queue}}}
  backward: {{delay: 20ms}}
flows:
  - {{name: m, messages: {{profile: remote_control}}}}
  - {{name: download, bulk: {{}}}}
"
        )
    };
    let p95 = |queue| metric(&outcome(&text(queue)), "m", "message_delay_p95_ms");
    let (behind, ahead) = (p95("drop_tail"), p95("priority"));
    // At most one packet of 1500 B, 6 ms, is being sent already.
    assert!(
        ahead < 20.0 + 6.0 + 2.0 && behind > 100.0,
        "{ahead} {behind}"
    );
}
