//! Blocks: some packets, and repair packets over all of them.
//!
//! A block holds whole frames, as many as the protection control allows, and ends
//! early when it is full. Over all blocks repair packets are the share that the
//! control wants; what is left of one goes on to the next block.

use std::collections::{BTreeMap, BTreeSet};

use weaknet_core::Time;

use super::share::Share;
use super::symbols::{Known, nearest, run, symbol_size};
use super::{FecDecoder, FecEncoder, Protection, Repair, Source};

/// Blocks that a decoder waits for at once.
const MOST_BLOCKS: usize = 256;
/// Bytes of the header: first packet, packets, which repair packet.
pub(super) const HEADER: usize = 6;

/// Collects packets to blocks.
pub(super) struct BlockEncoder {
    most_packets: usize,
    most_symbols: usize,
    packets: Vec<u64>,
    longest: u16,
    frames: u32,
    due: Share,
}

impl BlockEncoder {
    /// Blocks of at most so many media packets, and of so many packets of both
    /// kinds.
    pub(super) fn new(most_packets: usize, most_symbols: usize) -> Self {
        Self {
            most_packets,
            most_symbols,
            packets: Vec::new(),
            longest: 0,
            frames: 0,
            due: Share::default(),
        }
    }
}

impl FecEncoder for BlockEncoder {
    fn on_media(
        &mut self,
        _: Time,
        packet: &Source,
        protection: &Protection,
        out: &mut Vec<Repair>,
    ) {
        self.packets.push(packet.seq);
        self.longest = self.longest.max(packet.payload);
        self.due.add(protection.rate);
        self.frames += u32::from(packet.ends_frame());
        if self.frames < protection.max_frames && self.packets.len() < self.most_packets {
            return;
        }
        let payload = HEADER + symbol_size(self.longest);
        let most = self.most_symbols - self.packets.len();
        for symbol in (0..).take(most) {
            if !self.due.take() {
                break;
            }
            out.push(Repair {
                protects: self.packets.clone(),
                symbol,
                payload: u16::try_from(payload).unwrap_or(u16::MAX),
            });
        }
        self.packets.clear();
        (self.longest, self.frames) = (0, 0);
    }
}

/// Whether a block's missing packets follow from what is there.
pub(super) trait BlockRule: Send {
    /// `missing` positions among `count` packets, and repair packets; more
    /// of them than are missing or as many.
    fn is_enough(&self, count: usize, missing: &[usize], repairs: &BTreeSet<u32>) -> bool;
}

/// A block of which something is missing.
struct Block {
    protects: Vec<u64>,
    repairs: BTreeSet<u32>,
}

/// Waits until blocks can be solved.
pub(super) struct BlockDecoder<R> {
    rule: R,
    known: Known,
    /// By first packet and number of packets.
    blocks: BTreeMap<(u64, usize), Block>,
}

impl<R: BlockRule> BlockDecoder<R> {
    pub(super) fn new(rule: R) -> Self {
        Self {
            rule,
            known: Known::default(),
            blocks: BTreeMap::new(),
        }
    }

    /// Solves the block, if it can be; whether there is nothing left to do.
    fn solve(rule: &R, known: &mut Known, block: &Block, out: &mut Vec<u64>) -> bool {
        let numbered = block.protects.iter().enumerate();
        let missing: Vec<usize> = numbered
            .filter(|(_, seq)| !known.contains(**seq))
            .map(|(at, _)| at)
            .collect();
        let count = block.protects.len();
        let is_enough = missing.is_empty()
            || missing.len() <= block.repairs.len()
                && rule.is_enough(count, &missing, &block.repairs);
        if is_enough {
            for at in missing {
                known.insert(block.protects[at]);
                out.push(block.protects[at]);
            }
        }
        is_enough
    }
}

impl<R: BlockRule> FecDecoder for BlockDecoder<R> {
    fn on_media(&mut self, _: Time, seq: u64, out: &mut Vec<u64>) {
        if !self.known.insert(seq) {
            return;
        }
        let horizon = self.known.horizon();
        let Self {
            rule,
            known,
            blocks,
        } = self;
        blocks.retain(|(first, _), block| {
            let concerns = block.protects.binary_search(&seq).is_ok();
            *first >= horizon && !(concerns && Self::solve(rule, known, block, out))
        });
    }

    fn on_repair(&mut self, _: Time, repair: &Repair, out: &mut Vec<u64>) {
        let Some(first) = repair.protects.first() else {
            return;
        };
        let key = (*first, repair.protects.len());
        let block = self.blocks.entry(key).or_insert_with(|| Block {
            protects: repair.protects.clone(),
            repairs: BTreeSet::new(),
        });
        block.repairs.insert(repair.symbol);
        if Self::solve(&self.rule, &mut self.known, block, out) {
            self.blocks.remove(&key);
        }
        if self.blocks.len() > MOST_BLOCKS {
            self.blocks.pop_first();
        }
    }
}

/// Writes the header of a repair packet.
pub(super) fn write_header(repair: &Repair, out: &mut Vec<u8>) {
    let first = repair.protects.first().copied().unwrap_or_default();
    let count = u16::try_from(repair.protects.len()).unwrap_or(u16::MAX);
    for word in [first as u16, count, repair.symbol as u16] {
        out.extend(word.to_be_bytes());
    }
}

/// Reads a header: packets, which repair packet, and what follows.
pub(super) fn read_header(bytes: &[u8], around: u64, most_packets: u16) -> Option<(Repair, &[u8])> {
    let (header, body) = bytes.split_first_chunk::<HEADER>()?;
    let [f0, f1, c0, c1, s0, s1] = *header;
    let first = nearest(u16::from_be_bytes([f0, f1]), around);
    let count = u16::from_be_bytes([c0, c1]);
    let repair = Repair {
        protects: run(first, count),
        symbol: u32::from(u16::from_be_bytes([s0, s1])),
        payload: u16::try_from(bytes.len()).ok()?,
    };
    (1..=most_packets)
        .contains(&count)
        .then_some((repair, body))
}
