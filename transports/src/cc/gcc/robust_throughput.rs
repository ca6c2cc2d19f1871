//! The throughput of the latest packets, by arrival and by departure, with the
//! largest gap of arrivals taken out.
//!
//! Implements: RobustThroughputEstimator of libwebrtc (modules/
//! congestion_controller/goog_cc/robust_throughput_estimator, July 2026).
//! What only a look at all packets tells is remembered as long as they come and
//! go in order.
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
    /// Number of the first packet in the window.
    first: u64,
    /// Neighbours in the window of which the later one was sent earlier.
    inversions: usize,
    gaps: WidestGaps,
    rate: Option<Rate>,
}

/// The two widest gaps of arrivals in the window, each with the number of the
/// packet after it: the latest of several that are as wide.
#[derive(Debug, Clone, Copy)]
struct WidestGaps {
    widest: (Delta, u64),
    second: (Delta, u64),
}

impl WidestGaps {
    /// Between a packet and itself: what a window begins with.
    const NONE: Self = Self {
        widest: (Delta::ZERO, u64::MAX),
        second: (Delta::ZERO, u64::MAX),
    };

    fn add(&mut self, gap: Delta, number: u64) {
        if gap >= self.widest.0 {
            self.second = self.widest;
            self.widest = (gap, number);
        } else if gap >= self.second.0 {
            self.second = (gap, number);
        }
    }

    const fn has(&self, number: u64) -> bool {
        self.widest.1 == number || self.second.1 == number
    }
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
            first: 0,
            inversions: 0,
            gaps: WidestGaps::NONE,
            rate: None,
        }
    }

    pub(super) fn reset(&mut self) {
        self.window.clear();
        self.size = Size::ZERO;
        self.latest_dropped_sent = None;
        self.inversions = 0;
        self.gaps = WidestGaps::NONE;
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
        let mut forgotten = false;
        while self.is_too_long()
            && let Some(dropped) = self.window.pop_front()
        {
            self.size = self.size - dropped.size;
            self.latest_dropped_sent = self.latest_dropped_sent.max(Some(dropped.sent));
            self.first += 1;
            let next = self.window.front();
            self.inversions -= usize::from(next.is_some_and(|next| next.sent < dropped.sent));
            forgotten |= self.gaps.has(self.first);
        }
        if forgotten {
            self.look_through();
        }
        self.rate = self.estimate();
    }

    fn insert(&mut self, packet: Packet) {
        let number = self.first + self.window.len() as u64;
        let before = self.window.back().copied();
        self.window.push_back(packet);
        self.size = self.size + packet.size;
        let Some(before) = before else {
            return;
        };
        if packet.received >= before.received {
            self.inversions += usize::from(packet.sent < before.sent);
            self.gaps.add(packet.received - before.received, number);
            return;
        }
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
            return;
        }
        self.look_through();
    }

    /// Finds inversions and gaps anew.
    fn look_through(&mut self) {
        (self.inversions, self.gaps) = (0, WidestGaps::NONE);
        let (before, after) = (self.window.iter(), self.window.iter().skip(1));
        for (number, (before, after)) in (self.first + 1..).zip(before.zip(after)) {
            self.inversions += usize::from(after.sent < before.sent);
            self.gaps.add(after.received - before.received, number);
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
        let WidestGaps { widest, second } = self.gaps;
        let time = (last.received - first.received) - widest.0 + second.0;
        let receive_rate = (self.size - first.size) / time.max(SHORTEST);
        let departures = self.departures(first, last);
        if self.window.len() - departures.late < self.config.required_packets {
            return Some(receive_rate);
        }
        Some(receive_rate.min(departures.rate(self.size)))
    }

    fn departures(&self, first: &Packet, last: &Packet) -> Departures {
        let mut departures = Departures::new(self.latest_dropped_sent);
        if self.inversions > 0 || first.sent < departures.not_before {
            self.window.iter().for_each(|packet| departures.add(packet));
            return departures;
        }
        // Sent in this order: the ends tell, of packets sent at once the first.
        let together = self.window.iter().rev();
        let together = together.take_while(|packet| packet.sent == last.sent);
        (departures.first, departures.last) = (first.sent, last.sent);
        departures.last_size = together.last().unwrap_or(last).size;
        departures
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
    use proptest::prelude::*;
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

    /// What a look at all packets yields.
    fn looked_through(throughput: &RobustThroughput) -> Option<Rate> {
        let window = &throughput.window;
        if window.len() < throughput.config.required_packets {
            return None;
        }
        let (first, last) = (window.front()?, window.back()?);
        let pairs = window.iter().zip(window.iter().skip(1));
        let mut gaps: Vec<_> = pairs.map(|(a, b)| b.received - a.received).collect();
        gaps.push(Delta::ZERO);
        gaps.sort();
        let [.., second, widest] = gaps[..] else {
            return None;
        };
        let time = (last.received - first.received) - widest + second;
        let receive_rate = (throughput.size - first.size) / time.max(SHORTEST);
        let mut departures = Departures::new(throughput.latest_dropped_sent);
        window.iter().for_each(|packet| departures.add(packet));
        if window.len() - departures.late < throughput.config.required_packets {
            return Some(receive_rate);
        }
        Some(receive_rate.min(departures.rate(throughput.size)))
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_what_a_look_at_all_packets_yields(
            packets in prop::collection::vec((0_u64..60, 0_u64..60, 0_u64..40, 1_i64..4), 1..300),
            batch in 1_usize..20,
        ) {
            let mut throughput = RobustThroughput::new(&ThroughputConfig::default());
            let (mut sent, mut number) = (0, 0);
            let mut arrivals = Vec::new();
            for (step, delay, late, size) in packets {
                sent += step / 2;
                number += 1;
                arrivals.push(Arrival {
                    size: Size::from_bytes(400 * size),
                    ..packet(number, sent + 50 - late.min(50), sent + 100 + delay)
                });
            }
            for batch in arrivals.chunks_mut(batch) {
                batch.sort_by_key(|arrival| arrival.received);
                throughput.on_report(batch);
                prop_assert_eq!(throughput.rate(), looked_through(&throughput));
            }
        }
    }
}
