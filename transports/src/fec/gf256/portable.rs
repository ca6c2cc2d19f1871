//! Sums of products in plain code: a source is doubled seven times, and each row
//! adds those multiples that are bits of its coefficient. All loops are over
//! whole blocks of bytes without branches.

use super::field::REDUCTION;

/// Bytes at a time: all multiples of a block stay in the first cache.
const BLOCK: usize = 256;

/// See [`super::add_products`].
pub(super) fn add_products(out: &mut [u8], width: usize, coefficients: &[u8], sources: &[&[u8]]) {
    let mut multiples = [[0_u8; BLOCK]; 8];
    for at in (0..width).step_by(BLOCK) {
        let end = width.min(at + BLOCK);
        for (column, source) in sources.iter().enumerate() {
            let bytes = source.get(at..end.min(source.len())).unwrap_or_default();
            if bytes.is_empty() {
                continue;
            }
            fill(&mut multiples, bytes);
            let rows = out.chunks_exact_mut(width);
            for (row, factors) in rows.zip(coefficients.chunks_exact(sources.len())) {
                let row = &mut row[at..at + bytes.len()];
                for (bit, multiple) in multiples.iter().enumerate() {
                    if factors[column] >> bit & 1 == 1 {
                        for (sum, byte) in row.iter_mut().zip(multiple) {
                            *sum ^= byte;
                        }
                    }
                }
            }
        }
    }
}

/// The bytes, twice the bytes, four times the bytes and so on.
fn fill(multiples: &mut [[u8; BLOCK]; 8], bytes: &[u8]) {
    multiples[0][..bytes.len()].copy_from_slice(bytes);
    for power in 1..8 {
        let (known, next) = multiples.split_at_mut(power);
        for (double, byte) in next[0].iter_mut().zip(&known[power - 1]) {
            let carry = (*byte >> 7) * REDUCTION;
            *double = (*byte << 1) ^ carry;
        }
    }
}
