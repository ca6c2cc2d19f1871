//! A camera with libwebrtc's encoder around a model of VP8.
//!
//! Implements: what libwebrtc (2026-07) does between camera and packetiser, each
//! in its file: temporal layers, simulcast, quality scaling, steps down in
//! pixels or frames, dropped frames; key frames of a multiple of the mean frame
//! whose excess later frames repay by up to half of their size
//! (`test/fake_encoder.cc`). In place of VP8 itself stand a law of quantiser and
//! bits (`quantiser`) and noise as in [`super::Rfc8593`]. A step in resolution
//! starts with a key frame, and so do all layers when one is added
//! (`libvpx_vp8_encoder.cc`); layers of one moment come highest first.
//! Checked against recorded Chromium 156 calls: sizes vary by 0.12 to 0.15 of
//! the mean; 640x360 is held at 230 kbit/s with a quantiser index of 43; below
//! the rate of the greatest index frames are dropped.
//! Not modelled: frames dropped at the start because they are too large for the
//! rate, the account of overshoot (`bitrate_adjuster`) but for its caution at the
//! start, steps for want of processor time, VP9 and AV1, content that changes.

mod backlog;
mod degradation;
mod encoder;
mod quality_scaler;
mod quantiser;
mod simulcast;

#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span};

use super::{SIMULCAST_LAYERS, Video, VideoSource, temporal_layers};
pub use degradation::DegradationPreference;
use encoder::Encoder;

/// A camera with libwebrtc's encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"width": 1280, "height": 720, "simulcast_layers": 3}]))]
pub struct Webrtc {
    /// Width of the camera's pictures in pixels. Default 640, as in the recorded
    /// Chromium calls.
    pub width: u16,
    /// Their height. Default 360.
    pub height: u16,
    /// Temporal layers, 1 to 4. Default 1 (libwebrtc's for one stream; 3 with
    /// simulcast).
    pub temporal_layers: u8,
    /// Simulcast layers, each of half the width and height of the next one: 1 to
    /// 3 from 960x540 on, to 2 from 480x270 on. Default 1.
    pub simulcast_layers: u8,
    /// What is given up when there are not enough bits. Without effect with
    /// several simulcast layers, which are turned off instead.
    pub degradation_preference: DegradationPreference,
    /// Nothing is sent while the target is below the stream's least rate, until
    /// it is above by a tenth and at least 20 kbit/s (`bitrate_allocator.cc`).
    /// Default: no, the least rate is sent whatever the target says, as in
    /// Chromium.
    pub suspend_below_min_bitrate: bool,
    /// Frames that still follow the old target after a new one came (0 to 300;
    /// encoders take 1 to 3).
    pub reaction_frames: u32,
    /// Time constant with which the rate follows a target that has risen
    /// (300 ms: VP8 in recorded Chromium calls, when probes raised the target
    /// from 0.3 to 1 to 2.8 Mbit/s).
    pub rise: Span,
    /// Bits put out relative to the target (0.1 to 10). Default 1; hardware
    /// encoders may take more.
    pub overshoot: f64,
    /// Size of a key frame relative to the mean one (1 to 100; 5,
    /// `test/fake_encoder.cc`; the first of the recorded calls has 1.1).
    pub key_frame_ratio: f64,
    /// Largest share of a frame that repays what key frames took too much (0.5,
    /// `test/fake_encoder.cc`).
    pub repayment: f64,
    /// Laplace scale of frame sizes relative to the mean (0 to 1; 0.1 gives the
    /// coefficient of variation 0.12 to 0.15 of recorded Chromium calls).
    pub size_noise: f64,
    /// Share of the bytes too many or too few so far that the next frame makes
    /// up for (0 to 1; 0.8, as `rfc8593`).
    pub rate_control: f64,
    /// Laplace scale of frame intervals relative to the mean (0 to 1; 0.02 gives
    /// the deviation of 1 ms of Chromium).
    pub interval_noise: f64,
    /// By what the rate is divided for the first `start_frames` (1 to 10; 1.2,
    /// `EncoderBitrateAdjuster` of libwebrtc).
    pub start_caution: f64,
    /// Frames until the encoder's behaviour is known (30, as above).
    pub start_frames: u32,
    /// Frames over which that caution then fades (60, as `rfc8593`).
    pub fade_frames: u32,
    /// Quantiser index, 0 to 127, at a thirtieth bit per pixel: how hard the
    /// content is to encode (41.6: recorded Chromium calls; more for more
    /// motion).
    pub reference_qp: f64,
    /// Exponent of the law of bits and index (0.1 to 10; 0.833: recorded
    /// Chromium calls).
    pub qp_exponent: f64,
    /// Greatest index (106: 56 of VP8's 64 steps, `kDefaultVideoMaxQpVpx`).
    pub max_qp: u8,
    /// Mean index up to which more pixels or frames are tried (29,
    /// `libvpx_vp8_encoder.cc`).
    pub low_qp: u8,
    /// Mean index above which pixels or frames are given up (95,
    /// `libvpx_vp8_encoder.cc`).
    pub high_qp: u8,
    /// Fewer pixels than this are not encoded (57,600 = 320x180, libwebrtc).
    pub min_pixels: u32,
    /// Frames are dropped while more than this time's worth of the target has
    /// been put out too much (500 ms, `frame_dropper.cc`).
    pub max_backlog: Span,
    /// Time from capture to the end of encoding. An estimate for 640x360 in
    /// software.
    pub encode_time: Span,
}

impl Default for Webrtc {
    fn default() -> Self {
        Self {
            width: 640,
            height: 360,
            temporal_layers: 1,
            simulcast_layers: 1,
            degradation_preference: DegradationPreference::default(),
            suspend_below_min_bitrate: false,
            reaction_frames: 2,
            rise: Span::from_millis(300),
            overshoot: 1.0,
            key_frame_ratio: 5.0,
            repayment: 0.5,
            size_noise: 0.1,
            rate_control: 0.8,
            interval_noise: 0.02,
            start_caution: 1.2,
            start_frames: 30,
            fade_frames: 60,
            reference_qp: 41.6,
            qp_exponent: 0.833,
            max_qp: 106,
            low_qp: 29,
            high_qp: 95,
            min_pixels: 320 * 180,
            max_backlog: Span::from_millis(500),
            encode_time: Span::from_millis(4),
        }
    }
}

impl Plugin for Webrtc {
    type Kind = Video;
    const NAME: &'static str = "webrtc";
    const SUMMARY: &'static str = "libwebrtc's encoder: layers, simulcast, quality scaling, dropped frames, over a model of VP8";
    const REFERENCES: &'static [&'static str] = &[
        "libwebrtc video/config/simulcast.cc, modules/video_coding/utility, call/adaptation, test/fake_encoder.cc, 2026-07",
        "recorded calls of Chromium 156.0.8078.79",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn VideoSource>, BuildError> {
        self.check_ranges()?;
        let pixels = u32::from(self.width) * u32::from(self.height);
        let most = simulcast::most_layers(pixels).min(SIMULCAST_LAYERS as u8);
        if !(1..=most).contains(&self.simulcast_layers) {
            let size = format!("{}x{}", self.width, self.height);
            let message = format!("expected 1 to {most} layers for pictures of {size}");
            return Err(BuildError::field("simulcast_layers", message));
        }
        if !(1..=temporal_layers::MAX_LAYERS).contains(&self.temporal_layers) {
            return Err(BuildError::field(
                "temporal_layers",
                "expected 1 to 4 layers",
            ));
        }
        if self.low_qp >= self.high_qp {
            return Err(BuildError::field("low_qp", "expected less than `high_qp`"));
        }
        if self.max_qp == 0 || self.max_qp > 127 {
            return Err(BuildError::field(
                "max_qp",
                "expected an index from 1 to 127",
            ));
        }
        if self.reaction_frames > 300 {
            return Err(BuildError::field("reaction_frames", "expected at most 300"));
        }
        Ok(Box::new(Encoder::new(
            self.clone(),
            cx.streams.draws(cx.path, "frame size"),
            cx.streams.draws(cx.path, "frame interval"),
        )))
    }
}

impl Webrtc {
    fn check_ranges(&self) -> Result<(), BuildError> {
        for (name, side) in [("width", self.width), ("height", self.height)] {
            if !(16..=16_384).contains(&side) {
                return Err(BuildError::field(name, "expected 16 to 16384 pixels"));
            }
        }
        for (name, value, range) in [
            ("overshoot", self.overshoot, 0.1..=10.0),
            ("key_frame_ratio", self.key_frame_ratio, 1.0..=100.0),
            ("repayment", self.repayment, 0.0..=0.9),
            ("size_noise", self.size_noise, 0.0..=1.0),
            ("rate_control", self.rate_control, 0.0..=1.0),
            ("interval_noise", self.interval_noise, 0.0..=1.0),
            ("start_caution", self.start_caution, 1.0..=10.0),
            ("reference_qp", self.reference_qp, 0.1..=1_000.0),
            ("qp_exponent", self.qp_exponent, 0.1..=10.0),
        ] {
            if !range.contains(&value) {
                let (from, to) = (range.start(), range.end());
                let message = format!("expected {from} to {to}, found {value}");
                return Err(BuildError::field(name, message));
            }
        }
        Ok(())
    }
}
