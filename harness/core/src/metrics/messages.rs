//! Messages: how many arrive, how soon, and at what cost.
//!
//! Corners, decided here:
//! - A message belongs to the window by the time when it was given to its sender,
//!   and is judged when that was at least 5 s before the flow or the run ends, so
//!   that reliable delivery has had its time. A message is delivered once.
//! - A fresh message is newer than all delivered before it. The longest gap is
//!   looked for from the first fresh message, or the start of the window, to the
//!   end of flow or window, clipped there.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::{FlowId, Leg};
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Span, Time};

use super::{
    Better, Definition, EventMask, FLOW, FlowFacts, MetricSet, Metrics, RunFacts, Samples, Scores,
};

const OWN: &str =
    "own definition; deadlines as in 3GPP TS 22.261 annex D (reliability within a latency bound)";
const QUANTILE: &str = "quantile by Hyndman and Fan 1996 type 7";

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "message_on_time_ratio",
        subjects: FLOW,
        better: Better::Higher,
        summary: "Share of messages delivered before their deadline.",
        formula: "messages delivered at most the flow's deadline after they were given / messages given in the window and at least 5 s before the end of flow and run",
        source: OWN,
    },
    delay(
        "message_delay_p50_ms",
        "Median delay of messages.",
        "median of delivered - given to the sender over the messages of message_on_time_ratio that were delivered",
    ),
    delay(
        "message_delay_p95_ms",
        "Delay that 95 % of the delivered messages keep.",
        "95 % quantile of the delay of message_delay_p50_ms",
    ),
    delay(
        "message_delay_p99_ms",
        "Delay that 99 % of the delivered messages keep.",
        "99 % quantile of the delay of message_delay_p50_ms",
    ),
    delay(
        "message_delay_max_ms",
        "Largest delay of a delivered message.",
        "maximum of the delay of message_delay_p50_ms",
    ),
    Definition {
        name: "message_gap_max_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Longest time without a fresh message at the receiver.",
        formula: "longest time between messages delivered that are newer than all before, from the first of them or the start of the window to the end of flow or window, both clipped",
        source: "own definition; watchdogs of remote control stop a vehicle without fresh commands",
    },
    Definition {
        name: "message_overhead_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Bytes sent beyond the messages themselves.",
        formula: "IP bytes that the sender sends in the window / bytes of messages given in the window - 1; headers, copies and retransmissions, not acknowledgements",
        source: "own definition",
    },
];

const fn delay(name: &'static str, summary: &'static str, formula: &'static str) -> Definition {
    Definition {
        name,
        subjects: FLOW,
        better: Better::Lower,
        summary,
        formula,
        source: QUANTILE,
    }
}

/// How long delivery may take before a message is judged.
const SETTLING: Span = Span::from_secs(5);

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Messages {}

impl Plugin for Messages {
    type Kind = Metrics;
    const NAME: &'static str = "messages";
    const SUMMARY: &'static str = "delivery, delay, gaps and cost of messages";
    const REFERENCES: &'static [&'static str] = &["3GPP TS 22.261 annex D"];
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
    given: u64,
    delivered: u64,
    on_time: u64,
    /// Delivered out of order: numbers above `below`.
    seen: BTreeSet<u64>,
    /// All numbers below have been delivered.
    below: u64,
    delays: Samples,
    newest: Option<u64>,
    /// When the newest was delivered, clipped to the window.
    fresh_at: Option<Time>,
    gap: Span,
    wire_bytes: u64,
    message_bytes: u64,
}

impl Counts {
    /// Whether the message is delivered for the first time.
    fn first(&mut self, message: u64) -> bool {
        if message < self.below || !self.seen.insert(message) {
            return false;
        }
        while self.seen.remove(&self.below) {
            self.below += 1;
        }
        true
    }

    fn fresh(&mut self, from: Time, to: Time, at: Time, message: u64) {
        if self.newest.is_some_and(|newest| message <= newest) {
            return;
        }
        self.newest = Some(message);
        let at = at.max(from).min(to);
        if let Some(before) = self.fresh_at.replace(at) {
            self.gap = self.gap.max(at.since(before));
        }
    }
}

/// Whether a message given at an instant is judged.
fn judged(run: &RunFacts, flow: &FlowFacts, given: Time) -> bool {
    run.in_window(given) && given + SETTLING <= flow.stop.min(run.duration)
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.flows.resize_with(run.flows.len(), Counts::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let id = match *event {
            Event::Sent { packet, .. } if packet.leg == Leg::Outward => packet.flow,
            Event::MessageGiven { flow, .. } | Event::MessageDelivered { flow, .. } => flow,
            _ => return,
        };
        let index = usize::from(id.0);
        let (Some(counts), Some(flow)) = (self.flows.get_mut(index), run.flows.get(index)) else {
            return;
        };
        match *event {
            Event::Sent { packet, .. } if run.in_window(at) => {
                counts.wire_bytes += u64::from(packet.size);
            }
            Event::MessageGiven { size, .. } => {
                if run.in_window(at) {
                    counts.message_bytes += u64::from(size);
                }
                counts.given += u64::from(judged(run, flow, at));
            }
            Event::MessageDelivered { message, given, .. } => {
                let end = run.to.min(flow.stop).min(run.duration);
                counts.fresh(run.from, end, at, message);
                if counts.first(message) && judged(run, flow, given) {
                    let delay = at.since(given);
                    counts.delivered += 1;
                    counts.on_time += u64::from(flow.deadline.is_some_and(|most| delay <= most));
                    counts.delays.push(delay);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, run: &RunFacts, scores: &mut Scores) {
        for (index, counts) in self.flows.iter_mut().enumerate() {
            let facts = &run.flows[index];
            if facts.deadline.is_none() {
                continue;
            }
            let mut set = |name, value| scores.flow(FlowId(index as u16), name, value);
            // A quotient without a denominator is NaN and left out.
            let given = counts.given as f64;
            set("delivery_ratio", counts.delivered as f64 / given);
            set("message_on_time_ratio", counts.on_time as f64 / given);
            if let Some([p50, p95, p99, max]) = counts.delays.quantiles_ms([0.5, 0.95, 0.99, 1.0]) {
                set("message_delay_p50_ms", p50);
                set("message_delay_p95_ms", p95);
                set("message_delay_p99_ms", p99);
                set("message_delay_max_ms", max);
            }
            if let Some((_, end)) = run.on_air(facts) {
                let open = counts.fresh_at.map(|at| end.since(at));
                let gap = open.map(|open| counts.gap.max(open));
                if let Some(gap) = gap {
                    set("message_gap_max_ms", gap.as_millis_f64());
                }
            }
            let bytes = counts.message_bytes as f64;
            set(
                "message_overhead_ratio",
                counts.wire_bytes as f64 / bytes - 1.0,
            );
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::SENT | EventMask::MESSAGE_GIVEN | EventMask::MESSAGE_DELIVERED
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::packet::Class;

    use super::super::testing::{call, ms, near, packet, run};
    use super::*;

    const FLOW: FlowId = FlowId(0);

    fn given(at: u64, message: u64) -> (Time, Event) {
        let (flow, size) = (FLOW, 100);
        (
            ms(at),
            Event::MessageGiven {
                flow,
                message,
                size,
            },
        )
    }

    fn delivered(at: u64, message: u64, given: u64) -> (Time, Event) {
        let (flow, given) = (FLOW, ms(given));
        (
            ms(at),
            Event::MessageDelivered {
                flow,
                message,
                given,
            },
        )
    }

    fn facts() -> RunFacts {
        let mut facts = run(20);
        facts.flows[0].deadline = Some(Span::from_millis(50));
        facts.flows[0].video = false;
        facts.flows[0].audio = false;
        facts
    }

    #[test]
    fn delivery_deadlines_delays_and_cost() {
        let sent = |at, size| {
            let packet = packet(0, at, Class::Message, size);
            (ms(at), Event::Sent { packet, payload: 0 })
        };
        let events = [
            given(0, 0),
            sent(1, 190),
            delivered(40, 0, 0),
            given(100, 1),
            sent(101, 190),
            given(200, 2),
            sent(201, 220),
            delivered(250, 2, 200),
            delivered(251, 1, 100),
            delivered(252, 1, 100),
            given(300, 3),
            // Not judged: less than 5 s from the end.
            given(15_001, 4),
            delivered(15_002, 4, 15_001),
        ];
        let scores = call(&Messages {}, &facts(), &events);
        near(scores.get("delivery_ratio"), 0.75);
        near(scores.get("message_on_time_ratio"), 0.5);
        near(scores.get("message_delay_p50_ms"), 50.0);
        near(scores.get("message_delay_max_ms"), 151.0);
        near(scores.get("message_overhead_ratio"), 0.2);
        near(scores.get("message_gap_max_ms"), 14_752.0);
    }

    #[test]
    fn an_old_message_is_not_fresh_and_the_last_gap_is_open() {
        let events = [
            given(0, 0),
            given(10, 1),
            delivered(1_000, 1, 10),
            delivered(9_000, 0, 0),
        ];
        let scores = call(&Messages {}, &facts(), &events);
        near(scores.get("message_gap_max_ms"), 19_000.0);
    }

    #[test]
    fn other_flows_have_no_messages() {
        assert!(call(&Messages {}, &run(20), &[]).is_empty());
    }
}
