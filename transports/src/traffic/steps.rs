//! Packets of one size at a rate that changes in steps.
//!
//! Implements: stepwise background UDP of RFC 8868 section 5.3, with which RFC
//! 8867 section 5 varies the capacity that is left on a link of fixed rate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Span};

use super::fluid::Fluid;
use super::{PACKET_SIZE, Traffic, TrafficModel, check_gap, check_size};

/// A rate in steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrafficSteps {
    /// `[from, rate]` since the start of the flow, in order; `0bps` pauses.
    /// The default leaves 2 Mbit/s of a 4 Mbit/s link for 25 s, then nothing
    /// is sent.
    pub steps: Vec<(Span, Bitrate)>,
    /// Bytes of each packet from the IP header on (RFC 8868 section 5.3).
    pub packet_size: Bytes,
}

impl Default for TrafficSteps {
    fn default() -> Self {
        Self {
            steps: vec![
                (Span::ZERO, Bitrate::from_mbps(2)),
                (Span::from_secs(25), Bitrate::ZERO),
            ],
            packet_size: PACKET_SIZE,
        }
    }
}

impl Plugin for TrafficSteps {
    type Kind = Traffic;
    const NAME: &'static str = "steps";
    const SUMMARY: &'static str = "packets of one size at a rate that changes in steps";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 8868 section 5.3 (background UDP)",
        "RFC 8867 section 5 (capacity varied by non-adaptive UDP)",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn TrafficModel>, BuildError> {
        let size = check_size(self.packet_size)?;
        let Some(&(first, _)) = self.steps.first() else {
            return Err(BuildError::field("steps", "expected at least one step"));
        };
        let mut periods = vec![(first, Bitrate::ZERO)];
        for (index, &(from, rate)) in self.steps.iter().enumerate() {
            let field = format!("steps.{index}");
            check_gap(&field, rate, size)?;
            let next = self.steps.get(index + 1).map(|(next, _)| *next);
            if next.is_some_and(|next| next <= from) {
                let message = format!("expected steps in order of time: one after {from} is not");
                return Err(BuildError::field(field, message));
            }
            let end = next.unwrap_or(Span::from_nanos(u64::MAX));
            periods.push((end - from, rate));
        }
        Ok(Box::new(Fluid::new(size, periods.into_iter())))
    }
}
