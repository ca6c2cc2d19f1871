//! The scenarios beside this crate run, with one seed, and keep what they
//! promise.

use weaknet_adapters::quinn::{QuinnBbr, QuinnCubic, QuinnNewReno};
use weaknet_adapters::s2n::{S2nBbr, S2nCubic};
use weaknet_adapters::str0m::ends;
use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::run_with_ends;

#[test]
fn shipped_scenarios_meet_their_expectations() {
    let registry = Registry::builtin()
        .add::<QuinnBbr>()
        .add::<QuinnCubic>()
        .add::<QuinnNewReno>()
        .add::<S2nBbr>()
        .add::<S2nCubic>();
    let request = Request {
        paths: vec![concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios").to_owned()],
        seeds: Some(1),
        needs_flows: true,
        ..Request::default()
    };
    let plan = Plan::load(&request, &registry).unwrap_or_else(|error| panic!("{error}"));
    assert!(!plan.cases.is_empty());
    for case in &plan.cases {
        let outcome = run_with_ends(case, &registry, &|id, flow, cx| {
            let is_theirs = flow.name == "str0m";
            is_theirs.then(|| ends(id, flow, cx)).flatten()
        });
        let result = outcome.unwrap().result;
        for expectation in &result.expectations {
            let (case, value) = (&result.params, expectation.value);
            assert!(
                expectation.ok,
                "{case:?}: {} is {value:?}",
                expectation.expr
            );
        }
    }
}
