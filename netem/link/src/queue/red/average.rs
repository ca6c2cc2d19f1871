//! The average queue length of RED.
//!
//! Implements: Floyd and Jacobson 1993, section 4: an exponentially weighted
//! mean, updated at each arrival with the queue before it; after idle time as
//! if small packets had passed an empty queue.

use weaknet_core::Time;

/// The average and since when the link has been idle.
#[derive(Debug, Default)]
pub(super) struct Average {
    value: f64,
    idle_since: Option<Time>,
}

impl Average {
    pub(super) const fn value(&self) -> f64 {
        self.value
    }

    /// The link became idle.
    pub(super) fn idle(&mut self, now: Time) {
        self.idle_since.get_or_insert(now);
    }

    /// A packet arrives behind a queue of so much. So many packets could have
    /// passed per second of idle time; `None`: any number.
    pub(super) fn arrive(&mut self, now: Time, queue: f64, weight: f64, per_second: Option<f64>) {
        match (self.idle_since.take(), per_second) {
            (Some(since), Some(per_second)) => {
                let passed = (now - since).as_secs_f64() * per_second;
                self.value *= libm::pow(1.0 - weight, passed);
            }
            (Some(_), None) => self.value = 0.0,
            (None, _) => self.value += weight * (queue - self.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// queues-and-wire 1.5: from 0 towards 20 with w = 0.002.
    #[test]
    fn rises_by_its_weight() {
        let mut average = Average::default();
        let mut reached = Vec::new();
        for arrival in 1..=1500 {
            let before = average.value();
            average.arrive(Time::ZERO, 20.0, 0.002, None);
            for level in [5.0, 10.0, 15.0, 19.0] {
                if before < level && average.value() >= level {
                    reached.push(arrival);
                }
            }
        }
        assert_eq!(reached, [144, 347, 693, 1497]);
    }

    /// Same: idle decay of 12 in packet times of 1 ms.
    #[test]
    fn ages_while_idle() {
        for (packet_times, want) in [(100, 9.822801656), (250, 7.274724785)] {
            let mut average = Average {
                value: 12.0,
                idle_since: None,
            };
            average.idle(Time::from_millis(7));
            average.idle(Time::from_millis(9));
            average.arrive(
                Time::from_millis(7 + packet_times),
                99.0,
                0.002,
                Some(1000.0),
            );
            assert!(
                (average.value() - want).abs() < 5e-10,
                "{}",
                average.value()
            );
        }
    }
}
