//! The gamma distribution: its distribution function and its quantile.
//!
//! Random draws that are numbered need a quantile: rejection samplers eat an
//! unknown number of draws, and a copula starts from a probability.
//!
//! Implements: the regularised incomplete gamma functions by the power series
//! below the mean and by the continued fraction of Legendre above it (NIST
//! DLMF 8.11.4, 8.9.2, the latter evaluated after Lentz); the quantile by
//! Newton's method within a bracket, from the cube-root approximation of Wilson
//! and Hilferty (1931) or, far down, from the first term of the series. The
//! smaller of the two tails is matched, so that both ends are accurate.
//! Differs: relative accuracy about 1e-11, for shapes up to 10^4.

use crate::rng::normal_quantile;

/// Terms of a series or fraction; enough for shapes up to 10^4.
const TERMS: u32 = 2_000;

/// A gamma distribution of scale 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gamma {
    shape: f64,
    /// ln of the gamma function at the shape.
    ln_gamma: f64,
}

impl Gamma {
    /// The distribution with this shape, between 0.01 and 10^4.
    #[must_use]
    pub fn new(shape: f64) -> Self {
        let shape = shape.clamp(0.01, 1e4);
        Self {
            shape,
            ln_gamma: libm::lgamma(shape),
        }
    }

    /// Density at `x` above zero, times `x`.
    fn weight(self, x: f64) -> f64 {
        libm::exp(self.shape * libm::log(x) - x - self.ln_gamma)
    }

    /// Probability below and above `x`; the smaller one is accurate.
    #[must_use]
    pub fn tails(self, x: f64) -> (f64, f64) {
        if x <= 0.0 {
            return (0.0, 1.0);
        }
        if x < self.shape + 1.0 {
            let below = self.weight(x) * self.series(x);
            (below, 1.0 - below)
        } else {
            let above = self.weight(x) * self.fraction(x);
            (1.0 - above, above)
        }
    }

    /// Sum of `x^n / (shape (shape+1) ... (shape+n))`.
    fn series(self, x: f64) -> f64 {
        let mut term = 1.0 / self.shape;
        let mut sum = term;
        for n in 1..TERMS {
            term *= x / (self.shape + f64::from(n));
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        sum
    }

    /// 1 / (x+1-a - 1(1-a) / (x+3-a - 2(2-a) / (x+5-a - ...))).
    fn fraction(self, x: f64) -> f64 {
        const TINY: f64 = 1e-300;
        let away = |value: f64| if value.abs() < TINY { TINY } else { value };
        let mut b = x + 1.0 - self.shape;
        let mut c = 1.0 / TINY;
        let mut d = 1.0 / away(b);
        let mut value = d;
        for n in (1..TERMS).map(f64::from) {
            let a = -n * (n - self.shape);
            b += 2.0;
            d = 1.0 / away(b + a * d);
            c = away(b + a / c);
            let factor = c * d;
            value *= factor;
            if (factor - 1.0).abs() < 1e-16 {
                break;
            }
        }
        value
    }

    /// The value with probability `below` under it and `above` over it. Give
    /// both: `above` is 1 - `below` without its rounding.
    #[must_use]
    pub fn quantile(self, below: f64, above: f64) -> f64 {
        if below <= 0.0 {
            return 0.0;
        }
        let above = above.max(1e-300);
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let mut x = self.start(below, above);
        for _ in 0..64 {
            let (under, over) = self.tails(x);
            let excess = if below < 0.5 {
                under - below
            } else {
                above - over
            };
            if excess > 0.0 {
                high = x;
            } else {
                low = x;
            }
            let next = x - excess * x / self.weight(x).max(1e-300);
            let next = if next > low && next < high {
                next
            } else if high.is_finite() {
                0.5 * (low + high)
            } else {
                2.0 * x
            };
            let close = (next - x).abs() <= 1e-12 * next;
            x = next;
            if close {
                break;
            }
        }
        x
    }

    fn start(self, below: f64, above: f64) -> f64 {
        let z = if below < 0.5 {
            normal_quantile(below)
        } else {
            -normal_quantile(above)
        };
        let ninth = 1.0 / (9.0 * self.shape);
        let root = 1.0 - ninth + z * ninth.sqrt();
        if root > 0.2 {
            return self.shape * root * root * root;
        }
        let ln = (libm::log(below) + libm::log(self.shape) + self.ln_gamma) / self.shape;
        libm::exp(ln).max(1e-300)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tails_have_closed_forms_for_whole_shapes() {
        // Shape 1 is exponential; shape 3 is the third arrival of a Poisson
        // process.
        for x in [0.01, 0.5, 1.0, 1.99, 2.01, 3.9, 4.1, 20.0, 80.0] {
            let exponential = libm::exp(-x);
            let third = exponential * (1.0 + x + x * x / 2.0);
            for (shape, want) in [(1.0, exponential), (3.0, third)] {
                let (below, above) = Gamma::new(shape).tails(x);
                assert!((above - want).abs() < 1e-13 * want, "{shape} {x}: {above}");
                assert!((below + above - 1.0).abs() < 1e-13);
            }
        }
        // Shape 1/2: the square of a normal variable, halved.
        let (below, _) = Gamma::new(0.5).tails(0.5);
        assert!((below - libm::erf(0.5f64.sqrt())).abs() < 1e-14, "{below}");
    }

    #[test]
    fn quantiles_have_closed_forms() {
        for p in [1e-12, 0.1, 0.5, 0.9, 0.999_999] {
            let want = -libm::log1p(-p);
            let got = Gamma::new(1.0).quantile(p, 1.0 - p);
            assert!((got - want).abs() < 1e-9 * want, "{p}: {got} {want}");
        }
        // Median of chi-square with one degree, halved.
        let got = Gamma::new(0.5).quantile(0.5, 0.5);
        assert!((got - 0.454_936_423_119_572_8 / 2.0).abs() < 1e-12, "{got}");
        assert_eq!(Gamma::new(2.0).quantile(0.0, 1.0), 0.0);
    }

    proptest! {
        #[test]
        fn quantile_inverts_the_tails(ln_shape in -4.5..9.2f64, p in prop_oneof![1e-15..1.0f64, 1e-15..1e-6f64]) {
            let gamma = Gamma::new(libm::exp(ln_shape));
            let lower = gamma.quantile(p, 1.0 - p);
            prop_assume!(lower > 1e-290);
            let below = gamma.tails(lower).0;
            prop_assert!((below - p).abs() <= 1e-8 * p.min(1.0 - p) + 1e-15, "{} {}", below, p);
            let upper = gamma.quantile(1.0 - p, p);
            prop_assert!((gamma.tails(upper).1 - p).abs() <= 1e-8 * p.min(1.0 - p) + 1e-15);
            prop_assert!(lower <= upper || p > 0.5);
        }
    }
}
