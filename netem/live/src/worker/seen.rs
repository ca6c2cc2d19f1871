//! What a worker has seen.

use weaknet_core::event::{DropReason, Event, EventSink};
use weaknet_core::{Span, Time};
use weaknet_netem::Tally;

use crate::spans::Spans;

/// What happened in one direction since a worker was last asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// What came.
    pub(crate) arrived: Tally,
    /// What the last link delivered.
    pub(crate) delivered: Tally,
    /// Packets that links dropped, by reason.
    pub(crate) drops: Vec<(DropReason, u64)>,
    /// How long the delivered ones were on all links.
    pub(crate) delay: Spans,
    /// The longest that one of them waited in a queue.
    pub(crate) waited: Span,
    /// How late packets left.
    pub(crate) lateness: Spans,
    /// Packets that the device at the far end did not take.
    pub(crate) refused: u64,
    /// What is no IP packet.
    pub(crate) strange: u64,
}

impl Seen {
    /// Adds what was seen later.
    pub(crate) fn add(&mut self, other: &Self) {
        self.arrived += other.arrived;
        self.delivered += other.delivered;
        for (reason, count) in &other.drops {
            self.drop(*reason, *count);
        }
        self.delay.add(&other.delay);
        self.waited = self.waited.max(other.waited);
        self.lateness.add(&other.lateness);
        self.refused += other.refused;
        self.strange += other.strange;
    }

    fn drop(&mut self, reason: DropReason, count: u64) {
        match self.drops.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, known)) => *known += count,
            None => self.drops.push((reason, count)),
        }
    }
}

impl EventSink for Seen {
    fn event(&mut self, _: Time, event: &Event) {
        match *event {
            Event::LinkDeliver { waited, .. } => self.waited = self.waited.max(waited),
            Event::LinkDrop { reason, .. } => self.drop(reason, 1),
            _ => {}
        }
    }
}
