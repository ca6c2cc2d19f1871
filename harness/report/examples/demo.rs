//! Writes the reports of a made-up run: `demo [FOLDER]`, default the system's
//! temporary folder. Prints the terminal table at `COLUMNS` cells.

use std::path::PathBuf;

use weaknet_report::{ReportInput, html, markdown, table};

#[path = "../tests/synthetic/mod.rs"]
mod synthetic;

#[expect(clippy::print_stdout, reason = "the table is this program's output")]
fn main() -> std::io::Result<()> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(100);
    let summary = synthetic::summary(5);
    let input = ReportInput {
        rank: &[],
        title: "lte-drive-call",
        summary: &summary,
        series: &synthetic::series_by_id,
        definitions: synthetic::DEFINITIONS,
        interval: synthetic::interval,
        scenario_yaml: synthetic::SCENARIO,
        command: &[
            "weaknet",
            "run",
            "scenarios/lte-drive-call.yaml",
            "--seeds",
            "5",
        ],
        version: env!("CARGO_PKG_VERSION"),
    };
    print!(
        "{}",
        table(&input, columns, std::env::var_os("NO_COLOR").is_none())
    );
    std::fs::write(folder.join("report.html"), html(&input))?;
    std::fs::write(folder.join("report.md"), markdown(&input))
}
