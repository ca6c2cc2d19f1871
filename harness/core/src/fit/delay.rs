//! The delay behind the serialiser: a base, and a variation beyond queueing.
//!
//! Looked at are the packets that met an idle link: their delay less their
//! serialisation is the path's own. Where the link was always busy, what is
//! left of the arrivals after a straight line through each block of them has
//! to do; then only the spread is known, and the base is the shortest delay.
//! Packets held back by a predecessor bound their own delay from above.
//!
//! Implements: choice of the distribution by Akaike's criterion, its distance
//! by Kolmogorov and Smirnov; a held-back packet's successor enters the test
//! with its distribution given that it came later.
//! Differs: parameters come from the same values, so that the p-value of the
//! test is too large, as Lilliefors 1967 shows.

use serde::Serialize;

use super::busy::Busy;
use super::families::{Family, Observation, fit_all};
use super::rate::RateFit;
use super::series::{Series, View};
use super::special::{kolmogorov_distance, kolmogorov_tail};
use crate::stats;

/// Less spread than this, from the 1st to the 99th percentile, is none (ms).
const NO_SPREAD: f64 = 0.1;
/// Packets that met an idle link, at least.
const ENOUGH: usize = 300;
/// Packets within this time after a busy link are left out.
const SETTLE: i64 = 200_000_000;
/// More values than this are thinned out evenly.
const MOST: usize = 20_000;
/// Packets in a block with a straight line of its own.
const BLOCK: usize = 400;
/// Reordering from here on says that packets are not held back.
const REORDERS: f64 = 0.0005;

/// Where the values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Packets that met an idle link.
    IdleLink,
    /// What is left of the arrivals from a busy link.
    BusyLink,
    /// Delays as they were measured: the rate is not known.
    Whole,
}

/// The delay of a link.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DelayFit {
    /// The chosen distribution, in milliseconds.
    pub family: Family,
    /// All families tried: their criterion less the best one.
    pub aic: Vec<(Family, f64)>,
    /// Kolmogorov's distance and its p-value; none for a constant.
    pub ks: Option<(f64, f64)>,
    /// Correlation of the values of neighbours.
    pub lag_1: f64,
    /// Number of values, and how many of them are only bounds.
    pub values: usize,
    /// Values that are only bounds.
    pub held: usize,
    /// Standard errors of the mean and of the standard deviation (ms).
    pub errors: [f64; 2],
    /// Where the values come from.
    pub basis: Basis,
    /// Share of packets that were overtaken.
    pub reordered: f64,
    /// Whether packets overtake each other.
    pub reorders: bool,
}

pub(super) fn fit(series: &Series, busy: &Busy, rate: &RateFit, shares: &[f64]) -> DelayFit {
    let reordered = series.reordered();
    let reorders = reordered > REORDERS;
    let holds = !reorders && series.view != View::RoundTrip;
    let mut basis = if rate.known() {
        Basis::IdleLink
    } else {
        Basis::Whole
    };
    let mut data = idle(series, busy, rate, shares, holds);
    if data.len() < ENOUGH {
        let other = from_busy(series, busy, rate, holds);
        if other.len() > data.len() {
            data = other;
            basis = Basis::BusyLink;
        }
    }
    if data.len() > MOST {
        let stride = data.len().div_ceil(MOST);
        data = data.into_iter().step_by(stride).collect();
    }
    let mut seen: Vec<f64> = data.iter().filter(|o| !o.held).map(|o| o.value).collect();
    let lag_1 = autocorrelation(&seen);
    seen.sort_unstable_by(f64::total_cmp);
    let at = |p: f64| stats::quantile(&seen, p).unwrap_or(0.0);
    let n = seen.len() as f64;
    let mut fit = DelayFit {
        family: Family::Constant(at(0.5)),
        aic: Vec::new(),
        ks: None,
        lag_1,
        values: data.len(),
        held: data.len() - seen.len(),
        errors: [0.0; 2],
        basis,
        reordered,
        reorders,
    };
    if seen.len() < 20 || at(0.99) - at(0.01) < NO_SPREAD {
        return fit;
    }
    let families = fit_all(&data);
    let mut aic: Vec<(Family, f64)> = families.iter().map(|f| (*f, f.aic(&data))).collect();
    aic.sort_by(|a, b| a.1.total_cmp(&b.1));
    let best = aic[0].1;
    fit.family = aic[0].0;
    fit.aic = aic
        .into_iter()
        .map(|(family, value)| (family, value - best))
        .collect();
    fit.ks = Some(kolmogorov(&fit.family, &data));
    let mean = stats::mean(&seen).unwrap_or(0.0);
    let std = (seen.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    fit.errors = [std / n.sqrt(), std / (2.0 * n).sqrt()];
    fit
}

fn kolmogorov(family: &Family, data: &[Observation]) -> (f64, f64) {
    let mut ranks: Vec<f64> = data
        .iter()
        .filter(|o| !o.held)
        .map(|o| {
            let below = family.cdf(o.above);
            if below < 1.0 {
                (family.cdf(o.value) - below) / (1.0 - below)
            } else {
                1.0
            }
        })
        .collect();
    let distance = kolmogorov_distance(&mut ranks);
    (distance, kolmogorov_tail(distance, ranks.len()))
}

fn autocorrelation(values: &[f64]) -> f64 {
    let Some(mean) = stats::mean(values) else {
        return 0.0;
    };
    let variance: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let products: f64 = values
        .windows(2)
        .map(|w| (w[0] - mean) * (w[1] - mean))
        .sum();
    if variance > 0.0 {
        products / variance
    } else {
        0.0
    }
}

/// Packets that met an idle link, long enough after a busy one. `shares` tells
/// how much link time each packet took.
fn idle(
    series: &Series,
    busy: &Busy,
    rate: &RateFit,
    shares: &[f64],
    holds: bool,
) -> Vec<Observation> {
    let mut data = Vec::new();
    let mut busy_until = i64::MIN / 2;
    let mut departed = i64::MIN / 2;
    let mut last_arrival = i64::MIN / 2;
    let shortest = busy.base - rate.departure(0, busy.size as u32);
    for (i, p) in series.passages.iter().enumerate() {
        let start = p.sent.max(departed);
        departed = rate.departure(start, (f64::from(p.bytes) * shares[i]) as u32);
        if busy.queued[i] {
            busy_until = p.received.unwrap_or(p.sent);
            // What is in front is known from the arrivals only.
            departed = busy_until - busy.base;
        }
        let Some(received) = p.received else {
            continue;
        };
        // Nothing leaves later than the shortest delay before it arrives: errors
        // of the rate do not add up.
        departed = departed.min(received - shortest);
        if p.sent > busy_until.saturating_add(SETTLE) {
            data.push(observe(
                received,
                last_arrival,
                departed,
                p.bytes,
                rate,
                holds,
            ));
        }
        last_arrival = last_arrival.max(received);
    }
    data
}

fn observe(
    received: i64,
    last_arrival: i64,
    departed: i64,
    bytes: u32,
    rate: &RateFit,
    holds: bool,
) -> Observation {
    let millis = |nanos: i64| nanos as f64 / 1e6;
    let service = rate.departure(departed, bytes) - departed;
    let least_gap = (service / 20).clamp(1_000, 100_000);
    Observation {
        value: millis(received - departed),
        held: holds && received.saturating_sub(last_arrival) < least_gap,
        above: if holds && last_arrival > i64::MIN / 2 {
            millis(last_arrival - departed)
        } else {
            f64::NEG_INFINITY
        },
    }
}

/// An arrival from a busy link, since the one before it.
struct Point {
    /// Bytes carried so far.
    carried: f64,
    from: i64,
    to: i64,
    bytes: u32,
}

/// Arrivals from a busy link, less a straight line over the bytes carried.
fn from_busy(series: &Series, busy: &Busy, rate: &RateFit, holds: bool) -> Vec<Observation> {
    let mut data = Vec::new();
    let lost_use_link = rate.lost_share;
    let mut carried = 0.0;
    let points: Vec<Point> = busy
        .intervals
        .iter()
        .map(|i| {
            carried += i.bytes + i.lost_bytes * lost_use_link;
            Point {
                carried,
                from: i.from,
                to: i.to,
                bytes: series.passages[i.passage].bytes,
            }
        })
        .collect();
    // A line goes as far as the link works without a pause.
    let runs = points.chunk_by(|a, b| a.to == b.from);
    let blocks = runs.flat_map(|run| run.chunks(BLOCK));
    for block in blocks.filter(|block| block.len() > BLOCK / 2) {
        let n = block.len() as f64;
        let mean_x = block.iter().map(|p| p.carried).sum::<f64>() / n;
        let first = block[0].to;
        let y = |p: &Point| (p.to - first) as f64;
        let mean_y = block.iter().map(y).sum::<f64>() / n;
        let sxx: f64 = block.iter().map(|p| (p.carried - mean_x).powi(2)).sum();
        let sxy: f64 = block
            .iter()
            .map(|p| (p.carried - mean_x) * (y(p) - mean_y))
            .sum();
        let slope = if sxx > 0.0 { sxy / sxx } else { 0.0 };
        let mut last = i64::MIN / 2;
        for point in block {
            let line = first + (mean_y + slope * (point.carried - mean_x)) as i64;
            data.push(observe(point.to, last, line, point.bytes, rate, holds));
            last = last.max(point.to);
        }
    }
    // The least of them is the shortest delay.
    let least = data.iter().map(|o| o.value).fold(f64::INFINITY, f64::min);
    let service = rate.departure(0, busy.size as u32) as f64 / 1e6;
    let base = busy.base as f64 / 1e6 - service - least;
    for o in &mut data {
        o.value += base;
        o.above += base;
    }
    data
}
