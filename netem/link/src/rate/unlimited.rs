//! A link without serialisation time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Time};

use crate::model::{Rate, RateModel};

/// No limit: packets pass at once and never wait.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UnlimitedRate {}

impl Plugin for UnlimitedRate {
    type Kind = Rate;
    const NAME: &'static str = "unlimited";
    const SUMMARY: &'static str = "no limit: packets pass at once";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn RateModel>, BuildError> {
        Ok(Box::new(Wire))
    }
}

struct Wire;

impl RateModel for Wire {
    fn serve(&mut self, start: Time, _: u32, _: bool) -> Time {
        start
    }

    fn rate_at(&mut self, _: Time) -> Option<Bitrate> {
        None
    }

    fn capacity(&self, _: Time, _: Time) -> Option<f64> {
        None
    }
}
