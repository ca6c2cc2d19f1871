//! Lives at random: what may happen to a flow, drawn from a named stream.

use weaknet_core::packet::{Arrival, Ecn};
use weaknet_core::rng::Sequence;
use weaknet_core::{Bitrate, Bytes, Span, Streams, Time};

use super::playback::WIDE;
use super::script::Script;
use crate::cc::{CcEvent, CcOutput, CongestionController, Constraints};

/// Windows beyond this are not filled: a test shall end.
const LARGEST_FLIGHT: Bytes = Bytes::new(1_000_000);

/// Something that happens to a flow.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Wait(Span),
    Send(u64),
    SendWindow,
    AppLimited,
    Timer,
    /// So many packets from an offset behind the newest, each with its arrival
    /// so long ago.
    Report(u64, Vec<(Option<Span>, Ecn)>),
    Event(CcEvent),
}

impl Step {
    /// In words, packets left out.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Report(_, packets) => {
                let lost = packets.iter().filter(|(at, _)| at.is_none()).count();
                format!("a report of {} packets, {lost} of them lost", packets.len())
            }
            other => format!("{other:?}"),
        }
    }
}

/// Draws numbers of all kinds.
pub(super) struct Dice(Sequence);

impl Dice {
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        Self(Streams::new(seed).sequence("conformance", purpose))
    }

    /// Below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0.bits() % bound.max(1)
    }

    /// Any number; small ones as often as large ones.
    pub(super) fn any(&mut self) -> u64 {
        let bits = self.0.bits();
        bits >> self.below(64)
    }

    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.0.unit() < share
    }

    /// Bounds of any size, also equal or from nothing to everything.
    pub(super) fn bounds(&mut self) -> Constraints {
        let (a, b, c) = (self.any(), self.any(), self.any());
        let mut sorted = [a, b, c];
        sorted.sort_unstable();
        let [min, start, max] = sorted.map(Bitrate::from_bps);
        match self.below(8) {
            0 => Constraints {
                min: max,
                start: max,
                max,
            },
            1 => Constraints {
                min: Bitrate::ZERO,
                start,
                max: Bitrate::MAX,
            },
            _ => Constraints { min, start, max },
        }
    }

    fn ordinary_bounds(&mut self) -> Constraints {
        let min = 30 + self.below(500);
        let max = min + self.below(3_000);
        let start = min + self.below(max - min + 1);
        let [min, start, max] = [min, start, max].map(Bitrate::from_kbps);
        Constraints { min, start, max }
    }

    fn event(&mut self) -> CcEvent {
        match self.below(12) {
            0 => CcEvent::RetransmissionTimeout,
            1 => CcEvent::PersistentCongestion,
            2 => CcEvent::SpuriousLoss,
            3 => CcEvent::RouteChange,
            4 => CcEvent::Mtu(Bytes::new(self.below(20_000))),
            5 => CcEvent::Network {
                up: self.chance(0.5),
            },
            6 => CcEvent::Rtt(Span::from_millis(self.below(500))),
            7 => CcEvent::LossReport {
                lost: self.below(20) as u32,
                received: self.below(100) as u32,
                interval: Span::from_secs(1),
            },
            8 => CcEvent::Frame(Bytes::new(self.below(20_000))),
            9 => CcEvent::PacerQueue(Bytes::new(self.below(20_000))),
            10 => CcEvent::TrueCapacity(Bitrate::from_kbps(self.below(5_000))),
            _ => CcEvent::Constraints(self.ordinary_bounds()),
        }
    }

    fn arrival(&mut self) -> (Option<Span>, Ecn) {
        let ago = Span::from_micros(self.below(40_000));
        match self.below(10) {
            0 => (None, Ecn::NotEct),
            1 => (Some(ago), Ecn::Ce),
            _ => (Some(ago), Ecn::Ect1),
        }
    }

    fn step(&mut self) -> Step {
        match self.below(26) {
            0..5 => Step::Wait(Span::from_micros(self.below(200_000))),
            5 => Step::Wait(Span::from_millis(self.below(100_000))),
            6..8 => Step::Send(self.below(20)),
            8..12 => Step::SendWindow,
            12 => Step::AppLimited,
            13..16 => Step::Timer,
            16..24 => {
                let count = self.below(30);
                let packets = (0..count).map(|_| self.arrival()).collect();
                Step::Report(self.below(40), packets)
            }
            _ => Step::Event(self.event()),
        }
    }

    /// A life of up to 300 steps.
    pub(super) fn life(&mut self) -> Vec<Step> {
        (0..self.below(300)).map(|_| self.step()).collect()
    }
}

/// A flow that lives through steps.
#[derive(Clone)]
pub(super) struct Life {
    script: Script,
    born: Time,
    now: Time,
}

impl Life {
    pub(super) fn born(at: Time, controller: Box<dyn CongestionController>) -> Self {
        let mut script = Script::new(controller);
        script.event(at, CcEvent::Start(WIDE));
        Self {
            script,
            born: at,
            now: at,
        }
    }

    /// Since the start of the flow.
    pub(super) fn age(&self) -> Span {
        self.now - self.born
    }

    pub(super) fn step(&mut self, step: &Step) {
        match step {
            Step::Wait(span) => self.now += *span,
            Step::Send(count) => {
                self.script.send(self.now, *count);
            }
            Step::SendWindow => {
                let cwnd = self.script.controller.output().cwnd;
                if cwnd.is_some_and(|cwnd| cwnd < LARGEST_FLIGHT) {
                    self.script.send_window(self.now);
                } else {
                    self.script.send(self.now, 10);
                }
            }
            Step::AppLimited => self.script.set_app_limited(),
            Step::Timer => {
                let due = self.script.controller.next_timer();
                if due.is_some_and(|at| at <= self.now) {
                    self.script.controller.on_timer(self.now);
                }
            }
            Step::Report(behind, packets) => {
                let from = self.script.next_number().saturating_sub(*behind);
                let arrivals: Vec<Arrival> = (from..)
                    .zip(packets)
                    .map(|(seq, (ago, ecn))| Arrival {
                        seq,
                        at: ago.map(|ago| self.now.saturating_sub(ago)),
                        ecn: *ecn,
                    })
                    .collect();
                self.script.deliver(self.now, self.now, &arrivals);
            }
            Step::Event(event) => self.script.event(self.now, *event),
        }
    }

    /// What the controller wants now, times since the start.
    pub(super) fn wants(&self) -> (CcOutput, Option<Span>) {
        let controller = &self.script.controller;
        let timer = controller.next_timer().map(|at| at.since(self.born));
        (controller.output(), timer)
    }
}
