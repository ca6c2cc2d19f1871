//! A constant rate that is on and off in turns.
//!
//! Implements: the on-off source of traffic engineering (alternating renewal
//! process): packets at a constant rate while on, none while off; lengths are
//! fixed or exponential, each on and each off period drawn by itself.
//! Differs: what does not fill a packet at the end of an on period counts for
//! the next one.
//! Not modelled: heavy-tailed lengths.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::{Sequence, exponential_quantile};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Span};

use super::fluid::Fluid;
use super::{PACKET_SIZE, Traffic, TrafficModel, check};

/// How lengths are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lengths {
    /// All are as long as said.
    Fixed,
    /// Exponential with that mean.
    #[default]
    Exponential,
}

/// On and off in turns, on first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OnOff {
    /// IP bits per second while on.
    pub rate: Bitrate,
    /// Bytes of each packet from the IP header on (RFC 8868 section 5.3).
    pub packet_size: Bytes,
    /// Length of an on period, or its mean; at least 1 ms.
    pub on: Span,
    /// Length of an off period, or its mean; at least 1 ms. RFC 8868 section
    /// 5.1 idles for 10 s on average.
    pub off: Span,
    /// How lengths are drawn.
    pub lengths: Lengths,
}

impl Default for OnOff {
    fn default() -> Self {
        Self {
            rate: Bitrate::from_kbps(600),
            packet_size: PACKET_SIZE,
            on: Span::from_secs(5),
            off: Span::from_secs(10),
            lengths: Lengths::default(),
        }
    }
}

impl Plugin for OnOff {
    type Kind = Traffic;
    const NAME: &'static str = "on_off";
    const SUMMARY: &'static str = "a constant rate that is on and off in turns, fixed or random";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 8868 section 5.3 (background UDP), section 5.1 (idle times)",
        "Heffes, Lucantoni 1986 (on-off sources)",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn TrafficModel>, BuildError> {
        let size = check(self.rate, self.packet_size)?;
        for (field, length) in [("on", self.on), ("off", self.off)] {
            if length < Span::from_millis(1) {
                let message = format!("expected at least 1ms, found {length}");
                return Err(BuildError::field(field, message));
            }
        }
        let periods = Periods {
            config: self.clone(),
            draws: cx.streams.sequence(cx.path, "on and off"),
            on: false,
        };
        Ok(Box::new(Fluid::new(size, periods)))
    }
}

struct Periods {
    config: OnOff,
    draws: Sequence,
    on: bool,
}

impl Iterator for Periods {
    type Item = (Span, Bitrate);

    fn next(&mut self) -> Option<(Span, Bitrate)> {
        self.on = !self.on;
        let (length, rate) = if self.on {
            (self.config.on, self.config.rate)
        } else {
            (self.config.off, Bitrate::ZERO)
        };
        let length = match self.config.lengths {
            Lengths::Fixed => length,
            Lengths::Exponential => Span::from_secs_f64(exponential_quantile(
                self.draws.unit(),
                length.as_secs_f64(),
            )),
        };
        Some((length, rate))
    }
}
