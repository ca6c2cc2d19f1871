//! Packets that left together form a group; consecutive groups are compared
//! by how far apart they left and how far apart they arrived.
//!
//! Implements: InterArrivalDelta of libwebrtc (modules/congestion_controller/
//! goog_cc/inter_arrival_delta, July 2026); draft-ietf-rmcat-gcc-02, section
//! 5.2, with bursts absorbed for up to 100 ms.
//! Not modelled: the difference in size, which nothing uses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::Span;

use super::units::{Delta, Stamp};

/// How packets are grouped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GroupingConfig {
    /// Packets sent within this time of a group's first belong to it (5 ms,
    /// delay_based_bwe).
    pub group: Span,
    /// A packet that arrives this soon after the previous one, and closer to
    /// it than it was sent, belongs to the same burst (5 ms,
    /// inter_arrival_delta).
    pub burst_gap: Span,
    /// A burst takes no packet that arrives this late after its first (100 ms,
    /// inter_arrival_delta).
    pub burst_limit: Span,
}

impl Default for GroupingConfig {
    fn default() -> Self {
        Self {
            group: Span::from_millis(5),
            burst_gap: Span::from_millis(5),
            burst_limit: Span::from_millis(100),
        }
    }
}

/// By how much the arrival clock may run ahead of the sender's between two
/// groups before it must have been set anew.
const CLOCK_JUMP: Delta = Delta::from_secs(3);
/// Groups that arrived before their predecessor until the clock must have been
/// set back.
const BACKWARD_LIMIT: u32 = 3;

/// What lies between two groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupDelta {
    /// Between the last packets' departures.
    pub(super) sent: Delta,
    /// Between the last packets' arrivals.
    pub(super) received: Delta,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: Stamp,
    last_sent: Stamp,
    first_received: Stamp,
    last_received: Stamp,
    reported: Stamp,
}

/// Groups packets and measures between groups.
#[derive(Debug, Clone)]
pub(super) struct InterArrival {
    group: Delta,
    burst_gap: Delta,
    burst_limit: Delta,
    current: Option<Group>,
    previous: Option<Group>,
    backward: u32,
}

impl InterArrival {
    pub(super) fn new(config: &GroupingConfig) -> Self {
        Self {
            group: config.group.into(),
            burst_gap: config.burst_gap.into(),
            burst_limit: config.burst_limit.into(),
            current: None,
            previous: None,
            backward: 0,
        }
    }

    /// Takes a packet in order of arrival, `reported` at the sender's clock;
    /// yields the difference of the two groups before the one it opens.
    pub(super) fn on_packet(
        &mut self,
        sent: Stamp,
        received: Stamp,
        reported: Stamp,
    ) -> Option<GroupDelta> {
        let Some(current) = self.current else {
            self.open(sent, received, reported);
            return None;
        };
        if sent < current.first_sent {
            return None;
        }
        if !self.opens_group(&current, sent, received) {
            self.current = Some(Group {
                last_sent: current.last_sent.max(sent),
                last_received: received,
                reported,
                ..current
            });
            return None;
        }
        let mut delta = None;
        if let Some(previous) = self.previous {
            let between = GroupDelta {
                sent: current.last_sent - previous.last_sent,
                received: current.last_received - previous.last_received,
            };
            if between.received - (current.reported - previous.reported) >= CLOCK_JUMP {
                self.reset();
                return None;
            }
            if between.received < Delta::ZERO {
                self.backward += 1;
                if self.backward >= BACKWARD_LIMIT {
                    self.reset();
                }
                return None;
            }
            self.backward = 0;
            delta = Some(between);
        }
        self.previous = Some(current);
        self.open(sent, received, reported);
        delta
    }

    fn opens_group(&self, current: &Group, sent: Stamp, received: Stamp) -> bool {
        let since_sent = sent - current.last_sent;
        let since_received = received - current.last_received;
        let burst = since_sent == Delta::ZERO
            || (since_received < since_sent
                && since_received <= self.burst_gap
                && received - current.first_received < self.burst_limit);
        !burst && sent - current.first_sent > self.group
    }

    const fn open(&mut self, sent: Stamp, received: Stamp, reported: Stamp) {
        self.current = Some(Group {
            first_sent: sent,
            last_sent: sent,
            first_received: received,
            last_received: received,
            reported,
        });
    }

    const fn reset(&mut self) {
        self.current = None;
        self.previous = None;
        self.backward = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Time;

    fn at(ms: i64) -> Stamp {
        Stamp::from(Time::from_millis(ms as u64))
    }

    fn feed(grouping: &mut InterArrival, packets: &[(i64, i64)]) -> Vec<Option<(i64, i64)>> {
        packets
            .iter()
            .map(|&(sent, received)| {
                grouping
                    .on_packet(at(sent), at(received), at(received + 30))
                    .map(|d| (d.sent.as_millis(), d.received.as_millis()))
            })
            .collect()
    }

    #[test]
    fn third_group_yields_the_first_difference() {
        let mut grouping = InterArrival::new(&GroupingConfig::default());
        let deltas = feed(
            &mut grouping,
            &[(0, 30), (5, 36), (20, 51), (25, 60), (40, 71), (60, 95)],
        );
        assert_eq!(
            deltas,
            [None, None, None, None, Some((20, 24)), Some((15, 11))]
        );
    }

    #[test]
    fn bursts_extend_a_group_and_packets_from_before_it_are_left_out() {
        let mut grouping = InterArrival::new(&GroupingConfig::default());
        // Sent 10 ms apart, arriving together: one group.
        let packets = [(0, 50), (10, 51), (20, 52), (60, 100), (90, 130)];
        assert_eq!(
            feed(&mut grouping, &packets),
            [None, None, None, None, Some((40, 48))]
        );
        // Sent before the latest group began: its arrival does not count.
        assert_eq!(
            feed(&mut grouping, &[(80, 140), (120, 170)]),
            [None, Some((30, 30))]
        );
    }

    #[test]
    fn a_burst_ends_after_a_tenth_of_a_second() {
        let mut grouping = InterArrival::new(&GroupingConfig::default());
        let burst: Vec<_> = (0..30).map(|k| (10 * k, 500 + 4 * k)).collect();
        let deltas = feed(&mut grouping, &burst);
        // The 26th packet arrives 100 ms after the first and opens a group.
        assert!(deltas.iter().all(Option::is_none));
        assert_eq!(feed(&mut grouping, &[(400, 700)]), [Some((50, 20))]);
    }

    #[test]
    fn clock_jump_of_three_seconds_starts_anew() {
        let mut grouping = InterArrival::new(&GroupingConfig::default());
        for k in 0..3 {
            grouping.on_packet(at(20 * k), at(20 * k + 30), at(20 * k + 60));
        }
        // The receiver's clock jumps; the sender's does not.
        grouping.on_packet(at(60), at(3_090), at(120));
        assert_eq!(grouping.on_packet(at(80), at(3_110), at(140)), None);
        assert!(grouping.current.is_none() && grouping.previous.is_none());
    }

    #[test]
    fn third_backward_group_starts_anew() {
        let mut grouping = InterArrival::new(&GroupingConfig::default());
        feed(&mut grouping, &[(0, 500), (20, 520), (40, 100)]);
        for sent in [60, 80, 100] {
            assert!(grouping.current.is_some());
            assert_eq!(
                grouping.on_packet(at(sent), at(sent + 60), at(sent + 90)),
                None
            );
        }
        assert!(grouping.current.is_none());
    }
}
