//! A histogram that forgets: probabilities of delays in buckets.
//!
//! Implements: `histogram.cc` of NetEQ in its integers: probabilities in Q30,
//! the factor that they keep at each sample in Q15, rounding made up for in the
//! first buckets.
//! Differs: no start without a weight (libwebrtc's default has one).

/// One in Q30.
pub(super) const ONE: i32 = 1 << 30;
/// One in Q15.
const FACTOR_ONE: i32 = 1 << 15;
/// Buckets of 20 ms: up to 2 s.
pub(super) const BUCKETS: usize = 100;
/// Width of a bucket.
pub(super) const BUCKET_MS: i64 = 20;

/// Probabilities of delays, most of them of late.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    /// Q30.
    buckets: [i32; BUCKETS],
    /// What is kept of the old at the next sample, Q15.
    forget: i32,
    /// What `forget` grows to, Q15.
    base: i32,
    /// How much the first samples weigh.
    start_weight: f64,
    count: u64,
}

impl Histogram {
    pub(super) fn new(forget_factor: f64, start_weight: f64) -> Self {
        let mut histogram = Self {
            buckets: [0; BUCKETS],
            forget: 0,
            base: (f64::from(FACTOR_ONE) * forget_factor) as i32,
            start_weight,
            count: 0,
        };
        histogram.reset();
        histogram
    }

    /// Half of the probability in the first bucket, half of the rest in the
    /// second one and so on.
    pub(super) fn reset(&mut self) {
        let mut probability: u16 = 0x4002;
        for bucket in &mut self.buckets {
            probability >>= 1;
            *bucket = i32::from(probability) << 16;
        }
        self.forget = 0;
        self.count = 0;
    }

    pub(super) const fn buckets(&self) -> &[i32; BUCKETS] {
        &self.buckets
    }

    /// Adds a delay; one beyond the last bucket is left out.
    pub(super) fn add_delay(&mut self, ms: i64) {
        if let Ok(bucket) = usize::try_from(ms / BUCKET_MS)
            && bucket < BUCKETS
        {
            self.add(bucket);
        }
    }

    fn add(&mut self, value: usize) {
        let forget = i64::from(self.forget);
        let mut sum = 0;
        for bucket in &mut self.buckets {
            *bucket = ((i64::from(*bucket) * forget) >> 15) as i32;
            sum += *bucket;
        }
        let added = (FACTOR_ONE - self.forget) << 15;
        self.buckets[value] += added;
        let mut excess = sum + added - ONE;
        for bucket in &mut self.buckets {
            if excess == 0 {
                break;
            }
            let correction = -excess.signum() * excess.abs().min(*bucket >> 4);
            *bucket += correction;
            excess += correction;
        }
        self.count += 1;
        if self.forget != self.base {
            let weight = self.start_weight / (self.count + 1) as f64;
            let forget = (f64::from(FACTOR_ONE) * (1.0 - weight)) as i32;
            self.forget = forget.min(self.base).max(0);
        }
    }

    /// The first bucket that with those before it has the probability (Q30).
    pub(super) fn quantile(&self, probability: i32) -> usize {
        let tail = ONE - probability;
        let mut rest = ONE;
        for (index, bucket) in self.buckets.iter().enumerate() {
            rest -= bucket;
            if rest <= tail {
                return index;
            }
        }
        BUCKETS - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORGET: f64 = 0.983;

    /// media.md 1.2: "Reset: b[i] = 0.5^(i+1), factor 0, count 0".
    #[test]
    fn begins_with_halves() {
        let histogram = Histogram::new(FORGET, 2.0);
        assert_eq!(
            histogram.buckets[0],
            (0x2000 + 1) << 16,
            "with what rounding takes"
        );
        for (k, bucket) in histogram.buckets[1..].iter().enumerate().take(13) {
            assert_eq!(*bucket, ONE >> (k + 2), "{k}");
        }
        assert_eq!(histogram.buckets.iter().sum::<i32>(), ONE);
        assert_eq!(histogram.forget, 0);
    }

    /// media.md 1.2: "f: 0, 1/3, 1/2, 3/5, ... up to 0.983 after ~117 adds".
    #[test]
    fn forgets_more_slowly_with_each_sample() {
        let mut histogram = Histogram::new(FORGET, 2.0);
        let mut factors = vec![histogram.forget];
        while histogram.forget < histogram.base {
            histogram.add(3);
            factors.push(histogram.forget);
        }
        assert_eq!(factors[..5], [0, 0, 10_922, 16_384, 19_660]);
        assert_eq!(factors.last(), Some(&32_210));
        assert_eq!(factors.len(), 118, "base reached after 117 samples");
    }

    #[test]
    fn probabilities_sum_to_one() {
        let mut histogram = Histogram::new(FORGET, 2.0);
        for k in 0..1000u32 {
            histogram.add((k.wrapping_mul(2_654_435_761) >> 20) as usize % BUCKETS);
            assert_eq!(histogram.buckets.iter().sum::<i32>(), ONE);
            assert!(histogram.buckets.iter().all(|bucket| *bucket >= 0));
        }
    }

    #[test]
    fn a_lone_value_is_every_quantile() {
        let mut histogram = Histogram::new(FORGET, 2.0);
        histogram.add_delay(59);
        for probability in [0.01, 0.5, 0.95] {
            assert_eq!(histogram.quantile((f64::from(ONE) * probability) as i32), 2);
        }
        histogram.add_delay(2_000);
        assert_eq!(histogram.count, 1, "beyond the last bucket");
    }
}
