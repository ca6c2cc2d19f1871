//! How far audio and video are out of step at the receiver.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::FlowId;
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Span, Time};

use super::{Better, Definition, EventMask, FLOW, MetricSet, Metrics, RunFacts, Samples, Scores};

const SOURCE: &str = "own definition; libwebrtc GetStreamSyncOffsetInMs, 2026-07, has the sign";
const FORMULA: &str = "quantile of |delay of a frame from capture to screen - delay of the latest real sound from capture to playout| over frames rendered in the window while sound plays (type 7)";

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "av_sync_offset_p50_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Median time by which audio and video of a call are out of step.",
        formula: FORMULA,
        source: SOURCE,
    },
    Definition {
        name: "av_sync_offset_p95_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Time by which audio and video are out of step at most, for 95 % of the frames.",
        formula: FORMULA,
        source: SOURCE,
    },
];

/// Sound that is older says nothing about now.
const FRESH: Span = Span::from_millis(200);

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AvSync {}

impl Plugin for AvSync {
    type Kind = Metrics;
    const NAME: &'static str = "av_sync";
    const SUMMARY: &'static str = "how far audio and video are out of step";
    const REFERENCES: &'static [&'static str] =
        &["libwebrtc video/rtp_streams_synchronizer2.cc, 2026-07"];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    flows: Vec<Pair>,
}

#[derive(Default)]
struct Pair {
    /// The latest real sound: when it began to play, and its delay.
    sound: Option<(Time, Span)>,
    offsets: Samples,
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.flows.resize_with(run.flows.len(), Pair::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        match *event {
            Event::AudioPlayed {
                flow,
                captured: Some(captured),
                ..
            } => {
                if let Some(pair) = self.flows.get_mut(usize::from(flow.0)) {
                    pair.sound = Some((at, at.since(captured)));
                }
            }
            Event::FrameRendered { flow, times, .. } if run.in_window(at) => {
                if let Some(pair) = self.flows.get_mut(usize::from(flow.0))
                    && let Some((played, audio)) = pair.sound
                    && at.since(played) <= FRESH
                {
                    let video = at.since(times.captured);
                    pair.offsets.push(video.max(audio) - video.min(audio));
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &RunFacts, scores: &mut Scores) {
        for (index, pair) in self.flows.iter_mut().enumerate() {
            if let Some([p50, p95]) = pair.offsets.quantiles_ms([0.5, 0.95]) {
                let flow = FlowId(index as u16);
                scores.flow(flow, "av_sync_offset_p50_ms", p50);
                scores.flow(flow, "av_sync_offset_p95_ms", p95);
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::AUDIO_PLAYED | EventMask::FRAME_RENDERED
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, ms, near, run};
    use super::*;
    use weaknet_core::event::FrameTimes;
    use weaknet_core::packet::Picture;

    fn sound(at: u64, captured: Option<u64>) -> (Time, Event) {
        let event = Event::AudioPlayed {
            flow: FlowId(0),
            length: Span::from_millis(20),
            captured: captured.map(ms),
        };
        (ms(at), event)
    }

    fn frame(at: u64, captured: u64) -> (Time, Event) {
        let captured = ms(captured);
        let times = FrameTimes {
            captured,
            first_sent: captured,
            first_arrived: captured,
            complete: captured,
            decode_start: captured,
            decoded: captured,
        };
        let (flow, frame) = (FlowId(0), 0);
        (
            ms(at),
            Event::FrameRendered {
                flow,
                frame,
                times,
                size: 1_000,
                picture: Picture::default(),
            },
        )
    }

    #[test]
    fn offsets_are_differences_of_delays() {
        let events = [
            frame(10, 0),
            sound(100, Some(20)),
            frame(110, 80), // 30 against 80 ms
            sound(120, None),
            frame(140, 40),  // 100 against 80 ms
            frame(290, 200), // 90 against 80 ms
            frame(301, 0),   // the sound is too old
        ];
        let scores = call(&AvSync::default(), &run(1), &events);
        near(scores.get("av_sync_offset_p50_ms"), 20.0);
        near(scores.get("av_sync_offset_p95_ms"), 47.0);
    }
}
