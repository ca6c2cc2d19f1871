//! RaptorQ: a code for blocks of any size with as many repair packets as one
//! likes.
//!
//! Implements: RFC 6330 through the crate `raptorq`, one source block for the
//! packets of a block, repair symbols by their number. What can be solved is
//! decided by the code itself, over symbols of one byte: the ranks of its matrices
//! do not hang on what the symbols hold.
//! Differs: header of six bytes as `block` writes it, where RFC 6681 section 8.1.3
//! has seven; a lone packet is solved as RFC 6330 does it, through ten symbols of
//! padding.

use std::collections::{BTreeMap, BTreeSet};

use raptorq::{
    EncodingPacket, ObjectTransmissionInformation, PayloadId, SourceBlockDecoder,
    SourceBlockEncoder,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin};

use super::block::{BlockDecoder, BlockEncoder, BlockRule, read_header, write_header};
use super::reed_solomon::blocks;
use super::symbols::{to_packet, to_symbol};
use super::{Fec, FecCodec, FecPair, Repair};

/// Packets of a block.
const MOST_PACKETS: u16 = 1_024;
/// Packets of a block, media and repair.
const MOST_SYMBOLS: usize = 1 << 13;

/// RaptorQ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Raptorq {
    /// Media packets of a block at most; default 128.
    pub max_packets: u16,
}

impl Default for Raptorq {
    fn default() -> Self {
        Self { max_packets: 128 }
    }
}

impl Plugin for Raptorq {
    type Kind = Fec;
    const NAME: &'static str = "raptorq";
    const SUMMARY: &'static str = "fountain code: nearly any packets of a block are enough";
    const REFERENCES: &'static [&'static str] = &["RFC 6330", "RFC 6681", "crate raptorq 2.0"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Option<FecPair>, BuildError> {
        if !(1..=MOST_PACKETS).contains(&self.max_packets) {
            let message = format!("expected 1 to {MOST_PACKETS}");
            return Err(BuildError::field("max_packets", message));
        }
        let most = usize::from(self.max_packets);
        Ok(Some(FecPair {
            encoder: Box::new(BlockEncoder::new(most, MOST_SYMBOLS)),
            decoder: Box::new(BlockDecoder::new(Rank)),
            codec: Some(Box::new(Codec)),
        }))
    }
}

fn config(count: usize, width: u16) -> ObjectTransmissionInformation {
    let bytes = count as u64 * u64::from(width);
    ObjectTransmissionInformation::new(bytes, width, 1, 1, 1)
}

/// The block, if these symbols are enough.
fn solve(
    count: usize,
    width: u16,
    symbols: impl IntoIterator<Item = (u32, Vec<u8>)>,
) -> Option<Vec<u8>> {
    let config = config(count, width);
    let mut decoder = SourceBlockDecoder::new(0, &config, config.transfer_length());
    let packets = symbols
        .into_iter()
        .map(|(number, bytes)| EncodingPacket::new(PayloadId::new(0, number), bytes));
    decoder.decode(packets)
}

/// Decides by solving a block of zeros.
struct Rank;

impl BlockRule for Rank {
    fn is_enough(&self, count: usize, missing: &[usize], repairs: &BTreeSet<u32>) -> bool {
        let here = (0..count).filter(|at| missing.binary_search(at).is_err());
        let sources = here.filter_map(|at| u32::try_from(at).ok());
        let first = u32::try_from(count).unwrap_or(u32::MAX);
        let all = sources.chain(repairs.iter().map(|symbol| first + symbol));
        solve(count, 1, all.map(|number| (number, vec![0]))).is_some()
    }
}

struct Codec;

impl FecCodec for Codec {
    fn encode(&self, repair: &Repair, sources: &BTreeMap<u64, Vec<u8>>) -> Option<Vec<u8>> {
        let symbols = repair.protects.iter().map(|seq| sources.get(seq));
        let mut symbols: Vec<Vec<u8>> = symbols
            .map(|packet| packet.map(|p| to_symbol(p)))
            .collect::<Option<_>>()?;
        let width = symbols.iter().map(Vec::len).max()?;
        for symbol in &mut symbols {
            symbol.resize(width, 0);
        }
        let config = config(symbols.len(), u16::try_from(width).ok()?);
        let encoder = SourceBlockEncoder::new(0, &config, &symbols.concat());
        let body = encoder.repair_packets(repair.symbol, 1).pop()?.split().1;
        let mut payload = Vec::new();
        write_header(repair, &mut payload);
        payload.extend(body);
        Some(payload)
    }

    fn header(&self, payload: &[u8], around: u64) -> Option<Repair> {
        let (repair, _) = read_header(payload, around, MOST_PACKETS)?;
        Some(repair)
    }

    fn decode(
        &self,
        sources: &BTreeMap<u64, Vec<u8>>,
        repairs: &[(Repair, Vec<u8>)],
    ) -> BTreeMap<u64, Vec<u8>> {
        let mut found = BTreeMap::new();
        for block in blocks(repairs) {
            let protects = &block[0].0.protects;
            let count = protects.len();
            let bodies: BTreeMap<u32, &[u8]> = block
                .iter()
                .filter_map(|(repair, payload)| {
                    let (_, body) = read_header(payload, 0, MOST_PACKETS)?;
                    Some((repair.symbol, body))
                })
                .collect();
            let width = bodies
                .values()
                .map(|body| body.len())
                .max()
                .unwrap_or_default();
            let Ok(size @ 1..) = u16::try_from(width) else {
                continue;
            };
            let fit = |mut symbol: Vec<u8>| {
                symbol.resize(width, 0);
                symbol
            };
            let here = (0..).zip(protects);
            let here = here.filter_map(|(at, seq)| Some((at, fit(to_symbol(sources.get(seq)?)))));
            let first = u32::try_from(count).unwrap_or(u32::MAX);
            let more = bodies
                .iter()
                .map(|(symbol, body)| (first.saturating_add(*symbol), fit(body.to_vec())));
            let all: Vec<(u32, Vec<u8>)> = here.chain(more).collect();
            if all.len() < count {
                continue;
            }
            let Some(whole) = solve(count, size, all) else {
                continue;
            };
            let missing = (0..)
                .zip(protects)
                .filter(|(_, seq)| !sources.contains_key(*seq));
            for (at, seq) in missing {
                let symbol = whole.get(at * width..(at + 1) * width);
                if let Some(packet) = symbol.and_then(to_packet) {
                    found.insert(*seq, packet);
                }
            }
        }
        found
    }
}
