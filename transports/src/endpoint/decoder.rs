//! A decoder and a screen: how long decoding takes.
//!
//! Implements: one frame at a time; the time for a frame is lognormal with a
//! given median and spread, cut at four standard deviations.
//! Not modelled: frames that take longer because they are larger, decoders that
//! fail.

use weaknet_core::Span;
use weaknet_core::rng::{Sequence, normal_quantile};

/// Model of a video decoder.
#[derive(Debug, Clone)]
pub struct DecoderModel {
    median: Span,
    sigma: f64,
    draws: Sequence,
}

impl DecoderModel {
    /// A decoder that takes `median` for half of the frames; `sigma` is the
    /// standard deviation of the logarithm.
    #[must_use]
    pub const fn new(median: Span, sigma: f64, draws: Sequence) -> Self {
        Self {
            median,
            sigma,
            draws,
        }
    }

    /// How long the next frame takes.
    pub fn next_time(&mut self) -> Span {
        if self.sigma == 0.0 {
            return self.median;
        }
        let z = normal_quantile(self.draws.unit()).clamp(-4.0, 4.0);
        self.median.mul_f64(libm::exp(self.sigma * z))
    }
}
