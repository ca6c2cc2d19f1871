//! No forward error correction.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin};

use super::{Fec, Scheme};

/// No repair packets are sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoFec {}

impl Plugin for NoFec {
    type Kind = Fec;
    const NAME: &'static str = "none";
    const SUMMARY: &'static str = "sends no repair packets";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Scheme, BuildError> {
        Ok(Scheme::None)
    }
}
