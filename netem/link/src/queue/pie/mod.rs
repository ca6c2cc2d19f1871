//! PIE: drops arriving packets with a probability that follows the queueing
//! delay.
//!
//! Implements: RFC 8033 section 4 as in appendix A; of section 5 departure rate
//! estimation (5.2), de-randomisation (5.4) and the cap of a step (5.5) as
//! options, as in appendix B.
//! Updates that fall due between two packets are made up for at the next one;
//! between packets nothing that they read changes, so that they are the same.
//! Differs: the guard against an idle link is two MTUs (2 * MEAN_PKTSIZE in the
//! RFC, which gives no size; Linux takes the MTU too).
//! Not modelled: switching itself off while the queue is short (section 5.3);
//! Linux's integers, which agree to six digits (see the tests).

mod chance;
mod controller;
mod latency;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::DropReason;
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin, Ratio, Span, Time};

use self::chance::{Spread, q32};
use self::controller::{Controller, Gains};
use self::latency::Estimate;
use super::QueueLimit;
use super::room::Room;
use super::ticks::Ticks;
use super::waiting::Waiting;
use crate::model::{Qdisc, Queue, QueueContext, QueueDiscipline, Queued};

/// How the queueing delay is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Latency {
    /// From the time of arrival of the last packet that left (RFC 8033 section
    /// 4.3, Linux).
    #[default]
    Timestamp,
    /// From the rate at which packets leave (RFC 8033 section 5.2).
    DepartureRate,
}

/// When the drop probability decays on top of the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// When the delay was zero at two updates in a row (RFC 8033 appendix A).
    #[default]
    AtZero,
    /// When it was below half the target (RFC 8033 appendix B).
    BelowHalfTarget,
}

/// One queue with PIE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pie {
    /// How much may wait before arriving packets are dropped in any case
    /// (Linux: 1000 packets).
    pub limit: QueueLimit,
    /// Queueing delay that it aims at (RFC 8033 section 4.2, QDELAY_REF: 15ms).
    pub target: Span,
    /// Time from update to update (RFC 8033 section 4.2, T_UPDATE: 15ms).
    pub update: Span,
    /// Time that a burst may take before packets are dropped (RFC 8033 section
    /// 4.4, MAX_BURST: 150ms).
    pub max_burst: Span,
    /// Gain for the distance from the target, in 1/s (RFC 8033 section 4.2:
    /// 0.125).
    pub alpha: f64,
    /// Gain for the change since the last update, in 1/s (RFC 8033 section 4.2:
    /// 1.25).
    pub beta: f64,
    /// The largest packet: nothing is dropped while two or less wait.
    pub mtu: Bytes,
    /// Whether ECN-capable packets are marked instead of dropped (RFC 8033
    /// section 5.1; Linux: off).
    pub ecn: bool,
    /// Drop probability from which on they are dropped all the same (RFC 8033
    /// section 5.1, mark_ecnth: 10%).
    pub mark_threshold: Ratio,
    /// How the queueing delay is known.
    pub latency: Latency,
    /// Whether drops are spread out (RFC 8033 section 5.4; Linux always does).
    /// The rate of drops is then about half the probability.
    pub derandomise: bool,
    /// Whether the probability grows by 2% per update at most, once it is 10%
    /// (RFC 8033 section 5.5; Linux always does).
    pub cap_step: bool,
    /// When the drop probability decays on top of the controller.
    pub decay: Decay,
}

impl Default for Pie {
    fn default() -> Self {
        Self {
            limit: QueueLimit::Packets(1000),
            target: Span::from_millis(15),
            update: Span::from_millis(15),
            max_burst: Span::from_millis(150),
            alpha: 0.125,
            beta: 1.25,
            mtu: Bytes::new(1500),
            ecn: false,
            mark_threshold: Ratio::from_f64(0.1),
            latency: Latency::Timestamp,
            derandomise: false,
            cap_step: false,
            decay: Decay::AtZero,
        }
    }
}

impl Plugin for Pie {
    type Kind = Qdisc;
    const NAME: &'static str = "pie";
    const SUMMARY: &'static str =
        "drops arriving packets with a probability that follows the queueing delay";
    const REFERENCES: &'static [&'static str] = &["RFC 8033", "Linux net/sched/sch_pie.c"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Queue, BuildError> {
        for (field, span) in [("target", self.target), ("update", self.update)] {
            if span < Span::from_micros(1) {
                return Err(BuildError::field(
                    field,
                    format!("expected a time such as `15ms`, found `{span}`"),
                ));
            }
        }
        for (field, gain) in [("alpha", self.alpha), ("beta", self.beta)] {
            super::gain(field, gain)?;
        }
        let mark_threshold = super::share("mark_threshold", self.mark_threshold)?;
        Ok(Queue::Active(Box::new(Discipline {
            room: Room::new(self.limit),
            draws: cx.streams.draws(cx.path, "queue"),
            arrivals: 0,
            gains: Gains {
                target: self.target,
                update: self.update,
                max_burst: self.max_burst,
                alpha: self.alpha,
                beta: self.beta,
                cap_step: self.cap_step,
                decay: self.decay,
            },
            mtu: self.mtu.get(),
            mark_below: self.ecn.then_some(mark_threshold),
            spread: self.derandomise.then(Spread::default),
            ticks: Ticks::new(self.update),
            controller: Controller::default(),
            estimate: Estimate::new(self.latency),
            waiting: Waiting::default(),
        })))
    }
}

struct Discipline {
    room: Room,
    draws: Draws,
    /// Packets that have arrived: each has a draw of its own.
    arrivals: u64,
    gains: Gains,
    mtu: u64,
    /// Probability below which capable packets are marked; `None`: never.
    mark_below: Option<f64>,
    spread: Option<Spread>,
    ticks: Ticks,
    controller: Controller,
    estimate: Estimate,
    waiting: Waiting,
}

impl Discipline {
    fn delay(&self) -> Span {
        self.estimate.delay(self.waiting.bytes())
    }

    /// Makes the updates that have fallen due.
    fn catch_up(&mut self, now: Time) {
        let delay = self.delay();
        while self.ticks.pop(now).is_some() {
            let before = self.controller.clone();
            self.controller.update(&self.gains, delay);
            if self.controller == before {
                self.ticks.skip(now);
            }
        }
    }

    /// Whether the packet that arrives is to be dropped or marked.
    fn acts(&mut self, draw: u32) -> bool {
        let bytes = self.waiting.bytes();
        if self.controller.is_safe(&self.gains, bytes, self.mtu) {
            return false;
        }
        let probability = q32(self.controller.probability);
        let chosen = match &mut self.spread {
            Some(spread) => spread.decide(probability, draw),
            None => u64::from(draw) < probability,
        };
        chosen && self.controller.burst.is_zero()
    }

    fn may_mark(&self) -> bool {
        let probability = self.controller.probability;
        self.mark_below
            .is_some_and(|threshold| probability < threshold)
    }

    fn restart_spread(&mut self) {
        if let Some(spread) = &mut self.spread {
            spread.restart();
        }
    }
}

impl QueueDiscipline for Discipline {
    fn enqueue(&mut self, mut queued: Queued, cx: &mut QueueContext<'_>) {
        self.catch_up(cx.now());
        self.controller.arrive(&self.gains, self.delay());
        let draw = (self.draws.bits(self.arrivals) >> 32) as u32;
        self.arrivals += 1;
        let bytes = self.waiting.bytes() + u64::from(queued.packet.size);
        let drop = if !self.room.holds(self.waiting.packets() + 1, bytes, cx) {
            Some(DropReason::Overflow)
        } else if self.acts(draw) {
            let marked = self.may_mark() && cx.mark(&mut queued.packet);
            self.restart_spread();
            (!marked).then_some(DropReason::Aqm)
        } else {
            None
        };
        match drop {
            None => self.waiting.push(queued),
            Some(reason) => {
                self.restart_spread();
                cx.drop(queued, reason);
            }
        }
    }

    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        self.catch_up(cx.now());
        let queued = self.waiting.pop();
        if let Some(queued) = &queued {
            self.estimate.depart(
                cx.now(),
                cx.now() - queued.arrived,
                queued.packet.size,
                self.waiting.bytes(),
            );
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
