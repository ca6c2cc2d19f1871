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
    let cells: Vec<[String; 5]> = changed.iter().map(|row| cells(row)).collect();
    let width = |column: usize| {
        let widths = cells.iter().map(|cells| cells[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3, 4].map(width);
    let intervals: Vec<String> = changed.iter().map(|row| interval(row)).collect();
    // On a narrow terminal the intervals make way.
    let longest = intervals.iter().map(String::len).max().unwrap_or(0);
    let full = widths.iter().sum::<usize>() + 2 + 2 + 2 + 4 + 2 + longest;
    let narrow = screen::terminal_width().is_some_and(|room| room < full);
    let mut place = None;
    for (at, (row, cells)) in changed.iter().zip(&cells).enumerate() {
        if place.replace((&row.scenario, &row.params)) != Some((&row.scenario, &row.params)) {
            text.push_str(&heading(row, comparison));
        }
        let [verdict, name, base, new, difference] = cells;
        let interval = if narrow { "" } else { &intervals[at] };
        text.push_str(&format!(
            "  {verdict:<0$}  {name:<1$}  {base:>2$} -> {new:>3$}  {difference:>4$}{interval}\n",
            widths[0], widths[1], widths[2], widths[3], widths[4],
        ));
    }
    if narrow {
        text.push_str("95 % intervals on a wider terminal and with --json\n");
    }
    let same = comparison.rows.len() - changed.len();
    let unclear = match count(comparison, Verdict::Unclear) {
        0 => String::new(),
        some => format!("{some} unclear (one seed), "),
    };
    text.push_str(&format!(
        "{} metrics compared: {} better, {} worse, {} changed, {unclear}{same} no change\n",
        comparison.rows.len(),
        count(comparison, Verdict::Better),
        count(comparison, Verdict::Worse),
        count(comparison, Verdict::Changed),
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

/// The interval of the difference.
fn interval(row: &Row) -> String {
    row.interval.map_or_else(String::new, |[low, high]| {
        format!(" [{}, {}]", signed(low), signed(high))
    })
}

/// Verdict, metric, both values and their difference.
fn cells(row: &Row) -> [String; 5] {
    let verdict = match row.verdict {
        Verdict::Unclear => "unclear",
        verdict => verdict.words(),
    };
    [
        verdict.to_owned(),
        format!("{}.{}", row.subject, row.metric),
        number(row.base),
        number(row.new),
        signed(row.difference),
    ]
}

/// The scenario and what tells its cases apart.
fn heading(row: &Row, comparison: &Comparison) -> String {
    let under_test = |param: &String| {
        let mut changes = comparison.changes.iter();
        changes.any(|change| change.scenario == row.scenario && change.param == *param)
    };
    let mut text = row.scenario.clone();
    for (param, value) in row.params.iter().filter(|(param, _)| !under_test(param)) {
        text.push_str(&format!("  {param}={value}"));
    }
    text.push('\n');
    text
}

fn count(comparison: &Comparison, verdict: Verdict) -> usize {
    comparison
        .rows
        .iter()
        .filter(|row| row.verdict == verdict)
        .count()
}

/// Four significant digits, whole numbers in full, no more than six decimals.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        size if size >= 1000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 => 3,
        size if size >= 0.1 => 4,
        size if size >= 0.01 => 5,
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
