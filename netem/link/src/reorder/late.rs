//! Packets that are held back for a time and so are overtaken.
//!
//! Implements: one draw per packet that depends on the packet's number only. A
//! packet is overtaken by all that leave the serialiser within the time that it
//! is held back for, n of them when packets are that time over n apart: an
//! extent of n in the sense of RFC 4737 section 4.2.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span};

use crate::model::{Displacement, Passage, Reordering, ReorderingModel};
use crate::share::at_most_all;

/// Some packets come later than their delay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Late {
    /// Share of the packets that is held back.
    pub probability: Ratio,
    /// How long beyond their delay.
    pub by: Span,
}

impl Default for Late {
    fn default() -> Self {
        Self {
            probability: Ratio::from_f64(0.01),
            by: Span::from_millis(20),
        }
    }
}

impl Plugin for Late {
    type Kind = Reordering;
    const NAME: &'static str = "late";
    const SUMMARY: &'static str = "some packets are held back for a time and overtaken";
    const REFERENCES: &'static [&'static str] = &["RFC 4737 section 4.3: late time"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn ReorderingModel>, BuildError> {
        at_most_all("probability", self.probability)?;
        Ok(Box::new(Model {
            draws: cx.streams.draws(cx.path, "reorder"),
            probability: self.probability.as_f64(),
            by: self.by,
        }))
    }
}

struct Model {
    draws: Draws,
    probability: f64,
    by: Span,
}

impl ReorderingModel for Model {
    fn displace(&mut self, Passage { draw, .. }: Passage) -> Displacement {
        if self.draws.unit(draw) < self.probability {
            Displacement::Late(self.by)
        } else {
            Displacement::None
        }
    }
}
