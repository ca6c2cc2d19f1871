//! The verdict and the score tables in Markdown, for issues and CI summaries.

use crate::ReportInput;
use crate::board::{Board, Cell, Column, Mark, ScoreTable};

/// The report of a run in Markdown (GitHub flavour): verdict, score tables,
/// links and expectations.
#[must_use]
pub fn markdown(input: &ReportInput<'_>) -> String {
    let board = Board::new(input);
    let mut text = format!(
        "## {}\n\n{}\n",
        escape(input.title),
        escape(&board.headline())
    );
    for table in board.flows.iter().chain(&board.links) {
        text.push_str(&format!(
            "\n**{}**\n\n",
            escape(&title(table, &board.seeds()))
        ));
        let heads = table
            .heads
            .iter()
            .map(|head| escape(&head.replace('_', " ")));
        let metrics = table.columns.iter().map(|column| escape(&column.title()));
        push_row(&mut text, heads.chain(metrics));
        let aligns = table
            .heads
            .iter()
            .map(|_| ":--")
            .chain(table.columns.iter().map(|_| "--:"));
        push_row(&mut text, aligns.map(str::to_owned));
        for row in &table.rows {
            let labels = row.labels.iter().map(|label| escape(label));
            let cells = table
                .columns
                .iter()
                .zip(&row.cells)
                .map(|(column, cell)| score(column, cell.as_ref()));
            push_row(&mut text, labels.chain(cells));
        }
    }
    if !board.judgements.is_empty() {
        text.push('\n');
        push_row(
            &mut text,
            ["", "case", "expectation", "median", "seeds"].map(str::to_owned),
        );
        push_row(
            &mut text,
            [":--", ":--", ":--", "--:", "--:"].map(str::to_owned),
        );
        for judgement in &board.judgements {
            let label = board
                .groups
                .get(judgement.group)
                .map_or("", |group| group.label.as_str());
            let row = [
                if judgement.ok { "pass" } else { "**FAIL**" }.to_owned(),
                escape(label),
                format!("`{}`", judgement.expr.replace('|', "\\|").replace('`', "'")),
                judgement
                    .median
                    .clone()
                    .unwrap_or_else(|| "absent".to_owned()),
                format!("{} of {}", judgement.seeds_ok, judgement.seeds),
            ];
            push_row(&mut text, row);
        }
    }
    text.replace('\u{a0}', " ")
}

fn title(table: &ScoreTable, seeds: &str) -> String {
    table
        .context
        .iter()
        .map(String::as_str)
        .chain([seeds])
        .collect::<Vec<_>>()
        .join(" · ")
}

fn score(column: &Column, cell: Option<&Cell>) -> String {
    let Some(cell) = cell else {
        return "-".to_owned();
    };
    let half = cell.half_width(column).map(|half| format!(" ±{half}"));
    let value = format!("{}{}", column.format(cell.mean), half.unwrap_or_default());
    match cell.mark {
        Mark::None => value,
        Mark::Best => format!("**{value}**"),
        Mark::Leading => format!("*{value}*"),
    }
}

fn push_row(text: &mut String, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<String> = cells.into_iter().collect();
    text.push_str(&format!("| {} |\n", cells.join(" | ")));
}

/// Keeps text from files from being read as markup or as a cell's border.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '[' | ']' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out() {
        assert_eq!(escape("a|b<script>`x`"), "a\\|b&lt;script>\\`x\\`");
        assert_eq!(escape("a\nb"), "a b");
    }
}
