//! Transport-wide congestion control feedback.
//!
//! Implements: draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1,
//! with libwebrtc's choice of chunks. Padding is announced by the P bit when the
//! packet is the last one of its compound, as libwebrtc does.
//! Differs: a delta beyond 8.19 s, for which libwebrtc starts another report, is
//! cut to that.

use weaknet_core::packet::Arrival;

use crate::rtp::{Chunks, Symbol, reference, statuses};

/// Appends what comes after the SSRCs and yields the number of padding bytes.
pub(super) fn write(arrivals: &[Arrival], count: u8, out: &mut Vec<u8>) -> usize {
    // The count of statuses has 16 bits.
    let arrivals = &arrivals[..arrivals.len().min(usize::from(u16::MAX))];
    let base = arrivals.first().map_or(0, |arrival| arrival.seq);
    let [.., high, middle, low] = reference(arrivals).to_be_bytes();
    out.extend_from_slice(&(base as u16).to_be_bytes());
    out.extend_from_slice(&(arrivals.len() as u16).to_be_bytes());
    out.extend_from_slice(&[high, middle, low, count]);
    let mut chunks = Chunks::default();
    let mut emit = |chunk: u16| out.extend_from_slice(&chunk.to_be_bytes());
    for (symbol, _) in statuses(arrivals) {
        chunks.push(symbol, &mut emit);
    }
    chunks.finish(&mut emit);
    for (symbol, delta) in statuses(arrivals) {
        match symbol {
            Symbol::Missing => {}
            Symbol::Small => out.push(delta as u8),
            Symbol::Large => {
                let delta = delta.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16;
                out.extend_from_slice(&delta.to_be_bytes());
            }
        }
    }
    let padding = out.len().next_multiple_of(4) - out.len();
    out.resize(out.len() + padding, 0);
    padding
}
