//! Packets that left together form a group; the variation of the one-way delay
//! is taken from group to group.
//!
//! Implements: draft-ietf-rmcat-gcc-02, sections 5.1 and 5.2. Times are those
//! of the last packet of a group; packets out of order are passed over.

use weaknet_core::{Span, Time};

/// Two groups that follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Variation {
    /// Between their departures.
    pub(super) sent: Span,
    /// Their arrivals lie this much farther apart, in ms.
    pub(super) delay_ms: f64,
    /// Arrival of the second, by the receiver's clock.
    pub(super) arrival: Time,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: Time,
    sent: Time,
    arrival: Time,
}

/// Sorts packets into groups.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    burst_time: Span,
    current: Option<Group>,
    previous: Option<Group>,
}

impl Groups {
    pub(super) const fn new(burst_time: Span) -> Self {
        Self {
            burst_time,
            current: None,
            previous: None,
        }
    }

    /// Takes a packet; when it opens a group, how the one that it closes lies
    /// to the one before.
    pub(super) fn on_packet(&mut self, sent: Time, arrival: Time) -> Option<Variation> {
        let Some(current) = &mut self.current else {
            self.open(sent, arrival);
            return None;
        };
        if sent < current.sent || arrival < current.arrival {
            return None;
        }
        let apart = arrival - current.arrival;
        let burst = apart < self.burst_time && apart < sent - current.sent;
        if sent - current.first_sent <= self.burst_time || burst {
            current.sent = sent;
            current.arrival = arrival;
            return None;
        }
        let closed = *current;
        let variation = self.previous.map(|previous| Variation {
            sent: closed.sent - previous.sent,
            delay_ms: (closed.arrival - previous.arrival).as_millis_f64()
                - (closed.sent - previous.sent).as_millis_f64(),
            arrival: closed.arrival,
        });
        self.previous = Some(closed);
        self.open(sent, arrival);
        variation
    }

    const fn open(&mut self, sent: Time, arrival: Time) {
        self.current = Some(Group {
            first_sent: sent,
            sent,
            arrival,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(packets: &[(u64, u64)]) -> Vec<Option<(u64, f64)>> {
        let mut groups = Groups::new(Span::from_millis(5));
        let ms = Time::from_millis;
        packets
            .iter()
            .map(|(sent, arrival)| {
                let variation = groups.on_packet(ms(*sent), ms(*arrival))?;
                Some((variation.sent.as_millis(), variation.delay_ms))
            })
            .collect()
    }

    #[test]
    fn the_third_group_closes_the_second() {
        let packets = [(0, 30), (5, 36), (20, 51), (25, 60), (40, 71), (60, 95)];
        let expected = [None, None, None, None, Some((20, 4.0)), Some((15, -4.0))];
        assert_eq!(feed(&packets), expected);
    }

    #[test]
    fn a_burst_on_arrival_is_one_group() {
        let packets = [(0, 50), (10, 54), (20, 58), (60, 100), (90, 130)];
        assert_eq!(feed(&packets), [None, None, None, None, Some((40, 2.0))]);
        // 5 ms apart is no burst any more.
        let packets = [(0, 50), (10, 55), (20, 60)];
        assert_eq!(feed(&packets), [None, None, Some((10, -5.0))]);
    }

    #[test]
    fn packets_out_of_order_are_passed_over() {
        let packets = [(0, 30), (20, 50), (10, 55), (40, 45), (50, 80)];
        assert_eq!(feed(&packets), [None, None, None, None, Some((20, 0.0))]);
    }
}
