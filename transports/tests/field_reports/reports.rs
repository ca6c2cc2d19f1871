//! Reports that overlap, come late, or tell of packets out of order.

use weaknet_core::packet::{Arrival, Ecn};
use weaknet_core::{Bitrate, Bytes, Span, Time};
use weaknet_transports::cc::{CcEvent, CcOutput, Constraints};
use weaknet_transports::conformance::{Fate, Script, value};

use crate::support::{CONSTRAINTS, Controller, Feed, ONE_WAY, SECOND, adaptive, gcc, kbps, ms};

/// A packet every 10 ms for 20 s, a report every 50 ms that repeats the last
/// `overlap` packets. The output after each report.
fn outputs(controller: Controller, overlap: u64) -> Vec<CcOutput> {
    let mut script = Script::new(controller);
    script.event(Time::ZERO, CcEvent::Start(CONSTRAINTS));
    let mut outputs = Vec::new();
    for k in 0..400 {
        for packet in 0..5 {
            script.send(Time::from_millis(50 * k + 10 * packet), 1);
        }
        let now = Time::from_millis(50 * k + 50);
        if script.controller.next_timer().is_some_and(|at| at <= now) {
            script.controller.on_timer(now);
        }
        let end = (5 * k).saturating_sub(5);
        let told = end.saturating_sub(5 + overlap)..end;
        let arrivals: Vec<_> = told
            .map(|seq| Arrival {
                seq,
                at: Some(Time::from_millis(10 * seq + 30 + seq * 7 % 5)),
                ecn: Ecn::NotEct,
            })
            .collect();
        script.deliver(now, now.saturating_sub(ONE_WAY), &arrivals);
        outputs.push(script.controller.output());
    }
    outputs
}

/// str0m#599: a packet that two reports tell of was counted twice.
#[test]
fn packets_that_reports_repeat_count_once() {
    for (name, controller) in adaptive() {
        let once = outputs(controller.clone(), 0);
        assert_eq!(outputs(controller, 20), once, "{name}");
    }
}

/// str0m#51: a report about packets that the history has forgotten.
#[test]
fn reports_older_than_the_history_are_ignored() {
    for (name, controller) in adaptive() {
        let mut script = Script::new(controller);
        script.event(Time::ZERO, CcEvent::Start(CONSTRAINTS));
        let end = script.send(Time::ZERO, 10);
        script.send(Time::from_secs(61), 1);
        let before = script.controller.output();
        let now = Time::from_millis(61_050);
        script.report(now, 0..end, Fate::Received);
        script.report(now, 500..510, Fate::Lost);
        assert_eq!(script.controller.output(), before, "{name}");
    }
}

/// mediasoup#1059: packets that arrive after a report has passed them looked
/// like losses for good. Depths of 3 and 50 packets, over the borders of
/// reports. An observation of libwebrtc's estimator closes after 250 ms of
/// sending and is not opened again, so that one packet in sixty that is half a
/// second late counts as lost there; it costs nothing of the target.
#[test]
fn packets_that_arrive_late_are_no_losses_in_the_end() {
    for (depth, most_loss) in [(3, 0.0), (50, 1.0 / 60.0)] {
        let mut feed = Feed::new(gcc());
        feed.run(SECOND * 20, Some(kbps(1_000)), |_, _| Some(ONE_WAY));
        let before = feed.target();
        // Every 60th packet takes as long as `depth` others.
        let late = ms(depth * 48 / 5);
        let targets = feed.run(SECOND * 10, Some(kbps(1_000)), |number, _| {
            let is_late = number.is_multiple_of(60);
            Some(if is_late { ONE_WAY + late } else { ONE_WAY })
        });
        let mean_loss = value(feed.script.controller.as_ref(), "mean_loss");
        assert!(mean_loss <= most_loss, "depth {depth}: {mean_loss}");
        let least = *targets.iter().min().unwrap();
        assert!(
            least >= before.mul_f64(0.95),
            "depth {depth}: {before} to {least}"
        );
    }
}

/// pion/webrtc#3122 is about the count of reports in 8 bits: nothing here reads
/// it, so that a wrap, or 300 lost reports in a row, cannot confuse anybody.
#[test]
fn three_hundred_lost_reports_in_a_row_are_survived() {
    for (name, controller) in adaptive() {
        let mut script = Script::new(controller);
        script.event(Time::ZERO, CcEvent::Start(CONSTRAINTS));
        let mut next = 0;
        for k in 0..600_u64 {
            let now = Time::from_millis(50 * k);
            let end = script.send(now, 2);
            if !(100..400).contains(&k) {
                script.report(now + ms(40), next..end, Fate::Received);
            }
            next = end;
        }
        let output = script.controller.output();
        let alive = output.target.is_some_and(|target| target > CONSTRAINTS.min);
        assert!(
            alive || output.cwnd > Some(Bytes::new(1_200)),
            "{name}: {output:?}"
        );
    }
}

/// jitsi#871: small changes were not passed on, until upscaling stood still. A
/// change of one bit per second is one, and a decision that changes nothing is
/// counted too where the controller publishes.
#[test]
fn the_smallest_change_of_bounds_is_a_change_of_the_target() {
    let mut script = Script::new(gcc());
    script.event(Time::ZERO, CcEvent::Start(CONSTRAINTS));
    for bps in [299_999, 299_998, 299_999] {
        let max = Bitrate::from_bps(bps);
        let bounds = Constraints { max, ..CONSTRAINTS };
        script.event(
            Time::ZERO + Span::from_millis(1),
            CcEvent::Constraints(bounds),
        );
        assert!(script.controller.output().target <= Some(max));
    }
}
