//! Media sources: what a camera with its encoder, or a microphone, yields.

mod bitrate_adjuster;
mod constant;
mod dtx;
mod frame_dropper;
mod frame_trace;
mod opus;
mod rfc8593;
mod screen_share;
mod start_caution;
mod talk_spurts;
mod temporal_layers;
mod webrtc;

pub use constant::Constant;
pub use frame_dropper::FrameDropper;
pub use frame_trace::FrameTrace;
pub use opus::{Opus, TalkSpurts};
pub use rfc8593::Rfc8593;
pub use screen_share::ScreenShare;
pub use webrtc::{DegradationPreference, Webrtc};

use weaknet_core::packet::Picture;
use weaknet_core::{Bitrate, Kind, Span, Time};

/// The kind of video sources.
pub enum Video {}

impl Kind for Video {
    type Product = Box<dyn VideoSource>;
    const NAME: &'static str = "video_source";
    const ABOUT: &'static str = "yields encoded video frames that follow a target rate";
}

/// The kind of audio sources.
pub enum Audio {}

impl Kind for Audio {
    type Product = Box<dyn AudioSource>;
    const NAME: &'static str = "audio_source";
    const ABOUT: &'static str = "yields encoded audio packets";
}

/// What the scenario asks of a video stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VideoFormat {
    /// Frames per second.
    pub fps: f64,
    /// Never below, unless paused.
    pub min_bitrate: Bitrate,
    /// Never above.
    pub max_bitrate: Bitrate,
}

/// An encoded frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedFrame {
    /// When the picture was taken.
    pub captured: Time,
    /// When the encoder is done with it; not before `captured`.
    pub ready: Time,
    /// Payload bytes, at least 1.
    pub size: u32,
    /// Whether it can be decoded without any other frame.
    pub key: bool,
    /// What it shows, and its layers. Simulcast layers of one moment come one
    /// after another with the same `captured`.
    pub picture: Picture,
}

/// A camera with its encoder.
pub trait VideoSource: Send {
    /// Begins at `now` with the given format and target.
    fn start(&mut self, now: Time, format: VideoFormat, target: Bitrate);
    /// The encoder's new target, which may lie outside of the format's bounds;
    /// a source may pause below the lower one. `frame_drop` is the share of it to save by
    /// skipping frames, 0 to 1.
    fn set_target(&mut self, now: Time, target: Bitrate, frame_drop: f64);
    /// The next frame shall be a key frame.
    fn request_key_frame(&mut self, now: Time);
    /// When the next picture is taken; `None` before the start or when it has
    /// ended.
    fn next_capture(&self) -> Option<Time>;
    /// Takes the picture that is due; `None` when the encoder skips it. Of several
    /// simulcast layers it yields one; the others follow at further calls, and
    /// [`VideoSource::next_capture`] stays at their time until then.
    fn capture(&mut self, now: Time) -> Option<EncodedFrame>;
}

/// What the scenario asks of an audio stream, in rates of payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioFormat {
    /// Never below.
    pub min_bitrate: Bitrate,
    /// Never above.
    pub max_bitrate: Bitrate,
}

/// An audio packet of this size or less only says that there is silence (of Opus:
/// RFC 6716, section 2.1.9; `IsDtxPacket` of libwebrtc's decoder).
pub const SILENCE_BYTES: u16 = 2;

/// An encoded audio packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedAudio {
    /// When its first sample was taken.
    pub captured: Time,
    /// Payload bytes.
    pub size: u32,
    /// Length of the sound.
    pub length: Span,
}

/// A microphone with its encoder.
pub trait AudioSource: Send {
    /// Begins at `now` with this rate of payload.
    fn start(&mut self, now: Time, bitrate: Bitrate);
    /// The rate of payload from the next packet on.
    fn set_bitrate(&mut self, now: Time, bitrate: Bitrate);
    /// When the next packet is ready; `None` before the start.
    fn next_packet(&self) -> Option<Time>;
    /// The packet that is due; `None` when there is nothing to send (DTX).
    fn packet(&mut self, now: Time) -> Option<EncodedAudio>;
}

/// Most simulcast layers of a stream.
pub const SIMULCAST_LAYERS: usize = 3;

/// Slowest frame rate that sources compute with.
const MIN_FPS: f64 = 0.001;

/// Time between two frames at this rate, at least 1 us.
fn frame_interval(fps: f64) -> Span {
    Span::from_secs_f64(1.0 / fps.max(MIN_FPS)).max(Span::from_micros(1))
}

impl VideoFormat {
    /// The nearest rate within the bounds.
    #[must_use]
    pub fn clip(&self, target: Bitrate) -> Bitrate {
        target.max(self.min_bitrate).min(self.max_bitrate)
    }
}

#[cfg(test)]
mod test_support {
    use weaknet_core::plugin::{Assets, BuildContext, Plugin};
    use weaknet_core::rng::Streams;
    use weaknet_core::{Bitrate, BuildError};

    use super::{EncodedFrame, Video, VideoFormat, VideoSource};

    pub(super) fn format(max_kbps: u64) -> VideoFormat {
        let max_bitrate = Bitrate::from_kbps(max_kbps);
        VideoFormat {
            fps: 30.0,
            min_bitrate: Bitrate::from_kbps(30),
            max_bitrate,
        }
    }

    fn try_build<P: Plugin<Kind = Video>>(config: &P) -> Result<Box<dyn VideoSource>, BuildError> {
        let (streams, assets) = (Streams::new(7), Assets::default());
        config.build(&BuildContext {
            path: "call/video",
            streams: &streams,
            assets: &assets,
        })
    }

    pub(super) fn build<P: Plugin<Kind = Video>>(config: &P) -> Box<dyn VideoSource> {
        try_build(config).unwrap()
    }

    pub(super) fn build_error<P: Plugin<Kind = Video>>(config: &P) -> String {
        try_build(config).err().unwrap().field.unwrap()
    }

    /// The next `n` pictures that are not skipped, each taken when due.
    pub(super) fn frames(source: &mut dyn VideoSource, n: usize) -> Vec<EncodedFrame> {
        let mut frames = Vec::with_capacity(n);
        while frames.len() < n {
            frames.extend(source.capture(source.next_capture().unwrap()));
        }
        frames
    }

    pub(super) fn mean_and_deviation(values: impl Iterator<Item = f64>) -> (f64, f64) {
        let values: Vec<_> = values.collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
        (mean, variance.sqrt())
    }
}
