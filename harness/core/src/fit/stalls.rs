//! Silences: times in which nothing arrived though something was on its way.

use serde::Serialize;

use super::series::Series;
use crate::stats;

const LEAST_NS: i64 = 200_000_000;

/// Silences of 200 ms or more.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Stalls {
    /// How many there are per minute.
    pub per_minute: f64,
    /// Median length in milliseconds.
    pub p50_ms: f64,
    /// 95th percentile in milliseconds.
    pub p95_ms: f64,
    /// Share of the time within them.
    pub share: f64,
}

/// A silence begins with an arrival, or when the first packet sent since would
/// have arrived after the shortest delay, whichever is later.
pub(super) fn find(series: &Series, base: i64) -> Stalls {
    let mut due: Vec<i64> = series.passages.iter().map(|p| p.sent + base).collect();
    due.sort_unstable();
    let mut arrivals: Vec<i64> = series
        .delivered()
        .map(|(_, _, received, _)| received)
        .collect();
    arrivals.sort_unstable();
    let mut lengths = Vec::new();
    for pair in arrivals.windows(2) {
        if pair[1] - pair[0] < LEAST_NS {
            continue;
        }
        let first_due = due.partition_point(|at| *at <= pair[0]);
        let Some(expected) = due.get(first_due) else {
            continue;
        };
        let length = pair[1] - *expected;
        if length >= LEAST_NS {
            lengths.push(length as f64 / 1e6);
        }
    }
    let seconds = series.seconds();
    if lengths.is_empty() || seconds <= 0.0 {
        return Stalls::default();
    }
    lengths.sort_unstable_by(f64::total_cmp);
    let at = |p: f64| stats::quantile(&lengths, p).unwrap_or(0.0);
    Stalls {
        per_minute: lengths.len() as f64 * 60.0 / seconds,
        p50_ms: at(0.5),
        p95_ms: at(0.95),
        share: lengths.iter().sum::<f64>() / 1e3 / seconds,
    }
}
