//! A trace in at most two thousand bins, for a picture of it.

/// Bins that a picture can show.
const MOST: usize = 2_000;

/// A bin to begin with.
const NARROWEST: u64 = 100_000_000;

/// Gaps that are kept.
const MOST_GAPS: usize = 20_000;

/// What happened in a bin.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cell {
    /// Bits that could pass.
    pub bits: f64,
    /// Time, in seconds, for which a rate is known.
    pub rated: f64,
    /// Sum of delay (in ms) times time.
    pub delay: f64,
    /// Time, in seconds, for which a delay is known.
    pub delayed: f64,
    /// The largest delay in ms.
    pub delay_max: f64,
    /// Sum of the share lost times time.
    pub loss: f64,
    /// Time, in seconds, for which a loss is known.
    pub lossy: f64,
}

impl Cell {
    fn join(&mut self, other: &Self) {
        self.bits += other.bits;
        self.rated += other.rated;
        self.delay += other.delay;
        self.delayed += other.delayed;
        self.delay_max = self.delay_max.max(other.delay_max);
        self.loss += other.loss;
        self.lossy += other.lossy;
    }
}

/// A trace over time, coarser the longer it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Length of a bin in nanoseconds.
    pub bin: u64,
    /// The bins from the start.
    pub cells: Vec<Cell>,
    /// Gaps in service, start and end in nanoseconds; the first many of them.
    pub gaps: Vec<(u64, u64)>,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            bin: NARROWEST,
            cells: Vec::new(),
            gaps: Vec::new(),
        }
    }
}

impl Series {
    pub(super) fn gap(&mut self, start: u64, end: u64) {
        if self.gaps.len() < MOST_GAPS {
            self.gaps.push((start, end));
        }
    }

    /// Makes room for an instant.
    fn reach(&mut self, at: u64) -> usize {
        while (at / self.bin) as usize >= MOST {
            self.bin = self.bin.saturating_mul(2);
            let pairs = self.cells.chunks(2).map(|pair| {
                let mut joined = pair[0];
                if let Some(second) = pair.get(1) {
                    joined.join(second);
                }
                joined
            });
            self.cells = pairs.collect();
        }
        let index = (at / self.bin) as usize;
        if index >= self.cells.len() {
            self.cells.resize(index + 1, Cell::default());
        }
        index
    }

    /// Adds what happened at an instant.
    pub(super) fn at(&mut self, at: u64, what: &Cell) {
        let index = self.reach(at);
        self.cells[index].join(what);
    }

    /// Adds, for each second of [start, end), `what`.
    pub(super) fn span(&mut self, start: u64, end: u64, what: &Cell) {
        if end <= start {
            return;
        }
        self.reach(end - 1);
        let mut from = start;
        while from < end {
            let index = self.reach(from);
            let to = end.min((index as u64 + 1).saturating_mul(self.bin));
            let seconds = (to - from) as f64 / 1e9;
            self.cells[index].join(&Cell {
                bits: what.bits * seconds,
                rated: what.rated * seconds,
                delay: what.delay * seconds,
                delayed: what.delayed * seconds,
                delay_max: what.delay_max,
                loss: what.loss * seconds,
                lossy: what.lossy * seconds,
            });
            from = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_widen_and_keep_their_bits() {
        let mut series = Series::default();
        let megabit = Cell {
            bits: 1e6,
            rated: 1.0,
            ..Cell::default()
        };
        for second in 0..100_000u64 {
            series.span(
                second * 1_000_000_000,
                (second + 1) * 1_000_000_000,
                &megabit,
            );
        }
        assert!(series.cells.len() <= MOST);
        let bits: f64 = series.cells.iter().map(|cell| cell.bits).sum();
        assert!((bits - 1e11).abs() < 1.0, "{bits}");
        series.span(100_000_000_000_000, u64::MAX, &megabit);
        assert!(series.cells.len() <= MOST);
    }
}
