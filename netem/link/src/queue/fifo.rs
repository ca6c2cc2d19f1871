//! First in, first out on the general path: with drops at either end, and
//! marks for packets that waited too long.

use weaknet_core::Span;
use weaknet_core::event::DropReason;

use super::room::Room;
use super::waiting::{Waiting, mark_late};
use crate::model::{Limit, QueueContext, QueueDiscipline, Queued};

/// Which packet goes when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DropAt {
    /// The one that has waited the longest.
    Head,
    /// The one that arrives.
    Tail,
}

/// The queue.
pub(super) struct Fifo {
    room: Room,
    drop_at: DropAt,
    ce_threshold: Option<Span>,
    waiting: Waiting,
}

impl Fifo {
    pub(super) fn new(limit: Limit, drop_at: DropAt, ce_threshold: Option<Span>) -> Self {
        Self::with_room(Room::new(limit), drop_at, ce_threshold)
    }

    pub(super) fn with_room(room: Room, drop_at: DropAt, ce_threshold: Option<Span>) -> Self {
        Self {
            room,
            drop_at,
            ce_threshold,
            waiting: Waiting::default(),
        }
    }
}

impl QueueDiscipline for Fifo {
    fn enqueue(&mut self, queued: Queued, cx: &mut QueueContext<'_>) {
        self.waiting.push(queued);
        while !self
            .room
            .holds(self.waiting.packets(), self.waiting.bytes(), cx)
        {
            let dropped = match self.drop_at {
                DropAt::Head => self.waiting.pop(),
                DropAt::Tail => self.waiting.pop_last(),
            };
            let Some(dropped) = dropped else { return };
            cx.drop(dropped, DropReason::Overflow);
            if self.drop_at == DropAt::Tail {
                // What was there before stays, even when the rate has fallen.
                return;
            }
        }
    }

    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        let queued = mark_late(self.ce_threshold, self.waiting.pop(), cx);
        self.room.give(queued)
    }

    fn packets(&self) -> u64 {
        self.waiting.packets()
    }

    fn bytes(&self) -> u64 {
        self.waiting.bytes()
    }
}
