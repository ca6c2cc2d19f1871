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
