//! What became of video frames, and what those that were shown looked like.
//!
//! A frame that was shown stands until the next one, or the end of its stream:
//! shares and means over time count it for so long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::FrameDrop;
use weaknet_core::packet::{FlowId, Picture};
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Span, Time};

use super::{Better, Definition, EventMask, FLOW, FlowFacts, MetricSet, Metrics, RunFacts, Scores};

const FATES: &str = "fates of frames at the receiver, one each";
const LAYERS: &str =
    "as asked for by users of forwarding units (mediasoup issues 297, 804 and 1462)";

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "frames_encoded",
        subjects: FLOW,
        better: Better::Neither,
        summary: "Frames that the encoder put out.",
        formula: "frames encoded in the window; the simulcast layers of one moment are one frame",
        source: "W3C webrtc-stats framesEncoded",
    },
    Definition {
        name: "key_frames_encoded",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Key frames that the encoder put out.",
        formula: "key frames encoded in the window; the simulcast layers of one moment are one frame",
        source: "W3C webrtc-stats keyFramesEncoded",
    },
    Definition {
        name: "frames_incomplete",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Frames of which packets were missing when the receiver went on without them.",
        formula: "frames given up in the window with packets missing",
        source: FATES,
    },
    Definition {
        name: "frames_undecodable",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Complete frames that could not be decoded because a frame that they refer to was missing.",
        formula: "complete frames given up in the window because their chain of references led to a frame that was never decoded",
        source: FATES,
    },
    Definition {
        name: "frames_late",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Complete frames that were passed over because newer ones were due.",
        formula: "complete frames given up in the window as late, or because the buffer was full",
        source: FATES,
    },
    Definition {
        name: "picture_height_mean_px",
        subjects: FLOW,
        better: Better::Higher,
        summary: "Mean height of the pictures shown.",
        formula: "mean over time of the height of the picture that stands; absent when the source does not model sizes",
        source: "W3C webrtc-stats frameHeight, weighted by time",
    },
    Definition {
        name: "resolution_switches_per_min",
        subjects: FLOW,
        better: Better::Lower,
        summary: "How often the size of the picture changed.",
        formula: "changes of size between frames rendered in the window / minutes from the first frame to the end; absent when the source does not model sizes",
        source: "libwebrtc video_quality_observer2.cc NumberResolutionDownswitchesPerMinute, ups counted too",
    },
    Definition {
        name: "qp_mean",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Mean quantiser index of the pictures shown.",
        formula: "mean over time of the index of the picture that stands (VP8: 0 to 127); absent when the source does not model it",
        source: "W3C webrtc-stats qpSum / framesDecoded, weighted by time",
    },
    Definition {
        name: "layer_switches_per_min",
        subjects: FLOW,
        better: Better::Lower,
        summary: "How often another simulcast layer was shown.",
        formula: "changes of layer between frames rendered in the window / minutes from the first frame to the end; absent without simulcast",
        source: LAYERS,
    },
    Definition {
        name: "layer_0_time_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Share of the time in which the lowest simulcast layer was shown.",
        formula: "time in which a frame of layer 0 stands / time from the first frame to the end; absent without simulcast",
        source: LAYERS,
    },
    Definition {
        name: "layer_1_time_ratio",
        subjects: FLOW,
        better: Better::Neither,
        summary: "Share of the time in which the second simulcast layer was shown.",
        formula: "time in which a frame of layer 1 stands / time from the first frame to the end; absent without simulcast",
        source: LAYERS,
    },
    Definition {
        name: "layer_2_time_ratio",
        subjects: FLOW,
        better: Better::Higher,
        summary: "Share of the time in which the third simulcast layer was shown.",
        formula: "time in which a frame of layer 2 stands / time from the first frame to the end; absent without simulcast",
        source: LAYERS,
    },
];

const LAYER_RATIOS: [&str; 3] = [
    "layer_0_time_ratio",
    "layer_1_time_ratio",
    "layer_2_time_ratio",
];

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pictures {}

impl Plugin for Pictures {
    type Kind = Metrics;
    const NAME: &'static str = "pictures";
    const SUMMARY: &'static str =
        "fates of video frames; size, quantiser and layer of the pictures shown";
    const REFERENCES: &'static [&'static str] = &["W3C webrtc-stats, editor's draft of 2025-09"];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    flows: Vec<Stream>,
}

#[derive(Default)]
struct Stream {
    newest: Option<u64>,
    encoded: u64,
    keys: u64,
    incomplete: u64,
    undecodable: u64,
    late: u64,
    simulcast: bool,
    /// The picture that stands and since when.
    standing: Option<(Time, Picture)>,
    shown: Shown,
}

/// Sums over what stood, within the window.
#[derive(Default)]
struct Shown {
    time: Span,
    layers: [Span; LAYER_RATIOS.len()],
    layer_switches: u64,
    size_switches: u64,
    sized: Span,
    height_seconds: f64,
    quantised: Span,
    qp_seconds: f64,
}

impl Shown {
    fn add(&mut self, picture: &Picture, time: Span) {
        self.time += time;
        let layer = usize::from(picture.simulcast).min(LAYER_RATIOS.len() - 1);
        self.layers[layer] += time;
        if picture.pixels().is_some() {
            self.sized += time;
            self.height_seconds += f64::from(picture.height) * time.as_secs_f64();
        }
        if let Some(qp) = picture.qp {
            self.quantised += time;
            self.qp_seconds += f64::from(qp) * time.as_secs_f64();
        }
    }
}

impl Stream {
    fn encoded(&mut self, run: &RunFacts, at: Time, frame: u64, key: bool, picture: &Picture) {
        self.simulcast |= picture.simulcast_layers > 1;
        if self.newest < Some(frame) {
            self.newest = Some(frame);
            self.encoded += u64::from(run.in_window(at));
            self.keys += u64::from(key && run.in_window(at));
        }
    }

    fn dropped(&mut self, reason: FrameDrop) {
        match reason {
            FrameDrop::Incomplete => self.incomplete += 1,
            FrameDrop::Undecodable => self.undecodable += 1,
            FrameDrop::Late | FrameDrop::Flushed => self.late += 1,
            _ => {}
        }
    }

    fn rendered(&mut self, run: &RunFacts, at: Time, picture: &Picture) {
        if let Some((_, old)) = self.stand_until(run, at).filter(|_| run.in_window(at)) {
            self.shown.layer_switches += u64::from(old.simulcast != picture.simulcast);
            let changed = (old.width, old.height) != (picture.width, picture.height);
            self.shown.size_switches += u64::from(changed);
        }
        self.standing = Some((at, *picture));
    }

    /// Counts the picture that stands until `at`, and yields it.
    fn stand_until(&mut self, run: &RunFacts, at: Time) -> Option<(Time, Picture)> {
        let standing = self.standing.take();
        if let Some((since, picture)) = &standing {
            let time = at.min(run.to).since((*since).max(run.from));
            self.shown.add(picture, time);
        }
        standing
    }

    fn score(mut self, run: &RunFacts, flow: &FlowFacts, mut set: impl FnMut(&'static str, f64)) {
        if run.on_air(flow).is_none() {
            return;
        }
        self.stand_until(run, flow.stop.min(run.duration));
        set("frames_encoded", self.encoded as f64);
        set("key_frames_encoded", self.keys as f64);
        set("frames_incomplete", self.incomplete as f64);
        set("frames_undecodable", self.undecodable as f64);
        set("frames_late", self.late as f64);
        let shown = &self.shown;
        let seconds = shown.time.as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        if self.simulcast {
            set(
                "layer_switches_per_min",
                shown.layer_switches as f64 * 60.0 / seconds,
            );
            for (name, time) in LAYER_RATIOS.iter().zip(shown.layers) {
                set(name, time.as_secs_f64() / seconds);
            }
        }
        let sized = shown.sized.as_secs_f64();
        if sized > 0.0 {
            set("picture_height_mean_px", shown.height_seconds / sized);
            set(
                "resolution_switches_per_min",
                shown.size_switches as f64 * 60.0 / seconds,
            );
        }
        if shown.quantised > Span::ZERO {
            set("qp_mean", shown.qp_seconds / shown.quantised.as_secs_f64());
        }
    }
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.flows.resize_with(run.flows.len(), Stream::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let (Event::FrameEncoded { flow, .. }
        | Event::FrameDropped { flow, .. }
        | Event::FrameRendered { flow, .. }) = *event
        else {
            return;
        };
        let Some(stream) = self.flows.get_mut(usize::from(flow.0)) else {
            return;
        };
        match event {
            Event::FrameEncoded {
                frame,
                key,
                picture,
                ..
            } => stream.encoded(run, at, *frame, *key, picture),
            Event::FrameDropped { reason, .. } if run.in_window(at) => stream.dropped(*reason),
            Event::FrameRendered { picture, .. } => stream.rendered(run, at, picture),
            _ => {}
        }
    }

    fn finish(&mut self, run: &RunFacts, scores: &mut Scores) {
        for (index, stream) in std::mem::take(&mut self.flows).into_iter().enumerate() {
            let facts = &run.flows[index];
            if facts.video {
                stream.score(run, facts, |name, value| {
                    scores.flow(FlowId(index as u16), name, value);
                });
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::FRAME_ENCODED | EventMask::FRAME_DROPPED | EventMask::FRAME_RENDERED
    }
}
