//! BBRv3: a model of the path, made of its bandwidth, its round trip and how
//! much it holds without loss, probed in turns, sets pacing rate and window.
//!
//! Implements: draft-ietf-ccwg-bbr, working copy of 2026-08-03, sections 5.2
//! to 5.6, with the offload budget of TCP.
//! Differs: gains are those of section 5.6.1's table in every state, where the
//! procedures that begin a phase leave them alone. The bound of 63 rounds on
//! the time between probes counts packets of the target flight, rounded up.
//! Loss recovery and lost ranges are told from reports: recovery lasts until a
//! packet is acknowledged that was sent after it began. The draft names no
//! response to ECN: packets are sent without it unless `ecn` is set; then a
//! mark counts as a loss, for the rates of loss only in the report that tells
//! of it. Persistent congestion, which the draft does not know, is answered
//! like a retransmission timeout: one packet more than is in flight, and the
//! model is kept; recovery ends it.
//! It follows from the draft that behind a queue of many round trips, as after
//! a deep fall of the link's rate, ProbeRTT comes before every end of a probe
//! and the bandwidth is never forgotten; the window stays bounded by the
//! long-term flight.
//! Not modelled: limits by the receiver; transports that learn of one loss per
//! round trip only; padding while probing.

mod aggregation;
mod bandwidth;
mod congestion;
mod control;
mod controller;
mod engine;
mod long_term;
mod min_rtt;
mod probe_bw;
mod probe_rtt;
mod startup;
mod state;
#[cfg(test)]
mod tests;
mod undo;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin, Span};

use crate::cc::bbr::check;
use crate::cc::{CongestionControl, CongestionController};

/// BBRv3; sections are those of draft-ietf-ccwg-bbr.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bbr3 {
    /// Largest packet until the path tells, in bytes of the wire (1500 bytes).
    pub mss: Bytes,
    /// Whether to send ECT(0) and take marks as losses (false; section 3.7
    /// leaves the response open).
    pub ecn: bool,
    /// Pacing gain in Startup (2.77, 4 ln 2 as printed; section 2.4).
    pub startup_pacing_gain: f64,
    /// Pacing gain in Drain (0.5; section 5.3.2).
    pub drain_pacing_gain: f64,
    /// Pacing gain in ProbeBW_DOWN (0.9; section 5.6.1).
    pub probe_down_pacing_gain: f64,
    /// Pacing gain in ProbeBW_UP (1.25; section 5.6.1).
    pub probe_up_pacing_gain: f64,
    /// Window as a multiple of the bandwidth-delay product (2; section 2.5).
    pub cwnd_gain: f64,
    /// The same in ProbeBW_UP (2.25; section 5.6.1).
    pub probe_up_cwnd_gain: f64,
    /// The same in ProbeRTT (0.5; section 2.14.2).
    pub probe_rtt_cwnd_gain: f64,
    /// Share of the bandwidth that pacing leaves free (0.01; section 2.5).
    pub pacing_margin: f64,
    /// Share of a flight that may be lost (0.02; section 2.5).
    pub loss_threshold: f64,
    /// Least factor on the model at a loss (0.7; section 2.5).
    pub beta: f64,
    /// Share of the long-term flight left to others (0.15; section 2.5).
    pub headroom: f64,
    /// Growth over a round below which the pipe may be full (1.25; section
    /// 5.3.1.2).
    pub full_bw_growth: f64,
    /// Rounds without such growth until it counts as full (3; section 5.3.1.2).
    pub full_bw_rounds: u32,
    /// Lost ranges within a round that end Startup (6; section 5.3.1.3).
    pub startup_full_loss_count: u32,
    /// Rounds after which Drain ends in any case (3; section 5.3.2).
    pub drain_rounds: u32,
    /// Least time between bandwidth probes (2 s; section 5.3.3.8).
    pub probe_wait: Span,
    /// Random time on top of it, at most (1 s; section 5.3.3.8).
    pub probe_wait_spread: Span,
    /// Most rounds between bandwidth probes (63; section 5.3.3.8).
    pub probe_wait_rounds: u32,
    /// Rounds over which aggregation is remembered once the pipe was full (10;
    /// section 2.11).
    pub extra_acked_rounds: u32,
    /// Time over which the shortest round trip is remembered (10 s; section
    /// 2.14.1).
    pub min_rtt_window: Span,
    /// Time without a shorter round trip until ProbeRTT (5 s; section 2.14.2).
    pub probe_rtt_interval: Span,
    /// Least time in ProbeRTT with a small flight (200 ms; section 2.14.2).
    pub probe_rtt_duration: Span,
    /// Send quanta that the window allows at least: 3 of TCP, 1 of QUIC (3;
    /// section 5.5.8).
    pub offload_quanta: u32,
}

impl Default for Bbr3 {
    fn default() -> Self {
        Self {
            mss: Bytes::new(1_500),
            ecn: false,
            startup_pacing_gain: 2.77,
            drain_pacing_gain: 0.5,
            probe_down_pacing_gain: 0.9,
            probe_up_pacing_gain: 1.25,
            cwnd_gain: 2.0,
            probe_up_cwnd_gain: 2.25,
            probe_rtt_cwnd_gain: 0.5,
            pacing_margin: 0.01,
            loss_threshold: 0.02,
            beta: 0.7,
            headroom: 0.15,
            full_bw_growth: 1.25,
            full_bw_rounds: 3,
            startup_full_loss_count: 6,
            drain_rounds: 3,
            probe_wait: Span::from_secs(2),
            probe_wait_spread: Span::from_secs(1),
            probe_wait_rounds: 63,
            extra_acked_rounds: 10,
            min_rtt_window: Span::from_secs(10),
            probe_rtt_interval: Span::from_secs(5),
            probe_rtt_duration: Span::from_millis(200),
            offload_quanta: 3,
        }
    }
}

impl Plugin for Bbr3 {
    type Kind = CongestionControl;
    const NAME: &'static str = "bbr3";
    const SUMMARY: &'static str =
        "BBRv3: paces at a modelled bandwidth, probes it in turns, answers loss above 2 %";
    const REFERENCES: &'static [&'static str] =
        &["draft-ietf-ccwg-bbr, working copy of 2026-08-03"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        self.validate()?;
        let random = cx.streams.sequence(cx.path, "probe wait");
        Ok(Box::new(controller::Controller::new(self, random)))
    }
}

impl Bbr3 {
    fn validate(&self) -> Result<(), BuildError> {
        for (name, value, least, most) in [
            ("mss", self.mss.get() as f64, 100.0, 65_535.0),
            ("startup_pacing_gain", self.startup_pacing_gain, 1.0, 10.0),
            ("drain_pacing_gain", self.drain_pacing_gain, 0.01, 1.0),
            (
                "probe_down_pacing_gain",
                self.probe_down_pacing_gain,
                0.01,
                1.0,
            ),
            ("probe_up_pacing_gain", self.probe_up_pacing_gain, 1.0, 10.0),
            ("cwnd_gain", self.cwnd_gain, 1.0, 100.0),
            ("probe_up_cwnd_gain", self.probe_up_cwnd_gain, 1.0, 100.0),
            ("probe_rtt_cwnd_gain", self.probe_rtt_cwnd_gain, 0.0, 1.0),
            ("pacing_margin", self.pacing_margin, 0.0, 0.5),
            ("loss_threshold", self.loss_threshold, 0.0, 0.99),
            ("beta", self.beta, 0.0, 1.0),
            ("headroom", self.headroom, 0.0, 0.99),
            ("full_bw_growth", self.full_bw_growth, 1.0, 10.0),
            (
                "full_bw_rounds",
                f64::from(self.full_bw_rounds),
                1.0,
                1_000.0,
            ),
            (
                "startup_full_loss_count",
                f64::from(self.startup_full_loss_count),
                1.0,
                1e6,
            ),
            (
                "probe_wait_rounds",
                f64::from(self.probe_wait_rounds),
                1.0,
                1e6,
            ),
            (
                "offload_quanta",
                f64::from(self.offload_quanta),
                0.0,
                1_000.0,
            ),
        ] {
            check(name, value, least, most)?;
        }
        Ok(())
    }
}
