//! GF(2^8): numbers, and sums of products over rows of bytes.
//!
//! Implements: the field of RFC 6330 section 5.7, polynomial x^8 + x^4 + x^3 +
//! x^2 + 1 with the generator 2, which RFC 5510 and RFC 8681 use too.
//! [`add_products`] is what all erasure codes spend their time in. It has two
//! forms with the same results: portable code that compilers turn into vector
//! instructions, and AVX2 with tables of half bytes in registers (J. Plank et al.,
//! "Screaming Fast Galois Field Arithmetic Using Intel SIMD Instructions", FAST
//! 2013), chosen when the processor has it.

#[cfg(target_arch = "x86_64")]
mod avx2;
pub mod cauchy;
mod field;
mod portable;
#[cfg(test)]
mod tests;

pub use self::field::{divide, inverse, multiply};

/// Adds to each row of `out`, `width` bytes long, the sum of all `sources`, each
/// times its coefficient in that row. `coefficients` has a row for each row of
/// `out`, with one for each source. A source that is shorter than a row counts as
/// zero behind its end; one that is longer is cut.
///
/// Rows or coefficients that are not whole are left out.
pub fn add_products(out: &mut [u8], width: usize, coefficients: &[u8], sources: &[&[u8]]) {
    if width == 0 || sources.is_empty() {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if avx2::add_products(out, width, coefficients, sources) {
        return;
    }
    portable::add_products(out, width, coefficients, sources);
}
