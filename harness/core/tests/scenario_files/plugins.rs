//! Plug-ins with the names and the forms of the built-in ones, whose products
//! are never run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Ratio, Span, Time};
use weaknet_harness::metrics::{Better, Definition, MetricSet, Metrics, RunFacts, Scores, Subject};
use weaknet_harness::registry::Registry;
use weaknet_netem::model::{
    Delay, DelayModel, Limit, Loss, LossModel, Passage, Qdisc, Queue, Rate, RateModel,
};
use weaknet_netem::none;
use weaknet_transports::arq::{Answer, Arq, ArqPair, Requester, Responder, UsablePacket, Wish};
use weaknet_transports::cc::{CcOutput, CongestionControl, CongestionController, Feedback};
use weaknet_transports::fec::protection::{FixedProtection, WebrtcProtection};
use weaknet_transports::fec::{Fec, Scheme};
use weaknet_transports::jitter::{
    AudioAction, AudioBuffer, AudioJitter, AudioPacket, CompleteFrame, Jitter, JitterAction,
    JitterBuffer,
};
use weaknet_transports::media::{
    Audio, AudioSource, EncodedAudio, EncodedFrame, Video, VideoFormat, VideoSource,
};
use weaknet_transports::pacing::{Paced, Pacer, PacerAction, Pacing};

/// All of them.
pub(crate) fn registry() -> Registry {
    Registry::new()
        .add::<ConstantRate>()
        .add::<Unlimited>()
        .add::<Steps>()
        .add::<Trace>()
        .add::<ConstantDelay>()
        .add::<Stalls>()
        .add::<NoLoss>()
        .add::<none::NoCorruption>()
        .add::<none::NoDuplication>()
        .add::<none::NoReordering>()
        .add::<Bernoulli>()
        .add::<GilbertElliott>()
        .add::<DropTail>()
        .add::<Gcc>()
        .add::<Scream>()
        .add::<NoFec>()
        .add::<FixedProtection>()
        .add::<WebrtcProtection>()
        .add::<Nack>()
        .add::<WebrtcJitter>()
        .add::<Neteq>()
        .add::<WebrtcPacer>()
        .add::<PacketPacer>()
        .add::<Rfc8593>()
        .add::<Opus>()
        .add::<weaknet_transports::traffic::Cbr>()
        .add::<weaknet_transports::traffic::OnOff>()
        .add::<SomeMetrics>()
}

/// A plug-in: its configuration, kind, name, and how it is built.
macro_rules! plugin {
    ($type:ident: $kind:ident, $name:literal, |$config:ident, $cx:ident| $build:expr) => {
        impl Plugin for $type {
            type Kind = $kind;
            const NAME: &'static str = $name;
            const SUMMARY: &'static str = concat!("the plug-in ", $name);
            const REFERENCES: &'static [&'static str] = &[];
            fn build(
                &self,
                $cx: &BuildContext<'_>,
            ) -> Result<<$kind as weaknet_core::Kind>::Product, BuildError> {
                let $config = self;
                $build
            }
        }
    };
}

/// A plug-in without parameters.
macro_rules! bare_plugin {
    ($type:ident: $kind:ident, $name:literal, $build:expr) => {
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $type {}
        plugin!($type: $kind, $name, |_c, _cx| $build);
    };
}

pub(crate) struct Still;

impl RateModel for Still {
    fn serve(&mut self, start: Time, _: u32, _: bool) -> Time {
        start
    }
    fn rate_at(&mut self, _: Time) -> Option<Bitrate> {
        None
    }
    fn capacity(&self, _: Time, _: Time) -> Option<f64> {
        None
    }
}

/// A rate that never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct ConstantRate(Bitrate);
impl Default for ConstantRate {
    fn default() -> Self {
        Self(Bitrate::from_mbps(1))
    }
}
plugin!(ConstantRate: Rate, "constant", |_c, _cx| Ok(Box::new(Still)));
bare_plugin!(Unlimited: Rate, "unlimited", Ok(Box::new(Still)));

/// Rates from given instants on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Steps(Vec<(Span, Bitrate)>);
plugin!(Steps: Rate, "steps", |_c, _cx| Ok(Box::new(Still)));

/// A rate out of a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Trace {
    /// The file.
    file: String,
}
plugin!(Trace: Rate, "trace", |config, cx| {
    cx.assets.get(&config.file, parse_trace).map_err(|message| BuildError::field("file", message))?;
    Ok(Box::new(Still))
});

/// Milliseconds, one per line, ascending.
fn parse_trace(bytes: &[u8]) -> Result<Vec<u64>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "expected text".to_owned())?;
    let mut times: Vec<u64> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let time = line
            .parse()
            .map_err(|_| format!("line {}: expected a number, found `{line}`", at + 1))?;
        if times.last().is_some_and(|last| *last > time) {
            return Err(format!("line {}: {time} comes after a later time", at + 1));
        }
        times.push(time);
    }
    if times.is_empty() {
        Err("the trace is empty".to_owned())
    } else {
        Ok(times)
    }
}

impl DelayModel for Still {
    fn release(&mut self, Passage { at, .. }: Passage) -> Time {
        at
    }
}

/// A delay given by a field, unlike the rate's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConstantDelay {
    /// The delay.
    value: Span,
    /// A second parameter that sorts before the first.
    also: Span,
}
plugin!(ConstantDelay: Delay, "constant", |_c, _cx| Ok(Box::new(Still)));

/// Stalls at intervals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Stalls {
    /// Delay outside of stalls.
    base: Span,
    /// Interval.
    every: Span,
}
plugin!(Stalls: Delay, "stalls", |config, _cx| {
    if config.every.is_zero() {
        return Err(BuildError::field("every", "expected an interval above zero"));
    }
    Ok(Box::new(Still))
});

impl LossModel for Still {
    fn lose(&mut self, _: Passage) -> bool {
        false
    }
}
bare_plugin!(NoLoss: Loss, "none", Ok(Box::new(Still)));

/// Independent losses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Bernoulli(Ratio);
plugin!(Bernoulli: Loss, "bernoulli", |_c, _cx| Ok(Box::new(Still)));

/// Bursts of losses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GilbertElliott {
    /// Long-run share.
    average: Ratio,
    /// Mean length of a burst.
    burst: f64,
}
plugin!(GilbertElliott: Loss, "gilbert_elliott", |_c, _cx| Ok(Box::new(Still)));

/// A tail-drop queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DropTail {
    /// How much may wait.
    limit: Span,
}
impl Default for DropTail {
    fn default() -> Self {
        Self {
            limit: Span::from_millis(300),
        }
    }
}
plugin!(DropTail: Qdisc, "drop_tail", |config, _cx| Ok(Queue::DropTail(Limit::Time(config.limit, None))));

impl CongestionController for Still {
    fn on_feedback(&mut self, _: &Feedback<'_>) {}
    fn output(&self) -> CcOutput {
        CcOutput::default()
    }
    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(Self)
    }
}

/// Settings of a part of a controller.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Probing {
    /// How much.
    scale: f64,
}

/// A controller with parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Gcc {
    /// An interval.
    process_interval: Option<Span>,
    /// Probing.
    probing: Probing,
}
plugin!(Gcc: CongestionControl, "gcc", |_c, _cx| Ok(Box::new(Still)));
bare_plugin!(Scream: CongestionControl, "scream", Ok(Box::new(Still)));

bare_plugin!(NoFec: Fec, "none", Ok(Scheme::None));

impl Requester for Still {
    fn on_packet(&mut self, _: Time, _: &UsablePacket, _: &mut Vec<u64>) -> Wish {
        Wish::default()
    }
    fn clear_up_to(&mut self, _: Time, _: u64) {}
    fn on_rtt(&mut self, _: Span) {}
    fn wake(&mut self, _: Time, _: &mut Vec<u64>) -> Wish {
        Wish::default()
    }
    fn next_wake(&self) -> Option<Time> {
        None
    }
    fn times_requested(&self, _: u64) -> u32 {
        0
    }
}
impl Responder for Still {
    fn on_sent(&mut self, _: Time, _: u64, _: u32) {}
    fn on_nack(&mut self, _: Time, _: u64) -> Answer {
        Answer::Refused
    }
    fn on_rtt(&mut self, _: Time, _: Span) {}
    fn on_target(&mut self, _: Time, _: Bitrate) {}
    fn oldest_kept(&self, _: Time) -> u64 {
        0
    }
}
bare_plugin!(Nack: Arq, "nack", Ok(ArqPair { requester: Box::new(Still), responder: Box::new(Still) }));

impl JitterBuffer for Still {
    fn start(&mut self, _: Time) {}
    fn on_frame(&mut self, _: Time, _: CompleteFrame) {}
    fn on_packet(&mut self, _: Time, _: bool) {}
    fn on_decoded(&mut self, _: Time, _: Span) {}
    fn on_rtt(&mut self, _: Time, _: Span) {}
    fn poll(&mut self, _: Time) -> Option<JitterAction> {
        None
    }
    fn next_wake(&self) -> Option<Time> {
        None
    }
    fn target_delay(&self) -> Span {
        Span::ZERO
    }
}
bare_plugin!(WebrtcJitter: Jitter, "webrtc", Ok(Box::new(Still)));

impl AudioBuffer for Still {
    fn on_packet(&mut self, _: Time, _: AudioPacket) {}
    fn poll(&mut self, _: Time) -> Option<AudioAction> {
        None
    }
    fn next_wake(&self) -> Option<Time> {
        None
    }
    fn target_delay(&self) -> Span {
        Span::ZERO
    }
}
bare_plugin!(Neteq: AudioJitter, "neteq", Ok(Box::new(Still)));

impl Pacer for Still {
    fn enqueue(&mut self, _: Time, _: Paced) {}
    fn set_rates(&mut self, _: Time, _: Bitrate, _: Bitrate) {}
    fn set_congested(&mut self, _: Time, _: bool) {}
    fn add_probe(&mut self, _: Time, _: weaknet_transports::cc::ProbeCluster) {}
    fn poll(&mut self, _: Time) -> Option<PacerAction> {
        None
    }
    fn on_padding(&mut self, _: Time, _: Bytes) {}
    fn next_wake(&self, _: Time) -> Option<Time> {
        None
    }
    fn queued(&self) -> Bytes {
        Bytes::ZERO
    }
}
bare_plugin!(WebrtcPacer: Pacing, "webrtc", Ok(Box::new(Still)));
bare_plugin!(PacketPacer: Pacing, "packet", Ok(Box::new(Still)));

impl VideoSource for Still {
    fn start(&mut self, _: Time, _: VideoFormat, _: Bitrate) {}
    fn set_target(&mut self, _: Time, _: Bitrate, _: f64) {}
    fn request_key_frame(&mut self, _: Time) {}
    fn next_capture(&self) -> Option<Time> {
        None
    }
    fn capture(&mut self, _: Time) -> Option<EncodedFrame> {
        None
    }
}
bare_plugin!(Rfc8593: Video, "rfc8593", Ok(Box::new(Still)));

impl AudioSource for Still {
    fn start(&mut self, _: Time, _: Bitrate) {}
    fn set_bitrate(&mut self, _: Time, _: Bitrate) {}
    fn next_packet(&self) -> Option<Time> {
        None
    }
    fn packet(&mut self, _: Time) -> Option<EncodedAudio> {
        None
    }
}
bare_plugin!(Opus: Audio, "opus", Ok(Box::new(Still)));

const fn definition(name: &'static str, subjects: &'static [Subject]) -> Definition {
    Definition {
        name,
        subjects,
        better: Better::Neither,
        summary: "",
        formula: "",
        source: "",
    }
}
impl MetricSet for Still {
    fn start(&mut self, _: &RunFacts) {}
    fn event(&mut self, _: &RunFacts, _: Time, _: &weaknet_core::Event) {}
    fn finish(&mut self, _: &RunFacts, _: &mut Scores) {}
    fn definitions(&self) -> &'static [Definition] {
        const {
            &[
                definition("freeze_ratio", &[Subject::Flow]),
                definition("frame_delay_p95_ms", &[Subject::Flow]),
                definition("utilisation", &[Subject::Flow, Subject::Link]),
                definition("queue_delay_p95_ms", &[Subject::Link]),
            ]
        }
    }
}
bare_plugin!(SomeMetrics: Metrics, "some", Ok(Box::new(Still)));
