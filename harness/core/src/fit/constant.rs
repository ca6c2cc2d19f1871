//! A constant rate, from what it leaves of the delays.
//!
//! Jitter hides which packets waited, but not that all of them went through one
//! queue: with the true rate, the waiting times of a queue that is fed with what
//! was sent (Lindley's recursion) explain as much of the delays as anything can.
//! The rate is the one that leaves the least mean deviation from the median, as
//! long as that is clearly less than what is left without any waiting, in ten
//! parts of the measurement taken each on its own. Its standard error is that of
//! the rates that ten parts without one of them give (jackknife).
//!
//! Of packets that their predecessors held back only an upper bound of the delay
//! is known. Where there are many of them, the rate is that of the greatest
//! likelihood, near the first one, of rate and distribution of delay together.

use super::families::{Observation, fit_all};
use super::series::Passage;

/// Parts of a measurement.
const PARTS: usize = 10;
/// Rates tried at first, from the least to the greatest possible.
const GRID: usize = 48;
/// Rounds of the search between two of them, each to 0.62 of the one before.
const ROUNDS: usize = 24;
/// The greatest rate, of the most that arrived in a short time.
const GREATEST: f64 = 30.0;
/// How sure it must be that waiting explains anything, in standard errors.
const SURE: f64 = 4.0;
/// From this share of held packets on they are taken into account.
const MANY_HELD: f64 = 0.05;
/// Values that the likelihood is reckoned from, in runs of so many, and rounds of
/// the search for its greatest.
const VALUES: usize = 3_000;
const RUN: usize = 100;
const LIKELIHOOD_ROUNDS: usize = 12;
/// Share of the deviation that waiting must explain at least.
const EXPLAINED: f64 = 0.02;

/// A rate in bits per second, and its standard error.
pub(super) struct Constant {
    pub(super) rate: f64,
    pub(super) standard_error: f64,
}

/// A packet at the link: when it came, how many bits of link time it took, when
/// it arrived, and whether it was held back.
#[derive(Clone, Copy)]
pub(super) struct Load {
    sent: f64,
    bits: f64,
    received: Option<f64>,
    held: bool,
}

impl Load {
    /// A packet that took that share of the time that its size takes.
    pub(super) fn new(packet: &Passage, share: f64, held: bool) -> Self {
        Self {
            sent: packet.sent as f64,
            bits: f64::from(packet.bytes) * 8.0 * share,
            received: packet.received.map(|at| at as f64),
            held,
        }
    }
}

/// The rate that explains the delays best; `None` when waiting explains nothing.
/// `throughput` is the most that arrived in a short time, in bits per second.
pub(super) fn find(loads: &[Load], throughput: f64) -> Option<Constant> {
    let (first, last) = (loads.first()?, loads.last()?);
    let bits: f64 = loads.iter().map(|load| load.bits).sum();
    let least = 0.5e9 * bits / (last.sent - first.sent).max(1.0);
    let greatest = (throughput * GREATEST).max(2.0 * least);
    if least <= 0.0 {
        return None;
    }
    let rate = search(loads, least, greatest);
    let (with, without) = (left(loads, rate), left(loads, f64::INFINITY));
    let (deviation, plain) = (mean_deviation(&with), mean_deviation(&without));
    let gains: Vec<f64> = parts(with.len())
        .map(|part| mean_deviation(&without[part.clone()]) - mean_deviation(&with[part]))
        .collect();
    let n = gains.len() as f64;
    let gain = gains.iter().sum::<f64>() / n;
    let variance = gains.iter().map(|g| (g - gain).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let clear = plain - deviation > EXPLAINED * plain && gain > SURE * (variance / n).sqrt();
    // One part may hold all the waiting there is: then it alone must be clear.
    let rare = gains.iter().any(|gain| *gain > 0.5 * plain);
    if !(clear || rare) {
        return None;
    }
    let rates: Vec<f64> = parts(loads.len())
        .map(|part| [&loads[..part.start], &loads[part.end..]].concat())
        .map(|rest| search(&rest, rate / 1.5, rate * 1.5))
        .collect();
    let squares = rates.iter().map(|r| (r - rate).powi(2)).sum::<f64>();
    let held = loads.iter().filter(|load| load.held).count();
    let rate = if held as f64 > MANY_HELD * loads.len() as f64 {
        likeliest(loads, rate)
    } else {
        rate
    };
    Some(Constant {
        rate,
        standard_error: ((n - 1.0) / n * squares).sqrt(),
    })
}

/// Mean deviation of what a rate leaves of the delays.
fn deviation(loads: &[Load], rate: f64) -> f64 {
    mean_deviation(&left(loads, rate))
}

fn parts(count: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let size = count.div_ceil(PARTS).max(1);
    (0..count)
        .step_by(size)
        .map(move |from| from..count.min(from + size))
}

/// The rate between two others that leaves least. Above the true rate waiting is
/// underrated, the more the higher; below it queues grow without end: there is
/// one valley, steep on its lower side.
fn search(loads: &[Load], least: f64, greatest: f64) -> f64 {
    let at = |x: f64| least * (greatest / least).powf(x);
    let cost = |x: f64| deviation(loads, at(x));
    let step = 1.0 / GRID as f64;
    let best = (0..=GRID)
        .map(|k| k as f64 * step)
        .min_by(|a, b| cost(*a).total_cmp(&cost(*b)))
        .unwrap_or(0.0);
    at(golden(cost, best - step, best + step, ROUNDS))
}

/// The rate near `rate` with which the delays are likeliest.
fn likeliest(loads: &[Load], rate: f64) -> f64 {
    let at = |x: f64| rate * 1.5_f64.powf(x);
    let cost = |x: f64| {
        let all = observations(loads, at(x));
        let runs = all.len().div_ceil(RUN);
        let step = all.len().div_ceil(VALUES).min(runs).max(1);
        let data: Vec<Observation> = all.chunks(RUN).step_by(step).flatten().copied().collect();
        let families = fit_all(&data);
        let costs = families.iter().map(|family| family.aic(&data));
        costs.fold(f64::INFINITY, f64::min)
    };
    at(golden(cost, -1.0, 1.0, LIKELIHOOD_ROUNDS))
}

/// Where a function with one valley is least (golden section).
fn golden(cost: impl Fn(f64) -> f64, mut low: f64, mut high: f64, rounds: usize) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let inner = |low: f64, high: f64| [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
    let mut points = inner(low, high).map(|x| (x, cost(x)));
    for _ in 0..rounds {
        if points[0].1 <= points[1].1 {
            high = points[1].0;
            let x = inner(low, high)[0];
            points = [(x, cost(x)), points[0]];
        } else {
            low = points[0].0;
            let x = inner(low, high)[1];
            points = [points[1], (x, cost(x))];
        }
    }
    f64::midpoint(low, high)
}

/// When each packet has left a link of that rate.
fn departures(loads: &[Load], rate: f64) -> impl Iterator<Item = (&Load, f64)> {
    let mut departed = f64::NEG_INFINITY;
    loads.iter().map(move |load| {
        departed = departed.max(load.sent) + load.bits * 1e9 / rate;
        (load, departed)
    })
}

/// What a rate leaves of the delays, in milliseconds.
fn observations(loads: &[Load], rate: f64) -> Vec<Observation> {
    let left = departures(loads, rate).filter_map(|(load, departed)| {
        Some(Observation {
            value: (load.received? - departed) / 1e6,
            held: load.held,
            above: f64::NEG_INFINITY,
        })
    });
    left.collect()
}

/// What a rate leaves of the delay of each packet whose delay is its own.
fn left(loads: &[Load], rate: f64) -> Vec<f64> {
    let own = departures(loads, rate).filter(|(load, _)| !load.held);
    own.filter_map(|(load, departed)| Some(load.received? - departed))
        .collect()
}

fn mean_deviation(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let mut sorted = values.to_vec();
    let middle = sorted.len() / 2;
    let (_, median, _) = sorted.select_nth_unstable_by(middle, f64::total_cmp);
    let median = *median;
    values.iter().map(|v| (v - median).abs()).sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of 1200 B in bursts of `burst`, each 40 ms, over a link of 4
    /// Mbit/s whose delay is one of three values in turn.
    fn loads(burst: i64) -> Vec<Load> {
        let mut departed = 0;
        (0..3_000 * burst)
            .map(|at| {
                let sent = at / burst * 40_000_000;
                departed = departed.max(sent) + 2_400_000;
                let received = departed + 30_000_000 + at * at % 3 * 8_000_000;
                let packet = Passage {
                    sent,
                    received: (at % 50 != 7).then_some(received),
                    bytes: 1_200,
                };
                Load::new(&packet, 1.0, false)
            })
            .collect()
    }

    #[test]
    fn bursts_tell_the_rate_behind_jitter() {
        let found = find(&loads(12), 3e6).unwrap();
        assert!((found.rate / 4e6 - 1.0).abs() < 0.005, "{}", found.rate);
        assert!(found.standard_error < 0.01 * found.rate);
    }

    #[test]
    fn packets_that_never_wait_tell_nothing() {
        assert!(find(&loads(1), 0.3e6).is_none());
        assert!(find(&[], 1e6).is_none());
    }
}
