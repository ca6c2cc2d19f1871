//! The throughput of the latest packets, by arrival and by departure, with the
//! largest gap of arrivals taken out.
//!
//! Implements: RobustThroughputEstimator of libwebrtc (modules/
//! congestion_controller/goog_cc/robust_throughput_estimator, July 2026).
//! Not modelled: bytes of packets outside transport-wide feedback (their
//! weight), the older Bayesian estimator.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::Span;

use super::Arrival;
use super::units::{Delta, Rate, Size, Stamp};

/// The window of the acknowledged rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThroughputConfig {
    /// Packets that the window holds at least, 10 to 1000 (20).
    pub packets: usize,
    /// Packets that it holds at most, 10 to 1000 (500).
    pub max_packets: usize,
    /// Time that it spans at least, 100 ms to 3 s (1 s).
    pub duration: Span,
    /// Time that it spans at most, 1 s to 15 s (5 s).
    pub max_duration: Span,
    /// Packets needed for an estimate, 10 to 1000 (10).
    pub required_packets: usize,
}

impl Default for ThroughputConfig {
    fn default() -> Self {
        Self {
            packets: 20,
            max_packets: 500,
            duration: Span::from_secs(1),
            max_duration: Span::from_secs(5),
            required_packets: 10,
        }
    }
}

/// An arrival this much earlier than the latest means that the clock was set.
const MAX_REORDERING: Delta = Delta::from_secs(1);
/// Shortest time that a rate is taken over.
const SHORTEST: Delta = Delta::from_millis(1);

#[derive(Debug, Clone, Copy)]
struct Packet {
    sent: Stamp,
    received: Stamp,
    size: Size,
}

/// The acknowledged rate.
#[derive(Debug, Clone)]
pub(super) struct RobustThroughput {
    config: ThroughputConfig,
    /// Ascending by arrival.
    window: VecDeque<Packet>,
    /// Of all packets in the window.
    size: Size,
    latest_dropped_sent: Option<Stamp>,
    rate: Option<Rate>,
}

impl RobustThroughput {
    pub(super) fn new(config: &ThroughputConfig) -> Self {
        // Room for the window and a long report on top.
        let window = VecDeque::with_capacity(config.max_packets + 512);
        Self {
            config: config.clone(),
            window,
            size: Size::ZERO,
            latest_dropped_sent: None,
            rate: None,
        }
    }

    pub(super) fn reset(&mut self) {
        self.window.clear();
        self.size = Size::ZERO;
        self.latest_dropped_sent = None;
        self.rate = None;
    }

    /// The lower of the rates sent and received, once there are enough
    /// packets.
    pub(super) const fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// Takes the packets that arrived, in order of arrival.
    pub(super) fn on_report(&mut self, arrivals: &[Arrival]) {
        for arrival in arrivals {
            self.insert(Packet {
                sent: arrival.sent,
                received: arrival.received,
                size: arrival.size,
            });
        }
        while self.is_too_long()
            && let Some(dropped) = self.window.pop_front()
        {
            self.size = self.size - dropped.size;
            self.latest_dropped_sent = self.latest_dropped_sent.max(Some(dropped.sent));
        }
        self.rate = self.estimate();
    }

    fn insert(&mut self, packet: Packet) {
        self.window.push_back(packet);
        self.size = self.size + packet.size;
        let mut place = self.window.len() - 1;
        while place > 0 && self.window[place].received < self.window[place - 1].received {
            self.window.swap(place, place - 1);
            place -= 1;
        }
        if self
            .window
            .back()
            .is_some_and(|last| last.received - packet.received > MAX_REORDERING)
        {
            self.reset();
        }
    }

    fn is_too_long(&self) -> bool {
        let (Some(first), Some(last)) = (self.window.front(), self.window.back()) else {
            return false;
        };
        let span = last.received - first.received;
        self.window.len() > self.config.max_packets
            || span > self.config.max_duration.into()
            || (self.window.len() > self.config.packets && span > self.config.duration.into())
    }

    fn estimate(&self) -> Option<Rate> {
        if self.window.len() < self.config.required_packets {
            return None;
        }
        let (first, last) = (self.window.front()?, self.window.back()?);
        let (mut widest_gap, mut second_gap) = (Delta::ZERO, Delta::ZERO);
        let mut before = first.received;
        self.window.iter().for_each(|packet| {
            let gap = packet.received - before;
            before = packet.received;
            second_gap = second_gap.max(gap.min(widest_gap));
            widest_gap = widest_gap.max(gap);
        });
        let time = (last.received - first.received) - widest_gap + second_gap;
        let receive_rate = (self.size - first.size) / time.max(SHORTEST);
        let mut departures = Departures::new(self.latest_dropped_sent);
        self.window.iter().for_each(|packet| departures.add(packet));
        if self.window.len() - departures.late < self.config.required_packets {
            return Some(receive_rate);
        }
        Some(receive_rate.min(departures.rate(self.size)))
    }
}

/// When the packets of the window were sent.
struct Departures {
    /// A packet sent before one that has left the window came late; its
    /// departure would stretch the time of sending.
    not_before: Stamp,
    late: usize,
    late_size: Size,
    first: Stamp,
    last: Stamp,
    last_size: Size,
}

impl Departures {
    fn new(latest_dropped: Option<Stamp>) -> Self {
        Self {
            not_before: latest_dropped.unwrap_or(Stamp::MIN),
            late: 0,
            late_size: Size::ZERO,
            first: Stamp::MAX,
            last: Stamp::MIN,
            last_size: Size::ZERO,
        }
    }

    fn add(&mut self, packet: &Packet) {
        if packet.sent < self.not_before {
            self.late += 1;
            self.late_size = self.late_size + packet.size;
            return;
        }
        self.first = self.first.min(packet.sent);
        if packet.sent > self.last {
            (self.last, self.last_size) = (packet.sent, packet.size);
        }
    }

    /// The rate at which a window of this size was sent.
    fn rate(&self, size: Size) -> Rate {
        (size - self.late_size - self.last_size) / (self.last - self.first).max(SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Time;

    fn packet(number: u64, sent_ms: u64, received_ms: u64) -> Arrival {
        Arrival {
            number,
            sent: Time::from_millis(sent_ms).into(),
            received: Time::from_millis(received_ms).into(),
            size: Size::from_bytes(1_000),
            probe: None,
        }
    }

    fn steady(count: u64) -> Vec<Arrival> {
        (0..count).map(|k| packet(k, k * 10, k * 10 + 30)).collect()
    }

    #[test]
    fn ten_packets_make_an_estimate() {
        let mut throughput = RobustThroughput::new(&ThroughputConfig::default());
        throughput.on_report(&steady(9));
        assert_eq!(throughput.rate(), None);
        throughput.on_report(&[packet(9, 90, 120)]);
        assert_eq!(throughput.rate(), Some(Rate::from_kbps(800)));
    }

    #[test]
    fn widest_gap_of_arrivals_does_not_count() {
        let mut arrivals = steady(20);
        for late in &mut arrivals[10..] {
            late.received = late.received + Delta::from_millis(500);
        }
        let mut throughput = RobustThroughput::new(&ThroughputConfig::default());
        throughput.on_report(&arrivals);
        assert_eq!(throughput.rate(), Some(Rate::from_kbps(800)));
    }

    #[test]
    fn a_burst_of_arrivals_does_not_exceed_the_rate_sent() {
        let arrivals: Vec<_> = (0..20).map(|k| packet(k, k * 10, 400 + k)).collect();
        let mut throughput = RobustThroughput::new(&ThroughputConfig::default());
        throughput.on_report(&arrivals);
        assert_eq!(throughput.rate(), Some(Rate::from_kbps(800)));
    }

    #[test]
    fn window_spans_one_second_and_at_least_twenty_packets() {
        let mut throughput = RobustThroughput::new(&ThroughputConfig::default());
        throughput.on_report(&steady(300));
        assert_eq!(throughput.window.len(), 101);
        let mut slow = RobustThroughput::new(&ThroughputConfig::default());
        slow.on_report(
            &(0..60)
                .map(|k| packet(k, k * 200, k * 200 + 30))
                .collect::<Vec<_>>(),
        );
        assert_eq!(slow.window.len(), 20);
    }

    #[test]
    fn arrivals_are_sorted_and_a_clock_set_back_starts_anew() {
        let mut throughput = RobustThroughput::new(&ThroughputConfig::default());
        let mut arrivals = steady(20);
        arrivals.swap(3, 15);
        throughput.on_report(&arrivals);
        assert_eq!(throughput.rate(), Some(Rate::from_kbps(800)));
        throughput.on_report(&[packet(20, 2_000, 2_030), packet(21, 2_010, 1_000)]);
        assert_eq!(throughput.rate(), None);
    }

    #[test]
    fn packets_older_than_the_window_do_not_count_as_sent() {
        let mut throughput = RobustThroughput::new(&ThroughputConfig::default());
        throughput.on_report(&steady(200));
        throughput.on_report(&[packet(200, 5, 2_031)]);
        let rate = throughput.rate().unwrap();
        assert!(rate >= Rate::from_kbps(790), "{rate:?}");
    }
}
