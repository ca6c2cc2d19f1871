//! Media sources: what a camera with its encoder, or a microphone, yields.

use weaknet_core::{Bitrate, Kind, Time};

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
}

/// A camera with its encoder.
pub trait VideoSource: Send {
    /// Begins at `now` with the given format and target.
    fn start(&mut self, now: Time, format: VideoFormat, target: Bitrate);
    /// The encoder's new target. `frame_drop` is the share of it to save by
    /// skipping frames, 0 to 1.
    fn set_target(&mut self, now: Time, target: Bitrate, frame_drop: f64);
    /// The next frame shall be a key frame.
    fn request_key_frame(&mut self, now: Time);
    /// When the next picture is taken; `None` before the start or when it has
    /// ended.
    fn next_capture(&self) -> Option<Time>;
    /// Takes the picture that is due; `None` when the encoder skips it.
    fn capture(&mut self, now: Time) -> Option<EncodedFrame>;
}

/// An encoded audio packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedAudio {
    /// When its first sample was taken.
    pub captured: Time,
    /// Payload bytes.
    pub size: u32,
    /// Length of the sound.
    pub length: weaknet_core::Span,
}

/// A microphone with its encoder.
pub trait AudioSource: Send {
    /// Begins at `now` with this rate of payload.
    fn start(&mut self, now: Time, bitrate: Bitrate);
    /// When the next packet is ready; `None` before the start.
    fn next_packet(&self) -> Option<Time>;
    /// The packet that is due; `None` when there is nothing to send (DTX).
    fn packet(&mut self, now: Time) -> Option<EncodedAudio>;
}
