//! `weaknet compare`.

use serde_json::Value;

use crate::support::{Sandbox, call};

/// A run without loss in `base`, one with a third lost in `new`.
fn runs() -> Sandbox {
    let sandbox = Sandbox::new(&[("s.yaml", &call(""))]);
    let run = |args: &[&str]| sandbox.run(&[&["run", "s.yaml", "--seeds", "5"], args].concat());
    run(&["--out", "base"]).ok();
    run(&["--out", "new", "--set", "network.forward.loss=30%"]).ok();
    sandbox
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let sandbox = runs();
    for new in ["base", "base/summary.json"] {
        let text = sandbox
            .run(&["compare", "base", new, "--fail-if", "any worse"])
            .ok();
        assert!(text.contains(": 0 better, 0 worse, 0 changed, "), "{text}");
        let json = sandbox.run(&["compare", "base", new, "--json"]).ok();
        let json: Value = serde_json::from_str(&json).unwrap();
        let rows = json["rows"].as_array().unwrap();
        assert!(rows.len() > 40, "{}", rows.len());
        for row in rows {
            assert_eq!(row["verdict"], "no_change", "{row}");
            assert_eq!(
                (&row["seeds"], &row["difference"]),
                (&5.into(), &0.0.into())
            );
        }
        assert_eq!(json["unmatched_cases"], Value::Array(Vec::new()));
    }
}

#[test]
fn what_fails_if_it_got_worse() {
    let sandbox = runs();
    let compare =
        |base: &str, new: &str, expr: &str| sandbox.run(&["compare", base, new, "--fail-if", expr]);
    for expr in [
        "any worse",
        "call.loss_ratio worse",
        "call.loss_ratio worse by 0.1",
        "*.loss_ratio worse by 50%",
    ] {
        let ran = compare("base", "new", expr);
        assert_eq!(ran.code, 101, "{expr}: {}", ran.err);
        assert!(
            ran.err.starts_with(&format!("error: regression: {expr} (")),
            "{}",
            ran.err
        );
        // What is under test, and the numbers.
        assert!(
            ran.out
                .starts_with("s: network.forward.loss (not set) -> 30%\n"),
            "{}",
            ran.out
        );
        let row = ran
            .out
            .lines()
            .find(|line| line.contains("call.loss_ratio"));
        assert!(
            row.is_some_and(|row| row.starts_with("  worse ") && row.contains(" -> ")),
            "{}",
            ran.out
        );
    }
    compare("base", "new", "call.loss_ratio worse by 0.5").ok();
    let text = compare("new", "base", "call.loss_ratio worse").ok();
    assert!(text.contains("\n  better   call.loss_ratio "), "{text}");
    // Several conditions: all are told.
    let args = [
        "compare",
        "base",
        "new",
        "--fail-if",
        "call.loss_ratio worse",
        "--fail-if",
        "any worse",
    ];
    let both = sandbox.run(&args);
    assert!(
        both.code == 101 && both.err.contains("; any worse ("),
        "{}",
        both.err
    );
}

#[test]
fn conditions_that_make_no_sense() {
    let sandbox = runs();
    for (expr, message) in [
        (
            "call.loss_ratio <= 1%",
            "`call.loss_ratio <= 1%` is no condition: expected `SUBJECT.METRIC worse`",
        ),
        (
            "call.los_ratio worse",
            "unknown metric `los_ratio` (did you mean `loss_ratio`?)",
        ),
        (
            "cal.loss_ratio worse",
            "nothing to compare for `cal.loss_ratio worse`",
        ),
        (
            "call.loss_ratio worse by much",
            "`call.loss_ratio worse by much` is no condition",
        ),
    ] {
        let found = sandbox
            .run(&["compare", "base", "base", "--fail-if", expr])
            .fails(2);
        assert!(
            found.starts_with(&format!("error: --fail-if: {message}")),
            "{found}"
        );
    }
}

#[test]
fn runs_that_cannot_be_compared() {
    let sandbox = runs();
    sandbox.write("other.yaml", call(""));
    sandbox.run(&["run", "other.yaml", "--out", "other"]).ok();
    sandbox.write("old/summary.json", r#"{"schema": "weaknet.summary/0"}"#);
    for (new, message) in [
        (
            "other",
            "the runs have no case in common: scenario, parameters and seed must be equal",
        ),
        ("nowhere", "failed to read `nowhere`: "),
        (".", "failed to read `./summary.json`: "),
        ("s.yaml", "`s.yaml` is not JSON: "),
        (
            "base/manifest.json",
            "`base/manifest.json` has schema `weaknet.manifest/1`: this version reads `weaknet.summary/1`",
        ),
        ("old", "`old/summary.json` has schema `weaknet.summary/0`"),
    ] {
        let found = sandbox.run(&["compare", "base", new]).fails(65);
        assert!(found.starts_with(&format!("error: {message}")), "{found}");
    }
}

#[test]
fn axes_are_matched_by_their_values() {
    let matrix = "matrix:\n  network.forward.delay: [20ms, 40ms, 80ms]\n";
    let sandbox = Sandbox::new(&[("s.yaml", &call(matrix))]);
    sandbox.run(&["run", "s.yaml", "--out", "base"]).ok();
    let set = "network.forward.delay=80ms|160ms";
    sandbox
        .run(&["run", "s.yaml", "--set", set, "--out", "new"])
        .ok();
    let json = sandbox.run(&["compare", "base", "new", "--json"]).ok();
    let json: Value = serde_json::from_str(&json).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert!(
        rows.iter()
            .all(|row| row["params"]["network.forward.delay"] == "80ms")
    );
    assert!(rows.iter().all(|row| row["verdict"] == "no_change"));
    assert_eq!(json["unmatched_cases"].as_array().unwrap().len(), 3);
}
