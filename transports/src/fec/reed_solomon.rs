//! Reed-Solomon codes: of a block any packets, as many as it has media packets,
//! are enough.
//!
//! Implements: the Cauchy code of `gf256::cauchy` over blocks of whole frames,
//! symbols with their length as FECFRAME has them (RFC 6865).
//! Differs: RFC 6865 takes a Vandermonde matrix (RFC 5510) and its own payload
//! IDs; here a header of six bytes names first packet, number of packets and
//! symbol.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin};

use super::block::{BlockDecoder, BlockEncoder, BlockRule, read_header, write_header};
use super::gf256::cauchy::{self, MOST_SYMBOLS};
use super::symbols::{to_packet, to_symbol};
use super::{Fec, FecCodec, FecPair, Repair};

/// Reed-Solomon codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReedSolomon {
    /// Media packets of a block at most; default 128.
    pub max_packets: u16,
}

impl Default for ReedSolomon {
    fn default() -> Self {
        Self { max_packets: 128 }
    }
}

impl Plugin for ReedSolomon {
    type Kind = Fec;
    const NAME: &'static str = "reed_solomon";
    const SUMMARY: &'static str = "repairs as many losses in a block as it has repair packets";
    const REFERENCES: &'static [&'static str] =
        &["Blömer et al., ICSI TR-95-048, 1995", "RFC 6865"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Option<FecPair>, BuildError> {
        if !(1..=254).contains(&self.max_packets) {
            return Err(BuildError::field("max_packets", "expected 1 to 254"));
        }
        let most = usize::from(self.max_packets);
        Ok(Some(FecPair {
            encoder: Box::new(BlockEncoder::new(most, MOST_SYMBOLS)),
            decoder: Box::new(BlockDecoder::new(Separable)),
            codec: Some(Box::new(Codec)),
        }))
    }
}

/// Any symbols will do.
struct Separable;

impl BlockRule for Separable {
    fn is_enough(&self, _: usize, _: &[usize], _: &BTreeSet<u32>) -> bool {
        true
    }
}

struct Codec;

/// Packets of a block that its numbers of eight bits allow.
const MOST_PACKETS: u16 = 254;

impl FecCodec for Codec {
    fn encode(&self, repair: &Repair, sources: &BTreeMap<u64, Vec<u8>>) -> Option<Vec<u8>> {
        let symbols = repair.protects.iter().map(|seq| sources.get(seq));
        let symbols: Vec<Vec<u8>> = symbols
            .map(|packet| packet.map(|p| to_symbol(p)))
            .collect::<Option<_>>()?;
        let width = symbols.iter().map(Vec::len).max()?;
        let symbol = u8::try_from(repair.symbol).ok()?;
        if usize::from(symbol) + symbols.len() >= MOST_SYMBOLS {
            return None;
        }
        let symbols: Vec<&[u8]> = symbols.iter().map(Vec::as_slice).collect();
        let mut body = vec![0; width];
        cauchy::encode(&symbols, symbol, width, &mut body);
        let mut payload = Vec::new();
        write_header(repair, &mut payload);
        payload.extend(body);
        Some(payload)
    }

    fn header(&self, payload: &[u8], around: u64) -> Option<Repair> {
        let (repair, _) = read_header(payload, around, MOST_PACKETS)?;
        let most = MOST_SYMBOLS - repair.protects.len();
        usize::try_from(repair.symbol)
            .is_ok_and(|symbol| symbol < most)
            .then_some(repair)
    }

    fn decode(
        &self,
        sources: &BTreeMap<u64, Vec<u8>>,
        repairs: &[(Repair, Vec<u8>)],
    ) -> BTreeMap<u64, Vec<u8>> {
        let mut found = BTreeMap::new();
        for block in blocks(repairs) {
            let protects = &block[0].0.protects;
            let here: Vec<(u8, Vec<u8>)> = (0..=u8::MAX)
                .zip(protects)
                .filter_map(|(at, seq)| Some((at, to_symbol(sources.get(seq)?))))
                .collect();
            let data: Vec<(u8, &[u8])> = here.iter().map(|(at, s)| (*at, s.as_slice())).collect();
            let repair: BTreeMap<u8, &[u8]> = block
                .iter()
                .filter_map(|(repair, payload)| {
                    let (_, body) = read_header(payload, 0, MOST_PACKETS)?;
                    Some((u8::try_from(repair.symbol).ok()?, body))
                })
                .collect();
            let repair: Vec<(u8, &[u8])> = repair.into_iter().collect();
            let bodies = data.iter().chain(&repair);
            let width = bodies.map(|(_, body)| body.len()).max().unwrap_or_default();
            let solved = cauchy::decode(protects.len(), &data, &repair, width);
            for (at, symbol) in solved.unwrap_or_default().iter() {
                if let Some(packet) = to_packet(symbol) {
                    found.insert(protects[usize::from(at)], packet);
                }
            }
        }
        found
    }
}

/// Repair packets of the same block together.
pub(super) fn blocks<P>(repairs: &[(Repair, P)]) -> Vec<Vec<&(Repair, P)>> {
    let mut blocks: BTreeMap<&[u64], Vec<&(Repair, P)>> = BTreeMap::new();
    for repair in repairs
        .iter()
        .filter(|(repair, _)| !repair.protects.is_empty())
    {
        blocks.entry(&repair.0.protects).or_default().push(repair);
    }
    blocks.into_values().collect()
}
