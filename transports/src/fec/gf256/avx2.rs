//! Sums of products with AVX2: the products of a coefficient with the 16 values
//! of each half of a byte are a register each, and a shuffle looks up 32 bytes.
#![allow(unsafe_code, reason = "vector instructions; nothing else in here")]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_loadu_si256, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_srli_epi64, _mm256_storeu_si256, _mm256_xor_si256,
};

use super::field::multiply;

/// Bytes of a register.
const REGISTER: usize = 32;

/// As many bytes as are summed at a time.
type Block<const N: usize> = [[u8; REGISTER]; N];

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
    let count = sources.len();
    let rows = (out.len() / width).min(coefficients.len() / count);
    let is_plain = |row: usize| coefficients[row * count..][..count].iter().all(|c| *c == 1);
    let mut row = 0;
    while row < rows {
        let plain = usize::from(is_plain(row));
        let most = rows.min(row + 4);
        let more = (row + plain..most)
            .take_while(|row| !is_plain(*row))
            .count();
        let out = &mut out[row * width..];
        let factors = &coefficients[row * count..];
        // Sums, parts of a block, two tables and a mask have room in 16 registers.
        // SAFETY: the processor has AVX2, as asked above.
        unsafe {
            match (plain, more) {
                (0, 1) => add_rows::<0, 1, 4>(out, width, factors, sources),
                (0, 2) => add_rows::<0, 2, 2>(out, width, factors, sources),
                (0, 3) => add_rows::<0, 3, 2>(out, width, factors, sources),
                (0, _) => add_rows::<0, 4, 2>(out, width, factors, sources),
                (_, 0) => add_rows::<1, 0, 4>(out, width, factors, sources),
                (_, 1) => add_rows::<1, 1, 2>(out, width, factors, sources),
                (_, 2) => add_rows::<1, 2, 2>(out, width, factors, sources),
                (_, _) => add_rows::<1, 3, 2>(out, width, factors, sources),
            }
        }
        row += plain + more;
    }
    true
}

/// A source and the tables of its coefficients in each row.
struct Column<'a, const R: usize> {
    source: &'a [u8],
    halves: [&'static Halves; R],
}

/// The first rows together, so that a source is read and taken apart only once, `N`
/// registers at a time: first `P` rows whose coefficients are all one, then `R`.
#[target_feature(enable = "avx2")]
fn add_rows<const P: usize, const R: usize, const N: usize>(
    out: &mut [u8],
    width: usize,
    factors: &[u8],
    sources: &[&[u8]],
) {
    let count = sources.len();
    let column = |(at, source)| Column {
        source,
        halves: std::array::from_fn(|row| &HALVES[usize::from(factors[(P + row) * count + at])]),
    };
    let columns: Vec<Column<'_, R>> = sources.iter().copied().enumerate().map(column).collect();
    let step = N * REGISTER;
    let shortest = sources.iter().map(|source| source.len()).min();
    let full = shortest.unwrap_or_default().min(width) / step * step;
    for at in (0..full).step_by(step) {
        let mut sums = Sums::<P, R, N>::zero();
        for column in &columns {
            // SAFETY: no source ends before `full`, which is a multiple of the step,
            // and arrays of bytes need no alignment.
            let block = unsafe { &*column.source.as_ptr().add(at).cast::<Block<N>>() };
            sums.add(block, &column.halves);
        }
        sums.add_to(out, width, at);
    }
    for at in (full..width).step_by(step) {
        let mut sums = Sums::<P, R, N>::zero();
        for column in &columns {
            let rest = column.source.get(at..).unwrap_or_default();
            sums.add(&padded(rest), &column.halves);
        }
        sums.add_to(out, width, at);
    }
}

/// Sums of a block of each row.
struct Sums<const P: usize, const R: usize, const N: usize> {
    plain: [[__m256i; N]; P],
    products: [[__m256i; N]; R],
}

impl<const P: usize, const R: usize, const N: usize> Sums<P, R, N> {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn zero() -> Self {
        Self {
            plain: [[_mm256_setzero_si256(); N]; P],
            products: [[_mm256_setzero_si256(); N]; R],
        }
    }

    /// Adds them to their rows.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn add_to(&self, out: &mut [u8], width: usize, at: usize) {
        let sums = self.plain.iter().chain(&self.products);
        let mut row = 0;
        for sum in sums {
            add(&mut out[row + at..row + width], sum);
            row += width;
        }
    }

    /// Adds a block and its products.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn add(&mut self, block: &Block<N>, halves: &[&Halves; R]) {
        for sums in &mut self.plain {
            for (sum, bytes) in sums.iter_mut().zip(block) {
                *sum = _mm256_xor_si256(*sum, load(bytes));
            }
        }
        add_products_of(&mut self.products, &take_apart(block), halves);
    }
}

/// Adds the products of a block, taken apart, with a coefficient per row.
#[inline]
#[target_feature(enable = "avx2")]
fn add_products_of<const R: usize, const N: usize>(
    sums: &mut [[__m256i; N]; R],
    parts: &[[__m256i; 2]; N],
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
fn add<const N: usize>(row: &mut [u8], sums: &[__m256i; N]) {
    let (whole, rest) = row.as_chunks_mut::<REGISTER>();
    for (bytes, sum) in whole.iter_mut().zip(sums) {
        store(bytes, _mm256_xor_si256(load(bytes), *sum));
    }
    if let Some(sum) = sums.get(whole.len()) {
        let mut bytes = [0; REGISTER];
        store(&mut bytes, *sum);
        for (byte, sum) in rest.iter_mut().zip(bytes) {
            *byte ^= sum;
        }
    }
}

/// The lower and the upper halves of all bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn take_apart<const N: usize>(block: &Block<N>) -> [[__m256i; 2]; N] {
    let mask = _mm256_set1_epi8(0x0f);
    let mut parts = [[mask; 2]; N];
    for ([lower, upper], bytes) in parts.iter_mut().zip(block) {
        let bytes = load(bytes);
        *lower = _mm256_and_si256(bytes, mask);
        *upper = _mm256_and_si256(_mm256_srli_epi64::<4>(bytes), mask);
    }
    parts
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
fn load(bytes: &[u8; REGISTER]) -> __m256i {
    // SAFETY: the 32 bytes that are read are there; the instruction needs no
    // alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast::<__m256i>()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(bytes: &mut [u8; REGISTER], value: __m256i) {
    // SAFETY: there is room for the 32 bytes that are written; the instruction
    // needs no alignment.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast::<__m256i>(), value) }
}

/// The end of a source, with zeros behind it.
fn padded<const N: usize>(rest: &[u8]) -> Block<N> {
    let mut block = [[0; REGISTER]; N];
    let room = block.as_flattened_mut();
    let length = rest.len().min(room.len());
    room[..length].copy_from_slice(&rest[..length]);
    block
}
