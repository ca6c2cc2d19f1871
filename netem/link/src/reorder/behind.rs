//! Packets that let a number of others pass: reordering of bounded distance.
//!
//! Implements: one draw per packet that depends on the packet's number only. A
//! chosen packet is released right after the given number of packets behind it
//! that keep their place: a reordering of exactly that extent (RFC 4737 section
//! 4.2.3), and one that n-reordering (section 5.3) counts up to that number. When
//! fewer follow in time, it is released on its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span};

use crate::model::{Displacement, Passage, Reordering, ReorderingModel};
use crate::share::at_most_all;

/// Some packets change places with those behind them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Behind {
    /// Share of the packets that lets others pass.
    pub probability: Ratio,
    /// How many packets pass, at least 1. A retransmission by threshold takes 3
    /// for a loss.
    pub packets: u32,
    /// The longest time that it waits for them beyond its own delay.
    pub at_most: Span,
}

impl Default for Behind {
    fn default() -> Self {
        Self {
            probability: Ratio::from_f64(0.01),
            packets: 1,
            at_most: Span::from_millis(100),
        }
    }
}

impl Plugin for Behind {
    type Kind = Reordering;
    const NAME: &'static str = "behind";
    const SUMMARY: &'static str = "some packets let a number of others pass";
    const REFERENCES: &'static [&'static str] = &["RFC 4737 sections 4.2.3 and 5.3"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn ReorderingModel>, BuildError> {
        at_most_all("probability", self.probability)?;
        if self.packets == 0 {
            return Err(BuildError::field("packets", "expected at least 1 packet"));
        }
        Ok(Box::new(Model {
            draws: cx.streams.draws(cx.path, "reorder"),
            probability: self.probability.as_f64(),
            displacement: Displacement::Behind(self.packets, self.at_most),
        }))
    }
}

struct Model {
    draws: Draws,
    probability: f64,
    displacement: Displacement,
}

impl ReorderingModel for Model {
    fn displace(&mut self, Passage { draw, .. }: Passage) -> Displacement {
        if self.draws.unit(draw) < self.probability {
            self.displacement
        } else {
            Displacement::None
        }
    }
}
