//! The states and what each asks for.
//!
//! Implements: draft-ietf-ccwg-bbr, table of section 5.6.1 (working copy of
//! 2026-08).

use super::Bbr3;

/// A state of the machine. Its number is its code in snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Doubles the rate every round.
    Startup = 0,
    /// Drains the queue of Startup.
    Drain = 1,
    /// Drains the queue of a probe.
    ProbeDown = 2,
    /// Sends at the bandwidth.
    ProbeCruise = 3,
    /// Fills the pipe before a probe.
    ProbeRefill = 4,
    /// Probes for more bandwidth.
    ProbeUp = 5,
    /// Probes for a shorter round trip.
    ProbeRtt = 6,
}

impl State {
    /// Whether this is one of the four of ProbeBW.
    pub(super) const fn is_probe_bw(self) -> bool {
        matches!(
            self,
            Self::ProbeDown | Self::ProbeCruise | Self::ProbeRefill | Self::ProbeUp
        )
    }

    /// Whether the flow accelerates or is about to (IsProbingBW).
    pub(super) const fn is_probing(self) -> bool {
        matches!(self, Self::Startup | Self::ProbeRefill | Self::ProbeUp)
    }

    /// Pacing rate as a multiple of the bandwidth.
    pub(super) const fn pacing_gain(self, config: &Bbr3) -> f64 {
        match self {
            Self::Startup => config.startup_pacing_gain,
            Self::Drain => config.drain_pacing_gain,
            Self::ProbeDown => config.probe_down_pacing_gain,
            Self::ProbeUp => config.probe_up_pacing_gain,
            Self::ProbeCruise | Self::ProbeRefill | Self::ProbeRtt => 1.0,
        }
    }

    /// Window as a multiple of the bandwidth-delay product.
    pub(super) const fn cwnd_gain(self, config: &Bbr3) -> f64 {
        match self {
            Self::ProbeUp => config.probe_up_cwnd_gain,
            Self::ProbeRtt => config.probe_rtt_cwnd_gain,
            _ => config.cwnd_gain,
        }
    }
}
