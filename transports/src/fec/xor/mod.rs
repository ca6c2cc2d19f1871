//! What the parity schemes share: when repair packets are made, which packets
//! each is the XOR of, and how a receiver undoes that.

mod codec;
mod generator;
mod masks;
mod parity;
mod peeling;

#[cfg(test)]
pub(super) mod testing;

pub(super) use codec::{Layout, Parsed, XorCodec};
pub(super) use generator::{Generator, Reach};
pub use masks::MaskFamily;
pub(super) use parity::Parity;
pub(super) use peeling::Peeler;

/// Fixed part of an RTP header, which parity treats field by field.
pub(super) const RTP_HEADER: usize = 12;

/// The extended number nearest to `around` that ends in these 16 bits.
pub(super) fn nearest(low: u16, around: u64) -> u64 {
    let ahead = low.wrapping_sub(around as u16);
    if ahead < 0x8000 {
        around.saturating_add(u64::from(ahead))
    } else {
        let behind = u64::from(ahead.wrapping_neg());
        // Numbers begin at 0: what would lie before is ahead.
        around
            .checked_sub(behind)
            .unwrap_or_else(|| around.saturating_add(u64::from(ahead)))
    }
}
