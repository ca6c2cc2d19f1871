//! What a link asks of IP packets: the ECN field (RFC 3168; RFC 791 and RFC 8200
//! headers), and the protocol above.

use weaknet_core::packet::{Ecn, Protocol};

const UDP: u8 = 17;

/// The field; `None` for what is no IP packet.
pub(super) fn ecn(packet: &[u8]) -> Option<Ecn> {
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

/// What a packet is to a firewall: UDP or not. Everything else, like ICMP, passes where
/// TCP does.
pub(super) fn protocol(packet: &[u8]) -> Protocol {
    let above = match packet.first().map(|first| first >> 4) {
        Some(4) => packet.get(9).copied(),
        Some(6) => above_extensions(packet),
        _ => None,
    };
    match above {
        Some(UDP) => Protocol::Udp,
        _ => Protocol::Tcp,
    }
}

/// The protocol behind the extension headers of IPv6 (RFC 8200 section 4).
fn above_extensions(packet: &[u8]) -> Option<u8> {
    const HOPS: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const DESTINATION: u8 = 60;
    let (mut next, mut at) = (*packet.get(6)?, 40);
    loop {
        let length = match next {
            HOPS | ROUTING | DESTINATION => 8 * (usize::from(*packet.get(at + 1)?) + 1),
            FRAGMENT => 8,
            _ => return Some(next),
        };
        next = *packet.get(at)?;
        at += length;
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
    fn firewalls_tell_udp_from_the_rest() {
        let of = |above: u8| {
            let mut header = v4(0);
            header[9] = above;
            protocol(&header)
        };
        let found = [17, 6, 1].map(of);
        assert_eq!(found, [Protocol::Udp, Protocol::Tcp, Protocol::Tcp]);
        // Hop-by-hop options of 16 bytes, a fragment header, then UDP.
        let mut long = vec![0; 72];
        (long[0], long[6]) = (0x60, 0);
        (long[40], long[41]) = (44, 1);
        long[56] = 17;
        assert_eq!(protocol(&long), Protocol::Udp);
        long[56] = 58;
        assert_eq!(protocol(&long), Protocol::Tcp);
        for length in 0..57 {
            // Cut short, it is not known to be UDP.
            long[56] = 17;
            assert_eq!(protocol(&long[..length]), Protocol::Tcp, "{length}");
        }
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
            assert_eq!(ecn(&strange), None);
            let before = strange.clone();
            set_ecn(&mut strange, Ecn::Ce);
            assert_eq!(strange, before);
        }
    }
}
