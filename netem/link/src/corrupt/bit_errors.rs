//! Damage by independent errors of single bits: large packets suffer more.
//!
//! Implements: every bit is flipped with the same probability e, so that a
//! packet of n bits is damaged with probability 1 - (1 - e)^n. One draw per
//! packet gives the place of the first error, which is geometric; it depends on
//! the packet's number only, and a damaged packet would be damaged at any larger
//! size too.
//! Not modelled: further errors in the same packet; it is lost anyway. Errors in
//! bursts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin};

use crate::model::{Corruption, CorruptionModel, Passage};

/// Each bit is flipped with the same probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BitErrors {
    /// Bit error rate: errors per bit, from 0 to below 1.
    pub rate: f64,
}

impl Default for BitErrors {
    fn default() -> Self {
        Self { rate: 1e-6 }
    }
}

impl Plugin for BitErrors {
    type Kind = Corruption;
    const NAME: &'static str = "bit_errors";
    const SUMMARY: &'static str = "independent errors of single bits: large packets suffer more";
    const REFERENCES: &'static [&'static str] = &["ns-3 RateErrorModel with unit bit"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn CorruptionModel>, BuildError> {
        if !(0.0..1.0).contains(&self.rate) {
            let message = format!("expected a number from 0 to below 1, found {}", self.rate);
            return Err(BuildError::field("rate", message));
        }
        Ok(Box::new(FirstError {
            draws: cx.streams.draws(cx.path, "corrupt"),
            log_correct: libm::log1p(-self.rate),
        }))
    }
}

struct FirstError {
    draws: Draws,
    /// Logarithm of the probability that a bit is correct.
    log_correct: f64,
}

impl CorruptionModel for FirstError {
    fn flip(&mut self, Passage { draw, size, .. }: Passage) -> Option<u64> {
        // Quantile of the geometric distribution; infinite without errors.
        let first = libm::log1p(-self.draws.unit(draw)) / self.log_correct;
        (first < f64::from(size) * 8.0).then_some(first as u64)
    }
}
