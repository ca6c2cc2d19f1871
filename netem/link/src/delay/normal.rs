//! Normally distributed delays.
//!
//! Implements: the quantile of a draw; a draw below zero counts as zero, as in
//! netem. Correlation: see [`super::drawn`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span};

use super::Reorder;
use super::drawn::{Drawn, Quantile, Score, Scores, independent};
use crate::model::{Delay, DelayModel};

/// Delays drawn from a normal distribution, cut at zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NormalDelay {
    /// Mean, before the cut at zero.
    pub mean: Span,
    /// Standard deviation, before the cut at zero.
    pub std: Span,
    /// Correlation of the normal scores from packet to packet (from slot to
    /// slot when draws are keyed by time), up to 99.99%.
    #[serde(skip_serializing_if = "independent")]
    pub correlation: Ratio,
    /// Whether packets may overtake each other.
    pub reorder: Reorder,
}

impl Default for NormalDelay {
    fn default() -> Self {
        Self {
            mean: Span::from_millis(50),
            std: Span::from_millis(10),
            correlation: Ratio::ZERO,
            reorder: Reorder::Forbidden,
        }
    }
}

impl Plugin for NormalDelay {
    type Kind = Delay;
    const NAME: &'static str = "normal";
    const SUMMARY: &'static str = "normally distributed delays";
    const REFERENCES: &'static [&'static str] =
        &["tc-netem(8): delay with the distribution table `normal`"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        let scores = Scores::new(cx, self.correlation)?;
        let normal = Normal {
            mean: self.mean.as_nanos() as f64,
            std: self.std.as_nanos() as f64,
        };
        Ok(Drawn::boxed(scores, normal, self.reorder))
    }
}

/// In nanoseconds.
struct Normal {
    mean: f64,
    std: f64,
}

impl Quantile for Normal {
    fn nanos(&self, score: Score) -> f64 {
        self.mean + self.std * score.normal()
    }
}
