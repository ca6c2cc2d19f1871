//! Splits bins of a rate into levels.
//!
//! Implements: optimal partitioning (Jackson et al. 2005): least squares plus
//! a penalty of 4 ln n variances per level, the variance taken from the
//! differences of neighbours. The instant of a step lies where the bytes of the
//! two bins around it add up.

use crate::stats;

/// Levels shorter than this many bins are taken for noise.
const SHORTEST: usize = 2;
/// Bins differ by this share of the mean at least, whatever their neighbours.
const LEAST_NOISE: f64 = 0.01;

/// Bits carried and time worked, within one stretch of time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bin {
    /// In nanoseconds.
    pub(super) start: i64,
    pub(super) bits: f64,
    /// In nanoseconds.
    pub(super) busy: f64,
}

pub(super) struct Levels {
    /// Seconds, and bits per second from then on.
    pub(super) steps: Vec<(f64, f64)>,
    /// Share of the variance that the levels explain.
    pub(super) r2: f64,
}

pub(super) fn split(bins: &[Bin], width: i64) -> Levels {
    let rates: Vec<f64> = bins.iter().map(|bin| bin.bits * 1e9 / bin.busy).collect();
    let n = rates.len();
    if n < 2 * SHORTEST {
        return Levels {
            steps: Vec::new(),
            r2: 0.0,
        };
    }
    let sums = Sums::new(&rates);
    let steps: Vec<f64> = rates.windows(2).map(|w| (w[1] - w[0]).abs()).collect();
    let mean = sums.mean(0, n);
    let noise = (stats::median(&steps).unwrap_or(0.0) / 0.954).max(LEAST_NOISE * mean);
    let penalty = 4.0 * libm::log(n as f64) * noise * noise;
    let starts = partition(&sums, n, penalty);

    let total = sums.squares(0, n);
    let ends = starts[1..].iter().copied().chain([n]);
    let left: f64 = starts
        .iter()
        .copied()
        .zip(ends.clone())
        .map(|(a, b)| sums.squares(a, b))
        .sum();
    let levels: Vec<f64> = starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(a, b)| inner_mean(&sums, a, b, n))
        .collect();
    let mut steps = vec![(0.0, levels[0])];
    for (k, start) in starts.iter().enumerate().skip(1) {
        let at = instant(bins, &rates, *start, width, levels[k - 1], levels[k]);
        steps.push((at / 1e9, levels[k]));
    }
    Levels {
        steps,
        r2: if total > 0.0 { 1.0 - left / total } else { 0.0 },
    }
}

/// Mean of a level; bins beside a step hold some of both sides.
fn inner_mean(sums: &Sums, from: usize, to: usize, n: usize) -> f64 {
    let from = if from > 0 && to - from > 3 {
        from + 1
    } else {
        from
    };
    let to = if to < n && to - from > 2 { to - 1 } else { to };
    sums.mean(from, to)
}

fn instant(bins: &[Bin], rates: &[f64], at: usize, width: i64, before: f64, after: f64) -> f64 {
    let (from, to) = (bins[at - 1].start as f64, (bins[at].start + width) as f64);
    let adjacent = bins[at].start - bins[at - 1].start == width;
    if !adjacent || before == after {
        return bins[at].start as f64;
    }
    let carried = (rates[at - 1] + rates[at]) * width as f64;
    ((carried + before * from - after * to) / (before - after)).clamp(from, to)
}

/// Starts of the levels with the least cost.
fn partition(sums: &Sums, n: usize, penalty: f64) -> Vec<usize> {
    let mut best = vec![f64::INFINITY; n + 1];
    let mut start_of = vec![0; n + 1];
    best[0] = 0.0;
    for end in SHORTEST..=n {
        for start in 0..=end - SHORTEST {
            let cost = best[start] + sums.squares(start, end) + penalty;
            if cost < best[end] {
                best[end] = cost;
                start_of[end] = start;
            }
        }
    }
    let mut starts = Vec::new();
    let mut end = n;
    while end > 0 {
        end = start_of[end];
        starts.push(end);
    }
    starts.reverse();
    starts
}

/// Running sums, for means and squared deviations of any stretch.
struct Sums {
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Sums {
    fn new(values: &[f64]) -> Self {
        let running = |f: &dyn Fn(f64) -> f64| {
            let mut sum = 0.0;
            let mut sums = vec![0.0];
            sums.extend(values.iter().map(|v| {
                sum += f(*v);
                sum
            }));
            sums
        };
        Self {
            first: running(&|v| v),
            second: running(&|v| v * v),
        }
    }
    fn mean(&self, from: usize, to: usize) -> f64 {
        (self.first[to] - self.first[from]) / (to - from) as f64
    }
    fn squares(&self, from: usize, to: usize) -> f64 {
        let sum = self.first[to] - self.first[from];
        (self.second[to] - self.second[from] - sum * sum / (to - from) as f64).max(0.0)
    }
}
