//! Sums of products with AVX2: the products of a coefficient with the 16 values
//! of each half of a byte are a register each, and a shuffle looks up 32 bytes.
#![allow(unsafe_code, reason = "vector instructions; nothing else in here")]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_loadu_si256, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_srli_epi64, _mm256_storeu_si256, _mm256_xor_si256,
};

use super::field::multiply;

/// Bytes at a time: two registers.
const BLOCK: usize = 64;

/// Products of a coefficient with all values of the lower and the upper half of
/// a byte.
struct Halves {
    lower: [u8; 16],
    upper: [u8; 16],
}

static HALVES: [Halves; 256] = halves();

const fn halves() -> [Halves; 256] {
    let mut table = [const {
        Halves {
            lower: [0; 16],
            upper: [0; 16],
        }
    }; 256];
    let mut factor = 0;
    while factor < 256 {
        let mut half = 0;
        while half < 16 {
            table[factor].lower[half] = multiply(factor as u8, half as u8);
            table[factor].upper[half] = multiply(factor as u8, (half as u8) << 4);
            half += 1;
        }
        factor += 1;
    }
    table
}

/// See [`super::add_products`]; false, and nothing done, without AVX2.
pub(super) fn add_products(
    out: &mut [u8],
    width: usize,
    coefficients: &[u8],
    sources: &[&[u8]],
) -> bool {
    if !is_x86_feature_detected!("avx2") {
        return false;
    }
    let rows = out.chunks_mut(width * 4);
    for (rows, factors) in rows.zip(coefficients.chunks(sources.len() * 4)) {
        let whole = (rows.len() / width).min(factors.len() / sources.len());
        // SAFETY: the processor has AVX2, as asked above.
        unsafe {
            match whole {
                0 => {}
                1 => add_rows::<1>(rows, width, factors, sources),
                2 => add_rows::<2>(rows, width, factors, sources),
                3 => add_rows::<3>(rows, width, factors, sources),
                _ => add_rows::<4>(rows, width, factors, sources),
            }
        }
    }
    true
}

/// The first `R` rows together, so that a source is taken apart only once.
#[target_feature(enable = "avx2")]
fn add_rows<const R: usize>(out: &mut [u8], width: usize, factors: &[u8], sources: &[&[u8]]) {
    let count = sources.len();
    let mut columns: Vec<Column<'_, R>> = sources
        .iter()
        .enumerate()
        .map(|(column, source)| Column {
            source,
            halves: std::array::from_fn(|row| &HALVES[usize::from(factors[row * count + column])]),
        })
        .collect();
    for at in (0..width).step_by(BLOCK) {
        let mut sums = [[_mm256_setzero_si256(); 2]; R];
        for column in &mut columns {
            match column.source.split_first_chunk() {
                Some((block, rest)) => {
                    column.source = rest;
                    add_products_of(&mut sums, take_apart(block), &column.halves);
                }
                None if column.source.is_empty() => {}
                None => {
                    let block = padded(std::mem::take(&mut column.source));
                    add_products_of(&mut sums, take_apart(&block), &column.halves);
                }
            }
        }
        for (row, sum) in out.chunks_exact_mut(width).zip(sums) {
            add(&mut row[at..], sum);
        }
    }
}

/// What is left of a source, and the tables of its coefficients in each row.
struct Column<'a, const R: usize> {
    source: &'a [u8],
    halves: [&'static Halves; R],
}

/// Adds the products of a block, taken apart, with a coefficient per row.
#[inline]
#[target_feature(enable = "avx2")]
fn add_products_of<const R: usize>(
    sums: &mut [[__m256i; 2]; R],
    parts: [[__m256i; 2]; 2],
    halves: &[&Halves; R],
) {
    for (sum, halves) in sums.iter_mut().zip(halves) {
        let (lower, upper) = (table(&halves.lower), table(&halves.upper));
        for (sum, part) in sum.iter_mut().zip(parts) {
            let low = _mm256_shuffle_epi8(lower, part[0]);
            let high = _mm256_shuffle_epi8(upper, part[1]);
            *sum = _mm256_xor_si256(*sum, _mm256_xor_si256(low, high));
        }
    }
}

/// Adds a block, or as much of it as there is room for.
#[inline]
#[target_feature(enable = "avx2")]
fn add(row: &mut [u8], sums: [__m256i; 2]) {
    let bytes = stored(sums);
    match row.first_chunk_mut::<BLOCK>() {
        Some(block) => {
            for (byte, sum) in block.iter_mut().zip(&bytes) {
                *byte ^= sum;
            }
        }
        None => {
            for (byte, sum) in row.iter_mut().zip(&bytes) {
                *byte ^= sum;
            }
        }
    }
}

/// The lower and the upper halves of all bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn take_apart(block: &[u8; BLOCK]) -> [[__m256i; 2]; 2] {
    let mask = _mm256_set1_epi8(0x0f);
    let (first, second) = block.split_at(BLOCK / 2);
    [first, second].map(|bytes| {
        // SAFETY: each half of the block has the 32 bytes that are read; the
        // instruction needs no alignment.
        let bytes = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast::<__m256i>()) };
        let upper = _mm256_srli_epi64::<4>(bytes);
        [_mm256_and_si256(bytes, mask), _mm256_and_si256(upper, mask)]
    })
}

/// A table in both halves of a register.
#[inline]
#[target_feature(enable = "avx2")]
fn table(halves: &[u8; 16]) -> __m256i {
    // SAFETY: the table has the 16 bytes that are read; the instruction needs no
    // alignment.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(halves.as_ptr().cast::<__m128i>()) })
}

#[inline]
#[target_feature(enable = "avx2")]
fn stored(sums: [__m256i; 2]) -> [u8; BLOCK] {
    let mut bytes = [0; BLOCK];
    let (first, second) = bytes.split_at_mut(BLOCK / 2);
    for (bytes, sum) in [first, second].into_iter().zip(sums) {
        // SAFETY: each half of the block has room for the 32 bytes that are
        // written; the instruction needs no alignment.
        unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast::<__m256i>(), sum) };
    }
    bytes
}

/// The end of a source, with zeros behind it.
fn padded(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    block
}
