//! The verdict in one or two sentences.

use weaknet_harness::metrics::Better;

use super::columns::Column;
use super::scores::{Cell, Mark, Row, ScoreTable};
use super::{Board, Judgement};

/// Failing expectations named in the sentence; the rest is counted.
const NAMED_FAILURES: usize = 2;

/// Cases named for each of them.
const NAMED_PLACES: usize = 3;

/// Columns that the sentence speaks of.
const NAMED_COLUMNS: usize = 3;

impl Board<'_> {
    /// The verdict: expectations, calls that never connected, then who is best in the most telling metrics.
    pub(crate) fn headline(&self) -> String {
        let unjudged = self.unjudged.as_ref();
        let unjudged = unjudged.map(|why| format!("The expectations cannot be judged: {why}."));
        let mut sentences = vec![unjudged.unwrap_or_else(|| self.expectation_sentence())];
        sentences.push(self.connection_sentence());
        if let Some(table) = self.flows.first() {
            sentences.extend(winner_sentence(table).or_else(|| span_sentence(table)));
        }
        sentences.retain(|sentence| !sentence.is_empty());
        if sentences.is_empty() {
            let cases: usize = self.groups.iter().map(|group| group.cases.len()).sum();
            sentences.push(format!(
                "{cases} {} ran; nothing was expected or compared.",
                plural(cases, "case")
            ));
        }
        sentences.join(" ")
    }

    fn expectation_sentence(&self) -> String {
        let total = self.judgements.len();
        let failed: Vec<&Judgement> = self.judgements.iter().filter(|j| !j.ok).collect();
        match (total, failed.len()) {
            (0, _) => String::new(),
            (1, 0) => "The expectation is met.".to_owned(),
            (_, 0) => format!("All {total} expectations are met."),
            (_, count) => {
                let verb = if count == 1 { "fails" } else { "fail" };
                let noun = plural(total, "expectation");
                format!(
                    "{count} of {total} {noun} {verb}: {}.",
                    self.failures(&failed)
                )
            }
        }
    }

    /// Who never connected: whatever else is scored then means little.
    fn connection_sentence(&self) -> String {
        let places: Vec<String> = self
            .unconnected
            .iter()
            .map(|call| {
                let group = self.groups.get(call.group);
                let label = group.filter(|_| self.groups.len() > 1);
                let place = label.map_or(String::new(), |group| format!(" in {}", group.label));
                let runs = match call.of {
                    1 => String::new(),
                    of => format!(" ({} of {of} runs)", call.runs),
                };
                format!("{}{place}{runs}", call.flow)
            })
            .collect();
        match places.as_slice() {
            [] => String::new(),
            places => format!("Never connected: {}.", capped(places)),
        }
    }

    /// The failures by expectation, each with where it fails and what was
    /// found.
    fn failures(&self, failed: &[&Judgement]) -> String {
        let mut exprs: Vec<(&str, Vec<String>)> = Vec::new();
        for judgement in failed {
            let found = judgement.median.as_deref().unwrap_or("no value");
            let place = match self.groups.get(judgement.group) {
                Some(group) if self.groups.len() > 1 => format!("{} (found {found})", group.label),
                _ => format!("the only case (found {found})"),
            };
            match exprs.iter_mut().find(|(expr, _)| *expr == judgement.expr) {
                Some((_, places)) => places.push(place),
                None => exprs.push((&judgement.expr, vec![place])),
            }
        }
        let mut named: Vec<String> = exprs
            .iter()
            .take(NAMED_FAILURES)
            .map(|(expr, places)| format!("{expr} in {}", capped(places)))
            .collect();
        if exprs.len() > NAMED_FAILURES {
            named.push(format!("{} more", exprs.len() - NAMED_FAILURES));
        }
        named.join("; ")
    }
}

/// A list of which only the first are named.
fn capped(items: &[String]) -> String {
    let mut words = items[..items.len().min(NAMED_PLACES)].join(", ");
    if items.len() > NAMED_PLACES {
        words.push_str(&format!(" and {} more", items.len() - NAMED_PLACES));
    }
    words
}

/// Who is best in the most telling metrics, by who it is.
fn winner_sentence(table: &ScoreTable) -> Option<String> {
    let contests: Vec<&[Row]> = table
        .rows
        .chunk_by(|a, b| a.contest == b.contest)
        .filter(|rows| rows.len() > 1)
        .collect();
    let mut wins: Vec<(String, Vec<String>)> = Vec::new();
    let mut told = 0;
    for (at, column) in table.columns.iter().enumerate() {
        let Some((winner, found)) = win(table, &contests, at, column) else {
            continue;
        };
        let word = if column.better == Better::Lower {
            "lowest"
        } else {
            "highest"
        };
        let win = format!("{word} {} ({found})", column.label);
        match wins.iter_mut().find(|(name, _)| *name == winner) {
            Some((_, more)) => more.push(win),
            None => wins.push((winner, vec![win])),
        }
        told += 1;
        if told == NAMED_COLUMNS {
            break;
        }
    }
    let mut parts: Vec<String> = wins
        .iter()
        .map(|(name, wins)| capitalised(format!("{}: {name}.", listed(wins))))
        .collect();
    if parts.is_empty() {
        return None;
    }
    let mut cells = table.rows.iter().flat_map(|row| row.cells.iter().flatten());
    if cells.any(|cell| cell.mark != Mark::None && cell.interval.is_none()) {
        parts.push("Too few seeds to be sure.".to_owned());
    }
    Some(parts.join(" "))
}

/// The single winner of a metric, and its value or how often it wins.
fn win(
    table: &ScoreTable,
    contests: &[&[Row]],
    at: usize,
    column: &Column,
) -> Option<(String, String)> {
    let winners: Vec<(&Row, &Cell)> = contests
        .iter()
        .flat_map(|rows| rows.iter())
        .filter_map(|row| Some((row, row.cells.get(at)?.as_ref()?)))
        .filter(|(_, cell)| cell.mark != Mark::None)
        .collect();
    if let [(row, cell)] = winners.as_slice() {
        let overlap = cell.mark == Mark::Leading && cell.interval.is_some();
        let doubt = if overlap { ", intervals overlap" } else { "" };
        let value = column.format_with_unit(cell.mean);
        return Some((choice(table, row), format!("{value}{doubt}")));
    }
    if contests.len() < 2 {
        return None;
    }
    let (name, wins) = most_frequent(winners.iter().map(|(row, _)| choice(table, row)))?;
    Some((name, format!("in {wins} of {}", contests.len())))
}

/// Where nothing competes: the span of the most telling metrics.
fn span_sentence(table: &ScoreTable) -> Option<String> {
    let mut parts = Vec::new();
    for (at, column) in table.columns.iter().enumerate() {
        let cells = || {
            table
                .rows
                .iter()
                .filter_map(|row| Some((row, row.cells.get(at)?.as_ref()?.mean)))
        };
        let least = cells().min_by(|a, b| a.1.total_cmp(&b.1));
        let greatest = cells().max_by(|a, b| a.1.total_cmp(&b.1));
        let (Some((low_row, low)), Some((high_row, high))) = (least, greatest) else {
            continue;
        };
        let (low, high) = (column.format_with_unit(low), column.format_with_unit(high));
        parts.push(if low == high {
            format!("{} {low}", column.label)
        } else {
            format!(
                "{} from {low} ({}) to {high} ({})",
                column.label,
                low_row.name(),
                high_row.name()
            )
        });
        if parts.len() == NAMED_COLUMNS {
            break;
        }
    }
    (!parts.is_empty()).then(|| capitalised(parts.join("; ") + "."))
}

fn capitalised(mut sentence: String) -> String {
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence
}

/// Items as a list in a sentence.
fn listed(items: &[String]) -> String {
    match items {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        items => items.concat(),
    }
}

/// The labels that tell a row from those it competes with.
fn choice(table: &ScoreTable, row: &Row) -> String {
    let rivals: Vec<&Row> = table
        .rows
        .iter()
        .filter(|other| other.contest == row.contest)
        .collect();
    let words: Vec<&str> = row
        .labels
        .iter()
        .enumerate()
        .filter(|(at, value)| {
            rivals
                .iter()
                .any(|rival| rival.labels.get(*at) != Some(value))
        })
        .map(|(_, value)| value.as_str())
        .collect();
    words.join(" · ")
}

fn most_frequent(names: impl Iterator<Item = String>) -> Option<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for name in names {
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    counts.into_iter().find(|(_, count)| *count == most)
}

/// The noun in its number.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        noun.to_owned()
    } else {
        format!("{noun}s")
    }
}
