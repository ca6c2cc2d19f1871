//! Pareto distributed delays: a power-law tail, where single packets are late
//! by orders of magnitude.
//!
//! Implements: base + X with P(X > x) = (scale / x)^shape for x >= scale.
//! Correlation: see [`super::drawn`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span};

use super::Reorder;
use super::drawn::{Drawn, Quantile, Score, Scores, above_zero, independent};
use crate::model::{Delay, DelayModel};

/// A base delay and a Pareto distributed rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"base": "30ms", "scale": "2ms", "shape": 2.5}]))]
pub struct ParetoDelay {
    /// The part that every packet has.
    pub base: Span,
    /// The smallest value of the rest, above zero. Its mean is
    /// `scale shape / (shape - 1)`.
    pub scale: Span,
    /// Exponent of the tail, above 1 (so that there is a mean) and at most
    /// 1000: the smaller, the heavier the tail.
    pub shape: f64,
    /// Correlation of the normal scores from packet to packet (from slot to
    /// slot when draws are keyed by time), up to 99.99%.
    #[serde(skip_serializing_if = "independent")]
    pub correlation: Ratio,
    /// Whether packets may overtake each other.
    pub reorder: Reorder,
}

impl Default for ParetoDelay {
    fn default() -> Self {
        Self {
            base: Span::from_millis(25),
            scale: Span::from_millis(2),
            shape: 2.5,
            correlation: Ratio::ZERO,
            reorder: Reorder::Forbidden,
        }
    }
}

impl Plugin for ParetoDelay {
    type Kind = Delay;
    const NAME: &'static str = "pareto";
    const SUMMARY: &'static str = "a base delay and a Pareto distributed rest: a power-law tail";
    const REFERENCES: &'static [&'static str] =
        &["tc-netem(8): delay with the distribution table `pareto`, whose shape is 3"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        let scores = Scores::new(cx, self.correlation)?;
        above_zero("scale", self.scale)?;
        if !(self.shape > 1.0 && self.shape <= 1e3) {
            let message = format!(
                "expected a number above 1, 1000 at most, found {}",
                self.shape
            );
            return Err(BuildError::field("shape", message));
        }
        let pareto = Pareto {
            base: self.base.as_nanos() as f64,
            scale: self.scale.as_nanos() as f64,
            exponent: -1.0 / self.shape,
        };
        Ok(Drawn::boxed(scores, pareto, self.reorder))
    }
}

struct Pareto {
    base: f64,
    scale: f64,
    exponent: f64,
}

impl Quantile for Pareto {
    fn nanos(&self, score: Score) -> f64 {
        self.base + self.scale * libm::pow(score.above(), self.exponent)
    }
}
