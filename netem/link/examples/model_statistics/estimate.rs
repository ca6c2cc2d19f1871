//! Estimates with their standard errors.

/// A measured value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    /// Its standard error.
    pub(crate) error: f64,
    /// How many independent samples would give this error.
    pub(crate) size: f64,
}

/// Batches of a sequence: long enough to be nearly independent of each other,
/// and enough of them for a standard error that is good to 5%.
const BATCHES: usize = 200;

/// Mean of correlated samples; its error by batch means (Law and Kelton,
/// Simulation Modeling and Analysis, section 9.5.3).
pub(crate) fn mean(samples: &[f64]) -> Estimate {
    let weighted: Vec<(f64, f64)> = samples.iter().map(|sample| (*sample, 1.0)).collect();
    ratio(&weighted)
}

/// Sum of the first parts over the sum of the second ones; its error by batch
/// means, to first order.
pub(crate) fn ratio(samples: &[(f64, f64)]) -> Estimate {
    let sum = |part: &[(f64, f64)]| {
        let add = |sum: (f64, f64), x: &(f64, f64)| (sum.0 + x.0, sum.1 + x.1);
        part.iter().fold((0.0, 0.0), add)
    };
    let batch = samples.len().div_ceil(BATCHES).max(1);
    let batches: Vec<(f64, f64)> = samples.chunks(batch).map(sum).collect();
    let (above, below) = sum(&batches);
    let value = above / below;
    let n = batches.len() as f64;
    let squares =
        |parts: &[(f64, f64)]| -> f64 { parts.iter().map(|(a, b)| (a - value * b).powi(2)).sum() };
    let error = (squares(&batches) * n / (n - 1.0)).sqrt() / below;
    let independent = squares(samples).sqrt() / below;
    Estimate {
        value,
        error,
        size: samples.len() as f64 * (independent / error).powi(2),
    }
}

/// How well counts fit a distribution.
pub(crate) struct Fit {
    /// Degrees of freedom: what the statistic is on average.
    pub(crate) df: f64,
    /// Pearson's statistic; its standard deviation is that of theory.
    pub(crate) statistic: Estimate,
    /// Its place on a scale where it is nearly standard normal.
    pub(crate) z: f64,
}

/// Pearson's test; z by Wilson and Hilferty 1931.
pub(crate) fn chi_square(observed: &[f64], probabilities: &[f64]) -> Fit {
    let total: f64 = observed.iter().sum();
    let value: f64 = observed
        .iter()
        .zip(probabilities)
        .map(|(count, p)| (count - total * p).powi(2) / (total * p))
        .sum();
    let df = (observed.len() - 1) as f64;
    let spread = 2.0 / (9.0 * df);
    Fit {
        df,
        statistic: Estimate {
            value,
            error: (2.0 * df).sqrt(),
            size: total,
        },
        z: (libm::cbrt(value / df) - (1.0 - spread)) / spread.sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_chi_square_are_those_of_the_tables() {
        // 0.001 is 3.0902 standard deviations: df 5 and 15.
        for (df, critical) in [(5usize, 20.515), (15, 37.697)] {
            let p = 1.0 / (df + 1) as f64;
            // One bin above and one below what is expected, by the same.
            let mut observed = vec![1e6 * p; df + 1];
            let by = (critical * 1e6 * p / 2.0f64).sqrt();
            observed[0] += by;
            observed[1] -= by;
            let fit = chi_square(&observed, &vec![p; df + 1]);
            assert!((fit.statistic.value - critical).abs() < 1e-6);
            // The approximation is good to 1% out there.
            assert!((fit.z / 3.0902 - 1.0).abs() < 0.01, "{}", fit.z);
        }
    }

    #[test]
    fn correlated_samples_are_worth_less() {
        // Each of 20 000 fair draws repeated ten times.
        let draws = weaknet_core::rng::Draws::from_key(3);
        let samples: Vec<f64> = (0..200_000).map(|i| draws.unit(i / 10)).collect();
        let estimate = mean(&samples);
        let theory = (1.0 / 12.0 / 20_000f64).sqrt();
        // A standard deviation of 200 batches is good to 5%: three of those.
        assert!((estimate.error / theory - 1.0).abs() < 0.15);
        assert!((estimate.size / 20_000.0 - 1.0).abs() < 0.35);
        assert!((estimate.value - 0.5).abs() < 4.5 * theory);
    }
}
