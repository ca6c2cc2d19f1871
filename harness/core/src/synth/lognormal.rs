//! A rate whose logarithm is a first-order autoregressive process.
//!
//! The rate is m exp(s z - s^2/2) on a grid of [`GRID`], z the process with
//! unit variance and correlation f^|t|. Asked for are the coefficient of
//! variation c and the lag-1 autocorrelation of the *one-second means*, as
//! public traces are described: with n = 5 grid steps a second and
//! g(t) = exp(s^2 f^|t|) - 1, the covariance of the rate over its squared mean,
//! the mean of g over all pairs of steps in one second must be c^2, and over
//! all pairs of two adjacent seconds c^2 times the autocorrelation. Both are
//! solved for s and f by bisection.

use weaknet_core::rng::normal_quantile;
use weaknet_core::{Bitrate, Span, Streams};
use weaknet_netem::trace::Segment;

use super::{MOST_SEGMENTS, SynthError};

/// Time that a value holds.
pub(super) const GRID: Span = Span::from_millis(200);
const PER_SECOND: i32 = 5;

/// A wandering rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Lognormal {
    /// Mean rate of the whole trace.
    pub mean: Bitrate,
    /// Coefficient of variation of one-second means, outside of gaps.
    pub cv: f64,
    /// Correlation of one-second means with the next, outside of gaps.
    pub autocorrelation: f64,
}

impl Lognormal {
    pub(super) fn generate(
        &self,
        length: Span,
        open: f64,
        streams: &Streams,
    ) -> Result<Vec<Segment>, SynthError> {
        if self.mean.is_zero() {
            return Err(SynthError::new("the mean rate is zero"));
        }
        if !(0.0..=3.0).contains(&self.cv) {
            return Err(SynthError::new(format!(
                "a coefficient of variation of {} is out of range: expected 0 to 3",
                self.cv
            )));
        }
        if !(0.01..=0.99).contains(&self.autocorrelation) {
            return Err(SynthError::new(format!(
                "an autocorrelation of {} is out of range: expected 0.01 to 0.99",
                self.autocorrelation
            )));
        }
        let steps = length.as_nanos().div_ceil(GRID.as_nanos());
        if steps > MOST_SEGMENTS {
            return Err(SynthError::new("the trace is longer than 100 days"));
        }
        let (variance, per_second) = self.solve();
        let keep = libm::pow(per_second, 1.0 / f64::from(PER_SECOND));
        let renew = (1.0 - keep * keep).max(0.0).sqrt();
        let (sigma, mean) = (variance.sqrt(), self.mean.as_bps_f64() / open);
        let mut draws = streams.sequence("synth", "rate");
        let mut level = normal_quantile(draws.unit());
        Ok((0..steps)
            .map(|k| {
                let rate = mean * libm::exp(sigma * level - variance / 2.0);
                level = keep * level + renew * normal_quantile(draws.unit());
                Segment {
                    start: Span::from_nanos(k * GRID.as_nanos()),
                    rate: Some(Bitrate::from_bps_f64(rate)),
                    ..Segment::default()
                }
            })
            .collect())
    }

    /// Variance of the logarithm, and its correlation over one second.
    pub(super) fn solve(&self) -> (f64, f64) {
        if self.cv == 0.0 {
            return (0.0, 0.5);
        }
        let c2 = self.cv * self.cv;
        let (mut low, mut high) = (0.0, 1.0);
        let mut variance = 0.0;
        for _ in 0..60 {
            let f = f64::midpoint(low, high);
            variance = bisect(0.0, 20.0, |v| mean_covariance(v, f, 0) < c2);
            if mean_covariance(variance, f, PER_SECOND) < self.autocorrelation * c2 {
                low = f;
            } else {
                high = f;
            }
        }
        (variance, f64::midpoint(low, high))
    }
}

/// Mean of g over the pairs of steps of two seconds that are `apart` steps
/// apart.
fn mean_covariance(variance: f64, per_second: f64, apart: i32) -> f64 {
    let mut sum = 0.0;
    for lag in 1 - PER_SECOND..PER_SECOND {
        let pairs = f64::from(PER_SECOND - lag.abs());
        let seconds = f64::from((apart + lag).abs()) / f64::from(PER_SECOND);
        sum += pairs * libm::expm1(variance * libm::pow(per_second, seconds));
    }
    sum / f64::from(PER_SECOND * PER_SECOND)
}

fn bisect(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if below(middle) {
            low = middle
        } else {
            high = middle
        }
    }
    f64::midpoint(low, high)
}
