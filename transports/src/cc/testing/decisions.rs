//! What holds for every controller fed with reports that nothing it decides
//! changes.

use std::ops::Range;

use proptest::prelude::*;
use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::{lost, received, report, values};
use crate::cc::{CcEvent, CcOutput, CongestionController, Constraints, PacketResult};

type Controller = Box<dyn CongestionController>;

const WIDE: Constraints = Constraints {
    min: Bitrate::from_kbps(100),
    start: Bitrate::from_kbps(300),
    max: Bitrate::from_mbps(2),
};
const NARROW: Constraints = Constraints {
    min: Bitrate::from_kbps(400),
    start: Bitrate::from_kbps(450),
    max: Bitrate::from_kbps(500),
};

/// A flow of 5 packets per 50 ms through a queue that fills and empties every
/// 3 s, with a few packets lost or marked.
struct Recording {
    start: Time,
    bounds: Constraints,
    packets: Vec<PacketResult>,
    outputs: Vec<CcOutput>,
}

impl Recording {
    fn new(start: Time, controller: &mut dyn CongestionController) -> Self {
        controller.on_event(start, &CcEvent::Start(WIDE));
        Self {
            start,
            bounds: WIDE,
            packets: Vec::new(),
            outputs: Vec::new(),
        }
    }

    fn fork(&self) -> Self {
        Self {
            packets: Vec::new(),
            outputs: Vec::new(),
            ..*self
        }
    }

    fn note(&mut self, controller: &dyn CongestionController) {
        let output = controller.output();
        check(controller, &self.bounds);
        self.outputs.push(output);
    }

    fn play(&mut self, controller: &mut dyn CongestionController, reports: Range<u64>) {
        for k in reports {
            self.packets.clear();
            for number in 5 * k..5 * k + 5 {
                let sent = self.start + Span::from_millis(10 * number);
                let queue = (k % 60).abs_diff(30) * 3;
                let at = sent + Span::from_millis(25 + queue + number * 7 % 4);
                let mut packet = if number * 7_919 % 97 == 0 {
                    lost(number, sent, 1_000)
                } else {
                    received(number, sent, at, 1_000)
                };
                if number % 53 == 0 {
                    packet.ecn = Ecn::Ce;
                }
                controller.on_sent(&packet.sent);
                self.packets.push(packet);
            }
            let now = self.start + Span::from_millis(50 * k + 250);
            while controller.next_timer().is_some_and(|at| at <= now) {
                controller.on_timer(now);
                self.note(controller);
            }
            self.events(controller, now, k);
            let mut report = report(now, &self.packets);
            report.in_flight = Bytes::new(10_000);
            report.prior_in_flight = Bytes::new(15_000);
            controller.on_feedback(&report);
            self.note(controller);
        }
    }

    fn events(&mut self, controller: &mut dyn CongestionController, now: Time, k: u64) {
        let mut tell = |event| {
            if let CcEvent::Constraints(bounds) = event {
                self.bounds = bounds;
            }
            controller.on_event(now, &event);
            self.note(controller);
        };
        tell(CcEvent::PacerQueue(Bytes::new(k * 977 % 4_000)));
        if k % 20 == 0 {
            tell(CcEvent::Rtt(Span::from_millis(60)));
            tell(CcEvent::TrueCapacity(Bitrate::from_kbps(k * 13 % 3_000)));
            tell(CcEvent::LossReport {
                lost: u32::from(k % 60 == 0),
                received: 9,
                interval: Span::from_secs(1),
            });
        }
        match k {
            300 => tell(CcEvent::Constraints(NARROW)),
            360 => tell(CcEvent::Constraints(WIDE)),
            450 => tell(CcEvent::RouteChange),
            _ => {}
        }
    }
}

fn check(controller: &dyn CongestionController, bounds: &Constraints) {
    let output = controller.output();
    if let Some(target) = output.target {
        assert!(
            (bounds.min..=bounds.max).contains(&target),
            "{target} {bounds:?}"
        );
    }
    assert!(output.target.is_some() || output.cwnd.is_some());
    assert!(output.cwnd.is_none_or(|cwnd| cwnd >= Bytes::new(64)));
    for (name, value) in values(controller) {
        assert!(value.is_finite(), "{name} = {value}");
    }
}

/// The target stays within its bounds, a copy made on the way behaves alike,
/// and so does a flow that begins an hour later; reports that are empty or tell
/// nothing new do no harm.
pub(crate) fn check_laws(build: impl Fn() -> Controller) {
    let mut controller = build();
    assert!(controller.output().target.is_some() || controller.output().cwnd.is_some());
    let mut recording = Recording::new(Time::ZERO, controller.as_mut());
    recording.play(controller.as_mut(), 0..250);
    let (mut copy, mut forked) = (controller.clone_box(), recording.fork());
    recording.play(controller.as_mut(), 250..600);
    forked.play(copy.as_mut(), 250..600);
    let rest = recording.outputs.len() - forked.outputs.len();
    assert_eq!(recording.outputs[rest..], forked.outputs);
    assert_eq!(values(controller.as_ref()), values(copy.as_ref()));

    let mut late = build();
    let mut later = Recording::new(Time::from_secs(3_600), late.as_mut());
    later.play(late.as_mut(), 0..600);
    assert_eq!(recording.outputs, later.outputs);
    assert_eq!(values(controller.as_ref()), values(late.as_ref()));

    let now = Time::from_secs(60);
    controller.on_feedback(&report(now, &[]));
    check(controller.as_ref(), &WIDE);
    controller.on_feedback(&report(now, &recording.packets));
    controller.on_feedback(&report(now, &recording.packets));
    check(controller.as_ref(), &WIDE);
}

/// Anything that a caller may do.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Report(u64, Vec<(u64, Option<u64>, u64, bool)>),
    Bounds(u64, u64),
    Event(CcEvent),
    Timer(u64),
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let time = || prop_oneof![8 => 0_u64..200_000_000, 1 => any::<u64>()];
    let size = prop_oneof![8 => 0_u64..2_000, 1 => any::<u32>().prop_map(u64::from)];
    let packet = (
        time(),
        prop::option::weighted(0.9, time()),
        size,
        any::<bool>(),
    );
    let event = prop_oneof![
        Just(CcEvent::RouteChange),
        Just(CcEvent::RetransmissionTimeout),
        Just(CcEvent::PersistentCongestion),
        any::<u64>().prop_map(|bps| CcEvent::TrueCapacity(Bitrate::from_bps(bps))),
        any::<u64>().prop_map(|size| CcEvent::PacerQueue(Bytes::new(size))),
        any::<u64>().prop_map(|size| CcEvent::Mtu(Bytes::new(size))),
        (any::<u64>(), any::<u64>()).prop_map(|(min, max)| CcEvent::Allocated {
            min: Bitrate::from_bps(min),
            max: Bitrate::from_bps(max),
        }),
        (any::<u32>(), any::<u32>(), any::<u64>()).prop_map(|(lost, received, ns)| {
            CcEvent::LossReport {
                lost,
                received,
                interval: Span::from_nanos(ns),
            }
        }),
        any::<u64>().prop_map(|ns| CcEvent::Rtt(Span::from_nanos(ns))),
    ];
    let step = prop_oneof![
        6 => (time(), prop::collection::vec(packet, 0..12)).prop_map(|(t, p)| Step::Report(t, p)),
        1 => (any::<u64>(), any::<u64>()).prop_map(|(a, b)| Step::Bounds(a.min(b), a.max(b))),
        2 => event.prop_map(Step::Event),
        1 => time().prop_map(Step::Timer),
    ];
    prop::collection::vec(step, 1..80)
}

/// Whatever happens, every decision is within its bounds and every value a
/// number.
pub(crate) fn check_any(build: impl Fn() -> Controller, steps: &[Step]) {
    let mut controller = build();
    let (mut now, mut bounds, mut number) = (Time::ZERO, WIDE, 0);
    controller.on_event(now, &CcEvent::Start(bounds));
    for step in steps {
        match step {
            Step::Report(wait, packets) => {
                now += Span::from_nanos(*wait);
                let packets: Vec<_> = packets
                    .iter()
                    .map(|(back, arrival, size, marked)| {
                        number += 1;
                        let sent = now.saturating_sub(Span::from_nanos(*back));
                        let mut packet = lost(number, sent, *size);
                        packet.received = arrival.map(Time::from_nanos);
                        packet.ecn = if *marked { Ecn::Ce } else { Ecn::NotEct };
                        packet
                    })
                    .collect();
                controller.on_feedback(&report(now, &packets));
            }
            Step::Bounds(min, max) => {
                bounds = Constraints {
                    min: Bitrate::from_bps(*min),
                    start: Bitrate::from_bps(*min),
                    max: Bitrate::from_bps(*max),
                };
                controller.on_event(now, &CcEvent::Constraints(bounds));
            }
            Step::Event(event) => controller.on_event(now, event),
            Step::Timer(wait) => {
                now += Span::from_nanos(*wait);
                controller.on_timer(now);
            }
        }
        check(controller.as_ref(), &bounds);
    }
}
