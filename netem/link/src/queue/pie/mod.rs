//! PIE: drops arriving packets with a probability that follows the queueing
//! delay.
//!
//! Implements: RFC 8033 section 4 as in appendix A; of section 5 departure rate
//! estimation (5.2), de-randomisation (5.4) and the cap of a step (5.5) as
//! options, as in appendix B; variant `linux`: `sch_pie.c`, see `linux`.
//! Updates that fall due between two packets are made up for at the next one;
//! between packets nothing that they read changes, so that they are the same.
//! Differs: the guard against an idle link is two MTUs (2 * MEAN_PKTSIZE in the
//! RFC, which gives no size; Linux takes the MTU too).
//! Not modelled: switching itself off while the queue is short (section 5.3).

mod chance;
mod controller;
mod discipline;
mod latency;
mod linux;
mod rfc8033;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin, Ratio, Span};

use self::chance::Spread;
use self::controller::{Controller, Gains};
use self::discipline::{Algorithm, Discipline};
use self::latency::Estimate;
use self::linux::Linux;
use self::rfc8033::Rfc8033;
use super::QueueLimit;
use crate::model::{Qdisc, Queue};

/// Whose form PIE follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PieVariant {
    /// RFC 8033: real numbers.
    #[default]
    Rfc8033,
    /// Linux `sch_pie.c`: integers, a faster rise above 250 ms of delay, and
    /// its own account of bursts, spread drops and marks.
    Linux,
}

/// How the queueing delay is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Latency {
    /// From the time of arrival of the last packet that left (RFC 8033 section
    /// 4, Linux).
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
    /// Whose form it follows.
    pub variant: PieVariant,
    /// How much may wait before arriving packets are dropped in any case
    /// (Linux: 1000 packets).
    pub limit: QueueLimit,
    /// Queueing delay that it aims at (RFC 8033 section 4.2, QDELAY_REF: 15ms).
    pub target: Span,
    /// Time from update to update (RFC 8033 section 4.2, T_UPDATE: 15ms).
    pub update: Span,
    /// Time that a burst may take before packets are dropped (RFC 8033 section
    /// 4, MAX_BURST: 150ms).
    pub max_burst: Span,
    /// Gain for the distance from the target, in 1/s (RFC 8033 section 4.2:
    /// 0.125); a multiple of 1/16 with `linux`.
    pub alpha: f64,
    /// Gain for the change since the last update, in 1/s (RFC 8033 section 4.2:
    /// 1.25); a multiple of 1/16 with `linux`.
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
    /// Whether drops are spread out (RFC 8033 section 5.4; `linux` always does).
    /// The rate of drops is then about half the probability.
    pub derandomise: bool,
    /// Whether the probability grows by 2% per update at most, once it is 10%
    /// (RFC 8033 section 5.5; `linux` always does).
    pub cap_step: bool,
    /// When the drop probability decays on top of the controller; `linux` knows
    /// `at_zero` only.
    pub decay: Decay,
}

impl Default for Pie {
    fn default() -> Self {
        Self {
            variant: PieVariant::Rfc8033,
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

impl Pie {
    fn check(&self) -> Result<(), BuildError> {
        for (field, span) in [("target", self.target), ("update", self.update)] {
            if span < Span::from_micros(1) {
                return Err(BuildError::field(
                    field,
                    format!("expected a time such as `15ms`, found `{span}`"),
                ));
            }
        }
        let linux = self.variant == PieVariant::Linux;
        for (field, gain) in [("alpha", self.alpha), ("beta", self.beta)] {
            super::gain(field, gain)?;
            let sixteenths = gain * 16.0;
            if linux && sixteenths != libm::trunc(sixteenths) {
                return Err(BuildError::field(
                    field,
                    format!("expected a multiple of 1/16 with `linux`, found {gain}"),
                ));
            }
        }
        if linux && self.decay != Decay::AtZero {
            return Err(BuildError::field(
                "decay",
                "expected `at_zero`: `linux` has no other",
            ));
        }
        super::share("mark_threshold", self.mark_threshold)?;
        Ok(())
    }

    fn rfc8033(&self) -> Rfc8033 {
        Rfc8033 {
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
            mark_below: self.ecn.then(|| self.mark_threshold.as_f64()),
            spread: self.derandomise.then(Spread::default),
            controller: Controller::default(),
            estimate: Estimate::new(self.latency),
        }
    }

    fn discipline<A: Algorithm>(&self, algorithm: A, cx: &BuildContext<'_>) -> Discipline<A> {
        let draws = cx.streams.draws(cx.path, "queue");
        Discipline::new(algorithm, self.limit, self.update, draws)
    }
}

impl Plugin for Pie {
    type Kind = Qdisc;
    const NAME: &'static str = "pie";
    const SUMMARY: &'static str =
        "drops arriving packets with a probability that follows the queueing delay";
    const REFERENCES: &'static [&'static str] =
        &["RFC 8033", "Linux net/sched/sch_pie.c (variant `linux`)"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Queue, BuildError> {
        self.check()?;
        Ok(Queue::Active(match self.variant {
            PieVariant::Rfc8033 => Box::new(self.discipline(self.rfc8033(), cx)),
            PieVariant::Linux => Box::new(self.discipline(Linux::new(self), cx)),
        }))
    }
}
