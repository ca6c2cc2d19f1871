//! A video source without any variation: every frame is target / 8 / fps bytes.
//!
//! Implements: the source of the harness behind the reference traces of
//! congestion controllers: grid of 1/fps rounded down to microseconds
//! (33,333 us at 30 fps), at least 50 bytes, instant encoder.
//! Differs: a requested key frame is marked as one, so that a receiver can go
//! on, but is no larger than any other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::Picture;
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
    /// The most that the application has to send, `[from, rate]` since the start
    /// of the stream, in order; `0bps` stops it. None: no limit but the stream's.
    pub caps: Vec<(Span, Bitrate)>,
}

impl Default for Constant {
    fn default() -> Self {
        Self {
            min_frame: 50,
            encode_time: Span::ZERO,
            caps: Vec::new(),
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
        if let Some(at) = self.caps.windows(2).position(|pair| pair[1].0 <= pair[0].0) {
            let message = "expected caps in order of time";
            return Err(BuildError::field(format!("caps.{}", at + 1), message));
        }
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
    started: Time,
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
            started: now,
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
        let age = captured.since(state.started);
        let cap = self.config.caps.iter().rev().find(|(from, _)| *from <= age);
        if cap.is_some_and(|(_, cap)| cap.is_zero()) {
            return None;
        }
        let rate = cap.map_or(state.target, |(_, cap)| state.target.min(*cap));
        let size = rate.as_bps_f64() / 8.0 / state.format.fps.max(super::MIN_FPS);
        Some(EncodedFrame {
            captured,
            ready: captured + self.config.encode_time,
            size: (size as u32).max(self.config.min_frame).max(1),
            key: std::mem::take(&mut state.key),
            picture: Picture::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{build, build_error, format, frames};
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
    fn caps_follow_one_another() {
        let mut source = build(&Constant {
            caps: vec![
                (Span::from_millis(100), Bitrate::from_kbps(480)),
                (Span::from_millis(200), Bitrate::from_kbps(2_400)),
            ],
            ..Constant::default()
        });
        source.start(Time::from_millis(7), format(5_000), Bitrate::from_mbps(1));
        let sizes: Vec<_> = frames(&mut *source, 8).iter().map(|f| f.size).collect();
        // At 0, 33, 67, 99.999, 133, 167, 199.998 and 233 ms.
        assert_eq!(
            sizes,
            [4_166, 4_166, 4_166, 4_166, 2_000, 2_000, 2_000, 4_166]
        );
    }

    #[test]
    fn a_cap_of_zero_stops_the_stream() {
        let at = Span::from_millis;
        let mut source = build(&Constant {
            caps: vec![(at(50), Bitrate::ZERO), (at(110), Bitrate::from_kbps(240))],
            ..Constant::default()
        });
        source.start(Time::ZERO, format(5_000), Bitrate::from_mbps(1));
        let sizes: Vec<_> = (0..5)
            .map(|_| source.capture(source.next_capture().unwrap()))
            .map(|frame| frame.map(|frame| frame.size))
            .collect();
        // At 0, 33, 67, 99.999 and 133 ms.
        assert_eq!(sizes, [Some(4_166), Some(4_166), None, None, Some(1_000)]);
    }

    #[test]
    fn caps_out_of_order_are_refused() {
        let source = Constant {
            caps: vec![(Span::ZERO, Bitrate::ZERO), (Span::ZERO, Bitrate::ZERO)],
            ..Constant::default()
        };
        assert_eq!(build_error(&source), "caps.1");
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
