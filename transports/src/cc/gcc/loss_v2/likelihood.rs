//! How well a bandwidth and an inherent loss explain the observations.
//!
//! A packet sent at rate s over a channel of bandwidth B and inherent loss i is
//! lost with probability i + (1 - i) max(0, (s - B) / s).

use super::config::LossV2Config;
use super::observation::{Observation, Observations};
use crate::cc::gcc::units::{Rate, Size};

/// A channel that might explain the observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Channel {
    pub(super) bandwidth: Rate,
    pub(super) inherent_loss: f64,
}

/// Probabilities stay this far from 0 and 1.
const CERTAINTY: f64 = 1e-6;

impl Channel {
    fn loss_probability(&self, sending: Rate) -> f64 {
        let inherent = self.inherent_loss.clamp(0.0, 1.0);
        let excess = if sending > self.bandwidth {
            // The product is a rate, so it is whole bits per second.
            ((sending - self.bandwidth) * (1.0 - inherent)) / sending
        } else {
            0.0
        };
        (inherent + excess).clamp(CERTAINTY, 1.0 - CERTAINTY)
    }

    /// Brings the inherent loss into the bounds for this bandwidth.
    pub(super) fn bound(&mut self, config: &LossV2Config) {
        let most = if self.bandwidth == Rate::ZERO {
            1.0
        } else {
            (config.max_inherent_loss + Rate::from(config.inherent_loss_balance) / self.bandwidth)
                .min(1.0)
        };
        self.inherent_loss = self.inherent_loss.max(config.min_inherent_loss).min(most);
    }

    /// Moves the inherent loss towards the most likely one.
    pub(super) fn improve(&mut self, observations: &Observations, config: &LossV2Config) {
        for _ in 0..config.newton_steps {
            let (mut first, mut second) = (0.0, 0.0);
            for (weight, observation) in observations.weighted() {
                let loss = self.loss_probability(observation.rate);
                let (lost, passed) = kilobytes(observation);
                first += weight * (lost / loss - passed / (1.0 - loss));
                second -= weight * (lost / (loss * loss) + passed / ((1.0 - loss) * (1.0 - loss)));
            }
            let second = if second >= 0.0 { -CERTAINTY } else { second };
            self.inherent_loss -= config.newton_step_size * first / second;
            self.bound(config);
        }
    }

    /// Logarithm of the likelihood, with a preference for bandwidth while
    /// loss is moderate.
    pub(super) fn objective(&self, observations: &Observations, config: &LossV2Config) -> f64 {
        let bias = self.bandwidth_bias(observations.mean_loss(), config);
        // Nearly all observations have the same probability of loss, and nothing
        // lost: few logarithms are needed.
        let mut known = (f64::NAN, 0.0);
        let mut log_of_passing = |loss: f64| {
            if known.0 != loss {
                known = (loss, libm::log(1.0 - loss));
            }
            known.1
        };
        observations
            .weighted()
            .fold(0.0, |sum, (weight, observation)| {
                let loss = self.loss_probability(observation.rate);
                let (lost, passed) = kilobytes(observation);
                let of_loss = if lost == 0.0 {
                    0.0
                } else {
                    lost * libm::log(loss)
                };
                let likelihood = weight * (of_loss + passed * log_of_passing(loss));
                sum + likelihood + weight * bias * observation.size.as_kilobytes_f64()
            })
    }

    fn bandwidth_bias(&self, mean_loss: f64, config: &LossV2Config) -> f64 {
        let below = config.bias_loss_threshold - mean_loss;
        let adjusted = |factor: f64| factor * below / (config.bias_smoothing + below.abs());
        let kbps = self.bandwidth.as_kbps() as f64;
        adjusted(config.bandwidth_bias) * kbps
            + adjusted(config.log_bandwidth_bias) * libm::log(1.0 + kbps)
    }
}

/// Kilobytes lost and passed.
fn kilobytes(observation: &Observation) -> (f64, f64) {
    let passed: Size = observation.size - observation.lost;
    (
        observation.lost.as_kilobytes_f64(),
        passed.as_kilobytes_f64(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::gcc::testing::{lost, received};

    fn channel(kbps: i64, inherent_loss: f64) -> Channel {
        Channel {
            bandwidth: Rate::from_kbps(kbps),
            inherent_loss,
        }
    }

    #[test]
    fn excess_adds_to_the_inherent_loss() {
        assert!((channel(500, 0.1).loss_probability(Rate::from_kbps(1_000)) - 0.55).abs() < 1e-12);
        assert_eq!(
            channel(500, 0.1).loss_probability(Rate::from_kbps(500)),
            0.1
        );
        assert_eq!(
            channel(500, 0.0).loss_probability(Rate::from_kbps(400)),
            CERTAINTY
        );
    }

    #[test]
    fn low_bandwidth_allows_more_inherent_loss() {
        let config = LossV2Config::default();
        let mut narrow = channel(1_000, 0.9);
        narrow.bound(&config);
        assert!((narrow.inherent_loss - 0.15).abs() < 1e-12);
        let mut none = channel(1_000, 0.0);
        none.bound(&config);
        assert_eq!(none.inherent_loss, 1e-3);
    }

    #[test]
    fn newton_steps_find_the_share_lost_and_it_is_the_most_likely() {
        let config = LossV2Config {
            newton_steps: 50,
            ..LossV2Config::default()
        };
        let mut observations = Observations::new(&config);
        let report: Vec<_> = (0..100)
            .map(|k| {
                if k % 25 == 0 {
                    lost(k, k * 10, 1_000)
                } else {
                    received(k, k * 10, k * 10 + 40, 1_000)
                }
            })
            .collect();
        assert!(observations.on_report(&report));
        let mut best = channel(5_000, 0.01);
        best.improve(&observations, &config);
        assert!(
            (best.inherent_loss - 0.04).abs() < 1e-6,
            "{}",
            best.inherent_loss
        );
        for other in [0.02, 0.05] {
            assert!(
                best.objective(&observations, &config)
                    > channel(5_000, other).objective(&observations, &config)
            );
        }
    }
}
