//! Where a link had something to send all the time.
//!
//! Between two arrivals of packets that queued, the link worked without pause:
//! the second packet's bytes (and those of packets lost behind the serialiser)
//! took exactly the time between them. What a packet finds before it is the
//! arrival of its predecessor, less the path's shortest delay, less its own
//! sending time. It has queued evidently when even the least of that over the
//! [`WINDOW`] packets around it is more than jitter and serialisation explain;
//! with too few of those, when it alone was sent early enough.
//!
//! Not modelled: stalls of the far side look like a rate near zero.

use super::overflow::LOW_NOISE;
use super::series::Series;
use crate::stats;

/// Packets that must all have waited.
const WINDOW: usize = 17;
/// Fewer intervals than this are no evidence.
const ENOUGH: usize = 30;
/// What clocks and timestamps may be off.
const CLOCK_NS: f64 = 50_000.0;
/// Silences from here on are outages, whatever was lost in them.
pub(super) const OUTAGE_NS: i64 = 200_000_000;

/// The time from one arrival to the next while the link worked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval {
    /// Index of the passage that arrived at the end.
    pub(super) passage: usize,
    pub(super) from: i64,
    pub(super) to: i64,
    /// Bytes of the packet that arrived at the end.
    pub(super) bytes: f64,
    /// Packets, and their bytes, lost between the two.
    pub(super) lost: usize,
    pub(super) lost_bytes: f64,
}

impl Interval {
    pub(super) fn nanos(&self) -> f64 {
        (self.to - self.from) as f64
    }
}

/// What the delays of a series show of its queue.
pub(super) struct Busy {
    pub(super) intervals: Vec<Interval>,
    /// Per passage: whether it waited evidently.
    pub(super) queued: Vec<bool>,
    /// Shortest delay seen.
    pub(super) base: i64,
    /// Standard deviation of the delay beyond queueing, in nanoseconds.
    pub(super) noise: f64,
    /// Median packet size in bytes.
    pub(super) size: f64,
}

pub(super) fn find(series: &Series) -> Option<Busy> {
    let delivered: Vec<(usize, i64, i64, u32)> = series.delivered().collect();
    let delays: Vec<i64> = delivered.iter().map(|(_, s, r, _)| r - s).collect();
    let base = *delays.iter().min()?;
    let noise = jitter(&delivered);
    let sizes: Vec<f64> = delivered.iter().map(|d| f64::from(d.3)).collect();
    let size = stats::median(&sizes)?;
    // What was still before each packet when it was sent.
    let waits: Vec<i64> = delivered
        .windows(2)
        .map(|w| w[0].2 - base - w[1].1)
        .collect();
    let lowest = sliding_min(&waits);
    let gaps: Vec<f64> = delivered
        .windows(2)
        .map(|w| (w[1].1 - w[0].1) as f64)
        .collect();
    let median_gap = stats::median(&gaps).unwrap_or(0.0).max(CLOCK_NS);

    let mut waited = vec![false; delivered.len()];
    let mut intervals = Vec::new();
    let mut service = 0.0;
    // The second round knows how long a packet takes.
    for _ in 0..2 {
        let margin = (1e6f64).max(3.0 * service).max(4.0 * noise);
        for (waited, least) in waited.iter_mut().skip(1).zip(&lowest) {
            *waited = *least as f64 > margin;
        }
        intervals = collect(series, &delivered, &waited);
        let gap = if service > 0.0 { service } else { median_gap };
        if intervals.len() < ENOUGH && noise < LOW_NOISE * gap {
            let margin = CLOCK_NS.max(2.0 * noise.min(service));
            for (waited, wait) in waited.iter_mut().skip(1).zip(&waits) {
                *waited = *wait as f64 > margin;
            }
            intervals = collect(series, &delivered, &waited);
        }
        if let Some(bits_per_ns) = mean_rate(&intervals) {
            service = size * 8.0 / bits_per_ns;
        }
    }
    if intervals.len() < ENOUGH {
        intervals.clear();
    }
    let mut queued = vec![false; series.passages.len()];
    for (d, waited) in delivered.iter().zip(&waited) {
        queued[d.0] = *waited;
    }
    Some(Busy {
        intervals,
        queued,
        base,
        noise,
        size,
    })
}

/// Bits per nanosecond over all intervals without losses.
pub(super) fn mean_rate(intervals: &[Interval]) -> Option<f64> {
    let (mut bits, mut nanos) = (0.0, 0.0);
    for i in intervals.iter().filter(|i| i.lost == 0) {
        bits += i.bytes * 8.0;
        nanos += i.nanos();
    }
    (nanos > 0.0).then(|| bits / nanos)
}

/// Standard deviation of delay without queueing: from differences between
/// packets that were sent after the longest pauses, one to the next. Packets that
/// came together with their predecessor were held back by it, and say nothing of
/// their own delay.
fn jitter(delivered: &[(usize, i64, i64, u32)]) -> f64 {
    let pauses = || delivered.windows(2).map(|w| (w[1].1 - w[0].1) as f64);
    let mut sorted: Vec<f64> = pauses().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let long = stats::quantile(&sorted, 0.95).unwrap_or(0.0);
    let late = |w: &[(usize, i64, i64, u32)]| w[1].2 - w[0].2 > (w[1].1 - w[0].1) / 50;
    let delays: Vec<f64> = delivered
        .windows(2)
        .zip(pauses())
        .filter(|(w, pause)| *pause >= long && late(w))
        .map(|(w, _)| (w[1].2 - w[1].1) as f64)
        .collect();
    let steps: Vec<f64> = delays.windows(2).map(|w| (w[1] - w[0]).abs()).collect();
    // Half of all differences of two normal variables are within 0.954 of
    // their standard deviation.
    stats::median(&steps).unwrap_or(0.0) / 0.954
}

fn sliding_min(values: &[i64]) -> Vec<i64> {
    let half = WINDOW / 2;
    (0..values.len())
        .map(|k| {
            let window = &values[k.saturating_sub(half)..(k + half + 1).min(values.len())];
            window.iter().copied().min().unwrap_or(0)
        })
        .collect()
}

fn collect(
    series: &Series,
    delivered: &[(usize, i64, i64, u32)],
    waited: &[bool],
) -> Vec<Interval> {
    let mut intervals = Vec::new();
    for k in 1..delivered.len() {
        // The link worked up to the second arrival when that packet waited.
        if !waited[k] {
            continue;
        }
        let ((before, _, from, _), (passage, _, to, bytes)) = (delivered[k - 1], delivered[k]);
        let between = &series.passages[before + 1..passage];
        intervals.push(Interval {
            passage,
            from,
            to,
            bytes: f64::from(bytes),
            lost: between.len(),
            lost_bytes: between.iter().map(|p| f64::from(p.bytes)).sum(),
        });
    }
    intervals
}

impl Busy {
    /// Share of the time in which the link was evidently busy.
    pub(super) fn share(&self, seconds: f64) -> f64 {
        let nanos: f64 = self.intervals.iter().map(Interval::nanos).sum();
        (nanos / 1e9 / seconds.max(1e-9)).min(1.0)
    }

    /// The same where sending times are not those of the link.
    pub(super) fn without_intervals(mut self) -> Self {
        self.intervals.clear();
        self.queued.fill(false);
        self
    }
}
