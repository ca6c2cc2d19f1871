//! Means, quantiles and their uncertainty over seeds.
//!
//! The interval of a mean comes from resampling, which assumes no
//! distribution. It is the same for the same values and name, because its
//! random numbers come from a stream of their own.
//!
//! Implements: quantiles of Hyndman and Fan 1996 type 7; the percentile
//! bootstrap (Efron 1979), with its levels widened for few samples after
//! Hesterberg 2015 ("What teachers should know about the bootstrap",
//! section 4.2): 2.5 % becomes Phi(-sqrt(n / (n - 1)) t(0.975, n - 1)).
//! For 5 normal samples the plain interval holds the mean in 84 % of cases,
//! the widened one in 92 %; for 8 it is 89 % and 95 %.
//!
//! Differs: an interval from resampling never leaves the range of the samples,
//! and that range holds the mean in 1 - 2^(1 - n) of cases only: 50 %, 75 % and
//! 88 % for 2, 3 and 4 samples. There the interval is Student's.

use weaknet_core::Streams;

/// How many resamples an interval takes.
const RESAMPLES: usize = 4000;
/// Fewer samples than this are too few to resample.
const FEWEST: usize = 5;

/// The arithmetic mean; `None` without values.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The quantile at level `p` of ascending values by linear interpolation
/// (type 7); `None` without values.
#[must_use]
pub fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let h = last as f64 * p.clamp(0.0, 1.0);
    let (low, share) = ((h as usize).min(last), h.fract());
    // A neighbour of no weight must not turn infinity into NaN.
    if share == 0.0 {
        return Some(sorted[low]);
    }
    Some((1.0 - share) * sorted[low] + share * sorted[(low + 1).min(last)])
}

/// The median; `None` without values.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// The 95 % interval of the mean; `None` for fewer than two values.
///
/// `name` chooses the random stream: the same values and name give the same
/// interval.
#[must_use]
pub fn mean_interval(values: &[f64], name: &str) -> Option<[f64; 2]> {
    let n = values.len();
    if n < FEWEST {
        return student_interval(values);
    }
    let mut draws = Streams::new(0).sequence("bootstrap", name);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let sum: f64 = (0..n)
                .map(|_| values[((draws.unit() * n as f64) as usize).min(n - 1)])
                .sum();
            sum / n as f64
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let level = widened_level(n);
    Some([quantile(&means, level)?, quantile(&means, 1.0 - level)?])
}

/// Student's 95 % interval of the mean; `None` for fewer than two values.
fn student_interval(values: &[f64]) -> Option<[f64; 2]> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let n = values.len() as f64;
    let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    let reach = t_975(values.len() - 1) * (variance / n).sqrt();
    Some([mean - reach, mean + reach])
}

/// The lower level of the widened interval.
fn widened_level(n: usize) -> f64 {
    let df = (n - 1) as f64;
    let z = (n as f64 / df).sqrt() * t_975(n - 1);
    libm::erfc(z / std::f64::consts::SQRT_2) / 2.0
}

/// The 97.5 % quantile of Student's t: exact for 1 and 2 degrees of freedom,
/// else the expansion of Abramowitz and Stegun 26.7.5, within 0.3 %.
fn t_975(df: usize) -> f64 {
    let z: f64 = 1.959_963_984_540_054;
    match df {
        0 | 1 => 12.706_204_736_174_7,
        2 => 4.302_652_729_749_46,
        _ => {
            let v = df as f64;
            let (z3, z5, z7, z9) = (z.powi(3), z.powi(5), z.powi(7), z.powi(9));
            z + (z3 + z) / (4.0 * v)
                + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * v * v)
                + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * v.powi(3))
                + (79.0 * z9 + 776.0 * z7 + 1482.0 * z5 - 1920.0 * z3 - 945.0 * z)
                    / (92_160.0 * v.powi(4))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::rng::normal_quantile;

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), Some(2.5));
        assert_eq!(quantile(&[1.0, 2.0], 2.0), Some(2.0));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(
            median(&[f64::INFINITY, f64::INFINITY, 1.0]),
            Some(f64::INFINITY)
        );
        assert_eq!(mean(&[1.0, 2.0, 6.0]), Some(3.0));
    }

    #[test]
    fn student_quantiles_from_tables() {
        for (df, want) in [
            (1, 12.706),
            (2, 4.303),
            (3, 3.182),
            (4, 2.776),
            (9, 2.262),
            (29, 2.045),
        ] {
            assert!((t_975(df) / want - 1.0).abs() < 3e-3, "{df}: {}", t_975(df));
        }
    }

    #[test]
    fn intervals_are_repeatable_and_need_two_values() {
        let values = [1.0, 4.0, 2.0, 8.0, 5.0];
        assert_eq!(mean_interval(&values, "a"), mean_interval(&values, "a"));
        assert_eq!(mean_interval(&[1.0], "a"), None);
        assert_eq!(mean_interval(&[2.0, 2.0], "a"), Some([2.0, 2.0]));
        // Student by hand: mean 2, s = 1, t(0.975, 2) / sqrt(3).
        let [low, high] = mean_interval(&[1.0, 2.0, 3.0], "a").unwrap();
        assert!((low - (2.0 - 2.484_138)).abs() < 1e-5 && (high - (2.0 + 2.484_138)).abs() < 1e-5);
    }

    #[test]
    fn intervals_hold_the_mean_about_as_often_as_they_say() {
        // 500 samples of n normal values each: share of intervals holding 0.
        // The standard error of a share near 0.95 is 0.01.
        for (n, at_least) in [(2, 0.92), (4, 0.92), (5, 0.89), (20, 0.92)] {
            let draws = Streams::new(7).draws("coverage", "normal");
            let covered = (0..500u64).filter(|trial| {
                let values: Vec<f64> = (0..n)
                    .map(|k| normal_quantile(draws.unit(trial * 100 + k)))
                    .collect();
                mean_interval(&values, "coverage")
                    .is_some_and(|[low, high]| low <= 0.0 && 0.0 <= high)
            });
            let share = covered.count() as f64 / 500.0;
            assert!((at_least..=0.98).contains(&share), "{n}: {share}");
        }
    }
}
