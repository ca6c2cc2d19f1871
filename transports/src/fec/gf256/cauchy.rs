//! The systematic block code of a Cauchy matrix: of k data symbols and any
//! repair symbols, any k give the data.
//!
//! Implements: the matrix 1 / (x_i + y_j) of J. Blömer et al., "An XOR-Based
//! Erasure-Resilient Coding Scheme" (ICSI TR-95-048, 1995), over bytes, with
//! x_i = 255 - i for the repair symbols and y_j = j for the data, each column
//! divided by its first number. So the first repair symbol is the plain sum of the
//! data, and a repair symbol does not depend on how many there are of either.
//! Differs: no wire format of a standard; RFC 5510 has a Vandermonde matrix.

use super::{add_products, divide, inverse, multiply};

/// Data and repair symbols of a block together.
pub const MOST_SYMBOLS: usize = 256;

/// Coefficient of a data symbol in a repair symbol; the two numbers together
/// are below [`MOST_SYMBOLS`].
#[must_use]
pub const fn coefficient(repair: u8, data: u8) -> u8 {
    divide(255 ^ data, (255 - repair) ^ data)
}

/// A symbol and which one it is.
pub type Numbered<'a> = (u8, &'a [u8]);

/// Writes the repair symbols `from`, `from + 1` and so on of a block into `out`,
/// each `width` bytes long, which is the length of the longest data symbol at
/// least. Shorter data count as filled up with zeros.
pub fn encode(data: &[&[u8]], from: u8, width: usize, out: &mut [u8]) {
    out.fill(0);
    let rows = out.len().checked_div(width).unwrap_or_default();
    let coefficients: Vec<u8> = (from..=u8::MAX)
        .take(rows)
        .flat_map(|row| {
            (0..=u8::MAX)
                .take(data.len())
                .map(move |at| coefficient(row, at))
        })
        .collect();
    add_products(out, width, &coefficients, data);
}

/// The data symbols that are missing among the `count` of a block, with their
/// numbers, each `width` bytes long; `None` when there are fewer repair symbols
/// than that. Symbols are given once each.
#[must_use]
pub fn decode(
    count: usize,
    data: &[Numbered<'_>],
    repair: &[Numbered<'_>],
    width: usize,
) -> Option<Vec<(u8, Vec<u8>)>> {
    let is_here = |at: &u8| data.iter().any(|(here, _)| here == at);
    let missing: Vec<u8> = (0..=u8::MAX)
        .take(count)
        .filter(|at| !is_here(at))
        .collect();
    let used = repair.get(..missing.len())?;
    if missing.is_empty() || width == 0 {
        return Some(missing.into_iter().map(|at| (at, Vec::new())).collect());
    }
    // What is left of the repair symbols without the data that are here.
    let mut rests = vec![0; used.len() * width];
    for (rest, (_, symbol)) in rests.chunks_exact_mut(width).zip(used) {
        let length = symbol.len().min(width);
        rest[..length].copy_from_slice(&symbol[..length]);
    }
    let coefficients = |columns: &[u8]| -> Vec<u8> {
        let rows = used.iter().map(|(row, _)| *row);
        rows.flat_map(|row| columns.iter().map(move |at| coefficient(row, *at)))
            .collect()
    };
    let (here, symbols): (Vec<u8>, Vec<&[u8]>) = data.iter().copied().unzip();
    add_products(&mut rests, width, &coefficients(&here), &symbols);
    let inverted = invert(coefficients(&missing), missing.len())?;
    let mut found = vec![0; rests.len()];
    let rests: Vec<&[u8]> = rests.chunks_exact(width).collect();
    add_products(&mut found, width, &inverted, &rests);
    let found = found.chunks_exact(width).map(<[u8]>::to_vec);
    Some(missing.into_iter().zip(found).collect())
}

/// The inverse of a square matrix by rows; `None` when there is none, as when a
/// repair symbol is given twice.
pub(in crate::fec) fn invert(mut matrix: Vec<u8>, size: usize) -> Option<Vec<u8>> {
    let mut result = vec![0; size * size];
    for at in 0..size {
        result[at * size + at] = 1;
    }
    for pivot in 0..size {
        let row = (pivot..size).find(|row| matrix[row * size + pivot] != 0)?;
        for side in [&mut matrix, &mut result] {
            for column in 0..size {
                side.swap(row * size + column, pivot * size + column);
            }
        }
        let factor = inverse(matrix[pivot * size + pivot]);
        for side in [&mut matrix, &mut result] {
            for number in &mut side[pivot * size..(pivot + 1) * size] {
                *number = multiply(*number, factor);
            }
        }
        for row in (0..size).filter(|row| *row != pivot) {
            let factor = matrix[row * size + pivot];
            for side in [&mut matrix, &mut result] {
                for column in 0..size {
                    let product = multiply(factor, side[pivot * size + column]);
                    side[row * size + column] ^= product;
                }
            }
        }
    }
    Some(result)
}
