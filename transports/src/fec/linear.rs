//! Codes whose repair packets are linear combinations over GF(2^8), decoded by
//! elimination.
//!
//! A code says which combination a repair packet is; the rest is here, once for
//! numbers and once for bytes, both by the same steps. A code may cut packets into
//! parts that are combined apart from each other: part j of a packet has its bytes
//! j, j + n, j + 2n and so on, so that what a part holds does not hang on how long
//! other packets are.
//!
//! Not modelled: packets that arrive damaged.

use std::collections::BTreeMap;

use weaknet_core::Time;

use super::elimination::{Elimination, Side, Terms};
use super::symbols::{Known, to_packet, to_symbol};
use super::{FecCodec, FecDecoder, Repair};

/// Equations that are kept at most.
const MOST_EQUATIONS: usize = 1_024;

/// Which combinations repair packets are.
pub(super) trait LinearCode: Send {
    /// Parts that each packet is cut into, at least 1.
    fn parts(&self) -> u16;
    /// The combinations in a repair packet, one for each of its own parts, over
    /// parts of packets: see [`unknown`].
    fn combinations(&self, repair: &Repair) -> Vec<Terms>;
    /// Writes the header of the repair packet.
    fn write_header(&self, repair: &Repair, out: &mut Vec<u8>);
    /// Reads a header; what it protects, which one it is, and what follows.
    fn read_header<'a>(&self, bytes: &'a [u8], around: u64) -> Option<(Vec<u64>, u32, &'a [u8])>;
}

/// The name of a part of a packet.
pub(super) fn unknown(seq: u64, part: u16, parts: u16) -> u64 {
    seq.saturating_mul(u64::from(parts))
        .saturating_add(u64::from(part))
}

/// What is known of packets and their combinations.
struct Receiver<C, S> {
    code: C,
    known: Known,
    /// Parts that are known of packets that are not, by name.
    loose: BTreeMap<u64, S>,
    equations: Elimination<S>,
    solved: Vec<(u64, S)>,
}

impl<C: LinearCode, S: Side> Receiver<C, S> {
    fn new(code: C) -> Self {
        Self {
            code,
            known: Known::default(),
            loose: BTreeMap::new(),
            equations: Elimination::default(),
            solved: Vec::new(),
        }
    }

    /// A packet arrived, in parts. Packets that follow from it are pushed to
    /// `found`.
    fn on_packet(&mut self, seq: u64, sides: Vec<S>, found: &mut Vec<(u64, Vec<S>)>) {
        if !self.known.insert(seq) {
            return;
        }
        let parts = self.code.parts();
        for (part, side) in (0..parts).zip(sides) {
            let name = unknown(seq, part, parts);
            if self.loose.remove(&name).is_none() {
                self.equations.know(name, &side, &mut self.solved);
            }
        }
        let horizon = unknown(self.known.horizon(), 0, parts);
        self.equations.forget_below(horizon);
        self.loose = self.loose.split_off(&horizon);
        self.take_solved(found);
    }

    /// A repair packet arrived, with a right-hand side for each of its parts.
    /// `known` yields a part of a packet that is known.
    fn on_repair(
        &mut self,
        repair: &Repair,
        sides: Vec<S>,
        known: impl Fn(u64, u16) -> Option<S>,
        found: &mut Vec<(u64, Vec<S>)>,
    ) {
        let parts = self.code.parts();
        for (mut terms, mut side) in self.code.combinations(repair).into_iter().zip(sides) {
            if self.equations.len() >= MOST_EQUATIONS {
                return;
            }
            let mut is_whole = true;
            terms.retain(|name, coefficient| {
                let (seq, part) = (*name / u64::from(parts), *name % u64::from(parts));
                let value = match self.loose.get(name) {
                    Some(value) => Some(value.clone()),
                    None if !self.known.contains(seq) => return true,
                    None => known(seq, u16::try_from(part).unwrap_or_default()),
                };
                match value {
                    Some(value) => side.add(*coefficient, &value),
                    None => is_whole = false,
                }
                false
            });
            if is_whole {
                self.equations.add(terms, side, &mut self.solved);
                self.take_solved(found);
            }
        }
    }

    /// Puts packets together all of whose parts are known.
    fn take_solved(&mut self, found: &mut Vec<(u64, Vec<S>)>) {
        let parts = self.code.parts();
        for (name, side) in self.solved.drain(..) {
            self.loose.insert(name, side);
            let seq = name / u64::from(parts);
            let own = unknown(seq, 0, parts)..unknown(seq.saturating_add(1), 0, parts);
            if self.loose.range(own.clone()).count() == usize::from(parts) {
                let whole = self.loose.extract_if(own, |_, _| true);
                found.push((seq, whole.map(|(_, side)| side).collect()));
                self.known.insert(seq);
            }
        }
    }
}

/// Decides on numbers.
pub(super) struct LinearDecoder<C> {
    receiver: Receiver<C, ()>,
    found: Vec<(u64, Vec<()>)>,
}

impl<C: LinearCode> LinearDecoder<C> {
    pub(super) fn new(code: C) -> Self {
        Self {
            receiver: Receiver::new(code),
            found: Vec::new(),
        }
    }

    fn nothings(&self) -> Vec<()> {
        vec![(); usize::from(self.receiver.code.parts())]
    }
}

impl<C: LinearCode> FecDecoder for LinearDecoder<C> {
    fn on_media(&mut self, _: Time, seq: u64, out: &mut Vec<u64>) {
        let parts = self.nothings();
        self.receiver.on_packet(seq, parts, &mut self.found);
        out.extend(self.found.drain(..).map(|(seq, _)| seq));
    }

    fn on_repair(&mut self, _: Time, repair: &Repair, out: &mut Vec<u64>) {
        let parts = self.nothings();
        let known = |_, _| Some(());
        self.receiver
            .on_repair(repair, parts, known, &mut self.found);
        out.extend(self.found.drain(..).map(|(seq, _)| seq));
    }
}

/// Encodes and decodes bytes.
pub(super) struct LinearCodec<C>(pub(super) C);

impl<C: LinearCode + Clone> FecCodec for LinearCodec<C> {
    fn encode(&self, repair: &Repair, sources: &BTreeMap<u64, Vec<u8>>) -> Option<Vec<u8>> {
        let parts = self.0.parts();
        let symbols = repair.protects.iter().map(|seq| {
            let symbol = to_symbol(sources.get(seq)?);
            Some((*seq, split(&symbol, parts)))
        });
        let symbols: BTreeMap<u64, Vec<Vec<u8>>> = symbols.collect::<Option<_>>()?;
        let width = symbols.values().map(|symbol| symbol[0].len()).max()?;
        let mut payload = Vec::new();
        self.0.write_header(repair, &mut payload);
        for terms in self.0.combinations(repair) {
            let mut sum = vec![0; width];
            for (name, coefficient) in terms {
                let (seq, part) = (name / u64::from(parts), name % u64::from(parts));
                let part = symbols.get(&seq)?.get(usize::try_from(part).ok()?)?;
                sum.add(coefficient, part);
            }
            payload.extend(sum);
        }
        Some(payload)
    }

    fn header(&self, payload: &[u8], around: u64) -> Option<Repair> {
        let (protects, symbol, _) = self.0.read_header(payload, around)?;
        Some(Repair {
            protects,
            symbol,
            payload: u16::try_from(payload.len()).ok()?,
        })
    }

    fn decode(
        &self,
        sources: &BTreeMap<u64, Vec<u8>>,
        repairs: &[(Repair, Vec<u8>)],
    ) -> BTreeMap<u64, Vec<u8>> {
        let parts = self.0.parts();
        let mut receiver = Receiver::<C, Vec<u8>>::new(self.0.clone());
        let mut found = Vec::new();
        let symbols: BTreeMap<u64, Vec<Vec<u8>>> = sources
            .iter()
            .map(|(seq, packet)| (*seq, split(&to_symbol(packet), parts)))
            .collect();
        for (seq, symbol) in &symbols {
            receiver.on_packet(*seq, symbol.clone(), &mut found);
        }
        let mut all = symbols;
        for (repair, payload) in repairs {
            let Some((_, _, body)) = self.0.read_header(payload, 0) else {
                continue;
            };
            let width = body.len() / usize::from(parts);
            let sides = (0..usize::from(parts)).map(|at| body[at * width..][..width].to_vec());
            let known = |seq, part| all.get(&seq)?.get(usize::from(part)).cloned();
            receiver.on_repair(repair, sides.collect(), known, &mut found);
            all.extend(found.iter().cloned());
        }
        let packets = found.into_iter().filter_map(|(seq, symbol)| {
            let packet = to_packet(&join(&symbol))?;
            Some((seq, packet))
        });
        packets.collect()
    }
}

/// The parts of a symbol, all of the same length.
fn split(symbol: &[u8], parts: u16) -> Vec<Vec<u8>> {
    let parts = usize::from(parts);
    let width = symbol.len().div_ceil(parts);
    let part = |from: usize| {
        let mut part: Vec<u8> = symbol.iter().skip(from).step_by(parts).copied().collect();
        part.resize(width, 0);
        part
    };
    (0..parts).map(part).collect()
}

/// The symbol of these parts.
fn join(parts: &[Vec<u8>]) -> Vec<u8> {
    let width = parts.iter().map(Vec::len).max().unwrap_or_default();
    let byte = |at: usize| {
        let column = parts.iter();
        column.map(move |part| part.get(at).copied().unwrap_or_default())
    };
    (0..width).flat_map(byte).collect()
}
