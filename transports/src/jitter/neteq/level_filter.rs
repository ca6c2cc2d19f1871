//! The packet buffer's level, smoothed.
//!
//! Implements: `buffer_level_filter.cc` of NetEQ, level in Q8.

use super::units::Samples;

/// Greatest level, Q8 (that of a 32-bit integer).
const MOST: i64 = i32::MAX as i64;

/// The smoothed level.
#[derive(Debug, Clone)]
pub(super) struct LevelFilter {
    /// Q8.
    level: i64,
    /// What is kept at each step, of 256.
    factor: i64,
}

impl LevelFilter {
    pub(super) const fn new() -> Self {
        Self {
            level: 0,
            factor: 253,
        }
    }

    /// The level, rounded.
    pub(super) const fn level(&self) -> Samples {
        (self.level + 128) >> 8
    }

    pub(super) const fn set_level(&mut self, samples: Samples) {
        self.level = if samples < MOST / 256 {
            samples * 256
        } else {
            MOST
        };
    }

    /// The higher the target, the slower.
    pub(super) const fn set_target_ms(&mut self, target_ms: i64) {
        self.factor = match target_ms {
            ..=20 => 251,
            21..=60 => 252,
            61..=140 => 253,
            _ => 254,
        };
    }

    /// `stretched`: samples that a stretch removed (or, below zero, inserted)
    /// since the last update.
    pub(super) fn update(&mut self, samples: Samples, stretched: Samples) {
        let level = (self.factor.saturating_mul(self.level) >> 8)
            .saturating_add((256 - self.factor).saturating_mul(samples));
        let stretched = stretched.saturating_mul(256);
        self.level = level.saturating_sub(stretched).clamp(0, MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// media.md 1.3: "level = (f*level + (256-f)*span)/256 - stretched; f by
    /// target: <=20 ms 251, <=60 252, <=140 253, else 254".
    #[test]
    fn follows_by_the_targets_factor() {
        for (target_ms, factor) in [(20, 251), (21, 252), (60, 252), (61, 253), (141, 254)] {
            let mut filter = LevelFilter::new();
            filter.set_level(960);
            filter.set_target_ms(target_ms);
            filter.update(0, 0);
            assert_eq!(filter.level, factor * 960, "{target_ms}");
        }
        let mut filter = LevelFilter::new();
        filter.set_level(1000);
        filter.update(1000, 100);
        assert_eq!(filter.level(), 900);
        filter.update(0, 10_000);
        assert_eq!(filter.level(), 0, "never negative");
    }
}
