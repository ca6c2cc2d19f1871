//! How fast a flow reaches its own rate, and how evenly flows share a link.
//!
//! Implements: Jain's fairness index (Jain, Chiu, Hawe 1984),
//! (sum x)^2 / (n sum x^2); time to 90 % of the flow's own steady rate, as in
//! the Chromium recordings that the models are checked against.
//!
//! Corners, decided here:
//! - Steady rate: mean over the last 20 s of the flow's time, or its second
//!   half when that is shorter. The rate on the way there is a mean over 1 s
//!   ending at each multiple of 100 ms after the start. Flows of less than 2 s
//!   have none.
//! - Cross traffic neither converges nor shares: it has neither figure.
//! - Fairness compares rates over the part of the window in which all flows on
//!   the link are on; without such a part it is absent.
//! - A flow with several paths crosses the links of all of them, and its whole
//!   rate counts on each, as where flows share by what they get in total.
//!
//! Differs: the recordings look at whole seconds only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::{FlowId, LinkId};
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Span, Time};

use super::{
    BOTH, Better, Definition, EventMask, FLOW, FlowFacts, MetricSet, Metrics, RunFacts, Scores,
    is_flow_traffic,
};

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "convergence_time_s",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Time from the flow's start until it first receives 90 % of its own steady rate.",
        formula: "smallest t, multiple of 0.1 s, with the receive rate over [t - 1 s, t) >= 0.9 x steady rate; steady rate = mean over the last min(20 s, half) of the flow's time; never windowed",
        source: "RFC 8868 section 3 (convergence time at start); time to 90 % of the own steady rate",
    },
    Definition {
        name: "fairness_jain",
        subjects: BOTH,
        better: Better::Higher,
        summary: "How evenly flows share a link: 1 is even, 1/n is one flow having all.",
        formula: "(sum x)^2 / (n sum x^2), x = bytes of receive_rate_kbps of each flow but cross traffic that crosses the link outward, over the part of the window in which all of them are on, at least two; flow: the index of its shared link with the smallest capacity",
        source: "Jain, Chiu, Hawe 1984 (DEC-TR-301)",
    },
];

const BIN: Span = Span::from_millis(100);
const BINS_PER_SECOND: u64 = 10;
const STEADY: Span = Span::from_secs(20);

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Convergence {}

impl Plugin for Convergence {
    type Kind = Metrics;
    const NAME: &'static str = "convergence";
    const SUMMARY: &'static str = "time to the steady rate and fairness between flows";
    const REFERENCES: &'static [&'static str] =
        &["RFC 8868 section 3", "Jain, Chiu, Hawe 1984 (DEC-TR-301)"];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    /// By flow.
    climbs: Vec<Climb>,
    /// By flow: the links that it crosses outward.
    crossed: Vec<Vec<LinkId>>,
    /// By link.
    shared: Vec<Option<Shared>>,
}

/// A link that several flows cross.
struct Shared {
    from: Time,
    to: Time,
    flows: Vec<FlowId>,
    bytes: Vec<u64>,
}

impl Shared {
    fn new(run: &RunFacts, link: LinkId) -> Option<Self> {
        let crossing =
            |flow: &&(usize, &FlowFacts)| flow.1.adapts && flow.1.outward().any(|own| own == link);
        let flows: Vec<(usize, &FlowFacts)> = run
            .flows
            .iter()
            .enumerate()
            .filter(|f| crossing(&f))
            .collect();
        let from = flows.iter().map(|f| f.1.start).fold(run.from, Time::max);
        let to = flows
            .iter()
            .map(|f| f.1.stop)
            .fold(run.to.min(run.duration), Time::min);
        (flows.len() >= 2 && from < to).then(|| Self {
            from,
            to,
            bytes: vec![0; flows.len()],
            flows: flows
                .into_iter()
                .map(|(index, _)| FlowId(index as u16))
                .collect(),
        })
    }

    fn index(&self) -> f64 {
        let sum: f64 = self.bytes.iter().map(|&x| x as f64).sum();
        let squares: f64 = self.bytes.iter().map(|&x| (x as f64) * (x as f64)).sum();
        sum * sum / (self.bytes.len() as f64 * squares)
    }
}

/// The time in which a flow is on, window or not.
fn life(run: &RunFacts, flow: &FlowFacts) -> Span {
    flow.stop.min(run.duration).since(flow.start)
}

/// How a flow came to its rate, in bins of 100 ms from its start. Only what can
/// still be the answer is kept: with the steady rate unknown until the end, those
/// seconds that brought more than every one before.
#[derive(Debug, Default)]
struct Climb {
    /// Whole bins of the flow's life, and those of them that make the steady rate.
    whole: u64,
    steady_bins: u64,
    steady_bytes: u64,
    /// The bin that is being filled, and the bytes of the latest ones by number
    /// modulo 10.
    bin: u64,
    latest: [u64; BINS_PER_SECOND as usize],
    /// Number of bins until the end of a second, and its bytes; both ascending.
    records: Vec<(u64, u64)>,
}

impl Climb {
    fn new(life: Span) -> Self {
        Self {
            whole: life.as_nanos() / BIN.as_nanos(),
            steady_bins: (life / 2).min(STEADY).as_nanos() / BIN.as_nanos(),
            ..Self::default()
        }
    }

    fn received(&mut self, age: Span, bytes: u64) {
        let bin = age.as_nanos() / BIN.as_nanos();
        if bin >= self.whole {
            return;
        }
        self.close_until(bin);
        self.latest[(bin % BINS_PER_SECOND) as usize] += bytes;
        if bin >= self.whole - self.steady_bins {
            self.steady_bytes += bytes;
        }
    }

    /// Closes the bins before `bin`.
    fn close_until(&mut self, bin: u64) {
        // After a second without anything nothing changes.
        let until = bin.min(self.bin + BINS_PER_SECOND);
        while self.bin < until {
            self.bin += 1;
            let second = self.latest.iter().sum();
            let most = self.records.last().map_or(0, |(_, bytes)| *bytes);
            if self.bin >= BINS_PER_SECOND && second > most {
                self.records.push((self.bin, second));
            }
            self.latest[(self.bin % BINS_PER_SECOND) as usize] = 0;
        }
        self.bin = self.bin.max(bin);
    }

    /// When the rate first reached 90 % of the steady rate.
    fn seconds(&mut self) -> Option<f64> {
        if self.steady_bins < BINS_PER_SECOND || self.steady_bytes == 0 {
            return None;
        }
        self.close_until(self.whole);
        let steady = self.steady_bytes as f64 / self.steady_bins as f64;
        let enough = 0.9 * steady * BINS_PER_SECOND as f64;
        let place = self
            .records
            .partition_point(|(_, bytes)| (*bytes as f64) < enough);
        let (bins, _) = self.records.get(place)?;
        Some(*bins as f64 * BIN.as_secs_f64())
    }
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        let lives = run.flows.iter().map(|flow| life(run, flow));
        self.climbs = lives.map(Climb::new).collect();
        self.crossed = run.flows.iter().map(|f| f.outward().collect()).collect();
        self.shared = (0..run.links.len())
            .map(|link| Shared::new(run, LinkId(link as u16)))
            .collect();
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let Event::Received { packet, .. } = event else {
            return;
        };
        let flow = usize::from(packet.flow.0);
        let Some((climb, facts)) = self.climbs.get_mut(flow).zip(run.flows.get(flow)) else {
            return;
        };
        if !is_flow_traffic(packet) || at < facts.start {
            return;
        }
        climb.received(at.since(facts.start), u64::from(packet.size));
        for &link in &self.crossed[flow] {
            let Some(Some(shared)) = self.shared.get_mut(usize::from(link.0)) else {
                continue;
            };
            if shared.from <= at && at < shared.to {
                let place = shared.flows.iter().position(|&f| f == packet.flow);
                if let Some(bytes) = place.and_then(|place| shared.bytes.get_mut(place)) {
                    *bytes += u64::from(packet.size);
                }
            }
        }
    }

    fn finish(&mut self, run: &RunFacts, scores: &mut Scores) {
        for (index, shared) in self.shared.iter().enumerate() {
            if let Some(shared) = shared {
                scores.link(LinkId(index as u16), "fairness_jain", shared.index());
            }
        }
        let adapting = run.flows.iter().enumerate().filter(|(_, flow)| flow.adapts);
        for (index, facts) in adapting {
            let flow = FlowId(index as u16);
            if let Some(seconds) = self.climbs[index].seconds() {
                scores.flow(flow, "convergence_time_s", seconds);
            }
            let capacity =
                |link: LinkId| (run.links[usize::from(link.0)].capacity)(run.from, run.to);
            let shared = facts.outward().filter_map(|link| {
                let shared = self.shared.get(usize::from(link.0))?.as_ref()?;
                Some((capacity(link).unwrap_or(f64::INFINITY), shared))
            });
            if let Some((_, shared)) = shared.min_by(|a, b| a.0.total_cmp(&b.0)) {
                scores.flow(flow, "fairness_jain", shared.index());
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::RECEIVED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By the definition, from the bytes of all bins.
    fn by_definition(bins: &[u64], life: Span) -> Option<f64> {
        let whole = (life.as_nanos() / BIN.as_nanos()) as usize;
        let steady_bins = ((life / 2).min(STEADY).as_nanos() / BIN.as_nanos()) as usize;
        let bytes = |from: usize, to: usize| -> u64 { bins[from..to].iter().sum() };
        let steady = bytes(whole - steady_bins, whole) as f64 / steady_bins as f64;
        let reached =
            (10..=whole).find(|&end| bytes(end - 10, end) as f64 >= 0.9 * steady * 10.0)?;
        (steady_bins >= 10 && steady > 0.0).then_some(reached as f64 * 0.1)
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            bins in prop::collection::vec(prop_oneof![Just(0u64), 0u64..5_000], 1..600),
            rest in 0u64..100,
        ) {
            let life = BIN * bins.len() as u64 + Span::from_millis(rest);
            let mut climb = Climb::new(life);
            for (bin, bytes) in (0u64..).zip(&bins).filter(|(_, bytes)| **bytes > 0) {
                climb.received(BIN * bin, bytes / 2);
                climb.received(BIN * bin + Span::from_millis(99), bytes.div_ceil(2));
            }
            // Behind the last whole bin nothing counts.
            climb.received(life, 1_000_000);
            prop_assert_eq!(climb.seconds(), by_definition(&bins, life));
        }
    }
}
