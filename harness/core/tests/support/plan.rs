//! Plans of scenarios that stand in the tests.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;

/// The plan of a scenario.
pub(crate) fn plan(text: &str, registry: &Registry) -> Plan {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("plan-{}-{number}.yaml", std::process::id());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    let request = Request {
        paths: vec![path.display().to_string()],
        ..Request::default()
    };
    let plan = Plan::load(&request, registry);
    std::fs::remove_file(&path).unwrap();
    plan.unwrap_or_else(|error| panic!("{error}"))
}
