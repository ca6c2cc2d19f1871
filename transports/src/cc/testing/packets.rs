//! Packets and reports made by hand.

use weaknet_core::packet::Ecn;
use weaknet_core::{Bytes, Time};

use crate::cc::{DeliverySnapshot, Feedback, FeedbackKind, PacketResult, SentKind, SentPacket};

/// A packet that arrived.
pub(crate) fn received(number: u64, sent: Time, at: Time, size: u64) -> PacketResult {
    PacketResult {
        received: Some(at),
        ..lost(number, sent, size)
    }
}

/// A packet reported lost.
pub(crate) const fn lost(number: u64, sent: Time, size: u64) -> PacketResult {
    PacketResult {
        sent: SentPacket {
            number,
            at: sent,
            size: Bytes::new(size),
            kind: SentKind::Video,
            probe: None,
            in_flight: Bytes::new(size),
            app_limited: false,
        },
        received: None,
        ecn: Ecn::NotEct,
        recovered: false,
        delivery: DeliverySnapshot {
            delivered: Bytes::ZERO,
            delivered_at: Time::ZERO,
            first_sent_at: Time::ZERO,
            lost: Bytes::ZERO,
        },
    }
}

/// A report of `packets` with nothing left in flight, made at the newest
/// arrival.
pub(crate) const fn report(now: Time, packets: &[PacketResult]) -> Feedback<'_> {
    Feedback {
        now,
        made: None,
        packets,
        in_flight: Bytes::ZERO,
        prior_in_flight: Bytes::ZERO,
        kind: FeedbackKind::PerPacket,
    }
}
