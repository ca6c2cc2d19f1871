//! A path over low satellites that are assigned anew every 15 s: the delay
//! steps from slot to slot, and spikes where one slot meets the next.
//!
//! Implements: slot k has the delay base + step z(k), cut at zero, with
//! independent standard normal z. Around each edge between slots the delay
//! rises by a height drawn from an exponential distribution: steadily over
//! `before`, and back over `after`. All draws are those of slots and edges, so
//! that every packet at an instant meets the same delay.
//! Measured: slots of 15 s with steps of the shortest round-trip time (Huston,
//! APNIC 2022-2024); disturbed for 75 ms before and 140 ms after an edge (arXiv
//! 2601.08439); round trips in Europe of 40/50/60 ms at the quartiles.
//! Differs: shape and height of the spikes and the distribution of the steps
//! are ours.
//! Not modelled: jitter of single packets (add a second delay stage), loss at
//! the edges (add a loss model).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::{Draws, exponential_quantile, normal_quantile};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use super::drawn::above_zero;
use crate::model::{Delay, DelayModel, Passage};

/// A delay that steps at the edges of slots and spikes around them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"base": "25ms", "step": "5ms", "spike": "40ms"}]))]
pub struct Starlink {
    /// Mean delay of the slots.
    pub base: Span,
    /// Length of a slot.
    pub slot: Span,
    /// When the first edge between two slots is, counted from the start; edges
    /// are a whole number of slots apart.
    pub phase: Span,
    /// Standard deviation of the delay from slot to slot.
    pub step: Span,
    /// Mean height of the spike at an edge.
    pub spike: Span,
    /// How long before an edge the delay rises.
    pub before: Span,
    /// How long after an edge it falls; with `before` at most a slot.
    pub after: Span,
}

impl Default for Starlink {
    fn default() -> Self {
        Self {
            base: Span::from_millis(25),
            slot: Span::from_secs(15),
            phase: Span::from_secs(15),
            step: Span::from_millis(5),
            spike: Span::from_millis(40),
            before: Span::from_millis(75),
            after: Span::from_millis(140),
        }
    }
}

impl Plugin for Starlink {
    type Kind = Delay;
    const NAME: &'static str = "starlink";
    const SUMMARY: &'static str =
        "a delay that steps every 15 s, as satellites are assigned, and spikes around each step";
    const REFERENCES: &'static [&'static str] = &[
        "Huston, APNIC blog 2022-2024: steps of the shortest round-trip time every 15 s",
        "arXiv 2601.08439: disturbed 75 ms before and 140 ms after the edge of a slot",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        above_zero("slot", self.slot)?;
        if self.before + self.after > self.slot {
            let message = format!(
                "expected, with `before`, at most a slot of {}, found {}",
                self.slot,
                self.before + self.after
            );
            return Err(BuildError::field("after", message));
        }
        Ok(Box::new(Slots {
            draws: cx.streams.draws(cx.path, "delay"),
            config: self.clone(),
        }))
    }
}

struct Slots {
    draws: Draws,
    config: Starlink,
}

impl Slots {
    /// Delay of a slot in nanoseconds. Slots use the even draws.
    fn level(&self, slot: u64) -> f64 {
        let z = normal_quantile(self.draws.unit(slot.wrapping_mul(2)));
        self.config.base.as_nanos() as f64 + self.config.step.as_nanos() as f64 * z
    }

    /// Height in nanoseconds of the spike at the start of a slot. Edges use the
    /// odd draws.
    fn height(&self, slot: u64) -> f64 {
        let draw = self.draws.unit(slot.wrapping_mul(2).wrapping_add(1));
        exponential_quantile(draw, self.config.spike.as_nanos() as f64)
    }
}

impl DelayModel for Slots {
    fn release(&mut self, Passage { at, .. }: Passage) -> Time {
        let Starlink {
            slot: length,
            phase,
            before,
            after,
            ..
        } = self.config;
        let length = length.as_nanos();
        // The slot before the first edge is number 0.
        let shift = length - phase.as_nanos() % length;
        let since = u128::from(at.as_nanos()) + u128::from(shift % length);
        let slot = (since / u128::from(length)) as u64;
        let into = (since % u128::from(length)) as u64;
        let (before, after, left) = (before.as_nanos(), after.as_nanos(), length - into);
        let spike = if into < after {
            self.height(slot) * (1.0 - into as f64 / after as f64)
        } else if left < before {
            self.height(slot.wrapping_add(1)) * (1.0 - left as f64 / before as f64)
        } else {
            0.0
        };
        let nanos = self.level(slot).max(0.0) + spike;
        at + Span::from_nanos(libm::round(nanos) as u64)
    }
}
