//! PIE in the form of Linux: integers, time in units of 64 ns, probabilities of
//! 56 bits, gains in sixteenths.
//!
//! Implements: Linux `sch_pie.c` (commit 00ac0dc): gains shifted by the decade of the
//! probability instead of RFC 8033's divisors; the cap of a step, and 2 % more
//! per update above 250 ms; decay by 1/64 at two updates without delay; the
//! burst allowance runs down by the time between departures; spread drops, whose
//! account starts anew at random marks and at drops, not at forced marks (each
//! next packet is then marked too, until the account wraps); marks
//! up to the threshold and at it; the delay from timestamps or from the
//! departure rate.
//! Differs: the probability stops at 1 (at 256 in Linux since it has 64 bits,
//! which makes overload last); sums that do not fit their type stop at its end;
//! updates are not rounded to the timer's ticks, and the first comes after one
//! period instead of half a second; the MTU does not count the link's header.
//! Not modelled: probabilities in proportion to the size (`bytemode`).

use weaknet_core::{Span, Time};

use super::discipline::Algorithm;
use super::{Latency, Pie};

/// Probability 1.
const MAX: u64 = u64::MAX >> 8;
const UNITS_PER_SECOND: u64 = 1_000_000_000 >> 6;
/// From where on the probability grows by 2 % more.
const HIGH_DELAY: u64 = units(Span::from_millis(250));
/// Bytes of one measurement of the departure rate.
const MEASUREMENT: u64 = 1 << 14;

const fn units(span: Span) -> u64 {
    span.as_nanos() >> 6
}

/// What does not change.
#[derive(Debug, Clone, PartialEq)]
struct Settings {
    target: u64,
    max_burst: u64,
    /// Probability per unit of delay.
    alpha: u64,
    beta: u64,
    mtu: u64,
    /// Highest probability at which capable packets are marked.
    mark_up_to: Option<u64>,
}

/// How the delay is known.
#[derive(Debug, Clone, PartialEq)]
enum Clock {
    Timestamp {
        /// The last departure.
        last: Option<u64>,
    },
    DepartureRate {
        /// Since when, and the bytes that have left since then.
        measuring: Option<(u64, u64)>,
        /// 256 bytes per unit of time; 0 when unknown.
        average: u32,
    },
}

impl Clock {
    const fn new(latency: Latency) -> Self {
        match latency {
            Latency::Timestamp => Self::Timestamp { last: None },
            Latency::DepartureRate => Self::DepartureRate {
                measuring: None,
                average: 0,
            },
        }
    }

    /// A packet leaves. The time that has passed, if it is to be taken off the
    /// burst allowance.
    fn depart(&mut self, now: u64, size: u32, left: u64) -> Option<u64> {
        match self {
            Self::Timestamp { last } => last.replace(now).map(|last| now.saturating_sub(last)),
            Self::DepartureRate { measuring, average } => {
                if left >= MEASUREMENT {
                    measuring.get_or_insert((now, 0));
                }
                let (since, bytes) = measuring.as_mut()?;
                *bytes += u64::from(size);
                let took = now.saturating_sub(*since);
                if *bytes < MEASUREMENT || took == 0 {
                    return None;
                }
                let rate = u32::try_from((*bytes << 8) / took).unwrap_or(u32::MAX);
                *average = match *average {
                    0 => rate,
                    average => (average - (average >> 3)).saturating_add(rate >> 3),
                };
                *measuring = (left >= MEASUREMENT).then_some((now, 0));
                Some(took)
            }
        }
    }
}

/// The algorithm and its state.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Linux {
    settings: Settings,
    clock: Clock,
    latency: Latency,
    pub(super) probability: u64,
    /// Probability that has gone by since the last drop.
    pub(super) passed: u64,
    pub(super) delay: u64,
    /// The delay at the update before.
    old: u64,
    pub(super) burst: u64,
}

impl Linux {
    pub(super) fn new(config: &Pie) -> Self {
        let gain = |gain: f64| ((gain * 16.0) as u64 * (MAX / UNITS_PER_SECOND)) >> 4;
        let mark_threshold = u128::from(MAX) * u128::from(config.mark_threshold.ppb());
        let settings = Settings {
            target: units(config.target),
            max_burst: units(config.max_burst),
            alpha: gain(config.alpha),
            beta: gain(config.beta),
            mtu: config.mtu.get(),
            mark_up_to: config
                .ecn
                .then_some((mark_threshold / 1_000_000_000) as u64),
        };
        Self {
            burst: settings.max_burst,
            settings,
            clock: Clock::new(config.latency),
            latency: config.latency,
            probability: 0,
            passed: 0,
            delay: 0,
            old: 0,
        }
    }

    /// How far gains are shifted down, by the decade of the probability.
    fn shift(&self) -> u32 {
        let decades = (1..=6).take_while(|n| self.probability < MAX / 10u64.pow(*n));
        match decades.count() as u32 {
            0 => 0,
            decades => 2 * decades - 1,
        }
    }

    /// The step of an update.
    fn step(&self) -> i128 {
        let Settings {
            target,
            alpha,
            beta,
            ..
        } = &self.settings;
        let [delay, old, target] = [self.delay, self.old, *target].map(i128::from);
        let shift = self.shift();
        let mut step = i128::from(alpha >> shift) * (delay - target)
            + i128::from(beta >> shift) * (delay - old);
        if step > i128::from(MAX / 50) && self.probability >= MAX / 10 {
            step = i128::from(MAX / 100 * 2);
        }
        if self.delay > HIGH_DELAY {
            step += i128::from(MAX / 50);
        }
        step
    }

    fn is_below_half(&self, delay: u64) -> bool {
        delay < self.settings.target / 2
    }

    fn restart(&mut self) {
        self.burst = self.settings.max_burst;
        self.passed = 0;
        self.clock = Clock::new(self.latency);
    }
}

impl Algorithm for Linux {
    fn update(&mut self, waiting: u64) -> bool {
        let before = self.clone();
        let mut may_restart = true;
        if let Clock::DepartureRate { average, .. } = self.clock {
            self.old = self.delay;
            self.delay = (waiting << 8).checked_div(u64::from(average)).unwrap_or(0);
            may_restart = average > 0;
        }
        let raised = i128::from(self.probability) + self.step();
        self.probability = raised.clamp(0, i128::from(MAX)) as u64;
        if self.delay == 0 && self.old == 0 && waiting == 0 {
            self.probability -= self.probability / 64;
        }
        if self.is_below_half(self.delay)
            && self.is_below_half(self.old)
            && self.probability == 0
            && may_restart
        {
            self.restart();
        }
        if self.latency == Latency::Timestamp {
            self.old = self.delay;
        }
        *self != before
    }

    fn acts(&mut self, waiting: u64, draw: u64) -> bool {
        let is_safe = self.burst > 0
            || (self.is_below_half(self.delay) && self.probability < MAX / 5)
            || waiting < self.settings.mtu.saturating_mul(2);
        if is_safe {
            return false;
        }
        if self.probability == 0 {
            self.passed = 0;
        }
        self.passed = self.passed.wrapping_add(self.probability);
        if self.passed < MAX / 100 * 85 {
            return false;
        }
        if self.passed >= MAX / 2 * 17 {
            return true;
        }
        let chosen = draw >> 8 < self.probability;
        if chosen {
            self.passed = 0;
        }
        chosen
    }

    fn may_mark(&self) -> bool {
        let highest = self.settings.mark_up_to;
        highest.is_some_and(|highest| self.probability <= highest)
    }

    fn marked(&mut self) {}

    fn dropped(&mut self) {
        self.passed = 0;
    }

    fn depart(&mut self, now: Time, arrived: Time, size: u32, left: u64) {
        let [now, arrived] = [now, arrived].map(|at| units(at - Time::ZERO));
        if self.latency == Latency::Timestamp {
            self.delay = if left == 0 {
                0
            } else {
                now.saturating_sub(arrived)
            };
        }
        if let Some(took) = self.clock.depart(now, size, left) {
            self.burst = self.burst.saturating_sub(took);
        }
    }
}
