//! Runs a scenario with calls of str0m in place of weaknet's own:
//!
//! ```text
//! str0m_call SCENARIO.yaml [FLOW..]
//! ```
//!
//! The flows that are named, or all calls with video, have str0m at both ends;
//! everything else of the scenario is as it is. Prints every metric of every
//! case and seed: case, seed, flow or link, metric, value, tabs between them.

use std::error::Error;
use std::io::Write as _;

use weaknet_harness::files::Folders;
use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::run_with_ends;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("expected a scenario file")?;
    let names: Vec<String> = arguments.collect();
    let request = Request {
        paths: vec![path],
        folders: Folders::from_env(None),
        needs_flows: true,
        ..Request::default()
    };
    let registry = Registry::builtin();
    let plan = Plan::load(&request, &registry)?;
    let mut out = std::io::stdout().lock();
    for case in &plan.cases {
        let outcome = run_with_ends(case, &registry, &|id, flow, cx| {
            let is_chosen = names.is_empty() || names.contains(&flow.name);
            let ends = is_chosen.then(|| weaknet_adapters::str0m::ends(id, flow, cx));
            ends.flatten()
        })?;
        let result = outcome.result;
        for subject in result.flows.iter().chain(&result.links) {
            for (metric, value) in &subject.metrics {
                let (id, seed, name) = (&result.id, &result.seed, &subject.name);
                writeln!(out, "{id}\t{seed}\t{name}\t{metric}\t{value}")?;
            }
        }
    }
    Ok(())
}
