//! Lognormally distributed delays: most are near the median, a few are many
//! times as long.
//!
//! Implements: base + median exp(sigma z) with standard normal z, where
//! sigma = ln(p95 / median) / 1.6449. Correlation: see [`super::drawn`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::normal_quantile;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span};

use super::Reorder;
use super::drawn::{Drawn, Quantile, Score, Scores, above_zero, independent};
use crate::model::{Delay, DelayModel};

/// A base delay and a lognormal rest, given by its median and its 95th
/// percentile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"base": "30ms", "median": "5ms", "p95": "40ms"}]))]
pub struct LognormalDelay {
    /// The part that every packet has.
    pub base: Span,
    /// Median of the rest, above zero.
    pub median: Span,
    /// 95th percentile of the rest, at least `median`.
    pub p95: Span,
    /// Correlation of the normal scores from packet to packet (from slot to
    /// slot when draws are keyed by time), up to 99.99%.
    #[serde(skip_serializing_if = "independent")]
    pub correlation: Ratio,
    /// Whether packets may overtake each other.
    pub reorder: Reorder,
}

impl Default for LognormalDelay {
    fn default() -> Self {
        Self {
            base: Span::from_millis(25),
            median: Span::from_millis(5),
            p95: Span::from_millis(30),
            correlation: Ratio::ZERO,
            reorder: Reorder::Forbidden,
        }
    }
}

impl Plugin for LognormalDelay {
    type Kind = Delay;
    const NAME: &'static str = "lognormal";
    const SUMMARY: &'static str =
        "a base delay and a lognormal rest, by median and 95th percentile";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        let scores = Scores::new(cx, self.correlation)?;
        let rest = Lognormal::new(["median", "p95"], self.median, self.p95)?;
        let base = self.base.as_nanos() as f64;
        Ok(Drawn::boxed(scores, Based { base, rest }, self.reorder))
    }
}

/// A lognormal distribution of times, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lognormal {
    median: f64,
    sigma: f64,
}

impl Lognormal {
    /// From its median and 95th percentile, which the two fields give.
    pub(super) fn new(fields: [&str; 2], median: Span, p95: Span) -> Result<Self, BuildError> {
        above_zero(fields[0], median)?;
        if p95 < median {
            let message = format!("expected at least `{}`, {median}, found {p95}", fields[0]);
            return Err(BuildError::field(fields[1], message));
        }
        let (median, p95) = (median.as_nanos() as f64, p95.as_nanos() as f64);
        Ok(Self {
            median,
            sigma: libm::log(p95 / median) / normal_quantile(0.95),
        })
    }

    /// The value at a standard normal score.
    pub(super) fn at(self, z: f64) -> f64 {
        self.median * libm::exp(self.sigma * z)
    }
}

struct Based {
    base: f64,
    rest: Lognormal,
}

impl Quantile for Based {
    fn nanos(&self, score: Score) -> f64 {
        self.base + self.rest.at(score.normal())
    }
}
