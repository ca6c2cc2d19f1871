//! What weaknet says about itself: lists, explanations, schema, completions,
//! manual page.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::support::{Sandbox, root, shared};

fn list(what: &str) -> Vec<Value> {
    let json = Sandbox::new(&[]).run(&["list", what, "--json"]).ok();
    serde_json::from_str(&json).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

/// The part of `text` below a line, to the next empty line, without its margin.
fn section(text: &str, title: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("\n{title}:\n"))?;
    let lines = rest.lines().take_while(|line| !line.is_empty());
    Some(
        lines
            .map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line)))
            .collect(),
    )
}

#[test]
fn every_metric_is_explained_with_formula_and_source() {
    let metrics = list("metrics");
    assert!(metrics.len() > 40);
    let sandbox = Sandbox::new(&[]);
    for metric in &metrics {
        let name = text(metric, "name");
        let explained = sandbox.run(&["explain", name]).ok();
        assert!(
            explained.starts_with(&format!("metric {name} (of a ")),
            "{explained}"
        );
        for key in ["formula", "source"] {
            let section = section(&explained, key).unwrap_or_else(|| panic!("{name}: no {key}"));
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(words(&section), words(text(metric, key)), "{name}");
            assert!(section.len() > 5, "{name}: {section}");
        }
        assert!(
            explained.lines().all(|line| line.chars().count() <= 96),
            "{explained}"
        );
    }
}

#[test]
fn every_preset_says_where_its_numbers_come_from_and_what_is_assumed() {
    let presets = root().join("scenarios/presets");
    let folders = fs::read_dir(&presets).unwrap().map(|e| e.unwrap().path());
    let folders = folders
        .filter(|path| path.is_dir())
        .chain([presets.clone()]);
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
    let names: BTreeSet<String> = files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "yaml"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(names.len() >= 80, "{}", names.len());
    let sandbox = Sandbox::new(&[]);
    for name in names {
        let explained = sandbox.run(&["explain", &name]).ok();
        for key in ["source", "assumed"] {
            let section = section(&explained, key).unwrap_or_else(|| panic!("{name}: no {key}"));
            assert!(section.trim_end().ends_with('.'), "{name}: {section}");
        }
    }
}

#[test]
fn every_plugin_is_explained_and_its_example_loads() {
    let frames = (0..40).map(|n| format!("{n} U 0. {} 1200\n", f64::from(n) / 25.0));
    let sandbox = Sandbox::new(&[
        ("satellite.csv", "t_s,owd_ms\n1,40\n2,60\n"),
        ("wifi.csv", "t_s,loss_pct\n1,0\n2,5\n"),
        ("one-way-delays.csv", "20\n25.5\n31\n"),
        ("experimental.dist", "-8192 0 8192\n"),
        ("chat_720p_1000.txt", &frames.collect::<String>()),
    ]);
    let trace = "lte-drive.down.txt";
    fs::copy(
        root().join("scenarios/traces").join(trace),
        sandbox.path(trace),
    )
    .unwrap();
    let metrics: BTreeSet<String> = list("metrics")
        .iter()
        .map(|m| text(m, "name").to_owned())
        .collect();
    let mut scored = 0;
    for plugin in list("plugins") {
        let (kind, name) = (text(&plugin, "kind"), text(&plugin, "name"));
        let explained = sandbox.run(&["explain", name]).ok();
        let explained = format!("\n{explained}");
        let from = explained
            .find(&format!("\n{kind} {name}\n"))
            .expect("its heading");
        let explained = &explained[from + 1..];
        assert!(section(explained, "parameters").is_some(), "{explained}");
        if kind == "metric_set" {
            // Always there: nothing to write in a scenario.
            let of_set = section(explained, "metrics, scored in every run").unwrap();
            let names = of_set.lines().filter_map(|line| line.split(' ').next());
            for metric in names {
                assert!(metrics.contains(metric), "{name}: {metric}");
                scored += 1;
            }
            continue;
        }
        let example = section(explained, "example").unwrap_or_else(|| panic!("{explained}"));
        assert!(
            example.contains(name) || example.contains(&format!("{kind}: ")),
            "{example}"
        );
        let flows = "flows: [{name: call, media: {audio: {}}}]\n";
        let rest = if example.contains("flows:\n") {
            ""
        } else {
            flows
        };
        sandbox.write("s.yaml", format!("duration: 60s\n{example}{rest}"));
        let valid = sandbox.run(&["validate", "s.yaml"]);
        assert_eq!(valid.code, 0, "{example}{}", valid.err);
        // The example means this plug-in: it is what the run then has.
        sandbox
            .run(&["run", "s.yaml", "--set", "duration=1s", "--out", "o"])
            .ok();
        let resolved = sandbox.read("o/scenario.yaml");
        assert!(
            resolved.contains(&format!("{name}:")) || resolved.contains(&format!(": {name}\n")),
            "{name} in {resolved}"
        );
    }
    assert_eq!(scored, metrics.len(), "metrics of the sets");
}

#[test]
fn parameters_show_defaults_units_and_choices() {
    let sandbox = Sandbox::new(&[]);
    let trace = sandbox.run(&["explain", "trace"]).ok();
    assert!(trace.contains("  file: needed; a text\n"), "{trace}");
    assert!(trace.contains("  format: not set; a value\n"), "{trace}");
    assert!(
        trace.contains("      - seconds_mbps: Two columns: seconds and Mbit/s.\n"),
        "{trace}"
    );
    let bursts = sandbox.run(&["explain", "gilbert_elliott"]).ok();
    assert!(
        bursts.contains("  average: not set; a share such as `5%`\n"),
        "{bursts}"
    );
    let gcc = sandbox.run(&["explain", "gcc"]).ok();
    assert!(gcc.contains("  process_interval = 25ms\n"), "{gcc}");
    assert!(
        gcc.contains("    high = 0.1\n"),
        "single precision shows: {gcc}"
    );
}

#[test]
fn kinds_scenarios_and_folders_are_explained() {
    let sandbox = Sandbox::new(&[]);
    let kind = sandbox.run(&["explain", "queue"]).ok();
    assert!(
        kind.starts_with("kind queue: ") && kind.contains("\n  drop_tail "),
        "{kind}"
    );
    let scenario = sandbox.run(&["explain", "quickstart"]).ok();
    let file = fs::read_to_string(root().join("scenarios/quickstart.yaml")).unwrap();
    assert!(
        scenario.starts_with("scenario quickstart (") && scenario.ends_with(&file),
        "{scenario}"
    );
    let traces = sandbox.run(&["explain", "traces"]).ok();
    assert!(traces.contains("(no folder)"), "{traces}");
    for (name, near) in [
        ("freeze_rati", "freeze_ratio"),
        ("gc", "gcc"),
        ("lte-drve", "lte-drive"),
    ] {
        assert_eq!(
            sandbox.run(&["explain", name]).fails(2),
            format!("error: nothing is called `{name}`: did you mean `{near}`?\n")
        );
    }
}

#[test]
fn lists_are_complete_and_one_line_each_in_a_pipe() {
    let sandbox = Sandbox::new(&[
        ("t/deep/x.down", "1\n"),
        ("t/deep/LICENSE", ""),
        ("t/README.md", ""),
    ]);
    let all = sandbox.run(&["list", "--trace-dir", "t"]).ok();
    let traces = "\ntraces\n  deep/x.down\n";
    assert!(
        all.starts_with("scenarios\n") && all.ends_with(traces),
        "{all}"
    );
    let json: Value = serde_json::from_str(&sandbox.run(&["list", "--json"]).ok()).unwrap();
    for (key, at_least) in [("scenarios", 10), ("plugins", 30), ("metrics", 40)] {
        let rows = json[key].as_array().unwrap().len();
        assert!(rows >= at_least, "{key}: {rows}");
        let lines = sandbox.run(&["list", key]).ok().lines().count();
        assert_eq!(lines, rows, "{key}");
        assert_eq!(Value::Array(list(key)), json[key]);
    }
    for scenario in list("scenarios") {
        assert!(text(&scenario, "about").ends_with('.'), "{scenario}");
    }
}

#[test]
fn the_schema_in_the_repository_is_current() {
    let schema = Sandbox::new(&[]).run(&["schema"]).ok();
    let parsed: Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(parsed["title"], "weaknet scenario");
    let kept = fs::read_to_string(root().join("scenarios/weaknet.schema.json")).unwrap_or_default();
    assert!(
        schema == kept,
        "scenarios/weaknet.schema.json is out of date: cargo run -- schema >scenarios/weaknet.schema.json"
    );
}

#[test]
fn shipped_scenarios_are_valid_and_name_the_schema() {
    for scenario in list("scenarios") {
        let path = text(&scenario, "path");
        let file = fs::read_to_string(path).unwrap();
        let line = file.lines().next().unwrap();
        let schema = line
            .strip_prefix("# yaml-language-server: $schema=")
            .expect(path);
        let schema = std::path::Path::new(path).parent().unwrap().join(schema);
        assert!(schema.is_file(), "{path}: {}", schema.display());
    }
    let Some(shared) = shared() else { return };
    let sandbox = Sandbox::new(&[]);
    let scenarios = root().join("scenarios");
    let mut validate = sandbox.command(&["validate", scenarios.to_str().unwrap()]);
    validate.env("WEAKNET_SHARED", shared);
    let lines = crate::support::finish(validate).ok();
    assert_eq!(lines.lines().count(), list("scenarios").len());
    assert!(
        lines.contains("ok  quickstart: 3 cases x 5 seeds = 15 runs\n"),
        "{lines}"
    );
}

#[test]
fn completions_and_manual_know_every_command() {
    let sandbox = Sandbox::new(&[]);
    let commands = [
        "run",
        "compare",
        "validate",
        "list",
        "explain",
        "schema",
        "replay",
        "report",
        "bench",
        "completions",
        "man",
    ];
    let man = sandbox.run(&["man"]).ok();
    assert!(
        man.contains(".TH weaknet 1") && man.contains("130 interrupted"),
        "{man}"
    );
    assert!(man.contains("\\-\\-fail\\-if"), "options of the commands");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = sandbox.run(&["completions", shell]).ok();
        assert!(
            commands.iter().all(|command| script.contains(command)),
            "{shell}"
        );
    }
    let help = sandbox.run(&["--help"]).ok();
    for command in commands {
        assert!(
            help.contains(&format!("\n  {command} ")),
            "{command}: {help}"
        );
        assert!(
            man.contains(&format!("WEAKNET {}", command.to_uppercase())),
            "{command}"
        );
        sandbox.run(&[command, "--help"]).ok();
    }
    assert!(sandbox.run(&["--version"]).ok().starts_with("weaknet "));
}
