//! Distributions of delay and their greatest likelihood, where some values are
//! known as upper bounds only.
//!
//! A packet that was held back by its predecessor tells only that its own delay
//! was not longer: its value is left-censored, and counts with the distribution
//! function instead of the density. Values are in milliseconds.
//!
//! Implements: normal and lognormal without bounds in closed form; gamma, and
//! everything with bounds, by the simplex method of Nelder and Mead 1965.

use serde::Serialize;

use super::special::{gamma_p, normal_cdf};

/// One value; `held` makes it a bound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observation {
    pub(super) value: f64,
    pub(super) held: bool,
    /// The value could not have been seen below this.
    pub(super) above: f64,
}

/// A distribution of delay, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Always the same.
    Constant(f64),
    /// Between two bounds.
    Uniform {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Shifted lognormal.
    Lognormal {
        /// What is always there.
        shift: f64,
        /// Mean of the logarithm of the rest.
        mu: f64,
        /// Standard deviation of the logarithm of the rest.
        sigma: f64,
    },
    /// Shifted gamma.
    Gamma {
        /// What is always there.
        shift: f64,
        /// Shape of the rest.
        shape: f64,
        /// Scale of the rest.
        scale: f64,
    },
}

impl Family {
    /// The word for people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Constant(_) => "constant",
            Self::Uniform { .. } => "uniform",
            Self::Normal { .. } => "normal",
            Self::Lognormal { .. } => "lognormal",
            Self::Gamma { .. } => "gamma",
        }
    }

    const fn parameters(&self) -> f64 {
        match self {
            Self::Constant(_) => 1.0,
            Self::Uniform { .. } | Self::Normal { .. } => 2.0,
            Self::Lognormal { .. } | Self::Gamma { .. } => 3.0,
        }
    }

    pub(super) fn cdf(&self, x: f64) -> f64 {
        match *self {
            Self::Constant(at) => f64::from(x >= at),
            Self::Uniform { min, max } => ((x - min) / (max - min)).clamp(0.0, 1.0),
            Self::Normal { mean, std } => normal_cdf((x - mean) / std),
            Self::Lognormal { shift, mu, sigma } if x > shift => {
                normal_cdf((libm::log(x - shift) - mu) / sigma)
            }
            Self::Gamma {
                shift,
                shape,
                scale,
            } => gamma_p(shape, (x - shift) / scale),
            Self::Lognormal { .. } => 0.0,
        }
    }

    fn log_density(&self, x: f64) -> f64 {
        const HALF_LOG_TAU: f64 = 0.918_938_533_204_672_8;
        match *self {
            Self::Constant(_) => f64::NEG_INFINITY,
            Self::Uniform { min, max } if (min..=max).contains(&x) => -libm::log(max - min),
            Self::Uniform { .. } => f64::NEG_INFINITY,
            Self::Normal { mean, std } => {
                -0.5 * ((x - mean) / std).powi(2) - libm::log(std) - HALF_LOG_TAU
            }
            Self::Lognormal { shift, mu, sigma } => {
                let log = libm::log((x - shift).max(1e-9));
                -0.5 * ((log - mu) / sigma).powi(2) - libm::log(sigma) - log - HALF_LOG_TAU
            }
            Self::Gamma {
                shift,
                shape,
                scale,
            } => {
                let y = ((x - shift) / scale).max(1e-12);
                (shape - 1.0) * libm::log(y) - y - libm::lgamma(shape) - libm::log(scale)
            }
        }
    }

    pub(super) fn log_likelihood(&self, data: &[Observation]) -> f64 {
        data.iter()
            .map(|o| {
                if o.held {
                    libm::log(self.cdf(o.value).max(1e-300))
                } else {
                    self.log_density(o.value).max(-700.0)
                }
            })
            .sum()
    }

    /// Akaike's information criterion.
    pub(super) fn aic(&self, data: &[Observation]) -> f64 {
        2.0 * self.parameters() - 2.0 * self.log_likelihood(data)
    }
}

/// The four families with spread, each at its greatest likelihood.
pub(super) fn fit_all(data: &[Observation]) -> Vec<Family> {
    let seen: Vec<f64> = data.iter().filter(|o| !o.held).map(|o| o.value).collect();
    let n = seen.len() as f64;
    let min = seen.iter().copied().fold(f64::INFINITY, f64::min);
    let max = seen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let any_held = seen.len() < data.len();
    // The extremes of n values lie one n-th of the range inside, on average.
    let uniform = Family::Uniform {
        min: min - (max - min) / n,
        max: max + (max - min) / n,
    };
    let moments = |values: &mut dyn Iterator<Item = f64>| {
        let (mut sum, mut squares) = (0.0, 0.0);
        for v in values {
            sum += v;
            squares += v * v;
        }
        let mean = sum / n;
        (mean, (squares / n - mean * mean).max(1e-18).sqrt())
    };
    let (mean, std) = moments(&mut seen.iter().copied());
    let shift = min - (max - min) / n;
    let (mu, sigma) = moments(&mut seen.iter().map(|v| libm::log(v - shift)));
    let start_shape = ((mean - shift) / std).powi(2).max(1e-3);
    let normal = |x: [f64; 2]| Family::Normal {
        mean: x[0],
        std: libm::exp(x[1]),
    };
    let lognormal = |x: [f64; 2]| Family::Lognormal {
        shift,
        mu: x[0],
        sigma: libm::exp(x[1]),
    };
    let gamma = |x: [f64; 2]| Family::Gamma {
        shift,
        shape: libm::exp(x[0]),
        scale: libm::exp(x[1]),
    };
    let climb = |family: &dyn Fn([f64; 2]) -> Family, start: [f64; 2], size: [f64; 2]| {
        family(maximise(|x| family(x).log_likelihood(data), start, size))
    };
    let normal_start = [mean, libm::log(std)];
    let lognormal_start = [mu, libm::log(sigma)];
    vec![
        uniform,
        if any_held {
            climb(&normal, normal_start, [std, 0.5])
        } else {
            normal(normal_start)
        },
        if any_held {
            climb(&lognormal, lognormal_start, [sigma, 0.5])
        } else {
            lognormal(lognormal_start)
        },
        climb(
            &gamma,
            [
                libm::log(start_shape),
                libm::log((mean - shift) / start_shape),
            ],
            [0.5, 0.5],
        ),
    ]
}

/// The place of the greatest value near `start`.
fn maximise(f: impl Fn([f64; 2]) -> f64, start: [f64; 2], size: [f64; 2]) -> [f64; 2] {
    let value = |x: [f64; 2]| {
        let y = f(x);
        if y.is_nan() { f64::NEG_INFINITY } else { y }
    };
    let mut simplex = [
        start,
        [start[0] + size[0], start[1]],
        [start[0], start[1] + size[1]],
    ]
    .map(|x| (value(x), x));
    let along = |from: [f64; 2], to: [f64; 2], t: f64| {
        [
            from[0] + t * (to[0] - from[0]),
            from[1] + t * (to[1] - from[1]),
        ]
    };
    for _ in 0..120 {
        simplex.sort_by(|a, b| b.0.total_cmp(&a.0));
        let [best, middle, worst] = simplex;
        if (best.0 - worst.0).abs() < 1e-6 {
            break;
        }
        let centre = along(best.1, middle.1, 0.5);
        let at = |t: f64| {
            let x = along(worst.1, centre, t);
            (value(x), x)
        };
        let reflected = at(2.0);
        simplex[2] = if reflected.0 > best.0 {
            let further = at(3.0);
            if further.0 > reflected.0 {
                further
            } else {
                reflected
            }
        } else if reflected.0 > middle.0 {
            reflected
        } else {
            let nearer = if reflected.0 > worst.0 {
                at(1.5)
            } else {
                at(0.5)
            };
            if nearer.0 > worst.0.max(reflected.0) {
                nearer
            } else {
                simplex[1] = {
                    let x = along(best.1, middle.1, 0.5);
                    (value(x), x)
                };
                let x = along(best.1, worst.1, 0.5);
                (value(x), x)
            }
        };
    }
    simplex.sort_by(|a, b| b.0.total_cmp(&a.0));
    simplex[0].1
}
