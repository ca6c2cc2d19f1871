//! A path that stands still while a phone changes from cell to cell.
//!
//! Implements: handovers at given times, or one after the other with fixed or
//! exponentially distributed time from the end of a stop to the start of the
//! next. During a stop, of a length drawn from a lognormal distribution,
//! everything queues; what is due within it is released at its end, together
//! and in order (RFC 8869 section 2: the default bearer queues and releases).
//! Packets that leave the serialiser close to the start of a stop have a raised
//! delay. Times and lengths do not depend on the traffic.
//! Measured stops, median and 95th percentile in ms (Hassan et al., SIGCOMM
//! 2022, figure 9): LTE 34 and 62, 5G NSA primary cell 51 and 82, its secondary
//! cell group changed 72 and 149 (the default) or added 98 and 223; delay 2.26
//! times within 1 s of a handover.
//! Differs: the far tail of the changes of a secondary cell group (99th
//! percentile 699 ms) is heavier than this lognormal one (201 ms).
//! Not modelled: loss during a stop (add a loss model).

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::{Draws, exponential_quantile, normal_quantile};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use super::lognormal::Lognormal;
use crate::model::{Delay, DelayModel, Passage};

/// Bounds that keep the work per packet small.
const SHORTEST_INTERVAL: Span = Span::from_millis(10);
const LONGEST: Span = Span::from_secs(60);

/// How far back in time a packet may be, when a delay stage before this one has
/// let packets overtake each other.
const DISORDER: Span = Span::from_secs(5);

/// How the times between handovers are distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Any number of times the mean, as between independent events.
    #[default]
    Exponential,
    /// All the same.
    Fixed,
}

/// A constant delay, interrupted by handovers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [
    {"base": "37ms", "every": "45s", "stop_median": "72ms", "stop_p95": "149ms"},
    {"base": "40ms", "at": ["20s", "60s"], "raise": 1.0},
]))]
pub struct Handovers {
    /// Delay far from handovers, up to 60 s.
    pub base: Span,
    /// Mean time from the end of a stop to the start of the next, 10 ms or
    /// more.
    pub every: Span,
    /// How that time is distributed.
    pub spacing: Spacing,
    /// Starts of the stops, ascending; when given, `every` and `spacing` do not
    /// count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<Span>,
    /// Median length of a stop, above zero.
    pub stop_median: Span,
    /// 95th percentile of the length of a stop, at least `stop_median`.
    pub stop_p95: Span,
    /// Factor on `base` around the start of a stop, from 1 to 100.
    pub raise: f64,
    /// How long before and after the start of a stop the delay is raised, up to
    /// 60 s.
    pub around: Span,
}

impl Default for Handovers {
    fn default() -> Self {
        Self {
            base: Span::from_millis(37),
            every: Span::from_secs(45),
            spacing: Spacing::Exponential,
            at: Vec::new(),
            stop_median: Span::from_millis(72),
            stop_p95: Span::from_millis(149),
            raise: 2.26,
            around: Span::from_secs(1),
        }
    }
}

impl Handovers {
    fn check(&self) -> Result<(), BuildError> {
        if self.every < SHORTEST_INTERVAL {
            let message = format!("expected {SHORTEST_INTERVAL} or more, found {}", self.every);
            return Err(BuildError::field("every", message));
        }
        for (field, span) in [("base", self.base), ("around", self.around)] {
            if span > LONGEST {
                let message = format!("expected at most {LONGEST}, found {span}");
                return Err(BuildError::field(field, message));
            }
        }
        if let Some(i) = self.at.windows(2).position(|pair| pair[0] >= pair[1]) {
            let message = "expected a time after the one before it";
            return Err(BuildError::field(format!("at.{}", i + 1), message));
        }
        if !(1.0..=100.0).contains(&self.raise) {
            let message = format!("expected a number from 1 to 100, found {}", self.raise);
            return Err(BuildError::field("raise", message));
        }
        Ok(())
    }
}

impl Plugin for Handovers {
    type Kind = Delay;
    const NAME: &'static str = "handovers";
    const SUMMARY: &'static str =
        "a constant delay; at handovers everything stops, and then leaves together";
    const REFERENCES: &'static [&'static str] = &[
        "Hassan et al., Vivisecting Mobility Management in 5G, SIGCOMM 2022: figures 4 and 9",
        "RFC 8869 section 2: a handover interrupts the user plane; packets queue and are released",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        self.check()?;
        let fields = ["stop_median", "stop_p95"];
        let stop = Lognormal::new(fields, self.stop_median, self.stop_p95)?;
        Ok(Box::new(Path {
            base: self.base,
            raised: self.base.mul_f64(self.raise),
            around: self.around,
            plan: Plan {
                draws: cx.streams.draws(cx.path, "delay"),
                config: self.clone(),
                stop,
                number: 0,
                end: Time::ZERO,
            },
            next: None,
            near: VecDeque::new(),
        }))
    }
}

/// A stop [start, end).
#[derive(Debug, Clone, Copy)]
struct Stop {
    start: Time,
    end: Time,
}

/// All stops in order of time.
struct Plan {
    draws: Draws,
    config: Handovers,
    stop: Lognormal,
    /// Number of the next stop, and the end of the one before it.
    number: u64,
    end: Time,
}

impl Iterator for Plan {
    type Item = Stop;

    /// `None` after the last of a list, and at the end of time.
    fn next(&mut self) -> Option<Stop> {
        let unit = |purpose| {
            self.draws
                .unit(self.number.wrapping_mul(2).wrapping_add(purpose))
        };
        let Handovers {
            at, every, spacing, ..
        } = &self.config;
        let start = if at.is_empty() {
            let mean = every.as_nanos() as f64;
            self.end
                + match spacing {
                    Spacing::Exponential => {
                        Span::from_nanos(exponential_quantile(unit(0), mean) as u64 + 1)
                    }
                    Spacing::Fixed => *every,
                }
        } else {
            Time::from(*at.get(usize::try_from(self.number).ok()?)?)
        };
        if start == Time::MAX {
            return None;
        }
        let length = self.stop.at(normal_quantile(unit(1)));
        self.end = start + Span::from_nanos(libm::round(length) as u64);
        self.number += 1;
        Some(Stop {
            start,
            end: self.end,
        })
    }
}

struct Path {
    base: Span,
    raised: Span,
    around: Span,
    plan: Plan,
    /// The first stop that is not near yet.
    next: Option<Stop>,
    /// Stops that may still concern a packet, in order of time.
    near: VecDeque<Stop>,
}

impl Path {
    /// Brings all stops near that start by `until`.
    fn load(&mut self, until: Time) {
        if self.next.is_none() {
            self.next = self.plan.next();
        }
        while let Some(stop) = self.next.filter(|stop| stop.start <= until) {
            self.near.push_back(stop);
            self.next = self.plan.next();
        }
    }
}

impl DelayModel for Path {
    fn release(&mut self, Passage { at, .. }: Passage) -> Time {
        let around = self.around;
        self.load(at + around);
        while self
            .near
            .pop_front_if(|stop| stop.end.max(stop.start + around) + DISORDER < at)
            .is_some()
        {}
        let is_close = |stop: &Stop| stop.start <= at + around && at <= stop.start + around;
        let delay = if self.near.iter().any(is_close) {
            self.raised
        } else {
            self.base
        };
        let mut release = at + delay;
        self.load(release);
        let mut position = 0;
        while let Some(stop) = self.near.get(position).copied() {
            if stop.start <= release && release < stop.end {
                release = stop.end;
                self.load(release);
            }
            position += 1;
        }
        release
    }
}
