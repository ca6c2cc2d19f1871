//! What `weaknet bench` has measured, as it prints it with `--json`.

use serde::Serialize;

use super::machine::Machine;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) machine: Machine,
    /// Simulated seconds of the short and the long run.
    pub(super) seconds: [u64; 2],
    /// Of so many runs the least counts.
    pub(super) runs: u32,
    pub(super) bulk: Vec<Bulk>,
    pub(super) media: Media,
    /// Absent when the scenario is not to be found.
    pub(super) call: Option<Call>,
    /// A link with no part exchanged.
    pub(super) plain_link: Cost,
    pub(super) links: Vec<LinkPart>,
    /// Most memory that the process has had, in MiB.
    pub(super) peak_mib: Option<f64>,
}

/// CPU time of one thread for each packet and for each event.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Cost {
    pub(super) ns_per_packet: f64,
    pub(super) ns_per_event: f64,
    pub(super) events_per_packet: f64,
}

/// Workload T.
#[derive(Debug, Serialize)]
pub(super) struct Bulk {
    pub(super) flows: u16,
    /// Data packets over the bottleneck in the long run.
    pub(super) packets: u64,
    /// Events in the long run.
    pub(super) events: u64,
    pub(super) cpu_s: f64,
    pub(super) cost: Cost,
    /// Cost of a packet late in the run over that in the short run.
    pub(super) growth: f64,
}

/// Workload M.
#[derive(Debug, Serialize)]
pub(super) struct Media {
    pub(super) packets: u64,
    pub(super) events: u64,
    pub(super) cpu_s: f64,
    pub(super) cost: Cost,
    pub(super) times_real_time: f64,
}

/// The standard call with everything that it does, in process. Its costs are
/// those of the whole run, start and metrics included.
#[derive(Debug, Serialize)]
pub(super) struct Call {
    pub(super) seconds: f64,
    /// Packets over the forward link.
    pub(super) packets: u64,
    pub(super) events: u64,
    pub(super) cpu_s: f64,
    pub(super) cost: Cost,
    pub(super) times_real_time: f64,
}

/// A link with one part exchanged.
#[derive(Debug, Serialize)]
pub(super) struct LinkPart {
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) config: String,
    /// Or why it could not be measured.
    pub(super) result: Result<LinkCost, String>,
}

/// What a packet costs with a part, and how much more than without.
#[derive(Debug, Serialize)]
pub(super) struct LinkCost {
    pub(super) cost: Cost,
    pub(super) extra_ns_per_packet: f64,
    pub(super) extra_ns_per_event: f64,
}
