//! Hands every event to the metric sets that want it.

use weaknet_core::{Event, EventSink, Time};

use super::mask::{VARIANTS, variant};
use super::{MetricSet, RunFacts, Scores};

/// The metric sets of one run, fed as an [`EventSink`].
pub struct Scorer<'r> {
    run: &'r RunFacts,
    sets: Vec<Box<dyn MetricSet>>,
    /// By event variant: which sets want it.
    routes: [Vec<usize>; VARIANTS],
}

impl<'r> Scorer<'r> {
    /// Starts the sets for a run.
    #[must_use]
    pub fn new(run: &'r RunFacts, mut sets: Vec<Box<dyn MetricSet>>) -> Self {
        let mut routes: [Vec<usize>; VARIANTS] = std::array::from_fn(|_| Vec::new());
        for (index, set) in sets.iter_mut().enumerate() {
            set.start(run);
            let interest = set.interest();
            for (variant, route) in routes.iter_mut().enumerate() {
                if interest.has(variant) {
                    route.push(index);
                }
            }
        }
        Self { run, sets, routes }
    }

    /// The scores, when the run is over.
    #[must_use]
    pub fn finish(mut self) -> Scores {
        let mut scores = Scores::new(self.run.flows.len(), self.run.links.len());
        for set in &mut self.sets {
            set.finish(self.run, &mut scores);
        }
        scores
    }
}

impl EventSink for Scorer<'_> {
    fn event(&mut self, at: Time, event: &Event) {
        for &set in &self.routes[variant(event)] {
            self.sets[set].event(self.run, at, event);
        }
    }
}
