//! The video jitter buffer of libwebrtc: a frame buffer, an estimate of the
//! delay that evens out the network, and the times that follow from both.
//!
//! Implements: libwebrtc as of 2026-01, read at 2026-07 with the history since;
//! each file names its source.
//! Differs: see `buffer`, `timing` and the frame buffer.
//! Not modelled: spatial layers, decoder errors, field trials.

mod buffer;
mod decode_time;
mod delay_variation;
mod extrapolator;
mod jitter_estimator;
mod kalman;
mod micros;
mod rtt_filter;
mod timing;

#[cfg(test)]
mod chromium;
#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span};

use super::key_frames::Waits;
use super::{Jitter, JitterBuffer};
use crate::version::LibwebrtcVersion;
use micros::from_span;
use timing::PlayoutDelay;

/// libwebrtc's video jitter buffer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Webrtc {
    /// Which libwebrtc: that of 2026-01 leaves outliers out of the clock
    /// extrapolation (since 2025-10-13), that of 2024-10 does not.
    pub version: LibwebrtcVersion,
    /// Least delay from a frame's arrival to the screen. Default 0 ms
    /// (`min_playout_delay` of `timing.h`).
    pub min_playout_delay: Span,
    /// Greatest such delay. Default 10 s (`max_playout_delay` of `timing.h`).
    /// At most 500 ms together with a least delay of 0 ms selects low-latency
    /// rendering: every frame is decoded and shown at once.
    pub max_playout_delay: Span,
    /// Wait for a first or required key frame before asking for one. Default
    /// 200 ms (`kMaxWaitForKeyFrame` of `video_receive_stream2.cc`).
    pub max_wait_for_key_frame: Span,
    /// Wait for any decodable frame before asking for a key frame. Default 3 s
    /// (`kMaxWaitForFrame` of `video_receive_stream2.cc`).
    pub max_wait_for_frame: Span,
}

impl Default for Webrtc {
    fn default() -> Self {
        Self {
            version: LibwebrtcVersion::default(),
            min_playout_delay: Span::ZERO,
            max_playout_delay: Span::from_secs(10),
            max_wait_for_key_frame: Span::from_millis(200),
            max_wait_for_frame: Span::from_secs(3),
        }
    }
}

impl Plugin for Webrtc {
    type Kind = Jitter;
    const NAME: &'static str = "webrtc";
    const SUMMARY: &'static str =
        "libwebrtc's adaptive jitter buffer with its delay estimator and key frame time-outs";
    const REFERENCES: &'static [&'static str] = &[
        "libwebrtc modules/video_coding/timing and video/video_stream_buffer_controller.cc, 2026-01 to 2026-07",
        "libwebrtc api/video/frame_buffer.cc and video/video_receive_stream2.cc, 2026-07",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn JitterBuffer>, BuildError> {
        let hour = Span::from_secs(3600);
        if self.min_playout_delay > self.max_playout_delay {
            return Err(BuildError::field(
                "min_playout_delay",
                "expected at most `max_playout_delay`",
            ));
        }
        if self.max_playout_delay > hour {
            return Err(BuildError::field(
                "max_playout_delay",
                "expected at most 1h",
            ));
        }
        for (name, wait) in [
            ("max_wait_for_key_frame", self.max_wait_for_key_frame),
            ("max_wait_for_frame", self.max_wait_for_frame),
        ] {
            if wait < Span::from_millis(1) || wait > hour {
                return Err(BuildError::field(name, "expected 1ms to 1h"));
            }
        }
        let waits = Waits {
            key_frame: self.max_wait_for_key_frame,
            frame: self.max_wait_for_frame,
        };
        let playout = PlayoutDelay {
            min: from_span(self.min_playout_delay),
            max: from_span(self.max_playout_delay),
        };
        let reject_outliers = self.version == LibwebrtcVersion::January2026;
        Ok(Box::new(buffer::WebrtcBuffer::new(
            waits,
            playout,
            reject_outliers,
        )))
    }
}
