//! Audio: sound that was made up because the real one was late or lost, gaps,
//! the delay from mouth to ear, and what follows for a conversation.
//!
//! Corners, decided here:
//! - Nothing counts before the first real sound was played (as in NetEQ's
//!   statistics) nor after the flow has stopped.
//! - A gap is the time from the end of one real sound to the start of the next
//!   one; the gap open at the end of the flow or run counts up to there. Comfort
//!   noise in a pause is real sound.
//! - What is made up because the application has paused the stream does not
//!   count (see `quiet.rs`).
//! - When no real sound is played in the active window, all of it is a gap.
//! - Sound decoded from a copy in a later packet is real sound: it is not
//!   concealed, and it is as old as it is. That LBRR and DRED sound worse the
//!   E-model is not told (its Ie would have to grow with `audio_reduced_ratio`;
//!   there are no values of ITU-T for them).
//! - The E-model takes made-up sound for lost packets, concealments for their
//!   bursts, and the median delay.
//!
//! Not modelled: delays of microphone, loudspeaker and codec look-ahead.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::AudioCounter;
use weaknet_core::packet::{FlowId, Media};
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Span, Time};

use super::e_model::{CodecImpairment, HeardLoss, mos, r_factor};
use super::quiet::Quiet;
use super::{
    Better, Definition, EventMask, FLOW, FlowFacts, MetricSet, Metrics, RunFacts, Samples, Scores,
};

const W3C: &str =
    "W3C webrtc-stats (2025-09) concealedSamples, totalSamplesReceived, concealmentEvents";
const STRETCH: &str = "W3C webrtc-stats (2025-09) insertedSamplesForDeceleration, removedSamplesForAcceleration, totalSamplesReceived";
const DELAY: &str = "W3C webrtc-stats (2025-09) jitterBufferDelay, jitterBufferTargetDelay, jitterBufferMinimumDelay, jitterBufferEmittedCount";
const LIFETIME: &str = "libwebrtc NetEqLifetimeStatistics, 2026-07";
const G107: &str = "ITU-T G.107 with default inputs; see e_model.rs";

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "concealed_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Share of the sound that was made up.",
        formula: "made-up samples / all samples played in the window, after the first real sound",
        source: W3C,
    },
    Definition {
        name: "silent_concealed_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Share of the sound that was made up and silent.",
        formula: "made-up samples that had faded out or were noise / all samples played in the window",
        source: "W3C webrtc-stats (2025-09) silentConcealedSamples, totalSamplesReceived",
    },
    Definition {
        name: "concealment_events",
        subjects: FLOW,
        better: Better::Lower,
        summary: "How often concealment began.",
        formula: "times in the window that made-up sound follows real sound",
        source: W3C,
    },
    Definition {
        name: "interruption_count",
        subjects: FLOW,
        better: Better::Lower,
        summary: "How often concealment lasted 150 ms or more.",
        formula: "concealments of 150 ms or more that ended in the window",
        source: LIFETIME,
    },
    Definition {
        name: "total_interruption_duration_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Time in concealments of 150 ms or more.",
        formula: "sum of the concealments of 150 ms or more that ended in the window",
        source: LIFETIME,
    },
    Definition {
        name: "inserted_samples_ratio",
        subjects: FLOW,
        better: Better::Neither,
        summary: "Sound put in to play more slowly, of all that was played.",
        formula: "inserted samples / all samples played in the window",
        source: STRETCH,
    },
    Definition {
        name: "removed_samples_ratio",
        subjects: FLOW,
        better: Better::Neither,
        summary: "Sound taken out to play faster, of all that was played.",
        formula: "removed samples / all samples played in the window",
        source: STRETCH,
    },
    Definition {
        name: "audio_jitter_buffer_delay_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Mean time that packets waited in the audio buffer to be decoded.",
        formula: "sum of wait x length / sum of length, of packets decoded in the window",
        source: DELAY,
    },
    Definition {
        name: "audio_jitter_buffer_target_ms",
        subjects: FLOW,
        better: Better::Neither,
        summary: "Mean delay that the audio buffer aimed at.",
        formula: "sum of target x length / sum of length, of packets decoded in the window",
        source: DELAY,
    },
    Definition {
        name: "audio_jitter_buffer_minimum_ms",
        subjects: FLOW,
        better: Better::Neither,
        summary: "Mean delay that the audio buffer would have aimed at by the network alone.",
        formula: "sum of target without outside bounds x length / sum of length, of packets decoded in the window",
        source: DELAY,
    },
    Definition {
        name: "audio_packets_discarded",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Audio packets that arrived and were of no use.",
        formula: "packets thrown away in the window: too late, twice or too many at once",
        source: "W3C webrtc-stats (2025-09) packetsDiscarded",
    },
    Definition {
        name: "audio_buffer_flushes",
        subjects: FLOW,
        better: Better::Lower,
        summary: "How often the audio buffer was full and was emptied.",
        formula: "count in the window",
        source: "libwebrtc NetEqOperationsAndState packet_buffer_flushes, 2026-07",
    },
    Definition {
        name: "audio_recovered_ratio",
        subjects: FLOW,
        better: Better::Neither,
        summary: "Share of the sound that was decoded from copies in later packets.",
        formula: "samples decoded from RED, LBRR or DRED / all samples played in the window; absent when nothing is sent with copies",
        source: "W3C webrtc-stats (2025-09) fecPacketsReceived, fecPacketsDiscarded; RFC 2198",
    },
    Definition {
        name: "audio_reduced_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Share of the sound that was decoded from copies of lower quality.",
        formula: "samples decoded from LBRR or DRED / all samples played in the window; absent when nothing is sent with copies",
        source: "RFC 6716 section 2.1.7; draft-ietf-mlcodec-opus-dred",
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
    Definition {
        name: "r_factor",
        subjects: FLOW,
        better: Better::Higher,
        summary: "Transmission rating of a conversation by the E-model, up to 93.2.",
        formula: "93.2 - Idd(mouth_to_ear_p50_ms) - Ie,eff(concealed_ratio, burst ratio); burst ratio = mean concealment in packets x (1 - concealed_ratio), at least 1",
        source: G107,
    },
    Definition {
        name: "mos_cq",
        subjects: FLOW,
        better: Better::Higher,
        summary: "Mean opinion score of a conversation by the E-model, 1 to 4.5.",
        formula: "1 + 0.035 R + 7e-6 R (R - 60) (100 - R), R = r_factor",
        source: G107,
    },
];

const GAP: Span = Span::from_millis(200);
/// Samples of a second.
const RATE: f64 = 48_000.0;

/// Configuration of the set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Audio {
    /// Impairment by the codec without loss, Ie of the E-model. Default 0.
    pub ie: f64,
    /// Robustness to loss, Bpl of the E-model, in percent. Default 25.1 (ITU-T
    /// G.113 appendix I: random loss with concealment; there are no values of ITU-T
    /// for Opus).
    pub bpl: f64,
}

impl Default for Audio {
    fn default() -> Self {
        Self { ie: 0.0, bpl: 25.1 }
    }
}

impl Plugin for Audio {
    type Kind = Metrics;
    const NAME: &'static str = "audio";
    const SUMMARY: &'static str =
        "concealment, gaps, delay of the buffer and from mouth to ear, conversational quality";
    const REFERENCES: &'static [&'static str] = &[
        "W3C webrtc-stats, editor's draft of 2025-09",
        "libwebrtc api/neteq/neteq.h, 2026-07",
        "docs.agora.io Agora Analytics call search",
        "ITU-T G.107",
    ];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        if !(0.0..=95.0).contains(&self.ie) {
            return Err(BuildError::field("ie", "expected 0 to 95"));
        }
        if !(0.1..=1000.0).contains(&self.bpl) {
            return Err(BuildError::field("bpl", "expected 0.1 to 1000"));
        }
        Ok(Box::new(Set {
            codec: CodecImpairment {
                ie: self.ie,
                bpl: self.bpl,
            },
            flows: Vec::new(),
        }))
    }
}

struct Set {
    codec: CodecImpairment,
    flows: Vec<Sound>,
}

#[derive(Default)]
struct Sound {
    /// Start of the first real sound.
    first: Option<Time>,
    /// End of the latest real sound.
    real_until: Time,
    played: Span,
    /// Whether packets carry copies of older ones.
    protected: bool,
    counts: Counts,
    decoded: Decoded,
    /// Gaps, clipped to the active time.
    gaps: Span,
    real_in_window: bool,
    quiet: Quiet,
    mouth_to_ear: Samples,
}

/// What the buffer counted in the window.
#[derive(Default)]
struct Counts {
    concealed: u64,
    silent: u64,
    events: u64,
    interruptions: u64,
    interruption_ms: u64,
    inserted: u64,
    removed: u64,
    discarded: u64,
    flushes: u64,
    recovered: u64,
    reduced: u64,
}

impl Counts {
    const fn add(&mut self, counter: AudioCounter, by: u64) {
        let count = match counter {
            AudioCounter::ConcealedSamples => &mut self.concealed,
            AudioCounter::SilentConcealedSamples => &mut self.silent,
            AudioCounter::ConcealmentEvents => &mut self.events,
            AudioCounter::Interruptions => &mut self.interruptions,
            AudioCounter::InterruptionMillis => &mut self.interruption_ms,
            AudioCounter::InsertedSamples => &mut self.inserted,
            AudioCounter::RemovedSamples => &mut self.removed,
            AudioCounter::PacketsDiscarded => &mut self.discarded,
            AudioCounter::Flushes => &mut self.flushes,
            AudioCounter::RecoveredSamples => &mut self.recovered,
            AudioCounter::ReducedSamples => &mut self.reduced,
            _ => return,
        };
        *count += by;
    }
}

/// Packets decoded in the window: milliseconds, weighted with the length.
#[derive(Default)]
struct Decoded {
    packets: u64,
    length: f64,
    waited: f64,
    target: f64,
    minimum: f64,
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
            if self.first.is_some() && inside && !self.quiet.explains(at) {
                self.played += length;
            }
            return;
        };
        if self.quiet.real(at) {
            self.real_until = self.real_until.max(at);
        }
        self.close_gap(on_air, at);
        self.first.get_or_insert(at);
        self.real_until = self.real_until.max(at + length);
        if inside {
            self.played += length;
            self.real_in_window = true;
            self.mouth_to_ear.push(at.since(captured));
        }
    }

    fn decoded(&mut self, length: Span, [waited, target, minimum]: [Span; 3]) {
        let weight = length.as_secs_f64();
        let sums = &mut self.decoded;
        sums.packets += 1;
        sums.length += weight;
        sums.waited += waited.as_millis_f64() * weight;
        sums.target += target.as_millis_f64() * weight;
        sums.minimum += minimum.as_millis_f64() * weight;
    }

    fn close_gap(&mut self, on_air: Option<(Time, Time)>, at: Time) {
        let (Some(first), Some((from, to))) = (self.first, on_air) else {
            return;
        };
        if at.since(self.real_until) > GAP {
            self.gaps += at.min(to).since(self.real_until.max(from.max(first)));
        }
    }

    fn score(
        &mut self,
        run: &RunFacts,
        (flow, codec): (&FlowFacts, CodecImpairment),
        mut set: impl FnMut(&'static str, f64),
    ) {
        let Some((from, to)) = run.on_air(flow) else {
            return;
        };
        let delays = self.mouth_to_ear.quantiles_ms([0.5, 0.95]);
        if let Some([p50, p95]) = delays {
            set("mouth_to_ear_p50_ms", p50);
            set("mouth_to_ear_p95_ms", p95);
        }
        self.score_counts(&mut set);
        self.score_delays(&mut set);
        if let (Some([p50, _]), Some(loss)) = (delays, self.heard_loss()) {
            let r = r_factor(p50, codec, loss);
            set("r_factor", r);
            set("mos_cq", mos(r));
        }
        if !self.real_in_window {
            set("audio_freeze_ratio_200ms", 1.0);
            return;
        }
        let end = flow.stop.min(run.duration);
        let (real_until, end) = self.quiet.open(self.real_until, end);
        self.real_until = real_until;
        self.close_gap(Some((from, to)), end);
        let start = self.first.map_or(from, |first| from.max(first));
        set(
            "audio_freeze_ratio_200ms",
            self.gaps.as_secs_f64()
                / (to.since(start) - self.quiet.within(start, to)).as_secs_f64(),
        );
    }

    /// Share of the samples played.
    fn share(&self, samples: u64) -> f64 {
        samples as f64 / (self.played.as_secs_f64() * RATE)
    }

    fn score_counts(&self, set: &mut impl FnMut(&'static str, f64)) {
        if self.played.is_zero() {
            return;
        }
        let counts = &self.counts;
        for (name, samples) in [
            ("concealed_ratio", counts.concealed),
            ("silent_concealed_ratio", counts.silent),
            ("inserted_samples_ratio", counts.inserted),
            ("removed_samples_ratio", counts.removed),
        ] {
            set(name, self.share(samples));
        }
        if self.protected {
            set("audio_recovered_ratio", self.share(counts.recovered));
            set("audio_reduced_ratio", self.share(counts.reduced));
        }
        for (name, count) in [
            ("concealment_events", counts.events),
            ("interruption_count", counts.interruptions),
            ("total_interruption_duration_ms", counts.interruption_ms),
            ("audio_packets_discarded", counts.discarded),
            ("audio_buffer_flushes", counts.flushes),
        ] {
            set(name, count as f64);
        }
    }

    fn score_delays(&self, set: &mut impl FnMut(&'static str, f64)) {
        let sums = &self.decoded;
        if sums.length > 0.0 {
            set("audio_jitter_buffer_delay_ms", sums.waited / sums.length);
            set("audio_jitter_buffer_target_ms", sums.target / sums.length);
            set("audio_jitter_buffer_minimum_ms", sums.minimum / sums.length);
        }
    }

    /// What the E-model takes for loss.
    fn heard_loss(&self) -> Option<HeardLoss> {
        if self.played.is_zero() || self.decoded.packets == 0 {
            return None;
        }
        let share = self.share(self.counts.concealed);
        let packet = RATE * self.decoded.length / self.decoded.packets as f64;
        let burst = self.counts.concealed as f64 / packet / self.counts.events.max(1) as f64;
        Some(HeardLoss {
            percent: 100.0 * share.min(1.0),
            burst_ratio: (burst * (1.0 - share)).max(1.0),
        })
    }
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.flows.resize_with(run.flows.len(), Sound::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let (Event::AudioPlayed { flow, .. }
        | Event::Paused {
            flow,
            media: Media::Audio,
            ..
        }
        | Event::AudioDecoded { flow, .. }
        | Event::AudioCount { flow, .. }
        | Event::RedundancySent { flow, .. }) = *event
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
        if at >= facts.stop {
            return;
        }
        let inside = run.in_window(at);
        match *event {
            Event::AudioPlayed {
                length, captured, ..
            } => {
                let window = (inside, run.on_air(facts));
                sound.played(window, at, length, captured);
            }
            Event::AudioDecoded {
                length,
                waited,
                target,
                minimum,
                ..
            } if inside => sound.decoded(length, [waited, target, minimum]),
            Event::RedundancySent { .. } => sound.protected = true,
            Event::AudioCount { counter, by, .. } if inside && !sound.quiet.explains(at) => {
                sound.counts.add(counter, by);
            }
            Event::Paused { paused, .. } => sound.quiet.pause(at, paused),
            _ => {}
        }
    }

    fn finish(&mut self, run: &RunFacts, scores: &mut Scores) {
        let codec = self.codec;
        for (index, (sound, facts)) in self.flows.iter_mut().zip(&run.flows).enumerate() {
            if facts.audio {
                sound.score(run, (facts, codec), |name, value| {
                    scores.flow(FlowId(index as u16), name, value);
                });
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::PAUSED
            | EventMask::AUDIO_PLAYED
            | EventMask::AUDIO_DECODED
            | EventMask::AUDIO_COUNT
            | EventMask::REDUNDANCY_SENT
    }
}
