//! LEDBAT by hand and on a link.

use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::classic::{Controller, Ledbat};
use crate::cc::testing::{build, lost, received, report};
use crate::cc::{CcEvent, CongestionController, PacketResult};
use crate::conformance::{IdealLink, value};

const SECOND: Span = Span::from_secs(1);

fn ledbat() -> Box<dyn CongestionController> {
    build(&Ledbat::default()).unwrap()
}

fn ms(ms: u64) -> Time {
    Time::from_millis(ms)
}

/// Reports `packets` with `flight` packets in flight before.
fn tell(controller: &mut Controller, now: u64, flight: u64, packets: &[PacketResult]) {
    let mut report = report(ms(now), packets);
    report.prior_in_flight = Bytes::new(1_200 * flight);
    controller.on_feedback(&report);
}

/// A window of ten packets, base delay 25 ms, queueing delay as given.
fn ten_packets(queue: u64) -> Controller {
    let mut controller = Controller::new(&Ledbat {
        init_cwnd: 10.0,
        ..Ledbat::default()
    });
    let packets: Vec<_> = (0..5)
        .map(|k| {
            let delay = if k == 0 { 25 } else { 25 + queue };
            received(k, ms(k), ms(k + delay), 0)
        })
        .collect();
    tell(&mut controller, 300, 10, &packets);
    assert_eq!(value(&controller, "cwnd_bytes"), 12_000.0);
    controller
}

#[test]
fn a_window_acknowledged_changes_by_the_distance_to_the_target() {
    for (queue, change) in [(0, 1.0), (50, 0.5), (100, 0.0), (150, -0.5), (300, -2.0)] {
        let mut controller = ten_packets(queue);
        let packets: Vec<_> = (5..15)
            .map(|k| received(k, ms(k), ms(k + 25 + queue), 1_200))
            .collect();
        tell(&mut controller, 400, 20, &packets);
        let packets = value(&controller, "cwnd_bytes") / 1_200.0;
        assert!((packets - 10.0 - change).abs() < 1e-9, "{queue}: {packets}");
    }
}

#[test]
fn the_window_stays_within_a_packet_of_the_flight() {
    let mut controller = ten_packets(0);
    tell(
        &mut controller,
        400,
        4,
        &[received(5, ms(5), ms(30), 1_200)],
    );
    assert_eq!(value(&controller, "cwnd_bytes"), 6_000.0);
    tell(
        &mut controller,
        410,
        0,
        &[received(6, ms(6), ms(31), 1_200)],
    );
    assert_eq!(value(&controller, "cwnd_bytes"), 2_400.0);
}

#[test]
fn a_loss_halves_once_per_round_trip_and_a_timeout_leaves_one_packet() {
    let mut controller = ten_packets(100);
    tell(&mut controller, 400, 10, &[lost(5, ms(310), 1_200)]);
    tell(&mut controller, 410, 10, &[lost(6, ms(399), 1_200)]);
    assert_eq!(value(&controller, "cwnd_bytes"), 6_000.0);
    tell(&mut controller, 500, 10, &[lost(7, ms(401), 1_200)]);
    tell(&mut controller, 600, 10, &[lost(8, ms(501), 1_200)]);
    assert_eq!(value(&controller, "cwnd_bytes"), 2_400.0);
    controller.on_event(ms(2_000), &CcEvent::RetransmissionTimeout);
    assert_eq!(controller.output().cwnd, Some(Bytes::new(1_200)));
}

#[test]
fn keeps_a_link_busy_with_its_target_of_delay() {
    let buffer = Bytes::new(500_000);
    let mut link = IdealLink::new(Bitrate::from_mbps(10), Span::from_millis(40), buffer);
    let flow = link.add(ledbat());
    link.run(SECOND * 60);
    let throughput = link.throughput(flow, SECOND * 20).as_bps_f64();
    assert!(throughput > 9.9e6, "{throughput}");
    let queue = link.wait_percentile(SECOND * 20, 0.5).as_millis_f64();
    assert!((queue / 100.0 - 1.0).abs() < 0.1, "{queue}");
}

#[test]
fn configurations_without_meaning_are_refused() {
    let field = |config: Ledbat| build(&config).err().and_then(|error| error.field);
    let refused = field(Ledbat {
        target: Span::ZERO,
        ..Ledbat::default()
    });
    assert_eq!(refused.as_deref(), Some("target"));
    let refused = field(Ledbat {
        gain: f64::NAN,
        ..Ledbat::default()
    });
    assert_eq!(refused.as_deref(), Some("gain"));
    let refused = field(Ledbat {
        init_cwnd: 1.0,
        ..Ledbat::default()
    });
    assert_eq!(refused.as_deref(), Some("init_cwnd"));
}
