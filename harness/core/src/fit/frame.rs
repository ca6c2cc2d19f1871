//! What a fit needs to know of a captured packet: when, how long, which flow,
//! and a key by which the same packet is found at another capture point.
//!
//! Implements: link types Ethernet (with VLAN tags), raw IP, BSD loopback and
//! Linux cooked v1 and v2; IPv4, IPv6, UDP, TCP; RTP fixed headers after RFC
//! 3550 section 5.1, told from RTCP after RFC 5761 section 4.
//! The key leaves out what routers and address translators change: addresses,
//! ports, TTL, DSCP and ECN, and all checksums.

use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};

/// A packet at a capture point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// When it was captured, in nanoseconds of the point's clock.
    pub at: i64,
    /// Bytes from the IP header on.
    pub bytes: u32,
    /// Equal for the same packet at all points.
    pub key: u64,
    /// Names the pair of addresses, with direction.
    pub path: u64,
    /// Names the flow: addresses, protocol and ports, with direction.
    pub flow: u64,
    /// What the transport header tells.
    pub transport: Transport,
}

/// The part of the transport header that a fit uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A UDP packet that looks like RTP.
    Rtp {
        /// Synchronisation source.
        ssrc: u32,
        /// Sequence number.
        seq: u16,
        /// Timestamp in ticks of the stream's clock.
        timestamp: u32,
    },
    /// A TCP segment.
    Tcp {
        /// Sequence number of its first byte.
        seq: u32,
        /// Payload bytes.
        payload: u32,
    },
    /// Anything else.
    Other,
}

/// Link layers that are understood, by their number in capture files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkType {
    Null,
    Ethernet,
    RawIp,
    Cooked1,
    Cooked2,
}

impl LinkType {
    pub(super) const fn from_number(number: i32) -> Option<Self> {
        Some(match number {
            0 | 108 => Self::Null,
            1 => Self::Ethernet,
            12 | 14 | 101 | 228 | 229 => Self::RawIp,
            113 => Self::Cooked1,
            276 => Self::Cooked2,
            _ => return None,
        })
    }

    fn slice(self, data: &[u8]) -> Option<LaxSlicedPacket<'_>> {
        const IPV4: u16 = 0x0800;
        const IPV6: u16 = 0x86dd;
        let ether_type = |at: usize| {
            let bytes = data.get(at..at + 2)?;
            Some(u16::from_be_bytes([bytes[0], bytes[1]]))
        };
        let (offset, kind) = match self {
            Self::Ethernet => return LaxSlicedPacket::from_ethernet(data).ok(),
            Self::RawIp => (0, IPV4),
            Self::Null => (4, IPV4),
            Self::Cooked1 => (16, ether_type(14)?),
            Self::Cooked2 => (20, ether_type(0)?),
        };
        // The version is read from the IP header itself.
        if kind != IPV4 && kind != IPV6 {
            return None;
        }
        LaxSlicedPacket::from_ip(data.get(offset..)?).ok()
    }
}

/// Reads a packet; `None` when it is not IP. `missing` is the number of bytes
/// that the capture cut off.
pub(super) fn decode(link: LinkType, at: i64, data: &[u8], missing: u32) -> Option<Frame> {
    let packet = link.slice(data)?;
    let mut path = Hash::default();
    let mut key = Hash::default();
    let (bytes, header_bytes) = match packet.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            path.add(&header.source());
            path.add(&header.destination());
            key.add(&header.identification().to_be_bytes());
            key.add(&header.fragments_offset().value().to_be_bytes());
            key.add(&[header.protocol().0]);
            (u32::from(header.total_len()), u32::from(header.ihl()) * 4)
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            path.add(&header.source());
            path.add(&header.destination());
            key.add(&[header.next_header().0]);
            (u32::from(header.payload_length()) + 40, 40)
        }
        LaxNetSlice::Arp(_) => return None,
    };
    // Segmentation offload leaves a zero length for packets beyond 64 kB.
    let bytes = if bytes == 0 {
        u32::try_from(data.len())
            .unwrap_or(u32::MAX)
            .saturating_add(missing)
    } else {
        bytes
    };
    key.add(&bytes.to_be_bytes());
    let mut flow = path;
    let transport = match &packet.transport {
        Some(TransportSlice::Udp(udp)) => {
            flow.add(&[17]);
            flow.add(&udp.source_port().to_be_bytes());
            flow.add(&udp.destination_port().to_be_bytes());
            key.add(head(udp.payload()));
            rtp(udp.payload()).unwrap_or(Transport::Other)
        }
        Some(TransportSlice::Tcp(tcp)) => {
            flow.add(&[6]);
            flow.add(&tcp.source_port().to_be_bytes());
            flow.add(&tcp.destination_port().to_be_bytes());
            key.add(&tcp.sequence_number().to_be_bytes());
            key.add(&tcp.acknowledgment_number().to_be_bytes());
            key.add(head(tcp.payload()));
            let headers = header_bytes + u32::from(tcp.data_offset()) * 4;
            Transport::Tcp {
                seq: tcp.sequence_number(),
                payload: bytes.saturating_sub(headers),
            }
        }
        _ => {
            if let Some(payload) = packet.ip_payload() {
                key.add(head(payload.payload));
            }
            Transport::Other
        }
    };
    Some(Frame {
        at,
        bytes,
        key: key.0,
        path: path.0,
        flow: flow.0,
        transport,
    })
}

/// As much of a payload as captures with a small snap length have, too.
fn head(payload: &[u8]) -> &[u8] {
    &payload[..payload.len().min(32)]
}

fn rtp(payload: &[u8]) -> Option<Transport> {
    let header: &[u8; 12] = payload.first_chunk()?;
    let version_2 = header[0] >> 6 == 2;
    let rtcp = (192..=223).contains(&header[1]);
    (version_2 && !rtcp).then(|| Transport::Rtp {
        seq: u16::from_be_bytes([header[2], header[3]]),
        timestamp: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        ssrc: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
    })
}

/// FNV-1a, 64 bits: names only have to differ within one capture.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The packet of the pcapng example in our notes on wire formats: UDP from
    /// 192.0.2.1 to 192.0.2.2, both ports 5004, RTP seq 0x1234, ts 960.
    const RTP: [u8; 44] = [
        0x45, 0x01, 0x00, 0x2c, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb6, 0xbc, 0xc0, 0x00, 0x02,
        0x01, 0xc0, 0x00, 0x02, 0x02, 0x13, 0x8c, 0x13, 0x8c, 0x00, 0x18, 0x00, 0x00, 0x80, 0xef,
        0x12, 0x34, 0x00, 0x00, 0x03, 0xc0, 0x01, 0x02, 0x03, 0x04, 0xde, 0xad, 0xbe, 0xef,
    ];

    #[test]
    fn every_link_type_gives_the_same_frame() {
        let raw = decode(LinkType::RawIp, 7, &RTP, 0).unwrap();
        assert_eq!((raw.at, raw.bytes), (7, 44));
        // 0xef = marker and payload type 111: not RTCP.
        let want = Transport::Rtp {
            ssrc: 0x0102_0304,
            seq: 0x1234,
            timestamp: 960,
        };
        assert_eq!(raw.transport, want);
        let behind = |header: &[u8]| [header, &RTP[..]].concat();
        let ethernet = behind(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
        let vlan = behind(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 5, 8, 0]);
        let mut cooked1 = [0u8; 16];
        cooked1[14] = 8;
        let mut cooked2 = [0u8; 20];
        cooked2[0] = 8;
        for (link, data) in [
            (LinkType::Ethernet, ethernet),
            (LinkType::Ethernet, vlan),
            (LinkType::Null, behind(&[2, 0, 0, 0])),
            (LinkType::Cooked1, behind(&cooked1)),
            (LinkType::Cooked2, behind(&cooked2)),
        ] {
            assert_eq!(decode(link, 7, &data, 0), Some(raw), "{link:?}");
        }
    }

    #[test]
    fn a_key_survives_routers_and_address_translation() {
        let before = decode(LinkType::RawIp, 0, &RTP, 0).unwrap();
        let mut changed = RTP;
        changed[1] = 3; // CE
        changed[8] = 60; // TTL
        changed[12] = 10; // source address
        changed[21] = 1; // source port
        let after = decode(LinkType::RawIp, 0, &changed, 0).unwrap();
        assert_eq!(before.key, after.key);
        assert_ne!(before.path, after.path);
        changed[31] = 0x35; // RTP sequence number
        assert_ne!(
            decode(LinkType::RawIp, 0, &changed, 0).unwrap().key,
            after.key
        );
    }

    #[test]
    fn nothing_that_is_cut_or_strange_stops_the_reader() {
        for end in 0..RTP.len() {
            for link in [0, 1, 101, 113, 276].map(|n| LinkType::from_number(n).unwrap()) {
                let _ = decode(link, 0, &RTP[..end], 0);
            }
        }
        assert_eq!(LinkType::from_number(105), None);
    }
}
