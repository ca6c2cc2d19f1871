//! What the machine did to a run: processor time taken away, and traffic that never
//! saw the link.

use std::fs;

use weaknet_live::Namespaces;

/// Processor time that the host of a virtual machine gave to others.
pub(super) struct Stolen {
    /// In hundredths of a second, stolen and all.
    ticks: [u64; 2],
}

impl Stolen {
    pub(super) fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let cpu = stat.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = cpu
            .split_whitespace()
            .skip(1)
            .filter_map(|field| field.parse().ok())
            .collect();
        // user, nice, system, idle, iowait, irq, softirq, steal (proc(5)); what guests
        // take is in user already.
        let all = ticks.iter().take(8).sum();
        Self {
            ticks: [ticks.get(7).copied().unwrap_or_default(), all],
        }
    }

    /// The share stolen since then.
    pub(super) fn since(&self) -> f64 {
        let now = Self::now();
        let [stolen, all] = [0, 1].map(|at| now.ticks[at].saturating_sub(self.ticks[at]) as f64);
        if all > 0.0 { stolen / all } else { 0.0 }
    }
}

/// Bytes that commands sent to their own end, over the loopback device.
pub(super) fn loopback(namespaces: &Namespaces) -> [u64; 2] {
    let sent = || {
        let devices = fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
        let lo = devices
            .lines()
            .find_map(|line| line.trim_start().strip_prefix("lo:"));
        let bytes = lo.and_then(|fields| fields.split_whitespace().nth(8));
        bytes.and_then(|bytes| bytes.parse().ok()).unwrap_or(0)
    };
    [0, 1].map(|end| namespaces.within(end, sent).unwrap_or(0))
}
