//! Exact quantiles of many integer samples.
//!
//! Keeps every sample; no sketch, no binning, so that two runs differ only
//! when their samples do.
//!
//! Implements: Hyndman and Fan 1996 type 7 (the default of R and NumPy): with
//! `n` ordered samples and h = (n - 1) p, the value is
//! x[floor h] + (h - floor h) (x[floor h + 1] - x[floor h]), indices from 0.

use weaknet_core::Span;

/// Spans of time, in nanoseconds.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    nanos: Vec<u64>,
}

impl Samples {
    /// Adds one sample.
    pub fn push(&mut self, span: Span) {
        self.nanos.push(span.as_nanos());
    }

    /// The quantiles at ascending levels `p` in milliseconds; `None` without
    /// samples. Reorders the samples: linear in their number.
    pub fn quantiles_ms<const N: usize>(&mut self, p: [f64; N]) -> Option<[f64; N]> {
        let last = self.nanos.len().checked_sub(1)?;
        let mut done = 0;
        Some(p.map(|p| {
            let h = last as f64 * p.clamp(0.0, 1.0);
            let k = (h as usize).min(last);
            // Samples before `done` are not larger than any after it.
            if k < done {
                done = 0;
            }
            let (_, &mut low, above) = self.nanos[done..].select_nth_unstable(k - done);
            done = k;
            let high = above.iter().copied().min().unwrap_or(low);
            (low as f64 + (h - k as f64) * (high - low) as f64) / 1e6
        }))
    }

    /// The arithmetic mean in milliseconds; `None` without samples.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        let sum: u128 = self.nanos.iter().map(|&n| u128::from(n)).sum();
        (!self.nanos.is_empty()).then(|| sum as f64 / self.nanos.len() as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn samples(ms: impl IntoIterator<Item = u64>) -> Samples {
        Samples {
            nanos: ms.into_iter().map(|ms| ms * 1_000_000).collect(),
        }
    }

    #[test]
    fn type_7_by_hand() {
        // NumPy: quantile([1, 2, 3, 4, 10], [.5, .95, .99]) = 3, 8.8, 9.76.
        let found = samples([10, 3, 1, 4, 2])
            .quantiles_ms([0.5, 0.95, 0.99])
            .unwrap();
        for (found, want) in found.into_iter().zip([3.0, 8.8, 9.76]) {
            assert!((found - want).abs() < 1e-9, "{found} {want}");
        }
        assert_eq!(samples([7]).quantiles_ms([0.0, 0.5, 1.0]), Some([7.0; 3]));
        assert_eq!(Samples::default().quantiles_ms([0.5]), None);
        assert_eq!(samples([1, 2, 6]).mean_ms(), Some(3.0));
    }

    proptest! {
        #[test]
        fn equals_the_sorted_definition(values in prop::collection::vec(0u64..1000, 1..80)) {
            let p = [0.0, 0.25, 0.5, 0.95, 0.99, 1.0];
            let found = samples(values.iter().copied()).quantiles_ms(p).unwrap();
            let sorted: Vec<f64> = { let mut v = values; v.sort_unstable(); v.into_iter().map(|x| x as f64).collect() };
            for (found, p) in found.into_iter().zip(p) {
                prop_assert!((found - crate::stats::quantile(&sorted, p).unwrap()).abs() < 1e-9);
            }
        }
    }
}
