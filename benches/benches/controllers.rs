//! Cost of a report for each built-in congestion controller.
//!
//! The time per iteration is that of `on_feedback` and `output` for one report
//! (`weaknet_benches::feed` says what is in it), clock readings included: `fixed`
//! does nothing and shows what those take. The budget is 1 us. The table in
//! `docs/performance.md` is what `cargo run --release -p weaknet-benches --example
//! controllers` prints.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use weaknet_benches::feed::{Feed, Pattern, controllers};

fn reports(c: &mut Criterion) {
    for (group, pattern) in [("call", Pattern::Call), ("bulk", Pattern::Bulk)] {
        let mut group = c.benchmark_group(format!("controllers/{group}"));
        for name in controllers() {
            let mut feed = Feed::new(name, pattern);
            let id = BenchmarkId::from_parameter(name);
            group.bench_function(id, |b| b.iter_custom(|reports| feed.time(reports).0));
        }
        group.finish();
    }
}

criterion_group!(benches, reports);
criterion_main!(benches);
