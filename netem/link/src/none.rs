//! The impairments that most links do not have, switched off: what a scenario
//! says where a matrix has them in some cases only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span};

use crate::model::{
    Corruption, CorruptionModel, Displacement, Duplication, DuplicationModel, Passage, Reordering,
    ReorderingModel,
};

/// Damages nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoCorruption {}

impl Plugin for NoCorruption {
    type Kind = Corruption;
    const NAME: &'static str = "none";
    const SUMMARY: &'static str = "no packet is damaged";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CorruptionModel>, BuildError> {
        Ok(Box::new(self.clone()))
    }
}

impl CorruptionModel for NoCorruption {
    fn flip(&mut self, _: Passage) -> Option<u64> {
        None
    }

    fn never(&self) -> bool {
        true
    }
}

/// Copies nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoDuplication {}

impl Plugin for NoDuplication {
    type Kind = Duplication;
    const NAME: &'static str = "none";
    const SUMMARY: &'static str = "no packet is delivered twice";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn DuplicationModel>, BuildError> {
        Ok(Box::new(self.clone()))
    }
}

impl DuplicationModel for NoDuplication {
    fn copy(&mut self, _: Passage) -> Option<Span> {
        None
    }

    fn never(&self) -> bool {
        true
    }
}

/// Displaces nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoReordering {}

impl Plugin for NoReordering {
    type Kind = Reordering;
    const NAME: &'static str = "none";
    const SUMMARY: &'static str = "every packet keeps its place, unless the delay model moves it";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn ReorderingModel>, BuildError> {
        Ok(Box::new(self.clone()))
    }
}

impl ReorderingModel for NoReordering {
    fn displace(&mut self, _: Passage) -> Displacement {
        Displacement::None
    }

    fn never(&self) -> bool {
        true
    }
}
