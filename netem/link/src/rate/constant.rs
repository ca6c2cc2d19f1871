//! A rate that never changes.
//!
//! Implements: serialisation in ceil(8e9 bytes / rate) ns for a lone packet,
//! with the remainder carried from packet to packet of a busy link.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span, Time};

use super::curve::WORK_PER_BYTE;
use crate::model::{Rate, RateModel};

/// The same rate for ever, above zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("examples" = ["3Mbps"]))]
pub struct ConstantRate(pub Bitrate);

impl Default for ConstantRate {
    fn default() -> Self {
        Self(Bitrate::from_mbps(3))
    }
}

impl Plugin for ConstantRate {
    type Kind = Rate;
    const NAME: &'static str = "constant";
    const SUMMARY: &'static str = "the same rate for ever";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn RateModel>, BuildError> {
        if self.0.is_zero() {
            return Err(BuildError::new(
                "a constant rate of 0bps would never carry a packet: expected a rate such as `3Mbps` (an outage is a step to 0bps)",
            ));
        }
        Ok(Box::new(Serialiser {
            rate: self.0,
            finish: Time::ZERO,
            excess: 0,
        }))
    }
}

/// What [`super::curve::CurveServer`] does, for a curve of one piece.
struct Serialiser {
    /// Above zero.
    rate: Bitrate,
    /// End of the last service, and the work done by then beyond its need.
    finish: Time,
    excess: u64,
}

impl RateModel for Serialiser {
    fn serve(&mut self, start: Time, bytes: u32, _: bool) -> Time {
        let excess = if start == self.finish { self.excess } else { 0 };
        let need = u128::from(bytes) * u128::from(WORK_PER_BYTE);
        if need <= u128::from(excess) {
            (self.finish, self.excess) = (start, excess - need as u64);
            return start;
        }
        let (need, rate) = (need - u128::from(excess), self.rate.as_bps());
        let nanos = match u64::try_from(need) {
            Ok(need) => need.div_ceil(rate),
            Err(_) => u64::try_from(need.div_ceil(rate.into())).unwrap_or(u64::MAX),
        };
        self.finish = start + Span::from_nanos(nanos);
        // Less than the rate, so that the lower halves suffice.
        self.excess = nanos.wrapping_mul(rate).wrapping_sub(need as u64);
        self.finish
    }

    fn rate_at(&mut self, _: Time) -> Option<Bitrate> {
        Some(self.rate)
    }

    fn capacity(&self, from: Time, to: Time) -> Option<f64> {
        let work = u128::from(self.rate.as_bps()) * u128::from((to - from).as_nanos());
        Some(work as f64 / 1e9)
    }
}
