//! `weaknet compare`: two runs, paired by scenario, parameters and seed.

use weaknet_harness::compare::{Comparison, FailIf, Row, Side, Verdict, compare};
use weaknet_harness::registry::Registry;
use weaknet_harness::store::RunDir;

use crate::args::Compare;
use crate::exit::{Exit, Failure};
use crate::screen;

pub(super) fn run(args: &Compare, registry: &Registry) -> Result<(), Failure> {
    let definitions = registry
        .definitions()
        .map_err(|message| Failure::new(Exit::Internal, message))?;
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let mut conditions: Vec<FailIf> = Vec::new();
    for text in &args.fail_if {
        let condition: FailIf = text
            .parse()
            .map_err(|error| usage(format!("--fail-if: {error}")))?;
        condition
            .check(&definitions)
            .map_err(|error| usage(format!("--fail-if: {error}")))?;
        conditions.push(condition);
    }
    let open = |path| RunDir::open(path).map_err(|e| Failure::new(Exit::BadData, e.to_string()));
    let (base, new) = (open(&args.base)?, open(&args.new)?);
    let comparison = compare(&base.summary, &new.summary, &definitions)
        .map_err(|error| Failure::new(Exit::BadData, error.to_string()))?;
    let mut failures = Vec::new();
    for condition in &conditions {
        let rows = condition
            .failures(&comparison)
            .map_err(|error| usage(format!("--fail-if: {error}")))?;
        if !rows.is_empty() {
            failures.push(format!("{} ({} rows)", condition.text(), rows.len()));
        }
    }
    if args.json {
        let json = serde_json::to_string_pretty(&comparison)
            .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
        screen::print(&format!("{json}\n"));
    } else {
        screen::print(&text(&comparison));
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(
            Exit::Regression,
            format!("regression: {}", failures.join("; ")),
        ))
    }
}

fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    for change in &comparison.changes {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".to_owned());
        text.push_str(&format!(
            "{}: {} {} -> {}\n",
            change.scenario,
            change.param,
            side(&change.base),
            side(&change.new)
        ));
    }
    let changed: Vec<&Row> = comparison
        .rows
        .iter()
        .filter(|row| row.verdict != Verdict::NoChange)
        .collect();
    let mut place = None;
    for row in &changed {
        if place.replace((&row.scenario, &row.params)) != Some((&row.scenario, &row.params)) {
            let params: Vec<String> = row.params.iter().map(|(k, v)| format!("{k}={v}")).collect();
            text.push_str(&format!("{} {}\n", row.scenario, params.join(" ")).replace(" \n", "\n"));
        }
        let interval = row.interval.map_or_else(String::new, |[low, high]| {
            format!("  [{}, {}]", signed(low), signed(high))
        });
        text.push_str(&format!(
            "  {:<44} {:>12} -> {:>12}  {:>12}{interval}  {}\n",
            format!("{}.{}", row.subject, row.metric),
            number(row.base),
            number(row.new),
            signed(row.difference),
            row.verdict.words(),
        ));
    }
    let same = comparison.rows.len() - changed.len();
    text.push_str(&format!(
        "{} metrics compared: {} better, {} worse, {} changed, {} unclear, {same} no change\n",
        comparison.rows.len(),
        count(comparison, Verdict::Better),
        count(comparison, Verdict::Worse),
        count(comparison, Verdict::Changed),
        count(comparison, Verdict::Unclear),
    ));
    for (side, name) in [(Side::Base, "base"), (Side::New, "new")] {
        let cases = comparison
            .unmatched_cases
            .iter()
            .filter(|case| case.side == side)
            .count();
        if cases > 0 {
            text.push_str(&format!("{cases} cases are in the {name} run only\n"));
        }
        for metric in comparison
            .unmatched_metrics
            .iter()
            .filter(|metric| metric.side == side)
        {
            text.push_str(&format!(
                "{} {}.{}: in the {name} run only, {} seeds\n",
                metric.scenario, metric.subject, metric.metric, metric.seeds
            ));
        }
    }
    text
}

fn count(comparison: &Comparison, verdict: Verdict) -> usize {
    comparison
        .rows
        .iter()
        .filter(|row| row.verdict == verdict)
        .count()
}

/// Four significant digits at least, no more than six decimals.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 1000.0 => 0,
        size if size >= 10.0 => 2,
        size if size >= 0.1 || size == 0.0 => 4,
        _ => 6,
    };
    format!("{value:.decimals$}")
}

fn signed(value: f64) -> String {
    let text = number(value);
    if text.starts_with('-') {
        text
    } else {
        format!("+{text}")
    }
}
