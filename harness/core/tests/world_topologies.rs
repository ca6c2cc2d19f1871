//! Worlds with several bottlenecks, several paths and cross traffic, from
//! scenario text to scores.

#[path = "support/plan.rs"]
mod plan;

use std::collections::{BTreeMap, BTreeSet};

use weaknet_harness::registry::Registry;
use weaknet_harness::runner::run_case;

use plan::plan;

/// The scores of the only case of a scenario, by subject.
fn scores(text: &str) -> BTreeMap<String, BTreeMap<String, f64>> {
    let registry = Registry::builtin();
    let plan = plan(text, &registry);
    let result = run_case(&plan.cases[0], &registry).unwrap().result;
    let subjects = result.flows.into_iter().chain(result.links);
    subjects
        .map(|subject| (subject.name, subject.metrics))
        .collect()
}

#[test]
fn cross_traffic_has_the_figures_of_packets_and_no_others() {
    // 12,000 bits at 600 kbit/s: a packet every 20 ms, 12 ms on the link.
    let all = scores(
        "
duration: 10s
network: {forward: {rate: 1Mbps, delay: 30ms, loss: {windows: [{from: 5s, to: 10s, loss: 100%}]}}}
flows: [{name: cross, traffic: 600kbps}]
",
    );
    let cross = &all["cross"];
    let names: BTreeSet<&str> = cross.keys().map(String::as_str).collect();
    let want = [
        "interarrival_jitter_ms",
        "loss_burst_mean_packets",
        "loss_burst_ratio",
        "loss_ratio",
        "one_way_delay_p50_ms",
        "one_way_delay_p95_ms",
        "one_way_delay_p99_ms",
        "queue_delay_mean_ms",
        "queue_delay_p50_ms",
        "queue_delay_p95_ms",
        "queue_delay_p99_ms",
        "receive_rate_kbps",
        "send_rate_kbps",
        "utilisation",
    ];
    assert_eq!(names, BTreeSet::from(want));
    assert_eq!(cross["send_rate_kbps"], 600.0);
    assert_eq!(cross["one_way_delay_p50_ms"], 42.0);
    assert_eq!(cross["queue_delay_p99_ms"], 0.0);
    assert!((cross["loss_ratio"] - 0.5).abs() < 0.01, "{cross:?}");
}

#[test]
fn a_link_that_all_legs_share_is_one_link() {
    // Two flows against each other on 1 Mbit/s: each gets half.
    let all = scores(
        "
duration: 10s
network: {links: {air: {rate: 1Mbps, queue: {drop_tail: {limit: 100ms}}}}}
flows:
  - {name: up, route: [air], route_back: [air], traffic: {poisson: {rate: 1Mbps}}}
  - {name: down, route: [air], route_back: [air], traffic: {poisson: {rate: 1Mbps}}}
",
    );
    assert!(all["air"]["utilisation"] > 0.98, "{all:?}");
    for flow in ["up", "down"] {
        let rate = all[flow]["receive_rate_kbps"];
        assert!((rate - 500.0).abs() < 50.0, "{all:?}");
    }
}

#[test]
fn calls_use_the_first_of_several_paths() {
    let all = scores(
        "
duration: 10s
network:
  links:
    wifi: {rate: 5Mbps, delay: 10ms}
    lte: {rate: 3Mbps, delay: 30ms}
    core: {delay: 20ms}
    back: {delay: 30ms}
flows:
  - name: call
    media: {video: {}}
    paths:
      - {name: wifi, route: [wifi, core], route_back: [back]}
      - {name: lte, route: [lte, core], route_back: [back]}
",
    );
    let call = &all["call"];
    assert_eq!(all["lte"]["delivered_kbps"], 0.0);
    assert!(all["wifi"]["delivered_kbps"] >= call["receive_rate_kbps"]);
    // Of both bottlenecks, 8 Mbit/s.
    let want = call["receive_rate_kbps"] / 8_000.0;
    // Scores are rounded to six digits.
    assert!((call["utilisation"] - want).abs() < 1e-6, "{call:?}");
    assert!(call["one_way_delay_p50_ms"] < 40.0 && call["queue_delay_p50_ms"] < 10.0);
}
