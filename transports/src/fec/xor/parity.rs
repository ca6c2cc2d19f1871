//! The XOR of RTP packets: header fields and payload.
//!
//! Implements: RFC 5109 section 7.3 and RFC 8627 section 4.2.2: P, X, CC, M, PT,
//! time stamp and length of each packet, and everything behind the first 12
//! bytes. Sequence number and SSRC are not part of it: they are known.

use super::RTP_HEADER;

/// Fields and payloads of some packets, added up without carry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parity {
    /// The first two bytes, without the version.
    pub(crate) flags: [u8; 2],
    /// Bytes after the first 12.
    pub(crate) length: u16,
    pub(crate) timestamp: u32,
    pub(crate) payload: Vec<u8>,
}

impl Parity {
    /// Adds a packet, or takes it out again. Nothing happens when it is too short
    /// or too long for RTP in IP.
    #[must_use]
    pub(crate) fn add(&mut self, packet: &[u8]) -> bool {
        let Some((header, payload)) = packet.split_first_chunk::<RTP_HEADER>() else {
            return false;
        };
        let Ok(length) = u16::try_from(payload.len()) else {
            return false;
        };
        self.flags[0] ^= header[0] & 0x3f;
        self.flags[1] ^= header[1];
        self.length ^= length;
        self.timestamp ^= u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        if self.payload.len() < payload.len() {
            self.payload.resize(payload.len(), 0);
        }
        for (sum, byte) in self.payload.iter_mut().zip(payload) {
            *sum ^= byte;
        }
        true
    }

    /// The packet that is left when all others are taken out.
    pub(crate) fn restore(mut self, seq: u64, ssrc: [u8; 4]) -> Vec<u8> {
        let [first, second] = self.flags;
        self.payload.resize(usize::from(self.length), 0);
        let mut packet = Vec::with_capacity(RTP_HEADER + self.payload.len());
        packet.extend([0x80 | first & 0x3f, second]);
        packet.extend((seq as u16).to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(ssrc);
        packet.append(&mut self.payload);
        packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_packet_is_left() {
        // queues-and-wire.md 3.10, packets A and B.
        let a = [
            0x80, 0x8b, 0, 8, 0, 0, 0, 3, 1, 2, 3, 4, 0x01, 0x02, 0x03, 0x04, 0x05,
        ];
        let b = [0x80, 0x12, 0, 9, 0, 0, 0, 5, 1, 2, 3, 4, 0xf0, 0xf1, 0xf2];
        let mut parity = Parity::default();
        assert!(parity.add(&a) && parity.add(&b));
        assert_eq!(
            (parity.flags, parity.length, parity.timestamp),
            ([0, 0x99], 6, 6)
        );
        assert_eq!(parity.payload, [0xf1, 0xf3, 0xf1, 0x04, 0x05]);
        assert!(parity.add(&b));
        assert_eq!(parity.restore(8, [1, 2, 3, 4]), a);
    }

    #[test]
    fn lengths_of_rfc_5109_section_10() {
        // Packets of 200, 140, 100 and 340 bytes with time stamps 3, 5, 7 and 9.
        let mut parity = Parity::default();
        for (length, timestamp) in [(200, 3_u32), (140, 5), (100, 7), (340, 9)] {
            let mut packet = vec![0x80, 11, 0, 8];
            packet.extend(timestamp.to_be_bytes());
            packet.resize(12 + length, 0);
            assert!(parity.add(&packet));
        }
        assert_eq!(
            (parity.length, parity.timestamp, parity.payload.len()),
            (372, 8, 340)
        );
    }

    #[test]
    fn what_is_no_rtp_packet_is_refused() {
        let mut parity = Parity::default();
        assert!(!parity.add(&[0x80; 11]) && !parity.add(&vec![0; 12 + 65_536]));
        assert_eq!(parity, Parity::default());
    }
}
