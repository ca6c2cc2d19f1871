//! Where the cells of a score table stand: as many columns as fit, most
//! telling first, or one line per metric where too few fit.

use super::WIDEST_LABEL;
use super::text::{Paint, Style, clean, clip, left, right, width, wrap};
use crate::board::{Cell, Column, Mark, Row, ScoreTable};

/// Most columns shown: more are not read in ten seconds.
const MOST_COLUMNS: usize = 7;

/// With fewer columns than this the table is stacked.
const FEWEST_COLUMNS: usize = 3;

/// Cells between columns.
const GAP: usize = 2;

/// Widths for one table.
pub(super) struct Layout {
    labels: Vec<usize>,
    metrics: Vec<MetricWidth>,
    stacked: bool,
}

/// Widths of the parts of a metric's cells.
#[derive(Clone, Copy)]
struct MetricWidth {
    mean: usize,
    half: usize,
    marked: bool,
    head: usize,
}

impl MetricWidth {
    fn of(table: &ScoreTable, at: usize, column: &Column) -> Self {
        let cells = || {
            table
                .rows
                .iter()
                .filter_map(|row| row.cells.get(at)?.as_ref())
        };
        Self {
            mean: cells()
                .map(|cell| width(&column.format(cell.mean)))
                .max()
                .unwrap_or(1),
            half: cells()
                .map(|cell| width(&half(column, cell)))
                .max()
                .unwrap_or(0),
            marked: cells().any(|cell| cell.mark != Mark::None),
            head: two_lines(&column.label).max(width(column.unit)),
        }
    }

    fn body(self) -> usize {
        let half = if self.half == 0 { 0 } else { self.half + 1 };
        self.mean + half + if self.marked { 2 } else { 0 }
    }

    fn total(self) -> usize {
        self.body().max(self.head)
    }
}

impl Layout {
    /// Fits a table into so many cells.
    pub(super) fn new(table: &ScoreTable, columns: usize) -> Self {
        let labels: Vec<usize> = (0..table.heads.len())
            .map(|at| {
                let values = table
                    .rows
                    .iter()
                    .map(|row| width(&label(row, at)))
                    .max()
                    .unwrap_or(0);
                let head = head_words(&table.heads[at])
                    .split_whitespace()
                    .map(width)
                    .max()
                    .unwrap_or(0);
                values.max(head)
            })
            .collect();
        let mut used: usize = labels.iter().map(|label| label + GAP).sum();
        let mut metrics = Vec::new();
        for (at, column) in table.columns.iter().enumerate().take(MOST_COLUMNS) {
            let metric = MetricWidth::of(table, at, column);
            used += metric.total() + GAP;
            if used > columns + GAP {
                break;
            }
            metrics.push(metric);
        }
        let stacked = metrics.len() < table.columns.len().min(FEWEST_COLUMNS);
        Self {
            labels,
            metrics,
            stacked,
        }
    }

    /// Writes the table.
    pub(super) fn write(&self, table: &ScoreTable, paint: Paint) -> String {
        if self.stacked {
            stacked(table, paint)
        } else {
            self.side_by_side(table, paint)
        }
    }

    fn side_by_side(&self, table: &ScoreTable, paint: Paint) -> String {
        let total: usize = self.labels.iter().map(|label| label + GAP).sum::<usize>()
            + self
                .metrics
                .iter()
                .map(|metric| metric.total() + GAP)
                .sum::<usize>();
        let mut lines = self.head_lines(table, paint);
        lines.push(paint.text(Style::Faint, &"─".repeat(total.saturating_sub(GAP))));
        let mut above: Option<&Row> = None;
        for row in &table.rows {
            let contests =
                above.is_some_and(|above| above.contest != row.contest) && table.has_contests();
            if contests {
                lines.push(String::new());
            }
            lines.push(self.line(table, row, above.filter(|_| !contests), paint));
            above = Some(row);
        }
        let hidden = table.columns.len().min(MOST_COLUMNS) - self.metrics.len();
        if hidden > 0 {
            lines.push(paint.text(
                Style::Faint,
                &format!("{hidden} more metrics on a wider terminal and in the other reports"),
            ));
        }
        lines
            .iter()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect()
    }

    fn head_lines(&self, table: &ScoreTable, paint: Paint) -> Vec<String> {
        let mut heads: Vec<(Vec<String>, usize, bool)> = Vec::new();
        for (head, &cells) in table.heads.iter().zip(&self.labels) {
            heads.push((wrap(&head_words(head), cells), cells, false));
        }
        for (column, metric) in table.columns.iter().zip(&self.metrics) {
            let mut lines = wrap(&column.label, metric.total());
            lines.push(column.unit.to_owned());
            heads.push((lines, metric.total(), true));
        }
        let height = heads
            .iter()
            .map(|(lines, ..)| lines.len())
            .max()
            .unwrap_or(0);
        (0..height)
            .map(|line| {
                let cells: Vec<String> = heads
                    .iter()
                    .map(|(lines, cells, numeric)| {
                        let text = (line + lines.len())
                            .checked_sub(height)
                            .and_then(|at| lines.get(at));
                        let text = text.map_or("", String::as_str);
                        if *numeric {
                            right(text, *cells)
                        } else {
                            left(text, *cells)
                        }
                    })
                    .collect();
                paint.text(Style::Faint, cells.join(&" ".repeat(GAP)).trim_end())
            })
            .collect()
    }

    fn line(&self, table: &ScoreTable, row: &Row, above: Option<&Row>, paint: Paint) -> String {
        let mut cells = Vec::new();
        let mut repeats = true;
        for (at, &label_width) in self.labels.iter().enumerate() {
            // A label is written once for the rows below that share it and
            // all labels to its left.
            repeats &= above.is_some_and(|above| above.labels.get(at) == row.labels.get(at));
            let text = if repeats {
                String::new()
            } else {
                label(row, at)
            };
            cells.push(left(&text, label_width));
        }
        for (at, metric) in self.metrics.iter().enumerate() {
            let column = &table.columns[at];
            let text = match row.cells.get(at).and_then(Option::as_ref) {
                None => right("-", metric.mean) + &" ".repeat(metric.body() - metric.mean),
                Some(cell) => {
                    let mean = right(&column.format(cell.mean), metric.mean);
                    let half = match metric.half {
                        0 => String::new(),
                        cells => format!(" {}", left(&half(column, cell), cells)),
                    };
                    let mark = if metric.marked {
                        format!(" {}", sign(cell.mark))
                    } else {
                        String::new()
                    };
                    let style = if cell.mark == Mark::None {
                        Style::Plain
                    } else {
                        Style::Bold
                    };
                    let pad = " ".repeat(metric.total() - metric.body());
                    format!("{pad}{}", paint.text(style, &format!("{mean}{half}{mark}")))
                }
            };
            let missing = metric.total().saturating_sub(width(&text));
            let bare = row.cells.get(at).is_none_or(Option::is_none);
            cells.push(if bare {
                " ".repeat(missing) + &text
            } else {
                text
            });
        }
        cells.join(&" ".repeat(GAP))
    }
}

/// One block per row, one line per metric.
fn stacked(table: &ScoreTable, paint: Paint) -> String {
    let columns = &table.columns[..table.columns.len().min(MOST_COLUMNS)];
    let name_width = columns
        .iter()
        .map(|column| width(&column.label))
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for row in &table.rows {
        let labels: Vec<String> = table
            .heads
            .iter()
            .enumerate()
            .map(|(at, head)| format!("{} {}", head_words(head), label(row, at)))
            .collect();
        if !labels.is_empty() {
            text.push_str(&format!(
                "{}\n",
                paint.text(Style::Bold, &labels.join(" · "))
            ));
        }
        for (at, column) in columns.iter().enumerate() {
            let Some(cell) = row.cells.get(at).and_then(Option::as_ref) else {
                continue;
            };
            let mut value = format!("{} {}", column.format(cell.mean), half(column, cell));
            value = format!("{} {} {}", value.trim_end(), column.unit, sign(cell.mark))
                .trim_end()
                .to_owned();
            let style = if cell.mark == Mark::None {
                Style::Plain
            } else {
                Style::Bold
            };
            text.push_str(&format!(
                "  {}  {}\n",
                left(&column.label, name_width),
                paint.text(style, &value)
            ));
        }
    }
    text
}

fn label(row: &Row, at: usize) -> String {
    match row.labels.get(at).map_or("", String::as_str) {
        "" => "-".to_owned(),
        value => clip(&clean(value), WIDEST_LABEL),
    }
}

/// The least width in which words take at most two lines.
fn two_lines(words: &str) -> usize {
    (1..=width(words))
        .find(|&cells| {
            wrap(words, cells).iter().all(|line| width(line) <= cells)
                && wrap(words, cells).len() <= 2
        })
        .unwrap_or(0)
}

fn head_words(head: &str) -> String {
    clean(head).replace('_', " ")
}

fn half(column: &Column, cell: &Cell) -> String {
    cell.half_width(column)
        .map_or_else(String::new, |half| format!("±{half}"))
}

fn sign(mark: Mark) -> &'static str {
    match mark {
        Mark::None => " ",
        Mark::Best => "*",
        Mark::Leading => "~",
    }
}
