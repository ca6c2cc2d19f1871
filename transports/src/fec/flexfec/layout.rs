//! The headers of flexible FEC packets, in their two incompatible forms.
//!
//! Implements: RFC 8627 section 4.2.2.1 (flexible mask, one protected stream):
//! 8 bytes, number and mask of 2, 6 or 14 bytes for 15, 46 or 110 numbers, where a
//! set bit in front of a part of the mask says that another follows. And the
//! draft -03 as in libwebrtc's `Flexfec03HeaderWriter` (2026-07): a count and the
//! stream's SSRC in between, the bit says that no other part follows, the last
//! part has one bit too and thus 109 numbers fit.
//! Differs: protected numbers count from the first that is protected.
//! Not modelled: fixed masks (F) and retransmissions (R): such packets are
//! refused; several protected streams; the CSRC of RFC 8627, 4 bytes of the RTP
//! header of a repair packet.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fec::xor::{Layout, Parity, Parsed, nearest};

/// Which header repair packets have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlexfecVersion {
    /// RFC 8627, negotiated as `flexfec`.
    Rfc8627,
    /// draft-ietf-payload-flexible-fec-scheme-03, negotiated as `flexfec-03`:
    /// what libwebrtc has.
    #[default]
    Draft03,
}

/// Bits of the parts of a mask, and of all parts before.
const PARTS: [(u64, u64); 3] = [(15, 0), (31, 15), (63, 46)];
/// The last part of RFC 8627 has no bit in front.
const LAST_RFC8627: u64 = 64;
/// Retransmission or fixed mask.
const NOT_FLEXIBLE: u8 = 0xc0;

fn span(protects: &[u64]) -> Option<u64> {
    Some(protects.last()?.checked_sub(*protects.first()?)? + 1)
}

impl FlexfecVersion {
    /// From the first number to the last, both included.
    pub(super) const fn span(self) -> u64 {
        match self {
            Self::Rfc8627 => 46 + LAST_RFC8627,
            Self::Draft03 => 46 + 63,
        }
    }

    /// Bytes before the mask, the number included.
    const fn before_mask(self) -> usize {
        match self {
            Self::Rfc8627 => 10,
            Self::Draft03 => 18,
        }
    }

    /// Bytes in front of the protected payload.
    pub(super) fn header(self, protects: &[u64]) -> u16 {
        let mask = match span(protects).unwrap_or_default() {
            0..=15 => 2,
            16..=46 => 6,
            _ => 14,
        };
        self.before_mask() as u16 + mask
    }

    fn write_mask(self, bits: u128, span: u64, bytes: &mut Vec<u8>) {
        for (part, (width, before)) in PARTS.into_iter().enumerate() {
            let ends = part == 2 || span <= before + width;
            let (width, flag) = match self {
                Self::Rfc8627 if part == 2 => (LAST_RFC8627, false),
                Self::Rfc8627 => (width, !ends),
                Self::Draft03 => (width, ends),
            };
            // The first number is the highest bit.
            let value = (bits << before >> (128 - width)) as u64;
            let word = if flag { value | 1 << width } else { value };
            let used = [2, 4, 8][part];
            bytes.extend(&word.to_be_bytes()[8 - used..]);
            if ends {
                return;
            }
        }
    }

    /// The mask as bits from the highest on, and what follows it.
    fn read_mask(self, mut bytes: &[u8]) -> Option<(u128, &[u8])> {
        let mut bits = 0;
        for (part, (width, before)) in PARTS.into_iter().enumerate() {
            let (word, rest) = bytes.split_at_checked([2, 4, 8][part])?;
            bytes = rest;
            let word = word.iter().fold(0, |w, byte| w << 8 | u128::from(*byte));
            let width = match self {
                Self::Rfc8627 if part == 2 => LAST_RFC8627,
                _ => width,
            };
            bits |= (word << (128 - width)) >> before;
            let flag = word >> width & 1 == 1;
            let ends = match self {
                Self::Rfc8627 => part == 2 || !flag,
                Self::Draft03 => flag,
            };
            if ends {
                return Some((bits, bytes));
            }
        }
        None
    }
}

impl Layout for FlexfecVersion {
    fn write(&self, protects: &[u64], ssrc: [u8; 4], parity: &Parity) -> Option<Vec<u8>> {
        let (first, span) = (*protects.first()?, span(protects)?);
        if span > self.span() {
            return None;
        }
        let bits = protects
            .iter()
            .fold(0_u128, |bits, seq| bits | 1 << 127 >> (seq - first));
        let [flags, second] = parity.flags;
        let mut bytes = vec![flags & 0x3f, second];
        bytes.extend(parity.length.to_be_bytes());
        bytes.extend(parity.timestamp.to_be_bytes());
        if *self == Self::Draft03 {
            bytes.extend([1, 0, 0, 0]);
            bytes.extend(ssrc);
        }
        bytes.extend((first as u16).to_be_bytes());
        self.write_mask(bits, span, &mut bytes);
        bytes.extend(&parity.payload);
        Some(bytes)
    }

    fn read(&self, payload: &[u8], around: u64) -> Option<Parsed> {
        let (head, mut rest) = payload.split_first_chunk::<8>()?;
        let [flags, second, l0, l1, t0, t1, t2, t3] = *head;
        if flags & NOT_FLEXIBLE != 0 {
            return None;
        }
        let mut ssrc = None;
        if *self == Self::Draft03 {
            let ([count, _, _, _, stream @ ..], after) = rest.split_first_chunk::<8>()?;
            if *count != 1 {
                return None;
            }
            (ssrc, rest) = (Some(*stream), after);
        }
        let (number, rest) = rest.split_first_chunk::<2>()?;
        let (bits, body) = self.read_mask(rest)?;
        let first = nearest(u16::from_be_bytes(*number), around);
        let set = (0..self.span()).filter(|bit| bits & 1 << 127 >> bit != 0);
        let protects: Vec<u64> = set.map(|bit| first.saturating_add(bit)).collect();
        (!protects.is_empty()).then(|| Parsed {
            protects,
            ssrc,
            parity: Parity {
                flags: [flags & 0x3f, second],
                length: u16::from_be_bytes([l0, l1]),
                timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
                payload: body.to_vec(),
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

    fn encode(version: FlexfecVersion) -> Vec<u8> {
        let a = [0x80, 0x8b, 0, 8, 0, 0, 0, 3, 1, 2, 3, 4, 1, 2, 3, 4, 5];
        let b = [0x80, 0x12, 0, 9, 0, 0, 0, 5, 1, 2, 3, 4, 0xf0, 0xf1, 0xf2];
        let sources = BTreeMap::from([(8, a.to_vec()), (9, b.to_vec())]);
        let repair = Repair {
            protects: vec![8, 9],
            symbol: 0,
            payload: 0,
        };
        XorCodec(version).encode(&repair, &sources).unwrap()
    }

    #[test]
    fn queues_and_wire_3_11_rfc_8627() {
        let bytes = [
            0, 0x99, 0, 6, 0, 0, 0, 6, 0, 8, 0x60, 0, 0xf1, 0xf3, 0xf1, 4, 5,
        ];
        assert_eq!(encode(FlexfecVersion::Rfc8627), bytes);
    }

    #[test]
    fn queues_and_wire_3_11_draft_03() {
        let bytes = [
            0, 0x99, 0, 6, 0, 0, 0, 6, 1, 0, 0, 0, 1, 2, 3, 4, 0, 8, 0xe0, 0, 0xf1, 0xf3, 0xf1, 4,
            5,
        ];
        assert_eq!(encode(FlexfecVersion::Draft03), bytes);
    }

    #[test]
    fn queues_and_wire_3_11_header_sizes() {
        let sizes = |version: FlexfecVersion| {
            [15, 16, 46, 47, version.span()].map(|span| version.header(&[100, 100 + span - 1]))
        };
        assert_eq!(sizes(FlexfecVersion::Rfc8627), [12, 16, 16, 24, 24]);
        assert_eq!(sizes(FlexfecVersion::Draft03), [20, 24, 24, 32, 32]);
    }

    #[test]
    fn every_bit_of_a_mask_comes_back() {
        for version in [FlexfecVersion::Rfc8627, FlexfecVersion::Draft03] {
            for span in 1..=version.span() {
                let protects: Vec<u64> = if span == 1 {
                    vec![65_535]
                } else {
                    vec![65_535, 65_534 + span]
                };
                let parity = Parity::default();
                let bytes = version.write(&protects, [9; 4], &parity).unwrap();
                assert_eq!(bytes.len(), usize::from(version.header(&protects)));
                let parsed = version.read(&bytes, 65_600).unwrap();
                assert_eq!((parsed.protects, parsed.parity), (protects, parity));
            }
            let wide = [0, version.span()];
            assert_eq!(version.write(&wide, [9; 4], &Parity::default()), None);
        }
    }

    #[test]
    fn the_other_form_is_garbage_and_other_kinds_are_refused() {
        let draft = encode(FlexfecVersion::Draft03);
        let wrong = XorCodec(FlexfecVersion::Rfc8627).header(&draft, 8);
        assert!(wrong.is_none_or(|repair| repair.protects != [8, 9]));
        let rfc = encode(FlexfecVersion::Rfc8627);
        assert_eq!(XorCodec(FlexfecVersion::Draft03).header(&rfc, 8), None);
        for bit in [0x80, 0x40] {
            let mut bytes = draft.clone();
            bytes[0] |= bit;
            assert_eq!(XorCodec(FlexfecVersion::Draft03).header(&bytes, 8), None);
        }
    }
}
