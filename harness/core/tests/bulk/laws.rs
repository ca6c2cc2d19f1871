//! What holds on every path.

use proptest::prelude::*;
use weaknet_core::packet::{Class, Leg};
use weaknet_core::{Event, Time};

use super::support::{built, events, outcome};

/// Checks that each byte of transfers of this size is delivered in order and
/// once, and says how many were.
fn conserved(events: &[(Time, Event)], size: u64) -> u64 {
    let (mut fresh, mut delivered, mut begun, mut finished) = (0, 0, 0, 0);
    for (_, event) in events {
        match *event {
            Event::Sent { packet, payload } if packet.leg == Leg::Outward => {
                assert_eq!(packet.class == Class::Rtx, payload == 0);
                fresh += u64::from(payload);
            }
            Event::StreamDelivered { bytes, .. } => delivered += bytes,
            Event::TransferStarted { transfer, .. } => {
                assert_eq!((transfer, finished), (begun, begun), "one at a time");
                begun += 1;
            }
            Event::TransferFinished { transfer, .. } => {
                assert_eq!(transfer, finished);
                finished += 1;
                assert_eq!(delivered, size * finished);
            }
            _ => {}
        }
        assert!(delivered <= fresh && fresh <= size * begun);
    }
    finished
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_byte_arrives_once_and_in_order(
        seed in 0u64..1_000,
        loss in 0u32..30,
        back_loss in 0u32..30,
        duplicates in 0u32..20,
        late in 0u32..20,
        damaged in 0u32..5,
        size in 1u64..150_000,
        wire in prop::sample::select(vec!["tcp", "quic"]),
        reordering in prop::sample::select(vec!["fixed", "adaptive"]),
        connections in prop::sample::select(vec!["new", "kept"]),
        controller in prop::sample::select(vec!["textbook", "{textbook: {ecn: true}}", "{fixed: {rate: 2Mbps}}"]),
    ) {
        let text = format!("
duration: 3000s
seeds: [{seed}]
network:
  forward:
    rate: 3Mbps
    delay: 20ms
    loss: {loss}%
    duplicate: {{independent: {{probability: {duplicates}%, lag: 7ms}}}}
    reorder: {{late: {{probability: {late}%, by: 30ms}}}}
    corrupt: {damaged}%
  backward: {{rate: 1Mbps, delay: 20ms, loss: {back_loss}%}}
flows:
  - name: flow
    stop: 3000s
    congestion_control: {controller}
    bulk: {{size: {size}B, idle: 700s, idle_times: fixed, as: {wire}, reordering: {reordering}, connections: {connections}}}
");
        let finished = conserved(&events(&text), size);
        prop_assert!(finished >= 2, "{}", finished);
    }
}

#[test]
fn a_transfer_outlives_an_outage() {
    for wire in ["tcp", "quic"] {
        let events = events(&format!(
            "
duration: 120s
network:
  forward: {{rate: 5Mbps, delay: 20ms, loss: {{windows: [{{from: 500ms, to: 20s}}]}}}}
  backward: {{delay: 20ms}}
flows:
  - {{name: flow, bulk: {{size: 1MB, as: {wire}}}, congestion_control: textbook}}
"
        ));
        assert_eq!(conserved(&events, 1_000_000), 1, "{wire}");
        let during = |event: &&(Time, Event)| {
            let inside = (Time::from_secs(1)..Time::from_secs(20)).contains(&event.0);
            inside && matches!(event.1, Event::Sent { packet, .. } if packet.leg == Leg::Outward)
        };
        // The wait doubles: 0.2 s and more, 19 s hold at most seven of them.
        let probes = events.iter().filter(during).count();
        assert!((3..=8).contains(&probes), "{wire}: {probes}");
    }
}

const BUSY: &str = "
name: busy
duration: 30s
seeds: [7]
network:
  forward: {rate: 8Mbps, delay: 20ms, loss: 1%, queue: {drop_tail: {limit: 100kB}}}
  backward: {delay: 20ms, loss: 1%}
flows:
  - {name: download, bulk: {}, congestion_control: textbook}
  - {name: pages, bulk: {size: 30kB, max_size: 50kB, idle: 1s, as: quic}, congestion_control: textbook}
  - {name: stream, bulk: {}, congestion_control: gcc}
  - {name: call, media: {video: {}}}
";

#[test]
fn equal_runs_are_equal() {
    let (one, two) = (outcome(BUSY), outcome(BUSY));
    assert_eq!(one.result, two.result);
    let other = outcome(&BUSY.replace("[7]", "[8]"));
    assert_ne!(one.result.trajectory, other.result.trajectory);
}

/// Allocations and packets of the second half of a run.
fn allocations(text: &str) -> (u64, u64) {
    let (mut world, end) = built(text);
    let half = Time::from_nanos(end.as_nanos() / 2);
    world.run(half, &mut ()).unwrap();
    let before = world.links()[0].counts().delivered.packets;
    let run = || world.run(end, &mut ()).unwrap();
    let found = allocation_counter::measure(run).count_total;
    (found, world.links()[0].counts().delivered.packets - before)
}

#[test]
fn nothing_is_allocated_per_packet() {
    let text = |loss: &str| {
        format!(
            "
duration: 40s
network:
  forward: {{rate: 20Mbps, delay: 20ms, loss: {loss}}}
  backward: {{delay: 20ms}}
flows:
  - {{name: flow, bulk: {{receive_window: 80kB}}, congestion_control: textbook}}
"
        )
    };
    let (found, packets) = allocations(&text("0%"));
    assert!(packets > 20_000, "{packets}");
    assert_eq!(found, 0);
    // An acknowledgement that names gaps has a box and a list for them.
    let (found, packets) = allocations(&text("{periodic: {every: 1000}}"));
    assert!(found > 0 && found < packets / 4, "{found} of {packets}");
}
