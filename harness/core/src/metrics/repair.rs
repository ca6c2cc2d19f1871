//! What retransmissions were good for.
//!
//! Implements: recovered in time, recovered late and wasted, as studies of loss
//! repair count them (Hairpin, NSDI 2024: bandwidth cost and deadline misses).
//!
//! Corners, decided here:
//! - Only retransmissions that the receiver had asked for count, by arrival in
//!   the window; padding made of old packets does not, nor what was lost again.
//! - A retransmission is wasted when its packet was there already or its frame
//!   had been given up, and when the frame is never shown after all. It is late
//!   when the frame was decoded the moment it was complete: the screen, or frames
//!   behind it, waited for it. All others came in time. Frames without a fate at
//!   the end of the run do not count.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::FlowId;
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Time};

use super::{Better, Definition, EventMask, FLOW, MetricSet, Metrics, RunFacts, Scores};

const SOURCE: &str =
    "Hairpin (NSDI 2024): cost of retransmissions and deadline misses; corners decided here";

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "rtx_wasted_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Share of retransmissions that were of no use.",
        formula: "requested retransmissions arriving in the window whose packet was there already, or whose frame was given up or never shown / all of them whose frame's fate is known",
        source: SOURCE,
    },
    Definition {
        name: "rtx_late_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Share of retransmissions that the picture had to wait for.",
        formula: "requested retransmissions arriving in the window whose frame was decoded the moment it was complete / all of them whose frame's fate is known",
        source: SOURCE,
    },
    Definition {
        name: "rtx_predicted_late",
        subjects: FLOW,
        better: Better::Neither,
        summary: "Retransmissions that an end did without because they would have come too late.",
        formula: "decisions in the window not to ask, not to ask again or not to answer, by packet; a scheme that predicts nothing has 0",
        source: "draft-sharabayko-srt-01 section 4.6 (too-late packet drop)",
    },
];

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Repair {}

impl Plugin for Repair {
    type Kind = Metrics;
    const NAME: &'static str = "repair";
    const SUMMARY: &'static str = "what retransmissions were good for";
    const REFERENCES: &'static [&'static str] =
        &["Hairpin, NSDI 2024", "draft-sharabayko-srt-01 section 4.6"];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    flows: Vec<Counts>,
}

#[derive(Default)]
struct Counts {
    /// Retransmissions by frame, until its fate is known.
    open: BTreeMap<u64, u64>,
    in_time: u64,
    late: u64,
    wasted: u64,
    forgone: u64,
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.flows.resize_with(run.flows.len(), Counts::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let (Event::Retransmitted { flow, .. }
        | Event::RetransmissionForgone { flow, .. }
        | Event::FrameRendered { flow, .. }
        | Event::FrameDropped { flow, .. }) = *event
        else {
            return;
        };
        let Some(counts) = self.flows.get_mut(usize::from(flow.0)) else {
            return;
        };
        match *event {
            Event::Retransmitted { frame, fresh, .. } if run.in_window(at) => {
                if fresh {
                    *counts.open.entry(frame).or_default() += 1;
                } else {
                    counts.wasted += 1;
                }
            }
            Event::RetransmissionForgone { count, .. } if run.in_window(at) => {
                counts.forgone += u64::from(count);
            }
            Event::FrameRendered { frame, times, .. } => {
                let brought = counts.open.remove(&frame).unwrap_or_default();
                if times.decode_start == times.complete {
                    counts.late += brought;
                } else {
                    counts.in_time += brought;
                }
            }
            Event::FrameDropped { frame, .. } => {
                counts.wasted += counts.open.remove(&frame).unwrap_or_default();
            }
            _ => {}
        }
    }

    fn finish(&mut self, run: &RunFacts, scores: &mut Scores) {
        for (index, counts) in self.flows.iter().enumerate() {
            if !run.flows[index].video {
                continue;
            }
            let flow = FlowId(index as u16);
            // Without retransmissions NaN, which is left out.
            let all = (counts.in_time + counts.late + counts.wasted) as f64;
            scores.flow(flow, "rtx_wasted_ratio", counts.wasted as f64 / all);
            scores.flow(flow, "rtx_late_ratio", counts.late as f64 / all);
            scores.flow(flow, "rtx_predicted_late", counts.forgone as f64);
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::RETRANSMITTED
            | EventMask::RETRANSMISSION_FORGONE
            | EventMask::FRAME_RENDERED
            | EventMask::FRAME_DROPPED
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::Span;
    use weaknet_core::event::{FrameDrop, FrameTimes};
    use weaknet_core::packet::Picture;

    use super::super::testing::{call, ms, near, run};
    use super::*;

    const FLOW: FlowId = FlowId(0);

    fn again(at: u64, frame: u64, fresh: bool) -> (Time, Event) {
        let flow = FLOW;
        (ms(at), Event::Retransmitted { flow, frame, fresh })
    }

    /// Shown after so many milliseconds in the buffer.
    fn shown(at: u64, frame: u64, waited: u64) -> (Time, Event) {
        let start = ms(at);
        let times = FrameTimes {
            captured: start,
            first_sent: start,
            first_arrived: start,
            complete: start.saturating_sub(Span::from_millis(waited)),
            decode_start: start,
            decoded: start,
        };
        let flow = FLOW;
        (
            start,
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
    fn in_time_late_and_wasted() {
        let (flow, reason) = (FLOW, FrameDrop::Late);
        let events = [
            again(100, 0, true),
            again(110, 0, true),
            shown(200, 0, 30),
            again(210, 0, false),
            again(300, 1, true),
            shown(300, 1, 0),
            again(400, 2, true),
            (
                ms(500),
                Event::FrameDropped {
                    flow,
                    frame: 2,
                    reason,
                },
            ),
            (ms(600), Event::RetransmissionForgone { flow, count: 7 }),
            again(900, 3, true),
        ];
        let scores = call(&Repair {}, &run(1), &events);
        near(scores.get("rtx_wasted_ratio"), 2.0 / 5.0);
        near(scores.get("rtx_late_ratio"), 1.0 / 5.0);
        near(scores.get("rtx_predicted_late"), 7.0);
    }

    #[test]
    fn nothing_sent_again_is_no_ratio() {
        let scores = call(&Repair {}, &run(1), &[shown(100, 0, 0)]);
        assert_eq!(scores.get("rtx_wasted_ratio"), None);
        near(scores.get("rtx_predicted_late"), 0.0);
    }
}
