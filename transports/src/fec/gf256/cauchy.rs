//! The systematic block code of a Cauchy matrix: of k data symbols and any
//! repair symbols, any k give the data.
//!
//! Implements: the matrix 1 / (x_i + y_j) of J. Blömer et al., "An XOR-Based
//! Erasure-Resilient Coding Scheme" (ICSI TR-95-048, 1995), over bytes, with
//! x_i = 255 - i for the repair symbols and y_j = j for the data, each column
//! divided by its first number. So the first repair symbol is the plain sum of the
//! data, and a repair symbol does not depend on how many there are of either.
//! Differs: no wire format of a standard; RFC 5510 has a Vandermonde matrix.

use super::field::{logarithm, power};
use super::{add_products, divide};

/// Data and repair symbols of a block together.
pub const MOST_SYMBOLS: usize = 256;

/// Coefficient of a data symbol in a repair symbol; the two numbers together
/// are below [`MOST_SYMBOLS`].
#[must_use]
pub const fn coefficient(repair: u8, data: u8) -> u8 {
    divide(node(0) ^ data, node(repair) ^ data)
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

/// Data symbols that were missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    numbers: Vec<u8>,
    bytes: Vec<u8>,
    width: usize,
}

impl Found {
    /// Each with its number, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Numbered<'_>> {
        let symbol = |(at, number)| (number, &self.bytes[at * self.width..][..self.width]);
        self.numbers.iter().copied().enumerate().map(symbol)
    }
}

/// The data symbols that are missing among the `count` of a block, each `width`
/// bytes long; `None` when there are fewer repair symbols than that, or when a
/// symbol is given twice.
///
/// A missing symbol is a sum over the given ones with coefficients in closed form,
/// as in Lagrange's interpolation: with z for the x or y of the given symbol and y
/// for the missing one, v(y) w(z) / (z + y). Over all missing y' and all repair
/// symbols x' that are used, v(y) is the product of y + x' over that of y + y', w of
/// a repair symbol the product of z + y' over that of z + x', and w of data, with v
/// inverted, the same as v.
#[must_use]
pub fn decode(
    count: usize,
    data: &[Numbered<'_>],
    repair: &[Numbered<'_>],
    width: usize,
) -> Option<Found> {
    let mut is_here = [false; MOST_SYMBOLS];
    for (number, _) in data {
        if usize::from(*number) >= count
            || std::mem::replace(&mut is_here[usize::from(*number)], true)
        {
            return None;
        }
    }
    let numbers: Vec<u8> = (0..=u8::MAX)
        .take(count)
        .filter(|at| !is_here[usize::from(*at)])
        .collect();
    let used = repair.get(..numbers.len())?;
    let mut is_used = [false; MOST_SYMBOLS];
    for (row, _) in used {
        let node = node(*row);
        if usize::from(node) < count || std::mem::replace(&mut is_used[usize::from(node)], true) {
            return None;
        }
    }
    let given = used.iter().chain(data);
    let sources: Vec<&[u8]> = given.map(|(_, symbol)| *symbol).collect();
    let coefficients = match used {
        // The plain sum of all data: what is missing is the sum of the rest.
        [(0, _)] => vec![1; sources.len()],
        _ => interpolation(&numbers, used, data),
    };
    let mut bytes = vec![0; numbers.len() * width];
    add_products(&mut bytes, width, &coefficients, &sources);
    Some(Found {
        numbers,
        bytes,
        width,
    })
}

/// The coefficients of the used repair symbols, then of the given data, in each
/// of the missing symbols: see [`decode`].
fn interpolation(missing: &[u8], used: &[Numbered<'_>], data: &[Numbered<'_>]) -> Vec<u8> {
    let over_missing = |z: u8| sum_of_logarithms(z, missing.iter().copied());
    let over_used = |z: u8| sum_of_logarithms(z, used.iter().map(|(row, _)| node(*row)));
    let repair = used.iter().map(|(row, _)| {
        let z = node(*row);
        (z, over_missing(z) - over_used(z))
    });
    let data = data
        .iter()
        .map(|(z, _)| (*z, over_missing(*z) - over_used(*z) + scale(*z)));
    let given: Vec<(u8, i32)> = repair.chain(data).collect();
    let mut coefficients = Vec::with_capacity(missing.len() * given.len());
    for &y in missing {
        let weight = over_used(y) - over_missing(y) - scale(y);
        let products = given
            .iter()
            .map(|(z, other)| power(weight + other - logarithm(z ^ y)));
        coefficients.extend(products);
    }
    coefficients
}

/// The x of a repair symbol.
const fn node(repair: u8) -> u8 {
    u8::MAX - repair
}

/// Logarithm of what the column of a data symbol is divided by.
fn scale(y: u8) -> i32 {
    logarithm(node(0) ^ y)
}

/// Logarithm of the product of all z + other, without that of z itself.
fn sum_of_logarithms(z: u8, others: impl Iterator<Item = u8>) -> i32 {
    others
        .filter(|other| *other != z)
        .map(|other| logarithm(other ^ z))
        .sum()
}
