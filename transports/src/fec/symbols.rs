//! Packets as symbols of a code: two bytes of length, then the packet.
//!
//! Implements: application data units of FECFRAME (RFC 6363, as RFC 6681 section
//! 6.2 and RFC 8681 section 4.1.2 lay them out), without the flow identifier of
//! one byte, since one stream is protected.

/// Bytes of an RTP header without extensions (RFC 3550), which are protected with
/// the payload.
const RTP_HEADER: usize = 12;
/// Bytes in which a symbol says how long its packet is.
const LENGTH: usize = 2;
/// Packets that decoders remember.
pub(super) const MEMORY: usize = 2_048;

/// Bytes of the symbol of a packet with this payload.
pub(super) const fn symbol_size(payload: u16) -> usize {
    LENGTH + RTP_HEADER + payload as usize
}

/// The symbol of a packet; longer packets than 65,535 bytes are cut.
pub(super) fn to_symbol(packet: &[u8]) -> Vec<u8> {
    let length = u16::try_from(packet.len()).unwrap_or(u16::MAX);
    let mut symbol = length.to_be_bytes().to_vec();
    symbol.extend_from_slice(&packet[..usize::from(length)]);
    symbol
}

/// The packet of a symbol; `None` when its length makes no sense.
pub(super) fn to_packet(symbol: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = symbol.split_first_chunk::<LENGTH>()?;
    let packet = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
    Some(packet.to_vec())
}

/// The number closest to `around` that ends with these 16 bits.
pub(super) const fn nearest(low: u16, around: u64) -> u64 {
    let distance = low.wrapping_sub(around as u16).cast_signed();
    around.saturating_add_signed(distance as i64)
}

/// Which media packets are there, as far as a decoder remembers.
#[derive(Debug, Default)]
pub(super) struct Known(std::collections::BTreeSet<u64>);

impl Known {
    /// Whether the packet was not known before.
    pub(super) fn insert(&mut self, seq: u64) -> bool {
        let is_new = self.0.insert(seq);
        if self.0.len() > MEMORY {
            self.0.pop_first();
        }
        is_new
    }

    pub(super) fn contains(&self, seq: u64) -> bool {
        self.0.contains(&seq)
    }

    /// Packets below are forgotten.
    pub(super) fn horizon(&self) -> u64 {
        self.0
            .last()
            .map_or(0, |last| last.saturating_sub(MEMORY as u64))
    }
}

/// The sequence numbers of a run of packets.
pub(super) fn run(first: u64, count: u16) -> Vec<u64> {
    (0..u64::from(count))
        .map(|at| first.saturating_add(at))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_nearest() {
        assert_eq!(nearest(3, 65_534), 65_539);
        assert_eq!(nearest(65_530, 65_540), 65_530);
        assert_eq!(nearest(65_535, 0), 0);
        assert_eq!(nearest(9, 10), 9);
    }

    #[test]
    fn packets_come_back_from_symbols() {
        let mut symbol = to_symbol(&[1, 2, 3]);
        symbol.extend([0; 9]);
        assert_eq!(to_packet(&symbol), Some(vec![1, 2, 3]));
        assert_eq!(to_packet(&[0, 4, 1]), None);
        assert_eq!(to_packet(&[0]), None);
        assert_eq!(symbol_size(3), to_symbol(&[0; 15]).len());
    }
}
