//! No loss at all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin};

use crate::model::{Loss, LossModel, Passage};

/// Every packet passes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoLoss {}

impl Plugin for NoLoss {
    type Kind = Loss;
    const NAME: &'static str = "none";
    const SUMMARY: &'static str = "every packet passes";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        Ok(Box::new(Clean))
    }
}

struct Clean;

impl LossModel for Clean {
    fn lose(&mut self, _: Passage) -> bool {
        false
    }

    fn never(&self) -> bool {
        true
    }
}
