//! An ordinary flow that nothing which the controller decides changes: 5
//! packets per 50 ms through a queue that fills and empties every 3 s, a few of
//! them lost or marked.

use std::ops::Range;

use weaknet_core::packet::{Arrival, Ecn};
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::script::Script;
use crate::cc::{CcEvent, CcOutput, CongestionController, Constraints, PacketResult, ProbeCluster};

/// Where the flow starts.
pub(super) const WIDE: Constraints = Constraints {
    min: Bitrate::from_kbps(100),
    start: Bitrate::from_kbps(300),
    max: Bitrate::from_mbps(2),
};
const NARROW: Constraints = Constraints {
    min: Bitrate::from_kbps(400),
    start: Bitrate::from_kbps(450),
    max: Bitrate::from_kbps(500),
};

/// Milliseconds between two reports.
const REPORT: u64 = 50;
/// Packets per report, one every 10 ms.
const PACKETS: u64 = 5;
/// Report `k` tells of the packets of three intervals before.
const BEHIND: u64 = 3;
const ONE_WAY: Span = Span::from_millis(25);

/// What a controller decided: its output, when it wants to be called, what it
/// wants probed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decision {
    /// Since the start of the flow.
    pub(super) at: Span,
    output: CcOutput,
    timer: Option<Span>,
    probe: Option<ProbeCluster>,
}

/// The flow.
#[derive(Clone)]
pub(super) struct Playback {
    pub(super) script: Script,
    start: Time,
    /// Number of the first packet.
    first: u64,
    /// What the receiver's clock shows more than the sender's.
    ahead: Span,
    pub(super) decisions: Vec<Decision>,
}

impl Playback {
    pub(super) fn new(start: Time, controller: Box<dyn CongestionController>) -> Self {
        Self::between(start, 0, Span::ZERO, controller)
    }

    /// One whose first packet has the number `first`, to a receiver whose clock
    /// is `ahead`.
    pub(super) fn between(
        start: Time,
        first: u64,
        ahead: Span,
        controller: Box<dyn CongestionController>,
    ) -> Self {
        let mut script = Script::starting_at(first, controller);
        script.event(start, CcEvent::Start(WIDE));
        Self {
            script,
            start,
            first,
            ahead,
            decisions: Vec::new(),
        }
    }

    /// When report `k` arrives.
    pub(super) fn time_of(&self, k: u64) -> Time {
        self.start + Span::from_millis(REPORT * (k + 1))
    }

    fn note(&mut self, now: Time) {
        let controller = &mut self.script.controller;
        let probe = controller.poll_probe();
        self.decisions.push(Decision {
            at: now - self.start,
            output: controller.output(),
            timer: controller.next_timer().map(|at| at.since(self.start)),
            probe,
        });
    }

    /// Plays intervals.
    pub(super) fn play(&mut self, intervals: Range<u64>) {
        for k in intervals {
            self.play_one(k, 1);
        }
    }

    /// Plays interval `k`, at whose end a report arrives `times` times.
    pub(super) fn play_one(&mut self, k: u64, times: u32) {
        for packet in 0..PACKETS {
            let at = self.start + Span::from_millis(REPORT * k + 10 * packet);
            self.script.send(at, 1);
        }
        let now = self.time_of(k);
        while let Some(due) = self.script.controller.next_timer().filter(|at| *at <= now) {
            self.script.controller.on_timer(now);
            self.note(now);
            if self.script.controller.next_timer() == Some(due) {
                break;
            }
        }
        self.tell_events(now, k);
        if let Some(told) = k.checked_sub(BEHIND) {
            let arrivals: Vec<Arrival> = (PACKETS * told..PACKETS * (told + 1))
                .map(|number| self.arrival(told, number))
                .collect();
            for _ in 0..times {
                let made = now.saturating_sub(ONE_WAY) + self.ahead;
                self.script.deliver(now, made, &arrivals);
            }
        }
        self.note(now);
    }

    /// What became of packet `number` of interval `k`.
    fn arrival(&self, k: u64, number: u64) -> Arrival {
        let queue = (k % 60).abs_diff(30) * 3;
        let ms = 10 * number + queue + number * 7 % 4;
        let at = self.start + self.ahead + ONE_WAY + Span::from_millis(ms);
        let lost = (number * 7_919).is_multiple_of(97);
        Arrival {
            seq: self.first + number,
            at: (!lost).then_some(at),
            ecn: match number % 53 {
                0 => Ecn::Ce,
                _ => Ecn::Ect1,
            },
        }
    }

    fn tell_events(&mut self, now: Time, k: u64) {
        let mut tell = |event| {
            self.script.event(now, event);
            self.note(now);
        };
        tell(CcEvent::PacerQueue(Bytes::new(k * 977 % 4_000)));
        if k.is_multiple_of(20) {
            tell(CcEvent::Frame(Bytes::new(1_200 + k % 1_000)));
            tell(CcEvent::Rtt(Span::from_millis(60)));
            tell(CcEvent::TrueCapacity(Bitrate::from_kbps(k * 13 % 3_000)));
            tell(CcEvent::LossReport {
                lost: u32::from(k.is_multiple_of(60)),
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

    /// What the last report told of.
    pub(super) fn results(&self) -> &[PacketResult] {
        self.script.results()
    }
}

/// Where two records part, in words.
pub(super) fn difference(ours: &[Decision], others: &[Decision]) -> Option<String> {
    if ours.len() != others.len() {
        return Some(format!("{} and {} decisions", ours.len(), others.len()));
    }
    let (a, b) = ours.iter().zip(others).find(|(a, b)| a != b)?;
    Some(format!(
        "{:.3} s into the flow: {:?} and {:?}, timers {:?} and {:?}, probes {:?} and {:?}",
        a.at.as_secs_f64(),
        a.output,
        b.output,
        a.timer,
        b.timer,
        a.probe,
        b.probe,
    ))
}
