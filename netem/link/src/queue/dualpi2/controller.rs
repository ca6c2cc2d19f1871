//! The base probability p' of DualPI2: a proportional-integral controller
//! without tuning; the squares and products that follow linearise it.
//!
//! Implements: RFC 9332 appendix A, figure 8; Linux `sch_dualpi2.c`: the same
//! in integers, probabilities in units of 2^-32 and gains in 1/256 per second.
//! Differs: where Linux's step would not fit 32 bits, ours is the largest.

use weaknet_core::Span;

/// What does not change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gains {
    pub(super) target: Span,
    pub(super) alpha: f64,
    pub(super) beta: f64,
}

/// The controller.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Controller {
    previous: Span,
    probability: Probability,
}

#[derive(Debug, Clone, PartialEq)]
enum Probability {
    Real { gains: Gains, value: f64 },
    Integer { gains: IntegerGains, value: u32 },
}

#[derive(Debug, Clone, PartialEq)]
struct IntegerGains {
    target: i128,
    alpha: i128,
    beta: i128,
}

const MAX: u32 = u32::MAX;

impl Controller {
    /// In floats, as the RFC.
    pub(super) const fn real(gains: Gains) -> Self {
        Self {
            previous: Span::ZERO,
            probability: Probability::Real { gains, value: 0.0 },
        }
    }

    /// In integers, as Linux.
    pub(super) fn integer(gains: Gains) -> Self {
        // Gains in 1/256 Hz times 2^-32 per 64 ns.
        let scaled = |gain: f64| {
            let gain = libm::round(gain * 256.0) as u128;
            ((gain * u128::from(MAX)) >> 2) / 1_000_000_000
        };
        Self {
            previous: Span::ZERO,
            probability: Probability::Integer {
                gains: IntegerGains {
                    target: i128::from(gains.target.as_nanos()),
                    alpha: scaled(gains.alpha) as i128,
                    beta: scaled(gains.beta) as i128,
                },
                value: 0,
            },
        }
    }

    /// One update, at which the queueing delay is `current`.
    pub(super) fn update(&mut self, current: Span) {
        match &mut self.probability {
            Probability::Real { gains, value } => {
                let (now, before) = (current.as_secs_f64(), self.previous.as_secs_f64());
                let target = gains.target.as_secs_f64();
                *value += gains.alpha * (now - target) + gains.beta * (now - before);
                *value = value.clamp(0.0, 1.0);
            }
            Probability::Integer { gains, value } => {
                let now = i128::from(current.as_nanos());
                let before = i128::from(self.previous.as_nanos());
                let delta = (now - gains.target) * gains.alpha + (now - before) * gains.beta;
                let step = u32::try_from(delta.unsigned_abs() >> 6).unwrap_or(MAX);
                *value = if delta > 0 {
                    value.saturating_add(step)
                } else {
                    value.saturating_sub(step)
                };
            }
        }
        self.previous = current;
    }

    /// p'.
    pub(super) fn probability(&self) -> f64 {
        match self.probability {
            Probability::Real { value, .. } => value,
            Probability::Integer { value, .. } => f64::from(value) / f64::from(MAX),
        }
    }
}

#[cfg(test)]
impl Controller {
    pub(super) fn set(&mut self, probability: f64) {
        if let Probability::Real { value, .. } = &mut self.probability {
            *value = probability;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gains(alpha: f64, beta: f64) -> Gains {
        Gains {
            target: Span::from_millis(15),
            alpha,
            beta,
        }
    }

    fn integers(delays_ms: impl IntoIterator<Item = u64>) -> Vec<u32> {
        let mut controller = Controller::integer(gains(0.16, 3.2));
        let update = |ms| {
            controller.update(Span::from_millis(ms));
            match controller.probability {
                Probability::Integer { value, .. } => value,
                Probability::Real { .. } => 0,
            }
        };
        delays_ms.into_iter().map(update).collect()
    }

    #[test]
    fn gains_of_linux() {
        let Probability::Integer { gains, .. } = Controller::integer(gains(0.16, 3.2)).probability
        else {
            panic!("not in integers");
        };
        assert_eq!((gains.alpha, gains.beta), (44, 879));
    }

    const DELAYS: [(u64, usize); 5] = [(25, 10), (20, 5), (15, 3), (10, 5), (0, 6)];

    fn delays() -> impl Iterator<Item = u64> {
        DELAYS
            .into_iter()
            .flat_map(|(ms, n)| std::iter::repeat_n(ms, n))
    }

    /// queues-and-wire 1.4, vector D1.
    #[test]
    fn linux_integers() {
        let want = [
            350_234_375,
            357_109_375,
            363_984_375,
            370_859_375,
            377_734_375,
            384_609_375,
            391_484_375,
            398_359_375,
            405_234_375,
            412_109_375,
            346_875_000,
            350_312_500,
            353_750_000,
            357_187_500,
            360_625_000,
            291_953_125,
            291_953_125,
            291_953_125,
            219_843_750,
            216_406_250,
            212_968_750,
            209_531_250,
            206_093_750,
            58_437_500,
            48_125_000,
            37_812_500,
            27_500_000,
            17_187_500,
            6_875_000,
        ];
        let got = integers(delays());
        assert_eq!(got, want);
        for (update, classic, coupled) in
            [(1, 0.006_649_64, 0.163_091), (10, 0.009_206_73, 0.191_903)]
        {
            let p = f64::from(got[update - 1]) / f64::from(MAX);
            assert!((p * p - classic).abs() < 5e-9, "{}", p * p);
            assert!((2.0 * p - coupled).abs() < 5e-7, "{}", 2.0 * p);
        }
    }

    /// Vector D2.
    #[test]
    fn linux_integers_up_to_overload() {
        let got = integers(std::iter::repeat_n(40, 200));
        for (update, want) in [
            (1, 566_562_500),
            (2, 583_750_000),
            (10, 721_250_000),
            (60, 1_580_625_000),
            (200, 3_986_875_000),
        ] {
            assert_eq!(got[update - 1], want, "update {update}");
        }
        let overload = got.iter().position(|p| u64::from(*p) * 2 > u64::from(MAX));
        assert_eq!(overload, Some(92));
    }

    /// Vector D3, bit for bit.
    #[test]
    fn floats_of_the_rfc() {
        let reals = |alpha, beta| {
            let mut controller = Controller::real(gains(alpha, beta));
            let update = |ms| {
                controller.update(Span::from_millis(ms));
                controller.probability()
            };
            delays().map(update).collect::<Vec<_>>()
        };
        let got = reals(0.16, 3.2);
        assert_eq!(
            [got[0], got[1], got[2], got[9], got[10]],
            [
                0.08160000000000002,
                0.083_200_000_000_000_02,
                0.084_800_000_000_000_03,
                0.096_000_000_000_000_06,
                0.080_800_000_000_000_05
            ]
        );
        for (got, want) in reals(0.15, 3.0).into_iter().zip([0.0765, 0.078, 0.0795]) {
            assert!((got - want).abs() < 1e-15, "{got}");
        }
    }

    #[test]
    fn no_delay_leads_out_of_range() {
        for mut controller in [
            Controller::real(gains(1e6, 1e6)),
            Controller::integer(gains(1e6, 1e6)),
        ] {
            for span in [Span::MAX, Span::ZERO, Span::MAX, Span::MAX] {
                controller.update(span);
                assert!((0.0..=1.0).contains(&controller.probability()));
            }
            assert_eq!(controller.probability(), 1.0);
        }
    }
}
