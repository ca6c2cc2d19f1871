//! Random linear combinations over a window that slides with the packets.
//!
//! Implements: the sliding window RLC scheme over GF(2^8) of RFC 8681: repair
//! packets over the newest packets, coefficients from TinyMT32 (RFC 8682) by
//! repair key and density, the repair FEC payload ID of section 4.1.3 with
//! the sequence number as encoding symbol ID. A repair packet leaves as soon as
//! the rate allows one, at the latest packet of a frame, so that it never waits
//! for a block to fill.
//! Differs: the window is counted in packets and set, where section 3.1 derives it
//! from the latency budget; symbols have no flow identifier (`symbols`); the source
//! FEC payload ID is the RTP sequence number.
//! Not modelled: GF(2).

mod tinymt32;

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Time};

use self::tinymt32::TinyMt32;
use super::elimination::Terms;
use super::linear::{LinearCode, LinearCodec, LinearDecoder, unknown};
use super::share::Share;
use super::symbols::{nearest, run, symbol_size};
use super::{Fec, FecEncoder, FecPair, Protection, Repair, Scheme, Source};

/// Bytes of the repair FEC payload ID.
const HEADER: usize = 8;
/// The window of 12 bits.
const MOST_PACKETS: u16 = 4_095;
/// The density at which no coefficient is zero.
const FULL: u8 = 15;

/// Sliding window codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rlc {
    /// Media packets that a repair packet combines, the newest ones; default 40.
    pub window: u16,
    /// Density of coefficients, 0 to 15: of 16 packets so many and one are part of
    /// a combination; 15, the default, leaves none out (RFC 8681, section 3.6).
    pub density: u8,
}

impl Default for Rlc {
    fn default() -> Self {
        Self {
            window: 40,
            density: FULL,
        }
    }
}

impl Plugin for Rlc {
    type Kind = Fec;
    const NAME: &'static str = "rlc";
    const SUMMARY: &'static str = "random linear combinations over a sliding window";
    const REFERENCES: &'static [&'static str] = &["RFC 8681", "RFC 8682"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Scheme, BuildError> {
        if !(1..=512).contains(&self.window) {
            return Err(BuildError::field("window", "expected 1 to 512 packets"));
        }
        if self.density > FULL {
            return Err(BuildError::field("density", "expected 0 to 15"));
        }
        let code = Window {
            density: self.density,
        };
        Ok(Scheme::Video(FecPair {
            encoder: Box::new(Encoder {
                window: usize::from(self.window),
                packets: VecDeque::new(),
                due: Share::default(),
                key: 0,
            }),
            decoder: Box::new(LinearDecoder::new(code)),
            codec: Some(Box::new(LinearCodec(code))),
        }))
    }
}

struct Encoder {
    window: usize,
    /// Number and payload size of the packets in the window.
    packets: VecDeque<(u64, u16)>,
    due: Share,
    key: u16,
}

impl FecEncoder for Encoder {
    fn on_media(
        &mut self,
        _: Time,
        packet: &Source,
        protection: &Protection,
        out: &mut Vec<Repair>,
    ) {
        if self.packets.len() == self.window {
            self.packets.pop_front();
        }
        self.packets.push_back((packet.seq, packet.payload));
        self.due.add(protection.rate);
        if !packet.ends_frame() {
            return;
        }
        let longest = self.packets.iter().map(|(_, payload)| *payload).max();
        let payload = HEADER + symbol_size(longest.unwrap_or_default());
        while self.due.take() {
            out.push(Repair {
                protects: self.packets.iter().map(|(seq, _)| *seq).collect(),
                symbol: u32::from(self.key),
                payload: u16::try_from(payload).unwrap_or(u16::MAX),
            });
            self.key = self.key.wrapping_add(1);
        }
    }
}

/// Combinations by repair key.
#[derive(Debug, Clone, Copy)]
struct Window {
    density: u8,
}

/// The coefficients of a repair packet (RFC 8681, section 3.6).
fn coefficients(key: u16, density: u8) -> impl Iterator<Item = u8> {
    let mut generator = TinyMt32::new(u32::from(key));
    std::iter::repeat_with(move || {
        if density < FULL && generator.draw16() > density {
            return 0;
        }
        loop {
            let number = generator.draw256();
            if number != 0 {
                return number;
            }
        }
    })
}

impl LinearCode for Window {
    fn parts(&self) -> u16 {
        1
    }

    fn combinations(&self, repair: &Repair) -> Vec<Terms> {
        let names = repair.protects.iter().map(|seq| unknown(*seq, 0, 1));
        let terms = names.zip(coefficients(repair.symbol as u16, self.density));
        vec![terms.filter(|(_, coefficient)| *coefficient != 0).collect()]
    }

    fn write_header(&self, repair: &Repair, out: &mut Vec<u8>) {
        let first = repair.protects.first().copied().unwrap_or_default();
        let count = u16::try_from(repair.protects.len()).unwrap_or(u16::MAX);
        out.extend((repair.symbol as u16).to_be_bytes());
        let window = u16::from(self.density) << 12 | count.min(MOST_PACKETS);
        out.extend(window.to_be_bytes());
        out.extend((first as u32).to_be_bytes());
    }

    fn read_header<'a>(&self, bytes: &'a [u8], around: u64) -> Option<(Vec<u64>, u32, &'a [u8])> {
        let (header, body) = bytes.split_first_chunk::<HEADER>()?;
        let [k0, k1, w0, w1, .., f0, f1] = *header;
        let window = u16::from_be_bytes([w0, w1]);
        let first = nearest(u16::from_be_bytes([f0, f1]), around);
        (window >> 12 == u16::from(self.density)).then(|| {
            let protects = run(first, window & MOST_PACKETS);
            (protects, u32::from(u16::from_be_bytes([k0, k1])), body)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn density_is_the_share_of_packets_combined() {
        for (density, share) in [(0, 1.0 / 16.0), (7, 0.5), (14, 15.0 / 16.0), (15, 1.0)] {
            let numbers = (0..200).flat_map(|key| coefficients(key, density).take(500));
            let combined = numbers.filter(|number| *number != 0).count();
            // 10^5 draws: four standard deviations are at most 0.0063.
            let found = combined as f64 / 1e5;
            assert!((found - share).abs() < 0.0064, "{density}: {found}");
        }
    }
}
