//! Cost of a delivered packet: the link alone, and whole worlds.
//!
//! Throughput is in packets, so that the time per element is the time per
//! delivered packet. The budget of the engine is 100 ns, of a link 60 ns.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use weaknet_core::packet::{Ecn, FlowId, Leg, LinkId, Packet, Payload, Protocol};
use weaknet_core::plugin::{Assets, ReadFile};
use weaknet_core::{BuildContext, EventSink, Node, Outbox, Plugin, Span, Streams, Time};
use weaknet_netem::{Link, Parts, delay, loss, model, queue, rate};
use weaknet_sim::{Flow, Path, Trajectory, World};

const PACKETS: u64 = 100_000;

/// A trace of 8 opportunities in 7 ms, 13.7 Mbit/s.
struct Opportunities;

impl ReadFile for Opportunities {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(b"0\n1\n1\n2\n4\n4\n6\n7\n".to_vec())
    }
}

fn build<P: Plugin>(plugin: &P) -> <P::Kind as weaknet_core::Kind>::Product {
    let (streams, assets) = (Streams::new(1), Assets::new(Opportunities));
    plugin
        .build(&BuildContext {
            path: "link",
            streams: &streams,
            assets: &assets,
        })
        .expect("valid parameters")
}

fn constant(rate: &str) -> Box<dyn model::RateModel> {
    build(&rate::ConstantRate(rate.parse().expect("a rate")))
}

fn parts(rate: Box<dyn model::RateModel>) -> Parts {
    let queue = build(&queue::DropTail::default());
    Parts::new(
        rate,
        queue,
        build(&delay::ConstantDelay(Span::from_millis(20))),
    )
}

fn packet(flow: u16, id: u64, now: Time) -> Packet {
    let (flow, leg) = (FlowId(flow), Leg::Outward);
    Packet {
        id,
        flow,
        leg,
        path: 0,
        hop: 0,
        ecn: Ecn::NotEct,
        damaged: false,
        protocol: Protocol::Udp,
        size: 1_500,
        sent: now,
        payload: Payload::Opaque,
    }
}

/// Sends full packets at a constant rate, without end.
struct Bulk {
    flow: u16,
    sent: u64,
    next: Time,
    every: Span,
}

impl Node for Bulk {
    fn receive(&mut self, packet: &mut Packet, _: &mut Outbox<'_>) {
        black_box(packet.id);
    }
    fn wake(&mut self, out: &mut Outbox<'_>) {
        out.send(packet(self.flow, self.sent, out.now()));
        self.sent += 1;
        self.next += self.every;
    }
    fn next_wake(&self) -> Option<Time> {
        Some(self.next)
    }
}

/// Only receives.
struct Sink;

impl Node for Sink {
    fn receive(&mut self, packet: &mut Packet, _: &mut Outbox<'_>) {
        black_box(packet.id);
    }
    fn wake(&mut self, _: &mut Outbox<'_>) {}
    fn next_wake(&self) -> Option<Time> {
        None
    }
}

/// So many flows over one bottleneck of 100 Mbit/s, which they just fill.
fn bulk(flows: u16, sink: &mut dyn EventSink) -> u64 {
    let every = Span::from_nanos(120_000 * u64::from(flows));
    let flow = |flow| Flow {
        sender: Box::new(Bulk {
            flow,
            sent: 0,
            next: Time::from_nanos(1_000 * u64::from(flow)),
            every,
        }),
        receiver: Box::new(Sink),
        paths: vec![Path {
            outward: vec![LinkId(0)],
            back: Vec::new(),
        }],
    };
    let links = vec![Link::new(LinkId(0), parts(constant("100Mbps")))];
    let mut world = World::new(links, (0..flows).map(flow).collect()).expect("a world");
    let end = Time::from_nanos(120_000 * PACKETS);
    world.run(end, sink).expect("time passes");
    world.links()[0].counts().delivered.packets
}

/// Sends a packet every 120 us through a link and takes out what is due.
fn through(mut link: Link) -> u64 {
    for id in 0..PACKETS {
        let now = Time::from_nanos(120_000 * id);
        while let Some(due) = link.next_event().filter(|due| *due <= now) {
            black_box(link.deliver(due, &mut ()));
        }
        link.arrive(now, packet(0, id, now), &mut ());
    }
    link.counts().delivered.packets
}

fn links(c: &mut Criterion) {
    let mut group = c.benchmark_group("link");
    group.throughput(Throughput::Elements(PACKETS));
    let link = |parts| Link::new(LinkId(0), parts);
    group.bench_function("constant", |b| {
        b.iter(|| through(link(parts(constant("100Mbps")))))
    });
    group.bench_function("constant, overloaded", |b| {
        b.iter(|| through(link(parts(constant("70Mbps")))))
    });
    let trace = rate::RateTrace {
        file: "trace".into(),
        ..rate::RateTrace::default()
    };
    group.bench_function("opportunities, overloaded", |b| {
        b.iter(|| through(link(parts(build(&trace)))))
    });
    let bursts = loss::GilbertElliott {
        average: "2%".parse().ok(),
        burst: Some(5.0),
        ..loss::GilbertElliott::default()
    };
    group.bench_function("gilbert_elliott", |b| {
        b.iter(|| {
            through(link(Parts {
                loss: vec![build(&bursts)],
                ..parts(constant("100Mbps"))
            }))
        });
    });
    let jitter = delay::NormalDelay {
        reorder: delay::Reorder::Allowed,
        ..delay::NormalDelay::default()
    };
    group.bench_function("normal, reordering", |b| {
        b.iter(|| {
            through(link(Parts {
                delay: vec![build(&jitter)],
                ..parts(constant("100Mbps"))
            }))
        });
    });
    group.finish();
}

fn worlds(c: &mut Criterion) {
    let mut group = c.benchmark_group("world");
    group.throughput(Throughput::Elements(PACKETS));
    for flows in [1, 8, 64] {
        group.bench_with_input(BenchmarkId::new("bulk", flows), &flows, |b, flows| {
            b.iter(|| bulk(*flows, &mut ()))
        });
    }
    group.bench_function("bulk with digest/1", |b| {
        b.iter(|| bulk(1, &mut Trajectory::new()))
    });
    group.finish();
}

criterion_group!(benches, links, worlds);
criterion_main!(benches);
