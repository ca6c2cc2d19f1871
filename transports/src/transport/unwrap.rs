//! Sequence numbers of the wire, which begin anew after 2^16 or 2^32, made
//! ascending without end.
//!
//! Implements: the number nearest to the last one seen (RFC 3550, appendix A.1;
//! RFC 8888 and transport-wide feedback number packets so). One that is exactly
//! half a cycle away counts as earlier.

/// Unwraps numbers of `BITS` bits, 1 to 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unwrapper<const BITS: u32> {
    last: Option<i64>,
}

impl<const BITS: u32> Unwrapper<BITS> {
    const CYCLE: i64 = 1 << BITS;

    /// One that takes the first number as it is.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: None }
    }

    /// The number found last.
    #[must_use]
    pub const fn last(&self) -> Option<i64> {
        self.last
    }

    /// The number meant by `wire`, of which only the low bits count. Below zero
    /// when it was sent before the first one seen, around zero.
    pub const fn unwrap(&mut self, wire: u32) -> i64 {
        let low = (wire as i64).rem_euclid(Self::CYCLE);
        let number = match self.last {
            None => low,
            Some(last) => {
                let half = Self::CYCLE / 2;
                let ahead = (low - last + half).rem_euclid(Self::CYCLE) - half;
                last.saturating_add(ahead)
            }
        };
        self.last = Some(number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_go_on_over_the_end_and_back() {
        let mut seq = Unwrapper::<16>::new();
        let numbers = [0xfffe, 0xffff, 0, 0xffff, 2, 0x8001, 0x0001];
        let found: Vec<_> = numbers.into_iter().map(|n| seq.unwrap(n)).collect();
        assert_eq!(
            found,
            [65_534, 65_535, 65_536, 65_535, 65_538, 98_305, 65_537]
        );
        let mut first = Unwrapper::<16>::new();
        assert_eq!((first.unwrap(0), first.unwrap(0xffff)), (0, -1));
        // Exactly half a cycle away: earlier.
        assert_eq!(first.unwrap(0x7fff), -32_769);
        let mut time = Unwrapper::<32>::new();
        assert_eq!(time.unwrap(u32::MAX), 0xffff_ffff);
        assert_eq!(time.unwrap(5), 0x1_0000_0005);
    }

    proptest! {
        #[test]
        fn the_true_number_is_found_while_steps_are_less_than_half_a_cycle(
            start in 0i64..65_536,
            steps in prop::collection::vec(-32_767i64..32_768, 0..100),
        ) {
            let mut seq = Unwrapper::<16>::new();
            let mut number = start;
            prop_assert_eq!(seq.unwrap(number as u32), number);
            for step in steps {
                number += step;
                prop_assert_eq!(seq.unwrap(number.rem_euclid(65_536) as u32), number);
            }
        }

        #[test]
        fn it_is_the_nearest_of_all_numbers_with_these_bits(first: u32, second: u32) {
            let mut unwrapper = Unwrapper::<8>::new();
            let (a, b) = (unwrapper.unwrap(first), unwrapper.unwrap(second));
            prop_assert_eq!(a, i64::from(first % 256));
            let nearest = (-2..3)
                .map(|cycle| cycle * 256 + i64::from(second % 256))
                .min_by_key(|n| ((n - a).abs(), *n))
                .unwrap();
            prop_assert_eq!(b, nearest);
        }
    }
}
