//! Google congestion control: the sender-side bandwidth estimation that runs
//! in browsers. A delay-based estimate, a loss-based one and probes set the
//! target; a congestion window pushes back on the encoder.
//!
//! Implements: goog_cc of libwebrtc as of July 2026 (modules/
//! congestion_controller/goog_cc, modules/remote_bitrate_estimator), with the
//! values that run when no field trial is set.
//! Differs: draft-ietf-rmcat-gcc-02 describes an older generation (Kalman
//! filter, loss thresholds, no probing). Times are cut to microseconds.
//! Not modelled: REMB, remote network estimates, separate detectors for audio.

mod aimd;
mod alr;
mod controller;
mod delay_based;
mod inter_arrival;
mod link_capacity;
mod loss_v2;
mod probe_controller;
mod probe_estimator;
mod pushback;
mod robust_throughput;
mod rtt_backoff;
mod send_side;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trendline;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span};

use crate::cc::{CongestionControl, CongestionController, ProbeCluster, units};

pub use aimd::AimdConfig;
pub use alr::AlrConfig;
pub use inter_arrival::GroupingConfig;
pub use loss_v2::LossV2Config;
pub use probe_controller::ProbingConfig;
pub use pushback::{PushbackConfig, PushbackMode};
pub use robust_throughput::ThroughputConfig;
pub use rtt_backoff::RttBackoffConfig;
pub use send_side::EarlyLossConfig;
pub use trendline::TrendlineConfig;

pub(super) use link_capacity::LinkCapacity;

use units::{Rate, Size, Stamp};

/// No estimate is ever lower (bwe_defines).
const MIN_RATE: Rate = Rate::from_kbps(5);

/// A packet that arrived, as far as the estimators look at it.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    number: u64,
    sent: Stamp,
    received: Stamp,
    size: Size,
    probe: Option<ProbeCluster>,
}

/// Google congestion control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gcc {
    /// Time between regular updates (25 ms).
    pub process_interval: Span,
    /// Pacing rate as a multiple of the target; unset: 2.5 until the first
    /// report and 1.1 from then on.
    pub pacing_factor: Option<f64>,
    /// Time over which the pacer keeps its rate; pacing and padding are whole
    /// bytes in it (40 ms, PacerConfig).
    pub pacing_window: Span,
    /// Padding up to this rate at any time (0).
    pub max_padding: Bitrate,
    /// How packets are grouped.
    pub grouping: GroupingConfig,
    /// The delay trend and its threshold.
    pub trendline: TrendlineConfig,
    /// Increase and decrease by delay.
    pub aimd: AimdConfig,
    /// The acknowledged rate.
    pub throughput: ThroughputConfig,
    /// When and how fast to probe.
    pub probing: ProbingConfig,
    /// When the application counts as the limit.
    pub alr: AlrConfig,
    /// Loss-based estimation.
    pub loss: LossV2Config,
    /// The loss rule until that is ready.
    pub early_loss: EarlyLossConfig,
    /// Backing off when feedback stays away.
    pub rtt_backoff: RttBackoffConfig,
    /// The congestion window and what it does.
    pub pushback: PushbackConfig,
}

impl Default for Gcc {
    fn default() -> Self {
        Self {
            process_interval: Span::from_millis(25),
            pacing_factor: None,
            pacing_window: Span::from_millis(40),
            max_padding: Bitrate::ZERO,
            grouping: GroupingConfig::default(),
            trendline: TrendlineConfig::default(),
            aimd: AimdConfig::default(),
            throughput: ThroughputConfig::default(),
            probing: ProbingConfig::default(),
            alr: AlrConfig::default(),
            loss: LossV2Config::default(),
            early_loss: EarlyLossConfig::default(),
            rtt_backoff: RttBackoffConfig::default(),
            pushback: PushbackConfig::default(),
        }
    }
}

impl Plugin for Gcc {
    type Kind = CongestionControl;
    const NAME: &'static str = "gcc";
    const SUMMARY: &'static str =
        "Google congestion control as in libwebrtc: delay trend, loss likelihood and probes";
    const REFERENCES: &'static [&'static str] = &[
        "libwebrtc modules/congestion_controller/goog_cc, July 2026",
        "draft-ietf-rmcat-gcc-02 (2016)",
        "Carlucci, De Cicco, Holmer, Mascolo: Analysis and Design of the Google Congestion Control for WebRTC, ACM MMSys 2016",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        self.validate()?;
        Ok(Box::new(controller::Controller::new(self)))
    }
}

impl Gcc {
    fn validate(&self) -> Result<(), BuildError> {
        if self.process_interval.is_zero() {
            return Err(BuildError::field(
                "process_interval",
                "expected a time above zero",
            ));
        }
        if self.pacing_window < Span::from_millis(1) {
            return Err(BuildError::field("pacing_window", "expected 1ms or more"));
        }
        check(
            "pacing_factor",
            self.pacing_factor.unwrap_or(1.0),
            0.1,
            100.0,
        )?;
        check(
            "trendline.window",
            self.trendline.window as f64,
            10.0,
            200.0,
        )?;
        check("trendline.smoothing", self.trendline.smoothing, 0.0, 1.0)?;
        check("trendline.gain", self.trendline.gain, 0.0, 1e6)?;
        check("trendline.threshold", self.trendline.threshold, 6.0, 600.0)?;
        check(
            "trendline.threshold_up",
            self.trendline.threshold_up,
            0.0,
            1.0,
        )?;
        check(
            "trendline.threshold_down",
            self.trendline.threshold_down,
            0.0,
            1.0,
        )?;
        check(
            "trendline.overuse_time",
            self.trendline.overuse_time,
            0.0,
            1e6,
        )?;
        check("aimd.backoff", self.aimd.backoff, 0.01, 0.99)?;
        check("aimd.growth", self.aimd.growth, 1.0, 10.0)?;
        check(
            "throughput.packets",
            self.throughput.packets as f64,
            10.0,
            1_000.0,
        )?;
        check(
            "throughput.max_packets",
            self.throughput.max_packets as f64,
            self.throughput.packets as f64,
            1_000.0,
        )?;
        check(
            "throughput.required_packets",
            self.throughput.required_packets as f64,
            2.0,
            self.throughput.packets as f64,
        )?;
        check("alr.usage", self.alr.usage, 0.0, 10.0)?;
        check("alr.start", self.alr.start, -1.0, 1.0)?;
        check("alr.stop", self.alr.stop, -1.0, self.alr.start)?;
        check("early_loss.low", self.early_loss.low, 0.0, 1.0)?;
        check(
            "early_loss.high",
            self.early_loss.high,
            self.early_loss.low,
            1.0,
        )?;
        check("rtt_backoff.fraction", self.rtt_backoff.fraction, 0.0, 1.0)?;
        self.loss.validate()?;
        self.validate_probing()
    }

    fn validate_probing(&self) -> Result<(), BuildError> {
        let probing = &self.probing;
        for (name, value) in [
            ("probing.first_scale", probing.first_scale),
            ("probing.second_scale", probing.second_scale),
            ("probing.further_scale", probing.further_scale),
            ("probing.further_threshold", probing.further_threshold),
            ("probing.alr_scale", probing.alr_scale),
            (
                "probing.first_allocation_scale",
                probing.first_allocation_scale,
            ),
            (
                "probing.second_allocation_scale",
                probing.second_allocation_scale,
            ),
            (
                "probing.allocation_limit_scale",
                probing.allocation_limit_scale,
            ),
            ("probing.loss_limited_scale", probing.loss_limited_scale),
        ] {
            check(name, value, 0.0, 100.0)?;
        }
        Ok(())
    }
}

fn check(field: &str, value: f64, least: f64, most: f64) -> Result<(), BuildError> {
    if value >= least && value <= most {
        Ok(())
    } else {
        Err(BuildError::field(
            field,
            format!("expected {least} to {most}, found {value}"),
        ))
    }
}
