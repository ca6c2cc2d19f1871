//! Audio: sound that was made up because the real one was late or lost, gaps,
//! and the delay from mouth to ear.
//!
//! Corners, decided here:
//! - Nothing counts before the first real sound was played (as in NetEQ's
//!   statistics) nor after the flow has stopped.
//! - A gap is the time from the end of one real sound to the start of the next
//!   one; the gap open at the end of the flow or run counts up to there.
//! - When no real sound is played in the active window, all of it is a gap.
//!
//! Not modelled: delays of microphone, loudspeaker and codec look-ahead.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::FlowId;
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Span, Time};

use super::{
    Better, Definition, EventMask, FLOW, FlowFacts, MetricSet, Metrics, RunFacts, Samples, Scores,
};

const W3C: &str =
    "W3C webrtc-stats (2025-09) concealedSamples, totalSamplesReceived, concealmentEvents";

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "concealed_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Share of the sound that was made up.",
        formula: "made-up sound / all sound played in the window, after the first real sound",
        source: W3C,
    },
    Definition {
        name: "concealment_events",
        subjects: FLOW,
        better: Better::Lower,
        summary: "How often made-up sound followed real sound.",
        formula: "times in the window that made-up sound is played right after real sound",
        source: W3C,
    },
    Definition {
        name: "audio_freeze_ratio_200ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Share of the active time in gaps of more than 200 ms without real sound.",
        formula: "times > 200 ms between real sounds, whole, clipped to the active time / active time; active = window and flow on, from the first real sound; 1 when none is played in an active window",
        source: "Agora Analytics: no audio rendered for more than 200 ms",
    },
    Definition {
        name: "mouth_to_ear_p50_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Median delay from capture to playout of sound.",
        formula: "median of played - captured over real sound played in the window (type 7 quantile)",
        source: "ITU-T G.114 mouth-to-ear delay without the devices",
    },
    Definition {
        name: "mouth_to_ear_p95_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Delay from capture to playout that 95 % of the sound keeps.",
        formula: "95 % quantile of played - captured over real sound played in the window (type 7)",
        source: "ITU-T G.114 mouth-to-ear delay without the devices",
    },
];

const GAP: Span = Span::from_millis(200);

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Audio {}

impl Plugin for Audio {
    type Kind = Metrics;
    const NAME: &'static str = "audio";
    const SUMMARY: &'static str = "concealment, gaps and mouth-to-ear delay of audio";
    const REFERENCES: &'static [&'static str] = &[
        "W3C webrtc-stats, editor's draft of 2025-09",
        "docs.agora.io Agora Analytics call search",
    ];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    flows: Vec<Sound>,
}

#[derive(Default)]
struct Sound {
    /// Start of the first real sound.
    first: Option<Time>,
    /// End of the latest real sound.
    real_until: Time,
    concealing: bool,
    played: Span,
    made_up: Span,
    events: u64,
    /// Gaps, clipped to the active time.
    gaps: Span,
    real_in_window: bool,
    mouth_to_ear: Samples,
}

impl Sound {
    /// Sound is played; `on_air` is the window while the flow is on.
    fn played(
        &mut self,
        (inside, on_air): (bool, Option<(Time, Time)>),
        at: Time,
        length: Span,
        captured: Option<Time>,
    ) {
        let Some(captured) = captured else {
            if self.first.is_some() {
                if inside {
                    self.played += length;
                    self.made_up += length;
                    self.events += u64::from(!self.concealing);
                }
                self.concealing = true;
            }
            return;
        };
        self.close_gap(on_air, at);
        self.first.get_or_insert(at);
        self.real_until = self.real_until.max(at + length);
        self.concealing = false;
        if inside {
            self.played += length;
            self.real_in_window = true;
            self.mouth_to_ear.push(at.since(captured));
        }
    }

    fn close_gap(&mut self, on_air: Option<(Time, Time)>, at: Time) {
        let (Some(first), Some((from, to))) = (self.first, on_air) else {
            return;
        };
        if at.since(self.real_until) > GAP {
            self.gaps += at.min(to).since(self.real_until.max(from.max(first)));
        }
    }

    fn score(&mut self, run: &RunFacts, flow: &FlowFacts, mut set: impl FnMut(&'static str, f64)) {
        let Some((from, to)) = run.on_air(flow) else {
            return;
        };
        if let Some([p50, p95]) = self.mouth_to_ear.quantiles_ms([0.5, 0.95]) {
            set("mouth_to_ear_p50_ms", p50);
            set("mouth_to_ear_p95_ms", p95);
        }
        if !self.played.is_zero() {
            set(
                "concealed_ratio",
                self.made_up.as_secs_f64() / self.played.as_secs_f64(),
            );
            set("concealment_events", self.events as f64);
        }
        if !self.real_in_window {
            set("audio_freeze_ratio_200ms", 1.0);
            return;
        }
        self.close_gap(Some((from, to)), flow.stop.min(run.duration));
        let start = self.first.map_or(from, |first| from.max(first));
        set(
            "audio_freeze_ratio_200ms",
            self.gaps.as_secs_f64() / to.since(start).as_secs_f64(),
        );
    }
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.flows.resize_with(run.flows.len(), Sound::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let Event::AudioPlayed {
            flow,
            length,
            captured,
        } = *event
        else {
            return;
        };
        let Some((sound, facts)) = self
            .flows
            .get_mut(usize::from(flow.0))
            .zip(run.flows.get(usize::from(flow.0)))
        else {
            return;
        };
        if at < facts.stop {
            let window = (run.in_window(at), run.on_air(facts));
            sound.played(window, at, length, captured);
        }
    }

    fn finish(&mut self, run: &RunFacts, scores: &mut Scores) {
        for (index, (sound, facts)) in self.flows.iter_mut().zip(&run.flows).enumerate() {
            if facts.audio {
                sound.score(run, facts, |name, value| {
                    scores.flow(FlowId(index as u16), name, value)
                });
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::AUDIO_PLAYED
    }
}
