//! Packets are moved by the million: what they carry must not make them larger.

use weaknet_core::packet::{Packet, Payload, Rtp};

#[test]
fn an_rtp_packet_is_the_largest_payload() {
    assert_eq!(size_of::<Payload>(), size_of::<Rtp>());
    assert_eq!(size_of::<Packet>(), size_of::<Rtp>() + 32);
}
