//! The generator of coding coefficients.
//!
//! Implements: TinyMT32 with the parameters of RFC 8682, and its draws of 4 and 8
//! bits.

const MAT1: u32 = 0x8f70_11ee;
const MAT2: u32 = 0xfc78_ff1f;
const TMAT: u32 = 0x3793_fdff;
/// Factor of the seeding recurrence.
const SEED_FACTOR: u32 = 1_812_433_253;
/// Steps of seeding, and steps thrown away after it.
const ROUNDS: u32 = 8;

/// A generator.
#[derive(Debug, Clone)]
pub(super) struct TinyMt32([u32; 4]);

impl TinyMt32 {
    pub(super) fn new(seed: u32) -> Self {
        let mut state = [seed, MAT1, MAT2, TMAT];
        for round in 1..ROUNDS {
            let last = state[(round as usize - 1) & 3];
            let mixed = SEED_FACTOR.wrapping_mul(last ^ last >> 30);
            state[round as usize & 3] ^= round.wrapping_add(mixed);
        }
        let mut generator = Self(state);
        for _ in 0..ROUNDS {
            generator.step();
        }
        generator
    }

    fn step(&mut self) {
        let [s0, s1, s2, s3] = self.0;
        let mut x = (s0 & 0x7fff_ffff) ^ s1 ^ s2;
        let mut y = s3;
        x ^= x << 1;
        y ^= y >> 1 ^ x;
        let odd = 0_u32.wrapping_sub(y & 1);
        self.0 = [s1, s2 ^ odd & MAT1, x ^ y << 10 ^ odd & MAT2, y];
    }

    /// The next 32 bits.
    pub(super) fn next(&mut self) -> u32 {
        self.step();
        let [s0, _, s2, s3] = self.0;
        let sum = s0.wrapping_add(s2 >> 8);
        let odd = 0_u32.wrapping_sub(sum & 1);
        s3 ^ sum ^ odd & TMAT
    }

    /// 0 to 15.
    pub(super) fn draw16(&mut self) -> u8 {
        (self.next() & 0xf) as u8
    }

    /// 0 to 255.
    pub(super) fn draw256(&mut self) -> u8 {
        (self.next() & 0xff) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8682, section 2.2: the first numbers after the seed 1.
    #[test]
    fn gives_the_numbers_of_the_standard() {
        let mut generator = TinyMt32::new(1);
        let expected = [
            2_545_341_989,
            981_918_433,
            3_715_302_833,
            2_387_538_352,
            3_591_001_365,
            3_820_442_102,
            2_114_400_566,
            2_196_103_051,
            2_783_359_912,
            764_534_509,
        ];
        assert_eq!(expected.map(|_| generator.next()), expected);
    }
}
