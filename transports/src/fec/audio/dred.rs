//! Deep redundancy of Opus (DRED): a packet has a very coarse encoding of the
//! last tenths of a second in its padding, made by a neural network.
//!
//! Implements: draft-ietf-mlcodec-opus-dred-05 in numbers. How far back a packet
//! reaches, and at what cost, is decided as by `compute_dred_bitrate` and
//! `estimate_dred_bitrate` of libopus 1.5 (`opus_encoder.c`): a share of the rate
//! above 12 kbit/s (20 with in-band FEC) that grows with the told loss, spent on
//! pieces of 40 ms that are coarser the older they are. The bytes are those of the
//! packet: it grows no larger. Loss is told as by libwebrtc (`told_loss`).
//! Differs: in-band FEC counts as on while the packet has such a copy; sizes are
//! the encoder's estimate, not what its entropy coder yields; sound before a pause
//! is not covered.
//! Not modelled: that the sound itself is coded coarser when its bytes are
//! shared; how the resynthesised sound sounds (it counts as decoded, see
//! `audio_reduced_ratio`); a receiver must decode DRED, which libwebrtc as of
//! 2026-07 does in forks only.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::{AudioCopy, RedundantAudio, Rtp};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use super::told_loss::ToldLoss;
use super::{AudioRedundancy, Place, bitrate, is_sound, lbrr, ticks};
use crate::fec::{Fec, Scheme};

/// NetEQ's level of it.
const LEVEL: u8 = 2;
/// Bits of a piece by its quantiser (`dred_bits_table`).
const BITS: [f64; 16] = [
    73.2, 68.1, 62.5, 57.0, 51.5, 45.7, 39.9, 32.4, 26.4, 20.4, 16.3, 13.0, 9.3, 8.2, 7.2, 6.4,
];
/// Bits of the extension's header (`DRED_EXPERIMENTAL_BYTES` is 2) and of the
/// initial state.
const FIXED_BITS: f64 = 8.0 * (3.0 + 2.0) + 50.0;
/// Sound of a piece.
const PIECE: Span = Span::from_millis(40);
/// Fewer pieces are not worth their header.
const LEAST_PIECES: u32 = 2;
/// The longest history (`DRED_MAX_FRAMES` of 10 ms).
const LONGEST: Span = Span::from_millis(1_040);

/// Deep redundancy of Opus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dred {
    /// How far back packets reach at most, 80 ms to 1.04 s; how far they do
    /// follows from rate and loss. Default 1 s (`OPUS_SET_DRED_DURATION` of 100).
    pub duration: Span,
}

impl Default for Dred {
    fn default() -> Self {
        Self {
            duration: Span::from_secs(1),
        }
    }
}

impl Plugin for Dred {
    type Kind = Fec;
    const NAME: &'static str = "dred";
    const SUMMARY: &'static str = "audio: the last tenths of a second again, resynthesised (DRED)";
    const REFERENCES: &'static [&'static str] = &[
        "draft-ietf-mlcodec-opus-dred-05",
        "libopus 1.5 src/opus_encoder.c",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Scheme, BuildError> {
        if !(PIECE * 2..=LONGEST).contains(&self.duration) {
            let message = format!("expected 80ms to 1040ms, found {}", self.duration);
            return Err(BuildError::field("duration", message));
        }
        Ok(Scheme::Audio(Box::new(Deep {
            duration: self.duration,
            loss: ToldLoss::default(),
            history: VecDeque::new(),
        })))
    }
}

struct Deep {
    duration: Span,
    loss: ToldLoss,
    /// Older packets with sound and the timestamps after them, newest first,
    /// without a pause.
    history: VecDeque<(Rtp, u64)>,
}

impl AudioRedundancy for Deep {
    fn place(&self) -> Place {
        Place::Padding
    }

    fn on_loss(&mut self, now: Time, loss: f64) {
        self.loss.on_loss(now, loss);
    }

    fn protect(&mut self, packet: &mut RedundantAudio, length: Span) {
        let rtp = packet.rtp;
        if !is_sound(&rtp)
            || self
                .history
                .front()
                .is_some_and(|(_, end)| *end != rtp.timestamp)
        {
            self.history.clear();
        }
        if !is_sound(&rtp) {
            return;
        }
        let terms = Terms {
            bps: bitrate(&rtp, length),
            loss_percent: self.loss.percent(),
            length,
            fec: packet.copies.iter().any(|copy| copy.codec == lbrr::LEVEL),
        };
        let Reach { pieces, bytes } = terms.reach(self.duration);
        let oldest = rtp
            .timestamp
            .saturating_sub(ticks(PIECE * u64::from(pieces)));
        let covered = self
            .history
            .iter()
            .take_while(|(old, _)| old.timestamp >= oldest);
        let before = packet.copies.len();
        packet.copies.extend(covered.map(|(old, _)| AudioCopy {
            seq: old.seq,
            timestamp: old.timestamp,
            size: 0,
            codec: LEVEL,
            red: 0,
            captured: old.captured,
        }));
        let copies = &mut packet.copies[before..];
        let count = u16::try_from(copies.len()).unwrap_or(u16::MAX);
        if count > 0 {
            let bytes = bytes.min(rtp.payload - packet.redundant.min(rtp.payload));
            packet.redundant += bytes;
            copies.iter_mut().for_each(|copy| copy.size = bytes / count);
        }
        self.history
            .push_front((rtp, rtp.timestamp + ticks(length)));
        let oldest = rtp.timestamp.saturating_sub(ticks(LONGEST));
        while self
            .history
            .pop_back_if(|(old, _)| old.timestamp < oldest)
            .is_some()
        {}
    }
}

/// What the encoder decides by.
#[derive(Debug, Clone, Copy)]
struct Terms {
    bps: u32,
    loss_percent: u32,
    length: Span,
    /// Whether in-band FEC is on.
    fec: bool,
}

/// How far back a packet reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reach {
    pieces: u32,
    bytes: u16,
}

impl Terms {
    fn reach(&self, most: Span) -> Reach {
        let loss = f64::from(self.loss_percent) / 100.0;
        let (share, kept) = match (self.fec, self.loss_percent > 5) {
            (true, _) => ((3.0 * loss).min(0.7), 20_000),
            (false, true) => ((0.55 + loss).min(0.8), 12_000),
            (false, false) => (12.0 * loss, 12_000),
        };
        let seconds = self.length.as_secs_f64();
        let share = share / (share + (1.0 - share) * 50.0 * seconds);
        let above = self.bps.saturating_sub(kept);
        let target = libm::floor(share * f64::from(above)) * seconds;
        let steps = Quantisers::of(above);
        let most = (most + Span::from_millis(50)).as_nanos() / PIECE.as_nanos();
        let mut bits = FIXED_BITS + BITS[steps.at(0)];
        let mut reach = Reach {
            pieces: 0,
            bytes: 0,
        };
        for piece in 0..u32::try_from(most).unwrap_or(0) {
            bits += BITS[steps.at(piece)];
            if bits >= target {
                break;
            }
            reach = Reach {
                pieces: piece + 1,
                bytes: libm::ceil(bits / 8.0) as u16,
            };
        }
        if reach.pieces < LEAST_PIECES {
            return Reach {
                pieces: 0,
                bytes: 0,
            };
        }
        reach
    }
}

/// The quantisers of pieces (`compute_quantizer`).
#[derive(Debug, Clone, Copy)]
struct Quantisers {
    first: u32,
    /// Sixteenths by which the next one is larger.
    step: u32,
}

impl Quantisers {
    /// At so many bit/s above those that the sound keeps.
    fn of(above: u32) -> Self {
        let log = u32::BITS - above.max(1).leading_zeros();
        Self {
            first: 51u32.saturating_sub(3 * log).clamp(4, 15),
            step: if above > 36_000 { 4 } else { 8 },
        }
    }

    fn at(self, piece: u32) -> usize {
        (self.first + (self.step * piece + 8) / 16).min(15) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MS20, opus, scheme};
    use super::*;
    use crate::fec::test_support::build_error;

    fn reach(bps: u32, loss_percent: u32, fec: bool) -> (u32, u16) {
        let terms = Terms {
            bps,
            loss_percent,
            length: MS20,
            fec,
        };
        let Reach { pieces, bytes } = terms.reach(Span::from_secs(1));
        (pieces, bytes)
    }

    #[test]
    fn the_reach_is_that_of_libopus() {
        // 20 kbit/s above: quantisers 6, 7, 7, 8, 8, 9 from the table's formula;
        // (0.55 + 0.1) * 20000 * 0.02 = 260 bits; 90 + 39.9 for the header, then
        // 39.9 + 32.4 + 32.4, and 26.4 would make 261.
        assert_eq!(reach(32_000, 10, false), (3, 30));
        // 300 bits: 26.4 + 26.4 more, 287.4; 20.4 would make 307.8.
        assert_eq!(reach(32_000, 20, false), (5, 36));
        // 12 % of 20 kbit/s do not pay the header.
        assert_eq!(reach(32_000, 1, false), (0, 0));
        // With in-band FEC 30 % of 12 kbit/s.
        assert_eq!(reach(32_000, 10, true), (0, 0));
        assert_eq!(reach(8_000, 20, false), (0, 0));
        // All of a second at a high rate.
        assert_eq!(reach(128_000, 20, false).0, 26);
    }

    #[test]
    fn a_packet_reaches_back_in_whole_packets() {
        let mut dred = scheme(&Dred::default());
        dred.on_loss(Time::ZERO, 0.1);
        for seq in 0..10 {
            let packet = dred.protect(opus(seq, 80), MS20);
            let seqs: Vec<u64> = packet
                .iter()
                .flat_map(|packet| packet.copies.iter().map(|copy| copy.seq))
                .collect();
            // Three pieces are six packets.
            let expected: Vec<u64> = (seq.saturating_sub(6)..seq).rev().collect();
            assert_eq!(seqs, expected);
            if let Some(packet) = packet {
                assert_eq!((packet.rtp.payload, packet.redundant), (80, 30));
            }
        }
        assert_eq!(dred.protect(opus(10, 1), MS20), None, "silence");
        assert_eq!(dred.protect(opus(11, 80), MS20), None, "after a pause");
    }

    #[test]
    fn senseless_durations_are_refused() {
        let duration = Span::from_secs(2);
        assert_eq!(build_error(&Dred { duration }), "duration");
    }
}
