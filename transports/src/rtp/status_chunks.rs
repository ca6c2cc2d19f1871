//! The statuses of transport-wide feedback: which symbol a packet gets, the
//! delta of its arrival, and the chunks that the symbols are packed into.
//!
//! Implements: draft-holmer-rmcat-transport-wide-cc-extensions-01 with the choice
//! of chunks of libwebrtc (`rtcp_packet/transport_feedback.cc`, July 2026):
//! symbols are collected until none of the chunk forms could take the next one,
//! then leave as a run length, as 14 one-bit or as 7 two-bit symbols. Deltas are
//! differences of rounded times, so that rounding does not add up.

use weaknet_core::packet::Arrival;
use weaknet_core::{Span, Time};

/// Unit of arrival times in transport-wide feedback.
pub const TWCC_TICK: Span = Span::from_micros(250);

/// Ticks of 250 us in the 64 ms unit of the reference time.
const REFERENCE_TICKS: u64 = 256;

/// The tick of 250 us that is nearest to `at`.
pub(super) const fn nearest_tick(at: Time) -> u64 {
    let tick = TWCC_TICK.as_nanos();
    at.as_nanos().saturating_add(tick / 2) / tick
}

/// The reference time of a report in units of 64 ms: the last one that is not
/// after the first arrival.
pub(crate) fn reference(arrivals: &[Arrival]) -> u64 {
    let first = arrivals.iter().find_map(|arrival| arrival.at);
    first.map_or(0, nearest_tick) / REFERENCE_TICKS
}

/// The symbol of each packet of a report and, when it arrived, its delta in
/// ticks: the first against the reference time, then against the packet that
/// arrived before it in sequence.
pub(crate) fn statuses(arrivals: &[Arrival]) -> impl Iterator<Item = (Symbol, i64)> + '_ {
    let mut last = reference(arrivals) * REFERENCE_TICKS;
    arrivals.iter().map(move |arrival| match arrival.at {
        None => (Symbol::Missing, 0),
        Some(at) => {
            let tick = nearest_tick(at);
            // Both are times in units of 250 us: far below 2^63.
            let delta = tick as i64 - last as i64;
            last = tick;
            match delta {
                0..=255 => (Symbol::Small, delta),
                _ => (Symbol::Large, delta),
            }
        }
    })
}

/// Status of one packet; its number is the length of its delta in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Symbol {
    #[default]
    Missing = 0,
    Small = 1,
    Large = 2,
}

const MAX_RUN: u32 = 8_191;
const ONE_BIT: usize = 14;
const TWO_BIT: usize = 7;

/// Packs symbols into chunks. `open` symbols wait for the form of their chunk.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    open: u32,
    symbols: [Symbol; ONE_BIT],
    mixed: bool,
    large: bool,
}

impl Chunks {
    const fn takes(&self, symbol: Symbol) -> bool {
        let open = self.open as usize;
        open < TWO_BIT
            || (open < ONE_BIT && !self.large && symbol as u8 != Symbol::Large as u8)
            || (self.open < MAX_RUN && !self.mixed && symbol as u8 == self.symbols[0] as u8)
    }

    /// Adds a symbol; a chunk that this closes goes to `emit`.
    pub(crate) fn push(&mut self, symbol: Symbol, emit: &mut impl FnMut(u16)) {
        if !self.takes(symbol) {
            self.close(ONE_BIT, emit);
        }
        self.append(symbol);
    }

    /// Closes what is still open: one chunk.
    pub(crate) fn finish(mut self, emit: &mut impl FnMut(u16)) {
        if self.open > 0 {
            self.close(TWO_BIT + 1, emit);
        }
    }

    fn append(&mut self, symbol: Symbol) {
        if let Some(slot) = self.symbols.get_mut(self.open as usize) {
            *slot = symbol;
        }
        self.open += 1;
        self.mixed |= symbol != self.symbols[0];
        self.large |= symbol == Symbol::Large;
    }

    /// Closes one chunk; mixed symbols become one-bit ones when there are
    /// `one_bit` or more. Only two-bit vectors leave symbols behind.
    fn close(&mut self, one_bit: usize, emit: &mut impl FnMut(u16)) {
        let open = self.open as usize;
        let symbols = self.symbols;
        let bits = |width: usize, count: usize| {
            let room = symbols.iter().take(count.min(open)).enumerate();
            room.fold(0, |word, (i, &symbol)| {
                word | (symbol as u16) << ((count - 1 - i) * width)
            })
        };
        let taken = if !self.mixed {
            emit((symbols[0] as u16) << 13 | self.open as u16);
            open
        } else if open >= one_bit {
            emit(0b10 << 14 | bits(1, ONE_BIT));
            open
        } else {
            emit(0b11 << 14 | bits(2, TWO_BIT));
            open.min(TWO_BIT)
        };
        (self.open, self.mixed, self.large) = (0, false, false);
        for &symbol in symbols.get(taken..open).unwrap_or_default() {
            self.append(symbol);
        }
    }
}
