//! Gamma distributed delays: the sum of several exponential waits, as behind a
//! chain of queues.
//!
//! Implements: base + a gamma variable of shape (mean/std)^2 and scale
//! std^2/mean, by its quantile. Correlation: see [`super::drawn`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::gamma::Gamma;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span};

use super::Reorder;
use super::drawn::{Drawn, Quantile, Score, Scores, above_zero, independent};
use crate::model::{Delay, DelayModel};

/// A base delay and a gamma distributed rest, given by its mean and its
/// standard deviation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"base": "30ms", "mean": "10ms", "std": "7ms"}]))]
pub struct GammaDelay {
    /// The part that every packet has.
    pub base: Span,
    /// Mean of the rest, above zero.
    pub mean: Span,
    /// Standard deviation of the rest, from 0.01 to 10 times `mean`; equal to
    /// it the rest is exponential.
    pub std: Span,
    /// Correlation of the normal scores from packet to packet (from slot to
    /// slot when draws are keyed by time), up to 99.99%.
    #[serde(skip_serializing_if = "independent")]
    pub correlation: Ratio,
    /// Whether packets may overtake each other.
    pub reorder: Reorder,
}

impl Default for GammaDelay {
    fn default() -> Self {
        Self {
            base: Span::from_millis(25),
            mean: Span::from_millis(10),
            std: Span::from_millis(7),
            correlation: Ratio::ZERO,
            reorder: Reorder::Forbidden,
        }
    }
}

impl Plugin for GammaDelay {
    type Kind = Delay;
    const NAME: &'static str = "gamma";
    const SUMMARY: &'static str =
        "a base delay and a gamma distributed rest, by mean and standard deviation";
    const REFERENCES: &'static [&'static str] = &[
        "Mukherjee: On the Dynamics and Significance of Low Frequency Components of Internet Load (delays keep their distribution while its parameters follow the load)",
        "Dao, Le, Le: A Mathematical Model of Shifted Gamma Distribution for Internet Traffic Packet Delay over a Next Generation Core Internetwork",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        let scores = Scores::new(cx, self.correlation)?;
        above_zero("mean", self.mean)?;
        let (mean, std) = (self.mean.as_nanos() as f64, self.std.as_nanos() as f64);
        if !(0.01..=10.0).contains(&(std / mean)) {
            let message = format!(
                "expected from 0.01 to 10 times `mean`, {}, found {}",
                self.mean, self.std
            );
            return Err(BuildError::field("std", message));
        }
        let gamma = Waits {
            base: self.base.as_nanos() as f64,
            scale: std * std / mean,
            unit: Gamma::new((mean / std) * (mean / std)),
        };
        Ok(Drawn::boxed(scores, gamma, self.reorder))
    }
}

struct Waits {
    base: f64,
    scale: f64,
    unit: Gamma,
}

impl Quantile for Waits {
    fn nanos(&self, score: Score) -> f64 {
        self.base + self.scale * self.unit.quantile(score.below(), score.above())
    }
}
