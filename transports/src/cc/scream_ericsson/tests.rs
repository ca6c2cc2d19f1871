//! Formulas as worked examples, and laws of the whole controller.

use proptest::prelude::*;
use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::ScreamEricsson;
use super::delay::QueueDelay;
use super::loss::LossDetector;
use super::media::MediaRates;
use super::window::{Congestion, Surroundings, Window, reaction_interval};
use crate::cc::testing::build;
use crate::cc::{
    CcEvent, CongestionController, Constraints, DeliverySnapshot, Feedback, FeedbackKind,
    PacketResult, SentKind, SentPacket,
};

fn ms(ms: u64) -> Time {
    Time::from_millis(ms)
}

fn sent(number: u64, at: Time, in_flight: u64) -> SentPacket {
    SentPacket {
        number,
        at,
        size: Bytes::new(1_200),
        kind: SentKind::Video,
        probe: None,
        in_flight: Bytes::new(in_flight),
        app_limited: false,
    }
}

fn result(number: u64, at: Time, received: Option<Time>) -> PacketResult {
    PacketResult {
        sent: sent(number, at, 0),
        received,
        ecn: Ecn::NotEct,
        recovered: false,
        delivery: DeliverySnapshot::default(),
    }
}

fn report(now: Time, packets: &[PacketResult]) -> Feedback<'_> {
    Feedback {
        now,
        made: None,
        packets,
        in_flight: Bytes::ZERO,
        prior_in_flight: Bytes::new(30_000),
        kind: FeedbackKind::PerPacket,
    }
}

/// A window of `size` bytes or up to 1 % more, packets of 1200, 60 kB in flight.
fn window(size: u64) -> Window {
    let mut window = Window::new(Time::ZERO, &ScreamEricsson::default());
    window.on_sent(Time::ZERO, Bytes::new(1_200));
    window.on_in_flight(Bytes::new(60_000));
    let acked = Surroundings {
        acked: 1_200,
        ..around(ms(1))
    };
    while window.size() < size {
        window.update(None, &acked);
    }
    window
}

fn around(now: Time) -> Surroundings {
    Surroundings {
        now,
        rtt: 0.05,
        acked: 0,
        steadiness: 1.0,
        low_delay: false,
        target: 1e6,
        max_target: 5e6,
        acked_rate: 0.0,
    }
}

#[test]
fn grows_by_a_packet_and_a_twentieth_per_round_trip() {
    let mut window = window(24_000);
    let before = window.size();
    assert!((24_000..=24_240).contains(&before), "{before}");
    let acked = Surroundings {
        acked: before,
        ..around(ms(60))
    };
    window.update(None, &acked);
    // 1200 B + 0.05 x 24 kB.
    assert!((2_395..=2_415).contains(&(window.size() - before)));
    // Delay that varies leaves a tenth.
    let before = window.size();
    let shaky = Surroundings {
        acked: before,
        steadiness: 0.0,
        ..around(ms(120))
    };
    window.update(None, &shaky);
    assert!((235..=265).contains(&(window.size() - before)));
}

#[test]
fn gives_way_to_congestion() {
    let shrink = |congestion, rtt| {
        let mut window = window(24_000);
        let before = window.size() as f64;
        let now = Surroundings {
            rtt,
            ..around(ms(60))
        };
        window.update(Some(congestion), &now);
        window.size() as f64 / before
    };
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-3, "{a} {b}");
    close(shrink(Congestion::Loss, 0.05), 0.7);
    close(shrink(Congestion::Mark, 0.05), 0.8);
    // Half the share, spread over the reactions of a round trip of 60 ms.
    close(shrink(Congestion::Delay(0.5), 0.03), 0.75);
    close(shrink(Congestion::Delay(0.5), 0.06), 0.875);
    close(shrink(Congestion::L4sMarks(0.2), 0.03), 0.9);
}

#[test]
fn never_below_two_packets() {
    let mut window = window(24_000);
    for at in 1..100 {
        window.update(Some(Congestion::Loss), &around(ms(100 * at)));
    }
    assert_eq!(window.size(), 2_400);
}

#[test]
fn bytes_in_flight_bound_the_growth() {
    let mut window = Window::new(Time::ZERO, &ScreamEricsson::default());
    window.on_sent(Time::ZERO, Bytes::new(1_200));
    window.on_in_flight(Bytes::new(5_000));
    for at in 1..200 {
        let now = Surroundings {
            acked: 1_200,
            ..around(ms(10 * at))
        };
        window.update(None, &now);
    }
    assert!(window.size() <= 11_200 && window.size() > 10_000);
    let more = Surroundings {
        acked: 12_000,
        ..around(ms(2_001))
    };
    window.update(None, &more);
    assert!(window.size() <= 11_200);
}

#[test]
fn rate_of_a_window() {
    let window = window(30_000);
    // Over 49 + 1 ms, with a tenth of room and 20 bytes of headers in 1220.
    let rate = window.rate(0.049) / (window.size() as f64 / 30_000.0);
    assert!((rate - 4_292_101.3).abs() < 1.0, "{rate}");
    assert!((reaction_interval(0.05) - 0.03).abs() < 1e-12);
    assert!((reaction_interval(0.02) - 0.02).abs() < 1e-12);
}

#[test]
fn delay_falls_at_once_and_rises_by_a_quarter() {
    let mut delay = QueueDelay::new(Time::ZERO, Span::from_millis(60));
    let step = |delay: &mut QueueDelay, at: u64, queueing: u64| {
        delay.on_packet(ms(at), ms(at - 25 - queueing), ms(at));
        delay.on_report(ms(at), 0.03, 0.05);
        delay.average() * 1e3
    };
    assert!(step(&mut delay, 100, 0).abs() < 1e-9);
    assert!((step(&mut delay, 200, 40) - 10.0).abs() < 1e-9);
    assert!((step(&mut delay, 300, 70) - 25.0).abs() < 1e-9);
    assert_eq!(delay.virtual_marks(), 0.0);
    assert!((step(&mut delay, 400, 85) - 40.0).abs() < 1e-9);
    assert!((delay.virtual_marks() - 1.0 / 3.0).abs() < 1e-9);
    assert!(delay.average_is_raised() && !delay.is_low());
    assert!((step(&mut delay, 500, 4) - 4.0).abs() < 1e-9);
    assert!(delay.is_low());
    // 85 ms less 0 are cut to 20 in the spread, which averages slowly.
    assert!(delay.steadiness() < 1.0);
}

#[test]
fn losses_count_512_packets_later() {
    let mut loss = LossDetector::default();
    let packets = |from: u64, to: u64, lost: u64| -> Vec<PacketResult> {
        (from..to)
            .map(|n| result(n, ms(n), (n != lost).then(|| ms(n + 25))))
            .collect()
    };
    for from in (0..520).step_by(10) {
        let batch = packets(from, from + 10, 5);
        let lost = loss.on_report(&report(ms(from + 60), &batch), 0.1);
        assert!(!lost, "{from}");
    }
    // The newest of the report before is 519, so that 0 to 6 are judged.
    let batch = packets(520, 530, 5);
    assert!(loss.on_report(&report(ms(600), &batch), 0.1));
    assert!(loss.rate() > 0.002 && !loss.is_frequent());
}

#[test]
fn a_packet_that_comes_after_all_is_no_loss() {
    let mut loss = LossDetector::default();
    let first = [result(0, ms(0), None), result(1, ms(1), Some(ms(26)))];
    assert!(!loss.on_report(&report(ms(50), &first), 0.1));
    let late = [PacketResult {
        recovered: true,
        ..result(0, ms(0), Some(ms(90)))
    }];
    assert!(!loss.on_report(&report(ms(100), &late), 0.1));
    for n in 2..1_200 {
        let next = [result(n, ms(n), Some(ms(n + 25)))];
        assert!(!loss.on_report(&report(ms(n + 50), &next), 0.1), "{n}");
    }
}

#[test]
fn waiting_frames_lower_the_target() {
    let mut media = MediaRates::new(Time::ZERO);
    for frame in 0..10 {
        media.on_frame(ms(40 * frame), Bytes::new(5_000), 1e6, 1.5);
        media.on_departure(Bytes::new(5_000));
    }
    assert_eq!(media.adjust(), 0.0);
    for frame in 10..40 {
        media.on_frame(ms(40 * frame), Bytes::new(5_000), 1e6, 1.5);
    }
    assert_eq!((media.adjust(), media.pacing_scale()), (0.5, 1.5));
}

fn controller() -> Box<dyn CongestionController> {
    let mut controller = build(&ScreamEricsson::default()).unwrap();
    controller.on_event(
        Time::ZERO,
        &CcEvent::Start(Constraints {
            min: Bitrate::from_kbps(50),
            start: Bitrate::from_kbps(300),
            max: Bitrate::from_mbps(5),
        }),
    );
    controller
}

#[test]
fn half_a_second_without_departure_opens_the_window() {
    let mut controller = controller();
    controller.on_sent(&sent(0, ms(10), 1_200));
    controller.on_timer(ms(500));
    assert!(controller.output().cwnd.is_some());
    controller.on_timer(ms(511));
    assert_eq!(controller.output().cwnd, None);
    controller.on_sent(&sent(1, ms(512), 2_400));
    assert!(controller.output().cwnd.is_some());
}

#[test]
fn parameters_out_of_range_are_refused() {
    for (wrong, name) in [
        (
            ScreamEricsson {
                loss_beta: 1.1,
                ..ScreamEricsson::default()
            },
            "loss_beta",
        ),
        (
            ScreamEricsson {
                post_congestion_rtts: f64::NAN,
                ..ScreamEricsson::default()
            },
            "post_congestion_rtts",
        ),
        (
            ScreamEricsson {
                queue_delay_target: Span::ZERO,
                ..ScreamEricsson::default()
            },
            "queue_delay_target",
        ),
    ] {
        let Err(error) = build(&wrong) else {
            panic!("{name} was taken");
        };
        assert_eq!(error.field.as_deref(), Some(name));
    }
}

proptest! {
    /// Whatever is reported: the target keeps to its bounds, and a copy decides
    /// alike.
    #[test]
    fn target_keeps_to_its_bounds(
        steps in prop::collection::vec((1_u64..200, 1_u64..20, 0_u64..2_000, 0_u8..4), 1..80),
    ) {
        let mut a = controller();
        let (mut now, mut number) = (0, 0);
        for (wait, count, delay, kind) in steps {
            now += wait;
            let mut b = a.clone_box();
            let packets: Vec<_> = (0..count)
                .map(|i| {
                    let at = ms(now.saturating_sub(delay));
                    let mut packet = result(number + i, at, (kind != 1 || i == 0).then(|| ms(now)));
                    packet.ecn = if kind == 2 { Ecn::Ce } else { Ecn::NotEct };
                    packet
                })
                .collect();
            number += count;
            for controller in [&mut a, &mut b] {
                controller.on_event(ms(now), &CcEvent::Frame(Bytes::new(3_000)));
                controller.on_sent(&sent(number, ms(now), 50_000));
                controller.on_feedback(&report(ms(now + 1), &packets));
                controller.on_timer(ms(now + 1));
            }
            let output = a.output();
            prop_assert_eq!(output, b.output());
            let target = output.target.unwrap();
            prop_assert!(target >= Bitrate::from_kbps(50) && target <= Bitrate::from_mbps(5));
            prop_assert!(output.pacing.unwrap() >= target.min(Bitrate::from_kbps(50)));
        }
    }
}
