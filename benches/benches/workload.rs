//! The yardstick workloads T and M, as `weaknet bench` runs them.
//!
//! Throughput is in packets delivered by the bottleneck, so that the time per
//! element is the time per data packet, acknowledgement or report included.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use weaknet_core::Time;
use weaknet_harness::workload;
use weaknet_sim::World;

fn run(mut world: World, seconds: u64) -> u64 {
    let end = Time::from_secs(seconds);
    world.run(end, &mut ()).expect("time passes");
    world.links()[0].counts().delivered.packets
}

fn workloads(c: &mut Criterion) {
    let mut group = c.benchmark_group("workload");
    group.sample_size(10);
    let bulk = |flows| run(workload::bulk(flows).expect("a world"), 60);
    for flows in [1, 8, 64] {
        group.throughput(Throughput::Elements(bulk(flows)));
        group.bench_with_input(BenchmarkId::new("T", flows), &flows, |b, flows| {
            b.iter(|| bulk(*flows));
        });
    }
    let media = || run(workload::media().expect("a world"), 600);
    group.throughput(Throughput::Elements(media()));
    group.bench_function("M", |b| b.iter(media));
    group.finish();
}

criterion_group!(benches, workloads);
criterion_main!(benches);
