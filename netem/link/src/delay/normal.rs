//! Independent, normally distributed delays.
//!
//! Implements: the quantile of a uniform draw that depends on the packet's
//! number only; a draw below zero counts as zero, as in netem.
//! Not modelled: correlation from packet to packet.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::{Draws, normal_quantile};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use super::Reorder;
use crate::model::{Delay, DelayModel, Passage};

/// Delays drawn from a normal distribution, cut at zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NormalDelay {
    /// Mean, before the cut at zero.
    pub mean: Span,
    /// Standard deviation, before the cut at zero.
    pub std: Span,
    /// Whether packets may overtake each other.
    pub reorder: Reorder,
}

impl Default for NormalDelay {
    fn default() -> Self {
        Self {
            mean: Span::from_millis(50),
            std: Span::from_millis(10),
            reorder: Reorder::Forbidden,
        }
    }
}

impl Plugin for NormalDelay {
    type Kind = Delay;
    const NAME: &'static str = "normal";
    const SUMMARY: &'static str = "independent delays, normally distributed";
    const REFERENCES: &'static [&'static str] =
        &["tc-netem(8): delay with the distribution table `normal`"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        let (mean, std) = (self.mean.as_nanos() as f64, self.std.as_nanos() as f64);
        Ok(Box::new(Draw {
            draws: cx.streams.draws(cx.path, "delay"),
            mean,
            std,
            reorder: self.reorder,
        }))
    }
}

struct Draw {
    draws: Draws,
    /// In nanoseconds.
    mean: f64,
    std: f64,
    reorder: Reorder,
}

impl DelayModel for Draw {
    fn release(&mut self, Passage { draw, at, .. }: Passage) -> Time {
        let nanos = self.mean + self.std * normal_quantile(self.draws.unit(draw));
        at + Span::from_nanos(libm::round(nanos).max(0.0) as u64)
    }

    fn reorders(&self) -> bool {
        self.reorder == Reorder::Allowed
    }
}
