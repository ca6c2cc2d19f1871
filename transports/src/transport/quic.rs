//! How many bytes QUIC takes on the wire.
//!
//! Implements: over IPv4 and UDP the short header (RFC 9000, section 17.3.1) with
//! a connection id of 8 bytes and a packet number of 4, the authentication tag
//! (RFC 9001, section 5.3); STREAM and ACK frames (RFC 9000, sections 19.8 and
//! 19.3) with offsets of 8 bytes, lengths and gaps of 2; DATAGRAM frames with a
//! length (RFC 9221, section 4).

use weaknet_core::packet::Ack;

/// Short header with connection id and packet number.
pub(crate) const SHORT_HEADER: u32 = 1 + 8 + 4;
/// Authentication tag.
pub(crate) const TAG: u32 = 16;
/// All of a packet but its frames, from the IP header on.
pub(crate) const PACKET: u32 = 20 + 8 + SHORT_HEADER + TAG;
/// STREAM frame: type, id, offset, length.
pub(crate) const STREAM_FRAME: u32 = 1 + 1 + 8 + 2;
/// DATAGRAM frame: type, length.
pub(crate) const DATAGRAM_FRAME: u32 = 1 + 2;
/// ACK frame: type, largest, delay, count, first range.
const ACK_FRAME: u32 = 1 + 4 + 2 + 1 + 2;
/// Each further gap and range.
const ACK_RANGE: u32 = 2 + 2;
/// Three counts of ECN codepoints.
const ECN_COUNTS: u32 = 3 * 4;
/// An arrival time: the difference to the one before.
const ARRIVAL: u32 = 2;

/// Bytes of the arrival times of an acknowledgement.
pub(crate) fn arrival_times(ack: &Ack) -> u32 {
    let more = ack.more.as_deref();
    more.map_or(0, |more| ARRIVAL * count(more.arrivals.len()))
}

/// Bytes of a packet that is an acknowledgement and nothing else.
pub(crate) fn ack_size(ack: &Ack) -> u32 {
    let further = ack.more.as_deref().map_or(0, |more| {
        let ecn = if more.ecn == [0; 3] { 0 } else { ECN_COUNTS };
        ecn + ACK_RANGE * count(more.ranges.len())
    });
    PACKET + ACK_FRAME + further + arrival_times(ack)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX / ECN_COUNTS)
}
