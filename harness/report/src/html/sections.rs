//! The sections of the page, in their order.

use std::ops::Range;

use weaknet_harness::metrics::Definition;

use super::data::PageData;
use super::escape::{clip, text};
use super::setting::Setting;
use super::{LONGEST_NAME, MOST_ROWS, reproduce};
use crate::ReportInput;
use crate::board::{Board, Cell, Column, Judgement, Mark, Row, ScoreTable, plural};

/// Metrics of a score table that are not folded away.
const UNFOLDED_METRICS: usize = 7;

/// Characters of the scenario that are written.
const LONGEST_SCENARIO: usize = 200_000;

/// Title and verdict.
pub(super) fn verdict(input: &ReportInput<'_>, board: &Board<'_>, settings: &[Setting]) -> String {
    let cases = board.groups.len();
    let class = match (
        board.judgements.is_empty(),
        board.judgements.iter().all(|j| j.ok),
    ) {
        (true, _) if board.unjudged.is_none() => "neutral",
        (true, _) => "bad",
        (false, true) => "good",
        (false, false) => "bad",
    };
    let mut facts = vec![format!(
        "{cases} {} × {}",
        plural(cases, "case"),
        board.seeds()
    )];
    let windows = || settings.iter().filter_map(|setting| setting.window);
    if let Some(first) = windows().next() {
        if windows().all(|window| window == first) {
            facts.push(format!("measured from {} to {} s", first.from, first.to));
        } else if windows().all(|window| window.from.total_cmp(&first.from).is_eq()) {
            facts.push(format!("measured from {} s on", first.from));
        }
    }
    facts.extend([
        format!("weaknet {}", input.version),
        format!("digest {}", clip(&input.summary.digest, 16)),
    ]);
    format!(
        "<header>\n<h1>{}</h1>\n<p class=\"facts\">{}</p>\n<p class=\"verdict {class}\">{}</p>\n</header>\n",
        name(input.title),
        text(&facts.join(" · ")),
        text(&board.headline())
    )
}

/// Score tables of flows, and the expectations.
pub(super) fn scores(input: &ReportInput<'_>, board: &Board<'_>, slots: &[usize]) -> String {
    if board.flows.is_empty() {
        // Links alone, as of a live run with applications.
        return String::new();
    }
    let mut html = "<section id=\"scores\">\n<h2>Scores</h2>\n".to_owned();
    for table in &board.flows {
        let (all, most) = (table.columns.len(), UNFOLDED_METRICS);
        html.push_str(&score_table(
            Some(input),
            board,
            table,
            slots,
            0..all.min(most),
        ));
        if all > most {
            html.push_str(&format!(
                "<details><summary>{} more metrics</summary>\n{}</details>\n",
                all - most,
                score_table(Some(input), board, table, slots, most..all)
            ));
        }
    }
    html.push_str(&legend(board));
    html.push_str(&expectations(board));
    html.push_str("</section>\n");
    html
}

fn legend(board: &Board<'_>) -> String {
    let cells = || {
        let rows = board.flows.iter().flat_map(|table| &table.rows);
        rows.flat_map(|row| row.cells.iter().flatten())
    };
    let mut entries = vec!["Means over seeds"];
    if cells().any(|cell| cell.interval.is_some()) {
        entries.push("± half of the 95 % interval, if it does not round to 0");
    }
    if cells().any(|cell| cell.mark == Mark::Best) {
        entries.push("<b>★</b> best of the rows that compete");
    }
    let leading = format!("<b>☆</b> {}", board.leading());
    if cells().any(|cell| cell.mark == Mark::Leading) {
        entries.push(&leading);
    }
    format!("<p class=\"note\">{}.</p>\n", entries.join(" · "))
}

/// Score table of links.
pub(super) fn links(board: &Board<'_>) -> String {
    let Some(table) = &board.links else {
        return String::new();
    };
    format!(
        "<section id=\"links\">\n<h2>Links</h2>\n{}</section>\n",
        score_table(None, board, table, &[], 0..table.columns.len())
    )
}

/// Some columns of a score table. With `input` its rows lead to timelines and
/// carry markers.
fn score_table(
    input: Option<&ReportInput<'_>>,
    board: &Board<'_>,
    table: &ScoreTable,
    slots: &[usize],
    shown: Range<usize>,
) -> String {
    let judged = table
        .rows
        .iter()
        .any(|row| judgements(board, row).any(|judgement| !judgement.ok));
    let cells = || table.rows.iter().flat_map(|row| row.cells.iter().flatten());
    let unmarked = cells().all(|cell| cell.mark == Mark::None);
    let exact = cells().all(|cell| cell.interval.is_none());
    let mut html = format!(
        "<div class=\"scroll\"><table class=\"{}{}\">\n",
        if unmarked { "unmarked " } else { "" },
        if exact { "exact" } else { "" }
    );
    if !table.context.is_empty() {
        html.push_str(&format!(
            "<caption>{}</caption>\n",
            name(&table.context.join(" · "))
        ));
    }
    html.push_str("<thead><tr>");
    for head in &table.heads {
        html.push_str(&format!(
            "<th scope=\"col\">{}</th>",
            name(&head.replace('_', " "))
        ));
    }
    if table.heads.is_empty() {
        html.push_str(&format!("<th scope=\"col\">{}</th>", table.kind.noun()));
    }
    if judged {
        html.push_str("<th scope=\"col\">expected</th>");
    }
    for column in &table.columns[shown.clone()] {
        html.push_str(&column_head(column));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    let mut above: Option<&Row> = None;
    for row in table.rows.iter().take(MOST_ROWS) {
        let apart = above.is_some_and(|above| {
            if table.has_contests() {
                above.contest != row.contest
            } else {
                row.labels.len() > 1 && above.labels.first() != row.labels.first()
            }
        });
        html.push_str(if apart {
            "<tr class=\"apart\">"
        } else {
            "<tr>"
        });
        html.push_str(&label_cells(
            input,
            board,
            table,
            row,
            above.filter(|_| !apart),
            slots,
        ));
        if judged {
            html.push_str(&judged_cell(board, row));
        }
        let cells = table.columns.iter().zip(&row.cells);
        for (column, cell) in cells.skip(shown.start).take(shown.len()) {
            html.push_str(&cell_html(column, cell.as_ref()));
        }
        html.push_str("</tr>\n");
        above = Some(row);
    }
    html.push_str("</tbody></table></div>\n");
    let hidden = table.rows.len().saturating_sub(MOST_ROWS);
    if hidden > 0 {
        html.push_str(&format!(
            "<p class=\"note\">{hidden} more rows in <code>cases.csv</code>.</p>\n"
        ));
    }
    html
}

fn column_head(column: &Column) -> String {
    let unit = if column.unit.is_empty() {
        String::new()
    } else {
        format!(" <i>{}</i>", column.unit)
    };
    format!(
        "<th scope=\"col\" class=\"num\" title=\"{0}\"><a href=\"#metric-{0}\">{1}</a>{unit}</th>",
        name(&column.metric),
        name(&column.label)
    )
}

fn label_cells(
    input: Option<&ReportInput<'_>>,
    board: &Board<'_>,
    table: &ScoreTable,
    row: &Row,
    above: Option<&Row>,
    slots: &[usize],
) -> String {
    let mut labels: Vec<&str> = row.labels.iter().map(String::as_str).collect();
    if labels.is_empty() {
        labels.push(&row.subject);
    }
    let first = board
        .groups
        .get(row.group)
        .and_then(|group| group.cases.first());
    let case = first.and_then(|&at| input?.summary.cases.get(at));
    let hollow = if table.is_hollow(row) {
        " data-hollow"
    } else {
        ""
    };
    let marker = slots.get(row.group).map_or_else(String::new, |slot| {
        format!("<span class=\"marker\" data-slot=\"{slot}\"{hollow}></span>")
    });
    let last = labels.len() - 1;
    let mut html = String::new();
    let mut repeats = true;
    for (at, label) in labels.iter().enumerate() {
        repeats &=
            above.is_some_and(|above| above.labels.get(at).is_some_and(|other| other == label));
        let label = if label.is_empty() {
            "–".to_owned()
        } else {
            name(label)
        };
        let class = if repeats { " class=\"again\"" } else { "" };
        html.push_str(&format!("<th scope=\"row\"{class} title=\"{label}\">"));
        match case {
            Some(case) if at == last => html.push_str(&format!(
                "{marker}<a class=\"jump\" href=\"#timelines\" data-case=\"{}\" data-flow=\"{}\">{label}</a>",
                text(&case.id),
                text(&row.subject)
            )),
            _ => html.push_str(&label),
        }
        html.push_str("</th>");
    }
    html
}

/// The expectations about a row.
fn judgements<'b>(board: &'b Board<'_>, row: &'b Row) -> impl Iterator<Item = &'b Judgement> {
    board
        .judgements
        .iter()
        .filter(|judgement| judgement.group == row.group && judgement.subject == row.subject)
}

fn judged_cell(board: &Board<'_>, row: &Row) -> String {
    let total = judgements(board, row).count();
    let met = judgements(board, row)
        .filter(|judgement| judgement.ok)
        .count();
    match (met, total) {
        (_, 0) => "<td></td>".to_owned(),
        (met, total) if met == total => format!("<td class=\"pass\">✓ {met} of {total}</td>"),
        (met, total) => format!("<td class=\"fail\">✗ {met} of {total}</td>"),
    }
}

fn cell_html(column: &Column, cell: Option<&Cell>) -> String {
    let Some(cell) = cell else {
        return "<td class=\"num absent\">–</td>".to_owned();
    };
    let (class, star) = match cell.mark {
        Mark::None => ("num", ""),
        Mark::Best => ("num best", "★"),
        Mark::Leading => ("num leading", "☆"),
    };
    let half = cell.interval.map_or_else(String::new, |(low, high)| {
        let half = cell.half_width(column);
        format!(
            " <span class=\"half\" title=\"95 % interval {} to {}\">{}</span>",
            column.format(low),
            column.format(high),
            half.map_or_else(String::new, |half| format!("±{half}"))
        )
    });
    format!(
        "<td class=\"{class}\">{}{half}<span class=\"star\">{star}</span></td>",
        column.format(cell.mean)
    )
}

fn expectations(board: &Board<'_>) -> String {
    if board.judgements.is_empty() {
        return String::new();
    }
    let (met, failed): (Vec<&Judgement>, Vec<&Judgement>) =
        board.judgements.iter().partition(|judgement| judgement.ok);
    let mut html = String::new();
    if !failed.is_empty() {
        html.push_str("<h3>Expectations that fail</h3>\n");
        html.push_str(&expectation_table(board, &failed));
    }
    if !met.is_empty() {
        html.push_str(&format!(
            "<details><summary>{} {} met</summary>\n{}</details>\n",
            met.len(),
            plural(met.len(), "expectation"),
            expectation_table(board, &met)
        ));
    }
    html
}

fn expectation_table(board: &Board<'_>, judgements: &[&Judgement]) -> String {
    let mut html = "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">verdict</th>\
                    <th scope=\"col\">case</th><th scope=\"col\">expectation</th>\
                    <th scope=\"col\" class=\"num\">median</th>\
                    <th scope=\"col\" class=\"num\">seeds that pass</th></tr></thead>\n<tbody>\n"
        .to_owned();
    for judgement in judgements.iter().take(MOST_ROWS) {
        let verdict = if judgement.ok {
            "<td class=\"pass\">✓ pass"
        } else {
            "<td class=\"fail\">✗ fail"
        };
        let label = board
            .groups
            .get(judgement.group)
            .map_or("", |group| group.label.as_str());
        html.push_str(&format!(
            "<tr>{verdict}</td><td>{}</td><td><code>{}</code></td>\
             <td class=\"num\">{}</td><td class=\"num\">{} of {}</td></tr>\n",
            name(label),
            name(&judgement.expr),
            text(judgement.median.as_deref().unwrap_or("absent")),
            judgement.seeds_ok,
            judgement.seeds
        ));
    }
    html.push_str("</tbody></table></div>\n");
    let hidden = judgements.len().saturating_sub(MOST_ROWS);
    if hidden > 0 {
        html.push_str(&format!(
            "<p class=\"note\">{hidden} more in <code>summary.json</code>.</p>\n"
        ));
    }
    html
}

/// Place of the scatter.
pub(super) fn scatter(board: &Board<'_>) -> String {
    if board.flows.is_empty() {
        return String::new();
    }
    "<section id=\"scatter\" class=\"drawn\">\n<h2>Delay against quality</h2>\n<div class=\"controls\" id=\"scatter-controls\"></div>\n\
     <div class=\"scatter\"><div id=\"scatter-plot\"></div><ul id=\"scatter-legend\" class=\"legend\"></ul></div>\n\
     <p class=\"note\">Small: one seed. Large: mean over seeds, with its 95 % interval from three seeds on. A click on a seed opens its timeline.</p>\n\
     </section>\n"
        .to_owned()
}

/// Place of the timelines.
pub(super) fn timelines(input: &ReportInput<'_>, data: &PageData) -> String {
    let cases = input.summary.cases.len();
    let shown = data.timelines.len();
    if shown == 0 {
        return "<section id=\"timelines\">\n<h2>Timeline</h2>\n<p class=\"note\">This run recorded no time series.</p>\n</section>\n".to_owned();
    }
    let part = if shown < cases {
        format!(" {shown} of {cases} cases are in this page; <code>series/</code> has them all.")
    } else {
        String::new()
    };
    format!(
        "<section id=\"timelines\" class=\"drawn\">\n<h2>Timeline</h2>\n<div class=\"controls\" id=\"timeline-controls\"></div>\n\
         <div id=\"timeline-readout\" class=\"readout\"></div>\n<div id=\"timeline-panels\"></div>\n\
         <details id=\"timeline-gauges\"><summary>Inside the controller</summary><div></div></details>\n\
         <p class=\"note\">Drag to zoom, double-click to see all, click a name to show or hide its line.{part}</p>\n\
         <p class=\"command\"><code id=\"timeline-command\"></code> <button type=\"button\" data-copy=\"timeline-command\">copy</button></p>\n\
         </section>\n"
    )
}

/// Definitions of the metrics shown.
pub(super) fn definitions(input: &ReportInput<'_>, board: &Board<'_>) -> String {
    let tables = board.flows.iter().chain(&board.links);
    let mut known: Vec<&Definition> = Vec::new();
    for column in tables.flat_map(|table| &table.columns) {
        let found = input.definitions.iter().find(|d| d.name == column.metric);
        known.extend(found.filter(|d| known.iter().all(|other| other.name != d.name)));
    }
    if known.is_empty() {
        return String::new();
    }
    let rows: String = known
        .iter()
        .map(|d| {
            format!(
                "<tr id=\"metric-{0}\"><th scope=\"row\"><code>{0}</code></th><td>{1}</td><td>{2}</td><td>{3}</td></tr>\n",
                text(d.name),
                text(d.summary),
                text(d.formula),
                text(d.source)
            )
        })
        .collect();
    format!(
        "<section id=\"definitions\">\n<h2>What the numbers mean</h2>\n<div class=\"scroll\"><table class=\"prose\">\n<thead><tr><th scope=\"col\">metric</th>\
         <th scope=\"col\">meaning</th><th scope=\"col\">formula</th><th scope=\"col\">source</th></tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n</section>\n"
    )
}

/// How to run it again.
pub(super) fn environment(input: &ReportInput<'_>) -> String {
    let mut seeds: Vec<&str> = Vec::new();
    for case in &input.summary.cases {
        if !seeds.contains(&case.seed.as_str()) {
            seeds.push(&case.seed);
        }
    }
    let first = input
        .summary
        .cases
        .first()
        .map(|case| reproduce(input, &case.id));
    let again = first.map_or_else(String::new, |command| {
        format!(
            "<dt>one case again</dt><dd><code id=\"one-case\">{}</code> \
             <button type=\"button\" data-copy=\"one-case\">copy</button></dd>\n",
            text(&command)
        )
    });
    let yaml = clip(input.scenario_yaml, LONGEST_SCENARIO);
    format!(
        "<section id=\"reproduce\">\n<h2>Run it again</h2>\n<dl>\n<dt>command</dt><dd><code id=\"command\">{}</code> \
         <button type=\"button\" data-copy=\"command\">copy</button></dd>\n{again}<dt>version</dt><dd>weaknet {}</dd>\n\
         <dt>seeds</dt><dd>{}</dd>\n<dt>digest</dt><dd><code>{}</code></dd>\n</dl>\n\
         <details><summary>Resolved scenario</summary><pre>{}</pre></details>\n</section>\n",
        text(&super::command(input.command)),
        text(input.version),
        text(&clip(&seeds.join(", "), 400)),
        text(&input.summary.digest),
        text(&yaml)
    )
}

/// A name from a file, of bounded length.
fn name(raw: &str) -> String {
    text(&clip(raw, LONGEST_NAME))
}
