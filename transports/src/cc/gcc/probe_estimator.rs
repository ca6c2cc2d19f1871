//! The rate that a probe got through, from the packets of its cluster that
//! arrived.
//!
//! Implements: ProbeBitrateEstimator of libwebrtc (modules/
//! congestion_controller/goog_cc/probe_bitrate_estimator, July 2026).

use crate::cc::ProbeCluster;

use super::Arrival;
use super::units::{Delta, Rate, Size, Stamp};

/// Share of a cluster's packets, and of its bytes, that has to arrive.
const LEAST_SHARE: f64 = 0.8;
/// Largest ratio of the rates received and sent that is believed.
const LARGEST_RATIO: f64 = 2.0;
/// Below this ratio the link was full.
const UNSATURATED_RATIO: f64 = 0.9_f32 as f64;
/// Share of a full link that is then used.
const UTILIZATION: f64 = 0.95_f32 as f64;
/// Clusters are forgotten this long after their last arrival; none may last
/// longer.
const CLUSTER_TIMEOUT: Delta = Delta::from_secs(1);
/// Clusters that can be under way at once.
const CLUSTERS: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Cluster {
    id: u32,
    packets: u32,
    size: Size,
    first_sent: Stamp,
    last_sent: Stamp,
    first_received: Stamp,
    last_received: Stamp,
    size_last_sent: Size,
    size_first_received: Size,
}

impl Cluster {
    const fn starting_with(packet: &Arrival, id: u32) -> Self {
        Self {
            id,
            packets: 0,
            size: Size::ZERO,
            first_sent: packet.sent,
            last_sent: packet.sent,
            first_received: packet.received,
            last_received: packet.received,
            size_last_sent: packet.size,
            size_first_received: packet.size,
        }
    }

    fn add(&mut self, packet: &Arrival) {
        self.first_sent = self.first_sent.min(packet.sent);
        if packet.sent > self.last_sent {
            self.last_sent = packet.sent;
            self.size_last_sent = packet.size;
        }
        if packet.received < self.first_received {
            self.first_received = packet.received;
            self.size_first_received = packet.size;
        }
        self.last_received = self.last_received.max(packet.received);
        self.size = self.size + packet.size;
        self.packets += 1;
    }

    fn rate(&self, asked: &ProbeCluster) -> Option<Rate> {
        let least_packets = (f64::from(asked.min_packets) * LEAST_SHARE) as u32;
        let least_size = Size::from(asked.min_bytes) * LEAST_SHARE;
        if self.packets < least_packets || self.size < least_size {
            return None;
        }
        let sending = self.last_sent - self.first_sent;
        let receiving = self.last_received - self.first_received;
        let plausible = |time: Delta| time > Delta::ZERO && time <= CLUSTER_TIMEOUT;
        if !plausible(sending) || !plausible(receiving) {
            return None;
        }
        // The time of sending ends before the last packet, the time of
        // receiving begins after the first.
        let send_rate = (self.size - self.size_last_sent) / sending;
        let receive_rate = (self.size - self.size_first_received) / receiving;
        if receive_rate / send_rate > LARGEST_RATIO {
            return None;
        }
        Some(if receive_rate < send_rate * UNSATURATED_RATIO {
            receive_rate * UTILIZATION
        } else {
            send_rate.min(receive_rate)
        })
    }
}

/// Collects clusters.
#[derive(Debug, Clone)]
pub(super) struct ProbeEstimator {
    clusters: Vec<Cluster>,
    latest: Option<Rate>,
}

impl ProbeEstimator {
    pub(super) fn new() -> Self {
        Self {
            clusters: Vec::with_capacity(CLUSTERS),
            latest: None,
        }
    }

    pub(super) fn reset(&mut self) {
        self.clusters.clear();
        self.latest = None;
    }

    /// Takes a packet that arrived; without a cluster it changes nothing.
    pub(super) fn on_packet(&mut self, packet: &Arrival) {
        let Some(asked) = packet.probe else { return };
        self.clusters
            .retain(|cluster| cluster.last_received + CLUSTER_TIMEOUT >= packet.received);
        let place = self
            .clusters
            .iter()
            .position(|cluster| cluster.id == asked.id)
            .unwrap_or_else(|| {
                if self.clusters.len() == CLUSTERS {
                    self.clusters.remove(0);
                }
                self.clusters.push(Cluster::starting_with(packet, asked.id));
                self.clusters.len() - 1
            });
        let cluster = &mut self.clusters[place];
        cluster.add(packet);
        self.latest = cluster.rate(&asked).or(self.latest);
    }

    /// The latest result, once.
    pub(super) const fn take(&mut self) -> Option<Rate> {
        self.latest.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::{Bitrate, Bytes, Span, Time};

    /// Packet of a cluster of at least 5 packets and 1688 bytes.
    fn packet(number: u64, sent_us: u64, received_us: u64) -> Arrival {
        Arrival {
            number,
            sent: Time::from_micros(sent_us).into(),
            received: Time::from_micros(received_us).into(),
            size: Size::from_bytes(1_000),
            probe: Some(ProbeCluster {
                id: 1,
                rate: Bitrate::from_kbps(900),
                min_packets: 5,
                min_bytes: Bytes::new(1_688),
                duration: Span::from_millis(15),
            }),
        }
    }

    fn probe(packets: impl IntoIterator<Item = Arrival>) -> Option<Rate> {
        let mut estimator = ProbeEstimator::new();
        packets
            .into_iter()
            .for_each(|packet| estimator.on_packet(&packet));
        estimator.take()
    }

    #[test]
    fn rate_is_the_lower_of_sent_and_received() {
        // 8000 bits each 10 ms out, each 10.5 ms in.
        let result = probe((0..5).map(|k| packet(k, k * 10_000, 50_000 + k * 10_500)));
        assert_eq!(result, Some(Rate::from_bps(761_904)));
    }

    #[test]
    fn full_link_is_used_to_95_per_cent() {
        let result = probe((0..5).map(|k| packet(k, k * 1_000, 50_000 + k * 8_000)));
        assert_eq!(result, Some(Rate::from_kbps(950)));
    }

    #[test]
    fn four_of_five_are_enough_and_three_are_not() {
        let sent = |k| packet(k, k * 10_000, 50_000 + k * 10_000);
        assert_eq!(probe([0, 1, 3, 4].map(sent)), Some(Rate::from_kbps(600)));
        assert_eq!(probe([0, 2, 4].map(sent)), None);
    }

    #[test]
    fn implausible_clusters_tell_nothing() {
        assert_eq!(probe((0..5).map(|k| packet(k, k * 10_000, 50_000))), None);
        assert_eq!(
            probe((0..5).map(|k| packet(k, 0, 50_000 + k * 1_000))),
            None
        );
        // Received more than twice as fast as sent.
        assert_eq!(
            probe((0..5).map(|k| packet(k, k * 10_000, 90_000 + k * 4_900))),
            None
        );
        assert!(probe((0..5).map(|k| packet(k, k * 10_000, 90_000 + k * 5_000))).is_some());
    }

    #[test]
    fn clusters_are_forgotten_a_second_after_their_last_arrival() {
        let late = |k: u64| {
            packet(
                k,
                k * 10_000,
                if k < 3 { 50_000 } else { 1_050_001 } + k * 10_000,
            )
        };
        assert_eq!(probe((0..5).map(late)), None);
    }
}
