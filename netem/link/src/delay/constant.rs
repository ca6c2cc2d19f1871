//! A propagation delay that never changes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use crate::model::{Delay, DelayModel, Passage};

/// The same delay for every packet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("examples" = ["20ms"]))]
pub struct ConstantDelay(pub Span);

impl Plugin for ConstantDelay {
    type Kind = Delay;
    const NAME: &'static str = "constant";
    const SUMMARY: &'static str = "the same delay for every packet";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        Ok(Box::new(Wire(self.0)))
    }
}

struct Wire(Span);

impl DelayModel for Wire {
    fn release(&mut self, Passage { at, .. }: Passage) -> Time {
        at + self.0
    }

    fn constant(&self) -> Option<Span> {
        Some(self.0)
    }
}
