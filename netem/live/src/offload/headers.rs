//! Where things stand in an IP packet with TCP or UDP.

use super::checksum::{fold, sum};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// The headers of a packet that can be cut or joined: neither a fragment nor with
/// extension headers of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Headers {
    pub(super) is_v6: bool,
    pub(super) is_tcp: bool,
    /// Bytes of the IP header.
    pub(super) ip: usize,
    /// Bytes of all headers.
    pub(super) all: usize,
}

impl Headers {
    pub(super) fn of(packet: &[u8]) -> Option<Self> {
        let first = *packet.first()?;
        let (is_v6, ip, protocol) = match first >> 4 {
            4 => {
                let fragment = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]);
                if fragment & 0x3fff != 0 {
                    return None;
                }
                (false, usize::from(first & 0xf) * 4, *packet.get(9)?)
            }
            6 => (true, 40, *packet.get(6)?),
            _ => return None,
        };
        if ip < 20 {
            return None;
        }
        let (is_tcp, transport) = match protocol {
            TCP => (true, usize::from(packet.get(ip + 12)? >> 4) * 4),
            UDP => (false, 8),
            _ => return None,
        };
        let all = ip + transport;
        let is_whole = transport >= 8 && packet.len() >= all && (!is_tcp || transport >= 20);
        is_whole.then_some(Self {
            is_v6,
            is_tcp,
            ip,
            all,
        })
    }

    /// Where the checksum of the transport stands, from its header on.
    pub(super) const fn checksum_offset(&self) -> usize {
        if self.is_tcp { 16 } else { 6 }
    }

    /// The sum over addresses, protocol and length (RFC 9293 section 3.1, RFC 8200
    /// section 8.1), for so many bytes behind the IP header.
    pub(super) fn pseudo_header(&self, packet: &[u8], length: usize) -> u64 {
        let addresses = if self.is_v6 { 8..40 } else { 12..20 };
        let protocol = if self.is_tcp { TCP } else { UDP };
        sum(&packet[addresses]) + u64::from(protocol) + length as u64
    }

    /// Writes lengths and checksums for a packet that ends where the slice does.
    pub(super) fn finish(&self, packet: &mut [u8]) {
        self.set_lengths(packet, packet.len());
        let at = self.ip + self.checksum_offset();
        packet[at..at + 2].fill(0);
        let length = packet.len() - self.ip;
        let sum = fold(self.pseudo_header(packet, length) + sum(&packet[self.ip..]));
        // A sum of zero would mean that there is none (RFC 768).
        let value = match !sum {
            0 if !self.is_tcp => 0xffff,
            value => value,
        };
        packet[at..at + 2].copy_from_slice(&value.to_be_bytes());
    }

    /// Writes lengths, and the checksum of an IPv4 header, for a packet of so many
    /// bytes.
    pub(super) fn set_lengths(&self, packet: &mut [u8], length: usize) {
        let word = |value: usize| u16::try_from(value).unwrap_or(u16::MAX).to_be_bytes();
        if self.is_v6 {
            packet[4..6].copy_from_slice(&word(length - self.ip));
        } else {
            packet[2..4].copy_from_slice(&word(length));
            packet[10..12].fill(0);
            let value = !fold(sum(&packet[..self.ip]));
            packet[10..12].copy_from_slice(&value.to_be_bytes());
        }
        if !self.is_tcp {
            packet[self.ip + 4..self.ip + 6].copy_from_slice(&word(length - self.ip));
        }
    }
}
