//! Every discipline in several forms, under any limit.

use proptest::prelude::*;
use weaknet_core::packet::Packet;
use weaknet_core::{Bytes, Ratio, Span};
use weaknet_netem::model::{Qdisc, Queue};
use weaknet_netem::queue::{
    Band, Codel, ControlLaw, Decay, DropHead, DropTail, Drr, DualPi2, DualPi2Scheduler,
    DualPi2Variant, FqCodel, Latency, Pie, PieVariant, Priority, QueueLimit, Red, TrafficClass,
    TurnEnds,
};

use crate::random_links::Part;

/// Which packets keep their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// All of them.
    All,
    /// Those of a flow.
    Flow,
    /// Those of a flow with the same ECN field and class.
    Kind,
}

impl Order {
    /// Packets with the same key keep their order.
    pub(crate) fn key(self, sent: &Packet) -> impl Ord {
        let flow = (sent.flow, sent.leg, sent.path);
        match self {
            Self::All => None,
            Self::Flow => Some((flow, None)),
            Self::Kind => Some((flow, Some((sent.ecn, sent.class())))),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    DropTail,
    DropHead,
    Red,
    RedSteep,
    RedByTime,
    Codel,
    CodelMarks,
    CodelStrict,
    CodelLinux,
    FqCodel,
    FqCodelSmall,
    Pie,
    PieSpread,
    PieMarks,
    PieLinux,
    PieLinuxRate,
    DualPi2,
    DualPi2Linux,
    DualPi2Fifo,
    Priority,
    Drr,
}

pub(crate) const ALL: [Which; 21] = [
    Which::DropTail,
    Which::DropHead,
    Which::Red,
    Which::RedSteep,
    Which::RedByTime,
    Which::Codel,
    Which::CodelMarks,
    Which::CodelStrict,
    Which::CodelLinux,
    Which::FqCodel,
    Which::FqCodelSmall,
    Which::Pie,
    Which::PieSpread,
    Which::PieMarks,
    Which::PieLinux,
    Which::PieLinuxRate,
    Which::DualPi2,
    Which::DualPi2Linux,
    Which::DualPi2Fifo,
    Which::Priority,
    Which::Drr,
];

impl Which {
    pub(crate) fn order(self) -> Order {
        match self {
            Self::FqCodel | Self::FqCodelSmall | Self::Drr => Order::Flow,
            Self::DualPi2 | Self::DualPi2Linux | Self::DualPi2Fifo | Self::Priority => Order::Kind,
            _ => Order::All,
        }
    }

    /// How many queues have a limit of their own.
    pub(crate) fn limits(self) -> u64 {
        if matches!(self, Self::Priority) { 2 } else { 1 }
    }

    /// Quick to act, so that short runs see it.
    pub(crate) fn part(self, limit: QueueLimit) -> Part<Qdisc> {
        let soon = Span::from_millis(2);
        let red = Red {
            limit,
            weight: 0.2,
            min: QueueLimit::Packets(2),
            ecn: true,
            ..Red::default()
        };
        let codel = Codel {
            limit,
            target: soon,
            interval: soon * 4,
            ..Codel::default()
        };
        let fq_codel = FqCodel {
            limit,
            target: soon,
            interval: soon * 4,
            ..FqCodel::default()
        };
        let pie = Pie {
            limit,
            target: soon,
            update: soon,
            max_burst: soon,
            alpha: 5.0,
            beta: 50.0,
            ..Pie::default()
        };
        let dualpi2 = DualPi2 {
            limit: Some(limit),
            target: soon,
            alpha: Some(20.0),
            beta: Some(100.0),
            ..DualPi2::default()
        };
        let ce_threshold = Some(soon);
        match self {
            Self::DropTail => Part::new(DropTail {
                limit,
                at: None,
                ce_threshold,
            }),
            Self::DropHead => Part::new(DropHead {
                limit,
                at: None,
                ce_threshold,
            }),
            Self::Red => Part::new(red),
            Self::RedSteep => Part::new(Red {
                gentle: false,
                wait: true,
                by_size: true,
                adaptive: true,
                max_probability: Ratio::from_f64(0.5),
                ..red
            }),
            Self::RedByTime => Part::new(Red {
                min: QueueLimit::Time(soon),
                ecn: false,
                ..red
            }),
            Self::Codel => Part::new(codel),
            Self::CodelMarks => Part::new(Codel {
                ecn: true,
                ce_threshold,
                ..codel
            }),
            Self::CodelStrict => Part::new(Codel {
                control_law: ControlLaw::Strict,
                ..codel
            }),
            Self::CodelLinux => Part::new(Codel {
                control_law: ControlLaw::Linux,
                ..codel
            }),
            Self::FqCodel => Part::new(fq_codel),
            Self::FqCodelSmall => Part::new(FqCodel {
                flows: 2,
                quantum: Bytes::new(100),
                ecn: false,
                drop_batch: 2,
                turn_ends: TurnEnds::BelowZero,
                ..fq_codel
            }),
            Self::Pie => Part::new(pie),
            Self::PieSpread => Part::new(Pie {
                latency: Latency::DepartureRate,
                derandomise: true,
                cap_step: true,
                decay: Decay::BelowHalfTarget,
                ..pie
            }),
            Self::PieMarks => Part::new(Pie {
                ecn: true,
                mark_threshold: Ratio::ONE,
                ..pie
            }),
            Self::PieLinux => Part::new(Pie {
                variant: PieVariant::Linux,
                ecn: true,
                ..pie
            }),
            Self::PieLinuxRate => Part::new(Pie {
                variant: PieVariant::Linux,
                latency: Latency::DepartureRate,
                ..pie
            }),
            Self::DualPi2 => Part::new(dualpi2),
            Self::DualPi2Linux => Part::new(DualPi2 {
                variant: DualPi2Variant::Linux,
                ..dualpi2
            }),
            Self::DualPi2Fifo => Part::new(DualPi2 {
                scheduler: DualPi2Scheduler::TimeShiftedFifo,
                ..dualpi2
            }),
            Self::Priority => {
                let band = |classes: &[TrafficClass]| Band {
                    classes: classes.to_vec(),
                    limit,
                };
                Part::new(Priority {
                    bands: vec![band(&[TrafficClass::Rtcp]), band(&[])],
                    ce_threshold,
                })
            }
            Self::Drr => Part::new(Drr {
                limit,
                quantum: Bytes::new(300),
                ce_threshold,
            }),
        }
    }

    pub(crate) fn queue(self, limit: QueueLimit, seed: u64) -> Queue {
        self.part(limit).build(seed, "link/queue")
    }
}

pub(crate) fn limits() -> impl Strategy<Value = QueueLimit> {
    prop_oneof![
        (0u64..30).prop_map(QueueLimit::Packets),
        (0u64..40_000).prop_map(|n| QueueLimit::Bytes(Bytes::new(n))),
        (0u64..60).prop_map(|ms| QueueLimit::Time(Span::from_millis(ms))),
    ]
}
