//! From parameters to a running queue; what `tc` refuses is refused.

use std::sync::Arc;

use weaknet_core::rng::Sequence;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span};

use super::chance::{Chance, Correlated};
use super::config::{
    Netem, NetemDistribution, NetemGemodel, NetemLoss, NetemRandom, NetemSlot, NetemState,
};
use super::delay::Spread;
use super::delay_line::DelayLine;
use super::discipline::{Discipline, Stages};
use super::loss::{FourStates, Gemodel, Generator, State};
use super::rate::LinkRate;
use super::slots::{Interval, Slots};
use super::table::Table;
use crate::model::{Qdisc, Queue};
use crate::random32::share;
use crate::share::at_most_all;

/// The kernel's largest jitter, in nanoseconds.
const MOST_JITTER: u32 = i32::MAX as u32;

fn nanos(span: Span) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

fn jitter(field: &str, span: Span) -> Result<u32, BuildError> {
    let nanos = u32::try_from(span.as_nanos()).ok();
    nanos.filter(|nanos| *nanos <= MOST_JITTER).ok_or_else(|| {
        let message = format!("expected at most 2.147483647s, found {span}");
        BuildError::field(field, message)
    })
}

impl NetemDistribution {
    fn table(&self, field: &str, cx: &BuildContext<'_>) -> Result<Option<Arc<Table>>, BuildError> {
        Ok(match self {
            Self::Uniform => None,
            Self::Normal => Some(Arc::new(Table::normal())),
            Self::Pareto => Some(Arc::new(Table::pareto())),
            Self::Paretonormal => Some(Arc::new(Table::paretonormal())),
            Self::Table(file) => {
                let read = cx.assets.get(file, Table::parse);
                Some(read.map_err(|message| BuildError::field(format!("{field}.table"), message))?)
            }
        })
    }
}

impl NetemLoss {
    fn generator(&self, entropy: &mut Sequence) -> Result<Generator, BuildError> {
        let check = |name: &str, ratio| at_most_all(&format!("loss.{name}"), ratio);
        let sum = |name: &str, other: &str, a: Ratio, b: Ratio| {
            if a + b <= Ratio::ONE {
                return Ok(());
            }
            let message = format!("expected at most 100% with `{other}`, found {}", a + b);
            Err(BuildError::field(format!("loss.state.{name}"), message))
        };
        Ok(match self {
            Self::Random(NetemRandom {
                probability,
                correlation,
            }) => {
                check("random.probability", *probability)?;
                check("random.correlation", *correlation)?;
                let draws = Correlated::new(share(*correlation), entropy);
                Generator::Random(Chance::new(share(*probability), draws))
            }
            Self::State(NetemState {
                p13,
                p31,
                p32,
                p23,
                p14,
            }) => {
                let p31 = p31.unwrap_or(Ratio::ONE - *p13);
                let p23 = p23.unwrap_or(Ratio::ONE);
                sum("p13", "p14", *p13, *p14)?;
                sum("p31", "p32", p31, *p32)?;
                check("state.p23", p23)?;
                Generator::State(FourStates {
                    p13: share(*p13),
                    p31: share(p31),
                    p32: share(*p32),
                    p23: share(p23),
                    p14: share(*p14),
                    state: State::Gap,
                })
            }
            Self::Gemodel(NetemGemodel {
                p,
                r,
                one_minus_h,
                one_minus_k,
            }) => {
                let one_minus_h = one_minus_h.unwrap_or(Ratio::ONE);
                check("gemodel.p", *p)?;
                check("gemodel.one_minus_h", one_minus_h)?;
                check("gemodel.one_minus_k", *one_minus_k)?;
                let r = r.unwrap_or(Ratio::ONE - *p);
                check("gemodel.r", r)?;
                Generator::Gemodel(Gemodel {
                    p: share(*p),
                    r: share(r),
                    h: u32::MAX - share(one_minus_h),
                    one_minus_k: share(*one_minus_k),
                    bad: false,
                })
            }
        })
    }
}

impl NetemSlot {
    fn slots(&self, cx: &BuildContext<'_>) -> Result<Slots, BuildError> {
        let any = |limit: u64| match limit {
            0 => i64::from(i32::MAX),
            some => i64::try_from(some).unwrap_or(i64::MAX),
        };
        let interval = match &self.distribution {
            None => {
                let max = self.max.unwrap_or(self.min);
                if max.is_zero() {
                    return Err(BuildError::field("slot.min", "expected a time above 0s"));
                }
                if max < self.min {
                    let message = format!("expected at least `min`, {}, found {max}", self.min);
                    return Err(BuildError::field("slot.max", message));
                }
                Interval::Between(nanos(self.min), nanos(max))
            }
            Some(NetemDistribution::Uniform) => {
                let message = "expected a table: uniform slots have `min` and `max`";
                return Err(BuildError::field("slot.distribution", message));
            }
            Some(distribution) => {
                let jitter = jitter("slot.jitter", self.jitter)?;
                if jitter == 0 {
                    let message = "expected a time above 0s with a distribution";
                    return Err(BuildError::field("slot.jitter", message));
                }
                Interval::Spread(Spread {
                    mean: nanos(self.delay),
                    jitter,
                    table: distribution.table("slot.distribution", cx)?,
                })
            }
        };
        Ok(Slots::new(
            interval,
            any(u64::from(self.packets)),
            any(self.bytes.get()),
        ))
    }
}

impl Netem {
    /// What `tc` refuses.
    fn check(&self) -> Result<(), BuildError> {
        for (field, ratio) in [
            ("delay_correlation", self.delay_correlation),
            ("duplicate", self.duplicate),
            ("duplicate_correlation", self.duplicate_correlation),
            ("corrupt", self.corrupt),
            ("corrupt_correlation", self.corrupt_correlation),
            ("reorder", self.reorder.unwrap_or_default()),
            ("reorder_correlation", self.reorder_correlation),
        ] {
            at_most_all(field, ratio)?;
        }
        if self.distribution != NetemDistribution::Uniform
            && (self.delay.is_zero() || self.jitter.is_zero())
        {
            let message = "expected `delay` and `jitter` with a distribution";
            return Err(BuildError::field("distribution", message));
        }
        if self.reorder.is_some() && self.delay.is_zero() {
            let message = "expected a `delay`: without one there is nothing to overtake";
            return Err(BuildError::field("reorder", message));
        }
        match self.gap {
            Some(_) if self.reorder.is_none() => {
                Err(BuildError::field("gap", "expected `reorder` with it"))
            }
            Some(0) => Err(BuildError::field("gap", "expected at least 1 packet")),
            _ => Ok(()),
        }
    }

    fn link_rate(&self) -> Result<Option<LinkRate>, BuildError> {
        let Some(rate) = self.rate else {
            return Ok(None);
        };
        let bytes_per_second = rate.as_bps() / 8;
        if bytes_per_second == 0 {
            let message = format!("expected at least 8bps, found {rate}");
            return Err(BuildError::field("rate", message));
        }
        Ok(Some(LinkRate {
            bytes_per_second,
            packet_overhead: self.packet_overhead,
            cell_size: self.cell_size,
            cell_overhead: self.cell_overhead,
        }))
    }

    /// The discipline on given draws.
    pub(super) fn discipline(
        &self,
        cx: &BuildContext<'_>,
    ) -> Result<Discipline<Sequence>, BuildError> {
        self.check()?;
        let mut entropy = cx.streams.sequence(cx.path, "netem entropy");
        let loss = match &self.loss {
            None => Generator::None,
            Some(loss) => loss.generator(&mut entropy)?,
        };
        let slots = self.slot.as_ref().map(|slot| slot.slots(cx)).transpose()?;
        let mut correlated = |ratio| Correlated::new(share(ratio), &mut entropy);
        let stages = Stages {
            limit: self.limit,
            duplicate: Chance::new(
                share(self.duplicate),
                correlated(self.duplicate_correlation),
            ),
            loss,
            ecn: self.ecn,
            corrupt: Chance::new(share(self.corrupt), correlated(self.corrupt_correlation)),
            gap: self.reorder.map_or(0, |_| u64::from(self.gap.unwrap_or(1))),
            reorder: Chance::new(
                share(self.reorder.unwrap_or_default()),
                correlated(self.reorder_correlation),
            ),
            delay: Spread {
                mean: nanos(self.delay),
                jitter: jitter("jitter", self.jitter)?,
                table: self.distribution.table("distribution", cx)?,
            },
            delay_draws: correlated(self.delay_correlation),
            rate: self.link_rate()?,
            slots,
            in_place: 0,
            line: DelayLine::default(),
        };
        Ok(Discipline {
            stages,
            draws: cx.streams.sequence(cx.path, "netem"),
            entropy,
        })
    }
}

impl Plugin for Netem {
    type Kind = Qdisc;
    const NAME: &'static str = "netem";
    const SUMMARY: &'static str = "Linux netem with the kernel's semantics, for links that are unlimited and have no delay of their own";
    const REFERENCES: &'static [&'static str] = &[
        "tc-netem(8)",
        "Linux 6.18 sch_netem.c",
        "iproute2 tc/q_netem.c",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Queue, BuildError> {
        Ok(Queue::Active(Box::new(self.discipline(cx)?)))
    }
}
