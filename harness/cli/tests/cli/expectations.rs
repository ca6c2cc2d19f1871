//! Expectations are judged on the median over seeds.

use serde_json::Value;

use crate::support::{Sandbox, call};

/// The loss of the call with each of three seeds, ascending.
fn losses(sandbox: &Sandbox) -> Vec<f64> {
    let summary = sandbox
        .run(&["run", "s.yaml", "--seeds", "3", "--json", "--out", "o"])
        .ok();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let cases = summary["cases"].as_array().unwrap().iter();
    let loss = |case: &Value| case["flows"][0]["metrics"]["loss_ratio"].as_f64().unwrap();
    let mut losses: Vec<f64> = cases.map(loss).collect();
    losses.sort_unstable_by(f64::total_cmp);
    losses
}

#[test]
fn the_median_decides_and_single_seeds_do_not() {
    let lossy = call("").replace("delay: 20ms", "delay: 20ms, loss: 10%");
    let sandbox = Sandbox::new(&[("s.yaml", &lossy)]);
    let losses = losses(&sandbox);
    let between = |a: usize, b: usize| (losses[a] + losses[b]) / 2.0;
    assert!(losses[0] < losses[1] && losses[1] < losses[2], "{losses:?}");
    // Two of three seeds pass, so does the median; then one of three.
    for (limit, code, passed) in [(between(1, 2), 0, 2), (between(0, 1), 100, 1)] {
        let expect = format!("expect: [call.loss_ratio <= {limit}, forward.loss_ratio >= 0%]\n");
        sandbox.write("s.yaml", lossy.clone() + &expect);
        let ran = sandbox.run(&["run", "s.yaml", "--seeds", "3", "--out", "o"]);
        assert_eq!(ran.code, code, "{}\n{}", ran.out, ran.err);
        let verdict = match code {
            0 => "All 2 expectations are met".to_owned(),
            _ => format!("{passed} of 3 seeds"),
        };
        assert!(ran.out.contains(&verdict), "{}", ran.out);
        let failed = ran.err.contains("error: 1 of 2 expectations failed\n");
        assert_eq!(failed, code == 100, "{}", ran.err);
        // Written all the same, and judged per seed.
        let summary = sandbox.json("o/summary.json");
        let judged: Vec<&Value> = summary["cases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|case| &case["expectations"][0])
            .collect();
        assert_eq!(
            judged.iter().filter(|one| one["ok"] == true).count(),
            passed
        );
        assert_eq!(judged[0]["expr"], format!("call.loss_ratio <= {limit}"));
        assert!(judged[0]["value"].is_f64());
    }
}

#[test]
fn shares_can_be_written_in_percent() {
    let expect = "expect: [call.connected_5s_ratio >= 100%, call.loss_ratio < 100%]\n";
    let sandbox = Sandbox::new(&[("s.yaml", &call(expect))]);
    sandbox.run(&["run", "s.yaml", "--out", "o"]).ok();
}
