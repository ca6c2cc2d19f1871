//! Time that the host of a virtual machine took away.

use std::fs;

/// Time of all processors together, in ticks since the machine started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticks {
    total: u64,
    stolen: u64,
}

impl Ticks {
    /// Now; `None` where the kernel does not tell.
    pub(super) fn now() -> Option<Self> {
        Self::read(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq,
    /// steal. Guests' time behind them is part of user and nice.
    fn read(text: &str) -> Option<Self> {
        let line = text.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Option<Vec<u64>> = line
            .split_whitespace()
            .take(8)
            .map(|word| word.parse().ok())
            .collect();
        let ticks = ticks?;
        Some(Self {
            total: ticks.iter().sum(),
            stolen: *ticks.get(7)?,
        })
    }

    /// Which percentage of the time since `before` was stolen.
    pub(super) fn stolen_percent_since(self, before: Self) -> f64 {
        let total = self.total.saturating_sub(before.total).max(1);
        self.stolen.saturating_sub(before.stolen) as f64 * 100.0 / total as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eighth_column_is_steal() {
        let read = |text| Ticks::read(text).unwrap();
        let before = read("cpu  100 0 50 1000 5 0 3 10 7 0\ncpu0 1 1 1\n");
        assert_eq!((before.total, before.stolen), (1_168, 10));
        let after = read("cpu  150 0 80 1100 5 0 3 30 7 0\n");
        assert!((after.stolen_percent_since(before) - 10.0).abs() < 1e-9);
        assert_eq!(before.stolen_percent_since(after), 0.0);
        assert_eq!(Ticks::read("cpu 1 2 3\n"), None);
        assert_eq!(Ticks::read(""), None);
    }
}
