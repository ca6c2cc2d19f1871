//! The verdict in one or two sentences.

use weaknet_harness::metrics::Better;

use super::scores::{Mark, Row, ScoreTable};
use super::{Board, Judgement};

/// Failing expectations named in the sentence; the rest is counted.
const NAMED_FAILURES: usize = 2;

/// Cases named for each of them.
const NAMED_PLACES: usize = 3;

/// Columns that the sentence speaks of.
const NAMED_COLUMNS: usize = 2;

impl Board<'_> {
    /// The verdict: expectations, then who is best in the most telling metrics.
    pub(crate) fn headline(&self) -> String {
        let mut sentences = vec![self.expectation_sentence()];
        if let Some(table) = self.flows.first() {
            sentences.extend(winner_sentence(table));
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

fn winner_sentence(table: &ScoreTable) -> Option<String> {
    let mut parts = Vec::new();
    for (at, column) in table.columns.iter().enumerate() {
        let word = match column.better {
            Better::Lower => "lowest",
            Better::Higher => "highest",
            Better::Neither => continue,
        };
        let contests: Vec<&[Row]> = table
            .rows
            .chunk_by(|a, b| a.contest == b.contest)
            .filter(|rows| rows.len() > 1)
            .collect();
        let winners: Vec<(&Row, Mark, String)> = contests
            .iter()
            .flat_map(|rows| rows.iter())
            .filter_map(|row| {
                let cell = row.cells.get(at)?.as_ref()?;
                (cell.mark != Mark::None)
                    .then(|| (row, cell.mark, column.format_with_unit(cell.mean)))
            })
            .collect();
        if let [(row, mark, value)] = winners.as_slice() {
            let doubt = if *mark == Mark::Leading {
                ", intervals overlap"
            } else {
                ""
            };
            parts.push(format!(
                "{word} {}: {} ({value}{doubt})",
                column.label,
                choice(table, row)
            ));
        } else if contests.len() > 1
            && let Some((name, wins)) =
                most_frequent(winners.iter().map(|(row, ..)| choice(table, row)))
        {
            parts.push(format!(
                "{word} {}: {name} in {wins} of {}",
                column.label,
                contests.len()
            ));
        }
        if parts.len() == NAMED_COLUMNS {
            break;
        }
    }
    if parts.is_empty() {
        return None;
    }
    let mut sentence = parts.join("; ");
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Some(sentence + ".")
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
