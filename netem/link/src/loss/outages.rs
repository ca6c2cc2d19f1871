//! Outages at regular intervals: handovers, satellites that change every 15 s.
//!
//! Implements: outage k covers [first + k every, first + k every + length);
//! within it packets are lost independently, outside none is. The instant at
//! which a packet reaches the place of loss counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span, Time};

use crate::model::{Loss, LossModel, Passage};

/// Outages of the same length at regular intervals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Outages {
    /// Time from the start of one outage to the start of the next.
    pub every: Span,
    /// How long each lasts, at most `every`.
    pub length: Span,
    /// Start of the first one, since the start of the run.
    pub first: Span,
    /// Share of the packets that is lost within an outage.
    pub loss: Ratio,
}

impl Default for Outages {
    fn default() -> Self {
        Self {
            every: Span::from_secs(15),
            length: Span::from_millis(200),
            first: Span::from_secs(15),
            loss: Ratio::ONE,
        }
    }
}

impl Plugin for Outages {
    type Kind = Loss;
    const NAME: &'static str = "outages";
    const SUMMARY: &'static str = "outages at regular intervals of time";
    const REFERENCES: &'static [&'static str] =
        &["Starlink: satellites and paths are assigned anew every 15 s"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        super::at_most_all("loss", self.loss)?;
        if self.every.is_zero() {
            return Err(BuildError::field("every", "expected a time above 0s"));
        }
        if self.length > self.every {
            let message = format!(
                "expected at most `every`, {}, found {}",
                self.every, self.length
            );
            return Err(BuildError::field("length", message));
        }
        Ok(Box::new(Model {
            draws: cx.streams.draws(cx.path, "loss"),
            config: self.clone(),
        }))
    }
}

struct Model {
    draws: Draws,
    config: Outages,
}

impl LossModel for Model {
    fn lose(&mut self, Passage { draw, at, .. }: Passage) -> bool {
        let Outages {
            every,
            length,
            first,
            loss,
        } = self.config;
        at >= Time::from(first)
            && at.since(Time::from(first)).as_nanos() % every.as_nanos() < length.as_nanos()
            && self.draws.unit(draw) < loss.as_f64()
    }
}
