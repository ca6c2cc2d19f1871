//! Freezes of video: how much of the time the picture stood still.
//!
//! Implements: `freeze_count` and `total_freezes_duration_s` by the rule of
//! [`FreezeRule`]; `freeze_ratio` and its relatives as a share of the time in
//! which the viewer expected moving pictures; the thresholds of Agora's
//! `RemoteVideoStats` (500 ms) and Agora Analytics (600 ms), and 200 ms for
//! games and driving.
//!
//! Corners, decided here:
//! - A freeze is known only by the frame that ends it, so the whole run is
//!   judged and then clipped to the window: a freeze that reaches over the
//!   window's end counts with its part inside.
//! - A flow's stream ends when the flow stops or the run ends. The interval
//!   open there counts in the ratios and in the longest freeze; getStats would
//!   not have seen it, so the count and the total leave it out.
//! - Pauses are those that the application declares. They are taken out of the
//!   active time, and out of a freeze that reaches into one.
//! - The wait from a resumption to the next frame is active time and no freeze
//!   (libwebrtc calls that interval a pause), unless no frame follows: then it
//!   is the open interval, judged from the resumption on.
//! - Nothing rendered in an active window is a freeze of all of it, by every
//!   rule; without active time there is no ratio.
//!
//! Differs: the window of libwebrtc's harmonic frame rate is the call, rounded
//! to an integer and left out below 3 s; ours is the measurement window.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::{FlowId, Media};
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Span, Time};

use super::{
    Better, Definition, EventMask, FLOW, FlowFacts, FreezeRule, Gap, GapKind, MetricSet, Metrics,
    RunFacts, Scores,
};

const GETSTATS: &str = "W3C webrtc-stats (2025-09) freezeCount, totalFreezesDuration; libwebrtc video_quality_observer2.cc";
const AGORA: &str = "thresholds of Agora RemoteVideoStats (500 ms) and Agora Analytics (600 ms)";

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "freeze_count",
        subjects: FLOW,
        better: Better::Lower,
        summary: "How often the picture froze, by the rule of getStats.",
        formula: "intervals d between rendered frames (ms, rounded down) with d >= max(3 m, m + 150), m = mean of the last 30 including d, rounded down, at least 5; not across pauses; closed by a frame; with a part in the window",
        source: GETSTATS,
    },
    Definition {
        name: "total_freezes_duration_s",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Total length of the freezes of freeze_count.",
        formula: "sum of their lengths (whole ms), each clipped to the window",
        source: GETSTATS,
    },
    Definition {
        name: "freeze_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Share of the active time in which the picture was frozen.",
        formula: "frozen / active; frozen = freezes by the getStats rule and the interval open at the stream's end, judged as if a frame were rendered there, clipped to the active time; active = window and flow on, from the first rendered frame, minus pauses; 1 when nothing is rendered in an active window",
        source: "rule as freeze_count; ratio as Agora frozenRate (totalFrozenTime / totalActiveTime)",
    },
    Definition {
        name: "freeze_ratio_200ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "As freeze_ratio, a freeze being any interval above 200 ms.",
        formula: "intervals d > 200 ms between rendered frames, whole, clipped to the active time / active time",
        source: AGORA,
    },
    Definition {
        name: "freeze_ratio_500ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "As freeze_ratio, a freeze being any interval above 500 ms.",
        formula: "intervals d > 500 ms between rendered frames, whole, clipped to the active time / active time",
        source: AGORA,
    },
    Definition {
        name: "freeze_ratio_600ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "As freeze_ratio, a freeze being any interval above 600 ms.",
        formula: "intervals d > 600 ms between rendered frames, whole, clipped to the active time / active time",
        source: AGORA,
    },
    Definition {
        name: "freeze_longest_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "The longest freeze.",
        formula: "longest clipped freeze of freeze_ratio; 0 without any; all active time when nothing is rendered",
        source: GETSTATS,
    },
    Definition {
        name: "pause_count",
        subjects: FLOW,
        better: Better::Neither,
        summary: "How often the application paused the video.",
        formula: "declared pauses with a part in the window while the flow is on",
        source: "as libwebrtc pauseCount (stream inactive), counted when the pause begins",
    },
    Definition {
        name: "harmonic_frame_rate_fps",
        subjects: FLOW,
        better: Better::Higher,
        summary: "Frame rate that punishes uneven playback.",
        formula: "sum d / sum d^2 over the intervals d between frames rendered in the window, freezes and pauses included",
        source: "libwebrtc video_quality_observer2.cc HarmonicFrameRate, not rounded",
    },
    Definition {
        name: "frames_rendered",
        subjects: FLOW,
        better: Better::Higher,
        summary: "Frames shown.",
        formula: "frames rendered in the window",
        source: "W3C webrtc-stats framesRendered",
    },
];

/// The thresholds of the fixed-threshold ratios.
const THRESHOLDS: [(Span, &str); 3] = [
    (Span::from_millis(200), "freeze_ratio_200ms"),
    (Span::from_millis(500), "freeze_ratio_500ms"),
    (Span::from_millis(600), "freeze_ratio_600ms"),
];

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VideoFreezes {}

impl Plugin for VideoFreezes {
    type Kind = Metrics;
    const NAME: &'static str = "video_freezes";
    const SUMMARY: &'static str = "freezes, pauses and smoothness of rendered video";
    const REFERENCES: &'static [&'static str] = &[
        "W3C webrtc-stats, editor's draft of 2025-09",
        "libwebrtc video/video_quality_observer2.cc, 2025-09",
        "docs.agora.io RemoteVideoStats, Agora Analytics call search",
    ];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    streams: Vec<Stream>,
}

/// What is remembered of one video stream.
#[derive(Default)]
struct Stream {
    rule: FreezeRule,
    /// Freezes that a frame has ended, clipped to the window.
    closed: u64,
    closed_ms: u64,
    /// Freezes, clipped to the active time.
    frozen: Span,
    longest: Span,
    /// Intervals above each threshold, pauses excluded, clipped likewise.
    stalled: [Span; THRESHOLDS.len()],
    /// Declared pauses; the last one may be open.
    pauses: Vec<(Time, Option<Time>)>,
    first: Option<Time>,
    last: Option<Time>,
    rendered: u64,
    sum_s: f64,
    sum_squares_s2: f64,
}

impl Stream {
    /// A frame is shown; `on_air` is the window while the flow is on.
    fn rendered(&mut self, run: &RunFacts, on_air: Option<(Time, Time)>, at: Time) {
        self.first.get_or_insert(at);
        let before = self.last.replace(at);
        if run.in_window(at) {
            self.rendered += 1;
            if let Some(before) = before.filter(|&before| run.in_window(before)) {
                let interval = at.since(before).as_secs_f64();
                self.sum_s += interval;
                self.sum_squares_s2 += interval * interval;
            }
        }
        if let Some(gap) = self.rule.rendered(at) {
            if let Some(ms) = clip_ms(&gap, run).filter(|_| gap.kind == GapKind::Freeze) {
                self.closed += 1;
                self.closed_ms += ms;
            }
            self.add(&gap, on_air);
        }
    }

    /// Adds an interval to the ratios.
    fn add(&mut self, gap: &Gap, on_air: Option<(Time, Time)>) {
        let length = gap.to.since(gap.from);
        let is_stall = gap.kind != GapKind::Pause && length > THRESHOLDS[0].0;
        if gap.kind != GapKind::Freeze && !is_stall {
            return;
        }
        let Some((from, to)) = self.active_window(on_air) else {
            return;
        };
        let inside = self.active(from.max(gap.from), to.min(gap.to));
        if gap.kind == GapKind::Freeze {
            self.frozen += inside;
            self.longest = self.longest.max(inside);
        }
        for (stalled, (threshold, _)) in self.stalled.iter_mut().zip(THRESHOLDS) {
            if is_stall && length > threshold {
                *stalled += inside;
            }
        }
    }

    /// From the first frame on.
    fn active_window(&self, on_air: Option<(Time, Time)>) -> Option<(Time, Time)> {
        let ((from, to), first) = on_air.zip(self.first)?;
        Some((from.max(first), to))
    }

    fn pause(&mut self, at: Time, paused: bool) {
        self.rule.pause(at, paused);
        match self.pauses.last_mut() {
            Some((_, end @ None)) if !paused => *end = Some(at),
            Some((_, None)) => {}
            _ if paused => self.pauses.push((at, None)),
            _ => {}
        }
    }

    /// How much of [from, to) lies outside the pauses declared so far.
    fn active(&self, from: Time, to: Time) -> Span {
        let paused = |&(paused, resumed): &(Time, Option<Time>)| {
            resumed.unwrap_or(Time::MAX).min(to).since(paused.max(from))
        };
        // The latest pauses come last, and most intervals are recent.
        let recent = self.pauses.iter().rev();
        let recent = recent.take_while(|(_, resumed)| resumed.is_none_or(|end| end > from));
        to.since(from) - recent.map(paused).sum()
    }

    fn score(mut self, run: &RunFacts, flow: &FlowFacts, mut set: impl FnMut(&'static str, f64)) {
        let Some((from, to)) = run.on_air(flow) else {
            return;
        };
        set("freeze_count", self.closed as f64);
        set("total_freezes_duration_s", self.closed_ms as f64 / 1e3);
        set("frames_rendered", self.rendered as f64);
        set(
            "pause_count",
            self.pauses
                .iter()
                .filter(|p| p.0 < to && p.1.is_none_or(|end| end > from))
                .count() as f64,
        );
        set("harmonic_frame_rate_fps", self.sum_s / self.sum_squares_s2);

        if let Some(open) = self.rule.end(flow.stop.min(run.duration)) {
            self.add(&open, Some((from, to)));
        }
        if self.rendered == 0 {
            let active = self.active(from, to);
            if !active.is_zero() {
                set("freeze_ratio", 1.0);
                THRESHOLDS.iter().for_each(|&(_, name)| set(name, 1.0));
                set("freeze_longest_ms", active.as_millis_f64());
            }
            return;
        }
        let (from, to) = self.active_window(Some((from, to))).unwrap_or((from, to));
        let active = self.active(from, to).as_secs_f64();
        if active > 0.0 {
            set("freeze_ratio", self.frozen.as_secs_f64() / active);
            for (stalled, (_, name)) in self.stalled.iter().zip(THRESHOLDS) {
                set(name, stalled.as_secs_f64() / active);
            }
            set("freeze_longest_ms", self.longest.as_millis_f64());
        }
    }
}

/// The length of a freeze inside the window as getStats would measure it;
/// `None` when it lies outside.
fn clip_ms(gap: &Gap, run: &RunFacts) -> Option<u64> {
    let (from, to) = (gap.from.max(run.from), gap.to.min(run.to));
    (from < to).then(|| to.as_millis() - from.as_millis())
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.streams.resize_with(run.flows.len(), Stream::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        match *event {
            Event::FrameRendered { flow, .. } => {
                let flow = usize::from(flow.0);
                if let Some((stream, facts)) = self.streams.get_mut(flow).zip(run.flows.get(flow)) {
                    stream.rendered(run, run.on_air(facts), at);
                }
            }
            Event::Paused {
                flow,
                media: Media::Video,
                paused,
            } => {
                if let Some(stream) = self.streams.get_mut(usize::from(flow.0)) {
                    stream.pause(at, paused);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, run: &RunFacts, scores: &mut Scores) {
        for (index, stream) in std::mem::take(&mut self.streams).into_iter().enumerate() {
            let facts = &run.flows[index];
            if facts.video {
                stream.score(run, facts, |name, value| {
                    scores.flow(FlowId(index as u16), name, value)
                });
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::FRAME_RENDERED | EventMask::PAUSED
    }
}
