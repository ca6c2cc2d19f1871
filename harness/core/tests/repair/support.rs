//! Runs of scenarios.

#[path = "../support/events.rs"]
mod events;

use weaknet_harness::registry::Registry;
use weaknet_harness::runner::{Outcome, run_case};

pub(crate) use self::events::events;
use self::events::plan::plan;

/// What the scenario yields.
pub(crate) fn outcome(text: &str) -> Outcome {
    let registry = Registry::builtin();
    run_case(&plan(text, &registry).cases[0], &registry).unwrap()
}

/// A metric of an outcome; zero is not what stands for absence.
pub(crate) fn metric(outcome: &Outcome, subject: &str, name: &str) -> f64 {
    let value = outcome.result.metric(subject, name);
    value.unwrap_or_else(|| panic!("{subject} has no {name}"))
}
