//! CoDel's control law: drops follow each other at interval / sqrt(count).
//!
//! Implements: RFC 8289 section 5.5 with the exact floor of the square root in
//! integers, interval / sqrt(count) = isqrt(interval^2 / count), time in ns;
//! Linux `codel_impl.h`: time in units of 1024 ns, and a reciprocal square root
//! of 16 bits that makes one Newton step per change of the count.
//! Differs: the clock of the Linux form does not wrap at 32 bits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose arithmetic CoDel follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlLaw {
    /// RFC 8289: nanoseconds, exact square roots, drops from the instant on at
    /// which the delay has been above target for an interval.
    #[default]
    Rfc8289,
    /// As `rfc8289`, but drops only after that instant: the comparison of Linux
    /// without the error of its square root. On a regular grid of packets each
    /// drop comes one packet later.
    Strict,
    /// Linux: units of 1024 ns, square roots by one Newton step (the second
    /// drop of a row comes 30 % early), drops after that instant only.
    Linux,
}

impl ControlLaw {
    /// Nanoseconds in the law's unit of time.
    pub(crate) const fn units(self, nanos: u64) -> u64 {
        match self {
            Self::Rfc8289 | Self::Strict => nanos,
            Self::Linux => nanos >> 10,
        }
    }

    /// Whether an interval that ends at `end` is over.
    pub(super) const fn is_over(self, end: u64, now: u64) -> bool {
        match self {
            Self::Rfc8289 => now >= end,
            Self::Strict | Self::Linux => now > end,
        }
    }
}

/// How far drops are apart.
#[derive(Debug, Clone, Default)]
pub(super) struct Spacing {
    count: u32,
    /// Linux: about 2^16 / sqrt(count).
    reciprocal: u16,
}

impl Spacing {
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    pub(super) const fn restart(&mut self) {
        self.count = 1;
        self.reciprocal = u16::MAX;
    }

    pub(super) fn resume(&mut self, count: u32) {
        self.count = count;
        self.newton_step();
    }

    pub(super) fn next(&mut self) {
        self.resume(self.count.saturating_add(1));
    }

    /// Counts drops that happened outside of the law.
    pub(super) const fn add(&mut self, drops: u32) {
        self.count = self.count.saturating_add(drops);
    }

    fn newton_step(&mut self) {
        let inverse = u64::from(self.reciprocal) << 16;
        let square = (inverse * inverse) >> 32;
        let step = (3u64 << 32).wrapping_sub(u64::from(self.count).wrapping_mul(square));
        let root = ((step >> 2).wrapping_mul(inverse)) >> 31;
        self.reciprocal = (root as u32 >> 16) as u16;
    }

    /// The time to the next drop.
    pub(super) fn gap(&self, law: ControlLaw, interval: u64) -> u64 {
        let interval = u128::from(interval);
        let gap = match law {
            ControlLaw::Rfc8289 | ControlLaw::Strict => {
                (interval * interval / u128::from(self.count.max(1))).isqrt()
            }
            ControlLaw::Linux => (interval * (u128::from(self.reciprocal) << 16)) >> 32,
        };
        gap as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// queues-and-wire 1.1, vector A1.
    #[test]
    fn gaps_are_the_floor_of_the_exact_ones() {
        let gaps = [
            100_000_000,
            70_710_678,
            57_735_026,
            50_000_000,
            44_721_359,
            40_824_829,
            37_796_447,
            35_355_339,
            33_333_333,
            31_622_776,
            30_151_134,
            28_867_513,
            27_735_009,
            26_726_124,
            25_819_888,
            25_000_000,
            24_253_562,
            23_570_226,
            22_941_573,
            22_360_679,
        ];
        let mut spacing = Spacing::default();
        for (k, want) in (1..).zip(gaps) {
            spacing.next();
            let gap = spacing.gap(ControlLaw::Rfc8289, 100_000_000);
            assert_eq!((spacing.count(), gap), (k, want));
        }
    }

    /// queues-and-wire 1.1, reciprocal square root trace of Linux.
    #[test]
    fn one_newton_step_per_count() {
        let trace: [(u16, u64); 16] = [
            (65535, 97654),
            (32769, 48829),
            (36864, 54931),
            (31968, 47635),
            (28935, 43116),
            (26481, 39459),
            (24588, 36638),
            (23037, 34327),
            (21746, 32403),
            (20647, 30766),
            (19699, 29353),
            (18869, 28116),
            (18136, 27024),
            (17481, 26048),
            (16893, 25172),
            (16360, 24378),
        ];
        let law = ControlLaw::Linux;
        let interval = law.units(100_000_000);
        assert_eq!((interval, law.units(5_000_000)), (97_656, 4_882));
        let mut spacing = Spacing::default();
        spacing.restart();
        for (i, (reciprocal, gap)) in trace.into_iter().enumerate() {
            if i > 0 {
                spacing.next();
            }
            assert_eq!(spacing.count(), i as u32 + 1);
            assert_eq!(
                (spacing.reciprocal, spacing.gap(law, interval)),
                (reciprocal, gap)
            );
        }
    }

    #[test]
    fn extremes() {
        let gap = |count| {
            let mut spacing = Spacing::default();
            spacing.resume(count);
            spacing.gap(ControlLaw::Rfc8289, u64::MAX)
        };
        assert_eq!(
            (gap(0), gap(1), gap(4)),
            (u64::MAX, u64::MAX, u64::MAX >> 1)
        );
        // 2^64 / 2^16, a little more.
        assert_eq!(gap(u32::MAX) >> 48, 1);
        let mut spacing = Spacing::default();
        spacing.add(u32::MAX);
        spacing.next();
        assert_eq!(spacing.count(), u32::MAX);
    }
}
