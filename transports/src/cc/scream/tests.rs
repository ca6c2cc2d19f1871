//! Behaviour of the whole controller: what it publishes when, in a closed
//! loop, and on any input.

use std::collections::VecDeque;

use proptest::prelude::*;
use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use crate::cc::{CcEvent, CongestionController, Constraints, PacketResult, SentPacket};
use crate::conformance::values;

use super::Scream;
use super::controller::Controller;
use super::testing::{constraints, lost, received, report, result, sent};

fn started_with(config: &Scream) -> Controller {
    let mut controller = Controller::new(config);
    let allocated = CcEvent::Allocated {
        min: Bitrate::ZERO,
        max: Bitrate::from_mbps(5),
    };
    controller.on_event(Time::ZERO, &allocated);
    controller.on_event(Time::ZERO, &CcEvent::Start(constraints()));
    controller
}

fn started() -> Controller {
    started_with(&Scream::default())
}

#[test]
fn start_publishes_the_start_rate_padding_and_three_least_windows() {
    let controller = started();
    let output = controller.output();
    assert_eq!(output.target, Some(Bitrate::from_kbps(300)));
    assert_eq!(output.pacing, Some(Bitrate::from_kbps(330)));
    assert_eq!(output.padding, Bitrate::from_kbps(300));
    assert_eq!(output.cwnd, Some(Bytes::new(3_000)));
    assert_eq!(output.ecn, Ecn::Ect1);
    assert_eq!(controller.decisions(), Some(1));
}

#[test]
fn sending_beyond_the_window_is_a_decision() {
    let mut controller = started();
    controller.on_sent(&sent(0, Time::from_millis(1), 1_000, 3_000));
    assert_eq!(controller.decisions(), Some(1));
    controller.on_sent(&sent(1, Time::from_millis(2), 1, 3_001));
    assert_eq!(controller.decisions(), Some(2));
}

#[test]
fn first_window_is_the_start_rate_over_round_trip_and_hold() {
    let mut controller = started();
    let packets = [received(0, 0, 27, 625), received(1, 15, 42, 625)];
    let mut feedback = report(Time::from_millis(75), &packets);
    feedback.made = Some(Time::from_millis(50));
    controller.on_feedback(&feedback);
    // Round trip 75 - 15 - 8 ms, hold 50 - 27 ms: 2812.5 bytes.
    let value = |name| {
        let values = values(&controller);
        values.iter().find(|(n, _)| *n == name).unwrap().1
    };
    assert_eq!(value("smoothed_rtt_ms"), 52.0);
    assert_eq!(value("feedback_hold_ms"), 23.0);
    assert!((2_813.0..2_813.0 + 1_280.0).contains(&value("ref_window_bytes")));
}

#[test]
fn padding_comes_and_goes_every_three_seconds() {
    let mut controller = started();
    for (ms, padded) in [
        (2_999, true),
        (3_000, false),
        (5_999, false),
        (6_000, true),
        (9_000, false),
    ] {
        controller.on_timer(Time::from_millis(ms));
        assert_eq!(controller.output().padding.is_zero(), !padded, "{ms} ms");
    }
    let never = Scream {
        time_between_periodic_padding: None,
        ..Scream::default()
    };
    assert!(started_with(&never).output().padding.is_zero());
}

#[test]
fn reports_without_packets_decide_nothing() {
    let mut controller = started();
    controller.on_feedback(&report(Time::from_millis(100), &[]));
    assert_eq!(controller.decisions(), Some(1));
}

#[test]
fn configurations_without_meaning_are_refused() {
    let field = |change: fn(&mut Scream)| {
        let mut config = Scream::default();
        change(&mut config);
        config.validate().unwrap_err().field.unwrap()
    };
    assert_eq!(field(|c| c.virtual_rtt = Span::ZERO), "virtual_rtt");
    assert_eq!(field(|c| c.min_ref_window = Bytes::ZERO), "min_ref_window");
    assert_eq!(field(|c| c.l4s_avg_g_up = f64::NAN), "l4s_avg_g_up");
    assert_eq!(field(|c| c.beta_loss = 0.0), "beta_loss");
    assert_eq!(
        field(|c| c.base_delay_window_length = 0),
        "base_delay_window_length"
    );
    assert_eq!(
        field(|c| c.ref_window_overhead_min = 4.0),
        "ref_window_overhead_min"
    );
    assert!(Scream::default().validate().is_ok());
}

/// A call over a bottleneck of 1 Mbps with 25 ms each way and a queue of
/// 300 ms; packets of 1000 bytes, reports every 50 ms; steps of 1 ms.
struct Call {
    controller: Box<dyn CongestionController>,
    /// Added to arrival times by the receiver's clock.
    clock: Span,
    /// Queue from which packets are marked.
    marking: Option<Span>,
    step: u64,
    number: u64,
    credit_bits: u64,
    link_free: Time,
    flying: VecDeque<(SentPacket, Option<Time>, Ecn)>,
    results: Vec<PacketResult>,
    targets: Vec<u64>,
    longest_queue: Span,
}

const SIZE: u64 = 1_000;
const ONE_WAY: Span = Span::from_millis(25);

impl Call {
    fn new() -> Self {
        Self {
            controller: Box::new(started()),
            clock: Span::ZERO,
            marking: None,
            step: 0,
            number: 0,
            credit_bits: 0,
            link_free: Time::ZERO,
            flying: VecDeque::new(),
            results: Vec::new(),
            targets: Vec::new(),
            longest_queue: Span::ZERO,
        }
    }

    /// Runs for `seconds`; mean target and longest queue of that time.
    fn run(&mut self, seconds: u64) -> (u64, Span) {
        self.targets.clear();
        self.longest_queue = Span::ZERO;
        for _ in 0..seconds * 1_000 {
            self.millisecond();
        }
        let mean = self.targets.iter().sum::<u64>() / self.targets.len() as u64;
        (mean, self.longest_queue)
    }

    fn millisecond(&mut self) {
        let now = Time::from_millis(self.step);
        let output = self.controller.output();
        let target = output.target.unwrap().as_bps();
        self.targets.push(target);
        self.credit_bits = (self.credit_bits + target / 1_000).min(10 * SIZE * 8);
        while self.credit_bits >= SIZE * 8 {
            let in_flight = self.flying.len() as u64 * SIZE;
            if self
                .controller
                .output()
                .cwnd
                .is_some_and(|cwnd| in_flight >= cwnd.get())
            {
                break;
            }
            self.credit_bits -= SIZE * 8;
            let packet = sent(self.number, now, SIZE, in_flight + SIZE);
            self.number += 1;
            let queue = self.link_free.max(now) - now;
            self.longest_queue = self.longest_queue.max(queue);
            let fits = queue <= Span::from_millis(300);
            if fits {
                self.link_free = self.link_free.max(now) + Span::from_millis(8);
            }
            let ecn = match self.marking {
                Some(least) if queue > least => Ecn::Ce,
                _ => Ecn::Ect1,
            };
            let arrival = fits.then_some(self.link_free + ONE_WAY);
            self.flying.push_back((packet, arrival, ecn));
            self.controller.on_sent(&packet);
        }
        if self.step % 50 == 49 {
            self.report(now);
        }
        if self.controller.next_timer().is_some_and(|due| due <= now) {
            self.controller.on_timer(now);
        }
        self.step += 1;
    }

    fn report(&mut self, now: Time) {
        let seen = |(_, arrival, _): &(SentPacket, Option<Time>, Ecn)| {
            arrival.is_some_and(|at| at + ONE_WAY <= now)
        };
        let Some(last) = self.flying.iter().rposition(seen) else {
            return;
        };
        self.results.clear();
        for (packet, arrival, ecn) in self.flying.drain(..=last) {
            let mut packet = result(packet, arrival.map(|at| at + self.clock));
            packet.ecn = ecn;
            self.results.push(packet);
        }
        let mut feedback = report(now, &self.results);
        feedback.made = Some(now.saturating_sub(ONE_WAY) + self.clock);
        feedback.in_flight = Bytes::new(self.flying.len() as u64 * SIZE);
        self.controller.on_feedback(&feedback);
    }
}

#[test]
fn settles_at_the_capacity_with_a_queue_near_the_target() {
    let mut call = Call::new();
    call.run(20);
    let (target, queue) = call.run(40);
    assert!((800_000..1_100_000).contains(&target), "{target}");
    assert!(queue < Span::from_millis(120), "{queue:?}");
}

#[test]
fn marks_keep_the_queue_shorter_than_delay_alone() {
    let mut call = Call::new();
    call.run(20);
    let (_, without) = call.run(40);
    let mut call = Call::new();
    call.marking = Some(Span::from_millis(5));
    call.run(20);
    let (target, with) = call.run(40);
    assert!(with < without, "{with:?} {without:?}");
    assert!((500_000..1_050_000).contains(&target), "{target}");
}

#[test]
fn offset_of_the_receivers_clock_changes_nothing() {
    let run = |clock| {
        let mut call = Call::new();
        call.clock = clock;
        call.run(20);
        call.targets
    };
    assert_eq!(run(Span::from_secs(3_600)), run(Span::ZERO));
}

#[test]
fn another_path_starts_over() {
    let mut call = Call::new();
    call.run(20);
    let now = Time::from_millis(call.step);
    call.controller.on_event(now, &CcEvent::RouteChange);
    let output = call.controller.output();
    assert_eq!(output.target, Some(Bitrate::from_kbps(300)));
    assert_eq!(output.cwnd, Some(Bytes::new(3_000)));
}

#[test]
fn new_bounds_hold_at_once() {
    let mut call = Call::new();
    call.run(20);
    let low = Constraints {
        max: Bitrate::from_kbps(400),
        ..constraints()
    };
    call.controller
        .on_event(Time::from_millis(call.step), &CcEvent::Constraints(low));
    assert_eq!(call.controller.output().target, Some(low.max));
    call.run(5);
    assert!(call.targets.iter().all(|target| *target <= 400_000));
}

proptest! {
    #[test]
    fn any_reports_keep_the_target_within_its_bounds(
        reports in proptest::collection::vec(
            (0..500_u64, proptest::collection::vec(
                (0..50_u64, 0..20_000_u64, proptest::option::of(0..40_000_u64), 0..100_000_u64, any::<bool>()),
                1..30,
            )),
            1..60,
        ),
    ) {
        let mut controller = started();
        let mut now = 0;
        for (wait, packets) in reports {
            now += wait;
            let packets: Vec<_> = packets
                .into_iter()
                .map(|(number, sent_ms, at, size, marked)| {
                    let mut packet = match at {
                        Some(at) => received(number, sent_ms, at, size),
                        None => lost(number, sent_ms, size),
                    };
                    if marked {
                        packet.ecn = Ecn::Ce;
                    }
                    packet
                })
                .collect();
            controller.on_feedback(&report(Time::from_millis(now), &packets));
            controller.on_timer(Time::from_millis(now));
            let output = controller.output();
            let target = output.target.unwrap();
            prop_assert!(target >= constraints().min && target <= constraints().max);
            prop_assert!(output.cwnd.unwrap() >= Bytes::new(1_500));
        }
    }

    #[test]
    fn extreme_values_do_not_panic(times in proptest::collection::vec(any::<u64>(), 1..20), size in any::<u64>()) {
        let mut controller = started();
        for (number, time) in times.into_iter().enumerate() {
            let at = Time::from_nanos(time);
            let packet = sent(number as u64, at, size, size);
            controller.on_sent(&packet);
            let packets = [result(packet, Some(at)), result(packet, None), result(packet, Some(Time::MAX))];
            let mut feedback = report(at, &packets);
            feedback.made = Some(Time::ZERO);
            controller.on_feedback(&feedback);
            controller.on_timer(at);
            let odd = Constraints { min: Bitrate::from_bps(time), start: Bitrate::MAX, max: Bitrate::from_bps(size) };
            controller.on_event(at, &CcEvent::Constraints(odd));
            controller.on_event(at, &CcEvent::Allocated { min: Bitrate::ZERO, max: Bitrate::MAX });
        }
        let all = values(&controller);
        prop_assert!(all.iter().all(|(_, value)| value.is_finite()), "{all:?}");
    }
}
