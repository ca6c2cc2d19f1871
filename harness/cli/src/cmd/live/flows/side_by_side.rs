//! The simulated and the live score card of the same cases.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use weaknet_harness::plan::Case;
use weaknet_harness::registry::Registry;
use weaknet_harness::results::{CaseResult, Summary};
use weaknet_harness::runner::run_all;
use weaknet_harness::store::RunWriter;

use crate::exit::{Exit, Failure};

/// The file with the simulated scores, in the result directory.
const FILE: &str = "simulated.json";

/// Simulates the cases and keeps their scores beside the live ones.
pub(super) fn simulate(
    cases: &[Case],
    registry: &Registry,
    writer: &RunWriter,
    stop: &AtomicBool,
) -> Result<Summary, Failure> {
    let done: Mutex<BTreeMap<String, CaseResult>> = Mutex::default();
    let all: Vec<&Case> = cases.iter().collect();
    run_all(&all, registry, None, None, stop, &|case, outcome| {
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        done.insert(case.id.clone(), outcome.result);
    })
    .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let results = cases.iter().filter_map(|case| done.remove(&case.id));
    let summary = Summary::new(results.collect());
    let json = serde_json::to_vec_pretty(&summary)
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    writer
        .attach(FILE, &json)
        .map_err(crate::cmd::run::store_failure)?;
    Ok(summary)
}

/// One metric of one flow or link, over all seeds.
struct Row {
    name: String,
    simulated: Vec<f64>,
    live: Vec<f64>,
}

/// Both score cards: medians over the seeds, and the range of several.
pub(super) fn table(
    simulated: &Summary,
    live: &Summary,
    registry: &Registry,
) -> Result<String, Failure> {
    let definitions = registry
        .definitions()
        .map_err(|message| Failure::new(Exit::Internal, message))?;
    let mut rows = Vec::new();
    let Some(first) = live.cases.first() else {
        return Ok(String::new());
    };
    for subject in first.flows.iter().chain(&first.links) {
        for definition in &definitions {
            let values = |summary: &Summary| -> Vec<f64> {
                let cases = summary.cases.iter();
                let found = cases.filter_map(|case| case.metric(&subject.name, definition.name));
                let mut values: Vec<f64> = found.collect();
                values.sort_by(f64::total_cmp);
                values
            };
            let row = Row {
                name: format!("{}.{}", subject.name, definition.name),
                simulated: values(simulated),
                live: values(live),
            };
            if !row.simulated.is_empty() || !row.live.is_empty() {
                rows.push(row);
            }
        }
    }
    let mut cells = vec![["metric", "simulated", "live", "difference"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let (simulated, live) = (median(&row.simulated), median(&row.live));
        [
            row.name.clone(),
            shown(&row.simulated),
            shown(&row.live),
            difference(simulated, live),
        ]
    }));
    Ok(aligned(&cells))
}

/// The median of ascending values.
fn median(values: &[f64]) -> Option<f64> {
    let middle = values.len() / 2;
    let upper = values.get(middle).copied()?;
    let is_odd = !values.len().is_multiple_of(2);
    let lower = values.get(middle.wrapping_sub(1)).copied();
    Some(match lower {
        Some(lower) if !is_odd => f64::midpoint(lower, upper),
        _ => upper,
    })
}

fn shown(values: &[f64]) -> String {
    let Some(median) = median(values) else {
        return "-".to_owned();
    };
    match (values.first(), values.last()) {
        (Some(least), Some(most)) if values.len() > 1 => {
            format!("{} [{}, {}]", number(median), number(*least), number(*most))
        }
        _ => number(median),
    }
}

fn difference(simulated: Option<f64>, live: Option<f64>) -> String {
    let (Some(simulated), Some(live)) = (simulated, live) else {
        return String::new();
    };
    let by = live - simulated;
    let sign = if by < 0.0 { "" } else { "+" };
    if simulated == 0.0 {
        return format!("{sign}{}", number(by));
    }
    let percent = 100.0 * by / simulated.abs();
    format!("{sign}{} ({sign}{percent:.1} %)", number(by))
}

/// As many decimals as tell something.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        size if size >= 1_000.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

fn aligned(cells: &[[String; 4]]) -> String {
    let width = |column: usize| {
        let widths = cells.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3].map(width);
    let lines = cells.iter().map(|[name, simulated, live, difference]| {
        format!(
            "{name:<0$}  {simulated:>1$}  {live:>2$}  {difference:>3$}\n",
            widths[0], widths[1], widths[2], widths[3]
        )
    });
    lines.collect()
}
