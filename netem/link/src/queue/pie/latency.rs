//! How PIE knows the queueing delay.
//!
//! Implements: RFC 8033 section 4 by timestamps: the delay of the last packet
//! that left, zero once the queue is empty (as Linux, lest it stay stale);
//! section 5.2 and appendix B by the departure rate: the time that 2^14 bytes
//! take to leave, averaged.

use weaknet_core::{Span, Time};

use super::Latency;

/// Bytes of one measurement of the departure rate.
const THRESHOLD: u64 = 1 << 14;
/// Weight of a new measurement: 2^14 / 2^16.
const WEIGHT: f64 = 0.25;

/// What has been seen of packets that left.
#[derive(Debug)]
pub(super) enum Estimate {
    Timestamp {
        last: Span,
    },
    DepartureRate {
        /// Since when, and the bytes that have left since then.
        measuring: Option<(Time, u64)>,
        /// Seconds that a measurement takes.
        average: Option<f64>,
    },
}

impl Estimate {
    pub(super) const fn new(latency: Latency) -> Self {
        match latency {
            Latency::Timestamp => Self::Timestamp { last: Span::ZERO },
            Latency::DepartureRate => Self::DepartureRate {
                measuring: None,
                average: None,
            },
        }
    }

    /// A packet leaves that has waited for `sojourn`; `left` bytes are left.
    pub(super) fn depart(&mut self, now: Time, sojourn: Span, size: u32, left: u64) {
        match self {
            Self::Timestamp { last } => *last = if left == 0 { Span::ZERO } else { sojourn },
            Self::DepartureRate { measuring, average } => {
                if let Some((since, bytes)) = measuring {
                    *bytes += u64::from(size);
                    if *bytes >= THRESHOLD {
                        let took = (now - *since).as_secs_f64();
                        let next = |average| WEIGHT * took + (1.0 - WEIGHT) * average;
                        *average = Some(average.map_or(took, next));
                        *measuring = None;
                    }
                }
                if measuring.is_none() && left >= THRESHOLD {
                    *measuring = Some((now, 0));
                }
            }
        }
    }

    /// The queueing delay while so many bytes wait.
    pub(super) fn delay(&self, bytes: u64) -> Span {
        match self {
            Self::Timestamp { last } => *last,
            Self::DepartureRate { average, .. } => {
                let per_byte = average.unwrap_or(0.0) / THRESHOLD as f64;
                Span::from_secs_f64(bytes as f64 * per_byte)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1500 B every 12 ms is 1 Mbit/s: 11 packets pass 2^14 bytes, in 132 ms.
    #[test]
    fn the_departure_rate_is_measured_over_many_packets() {
        let mut estimate = Estimate::new(Latency::DepartureRate);
        let mut now = Time::ZERO;
        let mut leave = |estimate: &mut Estimate, step, packets| {
            for _ in 0..packets {
                now += Span::from_millis(step);
                estimate.depart(now, Span::ZERO, 1500, 100_000);
            }
        };
        leave(&mut estimate, 12, 11);
        assert_eq!(estimate.delay(1 << 14), Span::ZERO, "not measured yet");
        leave(&mut estimate, 12, 1);
        assert_eq!(estimate.delay(1 << 14), Span::from_millis(132));
        assert_eq!(estimate.delay(1 << 13), Span::from_millis(66));
        // Half the rate: a quarter of the way from 132 to 264 ms.
        leave(&mut estimate, 24, 11);
        assert_eq!(estimate.delay(1 << 14), Span::from_millis(165));
    }

    #[test]
    fn a_short_queue_is_not_measured() {
        let mut estimate = Estimate::new(Latency::DepartureRate);
        for ms in 0..100 {
            estimate.depart(Time::from_millis(ms), Span::ZERO, 1500, (1 << 14) - 1);
        }
        assert_eq!(estimate.delay(1_000_000), Span::ZERO);
    }

    #[test]
    fn an_empty_queue_has_no_delay() {
        let mut estimate = Estimate::new(Latency::Timestamp);
        estimate.depart(Time::ZERO, Span::from_millis(20), 1500, 1);
        assert_eq!(estimate.delay(1), Span::from_millis(20));
        estimate.depart(Time::ZERO, Span::from_millis(25), 1500, 0);
        assert_eq!(estimate.delay(0), Span::ZERO);
    }
}
