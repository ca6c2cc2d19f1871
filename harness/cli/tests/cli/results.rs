//! The result directory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::support::{Sandbox, call};

fn strings(value: &Value) -> Vec<&str> {
    let items = value.as_array().unwrap().iter();
    items.map(|item| item.as_str().unwrap()).collect()
}

/// Two cases with seeds 3 and 2^63; a flow with video only beside one with
/// audio only, over a link with a rate and one without.
fn run() -> (Sandbox, String) {
    let text = call(
        "
  - {name: voice, from: b, media: {audio: {}}}
seeds: [3, 9223372036854775808]
matrix:
  flows.call.congestion_control: [gcc, {fixed: {rate: 300kbps, pacing_factor: 2}}]
",
    );
    let sandbox = Sandbox::new(&[("s.yaml", &text)]);
    let table = sandbox.run(&["run", "s.yaml", "--out", "o"]).ok();
    (sandbox, table)
}

#[test]
fn all_files_are_there_and_belong_together() {
    let (sandbox, table) = run();
    let summary = sandbox.json("o/summary.json");
    assert_eq!(summary["schema"], "weaknet.summary/1");
    let cases = summary["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    let seeds: BTreeSet<&str> = cases
        .iter()
        .map(|case| case["seed"].as_str().unwrap())
        .collect();
    assert_eq!(Vec::from_iter(seeds), ["3", "9223372036854775808"]);
    let params: BTreeSet<String> = cases
        .iter()
        .map(|case| case["params"].to_string())
        .collect();
    assert_eq!(
        Vec::from_iter(params),
        [
            r#"{"flows.call.congestion_control":"gcc"}"#,
            r#"{"flows.call.congestion_control":"{fixed: {rate: 300kbps, pacing_factor: 2}}"}"#,
        ]
    );

    let mut files: Vec<String> = cases
        .iter()
        .map(|case| format!("o/series/{}.csv", case["id"].as_str().unwrap()))
        .collect();
    for name in [
        ".weaknet-run",
        "cases.csv",
        "manifest.json",
        "report.html",
        "scenario.yaml",
        "series/",
        "summary.json",
    ] {
        files.push(format!("o/{name}"));
    }
    files.extend(["o/".to_owned(), "s.yaml".to_owned()]);
    files.sort_unstable();
    assert_eq!(sandbox.names(), files);

    let manifest = sandbox.json("o/manifest.json");
    assert_eq!(manifest["digest"], summary["digest"]);
    assert_eq!(strings(&manifest["seeds"]), ["3", "9223372036854775808"]);
    assert_eq!(strings(&manifest["command"]), ["weaknet", "run", "s.yaml"]);
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&manifest["planned"], &manifest["cases"]),
        (&4.into(), &4.into())
    );
    assert!(table.contains("fixed rate 300kbps"), "{table}");
}

#[test]
fn metrics_that_do_not_apply_are_absent() {
    let (sandbox, _) = run();
    let summary = sandbox.json("o/summary.json");
    for case in summary["cases"].as_array().unwrap() {
        let subjects = [&case["flows"], &case["links"]];
        let subjects = subjects
            .into_iter()
            .flat_map(|list| list.as_array().unwrap());
        let metrics: BTreeMap<&str, &Value> = subjects
            .map(|subject| (subject["name"].as_str().unwrap(), &subject["metrics"]))
            .collect();
        assert_eq!(
            Vec::from_iter(metrics.keys()),
            [&"backward", &"call", &"forward", &"voice"]
        );
        let has = |subject: &str, metric: &str| metrics[subject].get(metric).is_some();
        assert!(has("call", "frames_rendered") && !has("call", "concealed_ratio"));
        assert!(has("voice", "concealed_ratio") && !has("voice", "frames_rendered"));
        assert!(has("forward", "utilisation") && !has("backward", "utilisation"));
    }
}

#[test]
fn the_table_of_cases_parses_and_agrees_with_the_summary() {
    let (sandbox, _) = run();
    let summary = sandbox.json("o/summary.json");
    let mut cases = csv::Reader::from_path(sandbox.path("o/cases.csv")).unwrap();
    let header = cases.headers().unwrap().clone();
    assert_eq!(
        &header.iter().collect::<Vec<_>>()[..5],
        [
            "id",
            "scenario",
            "seed",
            "flow",
            "flows.call.congestion_control"
        ]
    );
    let mut rows = cases.records();
    let mut filled = 0;
    for case in summary["cases"].as_array().unwrap() {
        for flow in case["flows"].as_array().unwrap() {
            let row = rows.next().unwrap().unwrap();
            assert_eq!(row[0], case["id"]);
            assert_eq!((&row[1], &row[2]), ("s", case["seed"].as_str().unwrap()));
            assert_eq!(row[3], flow["name"]);
            assert_eq!(row[4], case["params"]["flows.call.congestion_control"]);
            for (name, cell) in header.iter().zip(&row).skip(5) {
                let cell = (!cell.is_empty()).then(|| cell.parse::<f64>().unwrap());
                assert_eq!(
                    cell,
                    flow["metrics"].get(name).and_then(Value::as_f64),
                    "{name}"
                );
                filled += usize::from(cell.is_some());
            }
        }
    }
    assert!(rows.next().is_none() && filled > 100, "{filled}");
}

#[test]
fn series_are_tables_over_the_whole_run() {
    let (sandbox, _) = run();
    for case in sandbox.json("o/summary.json")["cases"].as_array().unwrap() {
        let path = format!("o/series/{}.csv", case["id"].as_str().unwrap());
        let mut series = csv::Reader::from_path(sandbox.path(&path)).unwrap();
        let header = series.headers().unwrap().clone();
        assert_eq!(&header[0], "t_s");
        let names = |name: &str| name.starts_with("flow.") || name.starts_with("link.");
        assert!(
            header.len() > 5 && header.iter().skip(1).all(names),
            "{header:?}"
        );
        let times: Vec<f64> = series
            .records()
            .map(|row| row.unwrap()[0].parse().unwrap())
            .collect();
        assert!(times[0] == 0.0 && times.is_sorted(), "{times:?}");
        let last = times.last().unwrap();
        let step = times[1] - times[0];
        assert!(*last < 2.0 && last + step >= 2.0 - 1e-9, "{last} {step}");
    }
}

#[test]
fn reports_are_redone_from_recorded_data() {
    let (sandbox, table) = run();
    let page = sandbox.read("o/report.html");
    fs::remove_file(sandbox.path("o/report.html")).unwrap();
    let again = sandbox.run(&["report", "o"]);
    assert_eq!(again.err, "wrote o/report.html\n");
    assert_eq!(again.ok(), table);
    assert!(sandbox.read("o/report.html") == page, "report.html differs");
    // Self-contained: nothing is loaded from anywhere.
    for outside in ["src=\"http", "href=\"http", "url(http", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let none = sandbox.run(&["report", "nowhere"]).fails(65);
    assert!(
        none.starts_with("error: failed to read `nowhere`"),
        "{none}"
    );
}

#[test]
fn the_resolved_scenario_runs_to_the_same_results() {
    let sandbox = Sandbox::new(&[("s.yaml", &call("name: call\nseeds: 2\n"))]);
    sandbox.run(&["run", "s.yaml", "--out", "one"]).ok();
    sandbox
        .run(&["run", "one/scenario.yaml", "--out", "two"])
        .ok();
    let digest = |name: &str| sandbox.json(&format!("{name}/summary.json"))["digest"].clone();
    assert_eq!(digest("one"), digest("two"));
}

#[test]
fn data_on_standard_output_messages_on_standard_error() {
    let sandbox = Sandbox::new(&[("s.yaml", &call("seeds: 2\n"))]);
    let args = ["run", "s.yaml", "--json", "--out", "o", "--jobs", "1"];
    let ran = sandbox.run(&args);
    assert_eq!(ran.out, sandbox.read("o/summary.json"));
    let lines: Vec<&str> = ran.err.lines().collect();
    assert!(lines[0].starts_with("1/2 s seed 1 (") && lines[1].starts_with("2/2 s seed 2 ("));
    assert_eq!(&lines[2..], ["wrote o"]);
    let table = sandbox.run(&["run", "s.yaml"]);
    assert_eq!(table.err.lines().last(), Some("wrote results/runs/s"));
    assert!(sandbox.path("results/runs/s/summary.json").exists());
    assert!(
        !table.out.contains('\x1b') && !table.err.contains('\x1b'),
        "colour in a pipe"
    );
}

#[test]
fn an_earlier_run_is_replaced_whole() {
    let sandbox = Sandbox::new(&[("s.yaml", &call("seeds: 3\n"))]);
    sandbox.run(&["run", "s.yaml", "--out", "o"]).ok();
    sandbox.write("o/notes.txt", "left here");
    sandbox
        .run(&["run", "s.yaml", "--seed", "2", "--out", "o"])
        .ok();
    let series = fs::read_dir(sandbox.path("o/series")).unwrap().count();
    assert_eq!(series, 1);
    assert!(!sandbox.path("o/notes.txt").exists());
    // The plan refused: the earlier run stays.
    sandbox
        .run(&["run", "s.yaml", "--set", "duration=0s", "--out", "o"])
        .fails(2);
    assert_eq!(
        sandbox.json("o/summary.json")["cases"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
