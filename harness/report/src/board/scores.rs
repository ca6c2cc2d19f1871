//! Score tables: one row per group and subject, one column per metric, the
//! best of comparable rows marked.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use weaknet_harness::metrics::{Better, Definition};
use weaknet_harness::results::{CaseResult, SubjectScores};

use super::columns::{Column, SubjectKind};
use super::groups::{Axis, Group, in_words, is_choice};
use crate::Interval;

/// With fewer values a mean has no interval here: Student's is thirteen times
/// as wide as two values lie apart.
const FEWEST_SEEDS: usize = 3;

/// How a cell stands among the rows that it competes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Not the best, or nothing to compete with.
    None,
    /// The best mean, and no other row's interval reaches into its own.
    Best,
    /// The best mean, but another row's interval overlaps its own, or there
    /// are too few seeds for intervals.
    Leading,
}

/// A metric over the seeds of a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cell {
    /// Mean over the seeds that have a value.
    pub(crate) mean: f64,
    /// 95 % interval of the mean; `None` for fewer than [`FEWEST_SEEDS`] values.
    pub(crate) interval: Option<(f64, f64)>,
    /// Standing.
    pub(crate) mark: Mark,
}

impl Cell {
    /// Half of the interval as written; `None` without one, or if it rounds
    /// to zero.
    pub(crate) fn half_width(&self, column: &Column) -> Option<String> {
        let half = self.interval.map(|(low, high)| (high - low) / 2.0)?;
        (!column.is_zero(half)).then(|| column.format(half))
    }
}

/// One group and subject.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Index of the group.
    pub(crate) group: usize,
    /// Name of the flow or link.
    pub(crate) subject: String,
    /// Values of the table's heads.
    pub(crate) labels: Vec<String>,
    /// Rows with the same number compete.
    pub(crate) contest: usize,
    /// By column; `None`: the metric does not apply.
    pub(crate) cells: Vec<Option<Cell>>,
}

impl Row {
    /// Its labels in one line.
    pub(crate) fn name(&self) -> String {
        let words = self.labels.iter().map(String::as_str);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join(" · ")
    }
}

/// The scores of all subjects of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScoreTable {
    /// The kind.
    pub(crate) kind: SubjectKind,
    /// What all rows share, for the title.
    pub(crate) context: Vec<String>,
    /// Names of the label columns.
    pub(crate) heads: Vec<String>,
    /// Metrics, most telling first.
    pub(crate) columns: Vec<Column>,
    /// Rows, those of one contest together.
    pub(crate) rows: Vec<Row>,
}

impl ScoreTable {
    /// Whether any rows compete.
    pub(crate) fn has_contests(&self) -> bool {
        self.rows
            .windows(2)
            .any(|pair| pair[0].contest == pair[1].contest)
    }

    /// Whether a row is not about the first subject of its group: markers
    /// are by group and such a row has a hollow one.
    pub(crate) fn is_hollow(&self, row: &Row) -> bool {
        let first = self.rows.iter().find(|other| other.group == row.group);
        first.is_some_and(|first| first.subject != row.subject)
    }
}

/// Which row comes first by the first of the columns in which they are not written
/// alike; a row without a value comes last.
fn compare(ranking: &[Column], a: &Row, b: &Row) -> Ordering {
    let by_column = ranking.iter().enumerate().map(|(at, column)| {
        let mean = |row: &Row| row.cells[at].as_ref().map(|cell| cell.mean);
        match (mean(a), mean(b)) {
            (Some(a), Some(b)) if column.format(a) == column.format(b) => Ordering::Equal,
            (Some(a), Some(b)) if column.better == Better::Higher => b.total_cmp(&a),
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    });
    by_column.fold(Ordering::Equal, Ordering::then)
}

/// A subject of a group with its scores by seed.
struct Entry<'s> {
    group: usize,
    subject: &'s str,
    seeds: Vec<&'s BTreeMap<String, f64>>,
}

/// What score tables are made from.
pub(crate) struct Source<'s> {
    /// The cases.
    pub(crate) cases: &'s [CaseResult],
    /// Their groups.
    pub(crate) groups: &'s [Group<'s>],
    /// Axes along which groups differ.
    pub(crate) axes: &'s [Axis],
    /// Metrics of expectations that fail.
    pub(crate) failed: &'s BTreeSet<&'s str>,
    /// Metrics of expectations that all meet.
    pub(crate) met: &'s BTreeSet<&'s str>,
    /// Metrics by which rows that compete are sorted.
    pub(crate) rank: &'s [&'s str],
    /// Metrics known.
    pub(crate) definitions: &'s [Definition],
    /// Interval of a mean.
    pub(crate) interval: Interval,
}

impl<'s> Source<'s> {
    /// One table per kind of flow.
    pub(crate) fn flow_tables(&self) -> Vec<ScoreTable> {
        let mut kinds: BTreeMap<SubjectKind, Vec<Entry<'s>>> = BTreeMap::new();
        for entry in self.entries(|case| &case.flows) {
            kinds
                .entry(SubjectKind::of_flow(&entry.metrics()))
                .or_default()
                .push(entry);
        }
        kinds
            .into_iter()
            .map(|(kind, entries)| self.table(kind, entries))
            .collect()
    }

    /// The table of links without those on which nothing is limited, waits or
    /// is lost; `None` if no link is left.
    pub(crate) fn link_table(&self) -> Option<ScoreTable> {
        let mut entries = self.entries(|case| &case.links);
        let present: BTreeSet<&str> = entries.iter().flat_map(Entry::metrics).collect();
        let shown = SubjectKind::Link.choose(&present, self.failed, self.met);
        entries.retain(|entry| shown.iter().any(|metric| !entry.is_silent(metric)));
        (!entries.is_empty()).then(|| self.table(SubjectKind::Link, entries))
    }

    fn entries(&self, subjects: fn(&CaseResult) -> &Vec<SubjectScores>) -> Vec<Entry<'s>> {
        let mut entries: Vec<Entry<'s>> = Vec::new();
        for (group, members) in self.groups.iter().enumerate() {
            let first = entries.len();
            for case in members.cases.iter().filter_map(|&at| self.cases.get(at)) {
                for scores in subjects(case) {
                    let known = entries[first..]
                        .iter_mut()
                        .find(|entry| entry.subject == scores.name);
                    match known {
                        Some(entry) => entry.seeds.push(&scores.metrics),
                        None => {
                            entries.push(Entry {
                                group,
                                subject: &scores.name,
                                seeds: vec![&scores.metrics],
                            });
                        }
                    }
                }
            }
        }
        entries
    }

    fn table(&self, kind: SubjectKind, entries: Vec<Entry<'s>>) -> ScoreTable {
        let present: BTreeSet<&str> = entries.iter().flat_map(Entry::metrics).collect();
        let says_something = |metric: &str| {
            kind.is_essential(metric)
                || self.failed.contains(metric)
                || entries.iter().any(|entry| !entry.is_silent(metric))
        };
        let mut metrics = kind.choose(&present, self.failed, self.met);
        metrics.retain(|metric| says_something(metric) && !self.rank.contains(metric));
        let ranking: Vec<&str> = self
            .rank
            .iter()
            .copied()
            .filter(|m| present.contains(m))
            .collect();
        metrics.splice(..0, ranking.iter().copied());
        let (heads, context, labels) = self.labels(kind, &entries);
        let contests = self.contests(&entries);
        let mut rows: Vec<Row> = entries
            .iter()
            .zip(labels)
            .zip(contests)
            .map(|((entry, labels), contest)| Row {
                group: entry.group,
                subject: entry.subject.to_owned(),
                labels,
                contest,
                cells: metrics
                    .iter()
                    .map(|metric| self.cell(entry, metric))
                    .collect(),
            })
            .collect();
        rows.sort_by_key(|row| row.contest);
        let columns: Vec<Column> = metrics
            .iter()
            .enumerate()
            .map(|(at, metric)| {
                let means = rows
                    .iter()
                    .filter_map(|row| row.cells[at].as_ref())
                    .map(|cell| cell.mean.abs());
                Column::new(metric, self.definitions, means.fold(0.0, f64::max))
            })
            .collect();
        if kind != SubjectKind::Link {
            for contest in rows.chunk_by_mut(|a, b| a.contest == b.contest) {
                for (at, column) in columns.iter().enumerate() {
                    mark(contest, at, column);
                }
                let ranking = &columns[..ranking.len()];
                contest.sort_by(|a, b| compare(ranking, a, b));
            }
        }
        ScoreTable {
            kind,
            context,
            heads,
            columns,
            rows,
        }
    }

    fn cell(&self, entry: &Entry<'_>, metric: &str) -> Option<Cell> {
        let values: Vec<f64> = entry
            .seeds
            .iter()
            .filter_map(|scores| scores.get(metric).copied())
            .collect();
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Some(Cell {
            mean,
            interval: (values.len() >= FEWEST_SEEDS)
                .then(|| (self.interval)(&values))
                .flatten(),
            mark: Mark::None,
        })
    }

    /// Label columns: what differs between rows. What all share goes to the
    /// title.
    fn labels(
        &self,
        kind: SubjectKind,
        entries: &[Entry<'_>],
    ) -> (Vec<String>, Vec<String>, Vec<Vec<String>>) {
        let mut heads = Vec::new();
        let mut context = Vec::new();
        let mut labels = vec![Vec::new(); entries.len()];
        let mut add = |name: &str, values: Vec<String>, title: fn(&str, &str) -> String| {
            if values.iter().all(|value| Some(value) == values.first()) {
                context.extend(
                    values
                        .first()
                        .filter(|v| !v.is_empty())
                        .map(|value| title(name, value)),
                );
                return;
            }
            heads.push(name.to_owned());
            for (row, value) in labels.iter_mut().zip(values) {
                row.push(value);
            }
        };
        let named = |name: &str, value: &str| format!("{name} {value}");
        let of = |value: &dyn Fn(&Entry<'_>) -> Option<String>| -> Vec<String> {
            entries
                .iter()
                .map(|entry| value(entry).unwrap_or_default())
                .collect()
        };
        let param = |path: &'s str| {
            of(&|entry| {
                let params = self.groups.get(entry.group)?.params;
                params.get(path).map(|value| in_words(value))
            })
        };
        add(
            "scenario",
            of(&|e| Some(self.groups.get(e.group)?.scenario.to_owned())),
            |_, value| value.to_owned(),
        );
        for axis in self.axes.iter().filter(|axis| !axis.is_choice()) {
            add(&axis.label, param(&axis.path), named);
        }
        add(kind.noun(), of(&|e| Some(e.subject.to_owned())), named);
        for axis in self.axes.iter().filter(|axis| axis.is_choice()) {
            add(&axis.label, param(&axis.path), named);
        }
        (heads, context, labels)
    }

    /// Numbers the contests in order of first appearance: rows of the same
    /// scenario, conditions and subject.
    fn contests(&self, entries: &[Entry<'s>]) -> Vec<usize> {
        let mut numbers = BTreeMap::new();
        entries
            .iter()
            .map(|entry| {
                let group = self.groups.get(entry.group);
                let params = group.into_iter().flat_map(|group| group.params.iter());
                let conditions: Vec<_> = params.filter(|(path, _)| !is_choice(path)).collect();
                let key = (group.map(|group| group.scenario), conditions, entry.subject);
                let next = numbers.len();
                *numbers.entry(key).or_insert(next)
            })
            .collect()
    }
}

impl<'s> Entry<'s> {
    fn metrics(&self) -> BTreeSet<&'s str> {
        self.seeds
            .iter()
            .flat_map(|scores| scores.keys().map(String::as_str))
            .collect()
    }

    /// Whether a metric is zero or absent in all seeds.
    fn is_silent(&self, metric: &str) -> bool {
        let mut values = self.seeds.iter().filter_map(|scores| scores.get(metric));
        values.all(|value| *value == 0.0)
    }
}

/// Marks the best mean of a contest: all that are written alike, none if all
/// rows are.
fn mark(contest: &mut [Row], at: usize, column: &Column) {
    let cells: Vec<&Cell> = contest
        .iter()
        .filter_map(|row| row.cells.get(at)?.as_ref())
        .collect();
    let best = match column.better {
        Better::Lower => cells.iter().map(|cell| cell.mean).min_by(f64::total_cmp),
        Better::Higher => cells.iter().map(|cell| cell.mean).max_by(f64::total_cmp),
        Better::Neither => None,
    };
    let Some(best) = best.map(|mean| column.format(mean)) else {
        return;
    };
    let (winners, losers): (Vec<&Cell>, Vec<&Cell>) = cells
        .iter()
        .partition(|cell| column.format(cell.mean) == best);
    if losers.is_empty() {
        return;
    }
    let overlap = winners
        .iter()
        .any(|winner| losers.iter().any(|loser| overlaps(winner, loser)));
    let mark = if overlap { Mark::Leading } else { Mark::Best };
    for cell in contest
        .iter_mut()
        .filter_map(|row| row.cells.get_mut(at)?.as_mut())
    {
        if column.format(cell.mean) == best {
            cell.mark = mark;
        }
    }
}

/// Whether intervals overlap, or might if there were any.
fn overlaps(a: &Cell, b: &Cell) -> bool {
    let (Some((a_low, a_high)), Some((b_low, b_high))) = (a.interval, b.interval) else {
        return true;
    };
    a_low <= b_high && b_low <= a_high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(mean: f64, half: f64) -> Row {
        let cell = Cell {
            mean,
            interval: Some((mean - half, mean + half)),
            mark: Mark::None,
        };
        Row {
            group: 0,
            subject: "call".into(),
            labels: vec![],
            contest: 0,
            cells: vec![Some(cell)],
        }
    }

    fn marks(better: Better, rows: &[(f64, f64)]) -> Vec<Mark> {
        let mut rows: Vec<Row> = rows.iter().map(|(mean, half)| row(*mean, *half)).collect();
        let column = Column {
            better,
            ..Column::new("x_ms", &[], 100.0)
        };
        mark(&mut rows, 0, &column);
        rows.iter()
            .map(|row| row.cells[0].as_ref().unwrap().mark)
            .collect()
    }

    #[test]
    fn best_follows_the_direction() {
        let rows = [(100.0, 5.0), (200.0, 5.0), (300.0, 5.0)];
        assert_eq!(
            marks(Better::Lower, &rows),
            [Mark::Best, Mark::None, Mark::None]
        );
        assert_eq!(
            marks(Better::Higher, &rows),
            [Mark::None, Mark::None, Mark::Best]
        );
        assert_eq!(marks(Better::Neither, &rows), [Mark::None; 3]);
    }

    #[test]
    fn overlapping_intervals_only_lead() {
        assert_eq!(
            marks(Better::Lower, &[(100.0, 60.0), (150.0, 5.0)]),
            [Mark::Leading, Mark::None]
        );
    }

    #[test]
    fn without_intervals_the_best_only_leads() {
        let mut rows = [row(100.0, 1.0), row(200.0, 1.0)];
        rows[1].cells[0].as_mut().unwrap().interval = None;
        let column = Column {
            better: Better::Lower,
            ..Column::new("x_ms", &[], 100.0)
        };
        mark(&mut rows, 0, &column);
        assert_eq!(rows[0].cells[0].as_ref().unwrap().mark, Mark::Leading);
    }

    #[test]
    fn equal_rows_share_the_mark_and_equal_tables_have_none() {
        assert_eq!(
            marks(Better::Lower, &[(100.1, 1.0), (100.2, 1.0), (300.0, 1.0)]),
            [Mark::Best, Mark::Best, Mark::None]
        );
        assert_eq!(
            marks(Better::Lower, &[(100.0, 1.0), (100.0, 1.0)]),
            [Mark::None; 2]
        );
        assert_eq!(marks(Better::Lower, &[(100.0, 1.0)]), [Mark::None]);
    }
}
