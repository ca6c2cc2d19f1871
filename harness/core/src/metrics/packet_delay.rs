//! Delays of a flow's packets on the way, and how they vary.
//!
//! Implements: one-way delay as a sample per arriving packet (RFC 7679);
//! interarrival jitter by the running estimate of RFC 3550 section 6.4.1,
//! J += (|D| - J) / 16 over packets in order of arrival.
//!
//! Differs: the sending time in D is the packet's own, not its RTP timestamp,
//! so that packets of one frame do not look like jitter.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::{FlowId, LinkId, Tag};
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Span, Time};

use super::{
    BOTH, Better, Definition, EventMask, FLOW, FlowFacts, MetricSet, Metrics, RunFacts, Samples,
    Scores, is_flow_traffic,
};

pub(super) const DEFINITIONS: &[Definition] = &[
    one_way(
        "one_way_delay_p50_ms",
        "Median delay of packets from end to end.",
        "median of arrival - sending over packets of receive_rate_kbps (type 7 quantile)",
    ),
    one_way(
        "one_way_delay_p95_ms",
        "Delay from end to end that 95 % of packets keep.",
        "95 % quantile of arrival - sending over packets of receive_rate_kbps (type 7)",
    ),
    one_way(
        "one_way_delay_p99_ms",
        "Delay from end to end that 99 % of packets keep.",
        "99 % quantile of arrival - sending over packets of receive_rate_kbps (type 7)",
    ),
    Definition {
        name: "interarrival_jitter_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Mean interarrival jitter.",
        formula: "mean over packets arriving in the window of J, J += (|D| - J) / 16, D = difference of one-way delays of packets following each other in arrival",
        source: "RFC 3550 section 6.4.1",
    },
    queue(
        "queue_delay_p50_ms",
        "Median wait in queues.",
        "median of the wait, own serialisation excluded: link: per packet delivered; flow: per packet, summed over its outward links (type 7 quantile)",
    ),
    queue(
        "queue_delay_p95_ms",
        "Wait in queues that 95 % of packets keep.",
        "95 % quantile of the wait of queue_delay_p50_ms",
    ),
    queue(
        "queue_delay_p99_ms",
        "Wait in queues that 99 % of packets keep.",
        "99 % quantile of the wait of queue_delay_p50_ms",
    ),
    queue(
        "queue_delay_mean_ms",
        "Mean wait in queues.",
        "mean of the wait of queue_delay_p50_ms",
    ),
    Definition {
        name: "rtt_p50_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Median round-trip time as the sender sees it.",
        formula: "median of the sender's round-trip samples in the window (type 7 quantile)",
        source: "RFC 3550 section 6.4.1 (LSR, DLSR) or the transport's feedback",
    },
];

const fn one_way(name: &'static str, summary: &'static str, formula: &'static str) -> Definition {
    Definition {
        name,
        subjects: FLOW,
        better: Better::Lower,
        summary,
        formula,
        source: "RFC 7679 (one-way delay)",
    }
}

const fn queue(name: &'static str, summary: &'static str, formula: &'static str) -> Definition {
    Definition {
        name,
        subjects: BOTH,
        better: Better::Lower,
        summary,
        formula,
        source: "RFC 7567 (queueing delay); RFC 8867 section 4.1",
    }
}

/// Writes the four figures of a wait.
pub(super) fn queue_scores(samples: &mut Samples, mut set: impl FnMut(&'static str, f64)) {
    if let (Some([p50, p95, p99]), Some(mean)) =
        (samples.quantiles_ms([0.5, 0.95, 0.99]), samples.mean_ms())
    {
        set("queue_delay_p50_ms", p50);
        set("queue_delay_p95_ms", p95);
        set("queue_delay_p99_ms", p99);
        set("queue_delay_mean_ms", mean);
    }
}

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PacketDelay {}

impl Plugin for PacketDelay {
    type Kind = Metrics;
    const NAME: &'static str = "packet_delay";
    const SUMMARY: &'static str =
        "one-way delay, jitter, wait in queues and round-trip time of a flow";
    const REFERENCES: &'static [&'static str] =
        &["RFC 7679", "RFC 3550 section 6.4.1", "RFC 8867 section 4.1"];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    flows: Vec<Delays>,
}

#[derive(Default)]
struct Delays {
    one_way: Samples,
    previous: Option<Span>,
    jitter_ns: f64,
    jitter_sum_ns: f64,
    jitter_count: u64,
    waited: Samples,
    /// Packets on a route of several links: their wait so far, by id.
    under_way: BTreeMap<u64, Span>,
    rtt: Samples,
}

impl Delays {
    fn received(&mut self, inside: bool, one_way: Span) {
        if let Some(previous) = self.previous.replace(one_way) {
            let difference = one_way.as_nanos().abs_diff(previous.as_nanos()) as f64;
            self.jitter_ns += (difference - self.jitter_ns) / 16.0;
            if inside {
                self.jitter_sum_ns += self.jitter_ns;
                self.jitter_count += 1;
            }
        }
        if inside {
            self.one_way.push(one_way);
        }
    }

    /// What a packet waited on the whole of its path.
    fn settle(&mut self, inside: bool, id: u64) {
        if let Some(waited) = self.under_way.remove(&id).filter(|_| inside) {
            self.waited.push(waited);
        }
    }

    /// The packet has left a link of its route; of several it is not known
    /// which, and the wait is settled when the packet arrives.
    fn waited(
        &mut self,
        inside: bool,
        facts: &FlowFacts,
        link: LinkId,
        packet: &Tag,
        waited: Span,
    ) {
        let route = match &facts.paths[..] {
            [only] => &only.outward[..],
            _ => &[],
        };
        if route.last() != Some(&link) {
            *self.under_way.entry(packet.id).or_default() += waited;
            return;
        }
        let before = if route.len() > 1 {
            self.under_way.remove(&packet.id).unwrap_or_default()
        } else {
            Span::ZERO
        };
        if inside {
            self.waited.push(before + waited);
        }
    }
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.flows.resize_with(run.flows.len(), Delays::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let inside = run.in_window(at);
        match *event {
            Event::Received { packet, one_way } if is_flow_traffic(&packet) => {
                let flow = usize::from(packet.flow.0);
                if let Some(delays) = self.flows.get_mut(flow) {
                    delays.received(inside, one_way);
                    if run.flows[flow].paths.len() > 1 {
                        delays.settle(inside, packet.id);
                    }
                }
            }
            Event::LinkDeliver {
                link,
                packet,
                waited,
                ..
            } if is_flow_traffic(&packet) => {
                let flow = usize::from(packet.flow.0);
                if let Some(delays) = self.flows.get_mut(flow) {
                    delays.waited(inside, &run.flows[flow], link, &packet, waited);
                }
            }
            Event::LinkDrop { packet, .. } | Event::Damaged { packet } => {
                if let Some(delays) = self.flows.get_mut(usize::from(packet.flow.0)) {
                    delays.under_way.remove(&packet.id);
                }
            }
            Event::RttSample { flow, rtt } if inside => {
                if let Some(delays) = self.flows.get_mut(usize::from(flow.0)) {
                    delays.rtt.push(rtt);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &RunFacts, scores: &mut Scores) {
        for (index, delays) in self.flows.iter_mut().enumerate() {
            let mut set = |name, value| scores.flow(FlowId(index as u16), name, value);
            if let Some([p50, p95, p99]) = delays.one_way.quantiles_ms([0.5, 0.95, 0.99]) {
                set("one_way_delay_p50_ms", p50);
                set("one_way_delay_p95_ms", p95);
                set("one_way_delay_p99_ms", p99);
            }
            set(
                "interarrival_jitter_ms",
                delays.jitter_sum_ns / delays.jitter_count as f64 / 1e6,
            );
            queue_scores(&mut delays.waited, &mut set);
            if let Some([p50]) = delays.rtt.quantiles_ms([0.5]) {
                set("rtt_p50_ms", p50);
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::RECEIVED
            | EventMask::LINK_DELIVER
            | EventMask::LINK_DROP
            | EventMask::DAMAGED
            | EventMask::RTT_SAMPLE
    }
}
