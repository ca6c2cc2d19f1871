//! Drops frames when the encoder has put out more than the rate allows.
//!
//! Implements: the leaky bucket of libwebrtc (`modules/video_coding/utility/
//! frame_dropper.cc`, 2026-07): what frames take fills it, the target drains it,
//! above half a second of the target frames are dropped, it never holds more
//! than 3 s; when the target falls while it is too full, its level falls along.
//! Differs: frames are dropped while the level is too high (libwebrtc: by a ratio
//! that is smoothed over frames); what a key frame takes too much is left to
//! the debt of the encoder (libwebrtc: spread over the frames of half a
//! second).

use weaknet_core::Span;

/// Greatest level, seconds of the target.
const MAX_SECONDS: f64 = 3.0;

/// The bucket, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Backlog {
    level: f64,
    /// Bytes per second.
    rate: f64,
}

impl Backlog {
    /// The rate that drains it from now on, bytes per second.
    pub(super) fn set_rate(&mut self, rate: f64, limit: Span) {
        if rate < self.rate && self.level > limit.as_secs_f64() * rate {
            self.level *= rate / self.rate;
        }
        self.rate = rate;
    }

    /// A frame of this size was encoded.
    pub(super) fn fill(&mut self, bytes: f64) {
        self.level = (self.level + bytes).min(MAX_SECONDS * self.rate).max(0.0);
    }

    /// The time of a frame has passed.
    pub(super) fn drain(&mut self, seconds: f64) {
        self.level = (self.level - self.rate * seconds).max(0.0);
    }

    /// Whether the next frame has to be dropped.
    pub(super) fn is_full(&self, limit: Span) -> bool {
        self.level > limit.as_secs_f64() * self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Span = Span::from_millis(500);

    #[test]
    fn twice_the_rate_leaves_half_of_the_frames() {
        let mut backlog = Backlog::default();
        backlog.set_rate(30_000.0, LIMIT);
        let mut kept = 0;
        for _ in 0..3_000 {
            backlog.drain(1.0 / 30.0);
            if !backlog.is_full(LIMIT) {
                backlog.fill(2_000.0);
                kept += 1;
            }
        }
        // 3,000 kB drained and 15 kB in the bucket, 2 kB each.
        assert_eq!(kept, 1_500 + 8);
    }

    #[test]
    fn frames_at_the_rate_are_all_kept() {
        let mut backlog = Backlog::default();
        backlog.set_rate(30_000.0, LIMIT);
        for _ in 0..100 {
            backlog.drain(1.0 / 30.0);
            assert!(!backlog.is_full(LIMIT));
            backlog.fill(1_000.0);
        }
    }

    #[test]
    fn the_level_falls_along_with_the_rate() {
        let mut backlog = Backlog::default();
        backlog.set_rate(10_000.0, LIMIT);
        backlog.fill(90_000.0);
        assert_eq!(backlog.level, 30_000.0);
        backlog.set_rate(1_000.0, LIMIT);
        assert_eq!(backlog.level, 3_000.0);
        backlog.set_rate(2_000.0, LIMIT);
        assert_eq!(backlog.level, 3_000.0);
    }
}
