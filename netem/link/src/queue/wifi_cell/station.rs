//! A sender of the cell: its queue and its place in the contention.

use weaknet_core::packet::{FlowId, Leg};
use weaknet_core::rng::Sequence;
use weaknet_core::{Span, Time};

use crate::model::Queued;
use crate::queue::waiting::Waiting;

/// Which packets share a queue and contend as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StationId {
    /// What the access point has for all of its stations.
    AccessPoint,
    /// One leg of a flow.
    Leg(FlowId, Leg),
}

/// Bounds on what a station does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) cw_min: u32,
    pub(super) cw_max: u32,
    pub(super) retry_limit: u32,
    pub(super) max_frames: usize,
    pub(super) max_bytes: u64,
}

/// A sender that has had something to send.
pub(super) struct Station {
    pub(super) waiting: Waiting,
    draws: Sequence,
    window: u32,
    retries: u32,
    /// Slots still to wait, counted from when the air last became idle.
    pub(super) backoff: u32,
}

impl Station {
    pub(super) fn new(draws: Sequence, rules: &Rules) -> Self {
        Self {
            waiting: Waiting::default(),
            draws,
            window: rules.cw_min,
            retries: 0,
            backoff: 0,
        }
    }

    /// Draws the slots to wait from the contention window.
    pub(super) fn draw_backoff(&mut self) {
        let values = u128::from(self.window) + 1;
        self.backoff = ((u128::from(self.draws.bits()) * values) >> 64) as u32;
    }

    /// How many packets go into the next transmission: those at the head that
    /// are of one flow, within the bounds of an aggregate.
    pub(super) fn aggregate(&self, rules: &Rules) -> usize {
        let Some(head) = self.waiting.head() else {
            return 0;
        };
        let mut bytes = 0;
        let fits = |queued: &&Queued| {
            bytes += u64::from(queued.packet.size);
            bytes <= rules.max_bytes && queued.packet.flow == head.packet.flow
        };
        let frames = self.waiting.iter().take(rules.max_frames);
        frames.take_while(fits).count().max(1)
    }

    /// The transmission was answered.
    pub(super) fn succeeded(&mut self, rules: &Rules) {
        self.retries = 0;
        self.window = rules.cw_min;
        self.draw_backoff();
    }

    /// There was no answer. Whether the packets are given up.
    pub(super) fn failed(&mut self, rules: &Rules) -> bool {
        self.retries += 1;
        if self.retries > rules.retry_limit {
            self.succeeded(rules);
            return true;
        }
        self.window = (2 * self.window + 1).min(rules.cw_max);
        self.draw_backoff();
        false
    }

    /// When it may start to send if the air stays idle: `None` when it has
    /// nothing. `contention` is the start of the first slot of backoff.
    pub(super) fn due(&self, contention: Time, slot: Span) -> Option<Time> {
        let head = self.waiting.head()?;
        Some((contention + slot * u64::from(self.backoff)).max(head.arrived))
    }
}
