//! The average number of packets from one loss event to the next.
//!
//! Implements: RFC 5348, section 5.2 (losses within a round trip of the first
//! are one event) and section 5.4 (weighted average of eight intervals).
//! Not modelled: history discounting (section 5.5, optional).

use weaknet_core::{Span, Time};

/// Closed intervals that the average looks at.
const COUNT: usize = 8;
/// From the newest to the oldest.
const WEIGHTS: [f64; COUNT] = [1.0, 1.0, 1.0, 1.0, 0.8, 0.6, 0.4, 0.2];

/// The intervals between loss events of a flow, in packets.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct LossIntervals {
    /// Packets since the last loss event, or since the first packet.
    open: u64,
    /// Newest first; the oldest may have begun with the first packet.
    closed: [u64; COUNT],
    known: usize,
    /// When the first packet of the last event was sent.
    event_at: Option<Time>,
}

impl LossIntervals {
    pub(super) const fn on_received(&mut self) {
        self.open += 1;
    }

    /// A packet sent at `sent` was lost.
    pub(super) fn on_lost(&mut self, sent: Time, rtt: Span) {
        self.open += 1;
        if self.event_at.is_some_and(|event| sent <= event + rtt) {
            return;
        }
        self.event_at = Some(sent);
        self.closed.rotate_right(1);
        self.closed[0] = std::mem::take(&mut self.open);
        self.known = (self.known + 1).min(COUNT);
    }

    /// Packets since the last loss event; `None` before the first.
    pub(super) fn since_loss(&self) -> Option<u64> {
        self.event_at.map(|_| self.open)
    }

    /// The average of the intervals that have ended; zero before the first.
    pub(super) fn closed_average(&self) -> f64 {
        average(self.known, self.closed.iter())
    }

    /// The average with the interval that has not ended, if that makes it
    /// longer.
    pub(super) fn average(&self) -> f64 {
        let with_open = std::iter::once(&self.open).chain(&self.closed);
        average(self.known, with_open).max(self.closed_average())
    }
}

fn average<'a>(count: usize, intervals: impl Iterator<Item = &'a u64>) -> f64 {
    if count == 0 {
        return 0.0;
    }
    let weights = &WEIGHTS[..count];
    let sum: f64 = intervals
        .zip(weights)
        .map(|(length, weight)| *length as f64 * weight)
        .sum();
    sum / weights.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Span = Span::from_millis(50);

    /// `lengths` closed intervals, oldest first, then `open` packets.
    fn after(lengths: &[u64], open: u64) -> LossIntervals {
        let mut intervals = LossIntervals::default();
        for (k, length) in lengths.iter().enumerate() {
            for _ in 1..*length {
                intervals.on_received();
            }
            intervals.on_lost(Time::from_secs(k as u64), RTT);
        }
        for _ in 0..open {
            intervals.on_received();
        }
        intervals
    }

    #[test]
    fn eight_intervals_and_the_open_one() {
        for (open, average, expires) in [(50, 100.0, 700.0), (400, 150.0, 1_050.0)] {
            let intervals = after(&[100; 8], open);
            assert!((intervals.average() - average).abs() < 1e-9);
            assert!((intervals.average() * 7.0 - expires).abs() < 1e-6);
            assert!((intervals.closed_average() - 100.0).abs() < 1e-9);
            assert_eq!(intervals.since_loss(), Some(open));
        }
    }

    #[test]
    fn older_intervals_weigh_less() {
        // Newest first: 10, 20, ... 80.
        let lengths = [90, 80, 70, 60, 50, 40, 30, 20, 10];
        let sum = 10.0 + 20.0 + 30.0 + 40.0 + 0.8 * 50.0 + 0.6 * 60.0 + 0.4 * 70.0 + 0.2 * 80.0;
        let average = after(&lengths, 0).average();
        assert!((average - sum / 6.0).abs() < 1e-9, "{average}");
    }

    #[test]
    fn before_a_loss_there_is_no_interval_and_after_one_it_began_with_the_flow() {
        let intervals = after(&[], 40);
        assert_eq!((intervals.average(), intervals.since_loss()), (0.0, None));
        assert!((after(&[30], 5).average() - 30.0).abs() < 1e-9);
    }

    #[test]
    fn losses_within_a_round_trip_are_one_event() {
        let mut intervals = after(&[10], 3);
        intervals.on_lost(Time::ZERO + RTT, RTT);
        assert_eq!(intervals.known, 1);
        intervals.on_lost(Time::ZERO + RTT + Span::from_nanos(1), RTT);
        assert_eq!(intervals.closed[..2], [5, 10]);
    }
}
