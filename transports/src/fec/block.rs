//! Blocks: some packets, and repair packets over all of them.
//!
//! A block holds whole frames, as many as the protection control allows, and ends
//! early when it is full. Over all blocks repair packets are the share that the
//! control wants; what is left of one goes on to the next block.

use std::collections::{BTreeMap, BTreeSet};

use weaknet_core::{BuildError, Time};

use super::share::Share;
use super::symbols::{Known, nearest, run, symbol_size, to_packet, to_symbol};
use super::{FecCodec, FecDecoder, FecEncoder, FecPair, Protection, Repair, Scheme, Source};

/// Blocks that a decoder waits for at once.
const MOST_BLOCKS: usize = 256;
/// Bytes of the header: first packet, packets, which repair packet.
const HEADER: usize = 6;

/// Collects packets to blocks.
struct BlockEncoder {
    most_packets: usize,
    most_symbols: usize,
    packets: Vec<u64>,
    longest: u16,
    frames: u32,
    due: Share,
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

/// A code over whole blocks.
pub(super) trait BlockCode: Copy + Send + 'static {
    /// Media packets of a block at most.
    const MOST_PACKETS: u16;
    /// Media and repair packets of a block at most.
    const MOST_SYMBOLS: usize;

    /// Whether what is missing follows, at these positions among `count` packets,
    /// from the others and so many repair packets or more.
    fn is_enough(self, count: usize, missing: &[usize], repairs: &BTreeSet<u32>) -> bool;
    /// A repair symbol over symbols of the same length, one at least.
    fn encode(self, symbols: &[Vec<u8>], repair: u32) -> Option<Vec<u8>>;
    /// The symbols that are missing among `count`, with their positions, if those
    /// that are there are enough. All have `width` bytes.
    fn decode(
        self,
        count: usize,
        symbols: &[(usize, Vec<u8>)],
        repairs: &BTreeMap<u32, Vec<u8>>,
        width: u16,
    ) -> Option<Vec<(usize, Vec<u8>)>>;
}

/// The parts of a scheme with blocks of at most so many media packets.
pub(super) fn pair<C: BlockCode>(code: C, max_packets: u16) -> Result<Scheme, BuildError> {
    if !(1..=C::MOST_PACKETS).contains(&max_packets) {
        let message = format!("expected 1 to {}", C::MOST_PACKETS);
        return Err(BuildError::field("max_packets", message));
    }
    Ok(Scheme::Video(FecPair {
        encoder: Box::new(BlockEncoder {
            most_packets: usize::from(max_packets),
            most_symbols: C::MOST_SYMBOLS,
            packets: Vec::new(),
            longest: 0,
            frames: 0,
            due: Share::default(),
        }),
        decoder: Box::new(BlockDecoder {
            code,
            known: Known::default(),
            blocks: BTreeMap::new(),
        }),
        codec: Some(Box::new(BlockCodec(code))),
    }))
}

/// A block of which something is missing.
struct Block {
    protects: Vec<u64>,
    repairs: BTreeSet<u32>,
}

/// Waits until blocks can be solved.
struct BlockDecoder<C> {
    code: C,
    known: Known,
    /// By first packet and number of packets.
    blocks: BTreeMap<(u64, usize), Block>,
}

impl<C: BlockCode> BlockDecoder<C> {
    /// Solves the block, if it can be; whether there is nothing left to do.
    fn solve(code: C, known: &mut Known, block: &Block, out: &mut Vec<u64>) -> bool {
        let numbered = block.protects.iter().enumerate();
        let missing: Vec<usize> = numbered
            .filter(|(_, seq)| !known.contains(**seq))
            .map(|(at, _)| at)
            .collect();
        let count = block.protects.len();
        let is_enough = missing.is_empty()
            || missing.len() <= block.repairs.len()
                && code.is_enough(count, &missing, &block.repairs);
        if is_enough {
            for at in missing {
                known.insert(block.protects[at]);
                out.push(block.protects[at]);
            }
        }
        is_enough
    }
}

impl<C: BlockCode> FecDecoder for BlockDecoder<C> {
    fn on_media(&mut self, _: Time, seq: u64, out: &mut Vec<u64>) {
        if !self.known.insert(seq) {
            return;
        }
        let horizon = self.known.horizon();
        let Self {
            code,
            known,
            blocks,
        } = self;
        blocks.retain(|(first, _), block| {
            let concerns = block.protects.binary_search(&seq).is_ok();
            *first >= horizon && !(concerns && Self::solve(*code, known, block, out))
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
        if Self::solve(self.code, &mut self.known, block, out) {
            self.blocks.remove(&key);
        }
        if self.blocks.len() > MOST_BLOCKS {
            self.blocks.pop_first();
        }
    }
}

/// A code on bytes.
struct BlockCodec<C>(C);

impl<C: BlockCode> FecCodec for BlockCodec<C> {
    fn encode(&self, repair: &Repair, sources: &BTreeMap<u64, Vec<u8>>) -> Option<Vec<u8>> {
        let symbols = repair
            .protects
            .iter()
            .map(|seq| Some(to_symbol(sources.get(seq)?)));
        let mut symbols: Vec<Vec<u8>> = symbols.collect::<Option<_>>()?;
        let width = symbols.iter().map(Vec::len).max()?;
        for symbol in &mut symbols {
            symbol.resize(width, 0);
        }
        let first = repair.protects.first()?;
        let count = u16::try_from(symbols.len()).ok()?;
        let mut payload = Vec::with_capacity(HEADER + width);
        for word in [*first as u16, count, u16::try_from(repair.symbol).ok()?] {
            payload.extend(word.to_be_bytes());
        }
        payload.extend(self.0.encode(&symbols, repair.symbol)?);
        Some(payload)
    }

    fn header(&self, payload: &[u8], around: u64) -> Option<Repair> {
        let (header, _) = payload.split_first_chunk::<HEADER>()?;
        let [f0, f1, c0, c1, s0, s1] = *header;
        let count = u16::from_be_bytes([c0, c1]);
        let symbol = u16::from_be_bytes([s0, s1]);
        let is_sound = (1..=C::MOST_PACKETS).contains(&count)
            && usize::from(count) + usize::from(symbol) < C::MOST_SYMBOLS;
        let first = nearest(u16::from_be_bytes([f0, f1]), around);
        is_sound.then_some(Repair {
            protects: run(first, count),
            symbol: u32::from(symbol),
            payload: u16::try_from(payload.len()).ok()?,
        })
    }

    fn decode(
        &self,
        sources: &BTreeMap<u64, Vec<u8>>,
        repairs: &[(Repair, Vec<u8>)],
    ) -> BTreeMap<u64, Vec<u8>> {
        let mut blocks: BTreeMap<&[u64], BTreeMap<u32, Vec<u8>>> = BTreeMap::new();
        for (repair, payload) in repairs {
            if let Some((_, body)) = payload.split_first_chunk::<HEADER>() {
                let block = blocks.entry(&repair.protects).or_default();
                block.insert(repair.symbol, body.to_vec());
            }
        }
        let mut found = BTreeMap::new();
        for (protects, repairs) in blocks {
            let solved = self.solve(protects, sources, repairs).unwrap_or_default();
            let packets = solved
                .into_iter()
                .filter_map(|(at, symbol)| Some((*protects.get(at)?, to_packet(&symbol)?)));
            found.extend(packets);
        }
        found
    }
}

impl<C: BlockCode> BlockCodec<C> {
    /// The symbols that are missing in a block.
    fn solve(
        &self,
        protects: &[u64],
        sources: &BTreeMap<u64, Vec<u8>>,
        mut repairs: BTreeMap<u32, Vec<u8>>,
    ) -> Option<Vec<(usize, Vec<u8>)>> {
        let here = protects.iter().enumerate();
        let here = here.filter_map(|(at, seq)| Some((at, to_symbol(sources.get(seq)?))));
        let mut symbols: Vec<(usize, Vec<u8>)> = here.collect();
        let lengths = symbols.iter().map(|(_, symbol)| symbol.len());
        let width = lengths.chain(repairs.values().map(Vec::len)).max()?;
        let size = u16::try_from(width).ok().filter(|size| *size > 0)?;
        let all = symbols.iter_mut().map(|(_, symbol)| symbol);
        for symbol in all.chain(repairs.values_mut()) {
            symbol.resize(width, 0);
        }
        if symbols.len() + repairs.len() < protects.len() {
            return None;
        }
        self.0.decode(protects.len(), &symbols, &repairs, size)
    }
}
