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

use super::block::{self, BlockCode};
use super::{Fec, Scheme};

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

    fn build(&self, _: &BuildContext<'_>) -> Result<Scheme, BuildError> {
        block::pair(Fountain, self.max_packets)
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

#[derive(Clone, Copy)]
struct Fountain;

impl BlockCode for Fountain {
    const MOST_PACKETS: u16 = 1_024;
    const MOST_SYMBOLS: usize = 1 << 13;

    /// Solves a block of symbols of one byte.
    fn is_enough(self, count: usize, missing: &[usize], repairs: &BTreeSet<u32>) -> bool {
        let here = (0..count).filter(|at| missing.binary_search(at).is_err());
        let all = here
            .map(source)
            .chain(repairs.iter().map(|symbol| number(count, *symbol)));
        solve(count, 1, all.map(|number| (number, vec![0]))).is_some()
    }

    fn encode(self, symbols: &[Vec<u8>], repair: u32) -> Option<Vec<u8>> {
        let width = u16::try_from(symbols.first()?.len()).ok()?;
        let config = config(symbols.len(), width);
        let encoder = SourceBlockEncoder::new(0, &config, &symbols.concat());
        Some(encoder.repair_packets(repair, 1).pop()?.split().1)
    }

    fn decode(
        self,
        count: usize,
        symbols: &[(usize, Vec<u8>)],
        repairs: &BTreeMap<u32, Vec<u8>>,
        width: u16,
    ) -> Option<Vec<(usize, Vec<u8>)>> {
        let here = symbols
            .iter()
            .map(|(at, symbol)| (source(*at), symbol.clone()));
        let more = repairs
            .iter()
            .map(|(repair, symbol)| (number(count, *repair), symbol.clone()));
        let whole = solve(count, width, here.chain(more))?;
        let all = whole
            .chunks(usize::from(width))
            .map(<[u8]>::to_vec)
            .enumerate();
        let is_here = |at: &usize| symbols.iter().any(|(here, _)| here == at);
        Some(all.filter(|(at, _)| !is_here(at)).collect())
    }
}

/// The number of a media packet in its block.
fn source(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The number of a repair packet of a block with so many media packets.
fn number(count: usize, repair: u32) -> u32 {
    source(count).saturating_add(repair)
}
