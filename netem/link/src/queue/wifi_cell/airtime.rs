//! How long frames keep the air busy.

use weaknet_core::{Bitrate, Span};

/// Legacy OFDM at 24 Mbit/s, at which frames of this size are answered: bits
/// per symbol of 4 us, and the preamble.
const CONTROL_BITS_PER_SYMBOL: u64 = 96;
const CONTROL_SYMBOL: Span = Span::from_micros(4);
const CONTROL_PREAMBLE: Span = Span::from_micros(20);

/// Bits of SERVICE field and tail around the bytes of a frame.
const SERVICE_AND_TAIL: u64 = 16 + 6;

/// Bytes of an acknowledgement, and of one for a block of frames with a bitmap
/// of 64.
const ACK: u64 = 14;
const BLOCK_ACK: u64 = 32;

/// Bytes before each frame of an aggregate, whose start is a multiple of four.
const DELIMITER: u64 = 4;

/// The durations that a standard gives to the parts of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timing {
    pub(super) slot: Span,
    pub(super) sifs: Span,
    /// Idle time before the first slot of backoff.
    pub(super) aifs: Span,
    pub(super) preamble: Span,
    pub(super) symbol: Span,
    pub(super) signal_extension: Span,
    /// MAC bytes around each packet.
    pub(super) mac_overhead: u64,
}

impl Timing {
    /// Time on air of packets of these sizes in one transmission.
    pub(super) fn transmission(&self, sizes: impl Iterator<Item = u32>, rate: Bitrate) -> Span {
        let (mut frames, mut last, mut bytes) = (0, 0, 0u64);
        for size in sizes {
            last = u64::from(size) + self.mac_overhead;
            frames += 1;
            bytes += (DELIMITER + last).next_multiple_of(4);
        }
        let bytes = if frames > 1 { bytes } else { last };
        let bits = u128::from(bytes * 8 + SERVICE_AND_TAIL);
        let symbol = u128::from(self.symbol.as_nanos());
        let per_symbol = u128::from(rate.as_bps()) * symbol;
        let symbols = (bits * 1_000_000_000).div_ceil(per_symbol.max(1));
        let data = u64::try_from(symbols * symbol).unwrap_or(u64::MAX);
        self.preamble + Span::from_nanos(data) + self.signal_extension
    }

    /// Time from the end of a transmission to the end of its answer.
    pub(super) fn answer(&self, frames: usize) -> Span {
        let bytes = if frames > 1 { BLOCK_ACK } else { ACK };
        let symbols = (bytes * 8 + SERVICE_AND_TAIL).div_ceil(CONTROL_BITS_PER_SYMBOL);
        self.sifs + CONTROL_PREAMBLE + CONTROL_SYMBOL * symbols + self.signal_extension
    }
}

#[cfg(test)]
mod tests {
    use super::super::WifiCell;
    use super::*;

    #[test]
    fn durations_at_mcs_11_are_those_of_the_standard() {
        let timing = WifiCell::default().timing();
        let rate = Bitrate::from_mbps(52);
        let of = |sizes: &[u32]| timing.transmission(sizes.iter().copied(), rate).as_micros();
        // 8 x 1538 + 22 = 12,326 bits in symbols of 208: 60 of 4 us.
        assert_eq!(of(&[1_500]), 40 + 240 + 6);
        // 8 x 78 + 22 = 646 bits: 4 symbols.
        assert_eq!(of(&[40]), 40 + 16 + 6);
        // Two of 4 + 1538 + 2 bytes: 24,726 bits, 119 symbols.
        assert_eq!(of(&[1_500, 1_500]), 40 + 476 + 6);
        // ACK 134 bits in 2 symbols, block ACK 278 in 3.
        assert_eq!(timing.answer(1).as_micros(), 10 + 20 + 8 + 6);
        assert_eq!(timing.answer(2).as_micros(), 10 + 20 + 12 + 6);
        assert_eq!(timing.aifs.as_micros(), 10 + 3 * 20);
    }
}
