//! `weaknet validate`: everything that `run` checks before it runs.

use weaknet_harness::plan::Plan;
use weaknet_harness::registry::Registry;

use crate::args::Validate;
use crate::exit::Failure;
use crate::screen;

pub(super) fn run(args: &Validate, registry: &Registry) -> Result<(), Failure> {
    let plan = Plan::load(&super::request(&args.selection)?, registry)?;
    let mut lines = String::new();
    let mut at = 0;
    while let Some(first) = plan.cases.get(at) {
        let name = &first.scenario.name;
        let runs = plan.cases[at..]
            .iter()
            .take_while(|case| case.scenario.name == *name)
            .count();
        let seeds = first.scenario.seeds.len();
        lines.push_str(&format!(
            "ok  {name}: {} x {} = {}\n",
            many(runs.div_ceil(seeds), "case"),
            many(seeds, "seed"),
            many(runs, "run"),
        ));
        at += runs;
    }
    screen::print(&lines);
    Ok(())
}

/// `1 case`, `2 cases`.
fn many(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
