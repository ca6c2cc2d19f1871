//! Watches quantiser and dropped frames for signs that a smaller picture, or a
//! larger one, would be better.
//!
//! Implements: `modules/video_coding/utility/quality_scaler.cc` of libwebrtc
//! (2026-07): means over at most 150 frames, judged each 2 s until the first
//! step down and each 5 s after that; no verdict on fewer than 60 frames; too
//! high when 60 % were dropped or the mean index is above the upper threshold,
//! low at or below the lower one; after either the means start again.
//! Not modelled: the field trials.

use std::collections::VecDeque;

use weaknet_core::{Span, Time};

/// Frames in the means.
const WINDOW: usize = 150;
/// No verdict on fewer.
const MIN_FRAMES: usize = 60;
/// Dropped frames per hundred that count as a high quantiser.
const MAX_DROPPED: usize = 60;
/// Between verdicts until the first step down; 2.5 times that afterwards.
const PERIOD: Span = Span::from_millis(2_000);
const LATER_PERIOD: Span = Span::from_millis(5_000);

/// What the scaler finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Quality is poor: fewer pixels or frames.
    TooHigh,
    /// There are bits for more.
    Low,
}

/// The scaler.
#[derive(Debug, Clone)]
pub(super) struct QualityScaler {
    low: u8,
    high: u8,
    /// Index of the frame; `None`: dropped.
    frames: VecDeque<Option<u8>>,
    next: Time,
    period: Span,
}

impl QualityScaler {
    /// A scaler with these thresholds of the quantiser index.
    pub(super) fn new(now: Time, low: u8, high: u8) -> Self {
        Self {
            low,
            high,
            frames: VecDeque::with_capacity(WINDOW),
            next: now + PERIOD,
            period: PERIOD,
        }
    }

    /// A frame was encoded with this index, or dropped for want of bits.
    pub(super) fn on_frame(&mut self, index: Option<u8>) {
        if self.frames.len() >= WINDOW {
            self.frames.pop_front();
        }
        self.frames.push_back(index);
    }

    /// The verdict, when one is due.
    pub(super) fn poll(&mut self, now: Time) -> Option<Verdict> {
        if now < self.next {
            return None;
        }
        let verdict = self.judge();
        if let Some(verdict) = verdict {
            self.frames.clear();
            if verdict == Verdict::TooHigh {
                self.period = LATER_PERIOD;
            }
        }
        self.next = now + self.period;
        verdict
    }

    fn judge(&self) -> Option<Verdict> {
        let frames = self.frames.len();
        if frames < MIN_FRAMES {
            return None;
        }
        let encoded = self.frames.iter().flatten().count();
        let dropped = frames - encoded;
        if dropped * 100 / frames >= MAX_DROPPED {
            return Some(Verdict::TooHigh);
        }
        let sum: usize = self
            .frames
            .iter()
            .flatten()
            .map(|qp| usize::from(*qp))
            .sum();
        let mean = sum / encoded.max(1);
        if mean > usize::from(self.high) {
            Some(Verdict::TooHigh)
        } else if mean <= usize::from(self.low) {
            Some(Verdict::Low)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(frames: impl IntoIterator<Item = Option<u8>>) -> QualityScaler {
        let mut scaler = QualityScaler::new(Time::ZERO, 29, 95);
        frames.into_iter().for_each(|qp| scaler.on_frame(qp));
        scaler
    }

    #[test]
    fn thresholds_are_29_and_95() {
        let at = Time::from_secs(2);
        for (qp, verdict) in [
            (29, Some(Verdict::Low)),
            (30, None),
            (95, None),
            (96, Some(Verdict::TooHigh)),
        ] {
            assert_eq!(fed([Some(qp); 60]).poll(at), verdict, "{qp}");
            assert_eq!(fed([Some(qp); 59]).poll(at), None, "{qp}");
        }
    }

    #[test]
    fn judged_each_two_seconds_and_after_a_step_down_each_five() {
        let mut scaler = fed([Some(100); 60]);
        assert_eq!(scaler.poll(Time::from_millis(1_999)), None);
        assert_eq!(scaler.poll(Time::from_secs(2)), Some(Verdict::TooHigh));
        for _ in 0..200 {
            scaler.on_frame(Some(10));
        }
        assert_eq!(scaler.poll(Time::from_millis(6_999)), None);
        assert_eq!(scaler.poll(Time::from_secs(7)), Some(Verdict::Low));
        assert_eq!(
            scaler.poll(Time::from_secs(12)),
            None,
            "the means start again"
        );
    }

    #[test]
    fn dropped_frames_count_as_poor_quality() {
        let half = |dropped: usize| (0..100).map(move |n| (n >= dropped).then_some(50));
        assert_eq!(fed(half(59)).poll(Time::from_secs(2)), None);
        let verdict = fed(half(60)).poll(Time::from_secs(2));
        assert_eq!(verdict, Some(Verdict::TooHigh));
    }

    #[test]
    fn only_the_last_150_frames_count() {
        let frames = std::iter::repeat_n(Some(127), 500).chain([Some(20); 150]);
        assert_eq!(fed(frames).poll(Time::from_secs(30)), Some(Verdict::Low));
    }
}
