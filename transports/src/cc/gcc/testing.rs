//! Packets for tests.

use weaknet_core::packet::Ecn;
use weaknet_core::{Bytes, Time};

use crate::cc::{DeliverySnapshot, PacketResult, SentKind, SentPacket};

fn sent(number: u64, at_ms: u64, size: u64) -> SentPacket {
    SentPacket {
        number,
        at: Time::from_millis(at_ms),
        size: Bytes::new(size),
        kind: SentKind::Video,
        probe: None,
        in_flight: Bytes::new(size),
        app_limited: false,
    }
}

/// A packet reported lost.
pub(super) fn lost(number: u64, sent_ms: u64, size: u64) -> PacketResult {
    PacketResult {
        sent: sent(number, sent_ms, size),
        received: None,
        ecn: Ecn::NotEct,
        recovered: false,
        delivery: DeliverySnapshot::default(),
    }
}

/// A packet that arrived.
pub(super) fn received(number: u64, sent_ms: u64, received_ms: u64, size: u64) -> PacketResult {
    PacketResult {
        received: Some(Time::from_millis(received_ms)),
        ..lost(number, sent_ms, size)
    }
}
