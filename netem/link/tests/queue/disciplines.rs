//! Every discipline in several forms, under any limit.

use proptest::prelude::*;
use weaknet_core::{Bytes, Ratio, Span};
use weaknet_netem::model::Queue;
use weaknet_netem::queue::{
    Band, Codel, ControlLaw, Decay, DropHead, DropTail, Drr, DualPi2, DualPi2Scheduler,
    DualPi2Variant, FqCodel, Latency, Pie, PieVariant, Priority, QueueLimit, Red, TrafficClass,
    TurnEnds,
};

use crate::traffic::build;

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
    pub(crate) fn queue(self, limit: QueueLimit, seed: u64) -> Queue {
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
            Self::DropTail => build(
                &DropTail {
                    limit,
                    at: None,
                    ce_threshold,
                },
                seed,
            ),
            Self::DropHead => build(
                &DropHead {
                    limit,
                    at: None,
                    ce_threshold,
                },
                seed,
            ),
            Self::Red => build(&red, seed),
            Self::RedSteep => {
                let max_probability = Ratio::from_f64(0.5);
                let steep = Red {
                    gentle: false,
                    wait: true,
                    by_size: true,
                    adaptive: true,
                    max_probability,
                    ..red
                };
                build(&steep, seed)
            }
            Self::RedByTime => {
                let by_time = Red {
                    min: QueueLimit::Time(soon),
                    ecn: false,
                    ..red
                };
                build(&by_time, seed)
            }
            Self::Codel => build(&codel, seed),
            Self::CodelMarks => build(
                &Codel {
                    ecn: true,
                    ce_threshold,
                    ..codel
                },
                seed,
            ),
            Self::CodelStrict | Self::CodelLinux => {
                let control_law = match self {
                    Self::CodelStrict => ControlLaw::Strict,
                    _ => ControlLaw::Linux,
                };
                let codel = Codel {
                    control_law,
                    ..codel
                };
                build(&codel, seed)
            }
            Self::FqCodel => build(&fq_codel, seed),
            Self::FqCodelSmall => {
                let small = FqCodel {
                    flows: 2,
                    quantum: Bytes::new(100),
                    ecn: false,
                    drop_batch: 2,
                    turn_ends: TurnEnds::BelowZero,
                    ..fq_codel
                };
                build(&small, seed)
            }
            Self::Pie => build(&pie, seed),
            Self::PieSpread => {
                let spread = Pie {
                    latency: Latency::DepartureRate,
                    derandomise: true,
                    cap_step: true,
                    decay: Decay::BelowHalfTarget,
                    ..pie
                };
                build(&spread, seed)
            }
            Self::PieMarks => build(
                &Pie {
                    ecn: true,
                    mark_threshold: Ratio::ONE,
                    ..pie
                },
                seed,
            ),
            Self::PieLinux | Self::PieLinuxRate => {
                let latency = match self {
                    Self::PieLinux => Latency::Timestamp,
                    _ => Latency::DepartureRate,
                };
                let linux = Pie {
                    variant: PieVariant::Linux,
                    latency,
                    ecn: true,
                    ..pie
                };
                build(&linux, seed)
            }
            Self::DualPi2 => build(&dualpi2, seed),
            Self::DualPi2Linux => build(
                &DualPi2 {
                    variant: DualPi2Variant::Linux,
                    ..dualpi2
                },
                seed,
            ),
            Self::DualPi2Fifo => {
                let scheduler = DualPi2Scheduler::TimeShiftedFifo;
                build(
                    &DualPi2 {
                        scheduler,
                        ..dualpi2
                    },
                    seed,
                )
            }
            Self::Priority => {
                let band = |classes: &[TrafficClass]| Band {
                    classes: classes.to_vec(),
                    limit,
                };
                let bands = vec![band(&[TrafficClass::Rtcp]), band(&[])];
                build(
                    &Priority {
                        bands,
                        ce_threshold,
                    },
                    seed,
                )
            }
            Self::Drr => build(
                &Drr {
                    limit,
                    quantum: Bytes::new(300),
                    ce_threshold,
                },
                seed,
            ),
        }
    }
}

pub(crate) fn limits() -> impl Strategy<Value = QueueLimit> {
    prop_oneof![
        (0u64..30).prop_map(QueueLimit::Packets),
        (0u64..40_000).prop_map(|n| QueueLimit::Bytes(Bytes::new(n))),
        (0u64..60).prop_map(|ms| QueueLimit::Time(Span::from_millis(ms))),
    ]
}
