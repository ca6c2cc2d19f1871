//! Shares and correlated draws on 32 bits, as Linux netem counts.
//!
//! Implements: `tc` writes a share as the nearest multiple of 1 / (2^32 - 1);
//! get_crandom of sch_netem.c (Linux 6.6) mixes a draw with the one before.

use weaknet_core::Ratio;

/// A share of all 32-bit numbers; everything above 100% is all of them.
pub(crate) fn share(ratio: Ratio) -> u32 {
    let all = u128::from(u32::MAX);
    let whole = u128::from(Ratio::ONE.ppb());
    let nearest = (u128::from(ratio.ppb()) * all + whole / 2) / whole;
    u32::try_from(nearest).unwrap_or(u32::MAX)
}

/// A draw and the number before it, averaged; the latter with so much weight.
/// Without weight the draw itself.
pub(crate) fn average(draw: u32, before: u32, weight: u32) -> u32 {
    if weight == 0 {
        return draw;
    }
    let old = u64::from(weight) + 1;
    let new = (1u64 << 32) - old;
    // At most (2^32 - 1) 2^32: no overflow.
    ((u64::from(draw) * new + u64::from(before) * old) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_tc() {
        assert_eq!(share(Ratio::ZERO), 0);
        assert_eq!(share(Ratio::ONE), u32::MAX);
        assert_eq!(share(Ratio::from_f64(2.0)), u32::MAX);
        // rint(0.25 * 4294967295) and rint(0.01 * 4294967295).
        assert_eq!(share(Ratio::from_f64(0.25)), 1_073_741_824);
        assert_eq!(share(Ratio::from_f64(0.01)), 42_949_673);
    }

    #[test]
    fn averages_by_hand() {
        assert_eq!(average(77, 5, 0), 77);
        assert_eq!(average(77, 5, u32::MAX), 5);
        // Half and half: weight 2^31 - 1.
        let half = (1 << 31) - 1;
        assert_eq!(average(10, 20, half), 15);
        assert_eq!(average(11, 20, half), 15, "rounded down");
        assert_eq!(average(u32::MAX, u32::MAX, half), u32::MAX);
    }
}
