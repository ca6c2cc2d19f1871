//! Delays with jitter.

use std::sync::Arc;

use super::chance::{Correlated, Source};
use super::table::{SCALE, Table};

/// A mean and a jitter, in nanoseconds.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    pub(super) mean: i64,
    /// At most 2^31 - 1.
    pub(super) jitter: u32,
    /// Uniform when absent.
    pub(super) table: Option<Arc<Table>>,
}

impl Spread {
    /// The next value. It may be negative.
    pub(super) fn draw(&self, draws: &mut Correlated, source: &mut impl Source) -> i64 {
        if self.jitter == 0 {
            return self.mean;
        }
        self.at(draws.draw(source))
    }

    /// The value that a draw chooses: uniform from mean - jitter to less than
    /// mean + jitter, or the table's, rounded to the nearest as the kernel does.
    pub(super) fn at(&self, draw: u32) -> i64 {
        let jitter = i64::from(self.jitter);
        let off = match &self.table {
            None => i64::from(draw) % (2 * jitter) - jitter,
            Some(table) => {
                let entry = table.pick(draw);
                let part = (jitter % SCALE) * entry;
                let half = if part >= 0 { SCALE / 2 } else { -SCALE / 2 };
                (part + half) / SCALE + jitter / SCALE * entry
            }
        };
        self.mean.saturating_add(off)
    }
}
