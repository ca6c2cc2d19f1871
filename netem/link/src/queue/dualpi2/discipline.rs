//! The two queues of DualPI2 at work.
//!
//! Implements: RFC 9332 appendix A.1, figures 3 (enqueue), 7 (dequeue) and 8
//! (update), and section 4.2.3 (overload).

use weaknet_core::event::DropReason;
use weaknet_core::packet::Ecn;
use weaknet_core::{Span, Time};

use super::Side;
use super::chance::{Chance, Native};
use super::controller::Controller;
use super::scheduler::Scheduler;
use crate::model::{Limit, QueueContext, QueueDiscipline, Queued};
use crate::queue::room::Room;
use crate::queue::ticks::Ticks;
use crate::queue::waiting::Waiting;

/// What does not change.
pub(super) struct Settings {
    pub(super) coupling: f64,
    pub(super) native: Native,
    pub(super) mtu: u64,
    /// The coupled controller does not act while less waits in both queues.
    pub(super) spared_bytes: u64,
}

pub(super) struct Discipline {
    room: Room,
    settings: Settings,
    pub(super) ticks: Ticks,
    pub(super) controller: Controller,
    chance: Chance,
    scheduler: Scheduler,
    pub(super) l4s: Waiting,
    pub(super) classic: Waiting,
}

impl Discipline {
    pub(super) fn new(
        limit: impl Into<Limit>,
        settings: Settings,
        update: Span,
        controller: Controller,
        chance: Chance,
        scheduler: Scheduler,
    ) -> Self {
        Self {
            room: Room::new(limit),
            settings,
            ticks: Ticks::new(update),
            controller,
            chance,
            scheduler,
            l4s: Waiting::default(),
            classic: Waiting::default(),
        }
    }

    /// The queueing delay at an instant, by the packets at the heads.
    pub(super) fn delay(&self, at: Time) -> Span {
        self.l4s.head_sojourn(at).max(self.classic.head_sojourn(at))
    }

    /// Makes the updates that have fallen due.
    fn catch_up(&mut self, now: Time) {
        let empty = self.packets() == 0;
        while let Some(tick) = self.ticks.pop(now) {
            let before = self.controller.clone();
            self.controller.update(self.delay(tick));
            // Empty queues come to rest; behind heads that wait on and on the
            // delay grows for ever, and the probability stays at its most.
            let stuck =
                !empty && before.probability() == 1.0 && self.controller.probability() == 1.0;
            if self.controller == before || stuck {
                self.ticks.skip(now);
            }
        }
    }

    /// The next packet of the L queue; `None` when it is dropped.
    fn serve_l4s(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        let acts = self.bytes() >= self.settings.spared_bytes;
        let mut queued = self.l4s.pop()?;
        let base = self.controller.probability();
        let coupled = self.settings.coupling * base;
        let native = self
            .settings
            .native
            .likelihood(cx.now() - queued.arrived, self.l4s.packets());
        let marks = if !acts {
            self.chance.mark(native)
        } else if coupled < 1.0 {
            self.chance.mark(native.max(coupled))
        } else if self.chance.overload(base) {
            cx.drop(queued, DropReason::Aqm);
            return None;
        } else {
            true
        };
        if marks {
            // All packets of this queue can be marked.
            let _ = cx.mark(&mut queued.packet);
        }
        Some(queued)
    }

    /// The next packet of the classic queue; `None` when it is dropped.
    fn serve_classic(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        let acts = self.bytes() >= self.settings.spared_bytes;
        let mut queued = self.classic.pop()?;
        let base = self.controller.probability();
        if acts && self.chance.classic(base) {
            // p_C has reached min(1/k^2, 1).
            let overload = self.settings.coupling.max(1.0) * base >= 1.0;
            if overload || !cx.mark(&mut queued.packet) {
                cx.drop(queued, DropReason::Aqm);
                return None;
            }
        }
        Some(queued)
    }
}

impl QueueDiscipline for Discipline {
    fn enqueue(&mut self, queued: Queued, cx: &mut QueueContext<'_>) {
        self.catch_up(cx.now());
        let room = u64::from(queued.packet.size).max(self.settings.mtu);
        let bytes = self.bytes().saturating_add(room);
        if !self.room.holds(self.packets() + 1, bytes, cx) {
            cx.drop(queued, DropReason::Overflow);
            return;
        }
        match queued.packet.ecn {
            Ecn::Ect1 | Ecn::Ce => self.l4s.push(queued),
            Ecn::NotEct | Ecn::Ect0 => self.classic.push(queued),
        }
    }

    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        let now = cx.now();
        self.catch_up(now);
        let queued = loop {
            let head = |queue: &Waiting| (!queue.is_empty()).then(|| queue.head_sojourn(now));
            let Some(side) = self.scheduler.choose(head(&self.l4s), head(&self.classic)) else {
                break None;
            };
            self.chance.next_packet();
            let (queued, other) = match side {
                Side::L4s => (self.serve_l4s(cx), &self.classic),
                Side::Classic => (self.serve_classic(cx), &self.l4s),
            };
            if let Some(queued) = queued {
                if !other.is_empty() {
                    self.scheduler.charge(side, queued.packet.size);
                }
                break Some(queued);
            }
        };
        self.room.give(queued)
    }

    fn packets(&self) -> u64 {
        self.l4s.packets() + self.classic.packets()
    }

    fn bytes(&self) -> u64 {
        self.l4s.bytes() + self.classic.bytes()
    }
}
