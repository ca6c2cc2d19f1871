//! RED's drop probability, its spread over packets, and its adaptation.
//!
//! Implements: Floyd and Jacobson 1993, equations 1 and 2; the gentle form of
//! Floyd 2000; ns-2's `wait`; adaptive RED of Floyd, Gummadi and Shenker 2001,
//! section 4.

use weaknet_core::Span;

/// Thresholds of the average queue, in one unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Thresholds {
    pub(super) min: f64,
    pub(super) max: f64,
}

/// What the average says about an arriving packet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pressure {
    /// Below the lower threshold.
    None,
    /// Between the thresholds: the base probability p_b.
    Early(f64),
    /// Above the upper threshold, in the gentle form: p_b.
    Gentle(f64),
    /// Beyond: drop.
    Full,
}

impl Thresholds {
    pub(super) fn pressure(self, average: f64, max_probability: f64, gentle: bool) -> Pressure {
        let Self { min, max } = self;
        if average < min {
            Pressure::None
        } else if average < max {
            Pressure::Early(max_probability * (average - min) / (max - min))
        } else if gentle && average < 2.0 * max {
            Pressure::Gentle(max_probability + (1.0 - max_probability) * (average - max) / max)
        } else {
            Pressure::Full
        }
    }
}

/// p_a: the probability for a packet when `count` have passed since the last
/// drop, so that distances between drops are uniform.
pub(super) fn spread(base: f64, count: u64, wait: bool) -> f64 {
    let passed = count as f64 * base;
    let (lacking, late) = match wait {
        false => (1.0 - passed, passed >= 1.0),
        true if passed < 1.0 => return 0.0,
        true => (2.0 - passed, passed >= 2.0),
    };
    if late { 1.0 } else { (base / lacking).min(1.0) }
}

/// Time from adaptation to adaptation.
pub(super) const ADAPTATION: Span = Span::from_millis(500);

/// The next max_p, which holds the average near the middle of the thresholds.
pub(super) fn adapt(max_probability: f64, average: f64, thresholds: Thresholds) -> f64 {
    let Thresholds { min, max } = thresholds;
    if average > min + 0.6 * (max - min) && max_probability <= 0.5 {
        max_probability + (max_probability / 4.0).min(0.01)
    } else if average < min + 0.4 * (max - min) && max_probability >= 0.01 {
        max_probability * 0.9
    } else {
        max_probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::rng::Draws;

    const PACKETS: Thresholds = Thresholds {
        min: 5.0,
        max: 15.0,
    };

    fn near(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-12, "{got} {want}");
    }

    /// queues-and-wire 1.5: p_b for 5, 15, 0.1, gentle.
    #[test]
    fn base_probability() {
        let pressure = |average| PACKETS.pressure(average, 0.1, true);
        assert_eq!(pressure(4.999), Pressure::None);
        for (average, want) in [(7.5, 0.025), (10.0, 0.05), (12.5, 0.075)] {
            let Pressure::Early(base) = pressure(average) else {
                panic!("{average}")
            };
            near(base, want);
        }
        for (average, want) in [(15.0, 0.1), (18.0, 0.28), (22.5, 0.55)] {
            let Pressure::Gentle(base) = pressure(average) else {
                panic!("{average}")
            };
            near(base, want);
        }
        assert_eq!(pressure(30.0), Pressure::Full);
        assert_eq!(PACKETS.pressure(15.0, 0.1, false), Pressure::Full);
    }

    /// Same: p_a for p_b = 0.02.
    #[test]
    fn probability_rises_with_distance() {
        for (count, want) in [
            (0, 0.02),
            (10, 0.025),
            (25, 0.04),
            (40, 0.1),
            (48, 0.5),
            (49, 1.0),
            (50, 1.0),
        ] {
            near(spread(0.02, count, false), want);
        }
        for (count, want) in [
            (0, 0.0),
            (49, 0.0),
            (50, 0.02),
            (75, 0.04),
            (99, 1.0),
            (100, 1.0),
        ] {
            near(spread(0.02, count, true), want);
        }
        for wait in [false, true] {
            assert_eq!(spread(0.0, 1000, wait), 0.0);
            assert_eq!(spread(1.0, 7, wait), 1.0);
        }
    }

    /// Distances without `wait` are uniform on 1 to 50 for p_b = 0.02: mean
    /// 25.5, not 50; standard deviation sqrt((50^2 - 1) / 12) = 14.43. With
    /// `wait`, on 51 to 100. Means of 20 000 within four deviations of 0.102.
    #[test]
    fn distances_are_uniform() {
        let draws = Draws::from_key(1993);
        for (wait, least, mean) in [(false, 1, 25.5), (true, 51, 75.5)] {
            let mut index = 0;
            let mut distance = || {
                let acts = |count: &u64| {
                    index += 1;
                    draws.unit(index) < spread(0.02, *count, wait)
                };
                (0u64..).find(acts).unwrap() + 1
            };
            let distances: Vec<u64> = (0..20_000).map(|_| distance()).collect();
            let total: u64 = distances.iter().sum();
            assert!((total as f64 / 20_000.0 - mean).abs() < 4.0 * 0.102);
            assert_eq!(distances.iter().min(), Some(&least));
            assert_eq!(distances.iter().max(), Some(&(least + 49)));
        }
    }

    /// Same: adaptation from 0.02 upwards and from 0.1 downwards.
    #[test]
    fn adaptation() {
        let mut max_probability = 0.02;
        for want in [
            0.025,
            0.03125,
            0.0390625,
            0.048828125,
            0.058828125,
            0.068828125,
        ] {
            max_probability = adapt(max_probability, 11.1, PACKETS);
            near(max_probability, want);
        }
        max_probability = 0.1;
        for want in [0.09, 0.081, 0.0729, 0.06561, 0.059049] {
            max_probability = adapt(max_probability, 8.9, PACKETS);
            near(max_probability, want);
        }
        for _ in 5..22 {
            max_probability = adapt(max_probability, 8.9, PACKETS);
        }
        assert!((max_probability - 0.009847709).abs() < 5e-10);
        assert_eq!(adapt(max_probability, 8.9, PACKETS), max_probability);
        assert_eq!(adapt(0.06, 10.0, PACKETS), 0.06, "in the middle");
        assert_eq!(adapt(0.501, 14.0, PACKETS), 0.501, "half at most");
    }
}
