//! Columns of a time series, small enough to embed many: down-sampled to at
//! most [`MOST_VALUES`] values that keep the mean of rates, the sum of counts
//! and the extremes of all else, then quantised to 12 bits and written as two
//! characters each. The exact values stay in the run's `series/` files.

use serde::Serialize;

/// Values kept of a column.
const MOST_VALUES: usize = 600;

/// Quantised levels; one more code stands for "no value".
const LEVELS: f64 = 4094.0;
const NO_VALUE: u16 = 4095;

/// Six bits per character.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A packed column: value `i` belongs to `[i * dt, (i + 1) * dt)`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Packed {
    /// Width of a bin in seconds.
    dt: f64,
    /// The value of code 0.
    lo: f64,
    /// The difference between codes.
    by: f64,
    /// The codes.
    v: String,
}

impl Packed {
    /// Characters that the codes take.
    pub(super) fn size(&self) -> usize {
        self.v.len()
    }
}

/// How bins are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    /// Least and greatest, in their order.
    Extremes,
    /// The mean: for rates, whose mean over any span stays true.
    Mean,
    /// The sum: for counts.
    Sum,
    /// The greatest: for what holds or does not.
    Greatest,
}

impl Join {
    fn of(quantity: &str) -> Self {
        match quantity {
            "nacks" | "drops" | "losses" => Self::Sum,
            "frozen" => Self::Greatest,
            rate if rate.ends_with("_kbps") => Self::Mean,
            _ => Self::Extremes,
        }
    }
}

/// Packs a column; `None` if it has no value at all.
pub(super) fn pack(quantity: &str, values: &[f64], step_s: f64) -> Option<Packed> {
    let join = Join::of(quantity);
    let (values, dt) = downsample(values, step_s, join);
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let least = finite().min_by(f64::total_cmp)?;
    let greatest = finite().max_by(f64::total_cmp)?;
    let (lo, by) = match join {
        // Counts stay exact as long as they fit.
        Join::Sum if least >= 0.0 && greatest <= LEVELS => (0.0, 1.0),
        _ => (least, (greatest - least) / LEVELS),
    };
    let codes = values.iter().map(|&value| {
        if !value.is_finite() {
            NO_VALUE
        } else if by > 0.0 {
            // In range by construction: 0 ..= LEVELS.
            ((value - lo) / by).round() as u16
        } else {
            0
        }
    });
    let v = codes
        .flat_map(|code| [code >> 6, code & 63])
        .map(|index| char::from(ALPHABET[usize::from(index & 63)]))
        .collect();
    Some(Packed {
        dt,
        lo: short(lo),
        by: short(by),
        v,
    })
}

/// Six significant digits: enough, and short in JSON.
pub(super) fn short(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

fn downsample(values: &[f64], step_s: f64, join: Join) -> (Vec<f64>, f64) {
    if values.len() <= MOST_VALUES {
        return (values.to_vec(), step_s);
    }
    let per_bucket = if join == Join::Extremes { 2 } else { 1 };
    let size = values.len().div_ceil(MOST_VALUES / per_bucket);
    let joined = values.chunks(size).flat_map(|bucket| match join {
        Join::Extremes => extremes(bucket).to_vec(),
        Join::Mean => vec![sum(bucket) / finite(bucket).count() as f64],
        Join::Sum => vec![sum(bucket)],
        Join::Greatest => vec![
            finite(bucket)
                .map(|(_, value)| value)
                .fold(f64::NAN, f64::max),
        ],
    });
    (joined.collect(), step_s * size as f64 / per_bucket as f64)
}

fn sum(bucket: &[f64]) -> f64 {
    let values = finite(bucket).map(|(_, value)| value);
    values.reduce(|a, b| a + b).unwrap_or(f64::NAN)
}

fn finite(bucket: &[f64]) -> impl Iterator<Item = (usize, f64)> + '_ {
    bucket
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, value)| value.is_finite())
}

fn extremes(bucket: &[f64]) -> [f64; 2] {
    let least = finite(bucket).min_by(|a, b| a.1.total_cmp(&b.1));
    let greatest = finite(bucket).max_by(|a, b| a.1.total_cmp(&b.1));
    match (least, greatest) {
        (Some(least), Some(greatest)) if least.0 <= greatest.0 => [least.1, greatest.1],
        (Some(least), Some(greatest)) => [greatest.1, least.1],
        _ => [f64::NAN; 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(packed: &Packed) -> Vec<f64> {
        let code = |byte: u8| ALPHABET.iter().position(|&c| c == byte).unwrap();
        packed
            .v
            .as_bytes()
            .chunks(2)
            .map(|pair| match code(pair[0]) * 64 + code(pair[1]) {
                4095 => f64::NAN,
                code => packed.lo + packed.by * code as f64,
            })
            .collect()
    }

    #[test]
    fn values_survive_within_half_a_level() {
        let values: Vec<f64> = (0..500).map(|i| f64::from(i * i % 997) * 2.5).collect();
        let packed = pack("sent_kbps", &values, 0.1).unwrap();
        let level = (996.0 * 2.5) / LEVELS;
        for (found, value) in unpack(&packed).iter().zip(&values) {
            assert!(
                (found - value).abs() <= level * 0.51,
                "{found} is not {value}"
            );
        }
    }

    #[test]
    fn counts_are_exact_and_keep_their_sum() {
        let values: Vec<f64> = (0..3000).map(|i| f64::from(i % 7)).collect();
        let packed = pack("drops", &values, 0.1).unwrap();
        let found = unpack(&packed);
        assert_eq!(found.len(), 600);
        assert_eq!(found.iter().sum::<f64>(), values.iter().sum::<f64>());
        assert_eq!(packed.dt, 0.5);
    }

    #[test]
    fn rates_keep_their_mean() {
        let values: Vec<f64> = (0..3000).map(|i| f64::from(i % 11) * 100.0).collect();
        let found = unpack(&pack("received_kbps", &values, 0.1).unwrap());
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        assert_eq!(found.len(), 600);
        assert!((mean(&found) - mean(&values)).abs() < 0.5);
    }

    #[test]
    fn a_single_spike_survives() {
        let mut values = vec![10.0; 10_000];
        values[6_543] = 900.0;
        values[6_544] = 1.0;
        let packed = pack("frame_delay_ms", &values, 0.01).unwrap();
        let found = unpack(&packed);
        assert!(found.len() <= MOST_VALUES);
        let at = found.iter().position(|value| *value > 899.0).unwrap();
        assert!((at as f64 * packed.dt - 65.43).abs() <= 2.0 * packed.dt);
        assert!(found.iter().any(|value| *value < 1.1));
        assert!((found.len() as f64 * packed.dt - 100.0).abs() < 1.0);
    }

    #[test]
    fn gaps_stay_gaps() {
        let packed = pack("frame_delay_ms", &[f64::NAN, 5.0, f64::INFINITY], 0.1).unwrap();
        let found = unpack(&packed);
        assert!(found[0].is_nan() && found[2].is_nan());
        assert_eq!(found[1], 5.0);
        assert_eq!(pack("frame_delay_ms", &[f64::NAN], 0.1), None);
        assert_eq!(pack("drops", &[], 0.1), None);
    }
}
