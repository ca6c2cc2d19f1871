//! Independent losses.
//!
//! Implements: one draw per packet that depends on the packet's number only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio};

use crate::model::{Loss, LossModel, Passage};

/// Each packet is lost with the same probability.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("examples" = ["2%"]))]
pub struct Bernoulli(pub Ratio);

impl Plugin for Bernoulli {
    type Kind = Loss;
    const NAME: &'static str = "bernoulli";
    const SUMMARY: &'static str = "independent losses, each packet with the same probability";
    const REFERENCES: &'static [&'static str] = &["RFC 8868: independent random loss"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        super::at_most_all("", self.0).map_err(|e| BuildError::new(e.message))?;
        Ok(Box::new(Draw {
            draws: cx.streams.draws(cx.path, "loss"),
            probability: self.0.as_f64(),
        }))
    }
}

struct Draw {
    draws: Draws,
    probability: f64,
}

impl LossModel for Draw {
    fn lose(&mut self, Passage { draw, .. }: Passage) -> bool {
        self.draws.unit(draw) < self.probability
    }
}
