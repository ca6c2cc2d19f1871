//! The statistical model of a live video encoder.
//!
//! Implements: RFC 8593, section 5. After it reacted to a new target the encoder
//! ignores others for `reaction`. A change above `big_change`, the first frame
//! and a requested key frame start a transient: one large frame, then smaller
//! ones so that the mean of the transient is still the target. Otherwise sizes
//! and intervals vary by independent Laplace noise. The noise of frame number k
//! is the same whatever the targets were.
//! Differs: the last target that came in while others were ignored is taken up
//! when that time is over, since controllers speak only of changes; intervals
//! are at least 0.2 / fps and frames at least 1 byte; after the authors' code
//! (`cisco/syncodecs`, 2020) the small frames of a transient are at least 0.2
//! of the mean and small changes start none. The large frame is given relative
//! to the mean frame by default, as encoders cap key frames by the rate: the
//! first key frame of a recorded Chromium call has 1.3 kB, not 13.5 kB.
//! The rate is lowered by the encoder's overshoot, as a browser does
//! (`bitrate_adjuster`). After that the encoder comes up slowly: in eight recorded
//! Chromium calls the second second of video has 83 to 88 % of the target, the
//! third 92 to 96 %, although it is told all of it. Noise is what an encoder with rate
//! control leaves: the next frame makes up for most of what the last ones took
//! too much or too little (lag-1 autocorrelation of sizes in those calls -0.27
//! to -0.57; that of the model is -`rate_control` / 2).
//! Defaults of noise and encoding time are those of software encoders with a
//! steady camera (Chromium, VP8: sizes vary by 0.12 to 0.15 of the mean).
//! Not modelled: resolution changes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::Picture;
use weaknet_core::rng::{Draws, laplace_quantile};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Ratio, Span, Time};

use super::bitrate_adjuster::{Allowance, BitrateAdjuster, Mistrust};
use super::start_caution::StartCaution;
use super::{EncodedFrame, FrameDropper, MIN_FPS, Video, VideoFormat, VideoSource, frame_interval};

const MIN_INTERVAL_FACTOR: f64 = 0.2;
const MIN_SMALL_FRAME: f64 = 0.2;

/// A statistical model of a live encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rfc8593 {
    /// Time during which further targets wait after one was taken up (tau_v,
    /// 200 ms in RFC 8593, table 1).
    pub reaction: Span,
    /// Frames of a transient, the large one included (K_d, 8 in RFC 8593).
    pub transient_frames: u32,
    /// Size of the large frame of a transient relative to the mean frame at the
    /// target (3.24 = 13.5 kB / 4.17 kB of RFC 8593, table 1).
    pub burst_ratio: f64,
    /// Fixed size of the large frame instead (K_B, 13.5 kB in RFC 8593).
    pub burst_size: Option<Bytes>,
    /// Time constant with which the rate follows a target that has risen (0, as
    /// RFC 8593; 300 ms is what VP8 took in recorded Chromium calls when probes
    /// raised the target from 0.3 to 1 to 2.8 Mbit/s).
    pub rise: Span,
    /// Change of the target relative to the previous one above which a
    /// transient starts (50 % in syncodecs).
    pub big_change: Ratio,
    /// Laplace scale of frame sizes relative to the mean (SCALE_B, 0.15 in
    /// RFC 8593; 0.1 gives the coefficient of variation 0.14 of Chromium).
    pub size_noise: f64,
    /// Share of the bytes too many or too few so far that the next frame makes
    /// up for (0.8: autocorrelation -0.4; 0: independent sizes as in RFC 8593).
    pub rate_control: f64,
    /// Laplace scale of frame intervals relative to the mean (SCALE_t, 0.15 in
    /// RFC 8593; 0.02 gives the deviation of 1 ms of Chromium).
    pub interval_noise: f64,
    /// By how much an encoder of unknown behaviour is taken to overshoot: its
    /// rate is divided by this for the first `start_frames` (1.2,
    /// `EncoderBitrateAdjuster` of libwebrtc; 1: no caution).
    pub start_caution: f64,
    /// Frames until the encoder's behaviour is known (30, as above).
    pub start_frames: u32,
    /// Frames over which the encoder comes up from there (60, see above).
    pub fade_frames: u32,
    /// Time over which overshoot is measured, by which the rate is then divided
    /// (3 s, as above; 0: never).
    pub overshoot_window: Span,
    /// Time from capture to the end of encoding. An estimate for 640x360 in
    /// software.
    pub encode_time: Span,
}

impl Default for Rfc8593 {
    fn default() -> Self {
        Self {
            reaction: Span::from_millis(200),
            transient_frames: 8,
            burst_ratio: 3.24,
            burst_size: None,
            rise: Span::ZERO,
            big_change: Ratio::from_f64(0.5),
            size_noise: 0.1,
            rate_control: 0.8,
            interval_noise: 0.02,
            start_caution: 1.2,
            start_frames: 30,
            fade_frames: 60,
            overshoot_window: Span::from_secs(3),
            encode_time: Span::from_millis(4),
        }
    }
}

impl Plugin for Rfc8593 {
    type Kind = Video;
    const NAME: &'static str = "rfc8593";
    const SUMMARY: &'static str =
        "statistical model of a live encoder: noise, reaction time, bursts on key frames";
    const REFERENCES: &'static [&'static str] = &["RFC 8593, section 5", "cisco/syncodecs, 2020"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn VideoSource>, BuildError> {
        let scale = |name: &str, value: f64| {
            if (0.0..=1.0).contains(&value) {
                return Ok(());
            }
            Err(BuildError::field(
                name,
                format!("expected a Laplace scale from 0 to 1, found {value}"),
            ))
        };
        scale("size_noise", self.size_noise)?;
        scale("interval_noise", self.interval_noise)?;
        if !(0.0..=1.0).contains(&self.rate_control) {
            return Err(BuildError::field(
                "rate_control",
                "expected a share from 0 to 1",
            ));
        }
        if !(1.0..=10.0).contains(&self.start_caution) {
            return Err(BuildError::field(
                "start_caution",
                "expected a factor from 1 to 10",
            ));
        }
        if self.overshoot_window > Span::from_secs(60) {
            return Err(BuildError::field(
                "overshoot_window",
                "expected at most 1min",
            ));
        }
        if self.transient_frames == 0 {
            return Err(BuildError::field(
                "transient_frames",
                "expected at least 1 frame",
            ));
        }
        if !(self.burst_ratio > 0.0 && self.burst_ratio <= 1_000.0) {
            return Err(BuildError::field(
                "burst_ratio",
                "expected a ratio above 0, at most 1000",
            ));
        }
        Ok(Box::new(Encoder {
            config: self.clone(),
            size_noise: cx.streams.draws(cx.path, "frame size"),
            interval_noise: cx.streams.draws(cx.path, "frame interval"),
            state: None,
        }))
    }
}

struct Encoder {
    config: Rfc8593,
    size_noise: Draws,
    interval_noise: Draws,
    state: Option<Running>,
}

struct Running {
    format: VideoFormat,
    target: Bitrate,
    /// Rate of the mean frame, in bit/s: the target once that is reached.
    rate: f64,
    /// Came in while the encoder did not react.
    waiting: Option<Bitrate>,
    deaf_until: Time,
    dropper: FrameDropper,
    adjuster: Option<BitrateAdjuster>,
    /// What the link has beyond the target.
    headroom: Bitrate,
    next: Time,
    /// Pictures taken so far.
    index: u64,
    key: bool,
    /// Frames of the transient that are still to come; its first is the large
    /// one.
    transient: u32,
    /// What frames so far took beyond their share, relative to the mean.
    excess: f64,
}

impl Rfc8593 {
    fn adjuster(&self) -> Option<BitrateAdjuster> {
        let mistrust = Mistrust {
            unknown: self.start_caution,
            frames: self.start_frames,
            window: self.overshoot_window,
        };
        (!mistrust.window.is_zero()).then(|| BitrateAdjuster::new(mistrust))
    }

    fn caution(&self) -> StartCaution {
        let told = !self.overshoot_window.is_zero();
        StartCaution {
            factor: self.start_caution,
            // Those are lowered already by what the encoder is told.
            spared: if told { self.start_frames } else { 0 },
            frames: self.start_frames,
            fade: self.fade_frames,
        }
    }

    /// Size of the next frame of a transient with `left` frames to come.
    fn transient_size(&self, mean: f64, left: u32) -> f64 {
        let burst = self
            .burst_size
            .map_or(mean * self.burst_ratio, |size| size.get() as f64);
        if left >= self.transient_frames {
            return burst;
        }
        let frames = f64::from(self.transient_frames);
        ((frames * mean - burst) / (frames - 1.0)).max(MIN_SMALL_FRAME * mean)
    }
}

impl Running {
    fn adopt(&mut self, now: Time, target: Bitrate, config: &Rfc8593) {
        let (old, new) = (self.target.as_bps_f64(), target.as_bps_f64());
        if new == old {
            return;
        }
        if (new - old).abs() > config.big_change.as_f64() * old {
            self.transient = config.transient_frames;
        }
        self.target = target;
        self.deaf_until = now + config.reaction;
    }

    /// Size of the next frame relative to the mean, given its own noise. The
    /// deviation is that of the noise, whatever the share that is made up for.
    fn relative_size(&mut self, noise: f64, rate_control: f64) -> f64 {
        let deviation = noise - rate_control * self.excess;
        self.excess += deviation;
        1.0 + deviation * libm::sqrt(1.0 - rate_control / 2.0)
    }

    /// What the encoder is told, in bit/s.
    fn told(&mut self, now: Time) -> f64 {
        let target = self.target.as_bps_f64();
        let allowance = Allowance {
            target,
            headroom: self.headroom.as_bps_f64(),
            least: self.format.min_bitrate.as_bps_f64(),
        };
        let fps = self.format.fps.max(MIN_FPS);
        let adjuster = self.adjuster.as_mut();
        adjuster.map_or(target, |adjuster| adjuster.adjust(now, allowance, fps))
    }

    /// Size of the mean frame after one more frame interval on the way to what the
    /// encoder is told.
    fn mean_frame(&mut self, now: Time, rise: Span) -> f64 {
        let (target, fps) = (self.told(now), self.format.fps.max(MIN_FPS));
        self.rate = if self.rate < target && rise > Span::ZERO {
            let left = libm::exp(-1.0 / fps / rise.as_secs_f64());
            target - (target - self.rate) * left
        } else {
            target
        };
        self.rate / 8.0 / fps
    }
}

impl VideoSource for Encoder {
    fn start(&mut self, now: Time, format: VideoFormat, target: Bitrate) {
        self.state = Some(Running {
            format,
            target: format.clip(target),
            rate: format.clip(target).as_bps_f64(),
            waiting: None,
            deaf_until: now,
            dropper: FrameDropper::default(),
            adjuster: self.config.adjuster(),
            headroom: target - format.clip(target),
            next: now,
            index: 0,
            key: true,
            transient: 0,
            excess: 0.0,
        });
    }

    fn set_target(&mut self, now: Time, target: Bitrate, frame_drop: f64) {
        if let Some(state) = &mut self.state {
            let all = target;
            let target = state.format.clip(target);
            state.headroom = all - target;
            state
                .dropper
                .set(target, state.format.min_bitrate, frame_drop);
            if now < state.deaf_until {
                state.waiting = Some(target);
            } else {
                state.waiting = None;
                state.adopt(now, target, &self.config);
            }
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
        let index = state.index;
        state.index += 1;
        let noise = |draws: Draws, scale: f64| laplace_quantile(draws.unit(index), scale);
        let stretch = 1.0 + noise(self.interval_noise, self.config.interval_noise);
        state.next += frame_interval(state.format.fps).mul_f64(stretch.max(MIN_INTERVAL_FACTOR));
        let relative = state.relative_size(
            noise(self.size_noise, self.config.size_noise),
            self.config.rate_control,
        );
        if captured >= state.deaf_until
            && let Some(target) = state.waiting.take()
        {
            state.adopt(captured, target, &self.config);
        }
        if state.dropper.skips() {
            return None;
        }
        let key = std::mem::take(&mut state.key);
        if key {
            state.transient = self.config.transient_frames;
        }
        let mean = state.mean_frame(captured, self.config.rise) / self.config.caution().at(index);
        let size = match state.transient {
            0 => mean * relative,
            left => self.config.transient_size(mean, left),
        };
        state.transient = state.transient.saturating_sub(1);
        let size = (size as u32).max(1);
        if let Some(adjuster) = &mut state.adjuster {
            adjuster.on_frame(captured, 8.0 * f64::from(size));
        }
        Some(EncodedFrame {
            captured,
            ready: captured + self.config.encode_time,
            size,
            key,
            picture: Picture::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{build, format, frames, mean_and_deviation};
    use super::*;

    const QUIET: fn() -> Rfc8593 = || Rfc8593 {
        size_noise: 0.0,
        interval_noise: 0.0,
        start_caution: 1.0,
        overshoot_window: Span::ZERO,
        ..Rfc8593::default()
    };

    fn sizes(source: &mut dyn VideoSource, n: usize) -> Vec<u32> {
        frames(source, n).iter().map(|frame| frame.size).collect()
    }

    #[test]
    fn the_transient_of_the_rfc_has_its_mean() {
        // Table 1: K_d = 8, B0 = 4.17 kB, K_B = 13.5 kB; the rest 2.84 kB each.
        let mut source = build(&Rfc8593 {
            burst_size: Some(Bytes::new(13_500)),
            ..QUIET()
        });
        source.start(Time::ZERO, format(5_000), Bitrate::from_mbps(1));
        let first = frames(&mut *source, 10);
        assert_eq!(first[0].size, 13_500);
        assert!(first[0].key && first[1..].iter().all(|frame| !frame.key));
        assert!(
            first[1..8].iter().all(|frame| frame.size == 2_833),
            "{first:?}"
        );
        assert_eq!(first[8].size, 4_166);
        let total: u32 = first[..8].iter().map(|frame| frame.size).sum();
        assert_eq!(total, 33_331); // 8 mean frames are 33,333 bytes
    }

    #[test]
    fn without_noise_frames_are_exact_after_the_transient() {
        let mut source = build(&QUIET());
        source.start(Time::ZERO, format(5_000), Bitrate::from_kbps(2_400));
        frames(&mut *source, 8);
        assert_eq!(sizes(&mut *source, 20), [10_000; 20]);
        let late = frames(&mut *source, 1)[0];
        assert_eq!(late.captured, Time::from_nanos(28 * 33_333_333));
        assert_eq!(late.ready, late.captured + Span::from_millis(4));
    }

    #[test]
    fn the_first_frames_leave_room_for_overshoot_and_the_next_ones_less_and_less() {
        for window in [Span::ZERO, Span::from_secs(3)] {
            let mut source = build(&Rfc8593 {
                start_caution: 1.2,
                overshoot_window: window,
                burst_ratio: 1.0,
                ..QUIET()
            });
            source.start(Time::ZERO, format(5_000), Bitrate::from_kbps(2_400));
            assert_eq!(sizes(&mut *source, 30), [8_333; 30]);
            // Frame 60 is half way: 10,000 / 1.1.
            assert_eq!(sizes(&mut *source, 31)[30], 9_090);
            assert_eq!(sizes(&mut *source, 31)[29..], [10_000, 10_000]);
        }
    }

    #[test]
    fn the_rate_rises_towards_its_target_and_falls_at_once() {
        let mut source = build(&Rfc8593 {
            rise: Span::from_millis(300),
            burst_ratio: 1.0,
            ..QUIET()
        });
        source.start(Time::ZERO, format(5_000), Bitrate::from_kbps(1_200));
        frames(&mut *source, 9);
        let now = source.next_capture().unwrap();
        source.set_target(now, Bitrate::from_kbps(2_400), 0.0);
        // After nine frames, one time constant: 10,000 - 5,000 / e.
        assert_eq!(sizes(&mut *source, 9)[8], 8_160);
        let now = source.next_capture().unwrap();
        source.set_target(now, Bitrate::from_kbps(1_200), 0.0);
        assert_eq!(sizes(&mut *source, 1), [5_000]);
    }

    #[test]
    fn large_frames_are_followed_by_smaller_ones() {
        for rate_control in [0.0, 0.5, 1.0] {
            let mut source = build(&Rfc8593 {
                rate_control,
                start_caution: 1.0,
                overshoot_window: Span::ZERO,
                ..Rfc8593::default()
            });
            source.start(Time::ZERO, format(5_000), Bitrate::from_kbps(2_400));
            frames(&mut *source, 8);
            let sizes = sizes(&mut *source, 20_000);
            let off = |size: &u32| f64::from(*size) - 10_000.0;
            let products = sizes.windows(2).map(|pair| off(&pair[0]) * off(&pair[1]));
            let squares: f64 = sizes.iter().map(|size| off(size) * off(size)).sum();
            let correlation = products.sum::<f64>() / squares;
            // Standard error at most 1 / sqrt(20,000) = 0.007; 4 of them allowed.
            let expected = -rate_control / 2.0;
            assert!((correlation - expected).abs() < 0.028, "{correlation}");
        }
    }

    #[test]
    fn further_targets_wait_for_the_reaction_time() {
        let mut source = build(&QUIET());
        source.start(Time::ZERO, format(5_000), Bitrate::from_kbps(1_200));
        frames(&mut *source, 30);
        let now = source.next_capture().unwrap();
        source.set_target(now, Bitrate::from_kbps(1_440), 0.0);
        source.set_target(now, Bitrate::from_kbps(1_680), 0.0);
        source.set_target(now, Bitrate::from_kbps(1_920), 0.0);
        // 200 ms are six frames; then the last word counts.
        assert_eq!(
            sizes(&mut *source, 8),
            [6_000, 6_000, 6_000, 6_000, 6_000, 6_000, 6_000, 8_000]
        );
    }

    #[test]
    fn a_big_change_bursts_without_a_key_frame_and_a_small_one_does_not() {
        let mut source = build(&QUIET());
        source.start(Time::ZERO, format(5_000), Bitrate::from_kbps(1_200));
        frames(&mut *source, 30);
        source.set_target(
            source.next_capture().unwrap(),
            Bitrate::from_kbps(2_400),
            0.0,
        );
        let burst = frames(&mut *source, 9);
        assert_eq!(burst[0].size, 32_400);
        assert!(!burst[0].key);
        assert_eq!((burst[1].size, burst[8].size), (6_800, 10_000));
        source.set_target(
            source.next_capture().unwrap(),
            Bitrate::from_kbps(1_200),
            0.0,
        );
        assert_eq!(sizes(&mut *source, 1), [5_000]);
    }

    #[test]
    fn a_request_yields_one_key_frame() {
        let mut source = build(&QUIET());
        source.start(Time::ZERO, format(5_000), Bitrate::from_kbps(1_200));
        frames(&mut *source, 30);
        source.request_key_frame(Time::ZERO);
        let after = frames(&mut *source, 9);
        assert_eq!((after[0].key, after[0].size), (true, 16_200));
        assert!(after[1..].iter().all(|frame| !frame.key));
    }

    #[test]
    fn targets_are_clipped_to_the_format() {
        let mut source = build(&QUIET());
        source.start(Time::ZERO, format(2_400), Bitrate::from_mbps(100));
        frames(&mut *source, 8);
        assert_eq!(sizes(&mut *source, 1), [10_000]);
        source.set_target(Time::from_secs(10), Bitrate::ZERO, 0.0);
        frames(&mut *source, 8);
        assert_eq!(sizes(&mut *source, 1), [125]); // 30 kbit/s
    }

    #[test]
    fn noise_has_the_moments_of_the_laplace_distribution() {
        let config = Rfc8593 {
            size_noise: 0.15,
            interval_noise: 0.05,
            // What frames take too much would be taken off the rate.
            overshoot_window: Span::ZERO,
            ..Rfc8593::default()
        };
        let mut source = build(&config);
        source.start(Time::ZERO, format(5_000), Bitrate::from_kbps(2_400));
        frames(&mut *source, 8);
        let frames = frames(&mut *source, 40_000);
        let (mean, deviation) =
            mean_and_deviation(frames.iter().map(|frame| f64::from(frame.size)));
        // Standard error of the mean 10.6 bytes; 5 of them allowed.
        assert!((mean - 10_000.0).abs() < 53.0, "{mean}");
        assert!(
            (deviation - 0.15 * 2_f64.sqrt() * 10_000.0).abs() < 60.0,
            "{deviation}"
        );
        let gaps = frames
            .windows(2)
            .map(|pair| pair[1].captured.since(pair[0].captured).as_millis_f64());
        let (mean, deviation) = mean_and_deviation(gaps);
        assert!((mean - 33.333).abs() < 0.06, "{mean}");
        assert!(
            (deviation - 0.05 * 2_f64.sqrt() * 33.333).abs() < 0.07,
            "{deviation}"
        );
    }

    #[test]
    fn frame_k_meets_the_same_noise_under_any_target() {
        let relative = |kbps: u64| {
            let mut source = build(&Rfc8593::default());
            source.start(Time::ZERO, format(500_000), Bitrate::from_kbps(kbps));
            let mean = kbps as f64 * 1_000.0 / 240.0;
            frames(&mut *source, 100)[8..]
                .iter()
                .map(|f| f64::from(f.size) / mean)
                .collect::<Vec<_>>()
        };
        for (a, b) in relative(100_000).iter().zip(relative(400_000)) {
            assert!((a - b).abs() < 1e-5);
        }
    }

    #[test]
    fn senseless_parameters_are_refused() {
        use super::super::test_support::build_error;
        assert_eq!(
            build_error(&Rfc8593 {
                size_noise: 1.5,
                ..Rfc8593::default()
            }),
            "size_noise"
        );
        assert_eq!(
            build_error(&Rfc8593 {
                interval_noise: f64::NAN,
                ..Rfc8593::default()
            }),
            "interval_noise"
        );
        assert_eq!(
            build_error(&Rfc8593 {
                rate_control: 1.1,
                ..Rfc8593::default()
            }),
            "rate_control"
        );
        assert_eq!(
            build_error(&Rfc8593 {
                transient_frames: 0,
                ..Rfc8593::default()
            }),
            "transient_frames"
        );
        assert_eq!(
            build_error(&Rfc8593 {
                burst_ratio: 0.0,
                ..Rfc8593::default()
            }),
            "burst_ratio"
        );
    }
}
