//! A video source without any variation: every frame is target / 8 / fps bytes.
//!
//! Implements: the source of the harness behind the reference traces of
//! congestion controllers: grid of 1/fps rounded down to microseconds
//! (33,333 us at 30 fps), at least 50 bytes, instant encoder.
//! Differs: a requested key frame is marked as one, so that a receiver can go
//! on, but is no larger than any other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span, Time};

use super::{EncodedFrame, FrameDropper, Video, VideoFormat, VideoSource};

/// Frames of equal size at equal distances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Constant {
    /// Smallest frame (50 B in the reference harness).
    pub min_frame: u32,
    /// Time from capture to the end of encoding.
    pub encode_time: Span,
}

impl Default for Constant {
    fn default() -> Self {
        Self {
            min_frame: 50,
            encode_time: Span::ZERO,
        }
    }
}

impl Plugin for Constant {
    type Kind = Video;
    const NAME: &'static str = "constant";
    const SUMMARY: &'static str =
        "frames of exactly target / fps, without noise or large key frames";
    const REFERENCES: &'static [&'static str] =
        &["source of the reference traces of congestion controllers, 2026"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn VideoSource>, BuildError> {
        Ok(Box::new(ConstantSource {
            config: self.clone(),
            state: None,
        }))
    }
}

struct ConstantSource {
    config: Constant,
    state: Option<Running>,
}

struct Running {
    format: VideoFormat,
    interval: Span,
    target: Bitrate,
    dropper: FrameDropper,
    next: Time,
    key: bool,
}

impl VideoSource for ConstantSource {
    fn start(&mut self, now: Time, format: VideoFormat, target: Bitrate) {
        let interval = Span::from_micros(super::frame_interval(format.fps).as_micros());
        let target = format.clip(target);
        self.state = Some(Running {
            format,
            interval,
            target,
            dropper: FrameDropper::default(),
            next: now,
            key: true,
        });
    }

    fn set_target(&mut self, _: Time, target: Bitrate, frame_drop: f64) {
        if let Some(state) = &mut self.state {
            state.target = state.format.clip(target);
            state
                .dropper
                .set(state.target, state.format.min_bitrate, frame_drop);
        }
    }

    fn request_key_frame(&mut self, _: Time) {
        if let Some(state) = &mut self.state {
            state.key = true;
        }
    }

    fn next_capture(&self) -> Option<Time> {
        self.state.as_ref().map(|state| state.next)
    }

    fn capture(&mut self, now: Time) -> Option<EncodedFrame> {
        let state = self.state.as_mut().filter(|state| state.next <= now)?;
        let captured = state.next;
        state.next += state.interval;
        if state.dropper.skips() {
            return None;
        }
        let size = state.target.as_bps_f64() / 8.0 / state.format.fps.max(super::MIN_FPS);
        Some(EncodedFrame {
            captured,
            ready: captured + self.config.encode_time,
            size: (size as u32).max(self.config.min_frame).max(1),
            key: std::mem::take(&mut state.key),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{build, format, frames};
    use super::*;

    #[test]
    fn frames_are_exact() {
        let mut source = build(&Constant::default());
        assert_eq!(source.next_capture(), None);
        source.start(Time::ZERO, format(5_000), Bitrate::from_kbps(300));
        assert_eq!(source.capture(Time::ZERO).unwrap().size, 1_250);
        // The first targets of goog_const1M and the frames that came of them.
        for (target, size) in [
            (301_000, 1_254),
            (900_012, 3_750),
            (950_000, 3_958),
            (9_999_999, 20_833),
        ] {
            source.set_target(Time::ZERO, Bitrate::from_bps(target), 0.0);
            let frame = source.capture(source.next_capture().unwrap()).unwrap();
            assert_eq!(
                (frame.size, frame.key, frame.ready),
                (size, false, frame.captured)
            );
        }
        assert_eq!(source.next_capture(), Some(Time::from_micros(5 * 33_333)));
    }

    #[test]
    fn the_first_frame_and_requested_ones_are_key_frames() {
        let mut source = build(&Constant::default());
        source.start(Time::from_millis(5), format(5_000), Bitrate::from_kbps(300));
        let keys = |source: &mut dyn VideoSource| {
            frames(source, 4).iter().map(|f| f.key).collect::<Vec<_>>()
        };
        assert_eq!(keys(&mut *source), [true, false, false, false]);
        source.request_key_frame(Time::ZERO);
        assert_eq!(keys(&mut *source), [true, false, false, false]);
    }

    #[test]
    fn tiny_targets_give_the_smallest_frame() {
        let mut source = build(&Constant::default());
        let format = VideoFormat {
            min_bitrate: Bitrate::ZERO,
            ..format(5_000)
        };
        source.start(Time::ZERO, format, Bitrate::from_kbps(5));
        assert_eq!(source.capture(Time::ZERO).unwrap().size, 50);
    }

    #[test]
    fn frame_drop_skips_every_nth() {
        let mut source = build(&Constant::default());
        source.start(Time::ZERO, format(5_000), Bitrate::from_kbps(1_000));
        source.set_target(Time::ZERO, Bitrate::from_kbps(1_000), 0.25);
        let kept: Vec<_> = (0..8)
            .filter(|_| source.capture(source.next_capture().unwrap()).is_some())
            .collect();
        assert_eq!(kept, [1, 2, 3, 5, 6, 7]);
    }
}
