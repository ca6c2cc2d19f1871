//! Outages: a renewal process of gaps in which nothing is carried.
//!
//! Gaps have lognormal lengths with given median and 95th percentile; the times
//! between them are exponential, with the mean that gives the number of gaps
//! per minute asked for.

use weaknet_core::rng::{exponential_quantile, normal_quantile};
use weaknet_core::{Bitrate, Span, Streams};
use weaknet_netem::trace::Segment;

use super::SynthError;
use super::markov::whole_millis;

/// Quantile of the standard normal distribution at 95 %.
const Z95: f64 = 1.644_853_626_951_472_2;

/// A process of gaps.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaps {
    /// Number of gaps per minute.
    pub per_minute: f64,
    /// Median length.
    pub p50: Span,
    /// 95th percentile of the length, not below the median.
    pub p95: Span,
}

impl Gaps {
    fn sigma(&self) -> f64 {
        libm::log(self.p95.as_secs_f64() / self.p50.as_secs_f64()) / Z95
    }

    /// Share of time in gaps.
    pub(super) fn share(&self) -> Result<f64, SynthError> {
        if !(self.per_minute > 0.0 && self.per_minute <= 6_000.0) {
            return Err(SynthError::new(
                "expected more than 0 and up to 6000 gaps per minute",
            ));
        }
        if self.p50 < Span::from_millis(1) || self.p95 < self.p50 {
            return Err(SynthError::new(
                "expected a median gap of 1ms or more, and a 95th percentile not below it",
            ));
        }
        let sigma = self.sigma();
        let mean = self.p50.as_secs_f64() * libm::exp(sigma * sigma / 2.0);
        let share = mean * self.per_minute / 60.0;
        if share > 0.95 {
            return Err(SynthError::new(format!(
                "{} gaps per minute of {mean:.2} s in the mean leave no time between them",
                self.per_minute
            )));
        }
        Ok(share)
    }

    /// The segments with gaps in them.
    pub(super) fn cut(
        &self,
        segments: &[Segment],
        length: Span,
        streams: &Streams,
    ) -> Result<Vec<Segment>, SynthError> {
        let sigma = self.sigma();
        let between = 60.0 / self.per_minute * (1.0 - self.share()?);
        let mut draws = streams.sequence("synth", "gaps");
        let mut all = Vec::with_capacity(segments.len());
        let mut next = 0;
        let mut now = Span::ZERO;
        let mut current = None;
        loop {
            let start = now + whole_millis(exponential_quantile(draws.unit(), between));
            let long = self.p50.as_secs_f64() * libm::exp(sigma * normal_quantile(draws.unit()));
            let end = start + whole_millis(long);
            // What holds up to the gap.
            while let Some(segment) = segments.get(next).filter(|segment| segment.start < start) {
                all.push(*segment);
                current = Some(*segment);
                next += 1;
            }
            if start >= length {
                return Ok(all);
            }
            // What holds at its end.
            while let Some(segment) = segments.get(next).filter(|segment| segment.start <= end) {
                current = Some(*segment);
                next += 1;
            }
            let Some(current) = current else {
                return Ok(all);
            };
            all.push(Segment {
                start,
                rate: Some(Bitrate::ZERO),
                ..current
            });
            if end >= length {
                return Ok(all);
            }
            all.push(Segment {
                start: end,
                ..current
            });
            now = end;
        }
    }
}
