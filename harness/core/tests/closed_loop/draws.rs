//! The random losses and delays of the reference harness.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};
use weaknet_netem::model::{Delay, DelayModel, Passage};

/// SplitMix64; the upper 53 bits as a fraction.
struct SplitMix(u64);

impl SplitMix {
    fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Numbers of the lost ones among the first `packets` of the flow: from 12345,
/// one draw per packet in the order of departure, lost when it is below `share`.
pub(crate) fn lost(share: f64, packets: u64) -> Vec<u64> {
    let mut random = SplitMix(12_345);
    (0..packets).filter(|_| random.draw() < share).collect()
}

/// The delays of the scenario `jitter`: 25 ms and up to 30 more, in whole
/// microseconds, from 777, one draw per packet behind the queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReferenceJitter {}

impl Plugin for ReferenceJitter {
    type Kind = Delay;
    const NAME: &'static str = "reference_jitter";
    const SUMMARY: &'static str = "the very delays of the reference harness";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        Ok(Box::new(Drawn(SplitMix(777))))
    }
}

struct Drawn(SplitMix);

impl DelayModel for Drawn {
    fn release(&mut self, passage: Passage) -> Time {
        let extra = (self.0.draw() * 30_000.0) as u64;
        passage.at + Span::from_micros(25_000 + extra)
    }
}
