//! Quantiles of many integer samples.
//!
//! Implements: Hyndman and Fan 1996 type 7 (the default of R and NumPy): with
//! `n` ordered samples and h = (n - 1) p, the value is
//! x[floor h] + (h - floor h) (x[floor h + 1] - x[floor h]), indices from 0.
//! The first 1,048,576 samples are kept as they are, and quantiles are exact.
//! Beyond that all go into a histogram, so that memory is bounded, and each
//! x is off by at most 1/2048 of itself. The mean is always exact.

use weaknet_core::Span;

use super::histogram::Histogram;

/// As many samples are kept as they are.
const EXACT: usize = 1 << 20;

/// Spans of time, in nanoseconds.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    /// Empty once there is a histogram.
    nanos: Vec<u64>,
    histogram: Option<Box<Histogram>>,
    count: u64,
    sum: u128,
}

impl Samples {
    /// Adds one sample.
    pub fn push(&mut self, span: Span) {
        self.push_up_to(EXACT, span.as_nanos());
    }

    fn push_up_to(&mut self, exact: usize, nanos: u64) {
        self.count += 1;
        self.sum += u128::from(nanos);
        if let Some(histogram) = &mut self.histogram {
            histogram.add(nanos);
        } else if self.nanos.len() < exact {
            self.nanos.push(nanos);
        } else {
            let mut histogram = Box::<Histogram>::default();
            let kept = std::mem::take(&mut self.nanos);
            kept.into_iter()
                .chain([nanos])
                .for_each(|nanos| histogram.add(nanos));
            self.histogram = Some(histogram);
        }
    }

    /// The quantiles at ascending levels `p` in milliseconds; `None` without
    /// samples. Reorders the samples: linear in their number.
    pub fn quantiles_ms<const N: usize>(&mut self, p: [f64; N]) -> Option<[f64; N]> {
        let last = self.count.checked_sub(1)?;
        let mut done = 0;
        Some(p.map(|p| {
            let h = last as f64 * p.clamp(0.0, 1.0);
            let k = (h as u64).min(last);
            let (low, high) = match &self.histogram {
                Some(histogram) => (histogram.nth(k), histogram.nth((k + 1).min(last))),
                None => neighbours(&mut self.nanos, k as usize, &mut done),
            };
            (low as f64 + (h - k as f64) * (high - low) as f64) / 1e6
        }))
    }

    /// The arithmetic mean in milliseconds; `None` without samples.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64 / 1e6)
    }
}

/// The samples at `k` and behind it in ascending order. Samples before `done`
/// are not larger than any after it.
fn neighbours(nanos: &mut [u64], k: usize, done: &mut usize) -> (u64, u64) {
    if k < *done {
        *done = 0;
    }
    let (_, &mut low, above) = nanos[*done..].select_nth_unstable(k - *done);
    *done = k;
    (low, above.iter().copied().min().unwrap_or(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn samples(ms: impl IntoIterator<Item = u64>) -> Samples {
        let mut samples = Samples::default();
        ms.into_iter()
            .for_each(|ms| samples.push(Span::from_millis(ms)));
        samples
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

    #[test]
    fn beyond_the_limit_values_are_off_by_a_2048th_at_most() {
        let mut samples = Samples::default();
        (1..=10_000).for_each(|n| samples.push_up_to(100, n * 1_000_000));
        assert!(samples.nanos.is_empty());
        assert_eq!(samples.mean_ms(), Some(5_000.5));
        let found = samples.quantiles_ms([0.0, 0.5, 0.95, 1.0]).unwrap();
        for (found, want) in found.into_iter().zip([1.0, 5_000.5, 9_500.05, 10_000.0]) {
            assert!((found - want).abs() <= want / 2_048.0, "{found} {want}");
        }
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
