//! DualPI2: two queues that share a link, one of low delay for scalable
//! congestion control, one classic, coupled so that both get similar rates.
//!
//! Implements: RFC 9332 sections 2 and 4, appendix A (dequeue of figure 7,
//! update of figure 8, overload); classifier: ECT(1) and CE go to the L queue.
//! Variant `linux`: `sch_dualpi2.c` with its integers, random decisions, a step
//! instead of the ramp, no action while less than two packets' worth waits,
//! drops on overload.
//! Updates that fall due between two packets are made up for at the next one
//! with the delays that the heads had at their instants.
//! Differs: a limit counts as in other queues, the packet in service does not;
//! room is needed for a packet of the MTU (figure 3) or the packet itself, if
//! that is larger.
//! Not modelled: other classifiers than ECN (section 2.5.1.1), Linux's drops at
//! enqueue and its splitting of GSO packets.

mod chance;
mod controller;
mod discipline;
mod scheduler;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin, Ratio, Span};

use self::chance::{Chance, Native};
use self::controller::{Controller, Gains};
use self::discipline::{Discipline, Settings};
use self::scheduler::Scheduler;
use super::QueueLimit;
use crate::model::{Qdisc, Queue};

/// One of the two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    L4s,
    Classic,
}

/// Whose form DualPI2 follows; also the source of what is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DualPi2Variant {
    /// RFC 9332 appendix A: real numbers, evenly spaced decisions, a ramp.
    #[default]
    Rfc9332,
    /// Linux `sch_dualpi2.c`: integers, random decisions, a step.
    Linux,
}

/// Who is served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DualPi2Scheduler {
    /// Weighted round robin by bytes (RFC 9332 section 4.2.2).
    #[default]
    WeightedRoundRobin,
    /// Who has waited longer, with a head start for the L queue (appendix A.1).
    TimeShiftedFifo,
}

/// Two coupled queues, one of low delay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DualPi2 {
    /// Whose form it follows.
    pub variant: DualPi2Variant,
    /// How much may wait in both queues together; 250ms when absent (RFC 9332
    /// figure 2), 10000packets with `linux`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<QueueLimit>,
    /// Queueing delay of the classic queue that it aims at (RFC 9332 figure 2:
    /// 15ms).
    pub target: Span,
    /// The longest round-trip time to expect (RFC 9332 figure 2: 100ms).
    pub rtt_max: Span,
    /// Time from update to update; when absent the lesser of `target` and a
    /// third of `rtt_max` (RFC 9332 figure 2), 16ms with `linux`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<Span>,
    /// Gain for the distance from the target, in 1/s; when absent 0.1 update /
    /// rtt_max^2 (RFC 9332 figure 2: 0.15), 0.16 with `linux`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// Gain for the change since the last update, in 1/s; when absent 0.3 /
    /// rtt_max (RFC 9332 figure 2: 3), 3.2 with `linux`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta: Option<f64>,
    /// Coupling factor k: marks of the L queue per square root of the classic
    /// drop probability (RFC 9332 section 2.1: 2).
    pub coupling: f64,
    /// Delay from which on the L queue marks by itself; 800us when absent (RFC
    /// 9332 figure 2), 1ms with `linux`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_threshold: Option<Span>,
    /// How much more delay until it marks every packet (RFC 9332 figure 2:
    /// 400us); `linux` has a step and no range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Span>,
    /// Packets that may be left in the L queue without marks of its own (RFC
    /// 9332 figure 2, Th_len: 1); not used with `linux`.
    pub spared_packets: u64,
    /// Who is served first.
    pub scheduler: DualPi2Scheduler,
    /// Share of the classic queue in weighted round robin; 6.25% when absent
    /// (RFC 9332 section 4.2.2: 1/16), 10% with `linux`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classic_weight: Option<Ratio>,
    /// Head start of the L queue in time-shifted FIFO (RFC 9332 appendix A.1:
    /// 50ms).
    pub time_shift: Span,
    /// The largest packet.
    pub mtu: Bytes,
}

impl Default for DualPi2 {
    fn default() -> Self {
        Self {
            variant: DualPi2Variant::Rfc9332,
            limit: None,
            target: Span::from_millis(15),
            rtt_max: Span::from_millis(100),
            update: None,
            alpha: None,
            beta: None,
            coupling: 2.0,
            min_threshold: None,
            range: None,
            spared_packets: 1,
            scheduler: DualPi2Scheduler::WeightedRoundRobin,
            classic_weight: None,
            time_shift: Span::from_millis(50),
            mtu: Bytes::new(1500),
        }
    }
}

impl DualPi2 {
    const fn is_linux(&self) -> bool {
        matches!(self.variant, DualPi2Variant::Linux)
    }

    fn update(&self) -> Span {
        match (self.update, self.variant) {
            (Some(update), _) => update,
            (None, DualPi2Variant::Linux) => Span::from_millis(16),
            (None, DualPi2Variant::Rfc9332) => self.target.min(self.rtt_max / 3),
        }
    }

    fn gains(&self) -> Gains {
        let (alpha, beta) = if self.is_linux() {
            (0.16, 3.2)
        } else {
            let rtt = self.rtt_max.as_secs_f64();
            (0.1 * self.update().as_secs_f64() / (rtt * rtt), 0.3 / rtt)
        };
        Gains {
            target: self.target,
            alpha: self.alpha.unwrap_or(alpha),
            beta: self.beta.unwrap_or(beta),
        }
    }

    fn native(&self) -> Native {
        if self.is_linux() {
            let above = self.min_threshold.unwrap_or(Span::from_millis(1));
            return Native::Step { above };
        }
        Native::Ramp {
            min: self.min_threshold.unwrap_or(Span::from_micros(800)),
            range: self.range.unwrap_or(Span::from_micros(400)),
            spared: self.spared_packets,
        }
    }

    fn check(&self) -> Result<(), BuildError> {
        for (field, span) in [
            ("target", self.target),
            ("rtt_max", self.rtt_max),
            ("update", self.update()),
        ] {
            if span < Span::from_micros(1) {
                return Err(BuildError::field(
                    field,
                    format!("expected a time such as `15ms`, found `{span}`"),
                ));
            }
        }
        let Gains { alpha, beta, .. } = self.gains();
        super::gain("alpha", alpha)?;
        super::gain("beta", beta)?;
        if !(self.coupling > 0.0 && self.coupling <= 100.0) {
            return Err(BuildError::field(
                "coupling",
                format!(
                    "expected a factor above 0 and up to 100, found {}",
                    self.coupling
                ),
            ));
        }
        if self.is_linux() && self.range.is_some() {
            return Err(BuildError::field(
                "range",
                "the step of `linux` has no range",
            ));
        }
        Ok(())
    }
}

impl Plugin for DualPi2 {
    type Kind = Qdisc;
    const NAME: &'static str = "dualpi2";
    const SUMMARY: &'static str =
        "two coupled queues: low delay for scalable senders (L4S), similar rates for all";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 9332",
        "RFC 9331",
        "Linux net/sched/sch_dualpi2.c (variant `linux`)",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Queue, BuildError> {
        self.check()?;
        let linux = self.is_linux();
        let limit = self.limit.unwrap_or(if linux {
            QueueLimit::Packets(10_000)
        } else {
            QueueLimit::Time(Span::from_millis(250))
        });
        let default_weight = Ratio::from_f64(if linux { 0.1 } else { 0.0625 });
        let weight = self.classic_weight.unwrap_or(default_weight);
        super::share("classic_weight", weight)?;
        let controller = if linux {
            Controller::integer(self.gains())
        } else {
            Controller::real(self.gains())
        };
        let chance = if linux {
            Chance::random(cx.streams.draws(cx.path, "queue"))
        } else {
            Chance::even()
        };
        let scheduler = match self.scheduler {
            DualPi2Scheduler::WeightedRoundRobin => {
                Scheduler::weighted(weight.ppb(), self.mtu.get())
            }
            DualPi2Scheduler::TimeShiftedFifo => Scheduler::TimeShiftedFifo {
                shift: self.time_shift,
            },
        };
        let settings = Settings {
            coupling: self.coupling,
            native: self.native(),
            mtu: self.mtu.get(),
            spared_bytes: if linux {
                self.mtu.get().saturating_mul(2)
            } else {
                0
            },
        };
        let discipline = Discipline::new(
            limit,
            settings,
            self.update(),
            controller,
            chance,
            scheduler,
        );
        Ok(Queue::Active(Box::new(discipline)))
    }
}
