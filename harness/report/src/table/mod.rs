//! The terminal report: score tables, failed expectations, verdict.

mod layout;
mod text;

use crate::ReportInput;
use crate::board::{Board, Judgement, Mark, ScoreTable, plural};
use layout::Layout;
use text::{Paint, Style, clean, clip, left, width, wrap};

/// Widest label, in cells.
const WIDEST_LABEL: usize = 28;

/// The report of a run for a terminal of `columns` cells: the score tables of
/// flows (of links if there are no flows), the expectations that fail and the
/// verdict. `colour` allows styles;
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
    // What links do to calls stands in the flows' columns.
    let links = board.links.iter().filter(|_| board.flows.is_empty());
    sections.extend(links.map(|table| score_section(table, &seeds, columns, paint)));
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
    sections.join("\n").replace('\u{a0}', " ")
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
        let links = board.links.iter().filter(|_| board.flows.is_empty());
        let tables = board.flows.iter().chain(links);
        tables
            .flat_map(|table| table.rows.iter())
            .flat_map(|row| row.cells.iter().flatten())
    };
    let leading = format!("~ {}", board.leading());
    let mut words = Vec::new();
    if cells().any(|cell| cell.interval.is_some()) {
        words.push("± half the 95 % interval (blank: 0)");
    }
    if cells().any(|cell| cell.mark == Mark::Best) {
        words.push("* best");
    }
    if cells().any(|cell| cell.mark == Mark::Leading) {
        words.push(leading.as_str());
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
    let write = |line: &String| paint.text(Style::Faint, line) + "\n";
    Some(lines.iter().map(write).collect())
}

fn expectation_section(board: &Board<'_>, columns: usize, paint: Paint) -> Option<String> {
    let all = &board.judgements;
    let listed: Vec<&Judgement> = all.iter().filter(|judgement| !judgement.ok).collect();
    if listed.is_empty() {
        return None;
    }
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
    let mut section = paint.text(Style::Bold, "expectations that fail on the median") + "\n";
    for judgement in &listed {
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
        let verdict = paint.text(Style::Red, "FAIL");
        if width(&wide) + 6 <= columns {
            section.push_str(&format!("{verdict}  {wide}\n"));
        } else {
            section.push_str(&format!(
                "{verdict}  {place}\n      {expr}\n      {found}\n"
            ));
        }
    }
    let met = all.len() - listed.len();
    if met > 0 {
        section.push_str(&format!(
            "{}  {met} {}\n",
            paint.text(Style::Green, "pass"),
            plural(met, "other")
        ));
    }
    Some(section)
}
