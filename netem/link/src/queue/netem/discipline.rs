//! What happens to a packet, step by step.

use weaknet_core::Time;
use weaknet_core::event::DropReason;

use super::chance::{Chance, Correlated, Source};
use super::delay::Spread;
use super::delay_line::DelayLine;
use super::loss::Generator;
use super::rate::LinkRate;
use super::slots::Slots;
use crate::model::{QueueContext, QueueDiscipline, Queued};
use crate::rarities::damage;

/// All of a netem queue but its draws.
pub(super) struct Stages {
    pub(super) limit: u64,
    pub(super) duplicate: Chance,
    pub(super) loss: Generator,
    pub(super) ecn: bool,
    pub(super) corrupt: Chance,
    /// Only every so many-th packet may be sent at once; 0: none.
    pub(super) gap: u64,
    pub(super) reorder: Chance,
    pub(super) delay: Spread,
    pub(super) delay_draws: Correlated,
    pub(super) rate: Option<LinkRate>,
    pub(super) slots: Option<Slots>,
    /// Packets since the last one that was sent at once.
    pub(super) in_place: u64,
    pub(super) line: DelayLine,
}

/// A netem queue.
pub(super) struct Discipline<S> {
    pub(super) stages: Stages,
    pub(super) draws: S,
    /// For what the kernel takes from its entropy pool.
    pub(super) entropy: S,
}

/// A time as the kernel counts it.
fn nanos(time: Time) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

impl<S: Source> Discipline<S> {
    /// Steps 2 to 7. A copy is never copied.
    fn admit(&mut self, mut queued: Queued, copied: bool, cx: &mut QueueContext<'_>) {
        let lost = self.stages.loss.loses(&mut self.draws)
            && !(self.stages.ecn && cx.mark(&mut queued.packet));
        if lost && !copied {
            return cx.drop(queued, DropReason::Loss);
        }
        let copy = (copied && !lost).then(|| queued.clone());
        if self.stages.corrupt.happens(&mut self.draws) {
            let bits = u64::from(queued.packet.size) * 8;
            let bit = (u64::from(self.entropy.draw()) * bits) >> 32;
            damage(&mut queued.packet, bit);
        }
        if self.stages.line.packets() >= self.stages.limit {
            return cx.drop(queued, DropReason::Overflow);
        }
        if let Some(copy) = copy {
            cx.copied(&copy.packet);
            self.admit(copy, false, cx);
        }
        self.hold(nanos(cx.now()), queued);
    }

    /// Steps 6 and 7.
    fn hold(&mut self, now: i64, queued: Queued) {
        let may = self.stages.gap != 0 && self.stages.in_place + 1 >= self.stages.gap;
        if may && self.stages.reorder.holds(&mut self.draws) {
            self.stages.in_place = 0;
            return self.stages.line.push_at_once(now, queued);
        }
        let mut delay = self
            .stages
            .delay
            .draw(&mut self.stages.delay_draws, &mut self.draws);
        let mut from = now;
        if let Some(rate) = &self.stages.rate {
            if let Some(last) = self.stages.line.last() {
                delay = delay.saturating_sub(last.saturating_sub(now)).max(0);
                from = last;
            }
            delay = delay.saturating_add(rate.time(queued.packet.size));
        }
        self.stages.in_place += 1;
        self.stages.line.push(from.saturating_add(delay), queued);
    }
}

impl<S: Source> QueueDiscipline for Discipline<S> {
    fn enqueue(&mut self, queued: Queued, cx: &mut QueueContext<'_>) {
        let copied = self.stages.duplicate.happens(&mut self.draws);
        self.admit(queued, copied, cx);
    }

    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        let at_once = self.stages.line.pop_at_once();
        if at_once.is_some() {
            return at_once;
        }
        let (due, now) = (self.stages.line.first()?, nanos(cx.now()));
        if let Some(slots) = &mut self.stages.slots
            && slots.next < due
        {
            slots.renew(now, &mut self.entropy);
        }
        if due > now
            || self
                .stages
                .slots
                .as_ref()
                .is_some_and(|slots| slots.next > now)
        {
            return None;
        }
        let queued = self.stages.line.pop()?;
        if let Some(slots) = &mut self.stages.slots {
            slots.leave(now, queued.packet.size, &mut self.entropy);
        }
        Some(queued)
    }

    fn packets(&self) -> u64 {
        self.stages.line.packets()
    }

    fn bytes(&self) -> u64 {
        self.stages.line.bytes()
    }

    fn next_ready(&self) -> Option<Time> {
        let due = self.stages.line.first()?;
        let at = self
            .stages
            .slots
            .as_ref()
            .map_or(due, |slots| due.max(slots.next));
        Some(Time::from_nanos(u64::try_from(at).unwrap_or(0)))
    }
}
