//! A round-trip time that follows jumps and drifts, else keeps the maximum.
//!
//! Implements: `rtt_filter.cc` of libwebrtc (2026-07): samples capped at 3 s;
//! average and variance with a factor that grows to 34/35; five samples in a
//! row further than 2.5 standard deviations from the average on the same side
//! are a jump, five while the maximum is 3.5 above the average a drift; either
//! sets average and maximum to those of the five.

use super::micros::{Micros, SECOND, from_millis, scale, to_millis};

const MAX_RTT: Micros = 3 * SECOND;
const MAX_COUNT: u32 = 35;
const SAMPLES: usize = 5;
const JUMP_DEVIATIONS: f64 = 2.5;
const DRIFT_DEVIATIONS: f64 = 3.5;

/// Up to five samples in a row.
#[derive(Debug, Clone, Default)]
struct Run {
    samples: [Micros; SAMPLES],
    len: usize,
}

impl Run {
    /// Adds a sample; true when the run is complete.
    fn push(&mut self, sample: Micros) -> bool {
        if self.len < SAMPLES {
            self.samples[self.len] = sample;
            self.len += 1;
        }
        self.len == SAMPLES
    }
}

/// The filter.
#[derive(Debug, Clone, Default)]
pub(super) struct RttFilter {
    average: Micros,
    variance_ms2: i64,
    max: Micros,
    /// Samples counted, to at most [`MAX_COUNT`]; 0 before the first.
    count: u32,
    jump: Run,
    jump_down: bool,
    drift: Run,
}

impl RttFilter {
    /// The filtered round-trip time.
    pub(super) const fn rtt(&self) -> Micros {
        self.max
    }

    pub(super) fn update(&mut self, rtt: Micros) {
        if self.count == 0 && rtt == 0 {
            return;
        }
        let rtt = rtt.clamp(0, MAX_RTT);
        let count = self.count.max(1);
        let factor = f64::from(count - 1) / f64::from(count);
        self.count = (count + 1).min(MAX_COUNT);
        let before = (self.average, self.variance_ms2);
        self.average = scale(self.average, factor) + scale(rtt, 1.0 - factor);
        let deviation = to_millis(rtt - self.average) as f64;
        self.variance_ms2 =
            (factor * self.variance_ms2 as f64 + (1.0 - factor) * (deviation * deviation)) as i64;
        self.max = self.max.max(rtt);
        if !self.follow_jump(rtt) {
            (self.average, self.variance_ms2) = before;
            return;
        }
        self.follow_drift(rtt);
    }

    /// False while the sample may be an outlier.
    fn follow_jump(&mut self, rtt: Micros) -> bool {
        let above = self.average - rtt;
        if above.abs() <= self.deviations(JUMP_DEVIATIONS) {
            self.jump.len = 0;
            return true;
        }
        let down = above >= 0;
        if down != self.jump_down {
            self.jump.len = 0;
        }
        self.jump_down = down;
        if !self.jump.push(rtt) {
            return false;
        }
        self.restart_from(self.jump.samples);
        self.jump.len = 0;
        true
    }

    fn follow_drift(&mut self, rtt: Micros) {
        if self.max - self.average <= self.deviations(DRIFT_DEVIATIONS) {
            self.drift.len = 0;
        } else if self.drift.push(rtt) {
            self.restart_from(self.drift.samples);
            self.drift.len = 0;
        }
    }

    fn restart_from(&mut self, samples: [Micros; SAMPLES]) {
        self.max = samples.into_iter().fold(0, Micros::max);
        self.average = scale(samples.iter().sum(), 1.0 / SAMPLES as f64);
        self.count = SAMPLES as u32 + 1;
    }

    fn deviations(&self, n: f64) -> Micros {
        from_millis(n * (self.variance_ms2 as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(filter: &mut RttFilter, millis: &[i64]) -> i64 {
        for ms in millis {
            filter.update(ms * 1000);
        }
        filter.rtt() / 1000
    }

    #[test]
    fn capped_at_three_seconds() {
        assert_eq!(feed(&mut RttFilter::default(), &[500_000]), 3000);
    }

    #[test]
    fn leading_zeros_do_not_count() {
        let mut filter = RttFilter::default();
        assert_eq!(feed(&mut filter, &[0, 0, 0]), 0);
        assert_eq!(feed(&mut filter, &[80]), 80);
    }

    #[test]
    fn jump_up_shows_at_once_as_the_maximum() {
        let mut filter = RttFilter::default();
        assert_eq!(
            feed(&mut filter, &[200, 200, 200, 1400, 1500, 1600, 1600]),
            1600
        );
        assert_eq!(feed(&mut filter, &[1600]), 1600);
    }

    #[test]
    fn jump_down_takes_five_samples() {
        let mut filter = RttFilter::default();
        assert_eq!(feed(&mut filter, &[1500; 10]), 1500);
        assert_eq!(feed(&mut filter, &[200; 4]), 1500);
        assert_eq!(feed(&mut filter, &[300]), 300);
    }

    #[test]
    fn change_of_direction_starts_the_run_anew() {
        let mut filter = RttFilter::default();
        feed(&mut filter, &[1500; 10]);
        assert_eq!(feed(&mut filter, &[200, 200, 200, 200, 2000]), 2000);
        assert_eq!(feed(&mut filter, &[300]), 2000);
    }

    #[test]
    fn drift_is_followed_within_fifty_samples() {
        let mut filter = RttFilter::default();
        let descent: Vec<i64> = (0..=10).map(|i| 1000 - 30 * i).collect();
        assert_eq!(feed(&mut filter, &descent), 1000);
        assert_eq!(feed(&mut filter, &[700; 50]), 700);
    }
}
