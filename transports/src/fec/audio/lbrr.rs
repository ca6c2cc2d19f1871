//! In-band FEC of Opus: a packet has a second, coarser encoding of the sound of
//! the packet before it (low bit-rate redundancy, LBRR).
//!
//! Implements: RFC 6716, section 2.1.7: one packet back, and only if that one
//! had sound and came right before. When it is on: `decide_fec` of libopus 1.5
//! (`opus_encoder.c`) with its thresholds and hysteresis: from one percent of
//! told loss on, if the rate is worth it at the bandwidth that is coded; above
//! five percent the bandwidth gives way. Loss is told as by libwebrtc
//! (`told_loss`). The copy takes its bytes from the packet (`enc_API.c` subtracts
//! them from what the sound gets): packets grow no larger.
//! Differs: the bandwidth to begin with follows from the rate alone, by the
//! thresholds for speech in mono; the rate is that of the packet before.
//! Not modelled: that the sound itself is coded coarser when its bytes are
//! shared, sounds without speech that get no copy, the copy's rate by the loss.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::{AudioCopy, RedundantAudio, Rtp};
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span, Time};

use super::told_loss::ToldLoss;
use super::{AudioRedundancy, Place, bitrate, is_sound, ticks};
use crate::fec::{Fec, Scheme};

/// NetEQ's level of it.
pub(super) const LEVEL: u8 = 1;
/// Least rates with in-band FEC by bandwidth, from narrow to full
/// (`fec_thresholds`), in bit/s.
const FEC_THRESHOLDS: [u32; 5] = [12_000, 14_000, 16_000, 20_000, 22_000];
/// Their hysteresis.
const HYSTERESIS: u32 = 1_000;
/// Rates from which a bandwidth above narrow is coded
/// (`mono_voice_bandwidth_thresholds`), in bit/s.
const BANDWIDTH_THRESHOLDS: [u32; 4] = [9_000, 9_000, 13_500, 14_000];
/// Told loss from which on the bandwidth gives way, in percent.
const NARROWING: u32 = 5;

/// In-band FEC of Opus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpusLbrr {
    /// Bytes of the copy relative to those of the sound itself. Default 66.7 %
    /// (draft-ietf-mlcodec-opus-dred-05: about two thirds).
    pub share: Ratio,
}

impl Default for OpusLbrr {
    fn default() -> Self {
        Self {
            share: Ratio::from_f64(0.667),
        }
    }
}

impl Plugin for OpusLbrr {
    type Kind = Fec;
    const NAME: &'static str = "opus_lbrr";
    const SUMMARY: &'static str = "audio: a coarser copy of the packet before, within Opus";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 6716 section 2.1.7",
        "libopus 1.5 src/opus_encoder.c",
        "libwebrtc modules/audio_coding/codecs/opus, 2026-07",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Scheme, BuildError> {
        if self.share == Ratio::ZERO || self.share > Ratio::ONE {
            return Err(BuildError::field("share", "expected above 0% to 100%"));
        }
        let share = self.share.as_f64();
        Ok(Scheme::Audio(Box::new(Lbrr {
            of_packet: share / (1.0 + share),
            loss: ToldLoss::default(),
            on: false,
            last: None,
        })))
    }
}

struct Lbrr {
    /// The copy's share of a packet.
    of_packet: f64,
    loss: ToldLoss,
    on: bool,
    /// The packet before, and the timestamp after it.
    last: Option<(Rtp, u64)>,
}

impl AudioRedundancy for Lbrr {
    fn place(&self) -> Place {
        Place::Lbrr
    }

    fn on_loss(&mut self, now: Time, loss: f64) {
        self.loss.on_loss(now, loss);
    }

    fn protect(&mut self, packet: &mut RedundantAudio, length: Span) {
        let rtp = packet.rtp;
        let last = self.last.replace((rtp, rtp.timestamp + ticks(length)));
        if !is_sound(&rtp) {
            return;
        }
        self.on = is_worth_it(bitrate(&rtp, length), self.loss.percent(), self.on);
        let before = last.filter(|(last, end)| is_sound(last) && *end == rtp.timestamp);
        if let (true, Some((before, _))) = (self.on, before) {
            let size = libm::round(f64::from(rtp.payload) * self.of_packet) as u16;
            packet.redundant += size;
            packet.copies.push(AudioCopy {
                seq: before.seq,
                timestamp: before.timestamp,
                size,
                codec: LEVEL,
                red: 0,
                captured: before.captured,
            });
        }
    }
}

/// Whether an encoder of this rate adds copies at this loss.
fn is_worth_it(bps: u32, loss_percent: u32, was_on: bool) -> bool {
    if loss_percent == 0 {
        return false;
    }
    let coded = BANDWIDTH_THRESHOLDS.partition_point(|least| *least <= bps);
    let enough = |threshold: &u32| {
        let threshold = if was_on {
            threshold - HYSTERESIS
        } else {
            threshold + HYSTERESIS
        };
        bps > threshold * (125 - loss_percent.min(25)) / 100
    };
    if loss_percent <= NARROWING {
        enough(&FEC_THRESHOLDS[coded])
    } else {
        FEC_THRESHOLDS[..=coded].iter().any(enough)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MS20, opus, scheme};
    use super::*;

    #[test]
    fn thresholds_are_those_of_libopus() {
        // Full band at 1 %: 23000 * 1.24 = 28520 to begin, 26040 to go on.
        assert!(!is_worth_it(28_520, 1, false) && is_worth_it(28_521, 1, false));
        assert!(!is_worth_it(26_040, 1, true) && is_worth_it(26_041, 1, true));
        assert!(!is_worth_it(64_000, 0, true));
        // Up to 5 % the bandwidth stays; above, narrow band at 13000 * 1.19.
        assert!(!is_worth_it(20_000, 5, false) && is_worth_it(20_000, 6, false));
        assert!(!is_worth_it(15_470, 6, false) && is_worth_it(15_471, 6, false));
    }

    #[test]
    fn the_copy_is_of_the_packet_right_before() {
        let mut lbrr = scheme(&OpusLbrr::default());
        assert_eq!(lbrr.protect(opus(0, 80), MS20), None);
        assert_eq!(lbrr.protect(opus(1, 80), MS20), None, "no loss was told");
        lbrr.on_loss(Time::ZERO, 0.02);
        let packet = lbrr.protect(opus(2, 80), MS20).unwrap();
        // 0.667 / 1.667 of 80 bytes, and the packet as large as before.
        assert_eq!((packet.rtp.payload, packet.redundant), (80, 32));
        let copy = packet.copies[0];
        assert_eq!((copy.seq, copy.timestamp), (1, 960));
        assert_eq!((copy.codec, copy.red, copy.size), (1, 0, 32));
        // Not over a pause, nor of silence.
        let mut later = opus(3, 80);
        later.timestamp += 9_600;
        assert_eq!(lbrr.protect(later, MS20), None);
        let mut silence = opus(4, 1);
        silence.timestamp = later.timestamp + 960;
        assert_eq!(lbrr.protect(silence, MS20), None);
        let mut sound = opus(5, 80);
        sound.timestamp = silence.timestamp + 960;
        assert_eq!(lbrr.protect(sound, MS20), None);
    }
}
