//! Independent damage, whatever the size of the packet.
//!
//! Implements: one draw per packet says whether it is damaged, another which of
//! its bits is flipped, headers included; both depend on the packet's number
//! only. The checksum of a damaged packet is wrong: the other end throws it
//! away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio};

use crate::model::{Corruption, CorruptionModel, Passage};
use crate::share::at_most_all;

/// In each packet one bit is flipped with the same probability.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("examples" = ["0.1%"]))]
pub struct IndependentCorruption(pub Ratio);

impl Plugin for IndependentCorruption {
    type Kind = Corruption;
    const NAME: &'static str = "independent";
    const SUMMARY: &'static str = "one flipped bit in each packet with the same probability";
    const REFERENCES: &'static [&'static str] = &["tc-netem(8): corrupt"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn CorruptionModel>, BuildError> {
        at_most_all("", self.0).map_err(|e| BuildError::new(e.message))?;
        Ok(Box::new(Draw {
            damage: cx.streams.draws(cx.path, "corrupt"),
            bit: cx.streams.draws(cx.path, "corrupt bit"),
            probability: self.0.as_f64(),
        }))
    }
}

struct Draw {
    damage: Draws,
    bit: Draws,
    probability: f64,
}

impl CorruptionModel for Draw {
    fn flip(&mut self, Passage { draw, size, .. }: Passage) -> Option<u64> {
        if self.damage.unit(draw) >= self.probability {
            return None;
        }
        let bits = u128::from(size) * 8;
        let bit = (u128::from(self.bit.bits(draw)) * bits) >> 64;
        u64::try_from(bit).ok()
    }
}
