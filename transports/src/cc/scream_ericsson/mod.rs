//! SCReAM v2 with the constants and rules of Ericsson's own code, which differs
//! from libwebrtc's ([`super::scream`]) in nearly every rule beyond the outline.
//!
//! Implements: ScreamV2Tx of EricssonResearch/scream (2026-07-31) with one
//! stream, after draft-ietf-ccwg-rfc8298bis-screamv2: window, one-way delay,
//! virtual marks, loss filter, L4S and classic ECN, target, pacing, base delay
//! reset. Beside the draft: in-flight headroom 2.0 (1.5), multiplicative increase
//! 0.05 (0.02), full growth after 200 round trips (100), a floor of three packets
//! (3000 bytes), delay counts as congestion for the growth too, and the virtual
//! mark is divided by the round trip twice. It starts at the least target, not
//! at the start rate.
//! Differs: times are exact (Q16 seconds there, arrivals in 1/1024 s); numbers
//! are doubles (floats there); pacing is a rate (there one interval for packets
//! of any size); the first 100 ms are not thrown away; when half a second has
//! passed without a departure, packets leave again whatever is in flight, until
//! one has left (there the flight is forgotten too).
//! Not modelled: several streams, audio beside video with a window of its own,
//! discarding what waits for too long to be sent, the compensation for encoders
//! that miss their target, the histogram of frame sizes, shared bottleneck
//! detection, compensation of clock drift, protection against policers, relaxed
//! pacing, and the earlier detection of losses by RTP timestamps.

mod controller;
mod delay;
mod loss;
mod media;
mod rtt;
#[cfg(test)]
mod tests;
mod window;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span};

use self::controller::Controller;
use super::{CongestionControl, CongestionController};

/// SCReAM v2 as in Ericsson's code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScreamEricsson {
    /// Factor on the window at a loss event (0.7).
    pub loss_beta: f64,
    /// Factor on the window at a classic ECN mark (0.8 in their simulator, 0.9
    /// as the default of their library).
    pub ecn_beta: f64,
    /// Whether marks are those of an L4S queue, so that packets leave as ECT(1)
    /// and the window follows the share of marks (no).
    pub l4s: bool,
    /// Queueing delay to stay below (60 ms in their simulator, 100 ms as the
    /// default of their library).
    pub queue_delay_target: Span,
    /// Pacing rate as a multiple of the target (1.5).
    pub pacing_headroom: f64,
    /// Greatest further factor on the pacing rate while a frame is larger than
    /// the average (1.5).
    pub max_pacing_scale: f64,
    /// The window may exceed the most bytes in flight by this factor (2.0).
    pub in_flight_headroom: f64,
    /// Bytes in flight may exceed the window by this factor while delay is
    /// steady, by 1.5 otherwise (3.0).
    pub max_window_headroom: f64,
    /// Growth per round trip as a share of the window, long after congestion
    /// (0.05).
    pub multiplicative_increase: f64,
    /// Round trips after congestion over which that growth returns (200).
    pub post_congestion_rtts: f64,
}

impl Default for ScreamEricsson {
    fn default() -> Self {
        Self {
            loss_beta: 0.7,
            ecn_beta: 0.8,
            l4s: false,
            queue_delay_target: Span::from_millis(60),
            pacing_headroom: 1.5,
            max_pacing_scale: 1.5,
            in_flight_headroom: 2.0,
            max_window_headroom: 3.0,
            multiplicative_increase: 0.05,
            post_congestion_rtts: 200.0,
        }
    }
}

impl Plugin for ScreamEricsson {
    type Kind = CongestionControl;
    const NAME: &'static str = "scream_ericsson";
    const SUMMARY: &'static str = "SCReAM v2 with the constants and rules of Ericsson's code";
    const REFERENCES: &'static [&'static str] = &[
        "EricssonResearch/scream, ScreamV2Tx (2026-07-31)",
        "draft-ietf-ccwg-rfc8298bis-screamv2",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        for (name, value, least, most) in [
            ("loss_beta", self.loss_beta, 0.1, 1.0),
            ("ecn_beta", self.ecn_beta, 0.1, 1.0),
            ("pacing_headroom", self.pacing_headroom, 1.0, 100.0),
            ("max_pacing_scale", self.max_pacing_scale, 1.0, 100.0),
            ("in_flight_headroom", self.in_flight_headroom, 1.0, 100.0),
            ("max_window_headroom", self.max_window_headroom, 1.5, 100.0),
            (
                "multiplicative_increase",
                self.multiplicative_increase,
                0.0,
                1.0,
            ),
            ("post_congestion_rtts", self.post_congestion_rtts, 1.0, 1e6),
        ] {
            if !(least..=most).contains(&value) {
                let message = format!("expected {least} to {most}, found {value}");
                return Err(BuildError::field(name, message));
            }
        }
        let target = self.queue_delay_target;
        if !(Span::from_millis(1)..=Span::from_secs(10)).contains(&target) {
            let message = format!("expected 1ms to 10s, found {target}");
            return Err(BuildError::field("queue_delay_target", message));
        }
        Ok(Box::new(Controller::new(self)))
    }
}
