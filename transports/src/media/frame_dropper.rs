//! Skips whole frames when the congestion window asks for it.
//!
//! Implements: the drop interval of libwebrtc's video stream encoder (July
//! 2026): above 1 % of reduction every n-th frame is skipped, with n = target /
//! reduction rounded down and at least 2; the reduction never goes below the
//! minimum rate. The first frame after the count starts is a skipped one.

use weaknet_core::Bitrate;

/// Decides which frames an encoder skips.
#[derive(Debug, Clone, Default)]
pub struct FrameDropper {
    interval: Option<u64>,
    frames: u64,
}

impl FrameDropper {
    /// Asks to save the share `ratio` of `target` by skipping frames.
    pub fn set(&mut self, target: Bitrate, min: Bitrate, ratio: f64) {
        let spare = (target - min).as_bps();
        let reduction = if ratio > 0.01 {
            target.mul_f64(ratio.min(1.0)).as_bps().min(spare)
        } else {
            0
        };
        self.interval = target.as_bps().checked_div(reduction).map(|n| n.max(2));
    }

    /// Whether the frame that is due is skipped.
    pub fn skips(&mut self) -> bool {
        let Some(interval) = self.interval else {
            return false;
        };
        let skip = self.frames.is_multiple_of(interval);
        self.frames += 1;
        skip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(target: u64, min: u64, ratio: f64) -> Vec<u64> {
        let mut dropper = FrameDropper::default();
        dropper.set(Bitrate::from_kbps(target), Bitrate::from_kbps(min), ratio);
        (0..12).filter(|_| dropper.skips()).collect()
    }

    #[test]
    fn every_nth_frame_is_skipped() {
        assert_eq!(skipped(1_000, 50, 0.3), [0, 3, 6, 9]);
        assert_eq!(skipped(1_000, 50, 0.9), [0, 2, 4, 6, 8, 10]);
        assert_eq!(skipped(1_000, 50, 0.2), [0, 5, 10]);
    }

    #[test]
    fn small_reductions_and_rates_at_the_minimum_skip_nothing() {
        for (target, min, ratio) in [
            (1_000, 50, 0.01),
            (1_000, 50, 0.0),
            (50, 50, 0.5),
            (0, 0, 0.5),
            (1_000, 50, f64::NAN),
        ] {
            assert_eq!(
                skipped(target, min, ratio),
                [0; 0],
                "{target} {min} {ratio}"
            );
        }
        // Only 10 of 60 kbit/s can be saved: every sixth frame.
        assert_eq!(skipped(60, 50, 0.5), [0, 6]);
    }
}
