//! Values of any size, straight into the controller.

use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::unharmed;
use crate::cc::{
    CcEvent, CongestionController, DeliverySnapshot, Feedback, FeedbackKind, PacketResult,
    ProbeCluster, SentKind, SentPacket,
};
use crate::conformance::battery::Bench;
use crate::conformance::life::Dice;
use crate::conformance::playback::WIDE;
use crate::conformance::report::Verdict;

const LIVES: u64 = 60;
const STEPS: u64 = 80;

pub(super) fn any_values(bench: &Bench<'_>) -> Verdict {
    let mut dice = Dice::new(bench.seed(), "extremes");
    for _ in 0..LIVES {
        let mut extreme = Extreme {
            controller: bench.controller(),
            now: Time::from_nanos(dice.below(2) * dice.any()),
            number: dice.below(2) * dice.any(),
        };
        let start = CcEvent::Start(if dice.chance(0.5) {
            WIDE
        } else {
            dice.bounds()
        });
        extreme.controller.on_event(extreme.now, &start);
        for _ in 0..STEPS {
            extreme.step(&mut dice);
        }
    }
    unharmed()
}

struct Extreme {
    controller: Box<dyn CongestionController>,
    now: Time,
    number: u64,
}

impl Extreme {
    fn step(&mut self, dice: &mut Dice) {
        match dice.below(10) {
            0..6 => self.report(dice),
            6 => {
                let bounds = CcEvent::Constraints(dice.bounds());
                self.controller.on_event(self.now, &bounds);
            }
            7 => {
                self.wait(dice);
                self.controller.on_timer(self.now);
            }
            _ => {
                let event = event(dice);
                self.controller.on_event(self.now, &event);
            }
        }
        self.controller.poll_probe();
    }

    fn wait(&mut self, dice: &mut Dice) {
        let nanos = if dice.chance(0.9) {
            dice.below(200_000_000)
        } else {
            dice.any()
        };
        self.now += Span::from_nanos(nanos);
    }

    /// A time near the present, before it, or any.
    fn time(&self, dice: &mut Dice) -> Time {
        match dice.below(10) {
            0 => Time::from_nanos(dice.any()),
            1 => Time::MAX,
            _ => {
                let ago = Span::from_nanos(dice.below(200_000_000));
                self.now.saturating_sub(ago)
            }
        }
    }

    fn report(&mut self, dice: &mut Dice) {
        self.wait(dice);
        let packets: Vec<PacketResult> = (0..dice.below(12)).map(|_| self.packet(dice)).collect();
        for packet in &packets {
            self.controller.on_sent(&packet.sent);
        }
        self.controller.on_feedback(&Feedback {
            now: self.now,
            made: dice.chance(0.5).then(|| self.time(dice)),
            packets: &packets,
            in_flight: Bytes::new(dice.any()),
            prior_in_flight: Bytes::new(dice.any()),
            kind: if dice.chance(0.5) {
                FeedbackKind::PerPacket
            } else {
                FeedbackKind::AckRanges
            },
        });
    }

    fn packet(&mut self, dice: &mut Dice) -> PacketResult {
        self.number = self.number.wrapping_add(1);
        let at = self.time(dice);
        let size = if dice.chance(0.9) {
            dice.below(2_000)
        } else {
            dice.any()
        };
        PacketResult {
            sent: SentPacket {
                number: self.number,
                at,
                size: Bytes::new(size),
                kind: if dice.chance(0.5) {
                    SentKind::Video
                } else {
                    SentKind::Padding
                },
                probe: dice.chance(0.2).then(|| ProbeCluster {
                    id: dice.any() as u32,
                    rate: Bitrate::from_bps(dice.any()),
                    min_packets: dice.any() as u32,
                    min_bytes: Bytes::new(dice.any()),
                    duration: Span::from_nanos(dice.any()),
                }),
                in_flight: Bytes::new(dice.any()),
                app_limited: dice.chance(0.3),
            },
            received: dice.chance(0.9).then(|| self.time(dice)),
            ecn: if dice.chance(0.3) {
                Ecn::Ce
            } else {
                Ecn::NotEct
            },
            recovered: dice.chance(0.1),
            delivery: DeliverySnapshot {
                delivered: Bytes::new(dice.any()),
                delivered_at: self.time(dice),
                first_sent_at: self.time(dice),
                lost: Bytes::new(dice.any()),
            },
        }
    }
}

fn event(dice: &mut Dice) -> CcEvent {
    match dice.below(12) {
        0 => CcEvent::RouteChange,
        1 => CcEvent::RetransmissionTimeout,
        2 => CcEvent::PersistentCongestion,
        3 => CcEvent::SpuriousLoss,
        4 => CcEvent::TrueCapacity(Bitrate::from_bps(dice.any())),
        5 => CcEvent::PacerQueue(Bytes::new(dice.any())),
        6 => CcEvent::Mtu(Bytes::new(dice.any())),
        7 => CcEvent::Frame(Bytes::new(dice.any())),
        8 => CcEvent::Allocated {
            min: Bitrate::from_bps(dice.any()),
            max: Bitrate::from_bps(dice.any()),
        },
        9 => CcEvent::LossReport {
            lost: dice.any() as u32,
            received: dice.any() as u32,
            interval: Span::from_nanos(dice.any()),
        },
        10 => CcEvent::Network {
            up: dice.chance(0.5),
        },
        _ => CcEvent::Rtt(Span::from_nanos(dice.any())),
    }
}
