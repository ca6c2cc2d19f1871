//! Packets and reports for tests.

use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Bytes, Time};

use crate::cc::units::{Delta, Size};
use crate::cc::{
    Constraints, DeliverySnapshot, Feedback, FeedbackKind, PacketResult, SentKind, SentPacket,
};

use super::report::Report;

/// 50 kbps, 300 kbps, 5 Mbps.
pub(super) fn constraints() -> Constraints {
    Constraints {
        min: Bitrate::from_kbps(50),
        start: Bitrate::from_kbps(300),
        max: Bitrate::from_mbps(5),
    }
}

/// A packet as it is sent.
pub(super) fn sent(number: u64, at: Time, size: u64, in_flight: u64) -> SentPacket {
    SentPacket {
        number,
        at,
        size: Bytes::new(size),
        kind: SentKind::Video,
        probe: None,
        in_flight: Bytes::new(in_flight),
        app_limited: false,
    }
}

/// What became of it.
pub(super) fn result(sent: SentPacket, received: Option<Time>) -> PacketResult {
    PacketResult {
        sent,
        received,
        ecn: Ecn::Ect1,
        recovered: false,
        delivery: DeliverySnapshot::default(),
    }
}

/// A packet reported lost.
pub(super) fn lost(number: u64, sent_ms: u64, size: u64) -> PacketResult {
    result(sent(number, Time::from_millis(sent_ms), size, size), None)
}

/// A packet that arrived.
pub(super) fn received(number: u64, sent_ms: u64, received_ms: u64, size: u64) -> PacketResult {
    let packet = sent(number, Time::from_millis(sent_ms), size, size);
    result(packet, Some(Time::from_millis(received_ms)))
}

/// A report of `packets` with nothing left in flight.
pub(super) fn report(now: Time, packets: &[PacketResult]) -> Feedback<'_> {
    Feedback {
        now,
        made: None,
        packets,
        in_flight: Bytes::ZERO,
        prior_in_flight: Bytes::ZERO,
        kind: FeedbackKind::PerPacket,
    }
}

/// The sums of a report without news: one packet of no bytes, no queue.
pub(super) fn digest(at_ms: u64) -> Report {
    Report {
        at: Time::from_millis(at_ms).into(),
        in_flight: Size::ZERO,
        received: 1,
        marked: 0,
        lost: 0,
        recovered: 0,
        unmarked: Size::ZERO,
        least_delay: Delta::from_millis(25),
        most_delay: Delta::from_millis(25),
        hold: Delta::ZERO,
        rtt: Delta::from_millis(50),
    }
}
