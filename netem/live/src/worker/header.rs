//! What a link looks at in an IP packet (RFC 791 and RFC 8200 headers): the ECN field
//! (RFC 3168), the protocol, and the flow that it belongs to.

use weaknet_core::packet::{Ecn, FlowId, Protocol};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// What a link wants to know of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) ecn: Ecn,
    pub(super) protocol: Protocol,
    /// A hash of addresses, protocol and ports: what has one five-tuple is one flow to
    /// a queue. That of a fragment has no ports.
    pub(super) flow: FlowId,
}

/// The fields; `None` for what is no IP packet.
pub(super) fn read(packet: &[u8]) -> Option<Fields> {
    let ecn = ecn(packet)?;
    let (number, addresses, ports) = if packet[0] >> 4 == 4 {
        let is_fragment = u16::from_be_bytes([packet[6], packet[7]]) & 0x3fff != 0;
        let above = usize::from(packet[0] & 15) * 4;
        let ports = (!is_fragment).then_some(above);
        (packet[9], &packet[12..20], ports)
    } else {
        let (number, ports) = above_extensions(packet);
        (number, &packet[8..40], ports)
    };
    let protocol = match number {
        TCP => Protocol::Tcp,
        UDP => Protocol::Udp,
        _ => Protocol::Other,
    };
    let ports = ports
        .filter(|_| protocol != Protocol::Other)
        .and_then(|at| packet.get(at..at + 4));
    let bytes = addresses.iter().chain(ports.into_iter().flatten());
    // FNV-1a, folded.
    let hash = bytes.chain([&number]).fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    Some(Fields {
        ecn,
        protocol,
        flow: FlowId((hash >> 16) as u16 ^ hash as u16),
    })
}

/// The ECN field; `None` for what is no IP packet.
fn ecn(packet: &[u8]) -> Option<Ecn> {
    let bits = match packet {
        [first, second, ..] if first >> 4 == 4 && packet.len() >= 20 => *second,
        [first, second, ..] if first >> 4 == 6 && packet.len() >= 40 => second >> 4,
        _ => return None,
    };
    Some(match bits & 3 {
        0 => Ecn::NotEct,
        1 => Ecn::Ect1,
        2 => Ecn::Ect0,
        _ => Ecn::Ce,
    })
}

/// The protocol behind the extension headers of IPv6 (RFC 8200 section 4) and where it
/// begins, if not in another fragment. Of a packet that is cut short within them the
/// header that was looked for.
fn above_extensions(packet: &[u8]) -> (u8, Option<usize>) {
    const HOPS: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const DESTINATION: u8 = 60;
    let (mut next, mut at, mut is_fragment) = (packet[6], 40, false);
    loop {
        let length = match next {
            HOPS | ROUTING | DESTINATION => packet.get(at + 1).map(|n| 8 * (usize::from(*n) + 1)),
            FRAGMENT => {
                is_fragment = true;
                Some(8)
            }
            _ => return (next, (!is_fragment).then_some(at)),
        };
        let (Some(length), Some(after)) = (length, packet.get(at)) else {
            return (next, None);
        };
        (next, at) = (*after, at + length);
    }
}

/// Sets the field, and the header checksum of IPv4 with it (RFC 1624).
pub(super) fn set_ecn(packet: &mut [u8], to: Ecn) {
    if ecn(packet).is_none_or(|now| now == to) {
        return;
    }
    let bits = match to {
        Ecn::NotEct => 0,
        Ecn::Ect1 => 1,
        Ecn::Ect0 => 2,
        Ecn::Ce => 3,
    };
    if packet[0] >> 4 == 6 {
        packet[1] = packet[1] & 0xcf | bits << 4;
        return;
    }
    let word = |packet: &[u8]| u16::from_be_bytes([packet[0], packet[1]]);
    let old = word(packet);
    packet[1] = packet[1] & 0xfc | bits;
    let sum = !u16::from_be_bytes([packet[10], packet[11]]);
    let sum = [!old, word(packet)].iter().fold(sum, |sum, word| {
        let (sum, carry) = sum.overflowing_add(*word);
        sum + u16::from(carry)
    });
    packet[10..12].copy_from_slice(&(!sum).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An IPv4 header with a valid checksum.
    fn v4(tos: u8) -> Vec<u8> {
        let mut header = vec![
            0x45, tos, 0, 20, 0x12, 0x34, 0, 0, 64, 17, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2,
        ];
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&(!sum).to_be_bytes());
        header
    }

    fn checksum(header: &[u8]) -> u16 {
        let words = header
            .chunks(2)
            .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
        let sum: u32 = words.sum();
        ((sum & 0xffff) + (sum >> 16)) as u16
    }

    const ALL: [Ecn; 4] = [Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce];

    #[test]
    fn marks_keep_the_checksum_right() {
        for tos in 0..=255 {
            for to in ALL {
                let mut header = v4(tos);
                set_ecn(&mut header, to);
                assert_eq!(ecn(&header), Some(to));
                assert_eq!(header[1] >> 2, tos >> 2, "the rest of the byte stays");
                assert_eq!(checksum(&header), 0xffff, "{tos} {to:?}");
            }
        }
    }

    #[test]
    fn a_flow_is_a_five_tuple() {
        let packet = |protocol: u8, port: u8, fragment: u8| {
            let mut packet = v4(0);
            (packet[9], packet[7]) = (protocol, fragment);
            packet.extend([0, 1, 0, port]);
            read(&packet).unwrap()
        };
        let udp = packet(UDP, 9, 0);
        assert_eq!(udp.protocol, Protocol::Udp);
        assert_eq!(udp, packet(UDP, 9, 0));
        assert_ne!(udp.flow, packet(UDP, 8, 0).flow);
        assert_ne!(udp.flow, packet(TCP, 9, 0).flow);
        assert_eq!(packet(TCP, 9, 0).protocol, Protocol::Tcp);
        // ICMP has no ports, and of fragments only the first does.
        assert_eq!(packet(1, 8, 0), packet(1, 9, 0));
        assert_eq!(packet(1, 8, 0).protocol, Protocol::Other);
        assert_eq!(packet(UDP, 8, 1), packet(UDP, 9, 1));
    }

    #[test]
    fn ipv6_has_it_across_two_bytes() {
        for to in ALL {
            let mut header = vec![0; 40];
            (header[0], header[1]) = (0x6a, 0xbc);
            set_ecn(&mut header, to);
            assert_eq!(ecn(&header), Some(to));
            assert_eq!((header[0], header[1] & 0xcf), (0x6a, 0x8c));
        }
    }

    #[test]
    fn extension_headers_are_passed_over() {
        // Hop-by-hop options of 16 bytes, a fragment header, then UDP.
        let mut long = vec![0; 72];
        (long[0], long[6]) = (0x60, 0);
        (long[40], long[41]) = (44, 1);
        long[56] = 17;
        assert_eq!(read(&long).unwrap().protocol, Protocol::Udp);
        long[56] = 58;
        assert_eq!(read(&long).unwrap().protocol, Protocol::Other);
        long[56] = 17;
        for length in 40..57 {
            // Cut short, it is not known to be UDP.
            let cut = read(&long[..length]).unwrap();
            assert_eq!(cut.protocol, Protocol::Other, "{length}");
        }
        // Without the fragment header the ports are known.
        let flow = |port: u8| {
            let mut packet = long.clone();
            (packet[40], packet[57]) = (17, port);
            read(&packet).unwrap().flow
        };
        assert_ne!(flow(1), flow(2));
    }

    #[test]
    fn what_is_no_packet_stays() {
        for mut strange in [
            vec![],
            vec![0x45],
            vec![0x45; 19],
            vec![0x60; 39],
            vec![0; 60],
        ] {
            assert_eq!(read(&strange), None);
            let before = strange.clone();
            set_ecn(&mut strange, Ecn::Ce);
            assert_eq!(strange, before);
        }
    }
}
