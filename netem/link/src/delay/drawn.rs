//! Delays drawn from a distribution, one per packet, independent or correlated.
//!
//! Implements: inversion. A draw, a pure function of its number, gives a
//! probability; the distribution's quantile at it is the delay. Correlated
//! draws come through a Gaussian copula: normal scores z(0) = e(0),
//! z(k) = rho z(k-1) + sqrt(1 - rho^2) e(k) with independent standard normal e,
//! so that the delays have exactly the distribution asked for and the rank
//! correlation of lag k follows from rho^k. One step per packet or, when draws
//! are keyed by time, one per slot: packets of a slot then share its delay, and
//! the score of a slot is the same whatever was sent before.
//! Differs: netem mixes the last uniform draw into the next one, which makes
//! the distribution narrower (standards reference 9.3).

use weaknet_core::rng::{Draws, normal_cdf, normal_quantile, unit};
use weaknet_core::{BuildContext, BuildError, Ratio, Span, Time};

use super::Reorder;
use crate::model::{DelayModel, Passage};

/// The largest correlation, in parts per billion.
const MOST_CORRELATED: u64 = 999_900_000;

/// Where in its distribution a delay lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Score {
    /// By a uniform draw over all 64-bit values.
    Bits(u64),
    /// By a standard normal variable.
    Normal(f64),
}

impl Score {
    /// A uniform value over all 64-bit values.
    pub(super) fn bits(self) -> u64 {
        match self {
            Self::Bits(bits) => bits,
            Self::Normal(z) => (normal_cdf(z) * 18_446_744_073_709_551_616.0) as u64,
        }
    }

    /// The probability below, in [0, 1).
    pub(super) fn below(self) -> f64 {
        match self {
            Self::Bits(bits) => unit(bits),
            Self::Normal(z) => normal_cdf(z).min(1.0 - f64::EPSILON / 2.0),
        }
    }

    /// The probability above, in (0, 1].
    pub(super) fn above(self) -> f64 {
        match self {
            Self::Bits(bits) => 1.0 - unit(bits),
            Self::Normal(z) => normal_cdf(-z).max(f64::MIN_POSITIVE),
        }
    }

    /// The standard normal variable.
    pub(super) fn normal(self) -> f64 {
        match self {
            Self::Bits(bits) => normal_quantile(unit(bits)),
            Self::Normal(z) => z,
        }
    }
}

/// A sequence of scores.
pub(super) struct Scores {
    draws: Draws,
    chain: Option<Chain>,
}

struct Chain {
    correlation: f64,
    innovation: f64,
    /// The step that `z` belongs to, once there is one.
    step: Option<u64>,
    z: f64,
}

impl Scores {
    /// # Errors
    /// When the correlation is beyond its range.
    pub(super) fn new(cx: &BuildContext<'_>, correlation: Ratio) -> Result<Self, BuildError> {
        if correlation.ppb() > MOST_CORRELATED {
            let message = format!("expected at most 99.99%, found {correlation}");
            return Err(BuildError::field("correlation", message));
        }
        let chain = (correlation > Ratio::ZERO).then(|| {
            let correlation = correlation.as_f64();
            Chain {
                correlation,
                innovation: (1.0 - correlation * correlation).sqrt(),
                step: None,
                z: 0.0,
            }
        });
        Ok(Self {
            draws: cx.streams.draws(cx.path, "delay"),
            chain,
        })
    }

    fn score(&mut self, passage: Passage) -> Score {
        let draws = self.draws;
        match &mut self.chain {
            None => Score::Bits(draws.bits(passage.draw)),
            Some(chain) => Score::Normal(chain.advance(passage.step, draws)),
        }
    }
}

impl Chain {
    fn advance(&mut self, to: u64, draws: Draws) -> f64 {
        let normal = |step| normal_quantile(draws.unit(step));
        let mut step = match self.step {
            Some(step) => step,
            None => {
                self.z = normal(0);
                0
            }
        };
        while step < to {
            step += 1;
            self.z = self.correlation * self.z + self.innovation * normal(step);
        }
        self.step = Some(step);
        self.z
    }
}

/// The quantile function of a distribution of delays.
pub(super) trait Quantile: Send {
    /// The delay in nanoseconds; below zero counts as zero.
    fn nanos(&self, score: Score) -> f64;

    /// The delay as a span.
    fn span(&self, score: Score) -> Span {
        Span::from_nanos(libm::round(self.nanos(score)).max(0.0) as u64)
    }
}

/// A delay model that draws each delay.
pub(super) struct Drawn<Q> {
    scores: Scores,
    quantile: Q,
    reorder: Reorder,
}

impl<Q: Quantile + 'static> Drawn<Q> {
    pub(super) fn boxed(scores: Scores, quantile: Q, reorder: Reorder) -> Box<dyn DelayModel> {
        Box::new(Self {
            scores,
            quantile,
            reorder,
        })
    }
}

impl<Q: Quantile> DelayModel for Drawn<Q> {
    fn release(&mut self, passage: Passage) -> Time {
        passage.at + self.quantile.span(self.scores.score(passage))
    }

    fn reorders(&self) -> bool {
        self.reorder == Reorder::Allowed
    }
}

/// Whether a correlation is that of independent delays.
pub(super) fn independent(correlation: &Ratio) -> bool {
    *correlation == Ratio::ZERO
}

/// Refuses a span of zero.
pub(super) fn above_zero(field: &str, span: Span) -> Result<(), BuildError> {
    if span.is_zero() {
        return Err(BuildError::field(field, "expected a time above 0s"));
    }
    Ok(())
}
