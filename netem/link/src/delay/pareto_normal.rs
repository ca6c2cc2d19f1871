//! The mix of a normal and a Pareto distribution that netem ships as
//! `paretonormal`.
//!
//! Implements: mean + jitter (N + 3 P) / 4, cut at zero, where N is a standard
//! normal value and P = 4/3 (u^(-1/3) - 3/2) for the probability u above it, at
//! most 4: both at the same probability, as netem's table maker adds its tables
//! entry by entry (standards reference 9.4). Correlation: see [`super::drawn`].
//! Differs: continuous, where netem has a table of 4096 entries. In units of
//! `jitter` the mean is -0.025 and the standard deviation 0.84, as there: the
//! jitter is not the standard deviation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span};

use super::Reorder;
use super::drawn::{Drawn, Quantile, Score, Scores, independent};
use crate::model::{Delay, DelayModel};

/// Largest entry of a netem table, 32767/8192.
const CAP: f64 = 32_767.0 / 8_192.0;

/// Delays drawn from netem's mix of a normal and a Pareto distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ParetoNormalDelay {
    /// The centre: `delay` in netem.
    pub mean: Span,
    /// The width: `jitter` in netem.
    pub jitter: Span,
    /// Correlation of the normal scores from packet to packet (from slot to
    /// slot when draws are keyed by time), up to 99.99%.
    #[serde(skip_serializing_if = "independent")]
    pub correlation: Ratio,
    /// Whether packets may overtake each other.
    pub reorder: Reorder,
}

impl Default for ParetoNormalDelay {
    fn default() -> Self {
        Self {
            mean: Span::from_millis(50),
            jitter: Span::from_millis(10),
            correlation: Ratio::ZERO,
            reorder: Reorder::Forbidden,
        }
    }
}

impl Plugin for ParetoNormalDelay {
    type Kind = Delay;
    const NAME: &'static str = "pareto_normal";
    const SUMMARY: &'static str = "netem's mix of a normal and a Pareto distribution";
    const REFERENCES: &'static [&'static str] =
        &["iproute2 netem/paretonormal.c: a quarter normal, three quarters Pareto"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        let scores = Scores::new(cx, self.correlation)?;
        let mix = Mix {
            mean: self.mean.as_nanos() as f64,
            jitter: self.jitter.as_nanos() as f64,
        };
        Ok(Drawn::boxed(scores, mix, self.reorder))
    }
}

struct Mix {
    mean: f64,
    jitter: f64,
}

impl Quantile for Mix {
    fn nanos(&self, score: Score) -> f64 {
        let normal = score.normal().clamp(-CAP, CAP);
        let pareto = (1.0 / libm::cbrt(score.above()) - 1.5) * (4.0 / 3.0);
        self.mean + self.jitter * 0.25 * (normal + 3.0 * pareto.min(CAP))
    }
}
