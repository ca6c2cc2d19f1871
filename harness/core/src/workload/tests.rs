//! The physics of the workloads, and that they allocate nothing on the way.

use weaknet_core::Time;
use weaknet_netem::Counts;
use weaknet_sim::{Trajectory, World};

use super::{bulk, media, parts, single};
use crate::registry::Registry;

fn run(world: &mut World, seconds: u64) -> Counts {
    world.run(Time::from_secs(seconds), &mut ()).unwrap();
    world.links()[0].counts()
}

fn conserved(counts: &Counts) {
    let Counts {
        arrived,
        copied,
        delivered,
        dropped,
        lost,
        inside,
    } = *counts;
    assert_eq!(arrived + copied, delivered + dropped + lost + inside);
}

#[test]
fn bulk_flows_fill_the_bottleneck() {
    for flows in [1, 8, 64] {
        let mut world = bulk(flows).unwrap();
        let (early, late) = (run(&mut world, 10), run(&mut world, 60));
        conserved(&late);
        assert!(late.dropped.packets > 0, "the queue must overflow");
        // 50 s at 12 000 bit per packet: 416 666.7 packets.
        let carried = late.delivered.packets - early.delivered.packets;
        assert!((412_500..=416_667).contains(&carried), "{flows}: {carried}");
        // The hand-written loop of the reference reaches 99.7 % in all.
        let all = late.delivered.packets as f64 / (60.0 * 100e6 / 12_000.0);
        assert!(all > 0.995, "{flows}: {all}");
        assert_eq!(late.delivered.bytes, 1_500 * late.delivered.packets);
    }
}

#[test]
fn bulk_packets_grow_with_time_alone() {
    let (short, long) = (
        run(&mut bulk(8).unwrap(), 20),
        run(&mut bulk(8).unwrap(), 80),
    );
    let per_second = (long.delivered.packets - short.delivered.packets) as f64 / 60.0;
    assert!((per_second - 8_333.3).abs() < 1.0, "{per_second}");
}

#[test]
fn media_frames_have_nine_packets() {
    let mut world = media().unwrap();
    let counts = run(&mut world, 60);
    conserved(&counts);
    // 1800 frames of 312 500 / 30 B; reports each 50 ms, the last at 59.95 s.
    assert_eq!(counts.arrived.packets, 1_800 * 9);
    assert_eq!(counts.arrived.bytes, 60 * 312_500);
    assert_eq!(counts.dropped.packets + counts.lost.packets, 0);
    let reports = world.links()[1].counts().arrived;
    assert_eq!((reports.packets, reports.bytes), (1_199, 1_199 * 80));
}

#[test]
fn equal_runs_have_equal_digests() {
    let digest = |world: &mut World| {
        let mut trajectory = Trajectory::new();
        world.run(Time::from_secs(5), &mut trajectory).unwrap();
        trajectory.digest()
    };
    let (one, two) = (bulk(64).unwrap(), bulk(64).unwrap());
    assert_eq!(digest(&mut { one }), digest(&mut { two }));
    assert_eq!(digest(&mut media().unwrap()), digest(&mut media().unwrap()));
    assert_ne!(digest(&mut bulk(1).unwrap()), digest(&mut bulk(2).unwrap()));
}

#[test]
fn a_run_in_two_pieces_is_the_run() {
    let mut pieces = bulk(8).unwrap();
    let mut trajectory = Trajectory::new();
    for ms in [1, 17, 500, 2_000] {
        pieces.run(Time::from_millis(ms), &mut trajectory).unwrap();
    }
    let mut whole = Trajectory::new();
    bulk(8)
        .unwrap()
        .run(Time::from_secs(2), &mut whole)
        .unwrap();
    assert_eq!(trajectory.digest(), whole.digest());
}

/// Allocations between two instants of a run.
fn allocations(world: &mut World, from: Time, to: Time) -> u64 {
    world.run(from, &mut ()).unwrap();
    let run = || world.run(to, &mut ()).unwrap();
    allocation_counter::measure(run).count_total
}

#[test]
fn nothing_is_allocated_per_packet() {
    for flows in [1, 64] {
        let (from, to) = (Time::from_secs(20), Time::from_secs(40));
        let found = allocations(&mut bulk(flows).unwrap(), from, to);
        assert_eq!(found, 0, "{flows} bulk flows");
    }
    let found = allocations(
        &mut media().unwrap(),
        Time::from_secs(5),
        Time::from_secs(60),
    );
    assert_eq!(found, 0, "media");
}

#[test]
fn no_part_of_a_link_allocates_per_packet() {
    let registry = Registry::builtin();
    let parts = parts(&registry);
    assert!(parts.len() >= 14, "{}", parts.len());
    for part in parts {
        let (mut world, end) = single(&registry, Some(&part), 80_000)
            .unwrap_or_else(|error| panic!("{part:?}: {error}"));
        let from = Time::from_nanos(end.as_nanos() / 2);
        let found = allocations(&mut world, from, end);
        // 40 000 packets: buffers that still grow do so a few times at most.
        assert!(found <= 2, "{part:?}: {found} allocations");
        let counts = world.links()[0].counts();
        conserved(&counts);
        assert_eq!(counts.arrived.packets, 80_000, "{part:?}");
    }
}
