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

use super::block::{self, BlockCode};
use super::gf256::cauchy::{self, MOST_SYMBOLS};
use super::{Fec, Scheme};

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

    fn build(&self, _: &BuildContext<'_>) -> Result<Scheme, BuildError> {
        block::pair(Cauchy, self.max_packets)
    }
}

#[derive(Clone, Copy)]
struct Cauchy;

impl BlockCode for Cauchy {
    const MOST_PACKETS: u16 = 254;
    const MOST_SYMBOLS: usize = MOST_SYMBOLS;

    /// Any symbols will do.
    fn is_enough(self, _: usize, _: &[usize], _: &BTreeSet<u32>) -> bool {
        true
    }

    fn encode(self, symbols: &[Vec<u8>], repair: u32) -> Option<Vec<u8>> {
        let width = symbols.first()?.len();
        let row = u8::try_from(repair).ok()?;
        if usize::from(row) + symbols.len() >= MOST_SYMBOLS {
            return None;
        }
        let symbols: Vec<&[u8]> = symbols.iter().map(Vec::as_slice).collect();
        let mut body = vec![0; width];
        cauchy::encode(&symbols, row, width, &mut body);
        Some(body)
    }

    fn decode(
        self,
        count: usize,
        symbols: &[(usize, Vec<u8>)],
        repairs: &BTreeMap<u32, Vec<u8>>,
        width: u16,
    ) -> Option<Vec<(usize, Vec<u8>)>> {
        let data = symbols.iter();
        let data = data.map(|(at, symbol)| Some((u8::try_from(*at).ok()?, symbol.as_slice())));
        let rows = repairs.iter();
        let rows = rows.map(|(row, symbol)| Some((u8::try_from(*row).ok()?, symbol.as_slice())));
        let (data, rows): (Option<Vec<_>>, Option<Vec<_>>) = (data.collect(), rows.collect());
        let found = cauchy::decode(count, &data?, &rows?, usize::from(width))?;
        let owned = found
            .iter()
            .map(|(at, symbol)| (usize::from(at), symbol.to_vec()));
        Some(owned.collect())
    }
}
