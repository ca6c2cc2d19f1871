//! Packets that wait, first in, first out, and their bytes.

use std::collections::VecDeque;

use weaknet_core::{Span, Time};

use crate::model::{QueueContext, Queued};

/// A FIFO that knows how many bytes it holds. It keeps its memory: once it has
/// been as long as it gets, it allocates no more.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    queue: VecDeque<Queued>,
    bytes: u64,
}

impl Waiting {
    pub(super) fn push(&mut self, queued: Queued) {
        self.bytes += u64::from(queued.packet.size);
        self.queue.push_back(queued);
    }

    pub(super) fn pop(&mut self) -> Option<Queued> {
        let queued = self.queue.pop_front()?;
        self.bytes -= u64::from(queued.packet.size);
        Some(queued)
    }

    pub(super) fn pop_last(&mut self) -> Option<Queued> {
        let queued = self.queue.pop_back()?;
        self.bytes -= u64::from(queued.packet.size);
        Some(queued)
    }

    /// The next packet.
    pub(super) fn head(&self) -> Option<&Queued> {
        self.queue.front()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Queued> {
        self.queue.iter()
    }

    /// Size of the next packet.
    pub(super) fn head_size(&self) -> Option<u32> {
        self.head().map(|queued| queued.packet.size)
    }

    /// How long the next packet has waited; zero when there is none.
    pub(super) fn head_sojourn(&self, now: Time) -> Span {
        self.head()
            .map_or(Span::ZERO, |queued| now - queued.arrived)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn packets(&self) -> u64 {
        self.queue.len() as u64
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Marks an ECN-capable packet that has waited for longer than the threshold,
/// if there is one.
pub(super) fn mark_late(
    threshold: Option<Span>,
    queued: Option<Queued>,
    cx: &mut QueueContext<'_>,
) -> Option<Queued> {
    let mut queued = queued?;
    if threshold.is_some_and(|threshold| cx.now() - queued.arrived > threshold) {
        // A packet that cannot be marked goes on as it is.
        let _ = cx.mark(&mut queued.packet);
    }
    Some(queued)
}
