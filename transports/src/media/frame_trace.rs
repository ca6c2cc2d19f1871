//! Frame sizes of a recorded encoder, scaled to the target.
//!
//! Implements: the trace model of RFC 8593, section 6, with one recording:
//! sizes are multiplied by target / rate of the recording, so that the mean rate
//! is the target; at the end the sequence goes on after its first
//! `skip` frames, and a key frame request goes back to its start.
//! Reads the text format of `cisco/syncodecs`: lines of `%` are comments, others
//! `frame type X timestamp size`.
//! Differs: no ladder of recordings at several rates to interpolate between;
//! pictures are taken at the format's rate, recorded times do not count.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::Picture;
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span, Time};

use super::{EncodedFrame, FrameDropper, MIN_FPS, Video, VideoFormat, VideoSource, frame_interval};

/// Frame sizes from a file, scaled to the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"file": "chat_720p_1000.txt"}]))]
pub struct FrameTrace {
    /// The recording.
    pub file: String,
    /// Rate that it was encoded at; absent: its mean.
    pub rate_of_file: Option<Bitrate>,
    /// Frames at its start that are not repeated (20 in RFC 8593).
    pub skip: u32,
    /// Time from capture to the end of encoding. An estimate for 640x360 in
    /// software.
    pub encode_time: Span,
}

impl Default for FrameTrace {
    fn default() -> Self {
        Self {
            file: String::new(),
            rate_of_file: None,
            skip: 20,
            encode_time: Span::from_millis(4),
        }
    }
}

impl Plugin for FrameTrace {
    type Kind = Video;
    const NAME: &'static str = "frame_trace";
    const SUMMARY: &'static str = "frame sizes of a recorded encoder, scaled to the target rate";
    const REFERENCES: &'static [&'static str] =
        &["RFC 8593, section 6", "cisco/syncodecs video_traces, 2020"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn VideoSource>, BuildError> {
        if self.file.is_empty() {
            return Err(BuildError::field(
                "file",
                "expected the name of a file with frame sizes",
            ));
        }
        let recording = cx
            .assets
            .get(&self.file, Recording::parse)
            .map_err(|e| BuildError::field("file", e))?;
        if self.skip as usize >= recording.sizes.len() {
            let frames = recording.sizes.len();
            return Err(BuildError::field(
                "skip",
                format!("expected less than the {frames} frames of the file"),
            ));
        }
        let mean_frame = match self.rate_of_file {
            None => recording.mean_frame,
            Some(rate) if rate.is_zero() => {
                return Err(BuildError::field(
                    "rate_of_file",
                    "expected a rate above zero",
                ));
            }
            Some(rate) => rate.as_bps_f64() / 8.0 * recording.mean_interval,
        };
        Ok(Box::new(Player {
            config: self.clone(),
            recording,
            mean_frame,
            state: None,
        }))
    }
}

/// A recorded sequence of frames.
#[derive(Debug, PartialEq)]
struct Recording {
    sizes: Vec<u32>,
    mean_frame: f64,
    /// Seconds between two frames.
    mean_interval: f64,
}

impl Recording {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| "expected text, found other bytes".to_owned())?;
        let (mut sizes, mut first, mut last) = (Vec::new(), None, 0.0);
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('%') {
                continue;
            }
            let mut fields = line.split_whitespace().skip(3);
            let (at, size) = (
                fields.next().and_then(seconds),
                fields.next().and_then(|f| f.parse::<u32>().ok()),
            );
            let (Some(at), Some(size), None) = (at, size, fields.next()) else {
                return Err(format!(
                    "line {number}: expected `frame type X timestamp size`, found `{line}`"
                ));
            };
            first.get_or_insert(at);
            last = at;
            sizes.push(size.max(1));
        }
        let mean_interval = (last - first.unwrap_or(0.0)) / (sizes.len().max(2) - 1) as f64;
        if sizes.len() < 2 || mean_interval <= 0.0 {
            return Err("expected at least two frames with rising timestamps".to_owned());
        }
        let total: f64 = sizes.iter().map(|&size| f64::from(size)).sum();
        Ok(Self {
            mean_frame: total / sizes.len() as f64,
            mean_interval,
            sizes,
        })
    }
}

fn seconds(field: &str) -> Option<f64> {
    field
        .parse()
        .ok()
        .filter(|s: &f64| s.is_finite() && *s >= 0.0)
}

struct Player {
    config: FrameTrace,
    recording: Arc<Recording>,
    mean_frame: f64,
    state: Option<Running>,
}

struct Running {
    format: VideoFormat,
    target: Bitrate,
    dropper: FrameDropper,
    next: Time,
    position: usize,
}

impl VideoSource for Player {
    fn start(&mut self, now: Time, format: VideoFormat, target: Bitrate) {
        let target = format.clip(target);
        self.state = Some(Running {
            format,
            target,
            dropper: FrameDropper::default(),
            next: now,
            position: 0,
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
            state.position = 0;
        }
    }

    fn next_capture(&self) -> Option<Time> {
        self.state.as_ref().map(|state| state.next)
    }

    fn capture(&mut self, now: Time) -> Option<EncodedFrame> {
        let state = self.state.as_mut().filter(|state| state.next <= now)?;
        let captured = state.next;
        state.next += frame_interval(state.format.fps);
        if state.dropper.skips() {
            return None;
        }
        let key = state.position == 0;
        let recorded = f64::from(
            self.recording
                .sizes
                .get(state.position)
                .copied()
                .unwrap_or(1),
        );
        state.position += 1;
        if state.position >= self.recording.sizes.len() {
            state.position = self.config.skip as usize;
        }
        let mean = state.target.as_bps_f64() / 8.0 / state.format.fps.max(MIN_FPS);
        let size = libm::round(recorded * mean / self.mean_frame);
        Some(EncodedFrame {
            captured,
            ready: captured + self.config.encode_time,
            size: (size as u32).max(1),
            key,
            picture: Picture::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{format, frames};
    use super::*;
    use proptest::prelude::*;
    use weaknet_core::plugin::{Assets, ReadFile};
    use weaknet_core::rng::Streams;

    struct Text(String);

    impl ReadFile for Text {
        fn read(&self, _: &str) -> Result<Vec<u8>, String> {
            Ok(self.0.clone().into_bytes())
        }
    }

    fn build(text: &str, config: &FrameTrace) -> Result<Box<dyn VideoSource>, BuildError> {
        let (streams, assets) = (Streams::new(1), Assets::new(Text(text.to_owned())));
        config.build(&BuildContext {
            path: "call/video",
            streams: &streams,
            assets: &assets,
        })
    }

    fn config(skip: u32) -> FrameTrace {
        FrameTrace {
            file: "chat".to_owned(),
            skip,
            ..FrameTrace::default()
        }
    }

    const FILE: &str = "% Nframe | type | X | timestamp | size\n0 U 0. 0.000 4000\n1 U 0. 0.033 1000\n\n\
                        2 U 0. 0.066 2000\n3 U 0. 0.100 1000\n";

    #[test]
    fn sizes_are_scaled_to_the_target_and_repeat_after_the_start() {
        // Mean 2000 bytes; 960 kbit/s at 30 fps are frames of 4000.
        let mut source = build(FILE, &config(1)).unwrap();
        source.start(Time::ZERO, format(5_000), Bitrate::from_kbps(960));
        let all = frames(&mut *source, 8);
        let sizes: Vec<_> = all.iter().map(|frame| frame.size).collect();
        assert_eq!(
            sizes,
            [8_000, 2_000, 4_000, 2_000, 2_000, 4_000, 2_000, 2_000]
        );
        assert_eq!(all.iter().filter(|frame| frame.key).count(), 1);
        source.request_key_frame(Time::ZERO);
        let key = frames(&mut *source, 1)[0];
        assert_eq!((key.size, key.key), (8_000, true));
    }

    #[test]
    fn the_rate_of_the_file_can_be_given() {
        // 480 kbit/s at 30 fps are frames of 2000 bytes; the file's interval is
        // a thirtieth of a second.
        let given = FrameTrace {
            rate_of_file: Some(Bitrate::from_kbps(480)),
            ..config(0)
        };
        let mut source = build(FILE, &given).unwrap();
        source.start(Time::ZERO, format(5_000), Bitrate::from_kbps(480));
        let all = frames(&mut *source, 5);
        assert_eq!(
            all.iter().map(|frame| frame.size).collect::<Vec<_>>(),
            [4_000, 1_000, 2_000, 1_000, 4_000]
        );
        assert!(all[4].key, "repeats from the key frame");
    }

    #[test]
    fn bad_files_and_parameters_say_where() {
        let message = |text: &str, config: &FrameTrace| {
            let error = build(text, config).err().unwrap();
            (error.field.unwrap(), error.message)
        };
        assert_eq!(message(FILE, &FrameTrace::default()).0, "file");
        assert_eq!(message(FILE, &config(4)).0, "skip");
        let (field, text) = message("% c\n0 U 0. 0 10\n1 U 0. x 10\n", &config(0));
        assert_eq!(field, "file");
        assert!(
            text.contains("line 3") && text.contains("`1 U 0. x 10`"),
            "{text}"
        );
        assert!(message("", &config(0)).1.contains("at least two frames"));
        let zero = FrameTrace {
            rate_of_file: Some(Bitrate::ZERO),
            ..config(0)
        };
        assert_eq!(message(FILE, &zero).0, "rate_of_file");
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(recording) = Recording::parse(&bytes) {
                prop_assert!(recording.mean_frame >= 1.0 && recording.mean_interval > 0.0);
            }
        }
    }
}
