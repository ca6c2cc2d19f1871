//! Quantiles of weighted whole numbers in bounded memory.

use std::collections::BTreeMap;

/// Different values that are kept apart.
const EXACT: usize = 1 << 18;

/// Leading bits that are kept once there are more: an error below 1 in 4096.
const BITS: u32 = 13;

/// A multiset of values.
#[derive(Debug, Clone, Default)]
pub(super) struct Quantiles {
    weights: BTreeMap<u64, u128>,
    total: u128,
    max: u64,
    coarse: bool,
}

impl Quantiles {
    pub(super) fn add(&mut self, value: u64, weight: u64) {
        if weight == 0 {
            return;
        }
        let key = if self.coarse { coarse(value) } else { value };
        *self.weights.entry(key).or_default() += u128::from(weight);
        self.total += u128::from(weight);
        self.max = self.max.max(value);
        if self.weights.len() > EXACT && !self.coarse {
            self.coarse = true;
            let exact = std::mem::take(&mut self.weights);
            for (value, weight) in exact {
                *self.weights.entry(coarse(value)).or_default() += weight;
            }
        }
    }

    pub(super) const fn total(&self) -> u128 {
        self.total
    }

    pub(super) const fn max(&self) -> u64 {
        self.max
    }

    pub(super) fn min(&self) -> u64 {
        self.weights.keys().next().copied().unwrap_or(0)
    }

    /// The `q`-quantile, between two values by their distance (as `numpy` does
    /// by default); `None` when there are no values.
    pub(super) fn quantile(&self, q: f64) -> Option<f64> {
        let last = self.total.checked_sub(1)?;
        let position = q * last as f64;
        let whole = libm::floor(position);
        let low = self.at((whole as u128).min(last))? as f64;
        let high = self.at((whole as u128 + 1).min(last))? as f64;
        Some(low + (high - low) * (position - whole))
    }

    /// The value at a position, from 0, when all are sorted.
    fn at(&self, position: u128) -> Option<u64> {
        let mut seen = 0;
        let found = self.weights.iter().find(|(_, weight)| {
            seen += **weight;
            seen > position
        });
        found.map(|(value, _)| *value)
    }
}

fn coarse(value: u64) -> u64 {
    let spare = (u64::BITS - value.leading_zeros()).saturating_sub(BITS);
    value >> spare << spare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_values() {
        let mut set = Quantiles::default();
        assert_eq!(set.quantile(0.5), None);
        for value in [40, 10, 30, 20] {
            set.add(value, 1);
        }
        assert_eq!(set.quantile(0.0), Some(10.0));
        assert_eq!(set.quantile(0.5), Some(25.0));
        assert_eq!(set.quantile(0.95), Some(38.5));
        assert_eq!(set.quantile(1.0), Some(40.0));
        set.add(10, 1_000_000);
        assert_eq!(set.quantile(0.95), Some(10.0));
        assert_eq!((set.min(), set.max()), (10, 40));
    }

    #[test]
    fn memory_is_bounded_and_the_error_too() {
        let mut set = Quantiles::default();
        let mut value = 1u64;
        for _ in 0..400_000 {
            value = value
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            set.add(value >> 20, 1);
        }
        assert!(set.weights.len() < 60_000, "{}", set.weights.len());
        // Uniform on [0, 2^44): within the error of the keys and five standard
        // deviations of the median of 400 000 draws.
        let median = set.quantile(0.5).unwrap() / (1u64 << 44) as f64;
        assert!(
            (median - 0.5).abs() < 0.5 / 4_096.0 + 5.0 * 0.5 / 400_000f64.sqrt(),
            "{median}"
        );
    }
}
