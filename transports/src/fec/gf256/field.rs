//! Numbers of the field.

/// x^8 = x^4 + x^3 + x^2 + 1.
pub(super) const REDUCTION: u8 = 0x1d;

/// Powers of the generator 2, twice over, so that sums of two logarithms need no
/// reduction.
static EXP: [u8; 510] = exp();
/// Logarithms; that of zero is never used.
static LOG: [u8; 256] = log();

const fn exp() -> [u8; 510] {
    let mut table = [0; 510];
    let (mut at, mut power) = (0, 1_u8);
    while at < 510 {
        table[at] = power;
        power = double(power);
        at += 1;
    }
    table
}

const fn log() -> [u8; 256] {
    let mut table = [0; 256];
    let powers = exp();
    let mut at = 0;
    while at < 255 {
        table[powers[at] as usize] = at as u8;
        at += 1;
    }
    table
}

/// Two times a number.
pub(super) const fn double(a: u8) -> u8 {
    let carry = if a & 0x80 == 0 { 0 } else { REDUCTION };
    (a << 1) ^ carry
}

/// The logarithm of a number but zero.
#[inline]
pub(super) fn logarithm(a: u8) -> i32 {
    i32::from(LOG[usize::from(a)])
}

/// The number with this logarithm, which may be any sum of some.
#[inline]
pub(super) fn power(logarithm: i32) -> u8 {
    EXP[usize::try_from(logarithm.rem_euclid(255)).unwrap_or_default()]
}

/// The product of two numbers.
#[must_use]
pub const fn multiply(a: u8, b: u8) -> u8 {
    if a == 0 || b == 0 {
        return 0;
    }
    EXP[LOG[a as usize] as usize + LOG[b as usize] as usize]
}

/// The number whose product with `a` is one; zero for zero.
#[must_use]
pub const fn inverse(a: u8) -> u8 {
    if a == 0 {
        return 0;
    }
    EXP[255 - LOG[a as usize] as usize]
}

/// `a` over `b`; zero when `b` is zero.
#[must_use]
pub const fn divide(a: u8, b: u8) -> u8 {
    multiply(a, inverse(b))
}
