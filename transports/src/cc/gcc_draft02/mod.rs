//! Google congestion control as the IETF saw it: a Kalman filter follows the
//! trend of the one-way delay, an adaptive threshold tells over-use from it,
//! and additive or multiplicative increase and a decrease below the throughput
//! answer; losses bound the result.
//!
//! Implements: draft-ietf-rmcat-gcc-02 (2016), sections 5 and 6, at the sender.
//! What the draft leaves open is as in libwebrtc of that time: the variance of
//! the noise starts at 50, the shortest of 60 group intervals sets its pace,
//! the time in over-use begins with half of an interval, the threshold moves
//! over at most 100 ms at once, outliers are cut on both sides, the spread of
//! the throughput at decreases is relative to its mean.
//! Differs: the detector looks at the trend times the number of groups, up to
//! 60, as libwebrtc does (`detector_gain`): the trend of a single group is far
//! below the draft's threshold of 12.5 ms. A decrease never raises the rate.
//! Losses are counted over a second, not per report, so that the growth of 5 %
//! does not depend on how often reports come; the loss-based rate obeys the
//! bound of 1.5 times the throughput too, without which it would be out of
//! reach after a minute.
//! Without reports on packets the losses that receiver reports count decide
//! alone (section 6).
//! Not modelled: REMB; the timing of reports. The controller of today's
//! browsers is `gcc`.

mod controller;
mod detector;
mod groups;
mod kalman;
mod loss;
mod rate_control;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span};

use crate::cc::{CongestionControl, CongestionController};

/// Google congestion control of draft-ietf-rmcat-gcc-02.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GccDraft02 {
    /// Packets sent within this time are a group, as are those that arrive
    /// within it of one another in a burst (5 ms; burst_time).
    pub burst_time: Span,
    /// Variance of the trend's own change per group, in ms^2 (0.001; q).
    pub state_noise: f64,
    /// First variance of the estimate, in ms^2 (0.1; e(0)).
    pub initial_error: f64,
    /// First variance of the noise, in ms^2 (50, libwebrtc).
    pub initial_noise: f64,
    /// Forgetting of the noise's variance at 30 groups per second (0.01; chi,
    /// 0.001 to 0.1).
    pub chi: f64,
    /// Groups whose shortest interval sets the pace of that (60; K).
    pub pace_groups: u32,
    /// Most groups that the trend counts times in the detector (60, libwebrtc;
    /// the draft to the letter: 1).
    pub detector_gain: u32,
    /// First threshold, in ms (12.5; del_var_th(0)).
    pub threshold: f64,
    /// Speed of the threshold towards a larger trend, per ms (0.01; K_u).
    pub threshold_up: f64,
    /// Speed of the threshold towards a smaller trend, per ms (0.00018; K_d).
    pub threshold_down: f64,
    /// Time above the threshold until that is over-use (10 ms;
    /// overuse_time_th).
    pub overuse_time: Span,
    /// Share of the throughput that remains after over-use (0.85; beta, 0.8 to
    /// 0.95).
    pub beta: f64,
    /// Growth per second far from the known capacity (1.08; eta).
    pub growth: f64,
    /// The rate stays below the throughput times this (1.5).
    pub throughput_bound: f64,
    /// Time over which losses are counted; 0: each report alone (1 s, the
    /// interval of receiver reports).
    pub loss_interval: Span,
    /// Loss ratio below which the loss-based rate grows (0.02).
    pub low_loss: f64,
    /// Loss ratio above which it falls (0.1).
    pub high_loss: f64,
    /// Growth of the loss-based rate per interval (1.05).
    pub loss_growth: f64,
    /// Pacing rate as a multiple of the target (1.0; section 4).
    pub pacing_factor: f64,
}

impl Default for GccDraft02 {
    fn default() -> Self {
        Self {
            burst_time: Span::from_millis(5),
            state_noise: 1e-3,
            initial_error: 0.1,
            initial_noise: 50.0,
            chi: 0.01,
            pace_groups: 60,
            detector_gain: 60,
            threshold: 12.5,
            threshold_up: 0.01,
            threshold_down: 0.000_18,
            overuse_time: Span::from_millis(10),
            beta: 0.85,
            growth: 1.08,
            throughput_bound: 1.5,
            loss_interval: Span::from_secs(1),
            low_loss: 0.02,
            high_loss: 0.1,
            loss_growth: 1.05,
            pacing_factor: 1.0,
        }
    }
}

impl Plugin for GccDraft02 {
    type Kind = CongestionControl;
    const NAME: &'static str = "gcc_draft02";
    const SUMMARY: &'static str =
        "Google congestion control of the IETF draft: Kalman filter on delay, loss thresholds";
    const REFERENCES: &'static [&'static str] = &[
        "draft-ietf-rmcat-gcc-02 (2016)",
        "Carlucci, De Cicco, Holmer, Mascolo: Analysis and Design of the Google Congestion Control for WebRTC, ACM MMSys 2016",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        self.validate()?;
        Ok(Box::new(controller::Controller::new(self)))
    }
}

impl GccDraft02 {
    fn validate(&self) -> Result<(), BuildError> {
        if !(Span::from_micros(100)..=Span::from_secs(1)).contains(&self.burst_time) {
            return Err(BuildError::field("burst_time", "expected 100us to 1s"));
        }
        for (name, value, least, most) in [
            ("state_noise", self.state_noise, 0.0, 1e3),
            ("initial_error", self.initial_error, 1e-6, 1e6),
            ("initial_noise", self.initial_noise, 1.0, 1e6),
            ("chi", self.chi, 0.001, 0.1),
            ("pace_groups", f64::from(self.pace_groups), 1.0, 1e3),
            ("detector_gain", f64::from(self.detector_gain), 1.0, 1e3),
            ("threshold", self.threshold, 6.0, 600.0),
            ("threshold_up", self.threshold_up, 0.0, 0.01),
            ("threshold_down", self.threshold_down, 0.0, 0.01),
            ("beta", self.beta, 0.01, 0.99),
            ("growth", self.growth, 1.0, 10.0),
            ("throughput_bound", self.throughput_bound, 1.0, 100.0),
            ("low_loss", self.low_loss, 0.0, 1.0),
            ("high_loss", self.high_loss, self.low_loss, 1.0),
            ("loss_growth", self.loss_growth, 1.0, 10.0),
            ("pacing_factor", self.pacing_factor, 0.1, 100.0),
        ] {
            if !(least..=most).contains(&value) {
                let message = format!("expected {least} to {most}, found {value}");
                return Err(BuildError::field(name, message));
            }
        }
        Ok(())
    }
}
