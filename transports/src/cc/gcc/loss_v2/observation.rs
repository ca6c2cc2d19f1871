//! What was sent and what was lost, in observations of at least 250 ms.

use crate::cc::PacketResult;

use super::config::LossV2Config;
use crate::cc::gcc::units::{Delta, Rate, Size, Stamp};

/// A stretch of sending.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observation {
    id: usize,
    pub(super) rate: Rate,
    pub(super) size: Size,
    pub(super) lost: Size,
}

/// The latest observations and the one being made.
#[derive(Debug, Clone)]
pub(super) struct Observations {
    least_time: Delta,
    capacity: usize,
    median_rate_factor: f64,
    /// Observation `id` is at `id % capacity`.
    slots: Vec<Observation>,
    count: usize,
    mean_loss_weights: Vec<f64>,
    likelihood_weights: Vec<f64>,
    last_sent: Option<Stamp>,
    partial_size: Size,
    /// Packets of the partial observation that are lost so far, ascending.
    partial_lost: Vec<(u64, Size)>,
    rates: Vec<Rate>,
    mean_loss: f64,
}

impl Observations {
    pub(super) fn new(config: &LossV2Config) -> Self {
        let powers = |base: f64| {
            (0..config.observations)
                .map(|age| libm::pow(base, age as f64))
                .collect()
        };
        Self {
            least_time: config.observation.into(),
            capacity: config.observations,
            median_rate_factor: config.median_rate_factor,
            slots: Vec::with_capacity(config.observations),
            count: 0,
            mean_loss_weights: powers(config.mean_loss_weight),
            likelihood_weights: powers(config.temporal_weight),
            last_sent: None,
            partial_size: Size::ZERO,
            partial_lost: Vec::with_capacity(512),
            rates: Vec::with_capacity(config.observations),
            mean_loss: 0.0,
        }
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }
    /// When the latest observation's last packet was sent.
    pub(super) const fn last_sent(&self) -> Option<Stamp> {
        self.last_sent
    }
    /// Share of bytes lost, the best and the worst observation left out.
    pub(super) const fn mean_loss(&self) -> f64 {
        self.mean_loss
    }

    /// All observations with their weights in the likelihood.
    pub(super) fn weighted(&self) -> impl Iterator<Item = (f64, &Observation)> {
        self.slots
            .iter()
            .map(|observation| (self.likelihood_weights[self.age(observation)], observation))
    }

    /// Takes all packets of a report; whether they complete an observation.
    pub(super) fn on_report(&mut self, packets: &[PacketResult]) -> bool {
        let mut span: Option<(Stamp, Stamp)> = None;
        for packet in packets {
            let (number, size) = (packet.sent.number, Size::from(packet.sent.size));
            match (
                packet.received,
                self.partial_lost
                    .binary_search_by_key(&number, |(number, _)| *number),
            ) {
                (Some(_), Ok(place)) => {
                    self.partial_lost.remove(place);
                }
                (None, Err(place)) => self.partial_lost.insert(place, (number, size)),
                _ => {}
            }
            self.partial_size = self.partial_size + size;
            let sent = Stamp::from(packet.sent.at);
            span = Some(span.map_or((sent, sent), |(first, last)| {
                (first.min(sent), last.max(sent))
            }));
        }
        let Some((first, last)) = span else {
            return false;
        };
        let time = last - *self.last_sent.get_or_insert(first);
        if time <= Delta::ZERO || time < self.least_time {
            return false;
        }
        self.last_sent = Some(last);
        self.push(time);
        self.mean_loss = self.compute_mean_loss();
        true
    }

    fn push(&mut self, time: Delta) {
        let lost = self
            .partial_lost
            .iter()
            .fold(Size::ZERO, |sum, (_, size)| sum + *size);
        let observation = Observation {
            id: self.count,
            rate: self.partial_size / time,
            size: self.partial_size,
            lost,
        };
        let place = self.count % self.capacity;
        if place == self.slots.len() {
            self.slots.push(observation);
        } else {
            self.slots[place] = observation;
        }
        self.count += 1;
        self.partial_size = Size::ZERO;
        self.partial_lost.clear();
    }

    const fn age(&self, observation: &Observation) -> usize {
        self.count - 1 - observation.id
    }

    fn compute_mean_loss(&mut self) -> f64 {
        let (mut size, mut lost) = (Size::ZERO, Size::ZERO);
        let mut worst = Extreme::new(0.0);
        let mut best = Extreme::new(1.0);
        for observation in &self.slots {
            let weight = self.mean_loss_weights[self.age(observation)];
            let (weighted_size, weighted_lost) =
                (observation.size * weight, observation.lost * weight);
            size = size + weighted_size;
            lost = lost + weighted_lost;
            if self.count > 3 {
                let loss = if observation.size == Size::ZERO {
                    0.0
                } else {
                    observation.lost / observation.size
                };
                if loss > worst.loss {
                    worst = Extreme {
                        loss,
                        size: weighted_size,
                        lost: weighted_lost,
                        rate: observation.rate,
                    };
                }
                if loss < best.loss {
                    best = Extreme {
                        loss,
                        size: weighted_size,
                        lost: weighted_lost,
                        rate: observation.rate,
                    };
                }
            }
        }
        // Loss of a sudden burst is no outlier.
        let burst = self.median_rate() * self.median_rate_factor <= worst.rate;
        let trimmed = size - worst.size - best.size;
        if burst || trimmed == Size::ZERO {
            ratio(lost, size)
        } else {
            ratio(lost - best.lost - worst.lost, trimmed)
        }
    }

    fn median_rate(&mut self) -> Rate {
        self.rates.clear();
        self.rates.extend(
            self.slots
                .iter()
                .map(|observation| observation.rate)
                .filter(|rate| *rate > Rate::ZERO),
        );
        self.rates.sort_unstable();
        let middle = self.rates.len() / 2;
        match self.rates.as_slice() {
            [] => Rate::ZERO,
            rates if rates.len() % 2 == 0 => (rates[middle - 1] + rates[middle]).half(),
            rates => rates[middle],
        }
    }
}

fn ratio(lost: Size, size: Size) -> f64 {
    if size == Size::ZERO { 0.0 } else { lost / size }
}

/// The observation with the most or the least loss.
struct Extreme {
    loss: f64,
    size: Size,
    lost: Size,
    rate: Rate,
}

impl Extreme {
    const fn new(loss: f64) -> Self {
        Self {
            loss,
            size: Size::ZERO,
            lost: Size::ZERO,
            rate: Rate::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::gcc::testing::{lost, received};

    fn observe(observations: &mut Observations, from: u64, lost_of_ten: u64) -> bool {
        let report: Vec<_> = (from..from + 10)
            .map(|k| {
                if k < from + lost_of_ten {
                    lost(k, k * 30, 1_000)
                } else {
                    received(k, k * 30, k * 30 + 40, 1_000)
                }
            })
            .collect();
        observations.on_report(&report)
    }

    #[test]
    fn observation_is_complete_after_250_ms_of_sending() {
        let mut observations = Observations::new(&LossV2Config::default());
        assert!(
            !observations.on_report(&[received(0, 0, 40, 1_000), received(1, 249, 289, 1_000)])
        );
        assert!(observations.on_report(&[received(2, 250, 290, 1_000)]));
        assert_eq!(observations.slots[0].rate, Rate::from_kbps(96));
    }

    #[test]
    fn late_arrival_takes_a_loss_back() {
        let mut observations = Observations::new(&LossV2Config::default());
        observations.on_report(&[
            lost(0, 0, 1_000),
            lost(1, 10, 1_000),
            received(2, 20, 60, 1_000),
        ]);
        observations.on_report(&[received(1, 10, 70, 1_000), received(3, 300, 340, 1_000)]);
        assert_eq!(observations.slots[0].lost, Size::from_bytes(1_000));
    }

    #[test]
    fn mean_loss_leaves_the_extremes_out_after_three() {
        let mut observations = Observations::new(&LossV2Config::default());
        for (k, lost) in [1, 1, 1, 5].into_iter().enumerate() {
            assert!(observe(&mut observations, k as u64 * 10, lost));
        }
        // The worst, and the first of the best, are left out.
        assert!((observations.mean_loss() - 0.1).abs() < 1e-4);
        assert_eq!(observations.count(), 4);
    }

    #[test]
    fn repeated_reports_change_no_loss_and_empty_ones_nothing() {
        let mut observations = Observations::new(&LossV2Config::default());
        assert!(!observations.on_report(&[]));
        let twice = lost(0, 0, 1_000);
        observations.on_report(&[twice, twice]);
        assert!(observations.on_report(&[received(1, 300, 340, 1_000)]));
        assert_eq!(observations.slots[0].lost, Size::from_bytes(1_000));
    }
}
