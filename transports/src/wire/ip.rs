//! IPv4 and UDP headers, and what TCP has in common with them.
//!
//! Implements: RFC 791, RFC 768, the ECN field of RFC 3168 and RFC 9331,
//! checksums by RFC 1071, the UDP checksum of a damaged packet being wrong.
//! Identification is the low half of the packet's id,
//! DF is set, TTL is 64 less the links left behind.

use std::net::{Ipv4Addr, SocketAddrV4};

use weaknet_core::packet::{Ecn, Packet};

use super::Addresses;
use super::read::{Datagram, WireError};

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

/// Reads both headers.
pub(super) fn read(bytes: &[u8]) -> Result<Datagram<'_>, WireError> {
    let (header, rest) = bytes.split_first_chunk::<IP>().ok_or(WireError::Short)?;
    if header[0] != 0x45 {
        return Err(WireError::Version);
    }
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let length = total.checked_sub(IP).ok_or(WireError::Length)?;
    let udp = rest.get(..length).ok_or(WireError::Short)?;
    let ([s0, s1, d0, d1, l0, l1, c0, c1], payload) =
        udp.split_first_chunk::<8>().ok_or(WireError::Short)?;
    if header[9] != UDP {
        return Err(WireError::Kind);
    }
    if usize::from(u16::from_be_bytes([*l0, *l1])) != length {
        return Err(WireError::Length);
    }
    if checksum(0, header) != 0 {
        return Err(WireError::Checksum);
    }
    let pseudo = sum_words(u64::from(UDP) + length as u64, &header[12..20]);
    // Zero: there is none.
    if [*c0, *c1] != [0; 2] && checksum(pseudo, udp) != 0 {
        return Err(WireError::Checksum);
    }
    let end = |host: &[u8], port: [u8; 2]| {
        let host = host.first_chunk::<4>().copied().unwrap_or_default();
        SocketAddrV4::new(Ipv4Addr::from(host), u16::from_be_bytes(port))
    };
    Ok(Datagram {
        ends: Addresses {
            from: end(&header[12..16], [*s0, *s1]),
            to: end(&header[16..20], [*d0, *d1]),
        },
        id: u16::from_be_bytes([header[4], header[5]]),
        ttl: header[8],
        ecn: match header[1] & 3 {
            0 => Ecn::NotEct,
            1 => Ecn::Ect1,
            2 => Ecn::Ect0,
            _ => Ecn::Ce,
        },
        payload,
    })
}

/// A sum that is the one's complement sum once its carries are folded: words of
/// 32 bits do as well as those of 16 (RFC 1071, section 2).
/// The sum of 16-bit words, taken eight bytes at a time: two words or four make no
/// difference to a one's complement sum (RFC 1071, section 2).
fn sum_words(start: u64, bytes: &[u8]) -> u64 {
    let halves = |eight: [u8; 8]| {
        let eight = u64::from_be_bytes(eight);
        (eight >> 32) + (eight & 0xffff_ffff)
    };
    let (whole, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let sum: u64 = whole.iter().map(|eight| halves(*eight)).sum();
    start + sum + halves(last)
}

/// The one's complement of the one's complement sum.
pub(super) fn checksum(start: u64, bytes: &[u8]) -> u16 {
    let mut sum = sum_words(start, bytes);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
