//! The terminal report: score tables, links, expectations, verdict.

mod layout;
mod text;

use crate::ReportInput;
use crate::board::{Board, Judgement, Mark, ScoreTable};
use layout::Layout;
use text::{Paint, Style, clean, clip, left, width, wrap};

/// Expectations listed one by one; of more, only those that fail are.
const LISTED_EXPECTATIONS: usize = 12;

/// Widest label, in cells.
const WIDEST_LABEL: usize = 28;

/// The report of a run for a terminal of `columns` cells: the score tables of
/// flows and links, the expectations and the verdict. `colour` allows styles;
/// without it the text is plain.
#[must_use]
pub fn table(input: &ReportInput<'_>, columns: usize, colour: bool) -> String {
    let board = Board::new(input);
    let paint = Paint { colour };
    let seeds = board.seeds();
    let mut sections: Vec<String> = board
        .flows
        .iter()
        .map(|table| score_section(table, &seeds, columns, paint))
        .collect();
    sections.extend(
        board
            .links
            .iter()
            .map(|table| score_section(table, &seeds, columns, paint)),
    );
    sections.extend(legend(&board, columns, paint));
    sections.extend(expectation_section(&board, columns, paint));
    let failed = board.judgements.iter().any(|judgement| !judgement.ok);
    let style = if failed { Style::Red } else { Style::Bold };
    let verdict = wrap(&clean(&board.headline()), columns.max(20));
    sections.push(
        verdict
            .iter()
            .map(|line| paint.text(style, line) + "\n")
            .collect(),
    );
    sections.join("\n")
}

fn score_section(table: &ScoreTable, seeds: &str, columns: usize, paint: Paint) -> String {
    let mut title: Vec<String> = table.context.iter().map(|part| clean(part)).collect();
    if table.heads.iter().any(|head| head == table.kind.noun()) {
        title.push(format!("{}s", table.kind.noun()));
    }
    title.push(seeds.to_owned());
    let title = clip(&title.join(" · "), columns.max(20));
    let body = Layout::new(table, columns).write(table, paint);
    format!("{}\n{body}", paint.text(Style::Bold, &title))
}

fn legend(board: &Board<'_>, columns: usize, paint: Paint) -> Option<String> {
    let cells = || {
        let tables = board.flows.iter().chain(&board.links);
        tables
            .flat_map(|table| table.rows.iter())
            .flat_map(|row| row.cells.iter().flatten())
    };
    let mut words = Vec::new();
    if cells().any(|cell| cell.interval.is_some()) {
        words.push("± half of the mean's 95 % interval");
    }
    if cells().any(|cell| cell.mark == Mark::Best) {
        words.push("* best");
    }
    if cells().any(|cell| cell.mark == Mark::Leading) {
        words.push("~ best mean, intervals overlap");
    }
    if words.is_empty() {
        return None;
    }
    // Lines break between the entries, not within.
    let entries: Vec<String> = words
        .iter()
        .map(|entry| entry.replace(' ', "\u{a0}"))
        .collect();
    let lines = wrap(&entries.join(" · "), columns.max(20));
    let write = |line: &String| paint.text(Style::Faint, &line.replace('\u{a0}', " ")) + "\n";
    Some(lines.iter().map(write).collect())
}

fn expectation_section(board: &Board<'_>, columns: usize, paint: Paint) -> Option<String> {
    let all = &board.judgements;
    if all.is_empty() {
        return None;
    }
    let listed: Vec<&Judgement> = all
        .iter()
        .filter(|judgement| all.len() <= LISTED_EXPECTATIONS || !judgement.ok)
        .collect();
    let place = |judgement: &Judgement| {
        let label = board
            .groups
            .get(judgement.group)
            .map_or("", |group| group.label.as_str());
        clip(&clean(label), WIDEST_LABEL * 2)
    };
    let place_width = listed
        .iter()
        .map(|judgement| width(&place(judgement)))
        .max()
        .unwrap_or(0);
    let expr_width = listed
        .iter()
        .map(|judgement| width(&clean(&judgement.expr)))
        .max()
        .unwrap_or(0);
    let mut section = paint.text(Style::Bold, "expectations (on the median over seeds)") + "\n";
    for judgement in &listed {
        let (word, style) = if judgement.ok {
            ("pass", Style::Green)
        } else {
            ("FAIL", Style::Red)
        };
        let place = place(judgement);
        let expr = clean(&judgement.expr);
        let found = format!(
            "median {}, {} of {} seeds",
            judgement.median.as_deref().unwrap_or("absent"),
            judgement.seeds_ok,
            judgement.seeds
        );
        let wide = format!(
            "{}  {}  {found}",
            left(&place, place_width),
            left(&expr, expr_width)
        );
        let verdict = paint.text(style, word);
        if width(&wide) + 6 <= columns {
            section.push_str(&format!("{verdict}  {wide}\n"));
        } else {
            section.push_str(&format!(
                "{verdict}  {place}\n      {expr}\n      {found}\n"
            ));
        }
    }
    if listed.len() < all.len() {
        section.push_str(&format!(
            "{}  {} others\n",
            paint.text(Style::Green, "pass"),
            all.len() - listed.len()
        ));
    }
    Some(section)
}
