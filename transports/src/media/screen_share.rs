//! A shared screen: nothing moves for seconds, then a slide changes or somebody
//! scrolls.
//!
//! Changes of the content come at random, the same ones whatever the target. A
//! new slide is one large frame, not a key frame but as large as one; scrolling
//! makes every picture large; after both a few frames refine what is shown, then
//! the last picture is repeated slowly. What a frame takes more than the target
//! is made up for by leaving pictures out, so that content at a low rate comes
//! late instead of poor.
//!
//! Implements: the rate control of libwebrtc's screen content (2026-07,
//! `modules/video_coding/codecs/vp8/screenshare_layers.cc`): bytes are a debt
//! that the target repays, pictures are left out while it is larger than one
//! mean frame, but none waits longer than 2.75 s; 5 fps
//! (`video/config/simulcast.cc`); an unchanged screen is repeated each second
//! (`kZeroHertzIdleRepeatRatePeriod` of `frame_cadence_adapter.h`).
//! Differs: one temporal layer, which has all of the target. How often content
//! changes, and into what, is an assumption about people (see the fields).
//! Not modelled: quantiser and resolution, which do not change; video within
//! the screen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::Picture;
use weaknet_core::rng::{Draws, exponential_quantile};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Ratio, Span, Time};

use super::{EncodedFrame, FrameDropper, MIN_FPS, Video, VideoFormat, VideoSource, frame_interval};

/// A shared screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScreenShare {
    /// Width of the screen in pixels. Default 1920.
    pub width: u16,
    /// Its height. Default 1080.
    pub height: u16,
    /// Pictures per second at most (5, libwebrtc); the stream's `fps` counts if
    /// it is less.
    pub max_fps: f64,
    /// Mean time without change, distributed exponentially (8 s; own
    /// assumption).
    pub static_time: Span,
    /// Share of the changes that are new slides; the others are scrolling (0.5;
    /// own assumption).
    pub slides: Ratio,
    /// Mean length of scrolling, distributed exponentially (2 s; own
    /// assumption).
    pub scroll_time: Span,
    /// Size of a new slide and of a key frame relative to the mean frame at the
    /// target (1 to 1000; 10, own assumption: 125 kB at 500 kbit/s and 5 fps).
    pub slide_ratio: f64,
    /// Size of a picture while scrolling relative to the mean frame (0 to 1000;
    /// 2, own assumption: every second picture is left out).
    pub scroll_ratio: f64,
    /// Frames after a change that refine the picture, the first as large as a
    /// mean frame, each further one half as large (5; own assumption).
    pub refinements: u32,
    /// Size of a repeated picture (200 B; own assumption: little but headers of
    /// macroblocks).
    pub repeat_size: Bytes,
    /// Time between repeated pictures (1 s, libwebrtc).
    pub repeat_every: Span,
    /// No picture is left out after this long without one (2.75 s, libwebrtc).
    pub max_wait: Span,
    /// Time from capture to the end of encoding. An estimate for 1920x1080 in
    /// software.
    pub encode_time: Span,
}

impl Default for ScreenShare {
    fn default() -> Self {
        Self {
            width: 1920,
            height: 1080,
            max_fps: 5.0,
            static_time: Span::from_secs(8),
            slides: Ratio::from_f64(0.5),
            scroll_time: Span::from_secs(2),
            slide_ratio: 10.0,
            scroll_ratio: 2.0,
            refinements: 5,
            repeat_size: Bytes::new(200),
            repeat_every: Span::from_secs(1),
            max_wait: Span::from_millis(2_750),
            encode_time: Span::from_millis(15),
        }
    }
}

impl Plugin for ScreenShare {
    type Kind = Video;
    const NAME: &'static str = "screen_share";
    const SUMMARY: &'static str =
        "a shared screen: still for seconds, bursts when slides change or somebody scrolls";
    const REFERENCES: &'static [&'static str] = &[
        "libwebrtc modules/video_coding/codecs/vp8/screenshare_layers.cc, video/frame_cadence_adapter.h, 2026-07",
        "own assumptions about content",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn VideoSource>, BuildError> {
        if !(self.max_fps.is_finite() && self.max_fps > 0.0) {
            return Err(BuildError::field(
                "max_fps",
                "expected frames per second above zero",
            ));
        }
        if !(1.0..=1_000.0).contains(&self.slide_ratio) {
            return Err(BuildError::field("slide_ratio", "expected 1 to 1000"));
        }
        if !(0.0..=1_000.0).contains(&self.scroll_ratio) {
            return Err(BuildError::field("scroll_ratio", "expected 0 to 1000"));
        }
        if self.static_time < Span::from_millis(1) {
            return Err(BuildError::field("static_time", "expected at least 1ms"));
        }
        if self.slides.as_f64() > 1.0 {
            return Err(BuildError::field(
                "slides",
                "expected a share of at most 100%",
            ));
        }
        Ok(Box::new(Screen {
            content: Content {
                config: self.clone(),
                draws: cx.streams.draws(cx.path, "screen content"),
                changes: 0,
                next: Span::ZERO,
            },
            config: self.clone(),
            state: None,
        }))
    }
}

/// What happens on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Slide,
    /// Scrolling that ends so long after the start.
    Scroll(Span),
}

/// The changes, one after another; the first is a slide at the start.
struct Content {
    config: ScreenShare,
    draws: Draws,
    changes: u64,
    /// When the next one comes, since the start.
    next: Span,
}

impl Content {
    /// The next change that has come by `age`.
    fn poll(&mut self, age: Span) -> Option<Change> {
        if age < self.next {
            return None;
        }
        let draw = |n: u64| self.draws.unit(3 * self.changes + n);
        let first = self.changes == 0;
        let change = if first || draw(0) < self.config.slides.as_f64() {
            Change::Slide
        } else {
            Change::Scroll(self.next + exponential(self.config.scroll_time, draw(1)))
        };
        let end = match change {
            Change::Slide => self.next,
            Change::Scroll(end) => end,
        };
        self.next = end + exponential(self.config.static_time, draw(2)).max(Span::from_millis(1));
        self.changes += 1;
        Some(change)
    }
}

fn exponential(mean: Span, unit: f64) -> Span {
    Span::from_secs_f64(exponential_quantile(unit, mean.as_secs_f64()))
}

struct Screen {
    config: ScreenShare,
    content: Content,
    state: Option<Running>,
}

struct Running {
    format: VideoFormat,
    fps: f64,
    started: Time,
    target: Bitrate,
    dropper: FrameDropper,
    next: Time,
    last_frame: Option<Time>,
    key: bool,
    /// A new slide that is not encoded yet.
    slide: bool,
    scroll_until: Span,
    refinements: u32,
    /// Bytes that the target has not repaid yet.
    debt: f64,
}

impl Running {
    /// Bytes of what there is to show now, relative to the mean frame; `None`
    /// when nothing has changed.
    fn due(&mut self, age: Span, content: &mut Content) -> Option<f64> {
        while let Some(change) = content.poll(age) {
            match change {
                Change::Slide => self.slide = true,
                Change::Scroll(until) => self.scroll_until = until,
            }
            self.refinements = content.config.refinements;
        }
        if self.key || self.slide {
            Some(content.config.slide_ratio)
        } else if age < self.scroll_until {
            Some(content.config.scroll_ratio)
        } else if self.refinements > 0 {
            let done = content.config.refinements - self.refinements;
            Some(libm::pow(0.5, f64::from(done)))
        } else {
            None
        }
    }

    /// What was due has been encoded.
    fn note_encoded(&mut self, age: Span) -> bool {
        let scrolling = age < self.scroll_until;
        if !self.key && !self.slide && !scrolling {
            self.refinements = self.refinements.saturating_sub(1);
        }
        self.slide = false;
        std::mem::take(&mut self.key)
    }
}

impl VideoSource for Screen {
    fn start(&mut self, now: Time, format: VideoFormat, target: Bitrate) {
        (self.content.changes, self.content.next) = (0, Span::ZERO);
        self.state = Some(Running {
            format,
            fps: format.fps.min(self.config.max_fps),
            started: now,
            target: format.clip(target),
            dropper: FrameDropper::default(),
            next: now,
            last_frame: None,
            key: true,
            slide: false,
            scroll_until: Span::ZERO,
            refinements: 0,
            debt: 0.0,
        });
    }

    fn set_target(&mut self, _: Time, target: Bitrate, frame_drop: f64) {
        if let Some(state) = &mut self.state {
            state.target = state.format.clip(target);
            let least = state.format.min_bitrate;
            state.dropper.set(state.target, least, frame_drop);
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
        let config = &self.config;
        let state = self.state.as_mut().filter(|state| state.next <= now)?;
        let captured = state.next;
        state.next += frame_interval(state.fps);
        let age = captured.since(state.started);
        let mean = state.target.as_bps_f64() / 8.0 / state.fps.max(MIN_FPS);
        state.debt = (state.debt - mean).max(0.0);
        let due = state.due(age, &mut self.content);
        let since_last = state.last_frame.map_or(Span::MAX, |last| captured - last);
        if state.dropper.skips() {
            return None;
        }
        let repeat = config.repeat_size.get() as f64;
        let size = match due {
            Some(ratio) if state.debt <= mean || since_last >= config.max_wait => {
                (ratio * mean).max(repeat)
            }
            None if since_last >= config.repeat_every => repeat,
            _ => return None,
        };
        let key = due.is_some() && state.note_encoded(age);
        state.debt += size;
        state.last_frame = Some(captured);
        Some(EncodedFrame {
            captured,
            ready: captured + config.encode_time,
            size: (size as u32).max(1),
            key,
            picture: Picture {
                width: config.width,
                height: config.height,
                screen: true,
                ..Picture::default()
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{build, build_error, format, frames};
    use super::*;
    use proptest::prelude::*;

    /// Changes only when the test says so: never within a day.
    fn still() -> ScreenShare {
        ScreenShare {
            static_time: Span::from_secs(86_400 * 365),
            ..ScreenShare::default()
        }
    }

    fn started(config: &ScreenShare, kbps: u64) -> Box<dyn VideoSource> {
        let mut source = build(config);
        source.start(Time::ZERO, format(5_000), Bitrate::from_kbps(kbps));
        source
    }

    /// Milliseconds and sizes.
    fn shown(source: &mut dyn VideoSource, n: usize) -> Vec<(u64, u32)> {
        let frames = frames(source, n);
        let at = |frame: &EncodedFrame| frame.captured.as_nanos() / 1_000_000;
        frames.iter().map(|f| (at(f), f.size)).collect()
    }

    #[test]
    fn a_slide_is_repaid_then_refined_then_repeated() {
        // 400 kbit/s at 5 fps are 10 kB a frame: the first takes 100 kB, of
        // which 9 intervals leave one frame.
        let mut source = started(&still(), 400);
        assert_eq!(
            shown(&mut *source, 10),
            [
                (0, 100_000),
                (1_800, 10_000),
                (2_000, 5_000),
                (2_200, 2_500),
                (2_400, 1_250),
                (2_600, 625),
                (3_600, 200),
                (4_600, 200),
                (5_600, 200),
                (6_600, 200),
            ]
        );
    }

    #[test]
    fn scrolling_takes_the_whole_target() {
        let config = ScreenShare {
            static_time: Span::from_millis(1),
            slides: Ratio::from_f64(0.0),
            scroll_time: Span::from_secs(3_600),
            ..ScreenShare::default()
        };
        let mut source = started(&config, 400);
        let frames = frames(&mut *source, 1_000);
        let bytes: u64 = frames.iter().map(|frame| u64::from(frame.size)).sum();
        let seconds = frames.last().unwrap().captured.as_secs_f64();
        // 50 kB/s, and what the first slide and the last frame run ahead.
        let ahead = bytes as f64 - 50_000.0 * seconds;
        assert!((0.0..=110_000.0).contains(&ahead), "{ahead}");
    }

    #[test]
    fn no_picture_waits_longer_than_2_75_s() {
        let mut source = started(&still(), 40);
        source.set_target(Time::ZERO, Bitrate::from_kbps(4_000), 0.0);
        assert_eq!(shown(&mut *source, 1), [(0, 1_000_000)]);
        // 250 s to repay at 32 kbit/s.
        source.set_target(Time::ZERO, Bitrate::from_kbps(32), 0.0);
        let times: Vec<_> = shown(&mut *source, 3).iter().map(|f| f.0).collect();
        assert_eq!(times, [2_800, 5_600, 8_400]);
    }

    #[test]
    fn a_requested_key_frame_is_as_large_as_a_slide() {
        let mut source = started(&still(), 400);
        frames(&mut *source, 8);
        source.request_key_frame(Time::ZERO);
        let key = frames(&mut *source, 1)[0];
        assert_eq!((key.key, key.size), (true, 100_000));
        assert_eq!((key.picture.width, key.picture.height), (1920, 1080));
        assert!(!frames(&mut *source, 1)[0].key);
    }

    #[test]
    fn content_is_the_same_under_any_target() {
        let changes = |kbps: u64| {
            let mut source = started(&ScreenShare::default(), kbps);
            let mean = kbps as f64 * 25.0;
            let frames = frames(&mut *source, 2_000);
            let slides = frames.iter().filter(|f| f64::from(f.size) > 9.0 * mean);
            slides
                .map(|f| f.captured.as_secs_f64())
                .take_while(|at| *at < 300.0)
                .collect::<Vec<_>>()
        };
        let (slow, fast) = (changes(200), changes(2_000));
        assert_eq!(slow.len(), fast.len());
        // 16 changes in 150 s, half of them slides; Poisson: 5 to 30.
        assert!((5..60).contains(&slow.len()), "{}", slow.len());
        for (a, b) in slow.iter().zip(&fast) {
            assert!((a - b).abs() <= 2.75, "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn any_sequence_of_calls_yields_a_stream(
            calls in prop::collection::vec((0u8..8, 0u64..6_000, 0.0f64..1.0), 1..300),
        ) {
            let mut source = started(&ScreenShare::default(), 500);
            let mut last = None;
            for (call, kbps, drop) in calls {
                let at = source.next_capture().unwrap();
                match call {
                    0 => source.request_key_frame(at),
                    1 => source.set_target(at, Bitrate::from_kbps(kbps), drop),
                    _ => {
                        let frame = source.capture(at);
                        prop_assert!(last < Some(at));
                        prop_assert!(source.next_capture() > Some(at));
                        last = Some(at);
                        if let Some(frame) = frame {
                            prop_assert!(frame.size >= 1 && frame.captured == at);
                            prop_assert!(frame.ready >= at);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn senseless_parameters_are_refused() {
        let with = |change: fn(&mut ScreenShare)| {
            let mut config = ScreenShare::default();
            change(&mut config);
            build_error(&config)
        };
        assert_eq!(with(|c| c.max_fps = 0.0), "max_fps");
        assert_eq!(with(|c| c.slide_ratio = 0.5), "slide_ratio");
        assert_eq!(with(|c| c.scroll_ratio = f64::NAN), "scroll_ratio");
        assert_eq!(with(|c| c.static_time = Span::ZERO), "static_time");
    }
}
