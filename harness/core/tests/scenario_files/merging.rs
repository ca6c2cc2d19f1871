//! `extends`.

use weaknet_harness::plan::Plan;

use crate::{Folder, call, plugins};

fn load(files: &[(&str, &str)], name: &str) -> Plan {
    let folder = Folder::new(files);
    Plan::load(&folder.request(name), &plugins::registry())
        .unwrap_or_else(|error| panic!("{error}"))
}

const BASE: &str = "
name: base
about: The base.
duration: 10s
seeds: 3
network:
  forward: {rate: 3Mbps, delay: 20ms, loss: {gilbert_elliott: {average: 2%, burst: 5}}}
flows:
  - {name: call, media: {video: {fps: 15}, audio: {}}}
  - {name: other, media: {audio: {}}}
expect: [call.freeze_ratio <= 1%]
";

#[test]
fn maps_merge_named_items_merge_and_the_rest_is_replaced() {
    let top = "
extends: presets/base.yaml
duration: 20s
network:
  forward: {delay: 30ms, loss: {gilbert_elliott: {average: 3%}}}
  backward: {rate: 1Mbps}
flows:
  - {name: other, congestion_control: scream}
  - {name: third, media: {audio: {}}}
expect: [call.freeze_ratio <= 2%, third.utilisation > 0]
";
    let plan = load(
        &[("presets/base.yaml", BASE), ("top.yaml", top)],
        "top.yaml",
    );
    let scenario = &plan.cases[0].scenario;
    assert_eq!(
        (scenario.name.as_str(), &scenario.about),
        ("top", &None),
        "names are not inherited"
    );
    assert_eq!(
        (scenario.duration.to_string().as_str(), scenario.seeds.len()),
        ("20s", 3)
    );
    let forward = &scenario.network.links[0];
    assert_eq!(forward.rate.config(), "3Mbps");
    assert_eq!(forward.delay[0].config()["value"], "30ms");
    assert_eq!(
        forward.loss[0].config(),
        &serde_json::json!({ "average": "3%", "burst": 5.0 })
    );
    assert_eq!(scenario.network.links[1].rate.config(), "1Mbps");
    let flows: Vec<(&str, &str)> = scenario
        .flows
        .iter()
        .map(|flow| {
            (
                flow.name.as_str(),
                flow.call().unwrap().congestion_control.name(),
            )
        })
        .collect();
    assert_eq!(
        flows,
        [("call", "gcc"), ("other", "scream"), ("third", "gcc")]
    );
    assert_eq!(
        scenario.flows[0]
            .call()
            .unwrap()
            .media
            .video
            .as_ref()
            .unwrap()
            .fps,
        15.0
    );
    assert_eq!(scenario.expect.len(), 2);
}

#[test]
fn another_plugin_replaces_parameters_too() {
    let top = "extends: base.yaml\nnetwork: {forward: {delay: {stalls: {every: 1s}}, loss: {bernoulli: 1%}}}\n";
    let plan = load(&[("base.yaml", BASE), ("top.yaml", top)], "top.yaml");
    let forward = &plan.cases[0].scenario.network.links[0];
    assert_eq!(
        (forward.delay[0].name(), forward.loss[0].name()),
        ("stalls", "bernoulli")
    );
}

#[test]
fn later_bases_win_and_nothing_removes() {
    let files = [
        ("base.yaml", BASE),
        ("slow.yaml", "network: {forward: {rate: 100kbps}}\n"),
        (
            "top.yaml",
            "extends: [base.yaml, slow.yaml]\nnetwork: {forward: {delay: }}\n",
        ),
    ];
    let plan = load(&files, "top.yaml");
    let forward = &plan.cases[0].scenario.network.links[0];
    assert_eq!(
        (
            forward.rate.config().as_str(),
            &forward.delay[0].config()["value"]
        ),
        (Some("100kbps"), &"0ns".into())
    );
}

#[test]
fn errors_stay_in_their_own_file() {
    let base = BASE.replace("20ms", "20mss");
    let folder = Folder::new(&[
        ("presets/base.yaml", base.as_str()),
        ("top.yaml", "extends: presets/base.yaml\n"),
    ]);
    let found = folder.error(&folder.request("top.yaml"));
    assert!(
        found.starts_with("presets/base.yaml:7:33: unknown unit `mss`"),
        "{found}"
    );
}

#[test]
fn circles_are_named() {
    let folder = Folder::new(&[
        ("a.yaml", "extends: sub/b.yaml\n"),
        ("sub/b.yaml", "extends:\n  - ../c.yaml\n"),
        ("c.yaml", "extends: a.yaml\n"),
    ]);
    assert_eq!(
        folder.error(&folder.request("a.yaml")),
        "\
c.yaml:1:10: files extend each other in a circle: a.yaml -> sub/b.yaml -> c.yaml -> a.yaml
  |
1 | extends: a.yaml
  |          ^^^^^^"
    );
}

#[test]
fn a_base_that_is_missing() {
    let folder = Folder::new(&[
        ("presets/lte.yaml", ""),
        ("top.yaml", "duration: 1s\nextends: presets/lt.yaml\n"),
    ]);
    assert_eq!(
        folder.error(&folder.request("top.yaml")),
        "\
top.yaml:2:10: there is no file `presets/lt.yaml`
  |
2 | extends: presets/lt.yaml
  |          ^^^^^^^^^^^^^^^
  = help: did you mean `presets/lte.yaml`?"
    );
}

#[test]
fn two_items_of_one_name_in_the_same_file_stay_an_error() {
    let twice = call("  - {name: call, media: {audio: {}}}\n");
    let folder = Folder::new(&[
        ("base.yaml", BASE),
        ("top.yaml", &format!("extends: base.yaml\n{twice}")),
    ]);
    let found = folder.error(&folder.request("top.yaml"));
    assert!(found.contains("two flows are called `call`"), "{found}");
}

#[test]
fn traces_are_found_beside_the_base() {
    let base = call("network: {forward: {rate: {trace: {file: ../traces/x.down}}}}\n");
    let files = [
        ("presets/base.yaml", base.as_str()),
        ("traces/x.down", "1\n"),
        ("deep/er/top.yaml", "extends: ../../presets/base.yaml\n"),
    ];
    assert_eq!(load(&files, "deep/er/top.yaml").cases.len(), 1);
}
