//! Uniformly distributed delays.
//!
//! Implements: whole nanoseconds, both ends included. Correlation: see
//! [`super::drawn`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span};

use super::Reorder;
use super::drawn::{Drawn, Quantile, Score, Scores, independent};
use crate::model::{Delay, DelayModel};

/// Delays drawn uniformly from [min, max].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UniformDelay {
    /// The shortest delay.
    pub min: Span,
    /// The longest delay, not below `min`.
    pub max: Span,
    /// Correlation of the normal scores from packet to packet (from slot to
    /// slot when draws are keyed by time), up to 99.99%.
    #[serde(skip_serializing_if = "independent")]
    pub correlation: Ratio,
    /// Whether packets may overtake each other.
    pub reorder: Reorder,
}

impl Default for UniformDelay {
    fn default() -> Self {
        Self {
            min: Span::from_millis(20),
            max: Span::from_millis(80),
            correlation: Ratio::ZERO,
            reorder: Reorder::Forbidden,
        }
    }
}

impl Plugin for UniformDelay {
    type Kind = Delay;
    const NAME: &'static str = "uniform";
    const SUMMARY: &'static str = "delays uniform between two bounds";
    const REFERENCES: &'static [&'static str] =
        &["tc-netem(8): delay without a distribution table"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        if self.min > self.max {
            return Err(BuildError::field(
                "max",
                format!("expected at least `min`, {}, found {}", self.min, self.max),
            ));
        }
        let scores = Scores::new(cx, self.correlation)?;
        let (min, range) = (self.min, (self.max - self.min).as_nanos());
        Ok(Drawn::boxed(scores, Uniform { min, range }, self.reorder))
    }
}

struct Uniform {
    min: Span,
    range: u64,
}

impl Quantile for Uniform {
    fn nanos(&self, score: Score) -> f64 {
        self.span(score).as_nanos() as f64
    }

    /// In integers, so that every nanosecond is as likely as any other.
    fn span(&self, score: Score) -> Span {
        let extra = (u128::from(score.bits()) * (u128::from(self.range) + 1)) >> 64;
        self.min + Span::from_nanos(u64::try_from(extra).unwrap_or(self.range))
    }
}
