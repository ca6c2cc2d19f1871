//! libwebrtc's protection control: a table by loss and rate, beside NACK.
//!
//! Implements: `FecControllerDefault` (2026-07) with NACK and FEC: protection for
//! the largest loss of the last ten seconds (`loss_filter`), from a table over
//! loss and size of frames (`table`), at least 20 % of all packets as soon as
//! there is loss, none for delta frames below a round trip of 20 ms, none at all
//! for small frames, over as many frames as fit in two round trips (`factors`).
//! Masks are those for independent losses. Losses are those of receiver reports,
//! in 256ths. Frames per second are counted over the last second; packets per
//! frame are means with a memory of 10 s, in packets of 1200 bytes.
//! Differs: the size of the picture is the configured one.
//! Not modelled: the loss vector, which the default controller does not use.

mod factors;
mod loss_filter;
mod table;

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use self::factors::{Factors, Inputs};
use self::loss_filter::LossFilter;
use crate::fec::{PathState, Protect, Protection, ProtectionControl};

/// Payload of a packet in the count of packets per frame (`kVideoMtu`).
const PACKET: f32 = 1_200.0;
/// What a mean keeps after a millisecond.
const KEPT_PER_MS: f32 = 0.9999;

/// The control of libwebrtc.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebrtcProtection {
    /// Width of the picture in pixels; default 640.
    pub width: u32,
    /// Height of the picture in pixels; default 360.
    pub height: u32,
    /// Temporal layers, 1 to 4, of which only the base is protected; default 1.
    pub temporal_layers: u32,
    /// Whether lost packets are asked for too; default yes.
    pub nack: bool,
}

impl Default for WebrtcProtection {
    fn default() -> Self {
        Self {
            width: 640,
            height: 360,
            temporal_layers: 1,
            nack: true,
        }
    }
}

impl Plugin for WebrtcProtection {
    type Kind = ProtectionControl;
    const NAME: &'static str = "webrtc";
    const SUMMARY: &'static str =
        "by loss, rate and round trip from a table, beside retransmission";
    const REFERENCES: &'static [&'static str] = &[
        "libwebrtc modules/video_coding/fec_controller_default.cc, July 2026",
        "RFC 8854 section 5",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Protect>, BuildError> {
        for (name, side) in [("width", self.width), ("height", self.height)] {
            if !(1..=16_384).contains(&side) {
                return Err(BuildError::field(name, "expected 1 to 16384 pixels"));
            }
        }
        if !(1..=4).contains(&self.temporal_layers) {
            return Err(BuildError::field("temporal_layers", "expected 1 to 4"));
        }
        Ok(Box::new(Control {
            config: self.clone(),
            loss: LossFilter::default(),
            frames: VecDeque::new(),
            packets: [Mean::default(); 2],
            factors: Factors {
                delta: 0,
                key: 0,
                max_frames: 1,
            },
        }))
    }
}

/// A mean in which old values fade with time.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    value: Option<f32>,
    at: Time,
}

impl Mean {
    fn add(&mut self, now: Time, sample: f32) {
        let elapsed = now.since(std::mem::replace(&mut self.at, now)).as_millis();
        let kept = libm::powf(KEPT_PER_MS, elapsed as f32);
        let mean = self
            .value
            .map_or(sample, |v| kept * v + (1.0 - kept) * sample);
        self.value = Some(mean);
    }
}

#[derive(Debug)]
struct Control {
    config: WebrtcProtection,
    loss: LossFilter,
    /// Frames of the last second.
    frames: VecDeque<Time>,
    /// Packets of delta and of key frames.
    packets: [Mean; 2],
    factors: Factors,
}

impl Control {
    fn fps(&self) -> f32 {
        match (self.frames.front(), self.frames.back()) {
            (Some(first), Some(last)) if first < last => {
                let frames = (self.frames.len() - 1) as f64;
                (frames / (*last - *first).as_secs_f64()).round() as f32
            }
            _ => 1.0,
        }
    }
}

impl Protect for Control {
    fn on_frame(&mut self, now: Time, key: bool, _: u16, size: u32) {
        self.packets[usize::from(key)].add(now, size as f32 / PACKET);
        self.frames.push_back(now);
        while self
            .frames
            .front()
            .is_some_and(|at| now - *at > Span::from_secs(1))
        {
            self.frames.pop_front();
        }
    }

    fn on_path(&mut self, now: Time, path: &PathState) {
        let loss = (path.loss * 256.0) as u8;
        let inputs = Inputs {
            loss: self.loss.update(now, loss),
            kbps: path.target.as_bps_f64() as f32 / 1_000.0,
            fps: self.fps(),
            rtt: path.rtt.as_millis(),
            pixels: u64::from(self.config.width) * u64::from(self.config.height),
            layers: self.config.temporal_layers,
            packets: self.packets.map(|mean| mean.value.unwrap_or_default()),
            nack: self.config.nack,
        };
        self.factors = inputs.factors();
    }

    fn protection(&self, _: Time, key: bool) -> Protection {
        let rate = if key {
            self.factors.key
        } else {
            self.factors.delta
        };
        Protection {
            rate: f64::from(rate) / 256.0,
            max_frames: self.factors.max_frames,
            bursts: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::Bitrate;

    use super::*;
    use crate::fec::test_support::build;

    fn path(loss: f64) -> PathState {
        PathState {
            loss,
            rtt: Span::from_millis(100),
            target: Bitrate::from_mbps(1),
            burst: 1.0,
        }
    }

    #[test]
    fn protects_against_the_worst_of_ten_seconds() {
        let config = WebrtcProtection {
            height: 480,
            ..WebrtcProtection::default()
        };
        let mut control = build(&config);
        let mut now = Time::ZERO;
        for frame in 0..60 {
            now = Time::from_millis(frame * 100 / 3);
            control.on_frame(now, frame == 0, 4, 4_000);
        }
        assert!(control.protection(now, false).rate.abs() < 1e-9);
        control.on_path(now, &path(0.2));
        // 45 % of all packets, 114 in 255ths, are 206 of the media.
        let wanted = Protection {
            rate: 206.0 / 256.0,
            max_frames: 6,
            bursts: false,
        };
        assert_eq!(control.protection(now, false), wanted);
        assert!(control.protection(now, true).rate > wanted.rate);
        control.on_path(now + Span::from_secs(9), &path(0.0));
        assert_eq!(control.protection(now, false), wanted);
        control.on_path(now + Span::from_secs(20), &path(0.0));
        assert!(control.protection(now, false).rate.abs() < 1e-9);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let refused = |config: WebrtcProtection| crate::fec::test_support::build_error(&config);
        let config = WebrtcProtection::default;
        assert_eq!(
            refused(WebrtcProtection {
                width: 0,
                ..config()
            }),
            "width"
        );
        assert_eq!(
            refused(WebrtcProtection {
                temporal_layers: 5,
                ..config()
            }),
            "temporal_layers"
        );
    }
}
