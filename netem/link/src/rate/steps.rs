//! A rate that changes at given instants.
//!
//! Implements: changes apply at once, to what is left of the packet in service
//! too. At 0bps nothing moves until the next step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span};

use super::curve::RateCurve;
use crate::model::{Rate, RateModel};
use crate::timeline::Timeline;

/// Steps `[time, rate]`: the first at 0s, times ascending, 0bps allowed. The
/// last one holds for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("examples" = [[["0s", "2.5Mbps"], ["20s", "1Mbps"]]]))]
pub struct RateSteps(pub Vec<(Span, Bitrate)>);

impl Default for RateSteps {
    fn default() -> Self {
        Self(vec![(Span::ZERO, Bitrate::from_mbps(3))])
    }
}

impl Plugin for RateSteps {
    type Kind = Rate;
    const NAME: &'static str = "steps";
    const SUMMARY: &'static str = "a rate that changes at given instants";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 8867 section 5.1: variable available capacity, as lists of start times and capacities",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn RateModel>, BuildError> {
        let timeline = Timeline::new(self.0.iter().copied())
            .map_err(|e| BuildError::new(e.message("3Mbps")))?;
        Ok(RateCurve::new(timeline).server())
    }
}
