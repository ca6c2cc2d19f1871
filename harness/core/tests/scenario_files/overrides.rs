//! `--set` and `matrix`.

use std::collections::BTreeSet;

use weaknet_harness::plan::Plan;

use crate::{call, error, plan};

fn ok(text: &str, sets: &[&str]) -> Plan {
    plan(text, sets).unwrap_or_else(|error| panic!("{error}"))
}

const TWO: &str = "
duration: 10s
network: {forward: {rate: 3Mbps}}
flows:
  - {name: up, media: {video: {}, audio: {}}}
  - {name: down, from: b, media: {audio: {}}}
";

#[test]
fn a_value_is_set_by_the_name_of_the_item() {
    let plan = ok(
        TWO,
        &["flows.down.congestion_control=scream", "duration=20s"],
    );
    let scenario = &plan.cases[0].scenario;
    let controllers: Vec<&str> = scenario
        .flows
        .iter()
        .map(|flow| flow.call().unwrap().congestion_control.name())
        .collect();
    assert_eq!(controllers, ["gcc", "scream"]);
    assert_eq!(scenario.duration.to_string(), "20s");
    let params: Vec<(&str, &str)> = plan.cases[0]
        .params
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        params,
        [
            ("duration", "20s"),
            ("flows.down.congestion_control", "scream")
        ]
    );
}

#[test]
fn bars_make_an_axis() {
    let plan = ok(
        TWO,
        &[
            "flows.up.congestion_control=gcc|scream",
            "network.forward.rate=1Mbps|2Mbps",
        ],
    );
    let rows: Vec<String> = plan
        .cases
        .iter()
        .map(|case| case.params.values().cloned().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        rows,
        ["gcc 1Mbps", "gcc 2Mbps", "scream 1Mbps", "scream 2Mbps"]
    );
    assert_eq!(
        plan.cases
            .iter()
            .map(|case| &case.id)
            .collect::<BTreeSet<_>>()
            .len(),
        4
    );
    // Not within brackets or quotes.
    let plan = ok(
        TWO,
        &[
            "about=\"a|b\"",
            "network.forward.loss={gilbert_elliott: {average: 1%}}|2%",
        ],
    );
    assert_eq!(plan.cases.len(), 2);
    assert_eq!(plan.cases[0].scenario.about.as_deref(), Some("a|b"));
}

#[test]
fn set_wins_over_the_matrix() {
    let text = format!("{TWO}matrix: {{duration: [5s, 6s], seeds: [1, [4, 5]]}}\n");
    assert_eq!(ok(&text, &[]).cases.len(), 6);
    let plan = ok(&text, &["duration=7s"]);
    assert_eq!(plan.cases.len(), 3);
    assert!(
        plan.cases
            .iter()
            .all(|case| case.params["duration"] == "7s")
    );
}

#[test]
fn stars_win_over_axes_that_take_the_value() {
    let text = format!(
        "{TWO}matrix: {{flows.up.congestion_control: [gcc, scream], network.forward.loss: [1%, 2%]}}\n"
    );
    let plan = ok(&text, &["flows.*.congestion_control=scream|gcc"]);
    assert_eq!(plan.cases.len(), 4);
    let axes: Vec<&String> = plan.cases[0].params.keys().collect();
    assert_eq!(axes, ["flows.*.congestion_control", "network.forward.loss"]);
    // An axis of another parameter stays.
    assert_eq!(ok(&text, &["flows.*.fec=none"]).cases.len(), 4);
    // A value around the axis replaces it; one that no item there takes does not.
    assert_eq!(ok(&text, &["network={}"]).cases.len(), 2);
    let refused = "flows.*.media={video: {}}|{audio: {}}";
    assert_eq!(ok(&text, &[refused]).cases.len(), 8);
}

#[test]
fn matrix_values_may_be_plugins_with_parameters() {
    let text = format!(
        "{TWO}matrix:\n  flows.up.congestion_control:\n    - gcc\n    - gcc:\n        probing: {{scale: 2}}\n"
    );
    let plan = ok(&text, &[]);
    let written: Vec<&str> = plan
        .cases
        .iter()
        .map(|case| case.params["flows.up.congestion_control"].as_str())
        .collect();
    assert_eq!(written, ["gcc", "gcc: probing: {scale: 2}"]);
    assert_eq!(
        plan.cases[1].scenario.flows[0]
            .call()
            .unwrap()
            .congestion_control
            .config()["probing"]["scale"],
        2.0
    );
}

#[test]
fn a_bare_plugin_opens_for_its_parameters() {
    for text in [
        TWO.to_owned(),
        TWO.replace("{name: up,", "{name: up, congestion_control: gcc,"),
    ] {
        let plan = ok(&text, &["flows.up.congestion_control.gcc.probing.scale=3"]);
        assert_eq!(
            plan.cases[0].scenario.flows[0]
                .call()
                .unwrap()
                .congestion_control
                .config()["probing"]["scale"],
            3.0
        );
    }
    let text = TWO.replace("{name: up,", "{name: up, congestion_control: scream,");
    assert_eq!(
        error(&text, &["flows.up.congestion_control.gcc.probing.scale=3"]),
        "\
--set:1:29: the congestion_control is `scream`, not `gcc`
  |
1 | flows.up.congestion_control.gcc.probing.scale=3
  |                             ^^^"
    );
}

#[test]
fn stars_touch_only_what_takes_the_value() {
    let plan = ok(
        TWO,
        &["network.*.loss=2%", "flows.*.congestion_control=scream"],
    );
    let scenario = &plan.cases[0].scenario;
    assert!(
        scenario
            .network
            .links
            .iter()
            .all(|link| link.loss[0].name() == "bernoulli")
    );
    assert!(
        scenario
            .flows
            .iter()
            .all(|flow| flow.call().unwrap().congestion_control.name() == "scream")
    );
    // Only one of the two kinds of media knows `fps`.
    let plan = ok(TWO, &["flows.up.media.*.fps=15"]);
    assert_eq!(
        plan.cases[0].scenario.flows[0]
            .call()
            .unwrap()
            .media
            .video
            .as_ref()
            .unwrap()
            .fps,
        15.0
    );
    let nobody = error(TWO, &["flows.*.congestion_control=screm"]);
    assert!(
        nobody.starts_with("--set:1:28: unknown congestion_control `screm`"),
        "{nobody}"
    );
    assert!(nobody.ends_with("help: did you mean `scream`?"), "{nobody}");
    let nothing = error("duration: 1s\n", &["flows.*.fec=none"]);
    assert!(
        nothing.starts_with("--set:1:1: `flows.*.fec` matches nothing"),
        "{nothing}"
    );
}

#[test]
fn unknown_paths_point_at_their_part() {
    assert_eq!(
        error(TWO, &["flows.up.congestion_controll=gcc"]),
        "\
--set:1:10: unknown key `congestion_controll`: expected one of name, from, start, stop, route, route_back, paths, media, bulk, messages, traffic, congestion_control, fec, protection, arq, jitter_buffer, audio_buffer, clock_drift, lip_sync, pacer, rtp_overhead, signalling, session, feedback, key_frame_request, constraints
  |
1 | flows.up.congestion_controll=gcc
  |          ^^^^^^^^^^^^^^^^^^^
  = help: did you mean `congestion_control`?"
    );
    assert_eq!(
        error(TWO, &["flows.upp.fec=none"]),
        "\
--set:1:7: unknown item `upp`: expected one of up, down
  |
1 | flows.upp.fec=none
  |       ^^^
  = help: did you mean `up`?"
    );
    for (set, message) in [
        (
            "duration.x=1",
            "--set:1:10: `10s` is a single value: it has no `x`",
        ),
        (
            "network.forward.rate.x=1",
            "--set:1:22: the rate is `3Mbps`, not `x`",
        ),
        ("duration=10", "--set:1:10: `10` has no unit"),
        (
            "a..b=1",
            "--set:1:3: `a..b` is no path: a part of it is empty",
        ),
        ("matrix.x=1", "--set:1:1: `matrix` cannot be set"),
        ("duration", "--set:1:1: expected PATH=VALUE"),
        ("duration=[", "--set:1:11: this is not YAML"),
    ] {
        let found = error(TWO, &[set]);
        assert!(found.starts_with(message), "{set} gave {found}");
    }
    assert_eq!(plan(TWO, &["duration"]).unwrap_err().exit_code(), 2);
    assert_eq!(plan(TWO, &["duration=10"]).unwrap_err().exit_code(), 2);
    // A file that is missing or bad is no matter of words, nor is a bad scenario.
    let file = "network.forward.rate={trace: {file: none.down}}";
    assert_eq!(plan(TWO, &[file]).unwrap_err().exit_code(), 65);
    let bad = plan("durtion: 10s\n", &["measure=10"]).unwrap_err();
    assert_eq!(bad.exit_code(), 65);
}

#[test]
fn a_matrix_needs_lists() {
    for (matrix, message) in [
        ("[a]", "expected a map from paths to lists"),
        (
            "{duration: 5s}",
            "test.yaml:7:20: expected a list of values, one per case",
        ),
        (
            "{duration: []}",
            "an axis without values: expected at least one",
        ),
        (
            "{durations: [1s]}",
            "test.yaml:7:10: unknown key `durations`",
        ),
        (
            "{flows.call.fec: [none]}",
            "test.yaml:7:16: unknown item `call`: expected one of up, down",
        ),
    ] {
        let found = error(&format!("{TWO}matrix: {matrix}\n"), &[]);
        assert!(found.contains(message), "{matrix} gave {found}");
    }
}

#[test]
fn one_case_in_two_spellings_is_refused() {
    let found = error(
        &call("matrix: {network.forward.rate: [2.5Mbps, 2500kbps]}\n"),
        &[],
    );
    assert!(
        found.starts_with(
            "two cases are one and the same: `test` with {\"network.forward.rate\": \"2.5Mbps\"}"
        ),
        "{found}"
    );
}
