//! What happens in scenarios that stand in the tests.

#[path = "plan.rs"]
pub(crate) mod plan;

use weaknet_core::{Event, Time};
use weaknet_harness::registry::Registry;
use weaknet_harness::world;

/// Everything that happens in a scenario with its first seed.
pub(crate) fn events(text: &str) -> Vec<(Time, Event)> {
    let case = &plan::plan(text, &Registry::builtin()).cases[0];
    let (mut world, facts) = world::build(&case.scenario, case.seed, &case.assets).unwrap();
    let mut events = Vec::new();
    world.run(facts.duration, &mut events).unwrap();
    events
}
