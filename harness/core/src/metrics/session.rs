//! Call set-up, the first picture, and what share of the media was delivered
//! in time.
//!
//! Corners, decided here:
//! - Where nothing was connected there is no share over TCP.
//! - Set-up and first frame look at the whole run, never at the window. A call
//!   that never connects has no set-up time, but a failed connect; when the run
//!   ends before 5 s have passed the outcome is unknown and absent.
//! - Delivery: a video frame is delivered when it is rendered; frames encoded
//!   in the window and at least 2 s before the end of the run are judged.
//!   20 ms of sound stand for one audio packet: real sound over all sound
//!   played in the window after the first real one; when none is ever played,
//!   all sound of the active window is missing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::SessionStage;
use weaknet_core::packet::{FlowId, Media, Protocol};
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Span, Time};

use super::quiet::Quiet;
use super::{Better, Definition, EventMask, FLOW, FlowFacts, MetricSet, Metrics, RunFacts, Scores};

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "setup_time_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Time until the sender is connected and may send media.",
        formula: "connected - started; connected: working candidate pair and finished key exchange at the sender, what W3C RTCPeerConnection.connectionState calls `connected` there; never windowed; absent when the call never connects",
        source: "connect time as in Aliyun RTC and Tencent TRTC join statistics, at the end that sends",
    },
    Definition {
        name: "first_frame_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Time until the first picture is shown.",
        formula: "first frame rendered - started; never windowed; absent when nothing is ever shown",
        source: "first-frame time as in Aliyun RTC (subscription to first picture)",
    },
    Definition {
        name: "connected_5s_ratio",
        subjects: FLOW,
        better: Better::Higher,
        summary: "Whether the call connected within 5 s; over seeds the share that did.",
        formula: "1 when connected - started <= 5 s, else 0; never windowed",
        source: "5-second join success rate of Aliyun RTC, Tencent joinSuccessIn5sRate, Huawei JoinSuccess5SecsRate",
    },
    Definition {
        name: "reconnects",
        subjects: FLOW,
        better: Better::Lower,
        summary: "How often the sender got connected again after it had been disconnected.",
        formula: "times that the sender's end is connected after no candidate pair had worked; never windowed; absent unless the session tells (`on_outage` or `fallback`)",
        source: "Agora ConnectionStateChanged (reconnecting, connected); states of W3C RTCIceTransport",
    },
    Definition {
        name: "reconnect_time_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "The longest time until the sender was connected again.",
        formula: "largest (connected again - disconnected) of the sender's end; never windowed; absent without a reconnect",
        source: "own definition; disconnected and connected as in W3C RTCPeerConnection.connectionState",
    },
    Definition {
        name: "disconnected_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Share of the time that the sender was disconnected, from its first connection on.",
        formula: "time without a working candidate pair at the sender's end / time from connected to the flow's stop; never windowed; absent unless the session tells",
        source: "own definition",
    },
    Definition {
        name: "tcp_ratio",
        subjects: FLOW,
        better: Better::Neither,
        summary: "Share of the connected time in which the sender sent over TCP.",
        formula: "time from the selection of TCP until another one, disconnected time left out / connected time of the sender's end; never windowed; absent unless the session tells",
        source: "own definition; the selected pair's protocol as in W3C RTCIceCandidateStats",
    },
    Definition {
        name: "delivery_ratio",
        subjects: FLOW,
        better: Better::Higher,
        summary: "Share of video frames and audio packets usable before their playout, or of messages delivered.",
        formula: "(frames rendered + real sound played / 20 ms) / (frames encoded + sound due / 20 ms); frames by encoding in the window and 2 s before the end, sound by playout in the window; of messages: delivered / given, both in the window and given 5 s before the end",
        source: "own definition: no published formula for delivery rate was found",
    },
];

const CONNECT_LIMIT: Span = Span::from_secs(5);
const SETTLING: Span = Span::from_secs(2);
const AUDIO_PACKET: Span = Span::from_millis(20);

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Session {}

impl Plugin for Session {
    type Kind = Metrics;
    const NAME: &'static str = "session";
    const SUMMARY: &'static str = "set-up, first frame, connect success and delivery";
    const REFERENCES: &'static [&'static str] = &[
        "help.aliyun.com 2709847 (RTC metrics)",
        "Tencent Cloud API DescribeTRTCMarketQualityData",
    ];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    calls: Vec<Call>,
}

/// Times of a session that tells of its candidate pairs.
#[derive(Default)]
struct Pairs {
    /// What it sends by, if it is connected, and since when.
    since: Option<(Time, Option<Protocol>)>,
    protocol: Option<Protocol>,
    connected: Span,
    over_tcp: Span,
    disconnected: Span,
    lost_at: Option<Time>,
    reconnects: u64,
    slowest: Option<Span>,
}

impl Pairs {
    /// What came to `at` is over; from then on the session is connected or not.
    fn advance(&mut self, at: Time, connected: bool) {
        let protocol = self.protocol.filter(|_| connected);
        if let Some((since, before)) = self.since.replace((at, protocol)) {
            let length = at.since(since);
            match before {
                None => self.disconnected += length,
                Some(Protocol::Tcp) => {
                    self.connected += length;
                    self.over_tcp += length;
                }
                Some(_) => self.connected += length,
            }
        }
    }

    fn is_connected(&self) -> bool {
        matches!(self.since, Some((_, Some(_))))
    }

    fn stage(&mut self, at: Time, stage: SessionStage) {
        match stage {
            SessionStage::SenderReady | SessionStage::Connected => {
                if let Some(lost) = self.lost_at.take() {
                    self.reconnects += 1;
                    self.slowest = self.slowest.max(Some(at.since(lost)));
                }
                self.advance(at, true);
            }
            SessionStage::Disconnected | SessionStage::Failed if self.since.is_some() => {
                self.lost_at.get_or_insert(at);
                self.advance(at, false);
            }
            _ => {}
        }
    }

    fn selected(&mut self, at: Time, protocol: Protocol) {
        self.protocol = Some(protocol);
        if self.is_connected() {
            self.advance(at, true);
        }
    }

    fn score(&mut self, end: Time, set: &mut impl FnMut(&'static str, f64)) {
        if self.protocol.is_none() || self.since.is_none() {
            return;
        }
        self.advance(end, false);
        set("reconnects", self.reconnects as f64);
        if let Some(slowest) = self.slowest {
            set("reconnect_time_ms", slowest.as_millis_f64());
        }
        let share = |part: Span, whole: Span| part.as_secs_f64() / whole.as_secs_f64();
        let whole = self.connected + self.disconnected;
        set("disconnected_ratio", share(self.disconnected, whole));
        set("tcp_ratio", share(self.over_tcp, self.connected));
    }
}

#[derive(Default)]
struct Call {
    pairs: Pairs,
    started: Option<Time>,
    connected: Option<Time>,
    failed: bool,
    first_frame: Option<Time>,
    /// Frames that are judged: how many, and the first and last of their
    /// numbers, which ascend in the order of encoding.
    due: u64,
    due_range: Option<(u64, u64)>,
    rendered: u64,
    heard: bool,
    quiet: Quiet,
    real: Span,
    played: Span,
}

impl Call {
    fn stage(&mut self, at: Time, stage: SessionStage) {
        self.pairs.stage(at, stage);
        match stage {
            SessionStage::Started => {
                self.started.get_or_insert(at);
            }
            SessionStage::SenderReady => {
                self.connected.get_or_insert(at);
            }
            SessionStage::Failed => self.failed = true,
            _ => {}
        }
    }

    fn connected_in_time(&self, run: &RunFacts) -> Option<f64> {
        let started = self.started?;
        match self.connected {
            Some(connected) => Some(f64::from(u8::from(
                connected.since(started) <= CONNECT_LIMIT,
            ))),
            None => (self.failed || run.duration.since(started) > CONNECT_LIMIT).then_some(0.0),
        }
    }

    fn delivery(&self, run: &RunFacts, facts: &FlowFacts) -> f64 {
        let (mut units, mut due) = (self.rendered as f64, self.due as f64);
        if facts.audio {
            let silent = || {
                run.on_air(facts)
                    .map_or(Span::ZERO, |(from, to)| to.since(from))
            };
            let sound = if self.heard { self.played } else { silent() };
            units += self.real.as_secs_f64() / AUDIO_PACKET.as_secs_f64();
            due += sound.as_secs_f64() / AUDIO_PACKET.as_secs_f64();
        }
        units / due
    }
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.calls.resize_with(run.flows.len(), Call::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let (Event::Session { flow, .. }
        | Event::Selected { flow, .. }
        | Event::Paused { flow, .. }
        | Event::FrameEncoded { flow, .. }
        | Event::FrameRendered { flow, .. }
        | Event::AudioPlayed { flow, .. }) = *event
        else {
            return;
        };
        let Some((call, facts)) = self
            .calls
            .get_mut(usize::from(flow.0))
            .zip(run.flows.get(usize::from(flow.0)))
        else {
            return;
        };
        match *event {
            Event::Session { stage, .. } => call.stage(at, stage),
            Event::Selected { protocol, .. } => call.pairs.selected(at, protocol),
            Event::FrameEncoded { frame, .. } => {
                let next = call.due_range.is_none_or(|(_, last)| last < frame);
                if next && run.in_window(at) && at + SETTLING <= run.duration {
                    call.due += 1;
                    let first = call.due_range.map_or(frame, |(first, _)| first);
                    call.due_range = Some((first, frame));
                }
            }
            Event::FrameRendered { frame, .. } => {
                call.first_frame.get_or_insert(at);
                let due = |(first, last)| (first..=last).contains(&frame);
                call.rendered += u64::from(call.due_range.is_some_and(due));
            }
            Event::Paused {
                media: Media::Audio,
                paused,
                ..
            } => call.quiet.pause(at, paused),
            Event::AudioPlayed {
                length, captured, ..
            } if at < facts.stop => {
                let real = captured.is_some();
                if real {
                    call.quiet.real(at);
                } else if call.quiet.explains(at) {
                    return;
                }
                call.heard |= captured.is_some();
                if call.heard && run.in_window(at) {
                    call.played += length;
                    call.real += if captured.is_some() {
                        length
                    } else {
                        Span::ZERO
                    };
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, run: &RunFacts, scores: &mut Scores) {
        for (index, (call, facts)) in self.calls.iter_mut().zip(&run.flows).enumerate() {
            let mut set = |name, value| scores.flow(FlowId(index as u16), name, value);
            let started = call.started.unwrap_or(facts.start);
            if let Some(connected) = call.connected {
                set("setup_time_ms", connected.since(started).as_millis_f64());
            }
            if let Some(first) = call.first_frame {
                set("first_frame_ms", first.since(started).as_millis_f64());
            }
            if let Some(ratio) = call.connected_in_time(run) {
                set("connected_5s_ratio", ratio);
            }
            call.pairs.score(facts.stop, &mut set);
            if facts.is_call() {
                set("delivery_ratio", call.delivery(run, facts));
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::SESSION
            | EventMask::SELECTED
            | EventMask::PAUSED
            | EventMask::FRAME_ENCODED
            | EventMask::FRAME_RENDERED
            | EventMask::AUDIO_PLAYED
    }
}
