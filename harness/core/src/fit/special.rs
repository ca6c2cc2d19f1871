//! Distribution functions for goodness of fit.
//!
//! Implements: the regularised incomplete gamma function by series and by
//! continued fraction (Abramowitz and Stegun 6.5.29, 6.5.31, the latter in
//! Lentz's form); Kolmogorov's limit distribution with the finite-sample
//! factor of Stephens 1970.

/// P(a, x), the distribution function of a gamma variable of shape `a` and
/// scale 1.
pub(super) fn gamma_p(a: f64, x: f64) -> f64 {
    if !(a > 0.0 && x > 0.0) {
        return 0.0;
    }
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut k) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-15 && k < a + 10_000.0 {
            k += 1.0;
            term *= x / k;
            sum += term;
        }
        return (front * sum).min(1.0);
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..10_000 {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = 1.0 / non_zero(an * d + b, tiny);
        c = non_zero(b + an / c, tiny);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (1.0 - front * h).clamp(0.0, 1.0)
}

fn non_zero(x: f64, tiny: f64) -> f64 {
    if x.abs() < tiny { tiny } else { x }
}

/// P(chi-square with `df` degrees of freedom > x).
pub(super) fn chi_square_tail(x: f64, df: usize) -> f64 {
    1.0 - gamma_p(df as f64 / 2.0, x / 2.0)
}

/// Distribution function of the standard normal distribution.
pub(super) fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// P(Kolmogorov's distance of `n` samples > d).
pub(super) fn kolmogorov_tail(d: f64, n: usize) -> f64 {
    let root = (n as f64).sqrt();
    let t = d * (root + 0.12 + 0.11 / root);
    if t < 0.2 {
        return 1.0;
    }
    let mut sum = 0.0;
    for k in 1..=100 {
        let k = f64::from(k);
        let term = libm::exp(-2.0 * k * k * t * t);
        sum += if k % 2.0 == 1.0 { term } else { -term };
        if term < 1e-17 {
            break;
        }
    }
    (2.0 * sum).clamp(0.0, 1.0)
}

/// Largest distance between the distribution of `values` and the uniform one
/// on [0, 1].
pub(super) fn kolmogorov_distance(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len() as f64;
    let mut distance: f64 = 0.0;
    for (i, u) in values.iter().enumerate() {
        distance = distance.max((i as f64 + 1.0) / n - u).max(u - i as f64 / n);
    }
    distance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chi_square_critical_values() {
        // Level, then critical value, of the tables in print.
        for (df, x, p) in [
            (1, 3.841, 0.05),
            (1, 15.137, 1e-4),
            (5, 15.086, 0.01),
            (10, 29.588, 1e-3),
            (30, 43.773, 0.05),
        ] {
            let tail = chi_square_tail(x, df);
            assert!((tail / p - 1.0).abs() < 2e-3, "{df} {x}: {tail}");
        }
        assert_eq!(chi_square_tail(0.0, 3), 1.0);
    }

    #[test]
    fn gamma_of_shape_one_is_exponential() {
        for x in [0.01, 0.5, 1.0, 1.9, 2.1, 7.0, 40.0] {
            assert!(
                (gamma_p(1.0, x) - (1.0 - libm::exp(-x))).abs() < 1e-13,
                "{x}"
            );
        }
    }

    #[test]
    fn kolmogorov_critical_values() {
        // 1.358 and 1.628 are the limits for 5 % and 1 %.
        assert!((kolmogorov_tail(1.358 / 1e4, 100_000_000) - 0.05).abs() < 1e-3);
        assert!((kolmogorov_tail(1.628 / 1e4, 100_000_000) - 0.01).abs() < 1e-3);
        assert_eq!(kolmogorov_distance(&mut [0.5]), 0.5);
        assert!((kolmogorov_distance(&mut [0.9, 0.1]) - 0.4).abs() < 1e-15);
    }

    #[test]
    fn normal_cdf_known_values() {
        assert!((normal_cdf(1.959_963_984_540_054) - 0.975).abs() < 1e-15);
        assert!((normal_cdf(-3.0) - 0.001_349_898_031_630_094_6).abs() < 1e-16);
    }
}
