//! What a trace is like: mean, variation, correlation, gaps.

use weaknet_core::Span;

use super::Piece;
use crate::stats;

/// Shorter silences are no gaps.
const LEAST_GAP: Span = Span::from_millis(200);

/// Figures of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Mean rate in bits per second, gaps included.
    pub mean: f64,
    /// Coefficient of variation of one-second means, gaps included.
    pub cv: f64,
    /// Correlation of one-second means with the next.
    pub autocorrelation: f64,
    /// Lengths of gaps of 200 ms or more, ascending, in seconds.
    pub gaps: Vec<f64>,
    /// Length in seconds.
    pub seconds: f64,
}

impl Statistics {
    /// Gaps per minute.
    #[must_use]
    pub fn gaps_per_minute(&self) -> f64 {
        self.gaps.len() as f64 * 60.0 / self.seconds
    }

    /// Quantile of the lengths of gaps in seconds.
    #[must_use]
    pub fn gap(&self, p: f64) -> Option<f64> {
        stats::quantile(&self.gaps, p)
    }
}

/// Measures a trace of `length`.
#[must_use]
pub fn measure(pieces: &[Piece], length: Span) -> Statistics {
    let seconds = length.as_secs_f64();
    let mut bits = vec![0.0; seconds as usize];
    let (mut total, mut gaps, mut silence) = (0.0, Vec::new(), 0.0);
    let ends = pieces.iter().skip(1).map(|piece| piece.at).chain([length]);
    for (piece, end) in pieces.iter().zip(ends) {
        let (mut at, end) = (piece.at.as_secs_f64(), end.min(length).as_secs_f64());
        let rate = piece.rate.as_bps_f64();
        total += rate * (end - at).max(0.0);
        if piece.rate.is_zero() {
            silence += end - at;
        } else {
            gaps.push(silence);
            silence = 0.0;
        }
        while at < end {
            let until = (libm::floor(at) + 1.0).min(end);
            if let Some(second) = bits.get_mut(at as usize) {
                *second += rate * (until - at);
            }
            at = until;
        }
    }
    gaps.push(silence);
    gaps.retain(|gap| *gap >= LEAST_GAP.as_secs_f64());
    gaps.sort_unstable_by(f64::total_cmp);
    let mean = stats::mean(&bits).unwrap_or(0.0);
    let n = bits.len() as f64;
    let variance = bits.iter().map(|b| (b - mean).powi(2)).sum::<f64>() / n;
    let products: f64 = bits.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
    Statistics {
        mean: total / seconds,
        cv: if mean > 0.0 { variance.sqrt() / mean } else { 0.0 },
        autocorrelation: if variance > 0.0 { products / n / variance } else { 0.0 },
        gaps,
        seconds,
    }
}
