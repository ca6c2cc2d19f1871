//! BBR, first version: paces at the largest delivery rate of ten rounds, keeps
//! at most two bandwidth-delay products in flight, and asks neither loss nor
//! marks for its model.
//!
//! Implements: draft-cardwell-iccrg-bbr-congestion-control-00, section 4, and
//! the delivery rate of draft-ietf-ccwg-bbr, section 4.1.
//! Differs: the high gain is 2/ln 2, of which the draft prints 2.89. Recovery
//! lasts until a packet is acknowledged that was sent after it began, with the
//! latest loss. Its first round of packet conservation takes the place of the
//! usual change of the window. A cycle begins at a random phase after ProbeRTT
//! too. Persistent congestion, which the draft does not know, is answered like
//! a retransmission timeout: a window of one packet until the next
//! acknowledgement; the model is kept.
//! Not modelled: ECN; the detector of policers that Linux has and the draft
//! does not; padding while probing.

mod control;
mod controller;
mod cycle;
mod engine;
mod recovery;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin, Span};

use crate::cc::bbr::check;
use crate::cc::{CongestionControl, CongestionController};

/// BBR, first version; sections are those of
/// draft-cardwell-iccrg-bbr-congestion-control-00.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bbr1 {
    /// Largest packet until the path tells, in bytes of the wire (1500 bytes).
    pub mss: Bytes,
    /// Gain of pacing and window in Startup; its inverse drains (2/ln 2 =
    /// 2.885390; section 4.3.2).
    pub high_gain: f64,
    /// Pacing gain of the cycle's phase that probes (1.25; section 4.3.4).
    pub probe_gain: f64,
    /// Pacing gain of the phase after it (0.75; section 4.3.4).
    pub drain_gain: f64,
    /// Window as a multiple of the bandwidth-delay product (2; section
    /// 4.3.4.2).
    pub cwnd_gain: f64,
    /// Rounds over which the largest delivery rate is the bandwidth (10;
    /// section 4.1.1.2).
    pub bandwidth_rounds: u32,
    /// Growth over a round below which the pipe may be full (1.25; section
    /// 4.3.2.2).
    pub full_bw_growth: f64,
    /// Rounds without such growth until it counts as full (3; section
    /// 4.3.2.2).
    pub full_bw_rounds: u32,
    /// Time over which the shortest round trip is remembered, and after which
    /// ProbeRTT begins (10 s; section 4.1.2.2).
    pub min_rtt_window: Span,
    /// Least time in ProbeRTT with a small flight (200 ms; section 4.3.5).
    pub probe_rtt_duration: Span,
    /// Least window in packets, and the one in ProbeRTT (4; section 4.2.3.5).
    pub min_pipe_packets: u32,
}

impl Default for Bbr1 {
    fn default() -> Self {
        Self {
            mss: Bytes::new(1_500),
            high_gain: 2.0 / std::f64::consts::LN_2,
            probe_gain: 1.25,
            drain_gain: 0.75,
            cwnd_gain: 2.0,
            bandwidth_rounds: 10,
            full_bw_growth: 1.25,
            full_bw_rounds: 3,
            min_rtt_window: Span::from_secs(10),
            probe_rtt_duration: Span::from_millis(200),
            min_pipe_packets: 4,
        }
    }
}

impl Plugin for Bbr1 {
    type Kind = CongestionControl;
    const NAME: &'static str = "bbr1";
    const SUMMARY: &'static str =
        "BBR as first published: paces at the measured bandwidth, deaf to loss";
    const REFERENCES: &'static [&'static str] = &[
        "draft-cardwell-iccrg-bbr-congestion-control-00",
        "draft-ietf-ccwg-bbr, section 4.1 (delivery rate), working copy of 2026-08-03",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        self.validate()?;
        let random = cx.streams.sequence(cx.path, "cycle start");
        Ok(Box::new(controller::Controller::new(self, random)))
    }
}

impl Bbr1 {
    fn validate(&self) -> Result<(), BuildError> {
        for (name, value, least, most) in [
            ("mss", self.mss.get() as f64, 100.0, 65_535.0),
            ("high_gain", self.high_gain, 1.0, 10.0),
            ("probe_gain", self.probe_gain, 1.0, 10.0),
            ("drain_gain", self.drain_gain, 0.01, 1.0),
            ("cwnd_gain", self.cwnd_gain, 1.0, 100.0),
            (
                "bandwidth_rounds",
                f64::from(self.bandwidth_rounds),
                1.0,
                1e6,
            ),
            ("full_bw_growth", self.full_bw_growth, 1.0, 10.0),
            ("full_bw_rounds", f64::from(self.full_bw_rounds), 1.0, 1e3),
            (
                "min_pipe_packets",
                f64::from(self.min_pipe_packets),
                1.0,
                1e3,
            ),
        ] {
            check(name, value, least, most)?;
        }
        Ok(())
    }
}
