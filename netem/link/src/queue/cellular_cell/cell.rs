//! The slots of a cell and who gets them.

use std::collections::{BTreeMap, VecDeque};

use weaknet_core::event::DropReason;
use weaknet_core::packet::{FlowId, Leg};
use weaknet_core::{Bitrate, Span, Streams, Time};

use super::user::{Channel, User};
use super::{Fading, Scheduler};
use crate::model::{Limit, QueueContext, QueueDiscipline, Queued};

/// What a cell is made of.
pub(super) struct Setting {
    pub(super) slot: Span,
    pub(super) scheduler: Scheduler,
    pub(super) grant_delay: Span,
    /// Slots that proportional fairness looks back.
    pub(super) memory: f64,
    pub(super) rate: Bitrate,
    /// By flow; the others have `rate`.
    pub(super) rates: Vec<Bitrate>,
    pub(super) fading: Option<Fading>,
    pub(super) limit: Limit,
    pub(super) streams: Streams,
    pub(super) path: String,
}

impl Setting {
    fn rate_of(&self, flow: FlowId) -> Bitrate {
        let own = self.rates.get(usize::from(flow.0));
        own.copied().unwrap_or(self.rate)
    }

    fn user(&self, (flow, leg): UserId) -> User {
        let fading = self.fading.clone().map(|fading| {
            let purpose = format!("fading of flow {} {leg:?}", flow.0);
            (fading, self.streams.draws(&self.path, &purpose))
        });
        let channel = Channel::new(self.rate_of(flow), self.slot, fading);
        User::new(channel, self.memory)
    }
}

/// One leg of a flow.
type UserId = (FlowId, Leg);

/// The users and the slots.
pub(super) struct Cell {
    setting: Setting,
    users: BTreeMap<UserId, User>,
    /// The first slot that has not been given out; slot k is [k, k + 1) slots.
    next_slot: u64,
    /// What has got through and is not yet collected.
    done: VecDeque<Queued>,
    /// Room for the order of users in a slot: urgency, slot of last service,
    /// who, and at what rate.
    order: Vec<(f64, u64, UserId, Bitrate)>,
}

impl Cell {
    pub(super) const fn new(setting: Setting) -> Self {
        Self {
            setting,
            users: BTreeMap::new(),
            next_slot: 0,
            done: VecDeque::new(),
            order: Vec::new(),
        }
    }

    fn start_of(&self, slot: u64) -> Time {
        Time::ZERO + self.setting.slot * slot
    }

    /// The first slot in which there is something to send: what arrived by its
    /// start, less the time until the scheduler knows.
    fn next_busy_slot(&self) -> Option<u64> {
        let first = self.users.values().filter_map(User::head).min()?;
        let known = first + self.setting.grant_delay;
        let slot = known.as_nanos().div_ceil(self.setting.slot.as_nanos());
        Some(slot.max(self.next_slot))
    }

    /// Gives out all slots that have ended by `now`.
    fn advance(&mut self, now: Time) {
        while let Some(slot) = self.next_busy_slot() {
            if self.start_of(slot + 1) > now {
                return;
            }
            self.give_out(slot);
            self.next_slot = slot + 1;
        }
    }

    fn give_out(&mut self, slot: u64) {
        let start = self.start_of(slot);
        // What arrived later is not known yet.
        let known = start.saturating_sub(self.setting.grant_delay);
        let scheduler = self.setting.scheduler;
        self.order.clear();
        for (id, user) in &mut self.users {
            user.age(slot - self.next_slot);
            if user.head().is_some_and(|head| head <= known) {
                let rate = user.rate(slot);
                let urgency = scheduler.urgency(rate, user.mean);
                self.order.push((urgency, user.last_served, *id, rate));
            }
        }
        self.order
            .sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut left = self.setting.slot;
        for (_, _, id, rate) in &self.order {
            if rate.is_zero() || left.is_zero() {
                continue;
            }
            if let Some(user) = self.users.get_mut(id) {
                let before = left;
                left = user.serve(*rate, left, known, &mut self.done);
                user.last_served = slot + 1;
                user.got = rate.as_bps_f64() * (before - left).as_secs_f64();
            }
        }
        self.users.values_mut().for_each(|user| user.age(1));
    }

    fn has_room(&self, id: UserId, user: &User, size: u32) -> bool {
        let bytes = u128::from(user.waiting.bytes()) + u128::from(size);
        match self.setting.limit {
            Limit::Packets(limit) => user.waiting.packets() < limit,
            Limit::Bytes(limit) => bytes <= u128::from(limit),
            Limit::Time(limit, _) => {
                let rate = u128::from(self.setting.rate_of(id.0).as_bps());
                bytes * 8 * 1_000_000_000 <= rate * u128::from(limit.as_nanos())
            }
        }
    }
}

impl QueueDiscipline for Cell {
    fn enqueue(&mut self, queued: Queued, cx: &mut QueueContext<'_>) {
        self.advance(cx.now());
        let id = (queued.packet.flow, queued.packet.leg);
        if !self.users.contains_key(&id) {
            self.users.insert(id, self.setting.user(id));
        }
        let room = self
            .users
            .get(&id)
            .is_some_and(|user| self.has_room(id, user, queued.packet.size));
        match self.users.get_mut(&id).filter(|_| room) {
            Some(user) => user.waiting.push(queued),
            None => cx.drop(queued, DropReason::Overflow),
        }
    }

    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        self.advance(cx.now());
        self.done.pop_front()
    }

    fn packets(&self) -> u64 {
        let waiting = self.users.values().map(|user| user.waiting.packets());
        waiting.sum::<u64>() + self.done.len() as u64
    }

    fn bytes(&self) -> u64 {
        let done = self.done.iter().map(|q| u64::from(q.packet.size));
        self.users
            .values()
            .map(|user| user.waiting.bytes())
            .sum::<u64>()
            + done.sum::<u64>()
    }

    fn next_ready(&self) -> Option<Time> {
        let slot = self.next_busy_slot()?;
        Some(self.start_of(slot.saturating_add(1)))
    }
}
