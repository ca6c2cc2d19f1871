//! IPv4 and UDP headers, and what TCP has in common with them.
//!
//! Implements: RFC 791, RFC 768, the ECN field of RFC 3168 and RFC 9331,
//! checksums by RFC 1071, the UDP checksum of a damaged packet being wrong.
//! Identification is the low half of the packet's id,
//! DF is set, TTL is 64 less the links left behind.

use weaknet_core::packet::{Ecn, Packet};

use super::Addresses;

pub(super) const IP: usize = 20;
pub(super) const UDP: u8 = 17;
const TTL: u8 = 64;
const DONT_FRAGMENT: u16 = 0x4000;

/// Bytes of both headers.
pub(super) const HEADERS: usize = IP + 8;

/// Writes both headers in front of a UDP payload: into the first bytes of
/// `datagram`, which has at least that many and at most 65535.
pub(super) fn write_headers(packet: &Packet, ends: &Addresses, datagram: &mut [u8]) {
    let total = u16::try_from(datagram.len()).unwrap_or(u16::MAX);
    let Some((header, udp)) = datagram.split_first_chunk_mut::<IP>() else {
        return;
    };
    write_ip_header(packet, ends, UDP, total, header);

    let length = total.saturating_sub(IP as u16);
    udp[0..2].copy_from_slice(&ends.from.port().to_be_bytes());
    udp[2..4].copy_from_slice(&ends.to.port().to_be_bytes());
    udp[4..6].copy_from_slice(&length.to_be_bytes());
    // Zero would mean that there is none.
    let sum = match checksum(pseudo_header(UDP, header, length), udp) {
        0 => u16::MAX,
        sum => sum,
    };
    let sum = match (packet.damaged, sum) {
        (false, _) => sum,
        (true, 1) => u16::MAX,
        (true, _) => sum ^ 1,
    };
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
}

/// The sum over the pseudo header of UDP and TCP: addresses, protocol, length.
pub(super) fn pseudo_header(protocol: u8, header: &[u8; IP], length: u16) -> u64 {
    sum_words(u64::from(protocol) + u64::from(length), &header[12..20])
}

/// Writes the IPv4 header of a datagram of `total` bytes.
pub(super) fn write_ip_header(
    packet: &Packet,
    ends: &Addresses,
    protocol: u8,
    total: u16,
    header: &mut [u8; IP],
) {
    let ecn = match packet.ecn {
        Ecn::NotEct => 0,
        Ecn::Ect1 => 1,
        Ecn::Ect0 => 2,
        Ecn::Ce => 3,
    };
    header[0] = 0x45;
    header[1] = ecn;
    header[2..4].copy_from_slice(&total.to_be_bytes());
    header[4..6].copy_from_slice(&(packet.id as u16).to_be_bytes());
    header[6..8].copy_from_slice(&DONT_FRAGMENT.to_be_bytes());
    header[8] = TTL.saturating_sub(packet.hop).max(1);
    header[9] = protocol;
    header[12..16].copy_from_slice(&ends.from.ip().octets());
    header[16..20].copy_from_slice(&ends.to.ip().octets());
    let sum = checksum(0, header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
}

fn sum_words(start: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let odd = rest.first().map_or(0, |&last| u64::from(last) << 8);
    words.iter().fold(start + odd, |sum, &word| {
        sum + u64::from(u16::from_be_bytes(word))
    })
}

/// The one's complement of the one's complement sum.
pub(super) fn checksum(start: u64, bytes: &[u8]) -> u16 {
    let mut sum = sum_words(start, bytes);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
