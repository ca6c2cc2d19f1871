//! A code for bursts of whole frames with a bound on the delay.
//!
//! Implements: the idea of streaming codes (E. Martinian, C.-E. Sundberg, "Burst
//! Erasure Correction Codes with Low Decoding Delay", IEEE Trans. Inf. Theory,
//! 2004) in the form for frames of changing size that Tambur uses (M. Rudow et
//! al., NSDI 2023). Each packet has `delay` parts, the first `burst` of them early
//! parts. The repair packets of a frame combine the late parts of that frame and
//! of the `delay` frames before it, and the early parts of that frame and of the
//! oldest one. After a burst the next frames give back the late parts of all that
//! is lost together, and then each lost frame gets its early parts back `delay`
//! frames after it was due. With repair packets of `burst / delay` of the media
//! that is enough for `burst` frames, and fewer losses come back earlier.
//! Differs: coefficients are drawn by a hash, not from a Cauchy matrix, so that
//! combinations that should be enough are so in all but one of 255 cases; own
//! header of nine bytes.
//! Not modelled: Tambur's learnt predictor of the overhead, for which any
//! protection control stands in.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Time};

use super::elimination::Terms;
use super::linear::{LinearCode, LinearCodec, LinearDecoder, unknown};
use super::share::Share;
use super::symbols::{nearest, run, symbol_size};
use super::{Fec, FecEncoder, FecPair, Protection, Repair, Scheme, Source};

/// Bytes of the header: first packet, packets, those of the oldest and of the
/// newest frame, which repair packet.
const HEADER: usize = 9;
/// Packets of a frame that are protected at most.
const MOST_PACKETS: u16 = 0xfff;
/// Repair packets of a frame.
const MOST_REPAIRS: u32 = 256;

/// Streaming codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Streaming {
    /// Frames after which a lost frame is back at the latest; default 3.
    pub delay: u16,
    /// Lost frames in a row that the code is built for, at most `delay`; default 1.
    pub burst: u16,
}

impl Default for Streaming {
    fn default() -> Self {
        Self { delay: 3, burst: 1 }
    }
}

impl Plugin for Streaming {
    type Kind = Fec;
    const NAME: &'static str = "streaming";
    const SUMMARY: &'static str = "repairs bursts of frames within a bounded delay";
    const REFERENCES: &'static [&'static str] = &[
        "Martinian and Sundberg, Burst Erasure Correction Codes with Low Decoding Delay, 2004",
        "Rudow et al., Tambur, NSDI 2023",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Scheme, BuildError> {
        if !(1..=8).contains(&self.delay) {
            return Err(BuildError::field("delay", "expected 1 to 8 frames"));
        }
        if !(1..=self.delay).contains(&self.burst) {
            let message = format!("expected 1 to {} frames, as `delay` says", self.delay);
            return Err(BuildError::field("burst", message));
        }
        let code = Frames {
            delay: self.delay,
            burst: self.burst,
        };
        Ok(Scheme::Video(FecPair {
            encoder: Box::new(Encoder {
                delay: usize::from(self.delay),
                frames: VecDeque::new(),
                due: Share::default(),
            }),
            decoder: Box::new(LinearDecoder::new(code)),
            codec: Some(Box::new(LinearCodec(code))),
        }))
    }
}

/// A frame that was sent.
#[derive(Debug, Clone, Copy)]
struct Sent {
    first: u64,
    packets: u16,
    longest: u16,
}

struct Encoder {
    delay: usize,
    /// The newest frames, at most `delay` and one.
    frames: VecDeque<Sent>,
    due: Share,
}

impl FecEncoder for Encoder {
    fn on_media(
        &mut self,
        _: Time,
        packet: &Source,
        protection: &Protection,
        out: &mut Vec<Repair>,
    ) {
        self.due.add(protection.rate);
        if packet.part == 0 || self.frames.is_empty() {
            if self.frames.len() > self.delay {
                self.frames.pop_front();
            }
            self.frames.push_back(Sent {
                first: packet.seq,
                packets: 0,
                longest: 0,
            });
        }
        let Some(own) = self.frames.back_mut() else {
            return;
        };
        own.packets = own.packets.saturating_add(1);
        own.longest = own.longest.max(packet.payload);
        if !packet.ends_frame() {
            return;
        }
        let own = *own;
        let oldest = self
            .frames
            .front()
            .filter(|_| self.frames.len() > self.delay);
        let oldest = oldest.map_or(0, |frame| frame.packets);
        let window = Shape {
            oldest: oldest.min(MOST_PACKETS),
            newest: own.packets.min(MOST_PACKETS),
        };
        let longest = self.frames.iter().map(|frame| frame.longest).max();
        let parts = self.delay;
        let body = symbol_size(longest.unwrap_or_default()).div_ceil(parts) * parts;
        for index in 0..MOST_REPAIRS {
            if !self.due.take() {
                break;
            }
            let numbers = self
                .frames
                .iter()
                .flat_map(|frame| run(frame.first, frame.packets));
            out.push(Repair {
                protects: numbers.collect(),
                symbol: window.symbol(index),
                payload: u16::try_from(HEADER + body).unwrap_or(u16::MAX),
            });
        }
    }
}

/// How many packets of what a repair packet protects belong to the oldest frame
/// (none while there are fewer than `delay` before), and to the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    oldest: u16,
    newest: u16,
}

impl Shape {
    fn symbol(self, index: u32) -> u32 {
        index & 0xff | u32::from(self.oldest) << 8 | u32::from(self.newest) << 20
    }

    const fn of(symbol: u32) -> Self {
        Self {
            oldest: (symbol >> 8) as u16 & MOST_PACKETS,
            newest: (symbol >> 20) as u16 & MOST_PACKETS,
        }
    }
}

/// Which combinations there are.
#[derive(Debug, Clone, Copy)]
struct Frames {
    delay: u16,
    burst: u16,
}

impl LinearCode for Frames {
    fn parts(&self) -> u16 {
        self.delay
    }

    fn combinations(&self, repair: &Repair) -> Vec<Terms> {
        let shape = Shape::of(repair.symbol);
        let count = repair.protects.len();
        let early =
            |at: usize| at < usize::from(shape.oldest) || at + usize::from(shape.newest) >= count;
        let newest = repair.protects.last().copied().unwrap_or_default();
        let own = (newest & 0xffff) << 8 | u64::from(repair.symbol & 0xff);
        let combination = |row: u16| {
            let packets = repair.protects.iter().enumerate();
            packets
                .flat_map(|(at, seq)| {
                    let from = if early(at) { 0 } else { self.burst };
                    (from..self.delay).map(move |part| {
                        let of = (seq & 0xffff) << 8 | u64::from(part);
                        let name = unknown(*seq, part, self.delay);
                        (name, coefficient(own << 8 | u64::from(row), of))
                    })
                })
                .collect()
        };
        (0..self.delay).map(combination).collect()
    }

    fn write_header(&self, repair: &Repair, out: &mut Vec<u8>) {
        let shape = Shape::of(repair.symbol);
        let first = repair.protects.first().copied().unwrap_or_default();
        let count = u16::try_from(repair.protects.len()).unwrap_or(u16::MAX);
        for word in [first as u16, count, shape.oldest, shape.newest] {
            out.extend(word.to_be_bytes());
        }
        out.push(repair.symbol as u8);
    }

    fn read_header<'a>(&self, bytes: &'a [u8], around: u64) -> Option<(Vec<u64>, u32, &'a [u8])> {
        let (header, body) = bytes.split_first_chunk::<HEADER>()?;
        let [f0, f1, c0, c1, o0, o1, n0, n1, index] = *header;
        let first = nearest(u16::from_be_bytes([f0, f1]), around);
        let count = u16::from_be_bytes([c0, c1]);
        let shape = Shape {
            oldest: u16::from_be_bytes([o0, o1]),
            newest: u16::from_be_bytes([n0, n1]),
        };
        let is_sound = shape.oldest <= MOST_PACKETS
            && shape.newest <= MOST_PACKETS
            && u32::from(count) <= u32::from(MOST_PACKETS) * (u32::from(self.delay) + 1);
        is_sound.then(|| (run(first, count), shape.symbol(u32::from(index)), body))
    }
}

/// A number from 1 to 255 for two names, by the finaliser of SplitMix64.
const fn coefficient(row: u64, column: u64) -> u8 {
    let mut x = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ column;
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ x >> 31) % 255) as u8 + 1
}
