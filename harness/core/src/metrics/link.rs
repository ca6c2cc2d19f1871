//! What a link carried, how long packets waited in it, and what it lost.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::LinkId;
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Time};

use super::loss_bursts::Fates;
use super::packet_delay::queue_scores;
use super::{Better, Definition, EventMask, LINK, MetricSet, Metrics, RunFacts, Samples, Scores};

/// The names that links share with flows (`utilisation`, `loss_ratio`,
/// `loss_burst_*`, `queue_delay_*`) are defined with the sets of the flows.
pub(super) const DEFINITIONS: &[Definition] = &[Definition {
    name: "delivered_kbps",
    subjects: LINK,
    better: Better::Neither,
    summary: "What the link delivered at its far end.",
    formula: "IP bits of all packets delivered in the window / length of the window",
    source: "RFC 8867 section 4.1 (bandwidth utilisation, its numerator)",
}];

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Links {}

impl Plugin for Links {
    type Kind = Metrics;
    const NAME: &'static str = "link";
    const SUMMARY: &'static str = "utilisation, wait, loss and bursts of loss of links";
    const REFERENCES: &'static [&'static str] = &["RFC 8867 section 4.1", "RFC 7567"];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    links: Vec<Traffic>,
}

#[derive(Default)]
struct Traffic {
    bytes: u64,
    delivered: u64,
    dropped: u64,
    waited: Samples,
    fates: Fates,
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.links.resize_with(run.links.len(), Traffic::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let (Event::LinkArrive { link, packet }
        | Event::LinkCopy { link, packet }
        | Event::LinkDeliver { link, packet, .. }
        | Event::LinkDrop { link, packet, .. }) = *event
        else {
            return;
        };
        if let Event::LinkCopy { .. } = event {
            // It may travel over any of them.
            let links = self.links.iter_mut();
            links.for_each(|traffic| traffic.fates.expect_copies());
        }
        let Some(traffic) = self.links.get_mut(usize::from(link.0)) else {
            return;
        };
        let inside = run.in_window(at);
        match *event {
            Event::LinkArrive { .. } => traffic.fates.start(packet.id),
            Event::LinkCopy { .. } => traffic.fates.copied(packet.id),
            Event::LinkDeliver { waited, .. } => {
                traffic.fates.arrived(packet.id, inside);
                if inside {
                    traffic.bytes += u64::from(packet.size);
                    traffic.delivered += 1;
                    traffic.waited.push(waited);
                }
            }
            _ => {
                traffic.fates.lost(packet.id, inside);
                traffic.dropped += u64::from(inside);
            }
        }
    }

    fn finish(&mut self, run: &RunFacts, scores: &mut Scores) {
        for (index, (traffic, facts)) in self.links.iter_mut().zip(&run.links).enumerate() {
            let mut set = |name, value| scores.link(LinkId(index as u16), name, value);
            let bits = traffic.bytes as f64 * 8.0;
            set("delivered_kbps", bits / 1e3 / run.window().as_secs_f64());
            if let Some(capacity) = (facts.capacity)(run.from, run.to) {
                set("utilisation", bits / capacity);
            }
            set(
                "loss_ratio",
                traffic.dropped as f64 / (traffic.dropped + traffic.delivered) as f64,
            );
            let runs = traffic.fates.runs();
            set("loss_burst_mean_packets", runs.mean());
            set("loss_burst_ratio", runs.ratio());
            queue_scores(&mut traffic.waited, set);
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::LINK_ARRIVE
            | EventMask::LINK_COPY
            | EventMask::LINK_DELIVER
            | EventMask::LINK_DROP
    }
}
