//! The machine that figures belong to. What a system does not tell is absent.

use std::fs;

use serde::Serialize;

/// Processor and load.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    pub(super) processor: Option<String>,
    pub(super) cores: Option<usize>,
    /// Processes that wanted to run in the last minute, on average.
    pub(super) load: Option<f64>,
    pub(super) version: &'static str,
    /// Whether this is a build with optimisation.
    pub(super) optimised: bool,
}

impl Machine {
    pub(super) fn here() -> Self {
        let load = fs::read_to_string("/proc/loadavg").ok();
        Self {
            processor: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().ok().map(usize::from),
            load: load.and_then(|text| text.split(' ').next()?.parse().ok()),
            version: env!("CARGO_PKG_VERSION"),
            optimised: !cfg!(debug_assertions),
        }
    }
}

/// Most memory that this process has had so far, in MiB.
pub(super) fn peak_mib() -> Option<f64> {
    let text = field("/proc/self/status", "VmHWM")?;
    let kib: f64 = text.split(' ').next()?.parse().ok()?;
    Some(kib / 1_024.0)
}

/// The value after the colon of the first line that begins with `name`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
