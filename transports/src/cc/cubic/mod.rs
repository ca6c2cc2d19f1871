//! CUBIC: the window follows a cubic function of the time since the last
//! reduction, flat around the window at which that happened.
//!
//! Implements: RFC 9438 (C 0.4, beta 0.7, Reno-friendly region, fast
//! convergence, restoring after spurious losses, time without use not
//! counted) under the rules of RFC 9002 section 7; HyStart++ (RFC 9406) in
//! the initial slow start.
//! Differs: a mark leaves at least as many packets as a loss (section 4.6: one
//! instead of two). The window takes the place of the flight in a reduction,
//! which section 4.6 allows because an unused window does not grow.
//! `reno_estimate: elapsed` with a standard slow start and a window in single
//! precision is s2n-quic's CUBIC on a path without a change of round trip.
//! Not modelled: F-RTO (the transport tells of spurious timeouts); the timer
//! back-off of a window of one packet under marks; restart from the initial
//! window after idle time (packets are paced).

mod curve;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin};

use super::hystart::HystartPp;
use super::window::controller::WindowController;
use super::window::{PacingGains, SlowStart, WindowConfig, validate_factor};
use super::{CongestionControl, CongestionController};

/// CUBIC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cubic {
    /// Bounds and pacing of the window.
    pub window: WindowConfig,
    /// How the first round trips go (hystart_pp; RFC 9438 section 4.10:
    /// SHOULD).
    pub slow_start: SlowStart,
    /// Constants of HyStart++.
    pub hystart_pp: HystartPp,
    /// How steep the curve is, in packets per cubic second (C = 0.4, RFC 9438
    /// section 5).
    pub c: f64,
    /// What a loss leaves of the window (0.7, RFC 9438 section 4.6).
    pub beta: f64,
    /// What a mark leaves of the window (0.7, RFC 9438 section 4.6; 0.85 for
    /// the alternative back-off of RFC 8511).
    pub beta_ecn: f64,
    /// Whether a flow whose window shrinks gives way to new ones (true,
    /// RFC 9438 section 4.7).
    pub fast_convergence: bool,
    /// How the window of Reno is estimated that must not be undercut.
    pub reno_estimate: RenoEstimate,
    /// Pacing rate over window per round-trip time (1.25, RFC 9002
    /// section 7.7).
    pub pacing_gain: f64,
    /// The same in slow start (2.0, as Linux: the window doubles per round
    /// trip).
    pub slow_start_pacing_gain: f64,
    /// Whether packets are sent as ECN-capable, ECT(0) (false, as most
    /// senders; marks count in any case).
    pub ecn: bool,
}

/// How the window is estimated that Reno would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RenoEstimate {
    /// From what was acknowledged (RFC 9438 section 4.3).
    #[default]
    Acknowledged,
    /// From the time that has passed (RFC 8312 section 4.2).
    Elapsed,
}

impl Default for Cubic {
    fn default() -> Self {
        Self {
            window: WindowConfig::default(),
            slow_start: SlowStart::default(),
            hystart_pp: HystartPp::default(),
            c: 0.4,
            beta: 0.7,
            beta_ecn: 0.7,
            fast_convergence: true,
            reno_estimate: RenoEstimate::default(),
            pacing_gain: 1.25,
            slow_start_pacing_gain: 2.0,
            ecn: false,
        }
    }
}

impl Plugin for Cubic {
    type Kind = CongestionControl;
    const NAME: &'static str = "cubic";
    const SUMMARY: &'static str =
        "window along a cubic function of time (the default of Linux, Windows and Apple)";
    const REFERENCES: &'static [&'static str] = &["RFC 9438", "RFC 9406", "RFC 9002, section 7"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        self.window.validate()?;
        self.hystart_pp.validate()?;
        let pacing = PacingGains {
            slow_start: self.slow_start_pacing_gain,
            avoidance: self.pacing_gain,
        }
        .validate()?;
        validate_factor("beta", self.beta)?;
        validate_factor("beta_ecn", self.beta_ecn)?;
        if !(1e-3..=1e3).contains(&self.c) {
            return Err(BuildError::field("c", "expected 0.001 to 1000"));
        }
        Ok(Box::new(WindowController::new(
            curve::Curve::new(self),
            &self.window,
            self.slow_start.hystart(&self.hystart_pp),
            pacing,
            self.ecn,
        )))
    }
}
