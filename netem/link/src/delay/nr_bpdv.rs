//! The jitter of RMCAT evaluations: bounded and free of reordering.
//!
//! Implements: the NR-BPDV model of RFC 8868, with its recommended
//! z = |clamp(Normal(0, std^2), -n_std std, n_std std)|: clamped, not drawn
//! again. A packet is released at least the serialisation time of its
//! predecessor after it, at the lowest rate of the bottleneck.
//! Differs: the RFC calls z zero-mean although its absolute value is not; here
//! z adds to the base delay, as in its example (standards reference 3.4). With
//! std 5 ms and n_std 3 it has a mean of 3.986 ms and a standard deviation of
//! 2.998 ms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::{Draws, normal_quantile};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Span, Time};

use crate::model::{Delay, DelayModel, Passage};

/// A base delay and bounded jitter that never reorders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"base": "50ms", "std": "5ms", "n_std": 3.0, "lowest_rate": "1Mbps"}]))]
pub struct NrBpdv {
    /// The part that every packet has.
    pub base: Span,
    /// Standard deviation of the normal variable, before clamp and absolute
    /// value (RFC 8868: 5 ms).
    pub std: Span,
    /// Where it is clamped, in standard deviations, up to 8 (RFC 8868: 3).
    pub n_std: f64,
    /// The lowest rate of the bottleneck, above 0bps: it spaces the packets
    /// behind the jitter. Without it packets may be released together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lowest_rate: Option<Bitrate>,
}

impl Default for NrBpdv {
    fn default() -> Self {
        Self {
            base: Span::from_millis(50),
            std: Span::from_millis(5),
            n_std: 3.0,
            lowest_rate: None,
        }
    }
}

impl Plugin for NrBpdv {
    type Kind = Delay;
    const NAME: &'static str = "nr_bpdv";
    const SUMMARY: &'static str =
        "the non-reordering bounded jitter of RMCAT evaluations (RFC 8868)";
    const REFERENCES: &'static [&'static str] =
        &["RFC 8868: NR-BPDV, non-reordering bounded packet delay variation"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        if !(0.0..=8.0).contains(&self.n_std) {
            let message = format!("expected a number from 0 to 8, found {}", self.n_std);
            return Err(BuildError::field("n_std", message));
        }
        if self.lowest_rate.is_some_and(Bitrate::is_zero) {
            return Err(BuildError::field(
                "lowest_rate",
                "expected a rate above 0bps",
            ));
        }
        Ok(Box::new(Jitter {
            draws: cx.streams.draws(cx.path, "delay"),
            config: self.clone(),
            earliest: Time::ZERO,
        }))
    }
}

struct Jitter {
    draws: Draws,
    config: NrBpdv,
    /// Release of the last packet and its serialisation time.
    earliest: Time,
}

impl DelayModel for Jitter {
    fn release(&mut self, passage: Passage) -> Time {
        let NrBpdv {
            base,
            std,
            n_std,
            lowest_rate,
        } = self.config;
        let z = normal_quantile(self.draws.unit(passage.draw)).abs();
        let own = passage.at + base + std.mul_f64(z.min(n_std));
        let release = own.max(self.earliest);
        let serial = lowest_rate.map_or(Span::ZERO, |rate| {
            rate.time_for(Bytes::new(passage.size.into()))
        });
        self.earliest = release + serial;
        release
    }
}
