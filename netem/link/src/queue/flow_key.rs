//! What a queue takes for one flow: what has one five-tuple in a real network.

use weaknet_core::packet::{FlowId, Leg, Packet};
use weaknet_core::rng::Draws;

/// Flow, direction and path of a packet. The media of one call share it, as
/// they share ports (RFC 8843).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FlowKey {
    flow: FlowId,
    leg: Leg,
    path: u8,
}

impl FlowKey {
    pub(super) const fn of(packet: &Packet) -> Self {
        Self {
            flow: packet.flow,
            leg: packet.leg,
            path: packet.path,
        }
    }

    /// One of `queues` queues (above zero) by a salted hash: the upper half of
    /// the hash, scaled.
    pub(super) fn queue(self, salt: u64, queues: u32) -> usize {
        let leg = u64::from(self.leg == Leg::Return);
        let packed = u64::from(self.flow.0) << 16 | leg << 8 | u64::from(self.path);
        let hash = Draws::from_key(salt).bits(packed) >> 32;
        ((hash * u64::from(queues)) >> 32) as usize
    }
}
