//! Parameters of loss-based estimation v2.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildError, Span};

/// Loss-based estimation v2 (WebRTC-Bwe-LossBasedBweV2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LossV2Config {
    /// Whether it runs; without it the early loss rule stays (true).
    pub enabled: bool,
    /// Least time of sending in an observation (250 ms).
    pub observation: Span,
    /// Observations kept, at least 2 (15).
    pub observations: usize,
    /// Observations needed before an estimate counts (3).
    pub min_observations: u32,
    /// Weight of an observation relative to the next one in the likelihood, 0
    /// to 1 (0.9).
    pub temporal_weight: f64,
    /// The same in the mean loss (0.9).
    pub mean_loss_weight: f64,
    /// The worst observation counts in the mean loss when it was sent at this
    /// multiple of the median rate or faster (2).
    pub median_rate_factor: f64,
    /// Candidates as multiples of the current estimate (1.02, 1, 0.95).
    pub candidate_factors: Vec<f64>,
    /// Whether the acknowledged rate is a candidate (true).
    pub acked_candidate: bool,
    /// Whether the delay-based estimate is a candidate (true).
    pub delay_candidate: bool,
    /// The acknowledged rate as a candidate is scaled by this, at most 1 (1).
    pub acked_candidate_factor: f64,
    /// Whether the acknowledged rate is no candidate while the application is
    /// the limit (true).
    pub skip_acked_when_app_limited: bool,
    /// Preference for bandwidth, per kbps (0.0002).
    pub bandwidth_bias: f64,
    /// Preference for bandwidth, per logarithm of kbps (0.02).
    pub log_bandwidth_bias: f64,
    /// Loss above which less bandwidth is preferred (0.2).
    pub bias_loss_threshold: f64,
    /// Width of the change between the two preferences, as loss (0.002).
    pub bias_smoothing: f64,
    /// Inherent loss assumed at the start (0.01).
    pub initial_inherent_loss: f64,
    /// Least inherent loss (0.001).
    pub min_inherent_loss: f64,
    /// Most inherent loss at high rates (0.05).
    pub max_inherent_loss: f64,
    /// Rate at which the most inherent loss is larger by 1 (100 kbps).
    pub inherent_loss_balance: Bitrate,
    /// Newton steps per candidate (1).
    pub newton_steps: u32,
    /// Length of a Newton step, as a share (0.75).
    pub newton_step_size: f64,
    /// Mean loss above which the estimate is bounded (0.05).
    pub bound_loss_offset: f64,
    /// That bound times the loss in excess (100 kbps).
    pub bound_balance: Bitrate,
    /// Lower bound as a share of the acknowledged rate; 0 for none (1).
    pub acked_floor: f64,
    /// Most growth per window of `increase_window` under loss (1.3).
    pub max_increase: f64,
    /// That window (300 ms).
    pub increase_window: Span,
    /// Growth under loss is bounded by this multiple of the acknowledged rate
    /// (1.5).
    pub rampup_factor: f64,
    /// The same near the rate that was held (1.2).
    pub rampup_factor_in_hold: f64,
    /// Below this multiple of the held rate the acknowledged rate is near it
    /// (1.3).
    pub rampup_hold_threshold: f64,
    /// Factor on the time of holding with each new hold; 0 for no hold (2).
    pub hold_factor: f64,
    /// How long growth under loss is tested with padding; zero for no padding
    /// (2 s).
    pub padding: Span,
}

impl Default for LossV2Config {
    fn default() -> Self {
        Self {
            enabled: true,
            observation: Span::from_millis(250),
            observations: 15,
            min_observations: 3,
            temporal_weight: 0.9,
            mean_loss_weight: 0.9,
            median_rate_factor: 2.0,
            candidate_factors: vec![1.02, 1.0, 0.95],
            acked_candidate: true,
            delay_candidate: true,
            acked_candidate_factor: 1.0,
            skip_acked_when_app_limited: true,
            bandwidth_bias: 0.0002,
            log_bandwidth_bias: 0.02,
            bias_loss_threshold: 0.2,
            bias_smoothing: 0.002,
            initial_inherent_loss: 0.01,
            min_inherent_loss: 1e-3,
            max_inherent_loss: 0.05,
            inherent_loss_balance: Bitrate::from_kbps(100),
            newton_steps: 1,
            newton_step_size: 0.75,
            bound_loss_offset: 0.05,
            bound_balance: Bitrate::from_kbps(100),
            acked_floor: 1.0,
            max_increase: 1.3,
            increase_window: Span::from_millis(300),
            rampup_factor: 1.5,
            rampup_factor_in_hold: 1.2,
            rampup_hold_threshold: 1.3,
            hold_factor: 2.0,
            padding: Span::from_secs(2),
        }
    }
}

impl LossV2Config {
    /// Refuses what has no meaning.
    pub(in super::super) fn validate(&self) -> Result<(), BuildError> {
        let at_most_one = |name: &str, value: f64| within(name, value, 0.0, 1.0);
        if self.observation.is_zero() {
            return Err(error("observation", "a time above zero"));
        }
        if !(2..=1_000).contains(&self.observations) {
            return Err(error("observations", "2 to 1000"));
        }
        if self.min_observations == 0 {
            return Err(error("min_observations", "at least 1"));
        }
        at_most_one("temporal_weight", self.temporal_weight)?;
        at_most_one("mean_loss_weight", self.mean_loss_weight)?;
        within("median_rate_factor", self.median_rate_factor, 0.0, 1e6)?;
        if self
            .candidate_factors
            .iter()
            .any(|factor| !(*factor > 0.0 && *factor < 1e3))
        {
            return Err(error("candidate_factors", "factors above 0 and below 1000"));
        }
        at_most_one("acked_candidate_factor", self.acked_candidate_factor)?;
        within("bandwidth_bias", self.bandwidth_bias, 0.0, 1e3)?;
        within("log_bandwidth_bias", self.log_bandwidth_bias, 0.0, 1e3)?;
        at_most_one("bias_loss_threshold", self.bias_loss_threshold)?;
        within("bias_smoothing", self.bias_smoothing, 1e-9, 1.0)?;
        at_most_one("initial_inherent_loss", self.initial_inherent_loss)?;
        at_most_one("min_inherent_loss", self.min_inherent_loss)?;
        within(
            "max_inherent_loss",
            self.max_inherent_loss,
            self.min_inherent_loss,
            1.0,
        )?;
        if !(1..=100).contains(&self.newton_steps) {
            return Err(error("newton_steps", "1 to 100"));
        }
        within("newton_step_size", self.newton_step_size, 1e-9, 100.0)?;
        at_most_one("bound_loss_offset", self.bound_loss_offset)?;
        within("acked_floor", self.acked_floor, 0.0, 100.0)?;
        within("max_increase", self.max_increase, 1e-9, 1e3)?;
        within("rampup_factor", self.rampup_factor, 1.0, 1e3)?;
        within(
            "rampup_factor_in_hold",
            self.rampup_factor_in_hold,
            1.0,
            1e3,
        )?;
        within(
            "rampup_hold_threshold",
            self.rampup_hold_threshold,
            0.0,
            1e3,
        )?;
        within("hold_factor", self.hold_factor, 0.0, 1e3)
    }
}

fn error(name: &str, expected: &str) -> BuildError {
    BuildError::field(format!("loss.{name}"), format!("expected {expected}"))
}

fn within(name: &str, value: f64, least: f64, most: f64) -> Result<(), BuildError> {
    if value >= least && value <= most {
        Ok(())
    } else {
        Err(error(name, &format!("{least} to {most}, found {value}")))
    }
}
