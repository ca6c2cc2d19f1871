//! What the ends of all workloads send.

use weaknet_core::Time;
use weaknet_core::packet::{Ecn, FlowId, Leg, Packet, Payload, Protocol};

/// A packet as a node sends it.
pub(super) fn packet(leg: Leg, id: u64, size: u32, now: Time, payload: Payload) -> Packet {
    Packet {
        id,
        flow: FlowId(0),
        leg,
        path: 0,
        hop: 0,
        ecn: Ecn::NotEct,
        damaged: false,
        protocol: Protocol::Udp,
        size,
        sent: now,
        payload,
    }
}
