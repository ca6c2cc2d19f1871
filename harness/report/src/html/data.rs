//! The data that the page's script draws, as JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use weaknet_harness::metrics::Better;
use weaknet_harness::results::{CaseResult, Series};

use super::escape::clip;
use super::pack::{Packed, pack, short};
use super::palette::slots;
use super::setting::{self, Setting, Window};
use super::{LONGEST_NAME, MOST_ROWS, reproduce};
use crate::ReportInput;
use crate::board::{Board, Row, ScoreTable};

/// Up to so many cases the time series of all seeds are embedded, beyond it
/// those of the first seed of each group.
const ALL_SEEDS_UP_TO: usize = 20;

/// Characters of timelines embedded at most, about.
const SERIES_BUDGET: usize = 1_500_000;

/// Values of single seeds in the scatter at most; beyond it only the means.
const SEED_VALUES: usize = 30_000;

/// Everything that the script draws.
#[derive(Debug, Serialize)]
pub(super) struct PageData {
    scatter: Vec<Scatter>,
    pub(super) timelines: Vec<Timeline>,
}

/// A score table for the scatter.
#[derive(Debug, Serialize)]
struct Scatter {
    kind: &'static str,
    metrics: Vec<Metric>,
    contests: Vec<Contest>,
}

#[derive(Debug, Serialize)]
struct Metric {
    name: String,
    title: String,
    unit: &'static str,
    scale: f64,
    decimals: usize,
    better: Better,
}

/// Rows that compete.
#[derive(Debug, Serialize)]
struct Contest {
    title: String,
    rows: Vec<Dot>,
}

/// One row of a score table.
#[derive(Debug, Serialize)]
struct Dot {
    label: String,
    slot: usize,
    /// Another flow of the same group has the filled marker.
    hollow: bool,
    /// Mean by metric.
    mean: Vec<Option<f64>>,
    /// Interval by metric.
    interval: Vec<Option<(f64, f64)>>,
    seeds: Vec<SeedDot>,
}

/// One seed of a row.
#[derive(Debug, Serialize)]
struct SeedDot {
    case: String,
    seed: String,
    /// Value by metric.
    values: Vec<Option<f64>>,
}

/// The time series of one case.
#[derive(Debug, Serialize)]
pub(super) struct Timeline {
    case: String,
    group: String,
    slot: usize,
    seed: String,
    command: String,
    end: f64,
    flows: Vec<String>,
    links: Vec<String>,
    window: Option<Window>,
    /// Links by flow.
    routes: BTreeMap<String, Vec<String>>,
    columns: Vec<TimelineColumn>,
}

#[derive(Debug, Serialize)]
struct TimelineColumn {
    /// `flow` or `link`.
    of: &'static str,
    name: String,
    quantity: String,
    data: Packed,
}

/// Slots of colour and marker: by choice, so that a controller looks the same
/// under all conditions; by group if nothing is chosen.
pub(super) fn group_slots(board: &Board<'_>) -> Vec<usize> {
    let choices = board.axes.iter().any(|axis| axis.is_choice());
    let labels: Vec<String> = board
        .groups
        .iter()
        .map(|group| {
            if !choices {
                return group.label.clone();
            }
            let values: Vec<&str> = board
                .axes
                .iter()
                .filter(|axis| axis.is_choice())
                .map(|axis| group.params.get(&axis.path).map_or("-", String::as_str))
                .collect();
            values.join(" · ")
        })
        .collect();
    slots(&labels)
}

/// Gathers the page's data.
pub(super) fn page_data(
    input: &ReportInput<'_>,
    board: &Board<'_>,
    slots: &[usize],
    settings: &[Setting],
) -> PageData {
    let cases = &input.summary.cases;
    let metrics: usize = board
        .flows
        .iter()
        .map(|table| table.columns.len())
        .max()
        .unwrap_or(0);
    let with_seeds = cases.len() * metrics <= SEED_VALUES;
    let scatter = board
        .flows
        .iter()
        .map(|table| scatter(cases, board, table, slots, with_seeds))
        .collect();
    PageData {
        scatter,
        timelines: timelines(input, board, slots, settings),
    }
}

fn scatter(
    cases: &[CaseResult],
    board: &Board<'_>,
    table: &ScoreTable,
    slots: &[usize],
    with_seeds: bool,
) -> Scatter {
    let metrics = table.columns.iter().map(|column| Metric {
        name: column.metric.clone(),
        title: column.title(),
        unit: column.unit,
        scale: column.scale,
        decimals: column.decimals,
        better: column.better,
    });
    let shown = &table.rows[..table.rows.len().min(MOST_ROWS)];
    let contests = shown.chunk_by(|a, b| a.contest == b.contest).map(|rows| {
        // Labels that all rows of the contest share name the contest.
        let shared = |at: usize| {
            rows.iter()
                .all(|row| row.labels.get(at) == rows[0].labels.get(at))
        };
        let join = |row: &Row, keep: &dyn Fn(usize) -> bool| -> String {
            let words = row
                .labels
                .iter()
                .enumerate()
                .filter(|(at, label)| keep(*at) && !label.is_empty());
            clip(
                &words
                    .map(|(_, label)| label.as_str())
                    .collect::<Vec<_>>()
                    .join(" · "),
                LONGEST_NAME,
            )
        };
        let alone = rows.len() == 1;
        let context = || table.context.join(" · ");
        let title = Some(join(&rows[0], &|at| alone || shared(at)))
            .filter(|t| !t.is_empty())
            .unwrap_or_else(context);
        let dots = rows.iter().map(|row| {
            let label = Some(join(row, &|at| alone || !shared(at)))
                .filter(|l| !l.is_empty())
                .unwrap_or_else(context);
            Dot {
                label,
                slot: slots.get(row.group).copied().unwrap_or(0),
                hollow: table.is_hollow(row),
                mean: row
                    .cells
                    .iter()
                    .map(|cell| cell.as_ref().map(|cell| short(cell.mean)))
                    .collect(),
                interval: row
                    .cells
                    .iter()
                    .map(|cell| {
                        cell.as_ref()?
                            .interval
                            .map(|(low, high)| (short(low), short(high)))
                    })
                    .collect(),
                seeds: if with_seeds {
                    seed_dots(cases, board, table, row)
                } else {
                    Vec::new()
                },
            }
        });
        Contest {
            title,
            rows: dots.collect(),
        }
    });
    Scatter {
        kind: table.kind.title(),
        metrics: metrics.collect(),
        contests: contests.collect(),
    }
}

fn seed_dots(
    cases: &[CaseResult],
    board: &Board<'_>,
    table: &ScoreTable,
    row: &Row,
) -> Vec<SeedDot> {
    let members = board
        .groups
        .get(row.group)
        .map_or(&[][..], |group| &group.cases);
    members
        .iter()
        .filter_map(|&at| {
            let case = cases.get(at)?;
            let scores = case.flows.iter().find(|flow| flow.name == row.subject)?;
            let value = |metric: &String| scores.metrics.get(metric).copied().map(short);
            Some(SeedDot {
                case: case.id.clone(),
                seed: case.seed.clone(),
                values: table
                    .columns
                    .iter()
                    .map(|column| value(&column.metric))
                    .collect(),
            })
        })
        .collect()
}

fn timelines(
    input: &ReportInput<'_>,
    board: &Board<'_>,
    slots: &[usize],
    settings: &[Setting],
) -> Vec<Timeline> {
    let cases = &input.summary.cases;
    let seeds_each = if cases.len() <= ALL_SEEDS_UP_TO {
        usize::MAX
    } else {
        1
    };
    let mut timelines = Vec::new();
    let mut used = 0;
    for (index, group) in board.groups.iter().enumerate() {
        for case in group
            .cases
            .iter()
            .take(seeds_each)
            .filter_map(|&at| cases.get(at))
        {
            if used >= SERIES_BUDGET {
                return timelines;
            }
            let Some(series) = (input.series)(&case.id) else {
                continue;
            };
            let setting = setting::of(settings, case);
            let bins = series.values.iter().map(Vec::len).max().unwrap_or(0);
            let timeline = Timeline {
                case: case.id.clone(),
                group: clip(&group.label, LONGEST_NAME),
                slot: slots.get(index).copied().unwrap_or(0),
                seed: case.seed.clone(),
                command: reproduce(input, &case.id),
                end: bins as f64 * series.step_s,
                flows: case.flows.iter().map(|flow| flow.name.clone()).collect(),
                links: case.links.iter().map(|link| link.name.clone()).collect(),
                window: setting.and_then(|setting| setting.window),
                routes: setting
                    .map(|setting| setting.routes.iter().cloned().collect())
                    .unwrap_or_default(),
                columns: columns(case, &series, SERIES_BUDGET - used),
            };
            used += timeline.size();
            timelines.push(timeline);
        }
    }
    timelines
}

impl Timeline {
    /// Characters in the page, about.
    fn size(&self) -> usize {
        let names: usize = self
            .flows
            .iter()
            .chain(&self.links)
            .map(|name| name.len() + 3)
            .sum();
        let columns: usize = self.columns.iter().map(TimelineColumn::size).sum();
        let texts = self.case.len() + self.group.len() + self.seed.len() + self.command.len();
        names + columns + texts + 120
    }
}

impl TimelineColumn {
    /// Characters in the page, about.
    fn size(&self) -> usize {
        self.data.size() + self.name.len() + self.quantity.len() + 80
    }
}

fn columns(case: &CaseResult, series: &Series, budget: usize) -> Vec<TimelineColumn> {
    let mut columns = Vec::new();
    let mut used = 0;
    for (full_name, values) in series.columns.iter().zip(&series.values) {
        let Some((of, name, quantity)) = split(case, full_name) else {
            continue;
        };
        let Some(data) = pack(quantity, values, series.step_s) else {
            continue;
        };
        let column = TimelineColumn {
            of,
            name: name.to_owned(),
            quantity: quantity.to_owned(),
            data,
        };
        used += column.size();
        if used > budget {
            break;
        }
        columns.push(column);
    }
    columns
}

/// Splits `flow.<name>.<quantity>`: names may hold points, so they are looked
/// up among the case's subjects, the longest first.
fn split<'c>(case: &'c CaseResult, column: &'c str) -> Option<(&'static str, &'c str, &'c str)> {
    let (of, rest, subjects) = if let Some(rest) = column.strip_prefix("flow.") {
        ("flow", rest, &case.flows)
    } else {
        ("link", column.strip_prefix("link.")?, &case.links)
    };
    subjects
        .iter()
        .filter_map(|subject| {
            let quantity = rest
                .strip_prefix(subject.name.as_str())?
                .strip_prefix('.')?;
            Some((of, subject.name.as_str(), quantity))
        })
        .max_by_key(|(_, name, _)| name.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_harness::results::SubjectScores;

    fn subject(name: &str) -> SubjectScores {
        SubjectScores {
            name: name.into(),
            metrics: [].into(),
        }
    }

    #[test]
    fn names_with_points_are_found() {
        let case = CaseResult {
            id: "1".into(),
            scenario: "s".into(),
            params: [].into(),
            seed: "1".into(),
            digest: String::new(),
            trajectory: String::new(),
            flows: vec![subject("call"), subject("call.up")],
            links: vec![subject("forward")],
            expectations: vec![],
        };
        assert_eq!(
            split(&case, "flow.call.up.sent_kbps"),
            Some(("flow", "call.up", "sent_kbps"))
        );
        assert_eq!(
            split(&case, "flow.call.gcc.trend"),
            Some(("flow", "call", "gcc.trend"))
        );
        assert_eq!(
            split(&case, "link.forward.drops"),
            Some(("link", "forward", "drops"))
        );
        assert_eq!(split(&case, "link.backward.drops"), None);
        assert_eq!(split(&case, "t_s"), None);
    }
}
