//! Rates of a flow: sent, received, useful, targeted, and its share of the
//! bottleneck.
//!
//! Rates divide by the length of the window even when the flow is on for a
//! part of it only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::FlowId;
use weaknet_core::{Bitrate, BuildContext, BuildError, Event, Plugin, Time};

use super::{
    BOTH, Better, Definition, EventMask, FLOW, MetricSet, Metrics, RunFacts, Scores,
    is_flow_traffic,
};

const RFC8868: &str = "RFC 8868 section 3 (sending rate, receiver rate, goodput)";

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "send_rate_kbps",
        subjects: FLOW,
        better: Better::Neither,
        summary: "What the sender puts on the wire: media, FEC, RTX, padding.",
        formula: "IP bits sent in the window, RTCP and set-up excluded / length of the window",
        source: RFC8868,
    },
    Definition {
        name: "receive_rate_kbps",
        subjects: FLOW,
        better: Better::Higher,
        summary: "What arrives of send_rate_kbps.",
        formula: "IP bits that arrive in the window, RTCP and set-up excluded / length of the window",
        source: RFC8868,
    },
    Definition {
        name: "goodput_kbps",
        subjects: FLOW,
        better: Better::Higher,
        summary: "Useful payload after repair.",
        formula: "payload bits of media packets (bulk: in-order bytes) that become usable for the first time in the window / length of the window",
        source: RFC8868,
    },
    Definition {
        name: "target_bitrate_kbps",
        subjects: FLOW,
        better: Better::Neither,
        summary: "What the congestion controller asks for, on average.",
        formula: "mean over time of the target in force, in the window, while the flow is on, from its first target",
        source: "as getStats targetBitrate",
    },
    Definition {
        name: "utilisation",
        subjects: BOTH,
        better: Better::Higher,
        summary: "How much of the capacity is used: of a link by all, of its bottleneck by a flow.",
        formula: "link: IP bits of all packets delivered in the window / integral of the capacity over the window; flow: IP bits of receive_rate_kbps / that integral of the outward link where it is smallest (several paths: the sum over their links of that kind); absent when unlimited",
        source: "RFC 8867 section 4.1 (bandwidth utilisation)",
    },
];

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Throughput {}

impl Plugin for Throughput {
    type Kind = Metrics;
    const NAME: &'static str = "throughput";
    const SUMMARY: &'static str =
        "rates sent, received, useful and targeted, and the share of the bottleneck";
    const REFERENCES: &'static [&'static str] = &["RFC 8868 section 3", "RFC 8867 section 4.1"];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    flows: Vec<Volume>,
}

#[derive(Default)]
struct Volume {
    sent: u64,
    received: u64,
    useful: u64,
    target: Target,
}

/// Integral of the target over time.
#[derive(Default)]
struct Target {
    in_force: Option<(Time, Bitrate)>,
    bits: f64,
    seconds: f64,
}

impl Target {
    /// Until `at` the target in force was that; from then on it is `next`.
    fn advance(&mut self, on_air: Option<(Time, Time)>, at: Time, next: Bitrate) {
        if let (Some((since, target)), Some((from, to))) = (self.in_force, on_air) {
            let seconds = at.min(to).since(since.max(from)).as_secs_f64();
            self.bits += target.as_bps_f64() * seconds;
            self.seconds += seconds;
        }
        self.in_force = Some((at, next));
    }
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.flows.resize_with(run.flows.len(), Volume::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let flow = match *event {
            Event::Sent { packet, .. } | Event::Received { packet, .. } => packet.flow,
            Event::MediaUsable { flow, .. }
            | Event::StreamDelivered { flow, .. }
            | Event::Target { flow, .. } => flow,
            _ => return,
        };
        let Some(volume) = self.flows.get_mut(usize::from(flow.0)) else {
            return;
        };
        match *event {
            Event::Target { target, .. } => {
                volume
                    .target
                    .advance(run.on_air(&run.flows[usize::from(flow.0)]), at, target);
            }
            _ if !run.in_window(at) => {}
            Event::Sent { packet, .. } if is_flow_traffic(&packet) => {
                volume.sent += u64::from(packet.size)
            }
            Event::Received { packet, .. } if is_flow_traffic(&packet) => {
                volume.received += u64::from(packet.size)
            }
            Event::MediaUsable { payload, .. } => volume.useful += u64::from(payload),
            Event::StreamDelivered { bytes, .. } => volume.useful += bytes,
            _ => {}
        }
    }

    fn finish(&mut self, run: &RunFacts, scores: &mut Scores) {
        for (index, (volume, facts)) in self.flows.iter_mut().zip(&run.flows).enumerate() {
            let on_air = run.on_air(facts);
            if on_air.is_none() {
                continue;
            }
            let mut set = |name, value| scores.flow(FlowId(index as u16), name, value);
            let kbps = |bytes: u64| bytes as f64 * 8e-3 / run.window().as_secs_f64();
            set("send_rate_kbps", kbps(volume.sent));
            set("receive_rate_kbps", kbps(volume.received));
            if facts.adapts {
                set("goodput_kbps", kbps(volume.useful));
            }
            volume.target.advance(on_air, run.duration, Bitrate::ZERO);
            set(
                "target_bitrate_kbps",
                volume.target.bits / volume.target.seconds / 1e3,
            );
            if let Some(capacity) = run.bottlenecks(facts) {
                set("utilisation", volume.received as f64 * 8.0 / capacity);
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::SENT
            | EventMask::RECEIVED
            | EventMask::MEDIA_USABLE
            | EventMask::STREAM_DELIVERED
            | EventMask::TARGET
    }
}
