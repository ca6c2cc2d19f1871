//! A policer with one rate and two sizes of burst.
//!
//! Implements: srTCM, RFC 2697 section 3, colour-blind: tokens fill the
//! committed bucket first, what overflows fills the excess bucket; a packet is
//! green when the committed bucket has tokens for it, else yellow when the
//! excess one has, else red, and a red one takes none.
//! Not modelled: the colour-aware mode; packets carry no colour here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::DropReason;
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Time};

use super::bucket::{Bucket, cost};
use super::{above_zero, some_room};
use crate::model::{Loss, LossAt, LossModel, Passage};

/// What a meter says about a packet, the best first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// Within the committed rate.
    Green,
    /// Beyond it, within what may exceed it.
    Yellow,
    /// Beyond all.
    Red,
}

/// Tells a packet's colour.
pub(super) trait Meter: Send {
    fn colour(&mut self, at: Time, size: u32) -> Colour;
}

/// Drops packets of a colour and all worse ones.
pub(super) struct Drop<M> {
    pub(super) meter: M,
    pub(super) from: Colour,
}

impl<M: Meter> LossModel for Drop<M> {
    fn lose(&mut self, Passage { at, size, .. }: Passage) -> bool {
        self.meter.colour(at, size) >= self.from
    }

    fn reason(&self) -> DropReason {
        DropReason::Policed
    }

    fn place(&self) -> Option<LossAt> {
        Some(LossAt::BeforeQueue)
    }
}

/// One rate, a committed and an excess burst.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SingleRateThreeColours {
    /// Committed information rate, IP headers included.
    pub rate: Bitrate,
    /// Committed burst size.
    pub burst: Bytes,
    /// Excess burst size.
    pub excess_burst: Bytes,
    /// The best colour that is dropped; worse ones are too.
    pub drop: Colour,
}

impl Default for SingleRateThreeColours {
    fn default() -> Self {
        Self {
            rate: Bitrate::from_mbps(1),
            burst: Bytes::new(10_000),
            excess_burst: Bytes::new(10_000),
            drop: Colour::Red,
        }
    }
}

impl SingleRateThreeColours {
    pub(super) fn meter(&self) -> SingleRate {
        SingleRate {
            committed: Bucket::full(self.rate, self.burst),
            excess: Bucket::full(Bitrate::ZERO, self.excess_burst),
        }
    }
}

impl Plugin for SingleRateThreeColours {
    type Kind = Loss;
    const NAME: &'static str = "single_rate_three_colours";
    const SUMMARY: &'static str = "policer with one rate and two sizes of burst (srTCM)";
    const REFERENCES: &'static [&'static str] = &["RFC 2697"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        above_zero("rate", self.rate)?;
        some_room("burst", self.burst)?;
        Ok(Box::new(Drop {
            meter: self.meter(),
            from: self.drop,
        }))
    }
}

pub(super) struct SingleRate {
    committed: Bucket,
    excess: Bucket,
}

impl Meter for SingleRate {
    fn colour(&mut self, at: Time, size: u32) -> Colour {
        let overflow = self.committed.fill(at);
        self.excess.add(overflow);
        let cost = cost(u64::from(size));
        if self.committed.has(cost) {
            self.committed.take(cost);
            Colour::Green
        } else if self.excess.has(cost) {
            self.excess.take(cost);
            Colour::Yellow
        } else {
            Colour::Red
        }
    }
}
