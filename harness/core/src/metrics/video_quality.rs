//! A model of picture quality from rate, frame rate, size and freezes.
//!
//! It ranks runs; it has seen no picture, and its numbers are not VMAF.
//!
//! Implements: for each second the coding part of ITU-T G.1070's video quality
//! (coefficients of H.264, VGA, 9.2 inch display), from 0 to 100 = its best;
//! the rate of the frames that were shown, the frame rate at which they were,
//! freezes (rule of getStats) left out. Frozen time scores 0.
//! Differs: G.1070 knows one size of picture. Joskowicz and López Ardao (2012)
//! extend it to others; here rates are made comparable by pixels^0.85, an exponent
//! of our own. A picture that is smaller than the largest that the stream has sent
//! is shown enlarged, for which a factor of the form of Q-STAR's spatial one (Ou,
//! Xue and Wang 2014: (1 - e^(-a r^b)) / (1 - e^(-a)), r the share of the pixels)
//! counts, with constants of our own, a = 3.5 and b = 0.74. Lost packets do not
//! enter the formula: what they cost is frames.
//! Not modelled: content, codecs, how eyes take to changes of quality. A shared
//! screen, which stands still on purpose, has no score.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::{FlowId, Media};
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Span, Time};

use super::{
    Better, Definition, EventMask, FLOW, FlowFacts, FreezeRule, Gap, GapKind, MetricSet, Metrics,
    RunFacts, Scores,
};

pub(super) const DEFINITIONS: &[Definition] = &[Definition {
    name: "video_quality_model",
    subjects: FLOW,
    better: Better::Higher,
    summary: "A model of picture quality from 0 to 100, to rank runs by; it is not VMAF.",
    formula: "mean over the active time; frozen time (getStats rule) 0; else per second 100 I / 3.459 S; I = coding quality of G.1070 (H.264, VGA) at the shown frames' kbit/s (307200 / pixels)^0.85 and their frame rate, at most 30; S = (1 - e^(-3.5 r^0.74)) / (1 - e^(-3.5)), r = pixels / most pixels sent so far; sources without sizes count as 640x360; absent for shared screens",
    source: "own model after ITU-T G.1070 (2012), in the manner of Joskowicz and López Ardao 2012 and Q-STAR (Ou et al. 2014) with constants of our own",
}];

/// Pixels of the display of G.1070's coefficients.
const VGA: f64 = 640.0 * 480.0;
/// What a source without sizes is taken for.
const UNKNOWN_PIXELS: f64 = 640.0 * 360.0;
const PIXEL_EXPONENT: f64 = 0.85;
/// The coefficients v1 to v7 of G.1070 for H.264, VGA.
const V: [f64; 7] = [5.517, 0.0129, 3.459, 178.53, 1.02, 1.15, 0.000_355];
const MAX_FPS: f64 = 30.0;
const SPATIAL_DECAY: f64 = 3.5;
const SPATIAL_EXPONENT: f64 = 0.74;
const BIN: Span = Span::from_secs(1);

/// Quality of VGA pictures by coding alone, 0 to 3.459 (G.1070, I_coding).
fn coding_quality(kbps: f64, fps: f64) -> f64 {
    let best_fps = (V[0] + V[1] * kbps).clamp(1.0, 30.0);
    let best = V[2] - V[2] / (1.0 + libm::pow(kbps / V[3], V[4]));
    let width = V[5] + V[6] * kbps;
    let off = (libm::log(fps) - libm::log(best_fps)) / width;
    best * libm::exp(-off * off / 2.0)
}

/// What is left of the quality of a picture that has a share `ratio` of the
/// pixels that it is shown with.
fn spatial_factor(ratio: f64) -> f64 {
    let grown = |x: f64| 1.0 - libm::exp(-SPATIAL_DECAY * libm::pow(x, SPATIAL_EXPONENT));
    grown(ratio.clamp(0.0, 1.0)) / grown(1.0)
}

/// Quality from 0 to 100.
fn quality(kbps: f64, fps: f64, pixels: f64, shown_pixels: f64) -> f64 {
    if kbps <= 0.0 || fps <= 0.0 {
        return 0.0;
    }
    let as_vga = kbps * libm::pow(VGA / pixels, PIXEL_EXPONENT);
    let coding = coding_quality(as_vga, fps.min(MAX_FPS)) / V[2];
    100.0 * coding * spatial_factor(pixels / shown_pixels.max(pixels))
}

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VideoQuality {}

impl Plugin for VideoQuality {
    type Kind = Metrics;
    const NAME: &'static str = "video_quality";
    const SUMMARY: &'static str = "a model of picture quality from rate, frame rate and size";
    const REFERENCES: &'static [&'static str] = &[
        "ITU-T G.1070, video quality estimation, coefficients of H.264 and VGA",
        "Joskowicz, López Ardao: A parametric model for perceptual video quality estimation, 2012",
        "Ou, Xue, Wang: Q-STAR, IEEE Transactions on Image Processing 23, 2014",
    ];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    flows: Vec<Stream>,
}

/// What was shown in one second.
#[derive(Default)]
struct Second {
    frames: u32,
    bytes: u64,
    pixels: f64,
    moving: Span,
}

#[derive(Default)]
struct Stream {
    rule: FreezeRule,
    /// The most pixels sent so far.
    largest: u32,
    /// Which second is being filled, from the start of the run.
    index: u64,
    second: Second,
    active: Span,
    /// Quality times seconds.
    total: f64,
    rendered: bool,
    screen: bool,
}

impl Stream {
    fn rendered(
        &mut self,
        run: &RunFacts,
        on_air: (Time, Time),
        at: Time,
        size: u32,
        pixels: Option<u32>,
    ) {
        if let Some(gap) = self.rule.rendered(at) {
            self.add(on_air, &gap);
        }
        if run.in_window(at) {
            self.rendered = true;
            self.settle(at.as_nanos() / BIN.as_nanos());
            self.second.frames += 1;
            self.second.bytes += u64::from(size);
            self.second.pixels += pixels.map_or(UNKNOWN_PIXELS, f64::from);
        }
    }

    /// Adds an interval to the seconds that it lies in.
    fn add(&mut self, on_air: (Time, Time), gap: &Gap) {
        if gap.kind == GapKind::Pause {
            return;
        }
        let (mut from, to) = (gap.from.max(on_air.0), gap.to.min(on_air.1));
        while from < to {
            let index = from.as_nanos() / BIN.as_nanos();
            self.settle(index);
            let end = Time::from_nanos((index + 1).saturating_mul(BIN.as_nanos())).min(to);
            let part = end.since(from);
            self.active += part;
            if gap.kind == GapKind::Smooth {
                self.second.moving += part;
            }
            from = end;
        }
    }

    /// Goes on to a second; the one before is over.
    fn settle(&mut self, index: u64) {
        if index <= self.index {
            return;
        }
        self.index = index;
        let second = std::mem::take(&mut self.second);
        let moving = second.moving.as_secs_f64();
        if second.frames == 0 || moving <= 0.0 {
            return;
        }
        let frames = f64::from(second.frames);
        self.total += moving
            * quality(
                second.bytes as f64 * 8e-3 / moving,
                frames / moving,
                second.pixels / frames,
                f64::from(self.largest),
            );
    }

    fn score(mut self, run: &RunFacts, flow: &FlowFacts) -> Option<f64> {
        let on_air = run.on_air(flow).filter(|_| !self.screen)?;
        if let Some(open) = self.rule.end(flow.stop.min(run.duration)) {
            self.add(on_air, &open);
        }
        self.settle(u64::MAX);
        if !self.rendered {
            return Some(0.0);
        }
        (self.active > Span::ZERO).then(|| self.total / self.active.as_secs_f64())
    }
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.flows.resize_with(run.flows.len(), Stream::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let (Event::FrameEncoded { flow, .. }
        | Event::FrameRendered { flow, .. }
        | Event::Paused {
            flow,
            media: Media::Video,
            ..
        }) = *event
        else {
            return;
        };
        let flow = usize::from(flow.0);
        let Some((stream, facts)) = self.flows.get_mut(flow).zip(run.flows.get(flow)) else {
            return;
        };
        match event {
            Event::FrameEncoded { picture, .. } => {
                stream.largest = stream.largest.max(picture.pixels().unwrap_or(0));
                stream.screen |= picture.screen;
            }
            Event::FrameRendered { size, picture, .. } => {
                let on_air = run.on_air(facts).unwrap_or((run.from, run.from));
                stream.rendered(run, on_air, at, *size, picture.pixels());
            }
            Event::Paused { paused, .. } => stream.rule.pause(at, *paused),
            _ => {}
        }
    }

    fn finish(&mut self, run: &RunFacts, scores: &mut Scores) {
        for (index, stream) in std::mem::take(&mut self.flows).into_iter().enumerate() {
            let facts = &run.flows[index];
            if let Some(score) = stream.score(run, facts).filter(|_| facts.video) {
                scores.flow(FlowId(index as u16), "video_quality_model", score);
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::FRAME_ENCODED | EventMask::FRAME_RENDERED | EventMask::PAUSED
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, ms, near, run};
    use super::*;
    use weaknet_core::event::FrameTimes;
    use weaknet_core::packet::Picture;

    #[test]
    fn the_coding_part_of_g1070() {
        // Vq = 1 + I at 0 % loss, the vectors of the coefficients with v5 = 1.02.
        for (fps, kbps, vq) in [
            (30.0, 256.0, 2.256),
            (30.0, 512.0, 3.046),
            (30.0, 1_000.0, 3.799),
            (30.0, 2_000.0, 4.188),
            (15.0, 512.0, 3.546),
        ] {
            let found = 1.0 + coding_quality(kbps, fps);
            assert!((found - vq).abs() < 6e-4, "{fps} {kbps}: {found} {vq}");
        }
    }

    #[test]
    fn smaller_pictures_are_worse_when_shown_as_large() {
        assert_eq!(spatial_factor(1.0), 1.0);
        assert!((spatial_factor(0.25) - 0.7371).abs() < 1e-3);
        // At 300 kbit/s a quarter of the pixels is the better use of the bits, at
        // 2 Mbit/s it is not.
        let (full, quarter) = (1280.0 * 720.0, 640.0 * 360.0);
        let at = |kbps, pixels| quality(kbps, 30.0, pixels, full);
        assert!(at(300.0, quarter) > at(300.0, full));
        assert!(at(2_000.0, quarter) < at(2_000.0, full));
        assert_eq!(quality(0.0, 30.0, full, full), 0.0);
    }

    fn shown(times: impl Iterator<Item = u64>, size: u32, height: u16) -> Vec<(Time, Event)> {
        let flow = FlowId(0);
        let picture = Picture {
            width: height / 9 * 16,
            height,
            ..Picture::default()
        };
        let event = |(n, at): (usize, u64)| {
            let at = ms(at);
            let times = FrameTimes {
                captured: at,
                first_sent: at,
                first_arrived: at,
                complete: at,
                decode_start: at,
                decoded: at,
            };
            let frame = n as u64;
            let rendered = Event::FrameRendered {
                flow,
                frame,
                times,
                size,
                picture,
            };
            (at, rendered)
        };
        times.enumerate().map(event).collect()
    }

    #[test]
    fn steady_video_has_the_quality_of_its_rate() {
        // 25 fps of 5,000 B: 1 Mbit/s for 10 s.
        let events = shown((0..10_000).step_by(40), 5_000, 720);
        let scores = call(&VideoQuality::default(), &run(10), &events);
        let expected = quality(1_000.0, 25.0, 1280.0 * 720.0, 1280.0 * 720.0);
        near(scores.get("video_quality_model"), expected);
    }

    #[test]
    fn frozen_time_scores_nothing() {
        let times = (0..4_000).step_by(40).chain((8_000..10_000).step_by(40));
        let events = shown(times, 5_000, 720);
        let scores = call(&VideoQuality::default(), &run(10), &events);
        let expected = quality(1_000.0, 25.0, 1280.0 * 720.0, 1280.0 * 720.0);
        let found = scores["video_quality_model"];
        // From 3.96 to 8 s; the last frame before it stands for 40 ms less, which
        // makes its second look faster.
        assert!(
            (found / expected - 0.596).abs() < 0.003,
            "{found} {expected}"
        );
        let nothing = call(&VideoQuality::default(), &run(10), &[]);
        assert_eq!(nothing["video_quality_model"], 0.0);
    }

    #[test]
    fn screens_have_no_score() {
        let encoded = Event::FrameEncoded {
            flow: FlowId(0),
            frame: 0,
            key: true,
            size: 1_000,
            picture: Picture {
                screen: true,
                ..Picture::default()
            },
        };
        let scores = call(&VideoQuality::default(), &run(10), &[(ms(0), encoded)]);
        assert!(scores.is_empty(), "{scores:?}");
    }
}
