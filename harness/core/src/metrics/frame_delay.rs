//! The way of a video frame from the camera to the screen, and frames lost on
//! it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::FrameDrop;
use weaknet_core::packet::FlowId;
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Time};

use super::{Better, Definition, EventMask, FLOW, MetricSet, Metrics, RunFacts, Samples, Scores};

const QUANTILE: &str = "quantile by Hyndman and Fan 1996 type 7";
const RFC8869: &str = "RFC 8869 section 2.3 (media frame delay, capture to display)";

pub(super) const DEFINITIONS: &[Definition] = &[
    frame_delay(
        "frame_delay_p50_ms",
        "Median delay from capture to rendering.",
        "median of rendered - captured over frames rendered in the window",
    ),
    frame_delay(
        "frame_delay_p95_ms",
        "Delay from capture to rendering that 95 % of frames keep.",
        "95 % quantile of rendered - captured over frames rendered in the window",
    ),
    frame_delay(
        "frame_delay_p99_ms",
        "Delay from capture to rendering that 99 % of frames keep.",
        "99 % quantile of rendered - captured over frames rendered in the window",
    ),
    frame_delay(
        "frame_delay_max_ms",
        "Largest delay from capture to rendering.",
        "maximum of rendered - captured over frames rendered in the window",
    ),
    Definition {
        name: "frame_link_to_render_p50_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Median delay from the frame's first packet on the link to rendering.",
        formula: "median of rendered - first packet put on the first link, frames rendered in the window",
        source: QUANTILE,
    },
    Definition {
        name: "frame_link_to_render_p95_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Delay from the frame's first packet on the link to rendering that 95 % of frames keep.",
        formula: "95 % quantile of rendered - first packet put on the first link, frames rendered in the window",
        source: QUANTILE,
    },
    Definition {
        name: "jitter_buffer_delay_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Mean time that a frame spends in the jitter buffer.",
        formula: "mean of given to the decoder - first packet arrived, frames rendered in the window",
        source: "W3C webrtc-stats jitterBufferDelay / jitterBufferEmittedCount (video: first packet in to whole frame out)",
    },
    Definition {
        name: "frames_dropped",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Frames that the receiver never showed.",
        formula: "frames given up in the window as incomplete, undecodable, late or flushed; not those that the encoder skipped",
        source: "W3C webrtc-stats framesDropped (before decoding or past the display deadline)",
    },
    Definition {
        name: "keyframes_requested",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Key frames that the receiver asked for.",
        formula: "requests sent in the window",
        source: "W3C webrtc-stats pliCount + firCount",
    },
    Definition {
        name: "video_bitrate_kbps",
        subjects: FLOW,
        better: Better::Higher,
        summary: "What the video encoder put out.",
        formula: "payload bits of frames encoded in the window / length of the window",
        source: "as getStats targetBitrate and bytesSent see it: payload, no headers, RTX or FEC",
    },
];

const fn frame_delay(
    name: &'static str,
    summary: &'static str,
    formula: &'static str,
) -> Definition {
    Definition {
        name,
        subjects: FLOW,
        better: Better::Lower,
        summary,
        formula,
        source: RFC8869,
    }
}

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FrameDelay {}

impl Plugin for FrameDelay {
    type Kind = Metrics;
    const NAME: &'static str = "frame_delay";
    const SUMMARY: &'static str =
        "delay of video frames from capture to rendering, and frames lost";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 8869 section 2.3",
        "W3C webrtc-stats, editor's draft of 2025-09",
    ];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    flows: Vec<Frames>,
}

#[derive(Default)]
struct Frames {
    delay: Samples,
    link_to_render: Samples,
    in_buffer: Samples,
    dropped: u64,
    requests: u64,
    encoded_bytes: u64,
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.flows.resize_with(run.flows.len(), Frames::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let (Event::FrameRendered { flow, .. }
        | Event::FrameDropped { flow, .. }
        | Event::FrameEncoded { flow, .. }
        | Event::KeyFrameRequested { flow }) = *event
        else {
            return;
        };
        let Some(frames) = self
            .flows
            .get_mut(usize::from(flow.0))
            .filter(|_| run.in_window(at))
        else {
            return;
        };
        match *event {
            Event::FrameRendered { times, .. } => {
                frames.delay.push(at.since(times.captured));
                frames.link_to_render.push(at.since(times.first_sent));
                frames
                    .in_buffer
                    .push(times.decode_start.since(times.first_arrived));
            }
            Event::FrameDropped { reason, .. } if reason != FrameDrop::Encoder => {
                frames.dropped += 1
            }
            Event::FrameEncoded { size, .. } => frames.encoded_bytes += u64::from(size),
            Event::KeyFrameRequested { .. } => frames.requests += 1,
            _ => {}
        }
    }

    fn finish(&mut self, run: &RunFacts, scores: &mut Scores) {
        for (index, frames) in self
            .flows
            .iter_mut()
            .enumerate()
            .filter(|(i, _)| run.flows[*i].video)
        {
            let mut set = |name, value| scores.flow(FlowId(index as u16), name, value);
            if let Some([p50, p95, p99, max]) = frames.delay.quantiles_ms([0.5, 0.95, 0.99, 1.0]) {
                set("frame_delay_p50_ms", p50);
                set("frame_delay_p95_ms", p95);
                set("frame_delay_p99_ms", p99);
                set("frame_delay_max_ms", max);
            }
            if let Some([p50, p95]) = frames.link_to_render.quantiles_ms([0.5, 0.95]) {
                set("frame_link_to_render_p50_ms", p50);
                set("frame_link_to_render_p95_ms", p95);
            }
            if let Some(mean) = frames.in_buffer.mean_ms() {
                set("jitter_buffer_delay_ms", mean);
            }
            if run.on_air(&run.flows[index]).is_some() {
                set("frames_dropped", frames.dropped as f64);
                set("keyframes_requested", frames.requests as f64);
                set(
                    "video_bitrate_kbps",
                    frames.encoded_bytes as f64 * 8e-3 / run.window().as_secs_f64(),
                );
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::FRAME_RENDERED
            | EventMask::FRAME_DROPPED
            | EventMask::FRAME_ENCODED
            | EventMask::KEY_FRAME_REQUESTED
    }
}
