//! How much later than its predecessor a frame came than it was taken.
//!
//! Implements: `inter_frame_delay_variation_calculator.cc` of libwebrtc
//! (2026-07). Zero for the first frame, nothing for a reordered one.

use super::micros::Micros;

/// Remembers the previous frame.
#[derive(Debug, Clone, Default)]
pub(super) struct DelayVariation {
    previous: Option<(i64, Micros)>,
}

impl DelayVariation {
    /// Feeds a frame: RTP timestamp (90 kHz) and arrival of its last packet.
    pub(super) fn update(&mut self, timestamp: i64, arrived: Micros) -> Option<Micros> {
        let Some((previous, previous_arrived)) = self.previous else {
            self.previous = Some((timestamp, arrived));
            return Some(0);
        };
        if timestamp <= previous {
            return None;
        }
        self.previous = Some((timestamp, arrived));
        let captured = timestamp.saturating_sub(previous).saturating_mul(100) / 9;
        Some((arrived - previous_arrived).saturating_sub(captured))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variation_in_microseconds() {
        let mut variation = DelayVariation::default();
        assert_eq!(variation.update(0, 50_000), Some(0));
        assert_eq!(variation.update(3000, 83_333), Some(0));
        assert_eq!(variation.update(6000, 120_000), Some(3_334));
        assert_eq!(variation.update(6000, 130_000), None);
        assert_eq!(variation.update(3000, 140_000), None);
        assert_eq!(variation.update(9000, 150_000), Some(-3_333));
    }
}
