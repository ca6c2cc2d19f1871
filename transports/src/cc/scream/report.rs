//! What a report says, in the sums that the rest works on.
//!
//! Implements: ScreamFeedback of libwebrtc (modules/congestion_controller/
//! scream/scream_feedback, July 2026).
//! Differs: the longest one-way delay is that of the report's packets, not at
//! least zero, so that a constant offset between the two clocks, which
//! libwebrtc removes before, changes nothing.

use weaknet_core::packet::Ecn;

use crate::cc::units::{Delta, Size, Stamp};
use crate::cc::{Feedback, PacketResult};

/// A report in which at least one packet arrived.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Report {
    /// When it reached the sender.
    pub(super) at: Stamp,
    /// Bytes in flight after it.
    pub(super) in_flight: Size,
    /// Packets that arrived.
    pub(super) received: u32,
    /// Those of them that carry a congestion mark.
    pub(super) marked: u32,
    /// Packets lost.
    pub(super) lost: u32,
    /// Packets reported lost before that arrived after all.
    pub(super) recovered: u32,
    /// Bytes of all packets without a mark, lost ones included.
    pub(super) unmarked: Size,
    /// Shortest one-way delay, by the two clocks.
    pub(super) least_delay: Delta,
    /// Longest one-way delay.
    pub(super) most_delay: Delta,
    /// Time from the first arrival to the making of the report.
    pub(super) hold: Delta,
    /// Round trip of the last arrival, without the time that it was held.
    pub(super) rtt: Delta,
}

impl Report {
    /// Sums up the feedback; `None` when no packet arrived.
    pub(super) fn of(feedback: &Feedback<'_>) -> Option<Self> {
        let arrivals = || {
            feedback
                .packets
                .iter()
                .filter_map(|packet| Some((packet, Stamp::from(packet.received?))))
        };
        // In order of arrival, then of departure.
        let order = |(packet, arrived): &(&PacketResult, Stamp)| {
            (*arrived, Stamp::from(packet.sent.at), packet.sent.number)
        };
        let (_, first_arrival) = arrivals().min_by_key(order)?;
        let (last, last_arrival) = arrivals().max_by_key(order)?;
        let waited = feedback.made.map_or(Delta::ZERO, |made| {
            (Stamp::from(made) - last_arrival).max(Delta::ZERO)
        });
        let delays = || arrivals().map(|(packet, arrived)| arrived - packet.sent.at.into());
        let at = Stamp::from(feedback.now);
        let mut report = Self {
            at,
            in_flight: feedback.in_flight.into(),
            received: 0,
            marked: 0,
            lost: 0,
            recovered: 0,
            unmarked: Size::ZERO,
            least_delay: delays().min()?,
            most_delay: delays().max()?,
            hold: (last_arrival - first_arrival) + waited,
            rtt: (at - last.sent.at.into() - waited).max(Delta::ZERO),
        };
        feedback
            .packets
            .iter()
            .for_each(|packet| report.count(packet));
        Some(report)
    }

    fn count(&mut self, packet: &PacketResult) {
        let marked = packet.ecn == Ecn::Ce;
        if !marked {
            self.unmarked = self.unmarked + packet.sent.size.into();
        }
        if packet.received.is_some() {
            self.received += 1;
            self.marked += u32::from(marked);
            self.recovered += u32::from(packet.recovered);
        } else {
            self.lost += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::Time;

    use super::*;
    use crate::cc::scream::testing::{lost, received, report};

    #[test]
    fn hold_and_round_trip_leave_out_the_wait_at_the_receiver() {
        let packets = [
            received(0, 0, 30, 1_000),
            received(1, 10, 50, 1_000),
            // Overtaken: the last to arrive was not the last to leave.
            received(2, 20, 48, 500),
        ];
        let mut feedback = report(Time::from_millis(90), &packets);
        let digest = Report::of(&feedback).unwrap();
        assert_eq!(digest.hold, Delta::from_millis(20));
        assert_eq!(digest.rtt, Delta::from_millis(80));
        feedback.made = Some(Time::from_millis(60));
        let digest = Report::of(&feedback).unwrap();
        assert_eq!(digest.hold, Delta::from_millis(30));
        assert_eq!(digest.rtt, Delta::from_millis(70));
        assert_eq!(digest.least_delay, Delta::from_millis(28));
        assert_eq!(digest.most_delay, Delta::from_millis(40));
    }

    #[test]
    fn marked_bytes_do_not_count_and_lost_ones_do() {
        let mut packets = [
            received(0, 0, 30, 1_000),
            lost(1, 5, 700),
            received(2, 10, 40, 500),
        ];
        packets[0].ecn = Ecn::Ce;
        packets[2].recovered = true;
        let digest = Report::of(&report(Time::from_millis(90), &packets)).unwrap();
        assert_eq!(digest.unmarked, Size::from_bytes(1_200));
        let counts = [
            digest.received,
            digest.marked,
            digest.lost,
            digest.recovered,
        ];
        assert_eq!(counts, [2, 1, 1, 1]);
    }

    #[test]
    fn nothing_arrived_nothing_learnt() {
        let packets = [lost(1, 5, 700)];
        assert_eq!(Report::of(&report(Time::from_millis(90), &packets)), None);
    }
}
