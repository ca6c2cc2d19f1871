//! Distributions as tables: the inverse of a distribution function in units of
//! the jitter, times 8192.
//!
//! Implements: the tables that iproute2's netem/*.c make, 4096 entries each,
//! standards reference 9.4: `normal` is the normal quantile; `pareto` has index
//! 3 and is cut off at four jitters, so its mean is -0.03 and its deviation 0.82;
//! `paretonormal` is a quarter of the former and three quarters of the latter.
//! Files of that format: whole numbers apart by blanks, `#` begins a comment.
//! Differs: iproute2 finds the normal quantiles by summing the density in small
//! steps; entries may differ by one.

use weaknet_core::rng::normal_quantile;

/// What one jitter counts.
pub(super) const SCALE: i64 = 8_192;
/// Entries of a table that netem makes, and steps of its finest one.
const ENTRIES: u32 = 4_096;
const STEPS: u32 = 16_384;
/// The kernel takes no longer tables.
const MOST: usize = 16_384;

/// Values of which each is as likely as any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table(Vec<i16>);

/// To the nearest whole number that fits.
fn entry(value: f64) -> i16 {
    libm::round(value).clamp(-32_767.0, 32_767.0) as i16
}

impl Table {
    pub(super) fn normal() -> Self {
        let step = STEPS / ENTRIES;
        let middle = |i: u32| (f64::from(i * step) + 0.5) / f64::from(STEPS);
        let quantile = |i| entry(SCALE as f64 * normal_quantile(middle(i)));
        Self((0..ENTRIES).map(quantile).collect())
    }

    pub(super) fn pareto() -> Self {
        let quantile = |i: u32| {
            let left = 1.0 - f64::from(i) / f64::from(ENTRIES);
            entry(SCALE as f64 * (1.0 / libm::cbrt(left) - 1.5) * 4.0 / 3.0)
        };
        Self((0..ENTRIES).map(quantile).collect())
    }

    pub(super) fn paretonormal() -> Self {
        let pairs = Self::normal().0.into_iter().zip(Self::pareto().0);
        let mix = |(normal, pareto): (i16, i16)| {
            entry((f64::from(normal) + 3.0 * f64::from(pareto)) / 4.0)
        };
        Self(pairs.map(mix).collect())
    }

    /// Reads a file.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "not a text file".to_owned())?;
        let mut entries = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default();
            for word in line.split_whitespace() {
                let entry = word.parse().map_err(|_| {
                    format!("line {number}: `{word}` is not a whole number from -32768 to 32767")
                })?;
                entries.push(entry);
            }
        }
        match entries.len() {
            0 => Err("there are no numbers".to_owned()),
            n if n > MOST => Err(format!("expected at most {MOST} numbers, found {n}")),
            _ => Ok(Self(entries)),
        }
    }

    /// The entry that a draw chooses.
    pub(super) fn pick(&self, draw: u32) -> i64 {
        i64::from(self.0[draw as usize % self.0.len()])
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> &[i16] {
        &self.0
    }
}
