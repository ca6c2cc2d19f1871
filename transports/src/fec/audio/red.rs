//! RED: each audio packet carries the payloads of the packets before it.
//!
//! Implements: RFC 2198 as `AudioEncoderCopyRed` of libwebrtc (2026-07) has it:
//! every packet carries a header of one byte, and four more for each older
//! payload; the newest first, until one does not fit into 1,200 bytes or is 16,384
//! ticks old (a pause of DTX). Packets of silence carry older ones but are not
//! carried; a payload of 1,024 bytes or more goes alone and plain. In-band
//! redundancy in a payload comes along with it.
//! Differs: 1,200 bytes are those of the payload alone.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::{AudioCopy, RedundantAudio, Rtp};
use weaknet_core::{BuildContext, BuildError, Plugin, Span};

use super::rfc2198::{BLOCK_HEADER, LAST_HEADER, MAX_LENGTH, MAX_OFFSET};
use super::{AudioRedundancy, Place, is_sound};
use crate::fec::{Fec, Scheme};

/// Most payload bytes (`kAudioMaxRtpPacketLen`).
const MAX_PAYLOAD: u16 = 1_200;
/// Most older payloads (the field trial `WebRTC-Audio-Red-For-Opus`).
const MAX_DISTANCE: u8 = 9;

/// Redundant audio of RFC 2198.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RedAudio {
    /// How many older packets each one carries, 1 to 9. Default 1
    /// (`kRedNumberOfRedundantEncodings`).
    pub distance: u8,
}

impl Default for RedAudio {
    fn default() -> Self {
        Self { distance: 1 }
    }
}

impl Plugin for RedAudio {
    type Kind = Fec;
    const NAME: &'static str = "red_audio";
    const SUMMARY: &'static str = "audio: whole copies of the packets before (RED)";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 2198",
        "libwebrtc modules/audio_coding/codecs/red, 2026-07",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Scheme, BuildError> {
        if !(1..=MAX_DISTANCE).contains(&self.distance) {
            let message = format!(
                "expected 1 to {MAX_DISTANCE} packets, found {}",
                self.distance
            );
            return Err(BuildError::field("distance", message));
        }
        Ok(Scheme::Audio(Box::new(Red {
            distance: usize::from(self.distance),
            older: VecDeque::new(),
        })))
    }
}

struct Red {
    distance: usize,
    /// Older payloads, newest first.
    older: VecDeque<Block>,
}

/// What the encoder made.
struct Block {
    rtp: Rtp,
    /// The copies in it.
    in_band: Vec<AudioCopy>,
}

impl Block {
    /// The copies that a packet has of it so many packets later.
    fn copies(&self, red: u8) -> impl Iterator<Item = AudioCopy> {
        let whole = AudioCopy {
            seq: self.rtp.seq,
            timestamp: self.rtp.timestamp,
            size: self.rtp.payload,
            codec: 0,
            red,
            captured: self.rtp.captured,
        };
        let in_band = self.in_band.iter();
        let in_band = in_band.map(move |copy| AudioCopy { red, ..*copy });
        in_band.chain(std::iter::once(whole))
    }
}

impl AudioRedundancy for Red {
    fn place(&self) -> Place {
        Place::Blocks
    }

    fn protect(&mut self, packet: &mut RedundantAudio, _: Span) {
        let primary = packet.rtp;
        if primary.payload > MAX_LENGTH {
            return;
        }
        let block = is_sound(&primary).then(|| Block {
            rtp: primary,
            in_band: packet.copies.clone(),
        });
        let mut added = LAST_HEADER;
        for (block, red) in self.older.iter().zip(1..) {
            let offset = primary.timestamp.saturating_sub(block.rtp.timestamp);
            let bytes = BLOCK_HEADER + block.rtp.payload;
            // The last header is not weighed, as in libwebrtc.
            let weighed = primary.payload + added - LAST_HEADER + bytes;
            if weighed > MAX_PAYLOAD || offset > u64::from(MAX_OFFSET) {
                break;
            }
            added += bytes;
            packet.copies.extend(block.copies(red));
        }
        packet.red = true;
        packet.redundant += added;
        packet.rtp.payload += added;
        if let Some(block) = block {
            self.older.push_front(block);
            self.older.truncate(self.distance);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MS20, opus, scheme};
    use super::*;
    use crate::fec::test_support::build_error;

    fn red(distance: u8) -> super::super::AudioProtection {
        scheme(&RedAudio { distance })
    }

    fn seqs(packet: &RedundantAudio) -> Vec<(u64, u8)> {
        packet
            .copies
            .iter()
            .map(|copy| (copy.seq, copy.red))
            .collect()
    }

    /// media.md, wire model: 80 bytes of Opus become 165 with one copy.
    #[test]
    fn each_copy_costs_itself_and_four_bytes() {
        let mut red = red(2);
        let sizes: Vec<(u16, u16)> = (0..4)
            .map(|seq| red.protect(opus(seq, 80), MS20).unwrap())
            .map(|packet| (packet.rtp.payload, packet.redundant))
            .collect();
        assert_eq!(sizes, [(81, 1), (165, 85), (249, 169), (249, 169)]);
        let packet = red.protect(opus(4, 80), MS20).unwrap();
        assert_eq!(seqs(&packet), [(3, 1), (2, 2)]);
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let mut red = red(3);
        for seq in 0..3 {
            red.protect(opus(seq, 400), MS20);
        }
        // 400 + 404, and another 404 would make 1208.
        let packet = red.protect(opus(3, 400), MS20).unwrap();
        assert_eq!(seqs(&packet), [(2, 1)]);
        assert_eq!(packet.rtp.payload, 805);
        // 10 bits of length.
        assert_eq!(red.protect(opus(4, 1_024), MS20), None);
        let small = red.protect(opus(5, 100), MS20).unwrap();
        assert_eq!(seqs(&small), [(3, 1), (2, 2)]);
    }

    #[test]
    fn silence_carries_but_is_not_carried() {
        let mut red = red(1);
        red.protect(opus(0, 80), MS20);
        let silence = red.protect(opus(1, 1), MS20).unwrap();
        assert_eq!(seqs(&silence), [(0, 1)]);
        let mut next = opus(2, 80);
        next.timestamp = 16_383;
        assert_eq!(seqs(&red.protect(next, MS20).unwrap()), [(0, 1)]);
        // 14 bits of offset.
        let mut late = opus(3, 80);
        late.timestamp = 16_383 + 16_384;
        assert_eq!(seqs(&red.protect(late, MS20).unwrap()), []);
    }

    #[test]
    fn senseless_distances_are_refused() {
        for distance in [0, 10] {
            assert_eq!(build_error(&RedAudio { distance }), "distance");
        }
    }
}
