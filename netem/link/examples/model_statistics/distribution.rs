//! What theory says of a distribution, from its closed forms.

use weaknet_core::rng::{normal_cdf, normal_quantile};

/// Where the distribution function is compared, and what that is called.
pub(crate) const SHARES: [(f64, &str); 4] = [
    (0.05, "share below p05"),
    (0.5, "share below p50"),
    (0.95, "share below p95"),
    (0.99, "share below p99"),
];

/// Moments, and values of the distribution function.
#[derive(Debug, Clone)]
pub(crate) struct Distribution {
    pub(crate) mean: f64,
    pub(crate) std: f64,
    /// Fourth central moment over the squared variance; infinite when there is
    /// none.
    pub(crate) kurtosis: f64,
    /// Values and how much is below or at them.
    pub(crate) shares: Vec<(f64, f64)>,
}

/// The values below which the usual shares are.
fn shares(quantile: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    SHARES.iter().map(|(p, _)| (quantile(*p), *p)).collect()
}

impl Distribution {
    pub(crate) fn uniform(min: f64, max: f64) -> Self {
        Self {
            mean: (min + max) / 2.0,
            std: (max - min) / 12f64.sqrt(),
            kurtosis: 1.8,
            shares: shares(|p| min + (max - min) * p),
        }
    }

    pub(crate) fn normal(mean: f64, std: f64) -> Self {
        Self {
            mean,
            std,
            kurtosis: 3.0,
            shares: shares(|p| mean + std * normal_quantile(p)),
        }
    }

    pub(crate) fn lognormal_sigma(median: f64, p95: f64) -> f64 {
        libm::log(p95 / median) / normal_quantile(0.95)
    }

    pub(crate) fn lognormal(median: f64, p95: f64) -> Self {
        let sigma = Self::lognormal_sigma(median, p95);
        let w = libm::exp(sigma * sigma);
        Self {
            mean: median * w.sqrt(),
            std: median * (w * (w - 1.0)).sqrt(),
            kurtosis: w.powi(4) + 2.0 * w.powi(3) + 3.0 * w * w - 3.0,
            shares: shares(|p| median * libm::exp(sigma * normal_quantile(p))),
        }
    }

    /// The sum of so many exponential waits (Erlang).
    pub(crate) fn waits(count: u32, mean: f64) -> Self {
        let k = f64::from(count);
        let below = |x: f64| {
            let term = |term: &mut f64, n: u32| {
                let now = *term;
                *term *= x / f64::from(n + 1);
                Some(now)
            };
            1.0 - (0..count).scan(libm::exp(-x), term).sum::<f64>()
        };
        Self {
            mean,
            std: mean / k.sqrt(),
            kurtosis: 3.0 + 6.0 / k,
            shares: shares(|p| mean / k * solve(below, p)),
        }
    }

    pub(crate) fn pareto(scale: f64, shape: f64) -> Self {
        let a = shape;
        let kurtosis = if a > 4.0 {
            let excess = 6.0 * (a.powi(3) + a * a - 6.0 * a - 2.0);
            3.0 + excess / (a * (a - 3.0) * (a - 4.0))
        } else {
            f64::INFINITY
        };
        Self {
            mean: scale * a / (a - 1.0),
            std: scale / (a - 1.0) * (a / (a - 2.0)).sqrt(),
            kurtosis,
            shares: shares(|p| scale * libm::exp(-libm::log1p(-p) / a)),
        }
    }

    /// A quarter normal and three quarters Pareto, as netem makes its table.
    pub(crate) fn pareto_normal(mean: f64, jitter: f64) -> Self {
        const CAP: f64 = 32_767.0 / 8_192.0;
        let value = |z: f64| {
            let pareto = (libm::exp(-libm::log(normal_cdf(-z)) / 3.0) - 1.5) * 4.0 / 3.0;
            mean + jitter * (z.clamp(-CAP, CAP) + 3.0 * pareto.min(CAP)) / 4.0
        };
        Self::of_normal(value)
    }

    /// The absolute value of a normal variable, clamped.
    pub(crate) fn clamped_normal(std: f64, most: f64) -> Self {
        let folded = |z: f64| std * z.abs().min(most);
        let below = |x: f64| 1.0 - 2.0 * normal_cdf(-x);
        Self {
            shares: shares(|p| std * solve(below, p).min(most)),
            ..Self::of_normal(folded)
        }
    }

    /// A function of a standard normal variable. The shares are right when it
    /// rises.
    fn of_normal(value: impl Fn(f64) -> f64) -> Self {
        const STEPS: i32 = 240_000;
        let moment = |f: &dyn Fn(f64) -> f64| {
            let sum: f64 = (-STEPS..=STEPS)
                .map(|i| 12.0 * f64::from(i) / f64::from(STEPS))
                .map(|z| f(value(z)) * libm::exp(-z * z / 2.0))
                .sum();
            sum * 12.0 / f64::from(STEPS) / std::f64::consts::TAU.sqrt()
        };
        let mean = moment(&|x| x);
        let variance = moment(&|x| (x - mean).powi(2));
        Self {
            mean,
            std: variance.sqrt(),
            kurtosis: moment(&|x| (x - mean).powi(4)) / variance.powi(2),
            shares: shares(|p| value(normal_quantile(p))),
        }
    }

    /// Ascending values of the same probability, the lowest of them alone.
    pub(crate) fn discrete(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let moment = |f: &dyn Fn(f64) -> f64| values.iter().map(|x| f(*x)).sum::<f64>() / n;
        let mean = moment(&|x| x);
        let variance = moment(&|x| (x - mean).powi(2));
        let below = |limit: f64| moment(&|x| f64::from(u8::from(x <= limit)));
        let middle = values[values.len() / 2];
        Self {
            mean,
            std: variance.sqrt(),
            kurtosis: moment(&|x| (x - mean).powi(4)) / variance.powi(2),
            shares: [values[0], middle].map(|x| (x, below(x))).to_vec(),
        }
    }

    /// Uniform between neighbours of these ascending points, each interval with
    /// the same probability.
    pub(crate) fn lines(points: &[f64]) -> Self {
        let n = (points.len() - 1) as f64;
        // Of (x - c)^k over [a, b]: the difference of (x - c)^(k+1) / (k+1).
        let moment = |k: i32, c: f64| {
            let line = |pair: &[f64]| {
                let power = |x: f64| (x - c).powi(k + 1) / f64::from(k + 1);
                (power(pair[1]) - power(pair[0])) / (pair[1] - pair[0])
            };
            points.windows(2).map(line).sum::<f64>() / n
        };
        let mean = moment(1, 0.0);
        let at = |p: f64| {
            let (index, into) = ((p * n) as usize, p * n % 1.0);
            points[index] + (points[index + 1] - points[index]) * into
        };
        Self {
            mean,
            std: moment(2, mean).sqrt(),
            kurtosis: moment(4, mean) / moment(2, mean).powi(2),
            shares: shares(at),
        }
    }

    /// The same, so much later.
    pub(crate) fn after(mut self, base: f64) -> Self {
        self.mean += base;
        for (value, _) in &mut self.shares {
            *value += base;
        }
        self
    }
}

/// Where a rising function of positive numbers has a value, by bisection.
fn solve(function: impl Fn(f64) -> f64, value: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1e3);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if function(middle) < value {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64, within: f64) {
        assert!((got - want).abs() <= within, "{got} instead of {want}");
    }

    #[test]
    fn figures_of_the_references() {
        // Standards reference 3.4.
        let bpdv = Distribution::clamped_normal(5.0, 3.0);
        close(bpdv.mean, 3.986, 5e-4);
        close(bpdv.std, 2.998, 5e-4);
        // Standards reference 9.4: moments of netem's table of 4096 entries,
        // which ends at 3.88 jitters.
        let mix = Distribution::pareto_normal(0.0, 1.0);
        close(mix.mean, -0.025, 2e-3);
        close(mix.std, 0.834, 5e-3);
        close(mix.shares[1].0, -0.24, 1e-2);
        close(mix.shares[2].0, 1.62, 1e-2);
        close(mix.shares[3].0, 3.58, 1e-2);
    }

    #[test]
    fn numeric_moments_are_the_closed_ones() {
        let (closed, sigma) = (
            Distribution::lognormal(5.0, 12.0),
            Distribution::lognormal_sigma(5.0, 12.0),
        );
        let numeric = Distribution::of_normal(|z| 5.0 * libm::exp(sigma * z));
        close(numeric.mean, closed.mean, 1e-9);
        close(numeric.std, closed.std, 1e-9);
        close(numeric.kurtosis, closed.kurtosis, 1e-6);
        close(closed.shares[2].0, 12.0, 1e-12);
    }
}
