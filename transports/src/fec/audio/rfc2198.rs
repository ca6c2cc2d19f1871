//! Payloads of RFC 2198 on bytes.
//!
//! Implements: RFC 2198, section 3: for each older block a header of four bytes
//! (a set bit, payload type in 7 bits, timestamp offset in 14, length in 10), for
//! the last block one byte; then the blocks in the same order, oldest first.

/// Bytes of an older block's header.
pub const BLOCK_HEADER: u16 = 4;
/// Bytes of the last block's header.
pub const LAST_HEADER: u16 = 1;
/// Largest timestamp offset, in ticks.
pub const MAX_OFFSET: u16 = (1 << 14) - 1;
/// Largest length of an older block, in bytes.
pub const MAX_LENGTH: u16 = (1 << 10) - 1;

/// Marks the headers of all blocks but the last.
const MORE: u8 = 1 << 7;

/// An older block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block<B> {
    /// Payload type, 7 bits.
    pub payload_type: u8,
    /// Ticks by which it is older than the packet.
    pub offset: u16,
    /// What it carries.
    pub payload: B,
}

/// The blocks of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocks<'a> {
    /// Older ones, oldest first.
    pub older: Vec<Block<&'a [u8]>>,
    /// The packet's own.
    pub last: Block<&'a [u8]>,
}

/// The headers of older blocks of these lengths, oldest first, and of the last.
/// `None` when an offset, a length or a payload type has no place in them.
#[must_use]
pub fn headers(older: &[Block<u16>], last_type: u8) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(older.len() * 4 + 1);
    for block in older {
        let Block {
            payload_type,
            offset,
            payload: length,
        } = *block;
        if payload_type >= MORE || offset > MAX_OFFSET || length > MAX_LENGTH {
            return None;
        }
        out.push(MORE | payload_type);
        let rest = u32::from(offset) << 10 | u32::from(length);
        out.extend_from_slice(&rest.to_be_bytes()[1..]);
    }
    if last_type >= MORE {
        return None;
    }
    out.push(last_type);
    Some(out)
}

/// A payload of these blocks; `None` when one does not fit its header.
#[must_use]
pub fn pack(older: &[Block<&[u8]>], last_type: u8, last: &[u8]) -> Option<Vec<u8>> {
    let lengths: Option<Vec<Block<u16>>> = older.iter().map(length_of).collect();
    let mut out = headers(&lengths?, last_type)?;
    older
        .iter()
        .for_each(|block| out.extend_from_slice(block.payload));
    out.extend_from_slice(last);
    Some(out)
}

fn length_of(block: &Block<&[u8]>) -> Option<Block<u16>> {
    Some(Block {
        payload_type: block.payload_type,
        offset: block.offset,
        payload: u16::try_from(block.payload.len()).ok()?,
    })
}

/// Takes a payload apart; `None` when it is cut short.
#[must_use]
pub fn split(payload: &[u8]) -> Option<Blocks<'_>> {
    let mut lengths = Vec::new();
    let mut rest = payload;
    let last_type = loop {
        let (first, after) = rest.split_first()?;
        if first & MORE == 0 {
            rest = after;
            break *first;
        }
        let (header, after) = after.split_first_chunk::<3>()?;
        let [a, b, c] = header.map(u32::from);
        let fields = a << 16 | b << 8 | c;
        lengths.push(Block {
            payload_type: first & !MORE,
            offset: (fields >> 10) as u16,
            payload: (fields as u16) & MAX_LENGTH,
        });
        rest = after;
    };
    let mut older = Vec::with_capacity(lengths.len());
    for Block {
        payload_type,
        offset,
        payload: length,
    } in lengths
    {
        let (payload, after) = rest.split_at_checked(usize::from(length))?;
        older.push(Block {
            payload_type,
            offset,
            payload,
        });
        rest = after;
    }
    let last = Block {
        payload_type: last_type,
        offset: 0,
        payload: rest,
    };
    Some(Blocks { older, last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headers_are_those_of_the_rfc() {
        let block = |offset, payload| Block {
            payload_type: 111,
            offset,
            payload,
        };
        // 1 1101111 00001111000000 0001010000 (960 ticks, 80 bytes), 0 1101111.
        assert_eq!(
            headers(&[block(960, 80)], 111),
            Some(vec![0xef, 0x0f, 0x00, 0x50, 0x6f])
        );
        assert_eq!(
            headers(&[block(16_383, 1_023)], 111),
            Some(vec![0xef, 0xff, 0xff, 0xff, 0x6f])
        );
        assert_eq!(headers(&[], 111), Some(vec![0x6f]));
        assert_eq!(headers(&[block(16_384, 80)], 111), None);
        assert_eq!(headers(&[block(960, 1_024)], 111), None);
        assert_eq!(headers(&[], 128), None);
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        assert_eq!(split(&[]), None);
        assert_eq!(split(&[0xef, 0x0f, 0x00]), None);
        assert_eq!(split(&[0xef, 0x0f, 0x00, 0x02, 0x6f, 1]), None);
        let Blocks { older, last } = split(&[0xef, 0x0f, 0x00, 0x02, 0x6f, 1, 2, 3]).unwrap();
        assert_eq!((older[0].offset, older[0].payload), (960, &[1, 2][..]));
        assert_eq!(last.payload, [3]);
    }

    proptest! {
        #[test]
        fn what_is_packed_is_split_again(
            older in prop::collection::vec((0u8..128, 0u16..=MAX_OFFSET, prop::collection::vec(any::<u8>(), 0..1_024)), 0..4),
            last_type in 0u8..128,
            last in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let blocks: Vec<Block<&[u8]>> = older
                .iter()
                .map(|(payload_type, offset, payload)| Block {
                    payload_type: *payload_type,
                    offset: *offset,
                    payload: &payload[..],
                })
                .collect();
            let bytes = pack(&blocks, last_type, &last).unwrap();
            let split = split(&bytes).unwrap();
            prop_assert_eq!(split.older, blocks);
            prop_assert_eq!((split.last.payload_type, split.last.payload), (last_type, &last[..]));
        }

        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Some(Blocks { older, last }) = split(&bytes) {
                prop_assert_eq!(pack(&older, last.payload_type, last.payload), Some(bytes));
            }
        }
    }
}
