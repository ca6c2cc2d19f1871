//! The error of a live emulator: how late packets left.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::LinkId;
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Time};

use super::{Better, Definition, EventMask, LINK, MetricSet, Metrics, RunFacts, Samples, Scores};

/// A quantile of the error, or its maximum.
const fn error(name: &'static str, formula: &'static str) -> Definition {
    Definition {
        name,
        subjects: LINK,
        better: Better::Lower,
        summary: "How late packets left a live link: the emulator's own error.",
        formula,
        source: "own: self-reported error of departures, as rattan's logical timestamps \
                 (arXiv 2507.08134) are kept for",
    }
}

const DEFINITIONS: &[Definition] = &[
    error(
        "emulation_error_p50_us",
        "median of (write to the device - departure that the link decided) over packets",
    ),
    error(
        "emulation_error_p99_us",
        "99th percentile of (write to the device - departure that the link decided) over packets",
    ),
    error(
        "emulation_error_max_us",
        "maximum of (write to the device - departure that the link decided) over packets",
    ),
];

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Emulation {}

impl Plugin for Emulation {
    type Kind = Metrics;
    const NAME: &'static str = "emulation";
    const SUMMARY: &'static str = "the error of a live emulator";
    const REFERENCES: &'static [&'static str] = &["arXiv 2507.08134 (rattan)"];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    links: Vec<Samples>,
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.links.resize_with(run.links.len(), Samples::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        if let Event::LinkLeft { link, late } = *event
            && run.in_window(at)
            && let Some(samples) = self.links.get_mut(usize::from(link.0))
        {
            samples.push(late);
        }
    }

    fn finish(&mut self, _: &RunFacts, scores: &mut Scores) {
        for (index, samples) in self.links.iter_mut().enumerate() {
            let Some([p50, p99, max]) = samples.quantiles_ms([0.5, 0.99, 1.0]) else {
                continue;
            };
            for (definition, ms) in DEFINITIONS.iter().zip([p50, p99, max]) {
                scores.link(LinkId(index as u16), definition.name, ms * 1e3);
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::LINK_LEFT
    }
}
