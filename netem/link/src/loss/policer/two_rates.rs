//! A policer with two rates.
//!
//! Implements: trTCM, RFC 2698 section 3, colour-blind: a packet is red when
//! the peak bucket has no tokens for it; else yellow when the committed one has
//! none, and takes from the peak bucket; else green, and takes from both.
//! Not modelled: the colour-aware mode; packets carry no colour here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Time};

use super::bucket::{Bucket, cost};
use super::three_colours::{Colour, Drop, Meter};
use super::{above_zero, some_room};
use crate::model::{Loss, LossModel};

/// A committed and a peak rate, each with its burst.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TwoRatesThreeColours {
    /// Committed information rate, IP headers included.
    pub rate: Bitrate,
    /// Committed burst size.
    pub burst: Bytes,
    /// Peak information rate, at least `rate`.
    pub peak: Bitrate,
    /// Peak burst size.
    pub peak_burst: Bytes,
    /// The best colour that is dropped; worse ones are too.
    pub drop: Colour,
}

impl Default for TwoRatesThreeColours {
    fn default() -> Self {
        Self {
            rate: Bitrate::from_mbps(1),
            burst: Bytes::new(10_000),
            peak: Bitrate::from_mbps(2),
            peak_burst: Bytes::new(10_000),
            drop: Colour::Red,
        }
    }
}

impl TwoRatesThreeColours {
    pub(super) fn meter(&self) -> TwoRates {
        TwoRates {
            committed: Bucket::full(self.rate, self.burst),
            peak: Bucket::full(self.peak, self.peak_burst),
        }
    }
}

impl Plugin for TwoRatesThreeColours {
    type Kind = Loss;
    const NAME: &'static str = "two_rates_three_colours";
    const SUMMARY: &'static str = "policer with a committed and a peak rate (trTCM)";
    const REFERENCES: &'static [&'static str] = &["RFC 2698"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        above_zero("rate", self.rate)?;
        some_room("burst", self.burst)?;
        some_room("peak_burst", self.peak_burst)?;
        if self.peak < self.rate {
            let message = format!(
                "expected at least `rate`, {}, found {}",
                self.rate, self.peak
            );
            return Err(BuildError::field("peak", message));
        }
        Ok(Box::new(Drop {
            meter: self.meter(),
            from: self.drop,
        }))
    }
}

pub(super) struct TwoRates {
    committed: Bucket,
    peak: Bucket,
}

impl Meter for TwoRates {
    fn colour(&mut self, at: Time, size: u32) -> Colour {
        self.committed.fill(at);
        self.peak.fill(at);
        let cost = cost(u64::from(size));
        if !self.peak.has(cost) {
            return Colour::Red;
        }
        self.peak.take(cost);
        if !self.committed.has(cost) {
            return Colour::Yellow;
        }
        self.committed.take(cost);
        Colour::Green
    }
}
