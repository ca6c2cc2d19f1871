//! Runs of scenarios with a controller of the tests' own among the built-in
//! ones.

#[path = "../support/plan.rs"]
mod plan;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::Ecn;
use weaknet_core::{BuildContext, BuildError, Bytes, Event, Plugin, Time};
use weaknet_harness::plan::Case;
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::{Outcome, run_case};
use weaknet_harness::world;
use weaknet_sim::World;
use weaknet_transports::cc::{
    CcEvent, CcOutput, CongestionControl, CongestionController, Feedback,
};

use self::plan::plan;

/// Textbook additive increase and multiplicative decrease: RFC 9002, appendix B,
/// with one reaction per round trip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Textbook {
    /// Initial window in packets of 1500 B.
    pub(crate) initial: u64,
    /// Slow start ends here, in packets.
    pub(crate) threshold: u64,
    /// Whether packets are ECT(0).
    pub(crate) ecn: bool,
}

impl Default for Textbook {
    fn default() -> Self {
        Self {
            initial: 10,
            threshold: 1_000_000,
            ecn: false,
        }
    }
}

impl Plugin for Textbook {
    type Kind = CongestionControl;
    const NAME: &'static str = "textbook";
    const SUMMARY: &'static str = "additive increase, multiplicative decrease";
    const REFERENCES: &'static [&'static str] = &["RFC 9002, appendix B"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        Ok(Box::new(Window {
            cwnd: (self.initial * PACKET) as f64,
            threshold: (self.threshold * PACKET) as f64,
            ecn: self.ecn,
            recovery: None,
        }))
    }
}

const PACKET: u64 = 1_500;

#[derive(Debug, Clone)]
struct Window {
    cwnd: f64,
    threshold: f64,
    ecn: bool,
    recovery: Option<Time>,
}

impl Window {
    fn reduce(&mut self, now: Time, to: f64) {
        self.threshold = (self.cwnd / 2.0).max(2.0 * PACKET as f64);
        self.cwnd = to.min(self.threshold);
        self.recovery = Some(now);
    }
}

impl CongestionController for Window {
    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        let new = |at| self.recovery.is_none_or(|since| at > since);
        let trouble = feedback.lost().any(|packet| new(packet.sent.at))
            || feedback
                .received()
                .any(|packet| packet.ecn == Ecn::Ce && new(packet.sent.at));
        let grown: u64 = feedback
            .received()
            .filter(|packet| new(packet.sent.at) && !packet.sent.app_limited)
            .map(|packet| packet.sent.size.get())
            .sum();
        if trouble {
            self.reduce(feedback.now, f64::INFINITY);
        } else if self.cwnd < self.threshold {
            self.cwnd += grown as f64;
        } else {
            self.cwnd += PACKET as f64 * grown as f64 / self.cwnd;
        }
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        match event {
            CcEvent::RetransmissionTimeout => self.reduce(now, PACKET as f64),
            CcEvent::PersistentCongestion => self.reduce(now, 2.0 * PACKET as f64),
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        CcOutput {
            cwnd: Some(Bytes::new(self.cwnd as u64)),
            ecn: if self.ecn { Ecn::Ect0 } else { Ecn::NotEct },
            ..CcOutput::default()
        }
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}

fn registry() -> Registry {
    Registry::builtin().add::<Textbook>()
}

/// The first case of a scenario.
pub(crate) fn case(text: &str) -> Case {
    let plan = plan(text, &registry());
    plan.cases.into_iter().next().unwrap()
}

/// What the scenario yields.
pub(crate) fn outcome(text: &str) -> Outcome {
    run_case(&case(text), &registry()).unwrap()
}

/// What each case of a scenario yields.
pub(crate) fn outcomes(text: &str) -> Vec<Outcome> {
    let registry = registry();
    let cases = plan(text, &registry).cases;
    cases
        .iter()
        .map(|case| run_case(case, &registry).unwrap())
        .collect()
}

/// A metric of an outcome; zero is not what stands for absence.
pub(crate) fn metric(outcome: &Outcome, subject: &str, name: &str) -> f64 {
    let value = outcome.result.metric(subject, name);
    value.unwrap_or_else(|| panic!("{subject} has no {name}"))
}

/// The world of a scenario and when its run ends.
pub(crate) fn built(text: &str) -> (World, Time) {
    let case = case(text);
    let (world, facts) = world::build(&case.scenario, case.seed, &case.assets).unwrap();
    (world, facts.duration)
}

/// Everything that happens in a scenario.
pub(crate) fn events(text: &str) -> Vec<(Time, Event)> {
    let (mut world, end) = built(text);
    let mut events = Vec::new();
    world.run(end, &mut events).unwrap();
    events
}
