//! `report.html`: one file that works offline and from `file://`. The tables
//! are plain HTML and print well; the scatter and the timelines are drawn by a
//! small script from data in the page.

mod data;
mod escape;
mod pack;
mod palette;
mod sections;
mod setting;

use crate::ReportInput;
use crate::board::Board;
use escape::{json, shell, text};

/// Longest name written, in characters.
const LONGEST_NAME: usize = 120;

/// Rows of a table written; `cases.csv` has all.
const MOST_ROWS: usize = 300;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = concat!(
    include_str!("kit.js"),
    include_str!("scatter.js"),
    include_str!("timeline.js")
);

/// The report of a run as one self-contained page.
///
/// Everything that comes from files is escaped, the page forbids itself any
/// network access, and its size is bounded: time series are down-sampled, and
/// beyond 20 cases only the first seed of each group has a timeline.
#[must_use]
pub fn html(input: &ReportInput<'_>) -> String {
    let board = Board::new(input);
    let slots = data::group_slots(&board);
    let settings = setting::read(input.scenario_yaml);
    let page_data = data::page_data(input, &board, &slots, &settings);
    let json_data = serde_json::to_string(&page_data).unwrap_or_else(|_| "null".to_owned());
    let title = text(input.title);
    let main = [
        sections::verdict(input, &board, &settings),
        sections::scores(input, &board, &slots),
        sections::scatter(&board),
        sections::timelines(input, &page_data),
        sections::links(&board),
        sections::definitions(input, &board),
        sections::environment(input),
    ]
    .concat();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n\
         <title>{title} · weaknet</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{main}</main>\n\
         <script type=\"application/json\" id=\"data\">{}</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        json(&json_data)
    )
}

/// A command line for a shell.
fn command(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| shell(word)).collect();
    words.join(" ")
}

/// The command that runs one case again: that of the run, with this case instead
/// of what was selected and captured.
fn reproduce(input: &ReportInput<'_>, case: &str) -> String {
    let mut words = Vec::new();
    let mut given = input.command.iter().copied();
    while let Some(word) = given.next() {
        if word == "--case" || word.starts_with("--capture") {
            given.next();
        } else {
            words.push(word);
        }
    }
    // A live run is one case.
    if words.get(1) != Some(&"live") {
        words.extend(["--case", case]);
    }
    command(&words)
}
