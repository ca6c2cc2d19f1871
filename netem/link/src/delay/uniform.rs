//! Independent, uniformly distributed delays.
//!
//! Implements: whole nanoseconds, both ends included; the draw depends on the
//! packet's number only.
//! Not modelled: correlation from packet to packet.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use super::Reorder;
use crate::model::{Delay, DelayModel, Passage};

/// Delays drawn uniformly from [min, max].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UniformDelay {
    /// The shortest delay.
    pub min: Span,
    /// The longest delay, not below `min`.
    pub max: Span,
    /// Whether packets may overtake each other.
    pub reorder: Reorder,
}

impl Default for UniformDelay {
    fn default() -> Self {
        Self {
            min: Span::from_millis(20),
            max: Span::from_millis(80),
            reorder: Reorder::Forbidden,
        }
    }
}

impl Plugin for UniformDelay {
    type Kind = Delay;
    const NAME: &'static str = "uniform";
    const SUMMARY: &'static str = "independent delays, uniform between two bounds";
    const REFERENCES: &'static [&'static str] =
        &["tc-netem(8): delay without a distribution table"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        if self.min > self.max {
            return Err(BuildError::field(
                "max",
                format!("expected at least `min`, {}, found {}", self.min, self.max),
            ));
        }
        let (min, range) = (self.min, (self.max - self.min).as_nanos());
        Ok(Box::new(Draw {
            draws: cx.streams.draws(cx.path, "delay"),
            min,
            range,
            reorder: self.reorder,
        }))
    }
}

struct Draw {
    draws: Draws,
    min: Span,
    range: u64,
    reorder: Reorder,
}

impl DelayModel for Draw {
    fn release(&mut self, Passage { draw, at, .. }: Passage) -> Time {
        let extra = (u128::from(self.draws.bits(draw)) * (u128::from(self.range) + 1)) >> 64;
        at + self.min + Span::from_nanos(u64::try_from(extra).unwrap_or(self.range))
    }

    fn reorders(&self) -> bool {
        self.reorder == Reorder::Allowed
    }
}
