//! Correlated loss as Linux netem does it, with its bias.
//!
//! Each packet's number is a moving average of its own draw and of the number
//! before, x = (1 - rho) U + rho x', and the packet is lost when x is at most
//! the probability. But x is no longer uniform: it keeps close to one half, so
//! far fewer packets are lost than the probability says, and the losses do not
//! come in bursts worth the name. Use `gilbert_elliott` for bursts; this one is
//! there to redo experiments made with `tc`.
//!
//! Implements: `loss P RHO` of sch_netem.c (Linux 6.6 and later) with its
//! arithmetic on 32 bits, standards reference 9.3. x moves once per packet, or
//! once per slot of time when draws are keyed by time; then all packets of a
//! slot share their fate.
//! Differs: the draws and the first x come from the run's random streams.

mod bias;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio};

pub use bias::actual_loss;

use crate::model::{Loss, LossModel, Passage};
use crate::random32::{average, share};
use crate::share::at_most_all;

/// Loss with a probability and a correlation, of which netem keeps neither.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetemCompat {
    /// The probability that is written after `loss` in `tc`. Fewer packets are
    /// lost: at a correlation of 10%, 25% and 50%, of 1% configured 0.02%, 0% and
    /// 0%; of 5% 1.25%, 0.19% and 0%; of 10% 5.56%, 1.75% and 0.11%; of 20% 16.7%,
    /// 10.2% and 2.9%; of 30% 27.8%, 23.3% and 12.9%.
    pub probability: Ratio,
    /// The correlation that is written after it: the weight of the packet
    /// before.
    pub correlation: Ratio,
}

impl Default for NetemCompat {
    fn default() -> Self {
        Self {
            probability: Ratio::from_f64(0.05),
            correlation: Ratio::from_f64(0.25),
        }
    }
}

impl Plugin for NetemCompat {
    type Kind = Loss;
    const NAME: &'static str = "netem_compat";
    const SUMMARY: &'static str = "correlated loss with the bias of Linux netem: 5% at 25% correlation loses 0.19%; see gilbert_elliott for bursts";
    const REFERENCES: &'static [&'static str] =
        &["tc-netem(8): loss random", "Linux 6.6 sch_netem.c"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        at_most_all("probability", self.probability)?;
        at_most_all("correlation", self.correlation)?;
        let first = cx.streams.draws(cx.path, "loss before").bits(0) >> 32;
        Ok(Box::new(Model {
            draws: cx.streams.draws(cx.path, "loss"),
            probability: share(self.probability),
            weight: share(self.correlation),
            last: first as u32,
            steps: 0,
        }))
    }
}

struct Model {
    draws: Draws,
    probability: u32,
    weight: u32,
    /// x of the last packet.
    last: u32,
    /// Draws that are in it.
    steps: u64,
}

impl LossModel for Model {
    fn lose(&mut self, Passage { step, .. }: Passage) -> bool {
        if self.steps <= step {
            self.last = self.after(self.steps, step + 1);
            self.steps = step + 1;
        }
        self.probability != 0 && self.last <= self.probability
    }
}

impl Model {
    /// x once draws `from` to `to` are in it. When there are many, x is followed
    /// from its smallest and its largest value over the last ones only: where
    /// the two meet, the draws before cannot matter, and as x never falls when
    /// the x before rises, it is what all the draws give.
    fn after(&self, from: u64, to: u64) -> u32 {
        let mut few = 64;
        while few < to - from {
            let (low, high) = (
                self.walk(0, to - few, to),
                self.walk(u32::MAX, to - few, to),
            );
            if low == high {
                return low;
            }
            few *= 4;
        }
        self.walk(self.last, from, to)
    }

    fn walk(&self, x: u32, from: u64, to: u64) -> u32 {
        if self.weight == u32::MAX {
            // The packet before has all the weight: x never moves.
            return x;
        }
        (from..to).fold(x, |x, k| {
            average((self.draws.bits(k) >> 32) as u32, x, self.weight)
        })
    }
}

#[cfg(test)]
mod tests;
