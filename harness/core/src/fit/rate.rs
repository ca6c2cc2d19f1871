//! The rate of a link while it was busy: constant, in steps, or a trace.
//!
//! Bytes and time of the busy intervals are spread over bins. A few levels that
//! explain the bins are steps; bins with little spread else are a constant rate;
//! anything else is a trace of the bins. Where jitter hides which packets waited,
//! a constant rate is looked for in the delays of all packets.

use serde::Serialize;

use super::busy::{Busy, Interval, OUTAGE_NS, mean_rate};
use super::constant::{self, Constant, Load};
use super::overflow;
use super::segments::{self, Bin};
use super::series::Series;

/// Bins that are busy for a smaller share tell nothing.
const BUSY_SHARE: f64 = 0.5;
/// Up to this coefficient of variation of the bins one level will do.
const CONSTANT_CV: f64 = 0.15;
/// More levels than this, or levels that explain less, are a trace.
const MOST_STEPS: usize = 24;
const STEPS_R2: f64 = 0.9;
const MOST_BINS: f64 = 1500.0;
/// So many busy bins are evidence even behind jitter.
const EVIDENT: usize = 20;
/// A packet that comes within this share of the time that its size takes was
/// held back by its predecessor: its own delay is not known.
const HELD: f64 = 0.05;
/// Intervals in a block of the regression on lost bytes.
const BLOCK: usize = 100;

/// How a rate goes over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RateShape {
    /// The link was never busy: it is at least as fast as what it carried.
    AtLeast(f64),
    /// One rate, in bits per second.
    Constant(f64),
    /// Seconds since the start, and bits per second from then on.
    Steps(Vec<(f64, f64)>),
    /// The same, with a row for each bin.
    Trace(Vec<(f64, f64)>),
}

/// The rate of a link.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RateFit {
    /// How it goes over time.
    pub shape: RateShape,
    /// Standard error of the mean rate, in bits per second.
    pub standard_error: f64,
    /// Coefficient of variation of the busy bins.
    pub cv: f64,
    /// Share of the bins' variance that steps explain.
    pub r2: Option<f64>,
    /// Number of busy bins, and their width in seconds.
    pub bins: usize,
    /// Width of a bin in seconds.
    pub bin_s: f64,
    /// Share of the time in which the link was busy.
    pub busy_share: f64,
    /// Share of the bytes lost while busy that used link time, where the time
    /// between packets shows it.
    pub lost_use_link: Option<f64>,
    /// The share that the rate counts with, shown or inferred.
    #[serde(skip)]
    pub(super) lost_share: f64,
}

pub(super) fn fit(series: &Series, busy: &Busy) -> RateFit {
    let shown = from_busy_time(series, busy);
    let throughput = largest_throughput(series);
    let mean = shown
        .as_ref()
        .map_or(throughput, |fit| fit.mean(series.seconds()));
    let service = busy.size * 8e9 / mean.max(1.0);
    if busy.noise < overflow::LOW_NOISE * service {
        return shown.unwrap_or_else(|| RateFit::at_least(throughput));
    }
    // Jitter hides which packets waited, as far as queues are short.
    if let Some(fit) = shown.filter(|fit| fit.bins >= EVIDENT) {
        return fit;
    }
    let shares = overflow::link_time_shares(series, busy, service, 1.0);
    let mut last = i64::MIN / 2;
    let packets = series.passages.iter().zip(shares);
    let loads: Vec<Load> = packets
        .map(|(packet, share)| {
            let least_gap = f64::from(packet.bytes) * 8e9 / throughput.max(1.0) * HELD;
            let held = |at: i64| ((at - last) as f64) < least_gap;
            let held = packet.received.is_some_and(held);
            last = packet.received.map_or(last, |at| at.max(last));
            Load::new(packet, share, held)
        })
        .collect();
    match constant::find(&loads, throughput) {
        Some(constant) => RateFit::constant(&constant, busy.share(series.seconds())),
        None => RateFit::at_least(throughput),
    }
}

fn from_busy_time(series: &Series, busy: &Busy) -> Option<RateFit> {
    let seconds = series.seconds();
    let rate = mean_rate(&busy.intervals)?;
    let LinkTime { shown, share, rate } = link_time_of_lost(series, busy, rate);
    let width = bin_width(busy, seconds);
    let bins = fill(busy, width, share);
    let kept: Vec<Bin> = bins
        .into_iter()
        .filter(|bin| bin.busy >= BUSY_SHARE * width as f64)
        .collect();
    let rates: Vec<f64> = kept.iter().map(|bin| bin.bits * 1e9 / bin.busy).collect();
    let n = rates.len() as f64;
    let mean = rates.iter().sum::<f64>() / n.max(1.0);
    let variance = rates.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let cv = if mean > 0.0 {
        variance.sqrt() / mean
    } else {
        0.0
    };
    let levels = segments::split(&kept, width);
    let few = (2..=MOST_STEPS).contains(&levels.steps.len());
    let (shape, r2) = if kept.len() >= 4 && few && levels.r2 >= STEPS_R2 {
        (RateShape::Steps(levels.steps), Some(levels.r2))
    } else if kept.len() < 4 || cv <= CONSTANT_CV {
        (RateShape::Constant(rate * 1e9), None)
    } else {
        (RateShape::Trace(rows(&kept, &rates, width)), None)
    };
    Some(RateFit {
        shape,
        standard_error: (variance / n.max(1.0)).sqrt(),
        cv,
        r2,
        bins: kept.len(),
        bin_s: width as f64 / 1e9,
        busy_share: busy.share(seconds),
        lost_use_link: shown,
        lost_share: share,
    })
}

/// The most that arrived in any 200 ms, in bits per second.
pub(super) fn largest_throughput(series: &Series) -> f64 {
    let mut arrivals: Vec<(i64, u32)> = series.delivered().map(|(_, _, r, b)| (r, b)).collect();
    arrivals.sort_unstable();
    let (mut first, mut bytes, mut most) = (0, 0u64, 0u64);
    for k in 0..arrivals.len() {
        bytes += u64::from(arrivals[k].1);
        while arrivals[k].0 - arrivals[first].0 > OUTAGE_NS {
            bytes -= u64::from(arrivals[first].1);
            first += 1;
        }
        most = most.max(bytes);
    }
    most as f64 * 8.0 / (OUTAGE_NS as f64 / 1e9)
}

/// What lost packets took of the link's time.
struct LinkTime {
    /// Share of their bytes for which there is time between the packets around
    /// them.
    shown: Option<f64>,
    /// The same, or what follows from the losses at a queue with room.
    share: f64,
    /// Rate in bits per nanosecond with that time taken into account.
    rate: f64,
}

impl LinkTime {
    fn shown(share: f64, rate: f64) -> Self {
        Self {
            shown: Some(share),
            share,
            rate,
        }
    }

    const fn unknown(rate: f64) -> Self {
        Self {
            shown: None,
            share: 0.0,
            rate,
        }
    }
}

fn link_time_of_lost(series: &Series, busy: &Busy, bits_per_ns: f64) -> LinkTime {
    let intervals: Vec<&Interval> = busy
        .intervals
        .iter()
        .filter(|i| i.nanos() < OUTAGE_NS as f64)
        .collect();
    let losses = intervals.iter().filter(|i| i.lost > 0).count();
    if losses < 10 {
        return LinkTime::unknown(bits_per_ns);
    }
    let service = busy.size * 8.0 / bits_per_ns;
    if busy.noise < 0.25 * service {
        let with_losses = || intervals.iter().filter(|i| i.lost > 0);
        let lost: f64 = with_losses().map(|i| i.lost_bytes).sum();
        let used: f64 = with_losses()
            .map(|i| i.nanos() * bits_per_ns / 8.0 - i.bytes)
            .sum();
        return LinkTime::shown((used / lost).clamp(0.0, 1.0), bits_per_ns);
    }
    let sum = |f: fn(&Interval) -> f64| intervals.iter().map(|i| f(i)).sum::<f64>();
    let (arrived, lost) = (sum(|i| i.bytes), sum(|i| i.lost_bytes));
    let nanos = sum(Interval::nanos);
    // Where the queue overflowed, the longer an interval the more is lost in it
    // whether or not that took link time. Losses at random, as many as where
    // there was room, did.
    if let Some(random) = overflow::lost_with_room(series, busy, service) {
        let share = (random / (1.0 - random) * arrived / lost).clamp(0.0, 1.0);
        return LinkTime {
            shown: None,
            share,
            rate: (arrived + share * lost) * 8.0 / nanos,
        };
    }
    // Packets that hold each other back move time from one interval to the
    // next: least squares over blocks of time = a * arrived + b * lost.
    let [mut bb, mut bl, mut ll, mut tb, mut tl] = [0.0; 5];
    for block in intervals.chunks(BLOCK) {
        let sum = |f: fn(&Interval) -> f64| block.iter().map(|i| f(i)).sum::<f64>();
        let (b, l, t) = (
            sum(|i| i.bytes),
            sum(|i| i.lost_bytes),
            sum(Interval::nanos),
        );
        bb += b * b;
        bl += b * l;
        ll += l * l;
        tb += t * b;
        tl += t * l;
    }
    let determinant = bb * ll - bl * bl;
    if determinant <= bb * ll * 1e-9 {
        return LinkTime::unknown(bits_per_ns);
    }
    let per_byte = (tb * ll - tl * bl) / determinant;
    let per_lost = (tl * bb - tb * bl) / determinant;
    let share = (per_lost / per_byte).clamp(0.0, 1.0);
    LinkTime::shown(share, (arrived + share * lost) * 8.0 / nanos)
}

/// Wide enough for 20 packets, and for jitter to matter little.
fn bin_width(busy: &Busy, seconds: f64) -> i64 {
    const STEP: f64 = 100e6;
    let nanos: f64 = busy.intervals.iter().map(Interval::nanos).sum();
    let per_packet = nanos / busy.intervals.len().max(1) as f64;
    let least = (20.0 * per_packet)
        .max(20.0 * busy.noise)
        .max(seconds * 1e9 / MOST_BINS)
        .max(STEP);
    ((least / STEP).ceil() * STEP) as i64
}

fn fill(busy: &Busy, width: i64, lost_use_link: f64) -> Vec<Bin> {
    let last = busy.intervals.iter().map(|i| i.to).max().unwrap_or(0) - busy.base;
    let count = usize::try_from(last.max(0) / width).unwrap_or(0) + 1;
    let mut bins: Vec<Bin> = (0..count as i64)
        .map(|k| Bin {
            start: k * width,
            ..Bin::default()
        })
        .collect();
    for i in &busy.intervals {
        // Times at the link rather than at the receiver.
        let (from, to) = (i.from - busy.base, i.to - busy.base);
        if to <= from || from < 0 {
            if let Some(bin) = usize::try_from(to / width)
                .ok()
                .and_then(|k| bins.get_mut(k))
            {
                bin.bits += i.bytes * 8.0;
                bin.busy += (to - from) as f64;
            }
            continue;
        }
        let used = if i.nanos() < OUTAGE_NS as f64 {
            i.lost_bytes * lost_use_link
        } else {
            0.0
        };
        let bits = (i.bytes + used) * 8.0;
        for k in from / width..=to / width {
            let Some(bin) = usize::try_from(k).ok().and_then(|k| bins.get_mut(k)) else {
                continue;
            };
            let part = (to.min((k + 1) * width) - from.max(k * width)) as f64;
            bin.busy += part;
            bin.bits += bits * part / (to - from) as f64;
        }
    }
    bins
}

/// A row per bin; the first one at zero, as a trace must begin.
fn rows(bins: &[Bin], rates: &[f64], width: i64) -> Vec<(f64, f64)> {
    let mut rows: Vec<(f64, f64)> = bins
        .iter()
        .zip(rates)
        .map(|(bin, rate)| (bin.start as f64 / 1e9, rate.max(0.0)))
        .collect();
    if let Some(first) = rows.first_mut().filter(|row| row.0 > 0.0) {
        first.0 = 0.0;
    }
    // The last row counts as long as the one before it.
    if let Some(last) = rows.last().copied() {
        rows.push((last.0 + width as f64 / 1e9, last.1));
    }
    rows
}

impl RateFit {
    const fn at_least(throughput: f64) -> Self {
        Self {
            shape: RateShape::AtLeast(throughput),
            standard_error: 0.0,
            cv: 0.0,
            r2: None,
            bins: 0,
            bin_s: 0.0,
            busy_share: 0.0,
            lost_use_link: None,
            lost_share: 0.0,
        }
    }

    fn constant(constant: &Constant, busy_share: f64) -> Self {
        Self {
            shape: RateShape::Constant(constant.rate),
            standard_error: constant.standard_error,
            busy_share,
            ..Self::at_least(0.0)
        }
    }

    /// Whether there is a rate to speak of.
    #[must_use]
    pub const fn known(&self) -> bool {
        !matches!(self.shape, RateShape::AtLeast(_))
    }

    /// Bits per second at `seconds` since the start; infinite when not known.
    #[must_use]
    pub fn at(&self, seconds: f64) -> f64 {
        match &self.shape {
            RateShape::AtLeast(_) => f64::INFINITY,
            RateShape::Constant(rate) => *rate,
            RateShape::Steps(rows) | RateShape::Trace(rows) => {
                let next = rows.partition_point(|(start, _)| *start <= seconds);
                rows.get(next.saturating_sub(1))
                    .map_or(0.0, |(_, rate)| *rate)
            }
        }
    }

    /// Mean rate in bits per second, each level weighed by its time up to
    /// `seconds`.
    #[must_use]
    pub fn mean(&self, seconds: f64) -> f64 {
        match &self.shape {
            RateShape::AtLeast(rate) | RateShape::Constant(rate) => *rate,
            RateShape::Steps(rows) | RateShape::Trace(rows) => {
                let ends = rows.iter().skip(1).map(|row| row.0).chain([seconds]);
                let bits: f64 = rows
                    .iter()
                    .zip(ends)
                    .map(|((start, rate), end)| rate * (end.min(seconds) - start).max(0.0))
                    .sum();
                bits / seconds.max(1e-9)
            }
        }
    }

    /// When `bytes` that begin at `start` have left; the rate may change
    /// meanwhile.
    pub(super) fn departure(&self, start: i64, bytes: u32) -> i64 {
        let after =
            |from: i64, bits: f64, rate: f64| from.saturating_add((bits * 1e9 / rate) as i64);
        let mut bits = f64::from(bytes) * 8.0;
        let rows = match &self.shape {
            RateShape::AtLeast(_) => return start,
            RateShape::Constant(rate) => return after(start, bits, *rate),
            RateShape::Steps(rows) | RateShape::Trace(rows) => rows,
        };
        let mut now = start;
        let next = rows.partition_point(|row| row.0 <= start as f64 / 1e9);
        for k in next.saturating_sub(1)..rows.len() {
            let rate = rows[k].1;
            let Some(end) = rows.get(k + 1).map(|row| (row.0 * 1e9) as i64) else {
                return after(now, bits, rate.max(1.0));
            };
            let possible = rate * (end - now).max(0) as f64 / 1e9;
            if possible >= bits {
                return after(now, bits, rate);
            }
            bits -= possible;
            now = now.max(end);
        }
        now
    }
}
