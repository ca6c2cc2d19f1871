//! Every packet again, once or more often, right away or a few packets later.
//!
//! Implements: duplication of RTP packets in time (RFC 7198). As many copies as
//! the protection control wants repair packets per media packet, so that a rate of
//! one half sends every second packet twice.
//! Differs: a copy is a repair packet that carries the sequence number and the
//! whole packet, 16 bytes more than the copy of RFC 7198 in a stream of its own;
//! the distance is counted in packets, not in time.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Time};

use super::elimination::Terms;
use super::linear::{LinearCode, LinearCodec, LinearDecoder, unknown};
use super::share::Share;
use super::symbols::{nearest, symbol_size};
use super::{Fec, FecEncoder, FecPair, Protection, Repair, Scheme, Source};

/// Bytes of the header: the sequence number.
const HEADER: usize = 2;
/// Copies that may wait for their turn.
const MOST_WAITING: usize = 256;

/// Duplication.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Duplicate {
    /// Media packets between a packet and its copy, so that a burst does not hit
    /// both; default 0.
    pub distance: u16,
}

impl Plugin for Duplicate {
    type Kind = Fec;
    const NAME: &'static str = "duplicate";
    const SUMMARY: &'static str = "sends packets again without being asked";
    const REFERENCES: &'static [&'static str] = &["RFC 7198"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Scheme, BuildError> {
        if usize::from(self.distance) > MOST_WAITING {
            let message = format!("expected at most {MOST_WAITING} packets");
            return Err(BuildError::field("distance", message));
        }
        Ok(Scheme::Video(FecPair {
            encoder: Box::new(Encoder {
                distance: self.distance,
                due: Share::default(),
                waiting: VecDeque::new(),
            }),
            decoder: Box::new(LinearDecoder::new(Copies)),
            codec: Some(Box::new(LinearCodec(Copies))),
        }))
    }
}

struct Encoder {
    distance: u16,
    due: Share,
    /// Media packets still to be sent before the copy, and the copy.
    waiting: VecDeque<(u16, Repair)>,
}

impl FecEncoder for Encoder {
    fn on_media(
        &mut self,
        _: Time,
        packet: &Source,
        protection: &Protection,
        out: &mut Vec<Repair>,
    ) {
        for (left, _) in &mut self.waiting {
            *left = left.saturating_sub(1);
        }
        self.due.add(protection.rate);
        let mut symbol = 0;
        while self.waiting.len() < MOST_WAITING && self.due.take() {
            let copy = Repair {
                protects: vec![packet.seq],
                symbol,
                payload: u16::try_from(HEADER + symbol_size(packet.payload)).unwrap_or(u16::MAX),
            };
            symbol += 1;
            self.waiting.push_back((self.distance, copy));
        }
        while let Some((_, copy)) = self.waiting.pop_front_if(|(left, _)| *left == 0) {
            out.push(copy);
        }
    }
}

/// The code of one packet times one.
#[derive(Debug, Clone)]
struct Copies;

impl LinearCode for Copies {
    fn parts(&self) -> u16 {
        1
    }

    fn combinations(&self, repair: &Repair) -> Vec<Terms> {
        let first = repair.protects.iter().take(1);
        vec![first.map(|seq| (unknown(*seq, 0, 1), 1)).collect()]
    }

    fn write_header(&self, repair: &Repair, out: &mut Vec<u8>) {
        let seq = repair.protects.first().copied().unwrap_or_default();
        out.extend((seq as u16).to_be_bytes());
    }

    fn read_header<'a>(&self, bytes: &'a [u8], around: u64) -> Option<(Vec<u64>, u32, &'a [u8])> {
        let (seq, body) = bytes.split_first_chunk::<HEADER>()?;
        let seq = nearest(u16::from_be_bytes(*seq), around);
        Some((vec![seq], 0, body))
    }
}
