//! Packets of one size as a Poisson process.
//!
//! Implements: independent exponential gaps with mean = bits of a packet /
//! rate, the first one before the first packet. On a link of constant rate this
//! is the M/D/1 queue.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::{Sequence, exponential_quantile};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Span};

use super::{Emission, PACKET_SIZE, Traffic, TrafficModel, check};

/// A Poisson process of packets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Poisson {
    /// IP bits per second on average.
    pub rate: Bitrate,
    /// Bytes of each packet from the IP header on (RFC 8868 section 5.3).
    pub packet_size: Bytes,
}

impl Default for Poisson {
    fn default() -> Self {
        Self {
            rate: Bitrate::from_kbps(300),
            packet_size: PACKET_SIZE,
        }
    }
}

impl Plugin for Poisson {
    type Kind = Traffic;
    const NAME: &'static str = "poisson";
    const SUMMARY: &'static str = "packets of one size at exponential distances";
    const REFERENCES: &'static [&'static str] = &["Kleinrock 1975, Queueing Systems vol. 1"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn TrafficModel>, BuildError> {
        let size = check(self.rate, self.packet_size)?;
        Ok(Box::new(Arrivals {
            size,
            mean_gap: f64::from(size) * 8.0 / self.rate.as_bps_f64(),
            at: Span::ZERO,
            draws: cx.streams.sequence(cx.path, "gaps"),
        }))
    }
}

struct Arrivals {
    size: u32,
    /// In seconds.
    mean_gap: f64,
    at: Span,
    draws: Sequence,
}

impl TrafficModel for Arrivals {
    fn next_emission(&mut self) -> Option<Emission> {
        let gap = exponential_quantile(self.draws.unit(), self.mean_gap);
        self.at += Span::from_secs_f64(gap);
        Some(Emission {
            at: self.at,
            size: self.size,
        })
    }
}
