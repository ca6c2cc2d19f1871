//! Independent copies.
//!
//! Implements: one draw per packet that depends on the packet's number only.
//! The copy is made behind the serialiser and follows its packet after a fixed
//! time; it meets no loss, damage or copying of its own.
//! Differs: the copies of Linux netem go through the queue again; see the queue
//! discipline `netem`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span};

use crate::model::{Duplication, DuplicationModel, Passage};
use crate::share::at_most_all;

/// Each packet is delivered twice with the same probability.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"probability": "1%"}]))]
pub struct IndependentDuplication {
    /// Share of the packets that is delivered twice.
    pub probability: Ratio,
    /// Time from the packet to its copy at the far end.
    pub lag: Span,
}

impl Plugin for IndependentDuplication {
    type Kind = Duplication;
    const NAME: &'static str = "independent";
    const SUMMARY: &'static str = "independent copies, of each packet with the same probability";
    const REFERENCES: &'static [&'static str] = &["tc-netem(8): duplicate"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DuplicationModel>, BuildError> {
        at_most_all("probability", self.probability)?;
        Ok(Box::new(Draw {
            draws: cx.streams.draws(cx.path, "duplicate"),
            probability: self.probability.as_f64(),
            lag: self.lag,
        }))
    }
}

struct Draw {
    draws: Draws,
    probability: f64,
    lag: Span,
}

impl DuplicationModel for Draw {
    fn copy(&mut self, Passage { draw, .. }: Passage) -> Option<Span> {
        (self.draws.unit(draw) < self.probability).then_some(self.lag)
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::Time;

    use super::*;
    use crate::testing::{build, passage, refusal};

    #[test]
    fn copies_are_binomial_and_lag() {
        let config = |probability| IndependentDuplication {
            probability: Ratio::from_f64(probability),
            lag: Span::from_millis(3),
        };
        let mut model = build(&config(0.03)).unwrap();
        let copies: Vec<Span> = (0..100_000)
            .filter_map(|number| model.copy(passage(number, Time::ZERO)))
            .collect();
        // Four standard deviations.
        let off = copies.len() as f64 - 3_000.0;
        assert!(off.abs() < 4.0 * 2_910f64.sqrt(), "{off}");
        assert!(copies.iter().all(|lag| *lag == Span::from_millis(3)));
        assert_eq!(refusal(&config(1.5)).0, "probability");
    }
}
