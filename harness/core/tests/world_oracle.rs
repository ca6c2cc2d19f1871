//! The yardstick controller: who tells it what, and what it reaches.

#[path = "support/plan.rs"]
mod support;

use weaknet_core::{Event, Time};
use weaknet_harness::plan::{Case, Plan};
use weaknet_harness::registry::Registry;
use weaknet_harness::{runner, world};

/// The cases of a scenario.
fn plan(text: &str) -> Plan {
    support::plan(text, &Registry::builtin())
}

/// A call over a link with that rate.
fn call(rate: &str, controller: &str) -> String {
    format!(
        "
duration: 60s
seeds: [1]
network:
  forward: {{rate: {rate}, delay: 25ms}}
  backward: {{delay: 25ms}}
flows:
  - name: call
    media: {{video: {{max_bitrate: 3Mbps}}, audio: {{bitrate: 32kbps}}}}
    congestion_control: {controller}
"
    )
}

/// Capacities that the controller reported, in kbit/s, when they changed.
fn told(rate: &str, controller: &str) -> Vec<(Time, f64)> {
    let plan = plan(&call(rate, controller));
    let case = &plan.cases[0];
    let (mut world, facts) = world::build(&case.scenario, case.seed, &case.assets).unwrap();
    let mut events = Vec::new();
    world.run(facts.duration, &mut events).unwrap();
    let mut told: Vec<(Time, f64)> = Vec::new();
    for (at, event) in events {
        if let Event::Gauge { name, value, .. } = event
            && name == "true_capacity_bps"
            && told.last().is_none_or(|(_, last)| *last != value / 1e3)
        {
            told.push((at, value / 1e3));
        }
    }
    told
}

const STEPS: &str = "{steps: [[0s, 2.5Mbps], [20s, 1Mbps], [40s, 2.5Mbps]]}";

#[test]
fn uses_more_of_a_changing_link_than_gcc_at_less_delay() {
    let score = |controller| {
        let plan = plan(&call(STEPS, controller));
        let outcome = runner::run_case(&plan.cases[0], &Registry::builtin()).unwrap();
        let flow = &outcome.result.flows[0].metrics;
        let link = &outcome.result.links[0].metrics;
        [
            link["utilisation"],
            flow["one_way_delay_p95_ms"],
            flow["queue_delay_p95_ms"],
            flow["frame_delay_p95_ms"],
        ]
    };
    let (oracle, gcc) = (score("oracle"), score("gcc"));
    assert!(oracle[0] > gcc[0], "utilisation: {oracle:?} {gcc:?}");
    assert!((0.85..1.0).contains(&oracle[0]), "{oracle:?}");
    for (oracle, gcc) in oracle.into_iter().zip(gcc).skip(1) {
        assert!(oracle < gcc, "delay: {oracle} {gcc}");
    }
}

#[test]
fn steps_are_told_as_they_come() {
    let told = told(STEPS, "oracle");
    let kbps: Vec<f64> = told.iter().map(|(_, kbps)| *kbps).collect();
    assert_eq!(kbps, [2_500.0, 1_000.0, 2_500.0]);
    // The next report shows it.
    for ((at, _), step) in told.iter().skip(1).zip([20, 40]) {
        let late = *at - Time::from_secs(step);
        assert!(
            *at >= Time::from_secs(step) && late.as_millis() < 200,
            "{at:?}"
        );
    }
}

#[test]
fn ramps_and_bursts_are_means_over_windows() {
    let ramp = told("{ramps: [[0s, 1Mbps], [10s, 2Mbps]]}", "oracle");
    assert!(ramp.len() > 40, "{}", ramp.len());
    assert!(ramp.windows(2).all(|pair| pair[0].1 < pair[1].1));
    let (at, kbps) = ramp[ramp.len() / 2];
    let here = 1_000.0 + at.as_secs_f64() * 100.0;
    assert!((kbps - here).abs() < 25.0, "{at:?} {kbps}");

    let second = "{oracle: {window: 1s}}";
    let granted = told("{grants: {rate: 4Mbps, slot: 1ms, period: 5ms}}", second);
    assert_eq!(granted.len(), 1);
    let flat = told("{token_bucket: {rate: 2Mbps}}", second);
    assert_eq!(flat.iter().map(|t| t.1).collect::<Vec<_>>(), [2_000.0]);
}

#[test]
fn nobody_else_is_told() {
    for controller in ["gcc", "nada", "gcc_draft02", "scream"] {
        assert!(told("2Mbps", controller).is_empty(), "{controller}");
    }
}

#[test]
fn a_path_without_a_known_capacity_is_refused() {
    let refused = |case: &Case| {
        let error = world::build(&case.scenario, case.seed, &case.assets).err();
        error.map(|error| error.to_string())
    };
    let unlimited = plan(&call("unlimited", "oracle"));
    let error = refused(&unlimited.cases[0]).unwrap();
    assert!(error.starts_with("call/congestion_control"), "{error}");
    assert!(error.contains("limited rate"), "{error}");
    assert_eq!(refused(&plan(&call("unlimited", "gcc")).cases[0]), None);
}

/// The buffer that has seen the call ahead: nearly all frames are shown after the
/// same delay, which is what the slowest of them but one percent needed.
#[test]
fn a_jitter_buffer_that_knows_the_arrivals_shows_frames_evenly() {
    let score = |buffer: &str| {
        let plan = plan(&format!(
            "
duration: 60s
seeds: [1]
measure: {{from: 5s}}
network:
  forward: {{rate: 5Mbps, delay: {{normal: {{mean: 60ms, std: 20ms}}}}}}
  backward: {{delay: 25ms}}
flows:
  - name: call
    media: {{video: {{max_bitrate: 1Mbps}}}}
    congestion_control: {{fixed: {{rate: 1Mbps}}}}
    jitter_buffer: {buffer}
"
        ));
        let outcome = runner::run_case(&plan.cases[0], &Registry::builtin()).unwrap();
        let metric = |name: &str| outcome.result.metric("call", name).unwrap();
        [
            metric("frame_delay_p50_ms"),
            metric("frame_delay_p95_ms"),
            metric("frame_delay_p99_ms"),
        ]
    };
    let [p50, p95, p99] = score("oracle");
    assert!(p95 - p50 < 0.1, "{p50} {p95}");
    // It is enough, and no more than that: who shows frames when they come shows
    // the slowest percent as late as this.
    assert!((p99 - p50).abs() < 10.0, "{p50} {p99}");
    let [_, p95, _] = score("{fixed: {delay: 300ms}}");
    assert!(p95 > p50 + 100.0, "{p95}");
    let [_, p95, _] = score("adaptive_percentile");
    assert!(p95 < p50 + 40.0, "{p95}");
}
