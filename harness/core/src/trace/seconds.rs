//! Statistics of the rates of successive seconds.
//!
//! Definitions: the mean of a trace is its bits over its length. Of the rates of
//! whole seconds, from the start, a last part of a second left out: coefficient
//! of variation with the population's deviation; autocorrelation at lag 1 with
//! the whole population's mean and variance; share of steps to below half,
//! where a second below 30 kbit/s (two packets) has nothing to halve.

use super::quantiles::Quantiles;

/// A second at a lower rate, in bits, cannot be halved.
const LEAST_HALVED: u64 = 30_000;

/// Rates of whole seconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Seconds {
    count: u128,
    sum: u128,
    squares: u128,
    products: u128,
    halved: u128,
    first: u64,
    last: u64,
    pub(super) quantiles: Quantiles,
}

impl Seconds {
    /// Adds `times` seconds with as many bits each.
    pub(super) fn add(&mut self, bits: u64, times: u64) {
        if times == 0 {
            return;
        }
        let (wide, n) = (u128::from(bits), u128::from(times));
        if self.count == 0 {
            self.first = bits;
        } else {
            self.products = self.products.saturating_add(u128::from(self.last) * wide);
            let halves = self.last >= LEAST_HALVED && bits < self.last.div_ceil(2);
            self.halved += u128::from(halves);
        }
        let square = wide * wide;
        self.count += n;
        self.sum = self.sum.saturating_add(wide.saturating_mul(n));
        self.squares = self.squares.saturating_add(square.saturating_mul(n));
        self.products = self.products.saturating_add(square.saturating_mul(n - 1));
        self.last = bits;
        self.quantiles.add(bits, times);
    }

    fn moments(&self) -> Option<(f64, f64)> {
        let count = (self.count > 0).then_some(self.count as f64)?;
        let mean = self.sum as f64 / count;
        Some((mean, self.squares as f64 / count - mean * mean))
    }

    /// Deviation over mean.
    pub(super) fn variation(&self) -> Option<f64> {
        let (mean, variance) = self.moments()?;
        (mean > 0.0).then(|| libm::sqrt(variance.max(0.0)) / mean)
    }

    /// At a lag of one second; none for a rate that never changes.
    pub(super) fn autocorrelation(&self) -> Option<f64> {
        let (mean, variance) = self.moments()?;
        if self.count < 2 || variance <= mean * mean * 1e-12 {
            return None;
        }
        let (n, sum) = (self.count as f64, self.sum as f64);
        let edges = 2.0 * sum - self.first as f64 - self.last as f64;
        let covariance = self.products as f64 - mean * edges + (n - 1.0) * mean * mean;
        Some(covariance / (n * variance))
    }

    /// Share of steps to below half.
    pub(super) fn halving(&self) -> Option<f64> {
        let steps = self.count.checked_sub(1).filter(|steps| *steps > 0)?;
        Some(self.halved as f64 / steps as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_list() {
        let mut seconds = Seconds::default();
        for (mbit, times) in [(4, 1), (2, 1), (1, 3), (0, 1), (4, 1)] {
            seconds.add(mbit * 1_000_000, times);
        }
        // 4 2 1 1 1 0 4: mean 13/7; squares 16+4+3+16 = 39.
        let mean = 13.0 / 7.0;
        let variance: f64 = 39.0 / 7.0 - mean * mean;
        assert!((seconds.variation().unwrap() - variance.sqrt() / mean).abs() < 1e-12);
        let list = [4.0, 2.0, 1.0, 1.0, 1.0, 0.0, 4.0];
        let lagged: f64 = list.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
        assert!((seconds.autocorrelation().unwrap() - lagged / (7.0 * variance)).abs() < 1e-12);
        // Only 1 -> 0: halves are not below half.
        assert!((seconds.halving().unwrap() - 1.0 / 6.0).abs() < 1e-12);
        let mut quiet = Seconds::default();
        quiet.add(24_000, 1);
        quiet.add(0, 1);
        assert_eq!(quiet.halving(), Some(0.0));
        assert_eq!(Seconds::default().variation(), None);
    }
}
