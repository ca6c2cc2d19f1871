//! The standard media workload: ten minutes of a video call, planned and run
//! in process with all metrics and time series, without writing anything.
//!
//! Throughput is in seconds of the call, so that elements per second are the
//! real-time factor. The budget is 0.3 s, a factor of 2,000, of which the
//! command `weaknet run` also pays its start, result files and report.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::run_case;

const SCENARIO: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../scenarios/performance/call600.yaml"
);

fn plan(registry: &Registry) -> Plan {
    let request = Request {
        paths: vec![SCENARIO.to_owned()],
        ..Request::default()
    };
    Plan::load(&request, registry).unwrap_or_else(|e| panic!("{SCENARIO}: {e}"))
}

fn call(c: &mut Criterion) {
    let registry = Registry::builtin();
    let case = &plan(&registry).cases[0];
    let mut group = c.benchmark_group("call600");
    group.sample_size(20);
    group.bench_function("plan", |b| b.iter(|| black_box(plan(&registry))));
    let seconds = case.scenario.duration.as_secs_f64();
    group.throughput(Throughput::Elements(seconds as u64));
    group.bench_function("run", |b| {
        b.iter(|| run_case(black_box(case), &registry).expect("the call takes place"));
    });
    group.finish();
}

criterion_group!(benches, call);
criterion_main!(benches);
