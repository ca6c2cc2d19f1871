//! A propagation delay that changes at given instants.
//!
//! Implements: the delay in force when a packet leaves the serialiser counts.
//! After a step down, packets wait for those before them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span};

use super::trace::Recorded;
use crate::model::{Delay, DelayModel};
use crate::timeline::Timeline;

/// Steps `[time, delay]`: the first at 0s, times ascending. The last one holds
/// for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("examples" = [[["0s", "40ms"], ["20s", "100ms"]]]))]
pub struct DelaySteps(pub Vec<(Span, Span)>);

impl Default for DelaySteps {
    fn default() -> Self {
        Self(vec![(Span::ZERO, Span::from_millis(25))])
    }
}

impl Plugin for DelaySteps {
    type Kind = Delay;
    const NAME: &'static str = "steps";
    const SUMMARY: &'static str = "a delay that changes at given instants";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        let timeline = Timeline::new(self.0.iter().copied())
            .map_err(|e| BuildError::new(e.message("25ms")))?;
        Ok(Recorded::boxed(timeline.into()))
    }
}
