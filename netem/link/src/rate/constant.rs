//! A rate that never changes.
//!
//! Implements: serialisation in ceil(8e9 bytes / rate) ns for a lone packet,
//! with the remainder carried from packet to packet of a busy link.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span};

use super::curve::RateCurve;
use crate::model::{Rate, RateModel};
use crate::timeline::Timeline;

/// The same rate for ever, above zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("examples" = ["3Mbps"]))]
pub struct ConstantRate(pub Bitrate);

impl Default for ConstantRate {
    fn default() -> Self {
        Self(Bitrate::from_mbps(3))
    }
}

impl Plugin for ConstantRate {
    type Kind = Rate;
    const NAME: &'static str = "constant";
    const SUMMARY: &'static str = "the same rate for ever";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn RateModel>, BuildError> {
        if self.0.is_zero() {
            return Err(BuildError::new(
                "a constant rate of 0bps would never carry a packet: expected a rate such as `3Mbps` (an outage is a step to 0bps)",
            ));
        }
        let timeline = Timeline::new([(Span::ZERO, self.0)])
            .map_err(|e| BuildError::new(e.message("3Mbps")))?;
        Ok(RateCurve::new(timeline).server())
    }
}
