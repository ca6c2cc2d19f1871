//! How long the transfers of a bulk flow take.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::FlowId;
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Time};

use super::{Better, Definition, EventMask, FLOW, MetricSet, Metrics, RunFacts, Samples, Scores};

const RFC8868: &str = "RFC 8868 section 5.1 (short TCP flows); flow completion time";

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "transfers_finished",
        subjects: FLOW,
        better: Better::Neither,
        summary: "Transfers of a bulk flow that were delivered whole.",
        formula: "transfers whose last byte reaches the application in the window; absent when none began",
        source: RFC8868,
    },
    Definition {
        name: "transfer_time_p50_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "How long a transfer of a bulk flow takes, median.",
        formula: "last byte handed to the application - bytes given to the sender, over the transfers that finish in the window; quantile type 7",
        source: RFC8868,
    },
    Definition {
        name: "transfer_time_p95_ms",
        subjects: FLOW,
        better: Better::Lower,
        summary: "How long a transfer of a bulk flow takes, 95th percentile.",
        formula: "as transfer_time_p50_ms",
        source: RFC8868,
    },
];

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Transfers {}

impl Plugin for Transfers {
    type Kind = Metrics;
    const NAME: &'static str = "transfers";
    const SUMMARY: &'static str =
        "how many transfers of a bulk flow finish, and how long they take";
    const REFERENCES: &'static [&'static str] = &["RFC 8868 section 5.1"];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    flows: Vec<Flow>,
}

#[derive(Default)]
struct Flow {
    /// When the newest transfer began, and which.
    begun: Option<(u64, Time)>,
    times: Samples,
    finished: u64,
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.flows.resize_with(run.flows.len(), Flow::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let (Event::TransferStarted { flow, transfer }
        | Event::TransferFinished { flow, transfer }) = *event
        else {
            return;
        };
        let Some(flow) = self.flows.get_mut(usize::from(flow.0)) else {
            return;
        };
        if matches!(event, Event::TransferStarted { .. }) {
            flow.begun = Some((transfer, at));
            return;
        }
        let begun = flow.begun.filter(|(number, _)| *number == transfer);
        if let Some((_, begun)) = begun.filter(|_| run.in_window(at)) {
            flow.times.push(at.since(begun));
            flow.finished += 1;
        }
    }

    fn finish(&mut self, _: &RunFacts, scores: &mut Scores) {
        for (index, flow) in self.flows.iter_mut().enumerate() {
            if flow.begun.is_none() {
                continue;
            }
            let mut set = |name, value| scores.flow(FlowId(index as u16), name, value);
            set("transfers_finished", flow.finished as f64);
            if let Some([median, high]) = flow.times.quantiles_ms([0.5, 0.95]) {
                set("transfer_time_p50_ms", median);
                set("transfer_time_p95_ms", high);
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::TRANSFER_STARTED | EventMask::TRANSFER_FINISHED
    }
}
