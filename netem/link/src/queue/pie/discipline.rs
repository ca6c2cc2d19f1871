//! The queue around PIE: room, draws, updates in time, and what becomes of
//! packets that the algorithm acts on.

use weaknet_core::event::DropReason;
use weaknet_core::rng::Draws;
use weaknet_core::{Span, Time};

use crate::model::{QueueContext, QueueDiscipline, Queued};
use crate::queue::QueueLimit;
use crate::queue::room::Room;
use crate::queue::ticks::Ticks;
use crate::queue::waiting::Waiting;

/// One form of the algorithm. `waiting` are the bytes that wait.
pub(super) trait Algorithm: Send {
    /// One update; whether it changed anything.
    fn update(&mut self, waiting: u64) -> bool;

    /// A packet arrives.
    fn arrive(&mut self, _waiting: u64) {}

    /// Whether the packet that arrives is to be marked or dropped.
    fn acts(&mut self, waiting: u64, draw: u64) -> bool;

    /// Whether a mark will do, if the packet can be marked.
    fn may_mark(&self) -> bool;

    /// A packet was marked instead of dropped.
    fn marked(&mut self);

    /// A packet was dropped, by the algorithm or for want of room.
    fn dropped(&mut self);

    /// A packet leaves that arrived then; so many bytes are left.
    fn depart(&mut self, now: Time, arrived: Time, size: u32, left: u64);
}

pub(super) struct Discipline<A> {
    pub(super) algorithm: A,
    room: Room,
    pub(super) draws: Draws,
    /// Packets that have arrived: each has a draw of its own.
    arrivals: u64,
    pub(super) ticks: Ticks,
    waiting: Waiting,
}

impl<A: Algorithm> Discipline<A> {
    pub(super) fn new(algorithm: A, limit: QueueLimit, update: Span, draws: Draws) -> Self {
        Self {
            algorithm,
            room: Room::new(limit),
            draws,
            arrivals: 0,
            ticks: Ticks::new(update),
            waiting: Waiting::default(),
        }
    }

    /// Makes the updates that have fallen due.
    pub(super) fn catch_up(&mut self, now: Time) {
        while self.ticks.pop(now).is_some() {
            if !self.algorithm.update(self.waiting.bytes()) {
                self.ticks.skip(now);
            }
        }
    }

    /// Why the packet is dropped, or that it is taken in.
    fn judge(&mut self, queued: &mut Queued, cx: &mut QueueContext<'_>) -> Option<DropReason> {
        let draw = self.draws.bits(self.arrivals);
        self.arrivals += 1;
        let waiting = self.waiting.bytes();
        let bytes = waiting + u64::from(queued.packet.size);
        if !self.room.holds(self.waiting.packets() + 1, bytes, cx) {
            return Some(DropReason::Overflow);
        }
        if !self.algorithm.acts(waiting, draw) {
            return None;
        }
        if self.algorithm.may_mark() && cx.mark(&mut queued.packet) {
            self.algorithm.marked();
            return None;
        }
        Some(DropReason::Aqm)
    }
}

impl<A: Algorithm> QueueDiscipline for Discipline<A> {
    fn enqueue(&mut self, mut queued: Queued, cx: &mut QueueContext<'_>) {
        self.catch_up(cx.now());
        self.algorithm.arrive(self.waiting.bytes());
        match self.judge(&mut queued, cx) {
            None => self.waiting.push(queued),
            Some(reason) => {
                self.algorithm.dropped();
                cx.drop(queued, reason);
            }
        }
    }

    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        self.catch_up(cx.now());
        let queued = self.waiting.pop();
        if let Some(Queued { arrived, packet }) = &queued {
            let left = self.waiting.bytes();
            self.algorithm.depart(cx.now(), *arrived, packet.size, left);
        }
        self.room.give(queued)
    }

    fn packets(&self) -> u64 {
        self.waiting.packets()
    }

    fn bytes(&self) -> u64 {
        self.waiting.bytes()
    }
}
