//! Behaviour of the whole controller: in a closed loop, and on any input.

use proptest::prelude::*;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use crate::cc::{CcEvent, CongestionController, Constraints};

use crate::conformance::values;

use super::controller::Controller;
use super::testing::{Call, constraints, lost, received, report, result, sent};
use super::{Gcc, PushbackConfig, PushbackMode};

fn mean(targets: &[u64]) -> u64 {
    targets.iter().sum::<u64>() / targets.len() as u64
}

fn started() -> Controller {
    let mut controller = Controller::new(&Gcc::default());
    controller.on_event(Time::ZERO, &CcEvent::Start(constraints()));
    controller
}

#[test]
fn start_probes_at_three_and_six_times_the_start_rate() {
    let mut controller = started();
    let probes: Vec<_> = std::iter::from_fn(|| controller.poll_probe())
        .map(|probe| {
            (
                probe.id,
                probe.rate.as_bps(),
                probe.min_packets,
                probe.min_bytes.get(),
            )
        })
        .collect();
    assert_eq!(probes, [(1, 900_000, 5, 1_688), (2, 1_800_000, 5, 3_375)]);
    assert_eq!(controller.output().pacing, Some(Bitrate::from_kbps(750)));
    assert_eq!(controller.decisions(), Some(1));
}

#[test]
fn settles_below_the_capacity_from_any_start() {
    for start in [300, 1_600, 3_200] {
        let constraints = Constraints {
            start: Bitrate::from_kbps(start),
            ..constraints()
        };
        let link = Bitrate::from_mbps(1);
        let mut call = Call::starting_at(&Gcc::default(), link, Time::ZERO, constraints);
        call.run(30);
        let settled = mean(call.run(30));
        assert!(
            (850_000..1_000_000).contains(&settled),
            "from {start} kbps: {settled}"
        );
    }
}

#[test]
fn gaps_between_numbers_change_nothing() {
    let run = |stride| {
        let mut call = Call::new(&Gcc::default(), Bitrate::from_mbps(1));
        call.stride = stride;
        call.loss = 8;
        call.run(10);
        call.targets
    };
    assert_eq!(run(1), run(40_000));
}

#[test]
fn receiver_clock_set_forward_or_back_does_not_cut_the_rate() {
    for clock in [5_000, 20_000] {
        let mut call = Call::new(&Gcc::default(), Bitrate::from_mbps(1));
        call.clock = Time::from_secs(10);
        call.run(20);
        let before = mean(call.run(5));
        call.clock = Time::from_millis(clock);
        let after = mean(call.run(5));
        assert!(after * 10 > before * 8, "{before} before, {after} after");
    }
}

#[test]
fn silence_of_feedback_backs_off_after_three_seconds_and_recovers() {
    let mut call = Call::new(&Gcc::default(), Bitrate::from_mbps(1));
    call.run(20);
    call.reporting = false;
    let silent = call.run(8).to_vec();
    assert_eq!(silent[2_900], silent[0], "tolerated for three seconds");
    // Steps of 0.8 a second, the first once silence and round trip make 3 s.
    let expected = silent[0] as f64 * 0.8_f64.powi(5);
    assert!(
        (silent[7_500] as f64 / expected - 1.0).abs() < 0.01,
        "{} {expected}",
        silent[7_500]
    );
    call.reporting = true;
    call.run(20);
    assert!(mean(call.run(5)) > 700_000);
}

#[test]
fn pause_of_sending_keeps_the_rate() {
    let mut call = Call::new(&Gcc::default(), Bitrate::from_mbps(1));
    call.run(20);
    call.sending = false;
    let before = call.run(10)[0];
    call.sending = true;
    let after = mean(call.run(5));
    assert!(after * 10 > before * 8, "{before} before, {after} after");
}

#[test]
fn heavy_loss_ends_without_a_lasting_mark() {
    let mut call = Call::new(&Gcc::default(), Bitrate::from_mbps(1));
    call.run(10);
    call.loss = 51;
    call.run(60);
    call.loss = 0;
    call.run(10);
    assert!(
        mean(call.run(10)) > 600_000,
        "{}",
        call.targets.last().unwrap()
    );
}

#[test]
fn little_source_still_probes_the_capacity() {
    let mut call = Call::new(&Gcc::default(), Bitrate::from_mbps(3));
    call.source = Bitrate::from_kbps(500);
    call.run(10);
    let target = mean(call.run(20));
    assert!((2_500_000..3_100_000).contains(&target), "{target}");
}

#[test]
fn reports_without_packets_decide_nothing() {
    let mut controller = started();
    let before = (controller.decisions(), values(&controller));
    controller.on_feedback(&report(Time::from_millis(100), &[], 0));
    assert_eq!((controller.decisions(), values(&controller)), before);
}

#[test]
fn unchanged_decisions_are_counted_when_the_round_trip_changes() {
    let mut controller = started();
    let before = (controller.decisions().unwrap(), controller.output());
    let rtt = CcEvent::Rtt(Span::from_millis(80));
    controller.on_event(Time::from_millis(10), &rtt);
    controller.on_timer(Time::from_millis(25));
    assert_eq!(
        (controller.decisions().unwrap(), controller.output()),
        (before.0 + 1, before.1)
    );
}

#[test]
fn overfull_window_drops_frames_or_lowers_the_target() {
    for mode in [
        PushbackMode::DropFrames,
        PushbackMode::LowerTarget,
        PushbackMode::LimitPacer,
    ] {
        let pushback = PushbackConfig {
            mode,
            ..PushbackConfig::default()
        };
        let mut call = Call::new(
            &Gcc {
                pushback,
                ..Gcc::default()
            },
            Bitrate::from_mbps(1),
        );
        call.run(10);
        let target = call.controller.output().target.unwrap();
        let mut packet = sent(1_000_000, call.now(), 1_000);
        packet.in_flight = Bytes::new(10_000_000);
        call.controller.on_sent(&packet);
        let output = call.controller.output();
        match mode {
            PushbackMode::DropFrames => {
                assert_eq!(output.target, Some(target));
                assert!(
                    (output.frame_drop - 0.1).abs() < 1e-5,
                    "{}",
                    output.frame_drop
                );
            }
            PushbackMode::LowerTarget => assert!(output.target.unwrap() < target),
            PushbackMode::LimitPacer | PushbackMode::Off => assert!(output.cwnd.is_some()),
        }
    }
}

#[test]
fn another_path_starts_over() {
    let mut call = Call::new(&Gcc::default(), Bitrate::from_mbps(1));
    call.run(20);
    let now = call.now();
    call.controller.on_event(now, &CcEvent::RouteChange);
    assert_eq!(
        call.controller.output().target,
        Some(Bitrate::from_kbps(300))
    );
    assert_eq!(
        call.controller.poll_probe().map(|probe| probe.rate),
        Some(Bitrate::from_kbps(900))
    );
    assert!(mean(call.run(10)) > 700_000);
}

#[test]
fn new_bounds_hold_at_once() {
    let mut call = Call::new(&Gcc::default(), Bitrate::from_mbps(1));
    call.run(20);
    let low = Constraints {
        max: Bitrate::from_kbps(400),
        ..constraints()
    };
    call.controller
        .on_event(call.now(), &CcEvent::Constraints(low));
    assert!(call.run(5).iter().skip(60).all(|target| *target <= 400_000));
    let high = Constraints {
        min: Bitrate::from_mbps(2),
        ..constraints()
    };
    call.controller
        .on_event(call.now(), &CcEvent::Constraints(high));
    assert!(call.run(5).iter().all(|target| *target >= 2_000_000));
}

#[test]
fn configurations_without_meaning_are_refused() {
    let field = |change: fn(&mut Gcc)| {
        let mut config = Gcc::default();
        change(&mut config);
        config.validate().unwrap_err().field.unwrap()
    };
    assert_eq!(field(|c| c.aimd.backoff = 1.0), "aimd.backoff");
    assert_eq!(field(|c| c.trendline.window = 5), "trendline.window");
    assert_eq!(field(|c| c.loss.observations = 1), "loss.observations");
    assert_eq!(
        field(|c| c.loss.max_inherent_loss = f64::NAN),
        "loss.max_inherent_loss"
    );
    assert_eq!(field(|c| c.probing.alr_scale = -1.0), "probing.alr_scale");
    assert!(Gcc::default().validate().is_ok());
}

/// Any packet of any report.
fn any_result() -> impl Strategy<Value = (u64, u64, Option<u64>, u64)> {
    (
        0..50_u64,
        0..20_000_u64,
        proptest::option::of(0..40_000_u64),
        0..100_000_u64,
    )
}

proptest! {
    #[test]
    fn any_reports_keep_the_target_within_its_bounds(
        reports in proptest::collection::vec((0..500_u64, proptest::collection::vec(any_result(), 0..30)), 0..60),
    ) {
        let mut controller = started();
        let mut now = 0;
        for (wait, packets) in reports {
            now += wait;
            let packets: Vec<_> = packets
                .into_iter()
                .map(|(number, sent_ms, at, size)| match at {
                    Some(at) => received(number, sent_ms, at, size),
                    None => lost(number, sent_ms, size),
                })
                .collect();
            controller.on_feedback(&report(Time::from_millis(now), &packets, now * 1_000));
            controller.on_timer(Time::from_millis(now));
            while controller.poll_probe().is_some() {}
            let target = controller.output().target.unwrap();
            prop_assert!(target >= constraints().min && target <= constraints().max);
            prop_assert!(controller.output().frame_drop.is_finite());
        }
    }

    #[test]
    fn extreme_values_do_not_panic(times in proptest::collection::vec(any::<u64>(), 1..20), size in any::<u64>()) {
        let mut controller = started();
        for (number, time) in times.into_iter().enumerate() {
            let at = Time::from_nanos(time);
            let packet = sent(number as u64, at, size);
            controller.on_sent(&packet);
            let packets = [result(packet, Some(at)), result(packet, None), result(packet, Some(Time::MAX))];
            controller.on_feedback(&report(at, &packets, size));
            controller.on_timer(at);
            let huge = Constraints { min: Bitrate::from_bps(time), start: Bitrate::MAX, max: Bitrate::MAX };
            controller.on_event(at, &CcEvent::Constraints(huge));
            controller.on_event(at, &CcEvent::Allocated { min: Bitrate::ZERO, max: Bitrate::MAX });
        }
        prop_assert!(controller.output().target.is_some());
    }
}

#[test]
fn repeated_and_swapped_reports_keep_the_rate_near_the_capacity() {
    let mut controller = started();
    let packet = |k: u64| received(k, k * 10, k * 10 + 30, 1_000);
    let reports: Vec<Vec<_>> = (0..600)
        .map(|r| (r * 5..r * 5 + 5).map(packet).collect())
        .collect();
    for r in 0..600 {
        let now = Time::from_millis(r * 50 + 100);
        // Each report trades places with its neighbour and comes twice.
        let swapped = &reports[(r ^ 1) as usize];
        controller.on_feedback(&report(now, swapped, 5_000));
        controller.on_feedback(&report(now, swapped, 5_000));
        controller.on_timer(now);
    }
    // 800 kbps arrive; reported twice they look like 1.6 Mbps, and the window
    // may end between the two: 1.5 x 1.61 Mbps + 10 kbps.
    let target = controller.output().target.unwrap();
    assert!(
        target >= Bitrate::from_kbps(300) && target <= Bitrate::from_kbps(2_425),
        "{target}"
    );
}
