//! NewReno: the window grows by a packet per round trip and halves on loss.
//!
//! Implements: RFC 5681 section 3.1 and RFC 6582 in the form of RFC 9002
//! section 7 (QUIC, also for feedback about single media packets): counted in
//! bytes, one reduction per window of data. HyStart++ (RFC 9406) in the
//! initial slow start.
//! Differs: a mark may reduce the window by less than a loss (RFC 8511) if so
//! configured. Half of the window is taken, not of the flight, which is the
//! same since an unused window does not grow.
//! Not modelled: window inflation by duplicate acknowledgements and limited
//! transmit (the transport counts the flight without what has left it);
//! restart from the initial window after idle time (packets are paced).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin};

use super::hystart::HystartPp;
use super::window::controller::{Acked, Avoidance, Congestion, WindowController};
use super::window::{PacingGains, SlowStart, WindowConfig, validate_factor};
use super::{CongestionControl, CongestionController};

/// NewReno.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewReno {
    /// Bounds and pacing of the window.
    pub window: WindowConfig,
    /// How the first round trips go (hystart_pp; RFC 9406 section 4.3: SHOULD).
    pub slow_start: SlowStart,
    /// Constants of HyStart++.
    pub hystart_pp: HystartPp,
    /// What a loss leaves of the window (0.5, RFC 9002 section 7.3.2).
    pub beta: f64,
    /// What a mark leaves of the window (0.5, RFC 9002 section 7.3.2; 0.8 for
    /// the alternative back-off of RFC 8511).
    pub beta_ecn: f64,
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

impl Default for NewReno {
    fn default() -> Self {
        Self {
            window: WindowConfig::default(),
            slow_start: SlowStart::default(),
            hystart_pp: HystartPp::default(),
            beta: 0.5,
            beta_ecn: 0.5,
            pacing_gain: 1.25,
            slow_start_pacing_gain: 2.0,
            ecn: false,
        }
    }
}

impl Plugin for NewReno {
    type Kind = CongestionControl;
    const NAME: &'static str = "new_reno";
    const SUMMARY: &'static str =
        "window that grows by a packet per round trip and halves on loss (Reno, QUIC's default)";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 5681",
        "RFC 6582",
        "RFC 9002, section 7 and appendix B",
        "RFC 9406",
    ];

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
        let avoidance = Additive {
            beta: self.beta,
            beta_ecn: self.beta_ecn,
        };
        Ok(Box::new(WindowController::new(
            avoidance,
            &self.window,
            self.slow_start.hystart(&self.hystart_pp),
            pacing,
            self.ecn,
        )))
    }
}

/// Additive increase, multiplicative decrease.
#[derive(Debug, Clone, Copy)]
struct Additive {
    beta: f64,
    beta_ecn: f64,
}

impl Avoidance for Additive {
    fn grow(&mut self, cwnd: f64, acked: &Acked) -> f64 {
        cwnd + acked.packets / cwnd
    }

    fn reduce(&mut self, cwnd: f64, congestion: Congestion) -> f64 {
        match congestion {
            Congestion::Loss => cwnd * self.beta,
            Congestion::Mark => cwnd * self.beta_ecn,
        }
    }
}

#[cfg(test)]
#[path = "new_reno_tests.rs"]
mod tests;
