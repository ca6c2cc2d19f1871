//! Packets of one size at a constant rate, always or in windows.
//!
//! Implements: background UDP of RFC 8868 section 5.3 (gap between packets =
//! bits of a packet / rate); the windows are those in which RFC 8869 sections
//! 3.1 and 3.2 turn it on.
//! Differs: what does not fill a packet at the end of a window counts for the
//! next one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Span};

use super::fluid::Fluid;
use super::{PACKET_SIZE, Traffic, TrafficModel, check};

/// Constant bit rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cbr {
    /// IP bits per second (300 kbit/s in the Wi-Fi cases of cisco/ns3-rmcat,
    /// 2020).
    pub rate: Bitrate,
    /// Bytes of each packet from the IP header on (RFC 8868 section 5.3).
    pub packet_size: Bytes,
    /// When it is on, as `[from, to]` since the start of the flow, in order;
    /// empty: always.
    pub windows: Vec<(Span, Span)>,
}

impl Default for Cbr {
    fn default() -> Self {
        Self {
            rate: Bitrate::from_kbps(300),
            packet_size: PACKET_SIZE,
            windows: Vec::new(),
        }
    }
}

impl Plugin for Cbr {
    type Kind = Traffic;
    const NAME: &'static str = "cbr";
    const SUMMARY: &'static str = "packets of one size at a constant rate, always or in windows";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 8868 section 5.3 (background UDP)",
        "RFC 8869 sections 3.1 and 3.2",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn TrafficModel>, BuildError> {
        let size = check(self.rate, self.packet_size)?;
        let mut periods = Vec::new();
        let mut end = Span::ZERO;
        for (index, &(from, to)) in self.windows.iter().enumerate() {
            if from < end || to <= from {
                let message = format!(
                    "expected windows in order, each with its start before its end: found [{from}, {to}] after {end}"
                );
                return Err(BuildError::field(format!("windows.{index}"), message));
            }
            periods.push((from - end, Bitrate::ZERO));
            periods.push((to - from, self.rate));
            end = to;
        }
        if periods.is_empty() {
            periods.push((Span::from_nanos(u64::MAX), self.rate));
        }
        Ok(Box::new(Fluid::new(size, periods.into_iter())))
    }
}
