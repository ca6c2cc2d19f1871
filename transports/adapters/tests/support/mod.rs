//! Runs of scenarios with the plug-ins of an adapter among the built-in ones.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use weaknet_harness::plan::{Plan, PlanError, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::{Outcome, run_with_ends};
use weaknet_harness::world::OwnEnds;

fn plan(text: &str, registry: &Registry) -> Result<Plan, PlanError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "adapters-{}-{}.yaml",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    let request = Request {
        paths: vec![path.display().to_string()],
        ..Request::default()
    };
    let plan = Plan::load(&request, registry);
    std::fs::remove_file(&path).unwrap();
    plan
}

/// What the first case of a scenario yields.
pub(crate) fn run(text: &str, registry: &Registry, own_ends: &OwnEnds<'_>) -> Outcome {
    let plan = plan(text, registry).unwrap_or_else(|error| panic!("{error}"));
    run_with_ends(&plan.cases[0], registry, own_ends).unwrap()
}

/// Why a scenario is refused.
#[allow(dead_code, reason = "the tests of a call have no plug-in")]
pub(crate) fn refusal(text: &str, registry: &Registry) -> String {
    plan(text, registry).unwrap_err().to_string()
}

/// A bulk flow over 10 Mbit/s and a round trip of 20 ms, with a queue of one
/// bandwidth-delay product.
#[allow(dead_code, reason = "the tests of a call have no bulk flow")]
pub(crate) fn bulk(controller: &str, loss: &str) -> String {
    format!(
        "
name: bulk
duration: 30s
seeds: [1]
measure: {{from: 10s}}
network:
  forward:
    rate: 10Mbps
    delay: 10ms
    loss: {loss}
    queue: {{drop_tail: {{limit: 20ms}}}}
  backward: {{delay: 10ms}}
flows:
  - name: bulk
    bulk: {{as: quic}}
    congestion_control: {controller}
"
    )
}

/// A metric of an outcome; zero is not what stands for absence.
pub(crate) fn metric(outcome: &Outcome, subject: &str, name: &str) -> f64 {
    let value = outcome.result.metric(subject, name);
    value.unwrap_or_else(|| panic!("{subject} has no {name}"))
}
