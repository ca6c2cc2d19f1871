//! `weaknet report`: every report of a run from its recorded data.

use std::fs;

use weaknet_core::text::nearest;
use weaknet_harness::metrics::Definition;
use weaknet_harness::registry::Registry;
use weaknet_harness::stats::mean_interval;
use weaknet_harness::store::RunDir;
use weaknet_report::ReportInput;

use super::run::store_failure;
use crate::args::Report;
use crate::exit::{Exit, Failure};
use crate::screen;

pub(super) fn run(args: &Report, registry: &Registry) -> Result<(), Failure> {
    let run =
        RunDir::open(&args.dir).map_err(|error| Failure::new(Exit::BadData, error.to_string()))?;
    check_rank(&args.rank, registry)?;
    write(&run, registry, &args.rank)?;
    screen::print(&table(&run, registry, &args.rank)?);
    screen::note(&format!(
        "wrote {}",
        run.root().join("report.html").display()
    ));
    Ok(())
}

/// Whether all of these are metrics.
pub(super) fn check_rank(rank: &[String], registry: &Registry) -> Result<(), Failure> {
    let definitions = registry
        .definitions()
        .map_err(|message| Failure::new(Exit::Internal, message))?;
    let known = || definitions.iter().map(|definition| definition.name);
    match rank
        .iter()
        .find(|name| known().all(|metric| metric != name.as_str()))
    {
        None => Ok(()),
        Some(name) => {
            let help = nearest(name, known()).map_or_else(
                || "`weaknet list metrics` prints all of them".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("--rank: there is no metric `{name}`\n  = help: {help}");
            Err(Failure::new(Exit::Usage, message))
        }
    }
}

/// The terminal table.
pub(super) fn table(run: &RunDir, registry: &Registry, rank: &[String]) -> Result<String, Failure> {
    with_input(run, registry, rank, |input| {
        weaknet_report::table(input, screen::width(), screen::colour())
    })
}

/// Writes the reports that are files.
pub(super) fn write(run: &RunDir, registry: &Registry, rank: &[String]) -> Result<(), Failure> {
    let page = with_input(run, registry, rank, weaknet_report::html)?;
    let path = run.root().join("report.html");
    fs::write(&path, page).map_err(|error| {
        Failure::new(
            Exit::Internal,
            format!("`{}` cannot be written: {error}", path.display()),
        )
    })
}

fn with_input<T>(
    run: &RunDir,
    registry: &Registry,
    rank: &[String],
    make: impl FnOnce(&ReportInput<'_>) -> T,
) -> Result<T, Failure> {
    let definitions: Vec<Definition> = registry
        .definitions()
        .map_err(|message| Failure::new(Exit::Internal, message))?;
    let rank: Vec<&str> = rank.iter().map(String::as_str).collect();
    let manifest = run.manifest().map_err(store_failure)?;
    let scenario = run.scenario().map_err(store_failure)?.unwrap_or_default();
    let mut names: Vec<&str> = run
        .summary
        .cases
        .iter()
        .map(|case| case.scenario.as_str())
        .collect();
    names.dedup();
    let title = match names.as_slice() {
        [one] => (*one).to_owned(),
        many => format!("{} scenarios", many.len()),
    };
    let command: Vec<&str> = manifest
        .iter()
        .flat_map(|m| m.command.iter().map(String::as_str))
        .collect();
    Ok(make(&ReportInput {
        title: &title,
        summary: &run.summary,
        series: &|id| run.series(id).ok().flatten(),
        definitions: &definitions,
        rank: &rank,
        interval: |values| mean_interval(values, "report").map(|[low, high]| (low, high)),
        scenario_yaml: &scenario,
        command: &command,
        version: manifest.as_ref().map_or("", |m| m.version.as_str()),
    }))
}
