//! Prague: a scalable controller for L4S. Packets say that they can do with
//! frequent marks, and the window falls by half the share of marked packets.
//!
//! Implements: the profile common to L4STeam's Linux `tcp_prague` 0.6 and
//! `udp_prague` (February 2026), both after
//! draft-briscoe-iccrg-prague-congestion-control: ECT(1); share of marks as an
//! average with weight 1/16 per virtual round trip; growth and reductions per
//! virtual round trip of at least 25 ms, from the beginning; a loss halves the
//! window; windows in fractions of packets; paced at the window per round
//! trip. RFC 9331 section 4 for what L4S asks of it. `fast_growth` is that of
//! `udp_prague`.
//! Differs: slow start as RFC 9002 until the first mark or loss, when the
//! share of marks counts as `initial_alpha` (Linux; `udp_prague` starts at a
//! configured rate and a share of zero). Once a packet arrives as not ECT(1)
//! the sender stops to mark its packets and answers losses only; where
//! acknowledgements are ranges, the transport sees to that by their counts.
//! Not modelled: falling back where an AQM marks like RFC 3168 (off in Linux
//! too); packets that shrink, and rates below two packets per 25 ms; bursts
//! cut to 250 us (the pacer's matter).

mod controller;
mod growth;
mod mark_share;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span};

use super::window::{PacingGains, WindowConfig, validate_factor};
use super::{CongestionControl, CongestionController};

/// Prague.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Prague {
    /// Bounds of the window.
    pub window: WindowConfig,
    /// Weight of the newest share of marks in its average (g = 1/16).
    pub g: f64,
    /// The average before the first mark (1, as `tcp_prague`).
    pub initial_alpha: f64,
    /// Below this round-trip time flows grow and reduce as slowly as at it, so
    /// that they share alike (25 ms).
    pub virtual_rtt: Span,
    /// What a loss leaves of the window (0.5).
    pub beta: f64,
    /// Whether growth becomes faster after a long time without marks (false,
    /// as `tcp_prague`; true as `udp_prague`).
    pub fast_growth: bool,
    /// Pacing rate over window per round-trip time (1, as `tcp_prague`).
    pub pacing_gain: f64,
    /// The same in slow start below half of the threshold (2, as Linux).
    pub slow_start_pacing_gain: f64,
}

impl Default for Prague {
    fn default() -> Self {
        Self {
            window: WindowConfig::default(),
            g: 1.0 / 16.0,
            initial_alpha: 1.0,
            virtual_rtt: Span::from_millis(25),
            beta: 0.5,
            fast_growth: false,
            pacing_gain: 1.0,
            slow_start_pacing_gain: 2.0,
        }
    }
}

impl Prague {
    fn pacing(&self) -> PacingGains {
        PacingGains {
            slow_start: self.slow_start_pacing_gain,
            avoidance: self.pacing_gain,
        }
    }
}

impl Plugin for Prague {
    type Kind = CongestionControl;
    const NAME: &'static str = "prague";
    const SUMMARY: &'static str =
        "scalable window for L4S: falls by half the share of marked packets";
    const REFERENCES: &'static [&'static str] = &[
        "draft-briscoe-iccrg-prague-congestion-control",
        "L4STeam tcp_prague 0.6 and udp_prague",
        "RFC 9331, section 4",
        "RFC 8257, section 3.3",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        self.window.validate()?;
        validate_factor("beta", self.beta)?;
        self.pacing().validate()?;
        if !(1e-3..=1.0).contains(&self.g) {
            return Err(BuildError::field("g", "expected 0.001 to 1"));
        }
        if !(0.0..=1.0).contains(&self.initial_alpha) {
            return Err(BuildError::field("initial_alpha", "expected 0 to 1"));
        }
        let virtual_rtt = Span::from_millis(1)..=Span::from_secs(1);
        if !virtual_rtt.contains(&self.virtual_rtt) {
            return Err(BuildError::field("virtual_rtt", "expected 1ms to 1s"));
        }
        Ok(Box::new(controller::Controller::new(self)))
    }
}
