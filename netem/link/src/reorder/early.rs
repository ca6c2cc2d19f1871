//! Packets that skip the delay and so overtake everything on the way.
//!
//! Implements: the rule of Linux netem (`reorder P gap N`, standards reference
//! 9.5): at least `gap` - 1 packets keep their place, then each one skips the
//! delay with the given probability, until one does. So "reorder 25%" means that
//! 25% are early, and it reorders only when the delay exceeds the distance of
//! the packets.
//! Differs: draws belong to packets, so the packets that keep their place between
//! two early ones use up theirs unseen.
//! Not modelled: netem's correlation; see the queue discipline `netem`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio};

use crate::model::{Displacement, Passage, Reordering, ReorderingModel};
use crate::share::at_most_all;

/// Some packets have no delay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Early {
    /// Share of the packets that skip the delay, of those that may.
    pub probability: Ratio,
    /// Only every so many-th packet may skip it, at least 1: all may.
    pub gap: u64,
}

impl Default for Early {
    fn default() -> Self {
        Self {
            probability: Ratio::from_f64(0.01),
            gap: 1,
        }
    }
}

impl Plugin for Early {
    type Kind = Reordering;
    const NAME: &'static str = "early";
    const SUMMARY: &'static str = "some packets skip the delay and overtake all on the way";
    const REFERENCES: &'static [&'static str] = &["tc-netem(8): reorder, gap"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn ReorderingModel>, BuildError> {
        at_most_all("probability", self.probability)?;
        if self.gap == 0 {
            return Err(BuildError::field("gap", "expected at least 1 packet"));
        }
        Ok(Box::new(Model {
            draws: cx.streams.draws(cx.path, "reorder"),
            probability: self.probability.as_f64(),
            gap: self.gap,
            in_place: 0,
        }))
    }
}

struct Model {
    draws: Draws,
    probability: f64,
    gap: u64,
    /// Packets since the last early one.
    in_place: u64,
}

impl ReorderingModel for Model {
    fn displace(&mut self, Passage { draw, .. }: Passage) -> Displacement {
        if self.in_place + 1 < self.gap || self.draws.unit(draw) >= self.probability {
            self.in_place += 1;
            return Displacement::None;
        }
        self.in_place = 0;
        Displacement::SkipDelay
    }
}
