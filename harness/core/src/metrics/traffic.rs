//! Which packets count as a flow's traffic.

use weaknet_core::packet::{Class, Leg, Tag};

/// Whether a packet is what the flow's sender puts on the wire for its
/// receiver: media, retransmissions, repair, padding and bulk data, but not
/// RTCP and not connectivity checks (contract section 4, `send_rate_kbps`).
#[must_use]
pub fn is_flow_traffic(packet: &Tag) -> bool {
    packet.leg == Leg::Outward && !matches!(packet.class, Class::Rtcp | Class::Session)
}
