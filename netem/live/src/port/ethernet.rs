//! Ethernet headers, and virtio headers in front of them.

use crate::offload::{HEADER, Offload};

/// Bytes of an Ethernet header (IEEE 802.3 section 3.1.1).
pub(crate) const ETHERNET: usize = 14;

const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];

/// The header of an IP packet from one station to another; `None` when it is no IP
/// packet.
pub(crate) fn header(to: [u8; 6], from: [u8; 6], packet: &[u8]) -> Option<[u8; ETHERNET]> {
    let kind = match packet.first()? >> 4 {
        4 => IPV4,
        6 => IPV6,
        _ => return None,
    };
    let mut header = [0; ETHERNET];
    header[..6].copy_from_slice(&to);
    header[6..12].copy_from_slice(&from);
    header[12..].copy_from_slice(&kind);
    Some(header)
}

/// Whether an IP packet follows.
pub(crate) fn is_ip(header: &[u8; ETHERNET]) -> bool {
    matches!([header[12], header[13]], IPV4 | IPV6)
}

/// Changes a virtio header from a frame that begins with its Ethernet header to one
/// that begins behind it.
pub(crate) fn strip(virtio: &mut [u8; HEADER]) {
    shift(virtio, |place| place.saturating_sub(ETHERNET as u16));
}

/// Changes it back.
pub(crate) fn dress(virtio: &mut [u8; HEADER]) {
    shift(virtio, |place| place.saturating_add(ETHERNET as u16));
}

fn shift(virtio: &mut [u8; HEADER], by: impl Fn(u16) -> u16) {
    if let Some(offload) = Offload::read(virtio) {
        *virtio = offload.moved(by).bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ip_has_a_header() {
        let of = |first: u8| header([1; 6], [2; 6], &[first, 0]);
        assert_eq!(of(0x45).unwrap()[12..], IPV4);
        assert_eq!(of(0x60).unwrap()[12..], IPV6);
        assert_eq!(
            of(0x60).unwrap()[..12],
            [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]
        );
        assert_eq!((of(0x00), header([1; 6], [2; 6], &[])), (None, None));
        assert!(is_ip(&of(0x45).unwrap()));
        let mut arp = of(0x45).unwrap();
        arp[13] = 0x06;
        assert!(!is_ip(&arp));
    }

    #[test]
    fn places_move_and_come_back() {
        // A checksum at 16 behind 34; all headers 66; 1,448 bytes each.
        let words = [66_u16, 1_448, 34, 16].map(u16::to_ne_bytes).concat();
        let mut virtio = [0; HEADER];
        (virtio[0], virtio[1]) = (1, 1);
        virtio[2..].copy_from_slice(&words);
        let whole = virtio;
        strip(&mut virtio);
        assert_eq!(virtio[2..4], 52_u16.to_ne_bytes());
        assert_eq!(virtio[4..6], 1_448_u16.to_ne_bytes());
        assert_eq!(virtio[6..8], 20_u16.to_ne_bytes());
        assert_eq!(virtio[8..], 16_u16.to_ne_bytes());
        dress(&mut virtio);
        assert_eq!(virtio, whole);
        let mut none = [0; HEADER];
        dress(&mut none);
        assert_eq!(none, [0; HEADER], "there is no place in it");
    }
}
