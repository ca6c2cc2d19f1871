//! When repair packets are made, and how many.
//!
//! Implements: `ulpfec_generator.cc` and `ForwardErrorCorrection::NumFecPackets`
//! of libwebrtc (2026-07). Media packets gather in a block. When a frame is
//! complete the block is closed if it has as many frames as may wait, or else if
//! the share of repair packets is less than 50/256 above the one wanted and it has
//! at least one packet (four when more than 80/256 is wanted; one more when frames
//! have two packets or more on average). Of n media packets and a rate in 256ths
//! (n rate + 128) / 256 repair packets are made, at least one when the rate is not
//! zero. A block holds 48 packets; more are sent without protection. A key frame
//! makes its rate that of the whole block.
//! Differs: the least number of packets follows the rate at once, not when the
//! controller speaks next. A repair packet counts from the first packet that it
//! protects, not from the first of its block, so its mask is often shorter.

use weaknet_core::Time;

use super::masks::{MaskFamily, masks};
use crate::fec::{FecEncoder, Protection, Repair, Source};

/// Most media packets in a block (`kUlpfecMaxMediaPackets`).
const MAX_MEDIA: usize = 48;
/// A block may close early when its overhead is less than this above the wanted
/// one, in 256ths (`kMaxExcessOverhead`).
const MAX_EXCESS: i64 = 50;
/// Rate above which a block needs [`MIN_MEDIA`] packets to close early
/// (`kHighProtectionThreshold`).
const HIGH_RATE: u8 = 80;
/// `kMinMediaPackets`.
const MIN_MEDIA: usize = 4;

/// What the wire format can express.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    /// From the first number of a repair packet to the last, both included.
    pub(crate) span: u64,
    /// Bytes of the header of a repair packet for these numbers.
    pub(crate) header: fn(&[u64]) -> u16,
    /// Bytes in front of every payload of the media stream.
    pub(crate) media_header: u32,
}

/// The sender's half of a parity scheme.
#[derive(Debug)]
pub(crate) struct Generator {
    reach: Reach,
    family: MaskFamily,
    block: Vec<Source>,
    frames: u32,
    /// The protection of the key frame in the block.
    key: Option<Protection>,
}

impl Generator {
    pub(crate) const fn new(reach: Reach, family: MaskFamily) -> Self {
        Self {
            reach,
            family,
            block: Vec::new(),
            frames: 0,
            key: None,
        }
    }

    fn is_due(&self, rate: u8, max_frames: u32) -> bool {
        if self.frames >= max_frames {
            return true;
        }
        let media = self.block.len();
        let overhead = (repair_packets(media, rate) << 8) / media.max(1);
        let excess = overhead as i64 - i64::from(rate);
        let least = if rate > HIGH_RATE { MIN_MEDIA } else { 1 };
        let many = media >= 2 * self.frames as usize;
        excess < MAX_EXCESS && media >= least + usize::from(many)
    }

    fn close(&mut self, rate: u8, bursts: bool, out: &mut Vec<Repair>) {
        let block = std::mem::take(&mut self.block);
        (self.frames, self.key) = (0, None);
        let (Some(first), Some(last)) = (block.first(), block.last()) else {
            return;
        };
        if last.seq.saturating_sub(first.seq) >= self.reach.span {
            return;
        }
        let repairs = repair_packets(block.len(), rate);
        let bursty = self.family.is_bursty(bursts);
        for row in masks(block.len(), repairs, bursty) {
            let longest = row.iter().map(|at| block[*at].payload).max();
            let protects: Vec<u64> = row.iter().map(|at| block[*at].seq).collect();
            let header = (self.reach.header)(&protects);
            out.push(Repair {
                payload: longest.unwrap_or_default().saturating_add(header),
                protects,
                symbol: 0,
            });
        }
    }
}

/// Repair packets for so many media packets at a rate in 256ths.
fn repair_packets(media: usize, rate: u8) -> usize {
    let rounded = (media * usize::from(rate) + 128) >> 8;
    rounded.max(usize::from(rate > 0 && media > 0))
}

impl FecEncoder for Generator {
    fn media_header(&self) -> u32 {
        self.reach.media_header
    }

    fn on_media(
        &mut self,
        _: Time,
        packet: &Source,
        protection: &Protection,
        out: &mut Vec<Repair>,
    ) {
        if packet.key {
            self.key = Some(*protection);
        }
        if self.block.len() < MAX_MEDIA {
            self.block.push(*packet);
        }
        if !packet.ends_frame() {
            return;
        }
        self.frames += 1;
        let protection = self.key.unwrap_or(*protection);
        let rate = (protection.rate * 256.0).round() as u8;
        if self.is_due(rate, protection.max_frames) {
            self.close(rate, protection.bursts, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REACH: Reach = Reach {
        span: 48,
        header: |_| 14,
        media_header: 1,
    };

    /// Repair packets after each frame of these sizes, in packets, at a rate in
    /// 256ths.
    fn after_frames(frames: &[u16], rate: u8, max_frames: u32) -> Vec<usize> {
        let mut generator = Generator::new(REACH, MaskFamily::Control);
        let protection = Protection {
            rate: f64::from(rate) / 256.0,
            max_frames,
            bursts: false,
        };
        let mut seq = 0;
        let after = |(frame, parts): (usize, &u16)| {
            let mut out = Vec::new();
            for part in 0..*parts {
                let packet = Source {
                    seq,
                    payload: 1_000,
                    frame: frame as u64,
                    part,
                    parts: *parts,
                    key: false,
                };
                generator.on_media(Time::ZERO, &packet, &protection, &mut out);
                seq += 1;
            }
            out.len()
        };
        frames.iter().enumerate().map(after).collect()
    }

    #[test]
    fn media_md_3_2_line_1_count_is_rounded_and_at_least_one() {
        assert_eq!(repair_packets(10, 0), 0);
        assert_eq!(repair_packets(10, 1), 1);
        // 10 x 64 / 256 = 2.5 rounds up.
        assert_eq!(repair_packets(10, 64), 3);
        assert_eq!(repair_packets(10, 63), 2);
        assert_eq!(repair_packets(48, 255), 48);
        assert_eq!(repair_packets(1, 255), 1);
    }

    #[test]
    fn media_md_3_2_line_1_at_most_48_packets_are_protected() {
        assert_eq!(after_frames(&[48], 64, 1), [12]);
        assert_eq!(after_frames(&[60], 64, 1), [12]);
    }

    #[test]
    fn media_md_3_2_line_2_a_block_waits_for_its_frames_at_most() {
        // One packet of a wanted 64/256 is 256/256: 192 too many.
        assert_eq!(after_frames(&[1; 6], 64, 3), [0, 0, 1, 0, 0, 1]);
        // Four packets have 64/256, no excess.
        assert_eq!(after_frames(&[1; 8], 64, 6), [0, 0, 1, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn media_md_3_2_line_3_least_packets_to_close_early() {
        // Above 80/256 four packets, five when frames have two or more.
        assert_eq!(after_frames(&[2; 3], 128, 6), [0, 0, 3]);
        assert_eq!(after_frames(&[1; 4], 128, 6), [0, 0, 0, 2]);
        // At 80 one, two when frames have two or more.
        assert_eq!(after_frames(&[4], 80, 6), [1]);
        assert_eq!(after_frames(&[2], 80, 6), [1]);
        assert_eq!(after_frames(&[2], 81, 6), [0]);
    }

    #[test]
    fn without_protection_nothing_is_kept() {
        let mut generator = Generator::new(REACH, MaskFamily::Control);
        let protection = |rate| Protection {
            rate,
            max_frames: 6,
            bursts: false,
        };
        let mut out = Vec::new();
        for seq in 0..10 {
            let packet = Source {
                seq,
                payload: 10,
                frame: seq,
                part: 0,
                parts: 1,
                key: false,
            };
            let rate = if seq < 8 { 0.0 } else { 1.0 };
            generator.on_media(Time::ZERO, &packet, &protection(rate), &mut out);
        }
        assert!(out.is_empty(), "two packets are too few at such a rate");
        assert_eq!(generator.block.len(), 2);
    }

    #[test]
    fn a_key_frame_decides_for_its_block() {
        let mut generator = Generator::new(REACH, MaskFamily::Control);
        let mut out = Vec::new();
        for (seq, key, rate) in [(0, true, 1.0), (1, false, 0.0)] {
            let packet = Source {
                seq,
                payload: 700 + seq as u16,
                frame: seq,
                part: 0,
                parts: 1,
                key,
            };
            let protection = Protection {
                rate,
                max_frames: 2,
                bursts: false,
            };
            generator.on_media(Time::ZERO, &packet, &protection, &mut out);
        }
        assert_eq!(out.len(), 2);
        assert_eq!(
            (out[0].protects.as_slice(), out[0].payload),
            (&[0, 1][..], 715)
        );
    }

    #[test]
    fn numbers_too_far_apart_go_without() {
        let mut generator = Generator::new(REACH, MaskFamily::Control);
        let protection = Protection {
            rate: 1.0,
            max_frames: 2,
            bursts: false,
        };
        let mut out = Vec::new();
        for (frame, seq) in [(0, 0), (1, 48), (2, 49), (3, 96)] {
            let packet = Source {
                seq,
                payload: 10,
                frame,
                part: 0,
                parts: 1,
                key: false,
            };
            generator.on_media(Time::ZERO, &packet, &protection, &mut out);
        }
        assert!(out.iter().all(|repair| repair.protects[0] >= 49) && !out.is_empty());
    }
}
