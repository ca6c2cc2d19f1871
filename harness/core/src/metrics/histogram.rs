//! Counts of values in buckets whose width grows with the value.
//!
//! Implements: values below 2048 have a bucket each; above, every power of two
//! is divided into 1024 buckets of equal width. A value read back is the middle
//! of its bucket, off by at most 1/2048 of itself.

/// The counts, up to the largest value so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram {
    counts: Vec<u64>,
}

/// Buckets per power of two.
const FINE: u64 = 1_024;

fn bucket(value: u64) -> usize {
    let shift = u64::from(value.max(1).ilog2()).saturating_sub(u64::from(FINE.ilog2()));
    (shift * FINE + (value >> shift)) as usize
}

fn middle(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket / FINE).saturating_sub(1);
    ((bucket - shift * FINE) << shift) + ((1 << shift) >> 1)
}

impl Histogram {
    pub(super) fn add(&mut self, value: u64) {
        let bucket = bucket(value);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
    }

    /// The value with so many before it, in ascending order; the largest when
    /// there are fewer.
    pub(super) fn nth(&self, n: u64) -> u64 {
        let mut before = 0;
        let found = self.counts.iter().position(|count| {
            before += count;
            before > n
        });
        middle(found.unwrap_or_else(|| self.counts.len().saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_leave_no_gap() {
        let edges = [0, 1, 2_047, 2_048, 2_049, 2_050, 4_095, 4_096, 4_100];
        let buckets = edges.map(bucket);
        assert_eq!(
            buckets,
            [0, 1, 2_047, 2_048, 2_048, 2_049, 3_071, 3_072, 3_073]
        );
    }

    proptest! {
        #[test]
        fn a_value_is_off_by_a_2048th_at_most(value in any::<u64>()) {
            let error = middle(bucket(value)).abs_diff(value);
            prop_assert!(error <= value / 2_048, "{}", error);
        }
    }
}
