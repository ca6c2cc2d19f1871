//! CoDel's state machine for one queue.
//!
//! Implements: RFC 8289 sections 5.4 to 5.6; ECN as Linux `codel_impl.h` (the
//! RFC has none): a packet is marked instead of dropped, one per dequeue, and
//! is sent.

use weaknet_core::Span;
use weaknet_core::event::DropReason;

use super::control_law::{ControlLaw, Spacing};
use crate::model::{QueueContext, Queued};
use crate::queue::waiting::mark_late;

/// Where CoDel takes packets from.
pub(crate) trait Supply {
    /// The next packet.
    fn pop(&mut self) -> Option<Queued>;
    /// Bytes that wait: of all queues that share the link (RFC 8289 section
    /// 4.4).
    fn backlog(&self) -> u64;
}

/// CoDel's parameters, times in units of the law.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) law: ControlLaw,
    pub(crate) target: u64,
    pub(crate) interval: u64,
    /// A queue that holds no more bytes is never acted on.
    pub(crate) mtu: u64,
    pub(crate) ecn: bool,
    pub(crate) ce_threshold: Option<Span>,
}

/// Drops entered again within so many intervals resume where they were.
const MEMORY: u64 = 16;

/// The state of one queue.
#[derive(Debug, Clone, Default)]
pub(crate) struct Codel {
    /// When the delay will have been above target for an interval.
    pub(super) first_above: Option<u64>,
    pub(super) drop_next: u64,
    pub(super) spacing: Spacing,
    pub(super) last_count: u32,
    pub(super) dropping: bool,
}

impl Codel {
    /// The next packet to send.
    pub(crate) fn dequeue(
        &mut self,
        settings: &Settings,
        supply: &mut impl Supply,
        cx: &mut QueueContext<'_>,
    ) -> Option<Queued> {
        let now = settings.law.units(cx.now().as_nanos());
        let (packet, above) = self.pop(settings, supply, now);
        let packet = if self.dropping {
            self.continue_dropping(settings, supply, cx, packet, above)
        } else {
            match packet {
                Some(packet) if above => self.start_dropping(settings, supply, cx, packet),
                packet => packet,
            }
        };
        mark_late(settings.ce_threshold, packet, cx)
    }

    /// Counts packets that were dropped for want of room, as Linux does.
    pub(crate) const fn count_drops(&mut self, drops: u32) {
        self.spacing.add(drops);
    }

    /// The next packet, and whether it may be dropped.
    fn pop(
        &mut self,
        settings: &Settings,
        supply: &mut impl Supply,
        now: u64,
    ) -> (Option<Queued>, bool) {
        let packet = supply.pop();
        let law = settings.law;
        let good = packet.as_ref().is_none_or(|packet| {
            let sojourn = now.saturating_sub(law.units(packet.arrived.as_nanos()));
            sojourn < settings.target || supply.backlog() <= settings.mtu
        });
        if good {
            self.first_above = None;
            return (packet, false);
        }
        let above = match self.first_above {
            Some(first_above) => law.is_over(first_above, now),
            None => {
                self.first_above = Some(now.saturating_add(settings.interval));
                false
            }
        };
        (packet, above)
    }

    fn continue_dropping(
        &mut self,
        settings: &Settings,
        supply: &mut impl Supply,
        cx: &mut QueueContext<'_>,
        mut packet: Option<Queued>,
        mut above: bool,
    ) -> Option<Queued> {
        let now = settings.law.units(cx.now().as_nanos());
        while above && now >= self.drop_next {
            self.spacing.next();
            if let Some(mut dropped) = packet {
                if settings.ecn && cx.mark(&mut dropped.packet) {
                    self.schedule(settings, self.drop_next);
                    return Some(dropped);
                }
                cx.drop(dropped, DropReason::Aqm);
            }
            (packet, above) = self.pop(settings, supply, now);
            if above {
                self.schedule(settings, self.drop_next);
            }
        }
        self.dropping = above;
        packet
    }

    fn start_dropping(
        &mut self,
        settings: &Settings,
        supply: &mut impl Supply,
        cx: &mut QueueContext<'_>,
        mut packet: Queued,
    ) -> Option<Queued> {
        let now = settings.law.units(cx.now().as_nanos());
        let sent = if settings.ecn && cx.mark(&mut packet.packet) {
            Some(packet)
        } else {
            cx.drop(packet, DropReason::Aqm);
            self.pop(settings, supply, now).0
        };
        self.dropping = true;
        let delta = self.spacing.count().wrapping_sub(self.last_count);
        let recent = now.saturating_sub(self.drop_next) < settings.interval.saturating_mul(MEMORY);
        if delta > 1 && recent {
            self.spacing.resume(delta);
        } else {
            self.spacing.restart();
        }
        self.last_count = self.spacing.count();
        self.schedule(settings, now);
        sent
    }

    fn schedule(&mut self, settings: &Settings, from: u64) {
        let gap = self.spacing.gap(settings.law, settings.interval);
        self.drop_next = from.saturating_add(gap);
    }
}
