//! The header of a ULPFEC packet.
//!
//! Implements: RFC 5109 sections 7.3 and 7.4: 10 bytes, then protection length
//! and mask of the one level, 4 bytes for up to 16 numbers and 8 for up to 48.

use crate::fec::xor::{Layout, Parity, Parsed, nearest};

/// Numbers of the short mask and of the long one.
const SHORT: u64 = 16;
/// See [`SHORT`].
pub(super) const LONG: u64 = 48;
/// FEC header and protection length.
const BEFORE_MASK: usize = 12;
/// Of the first byte: extension (reserved) and long mask.
const EXTENSION: u8 = 0x80;
const LONG_MASK: u8 = 0x40;

/// From the first number to the last, both included.
fn span(protects: &[u64]) -> Option<u64> {
    Some(protects.last()?.checked_sub(*protects.first()?)? + 1)
}

/// Bytes in front of the protected payload.
pub(super) fn header(protects: &[u64]) -> u16 {
    let long = span(protects).is_some_and(|span| span > SHORT);
    BEFORE_MASK as u16 + if long { 6 } else { 2 }
}

/// The layout of RFC 5109.
#[derive(Debug)]
pub(super) struct Ulpfec;

impl Layout for Ulpfec {
    fn write(&self, protects: &[u64], _: [u8; 4], parity: &Parity) -> Option<Vec<u8>> {
        let (first, span) = (*protects.first()?, span(protects)?);
        let protected = u16::try_from(parity.payload.len()).ok()?;
        if span > LONG {
            return None;
        }
        let mask = protects
            .iter()
            .fold(0_u64, |mask, seq| mask | 1 << 63 >> (seq - first));
        let (flag, mask_bytes) = if span > SHORT { (LONG_MASK, 6) } else { (0, 2) };
        let [flags, second] = parity.flags;
        let mut bytes = vec![flags & 0x3f | flag, second];
        bytes.extend((first as u16).to_be_bytes());
        bytes.extend(parity.timestamp.to_be_bytes());
        bytes.extend(parity.length.to_be_bytes());
        bytes.extend(protected.to_be_bytes());
        bytes.extend(&mask.to_be_bytes()[..mask_bytes]);
        bytes.extend(&parity.payload);
        Some(bytes)
    }

    fn read(&self, payload: &[u8], around: u64) -> Option<Parsed> {
        let (head, rest) = payload.split_first_chunk::<BEFORE_MASK>()?;
        let [flags, second, sn0, sn1, t0, t1, t2, t3, l0, l1, p0, p1] = *head;
        if flags & EXTENSION != 0 {
            return None;
        }
        let mask_bytes = if flags & LONG_MASK == 0 { 2 } else { 6 };
        let (mask, body) = rest.split_at_checked(mask_bytes)?;
        let protected = body.get(..usize::from(u16::from_be_bytes([p0, p1])))?;
        let first = nearest(u16::from_be_bytes([sn0, sn1]), around);
        let bits = (0..8 * mask_bytes).filter(|bit| mask[bit / 8] & 0x80 >> (bit % 8) != 0);
        let protects: Vec<u64> = bits.map(|bit| first.saturating_add(bit as u64)).collect();
        (!protects.is_empty()).then(|| Parsed {
            protects,
            ssrc: None,
            parity: Parity {
                flags: [flags & 0x3f, second],
                length: u16::from_be_bytes([l0, l1]),
                timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
                payload: protected.to_vec(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::fec::xor::XorCodec;
    use crate::fec::{FecCodec, Repair};

    const A: [u8; 17] = [
        0x80, 0x8b, 0, 8, 0, 0, 0, 3, 1, 2, 3, 4, 0x01, 0x02, 0x03, 0x04, 0x05,
    ];
    const B: [u8; 15] = [0x80, 0x12, 0, 9, 0, 0, 0, 5, 1, 2, 3, 4, 0xf0, 0xf1, 0xf2];

    fn repair(protects: &[u64], payload: u16) -> Repair {
        Repair {
            protects: protects.to_vec(),
            symbol: 0,
            payload,
        }
    }

    #[test]
    fn queues_and_wire_3_10_packets_a_and_b() {
        let codec = XorCodec(Ulpfec);
        let sources = BTreeMap::from([(8, A.to_vec()), (9, B.to_vec())]);
        let bytes = codec.encode(&repair(&[8, 9], 0), &sources).unwrap();
        assert_eq!(
            bytes,
            [
                0x00, 0x99, 0x00, 0x08, 0, 0, 0, 0x06, 0, 0x06, 0, 0x05, 0xc0, 0, 0xf1, 0xf3, 0xf1,
                0x04, 0x05
            ]
        );
        assert_eq!(codec.header(&bytes, 12), Some(repair(&[8, 9], 19)));
        for (kept, lost) in [(A.to_vec(), B.to_vec()), (B.to_vec(), A.to_vec())] {
            let seq = u64::from(kept[3]);
            let restored = codec.decode(
                &BTreeMap::from([(seq, kept)]),
                &[(repair(&[8, 9], 19), bytes.clone())],
            );
            assert_eq!(restored, BTreeMap::from([(17 - seq, lost)]));
        }
    }

    #[test]
    fn numbers_wrap_and_masks_grow() {
        assert_eq!((header(&[5, 20]), header(&[5, 21])), (14, 18));
        let codec = XorCodec(Ulpfec);
        let sources: BTreeMap<u64, Vec<u8>> = [(65_530, A.to_vec()), (65_577, B.to_vec())].into();
        let wanted = repair(&[65_530, 65_577], 23);
        let bytes = codec.encode(&wanted, &sources).unwrap();
        assert_eq!((bytes[0], bytes[12], bytes[17]), (0x40, 0x80, 0x01));
        assert_eq!(codec.header(&bytes, 65_540), Some(wanted.clone()));
        let round = repair(&[65_530 + 65_536, 65_577 + 65_536], 23);
        assert_eq!(codec.header(&bytes, 131_000), Some(round));
        assert_eq!(codec.encode(&repair(&[65_530, 65_578], 0), &sources), None);
    }

    #[test]
    fn damaged_packets_are_refused() {
        let codec = XorCodec(Ulpfec);
        let sources = BTreeMap::from([(8, A.to_vec()), (9, B.to_vec())]);
        let bytes = codec.encode(&repair(&[8, 9], 0), &sources).unwrap();
        for end in 0..bytes.len() {
            assert_eq!(codec.header(&bytes[..end], 8), None);
        }
        let mut extended = bytes.clone();
        extended[0] |= 0x80;
        let mut empty = bytes;
        empty[12] = 0;
        assert_eq!(codec.header(&extended, 8), None);
        assert_eq!(codec.header(&empty, 8), None);
    }
}
