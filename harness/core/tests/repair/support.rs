//! Runs of scenarios.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use weaknet_core::{Event, Time};
use weaknet_harness::plan::{Case, Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::{Outcome, run_case};
use weaknet_harness::world;

/// The first case of a scenario.
fn case(text: &str) -> Case {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("repair-{}-{number}.yaml", std::process::id());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    let request = Request {
        paths: vec![path.display().to_string()],
        ..Request::default()
    };
    let plan = Plan::load(&request, &Registry::builtin());
    std::fs::remove_file(&path).unwrap();
    let plan = plan.unwrap_or_else(|error| panic!("{error}"));
    plan.cases.into_iter().next().unwrap()
}

/// What the scenario yields.
pub(crate) fn outcome(text: &str) -> Outcome {
    run_case(&case(text), &Registry::builtin()).unwrap()
}

/// A metric of an outcome; zero is not what stands for absence.
pub(crate) fn metric(outcome: &Outcome, subject: &str, name: &str) -> f64 {
    let value = outcome.result.metric(subject, name);
    value.unwrap_or_else(|| panic!("{subject} has no {name}"))
}

/// Everything that happens in a scenario.
pub(crate) fn events(text: &str) -> Vec<(Time, Event)> {
    let case = case(text);
    let (mut world, facts) = world::build(&case.scenario, case.seed, &case.assets).unwrap();
    let mut events = Vec::new();
    world.run(facts.duration, &mut events).unwrap();
    events
}
