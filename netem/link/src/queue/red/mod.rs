//! RED: drops arriving packets with a probability that rises with the average
//! queue.
//!
//! Implements: Floyd and Jacobson 1993 as in ns and Linux; gentle, wait and
//! adaptive forms; thresholds in packets, bytes or time; marks instead of drops
//! while the average is below the upper threshold (RFC 3168 section 7).
//! RFC 7567 no longer recommends RED over others.
//! Adaptations that fall due between two packets are made up for at the next
//! one; the average does not move between packets, so that they are the same.
//! Differs: the queue does not count the packet in service; idle time starts
//! when the serialiser finds nothing to serve. The count of packets since the
//! last drop is that of the paper's derivation (section 7: distances uniform on
//! 1 to 1/p_b); its pseudo-code counts one more after a drop, so that the
//! longest distance is one shorter.

mod average;
mod probability;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::DropReason;
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin, Ratio, Span, Time};

use self::average::Average;
use self::probability::{ADAPTATION, Pressure, Thresholds, adapt, spread};
use super::QueueLimit;
use super::room::Room;
use super::ticks::Ticks;
use super::waiting::Waiting;
use crate::model::{Qdisc, Queue, QueueContext, QueueDiscipline, Queued};

/// One queue with RED.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Red {
    /// How much may wait before arriving packets are dropped in any case: a
    /// time at the current rate, bytes or packets.
    pub limit: QueueLimit,
    /// Average queue from which on packets are dropped at random (Floyd and
    /// Jacobson 1993: 5 packets); a time counts at the current rate.
    pub min: QueueLimit,
    /// Average queue from which on the gentle slope starts, or all are dropped;
    /// in the unit of `min`, three times that when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<QueueLimit>,
    /// Weight of a new value in the average (Floyd and Jacobson 1993: 0.002).
    pub weight: f64,
    /// Drop probability at `max` (Floyd 1997: 10%; ns: 2%).
    pub max_probability: Ratio,
    /// Whether the probability rises steadily to 1 between `max` and twice that
    /// (Floyd 2000), instead of jumping there.
    pub gentle: bool,
    /// Whether drops keep a distance of at least 1/p (ns-2's `wait_`).
    pub wait: bool,
    /// Whether the probability of a packet is in proportion to its size (Floyd
    /// and Jacobson 1993, section 4, byte mode).
    pub by_size: bool,
    /// Whether `max_probability` adapts every 0.5s, so that the average stays
    /// in the middle (Floyd, Gummadi, Shenker 2001).
    pub adaptive: bool,
    /// Queueing delay to aim at: `min` is then half of it in packets, 5 at
    /// least, `max` three times that, and `weight` 1 - exp(-1 / packets per
    /// second), all from the current rate (Floyd, Gummadi, Shenker 2001, section
    /// 5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_delay: Option<Span>,
    /// The mean packet: for idle time, for `by_size` and for `target_delay`.
    pub mean_packet: Bytes,
    /// Whether ECN-capable packets are marked instead of dropped while the
    /// average is below `max`.
    pub ecn: bool,
}

impl Default for Red {
    fn default() -> Self {
        Self {
            limit: QueueLimit::Time(Span::from_millis(300)),
            min: QueueLimit::Packets(5),
            max: None,
            weight: 0.002,
            max_probability: Ratio::from_f64(0.1),
            gentle: true,
            wait: false,
            by_size: false,
            adaptive: false,
            target_delay: None,
            mean_packet: Bytes::new(1000),
            ecn: false,
        }
    }
}

/// What a queue is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Packets,
    Bytes,
    /// Nanoseconds at the current rate.
    Time,
}

impl Measure {
    fn of(limit: QueueLimit) -> (Self, f64) {
        match limit {
            QueueLimit::Packets(packets) => (Self::Packets, packets as f64),
            QueueLimit::Bytes(bytes) => (Self::Bytes, bytes.get() as f64),
            QueueLimit::Time(span) => (Self::Time, span.as_nanos() as f64),
        }
    }
}

impl Red {
    fn thresholds(&self) -> Result<(Measure, Thresholds), BuildError> {
        let (measure, min) = Measure::of(self.min);
        let max = match self.max.map(Measure::of) {
            None => 3.0 * min,
            Some((unit, _)) if unit != measure => {
                return Err(BuildError::field(
                    "max",
                    format!("expected the unit of `min`, {}", self.min),
                ));
            }
            Some((_, max)) => max,
        };
        if max <= min {
            return Err(BuildError::field(
                "max",
                format!("expected more than `min`, {}", self.min),
            ));
        }
        Ok((measure, Thresholds { min, max }))
    }
}

impl Plugin for Red {
    type Kind = Qdisc;
    const NAME: &'static str = "red";
    const SUMMARY: &'static str =
        "drops arriving packets with a probability that rises with the average queue";
    const REFERENCES: &'static [&'static str] = &[
        "Floyd, Jacobson: Random Early Detection Gateways for Congestion Avoidance, ToN 1(4), 1993",
        "Floyd, Gummadi, Shenker: Adaptive RED, 2001",
        "RFC 7567 section 4",
        "Linux include/net/red.h",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Queue, BuildError> {
        let (measure, thresholds) = self.thresholds()?;
        if !(self.weight > 0.0 && self.weight <= 1.0) {
            return Err(BuildError::field(
                "weight",
                format!("expected more than 0 and at most 1, found {}", self.weight),
            ));
        }
        if self.target_delay.is_some() && self.max.is_some() {
            return Err(BuildError::field("max", "`target_delay` sets it"));
        }
        if self.mean_packet == Bytes::ZERO {
            return Err(BuildError::field(
                "mean_packet",
                "expected a size such as `1000B`",
            ));
        }
        let max_probability = super::share("max_probability", self.max_probability)?;
        Ok(Queue::Active(Box::new(Discipline {
            room: Room::new(self.limit),
            draws: cx.streams.draws(cx.path, "queue"),
            arrivals: 0,
            measure: if self.target_delay.is_some() {
                Measure::Packets
            } else {
                measure
            },
            thresholds,
            weight: self.weight,
            max_probability,
            adaptations: self.adaptive.then(|| Ticks::new(ADAPTATION)),
            average: Average::default(),
            count: 0,
            waiting: Waiting::default(),
            config: self.clone(),
        })))
    }
}

struct Discipline {
    config: Red,
    room: Room,
    draws: Draws,
    /// Packets that have arrived: each has a draw of its own.
    arrivals: u64,
    measure: Measure,
    thresholds: Thresholds,
    weight: f64,
    max_probability: f64,
    adaptations: Option<Ticks>,
    average: Average,
    /// Packets that have passed above the lower threshold since the last drop.
    count: u64,
    waiting: Waiting,
}

/// What is to become of an arriving packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Pass,
    /// Marked if it can be, else dropped.
    Mark,
    Drop,
}

impl Discipline {
    /// Packets of mean size that pass in a second; `None` when unlimited.
    fn packets_per_second(&self, cx: &mut QueueContext<'_>) -> Option<f64> {
        let bits = self.config.mean_packet.bits() as f64;
        cx.rate().map(|rate| rate.as_bps_f64() / bits)
    }

    /// What waits, in the unit of the thresholds.
    fn queue(&self, cx: &mut QueueContext<'_>) -> f64 {
        match self.measure {
            Measure::Packets => self.waiting.packets() as f64,
            Measure::Bytes => self.waiting.bytes() as f64,
            Measure::Time => match cx.rate() {
                Some(rate) if !rate.is_zero() => {
                    self.waiting.bytes() as f64 * 8e9 / rate.as_bps_f64()
                }
                _ => 0.0,
            },
        }
    }

    fn catch_up(&mut self, now: Time) {
        let Some(ticks) = &mut self.adaptations else {
            return;
        };
        while ticks.pop(now).is_some() {
            let before = self.max_probability;
            self.max_probability = adapt(before, self.average.value(), self.thresholds);
            if self.max_probability == before {
                ticks.skip(now);
            }
        }
    }

    /// Sets thresholds and weight by the rate.
    fn follow_rate(&mut self, per_second: Option<f64>) {
        if let (Some(target), Some(per_second)) = (self.config.target_delay, per_second)
            && per_second > 0.0
        {
            let min = (target.as_secs_f64() * per_second / 2.0).max(5.0);
            self.thresholds = Thresholds {
                min,
                max: 3.0 * min,
            };
            self.weight = 1.0 - libm::exp(-1.0 / per_second);
        }
    }

    fn decide(&mut self, size: u32, cx: &mut QueueContext<'_>) -> Decision {
        let draw = self.draws.unit(self.arrivals);
        self.arrivals += 1;
        let per_second = self.packets_per_second(cx);
        self.follow_rate(per_second);
        let queue = self.queue(cx);
        self.average
            .arrive(cx.now(), queue, self.weight, per_second);
        let pressure = self.thresholds.pressure(
            self.average.value(),
            self.max_probability,
            self.config.gentle,
        );
        let (base, decision) = match pressure {
            Pressure::None => {
                self.count = 0;
                return Decision::Pass;
            }
            Pressure::Full => {
                self.count = 0;
                return Decision::Drop;
            }
            Pressure::Early(base) => (base, Decision::Mark),
            Pressure::Gentle(base) => (base, Decision::Drop),
        };
        let base = if self.config.by_size {
            (base * f64::from(size) / self.config.mean_packet.get() as f64).min(1.0)
        } else {
            base
        };
        if draw < spread(base, self.count, self.config.wait) {
            self.count = 0;
            decision
        } else {
            self.count = self.count.saturating_add(1);
            Decision::Pass
        }
    }
}

impl QueueDiscipline for Discipline {
    fn enqueue(&mut self, mut queued: Queued, cx: &mut QueueContext<'_>) {
        self.catch_up(cx.now());
        let decision = self.decide(queued.packet.size, cx);
        let bytes = self.waiting.bytes() + u64::from(queued.packet.size);
        if !self.room.holds(self.waiting.packets() + 1, bytes, cx) {
            cx.drop(queued, DropReason::Overflow);
            return;
        }
        let passes = match decision {
            Decision::Pass => true,
            Decision::Mark => self.config.ecn && cx.mark(&mut queued.packet),
            Decision::Drop => false,
        };
        if passes {
            self.waiting.push(queued);
        } else {
            cx.drop(queued, DropReason::Aqm);
        }
    }

    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        let queued = self.waiting.pop();
        if queued.is_none() {
            self.average.idle(cx.now());
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
