//! A parity scheme on bytes, with whatever header in front.
//!
//! The SSRC of a restored packet is that of the packets at hand, or what the
//! header says; without either it is zero.

use std::collections::BTreeMap;

use super::Parity;
use crate::fec::{FecCodec, Repair};

/// How a repair packet is laid out.
pub(crate) trait Layout: Send {
    /// Writes the repair packet of these numbers; `None` when they do not fit.
    fn write(&self, protects: &[u64], ssrc: [u8; 4], parity: &Parity) -> Option<Vec<u8>>;
    /// What a repair packet says.
    fn read(&self, payload: &[u8], around: u64) -> Option<Parsed>;
}

/// A repair packet that was read.
pub(crate) struct Parsed {
    pub(crate) protects: Vec<u64>,
    pub(crate) ssrc: Option<[u8; 4]>,
    pub(crate) parity: Parity,
}

/// A parity scheme on bytes.
#[derive(Debug)]
pub(crate) struct XorCodec<L>(pub(crate) L);

fn ssrc(packet: &[u8]) -> Option<[u8; 4]> {
    packet.get(8..12)?.try_into().ok()
}

impl<L: Layout> FecCodec for XorCodec<L> {
    fn encode(&self, repair: &Repair, sources: &BTreeMap<u64, Vec<u8>>) -> Option<Vec<u8>> {
        let mut parity = Parity::default();
        for seq in &repair.protects {
            if !parity.add(sources.get(seq)?) {
                return None;
            }
        }
        let first = sources.get(repair.protects.first()?)?;
        self.0.write(&repair.protects, ssrc(first)?, &parity)
    }

    fn header(&self, payload: &[u8], around: u64) -> Option<Repair> {
        let parsed = self.0.read(payload, around)?;
        Some(Repair {
            protects: parsed.protects,
            symbol: 0,
            payload: u16::try_from(payload.len()).ok()?,
        })
    }

    fn decode(
        &self,
        sources: &BTreeMap<u64, Vec<u8>>,
        repairs: &[(Repair, Vec<u8>)],
    ) -> BTreeMap<u64, Vec<u8>> {
        let stream = sources.values().find_map(|packet| ssrc(packet));
        let read = |(repair, payload): &(Repair, Vec<u8>)| {
            let around = repair.protects.first()?;
            self.0.read(payload, *around)
        };
        let mut waiting: Vec<Parsed> = repairs.iter().filter_map(read).collect();
        let mut recovered = BTreeMap::new();
        let mut progress = true;
        while progress {
            progress = false;
            waiting.retain_mut(|repair| {
                let known = |seq: &u64| sources.get(seq).or_else(|| recovered.get(seq));
                let mut missing = repair.protects.iter().filter(|seq| known(seq).is_none());
                match (missing.next().copied(), missing.next()) {
                    (None, _) => false,
                    (Some(_), Some(_)) => true,
                    (Some(seq), None) => {
                        let mut left = std::mem::take(&mut repair.parity);
                        let mut packets = repair.protects.iter().filter_map(known);
                        if packets.all(|packet| left.add(packet)) {
                            let ssrc = stream.or(repair.ssrc).unwrap_or_default();
                            recovered.insert(seq, left.restore(seq, ssrc));
                            progress = true;
                        }
                        false
                    }
                }
            });
        }
        recovered
    }
}
