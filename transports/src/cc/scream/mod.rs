//! SCReAM v2: self-clocked rate adaptation for multimedia. A reference window
//! follows marks, loss and queueing delay; target, pacing and the limit on
//! bytes in flight follow from it.
//!
//! Implements: SCReAM v2 of libwebrtc as of July 2026 (modules/
//! congestion_controller/scream) with the values that run when no field trial
//! is set, after draft-johansson-ccwg-rfc8298bis-screamv2, sections 4.2 to 4.4.
//! Differs: from the draft, as libwebrtc does, in its constants, in loss (only
//! when it persists), in standing queues (drained every 20 s), in periodic
//! padding and in what small round trips leave of growth (squared). From
//! libwebrtc: the cut after 100 round trips without congestion, which cannot
//! happen there, and its parameter are left out; a constant offset between the
//! clocks changes nothing; a target that has been published gives way to new
//! bounds at once. Times are cut to microseconds.
//! Not modelled: REMB, initial probing before media, the hybrid with goog_cc,
//! the pacer's burst length (only its rounding of rates), classic ECN.

mod controller;
mod delay;
mod engine;
mod loss;
mod report;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod window;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin, Span};

use crate::cc::{CongestionControl, CongestionController};

/// SCReAM v2 as in libwebrtc; fields are named as in its ScreamV2Parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scream {
    /// Time between updates of pacing and padding (25 ms).
    pub process_interval: Span,
    /// Time over which the pacer keeps its rate; pacing and padding are whole
    /// bytes in it (40 ms; 10 ms for some time after congestion).
    pub pacing_window: Span,
    /// The reference window is never smaller (1000 bytes).
    pub min_ref_window: Bytes,
    /// Weight of a larger share of marked packets in its average (1/8).
    pub l4s_avg_g_up: f64,
    /// Weight of a smaller share of marked packets in its average (1/128).
    pub l4s_avg_g_down: f64,
    /// Consecutive round trips with loss until loss is congestion (3).
    pub rtts_with_loss_before_backoff: u32,
    /// Consecutive round trips without loss until that is forgotten (2).
    pub lossless_rtts_before_clear: u32,
    /// Weight of a round trip in the smoothed one (1/8).
    pub smoothed_rtt_avg_g: f64,
    /// The same while the application is the limit (1/128).
    pub smoothed_rtt_avg_in_alr_g: f64,
    /// Largest packet, IP header included (1280 bytes).
    pub max_segment_size: Bytes,
    /// The window may exceed the most bytes in flight by this factor (1.1).
    pub bytes_in_flight_head_room: f64,
    /// Factor on the window at a loss event (0.7).
    pub beta_loss: f64,
    /// Round trips after congestion over which growth returns to full speed
    /// (100).
    pub post_congestion_delay_rtts: u32,
    /// Share of the window that it can grow by in a round trip (0.02).
    pub multiplicative_increase_factor: f64,
    /// Below this round trip growth slows down, so that flows share alike, and
    /// reactions are this far apart (25 ms).
    pub virtual_rtt: Span,
    /// How steeply growth and back-off return to full speed with the relative
    /// distance from the last inflection of the window (2).
    pub backoff_scale_factor_close_to_ref_window_i: f64,
    /// Bytes that may be in flight as a multiple of the window, behind a
    /// standing queue (1.5).
    pub ref_window_overhead_min: f64,
    /// The same with an empty queue (3).
    pub ref_window_overhead_max: f64,
    /// Weight of a longer queueing delay in its average (1/4).
    pub queue_delay_avg_g: f64,
    /// Weight of a report in the averages of its shortest queueing delay and
    /// of its spread of delays (1/32).
    pub delay_min_and_latency_diff_avg_g: f64,
    /// Average of the shortest queueing delays at which growth is slowest
    /// (10 ms).
    pub queue_delay_min_threshold: Span,
    /// Average spread of delays within a report at which growth is slowest
    /// (10 ms).
    pub latency_diff_threshold: Span,
    /// Intervals over which the base delay is the shortest one (10).
    pub base_delay_window_length: u32,
    /// Length of such an interval (1 min).
    pub base_delay_history_update_interval: Span,
    /// Queueing delay at which back-off is full; it begins at half of it
    /// (60 ms).
    pub queue_delay_target: Span,
    /// With less queueing delay than this the queue counts as drained (5 ms).
    pub queue_delay_drain_threshold: Span,
    /// After so long without being drained, draining is tried (20 s).
    pub queue_delay_drain_period: Span,
    /// Round trips over which it is tried, before the base delay is forgotten
    /// (5).
    pub queue_delay_drain_rtts: u32,
    /// Time between periods of padding (3 s); unset: no padding.
    pub time_between_periodic_padding: Option<Span>,
    /// Length of a period of padding (3 s).
    pub periodic_padding_duration: Span,
    /// No padding for this time after the window last shrank (1 s).
    pub allow_padding_after_last_congestion_time: Span,
    /// Pacing rate as a multiple of the target (1.1).
    pub pacing_factor: f64,
    /// Weight of a report in the average time that the receiver holds reports
    /// back; 0: that time is ignored (1/8).
    pub feedback_hold_time_avg_g: f64,
    /// Time after congestion until the pacer may keep its rate over the whole
    /// pacing window (15 s).
    pub allow_large_pacing_bursts_after_congestion_time: Span,
    /// Whether to notice that the application is the limit (true).
    pub enable_alr: bool,
}

impl Default for Scream {
    fn default() -> Self {
        Self {
            process_interval: Span::from_millis(25),
            pacing_window: Span::from_millis(40),
            min_ref_window: Bytes::new(1_000),
            l4s_avg_g_up: 1.0 / 8.0,
            l4s_avg_g_down: 1.0 / 128.0,
            rtts_with_loss_before_backoff: 3,
            lossless_rtts_before_clear: 2,
            smoothed_rtt_avg_g: 1.0 / 8.0,
            smoothed_rtt_avg_in_alr_g: 1.0 / 128.0,
            max_segment_size: Bytes::new(1_280),
            bytes_in_flight_head_room: 1.1,
            beta_loss: 0.7,
            post_congestion_delay_rtts: 100,
            multiplicative_increase_factor: 0.02,
            virtual_rtt: Span::from_millis(25),
            backoff_scale_factor_close_to_ref_window_i: 2.0,
            ref_window_overhead_min: 1.5,
            ref_window_overhead_max: 3.0,
            queue_delay_avg_g: 1.0 / 4.0,
            delay_min_and_latency_diff_avg_g: 1.0 / 32.0,
            queue_delay_min_threshold: Span::from_millis(10),
            latency_diff_threshold: Span::from_millis(10),
            base_delay_window_length: 10,
            base_delay_history_update_interval: Span::from_secs(60),
            queue_delay_target: Span::from_millis(60),
            queue_delay_drain_threshold: Span::from_millis(5),
            queue_delay_drain_period: Span::from_secs(20),
            queue_delay_drain_rtts: 5,
            time_between_periodic_padding: Some(Span::from_secs(3)),
            periodic_padding_duration: Span::from_secs(3),
            allow_padding_after_last_congestion_time: Span::from_secs(1),
            pacing_factor: 1.1,
            feedback_hold_time_avg_g: 1.0 / 8.0,
            allow_large_pacing_bursts_after_congestion_time: Span::from_secs(15),
            enable_alr: true,
        }
    }
}

impl Plugin for Scream {
    type Kind = CongestionControl;
    const NAME: &'static str = "scream";
    const SUMMARY: &'static str =
        "SCReAM v2 as in libwebrtc: a window that follows queueing delay, loss and L4S marks";
    const REFERENCES: &'static [&'static str] = &[
        "libwebrtc modules/congestion_controller/scream, July 2026",
        "draft-johansson-ccwg-rfc8298bis-screamv2",
        "RFC 8298 (SCReAM v1)",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        self.validate()?;
        Ok(Box::new(controller::Controller::new(self)))
    }
}

impl Scream {
    fn validate(&self) -> Result<(), BuildError> {
        for (name, span) in [
            ("process_interval", self.process_interval),
            ("pacing_window", self.pacing_window),
            ("virtual_rtt", self.virtual_rtt),
            ("queue_delay_min_threshold", self.queue_delay_min_threshold),
            ("latency_diff_threshold", self.latency_diff_threshold),
            ("queue_delay_target", self.queue_delay_target),
        ] {
            if span < Span::from_millis(1) {
                return Err(BuildError::field(name, "expected 1ms or more"));
            }
        }
        for (name, size) in [
            ("min_ref_window", self.min_ref_window),
            ("max_segment_size", self.max_segment_size),
        ] {
            check(name, size.get() as f64, 100.0, 1e6)?;
        }
        for (name, gain) in [
            ("l4s_avg_g_up", self.l4s_avg_g_up),
            ("l4s_avg_g_down", self.l4s_avg_g_down),
            ("smoothed_rtt_avg_g", self.smoothed_rtt_avg_g),
            ("smoothed_rtt_avg_in_alr_g", self.smoothed_rtt_avg_in_alr_g),
            ("queue_delay_avg_g", self.queue_delay_avg_g),
            (
                "delay_min_and_latency_diff_avg_g",
                self.delay_min_and_latency_diff_avg_g,
            ),
            ("feedback_hold_time_avg_g", self.feedback_hold_time_avg_g),
        ] {
            check(name, gain, 0.0, 1.0)?;
        }
        for (name, count) in [
            (
                "rtts_with_loss_before_backoff",
                self.rtts_with_loss_before_backoff,
            ),
            (
                "lossless_rtts_before_clear",
                self.lossless_rtts_before_clear,
            ),
            (
                "post_congestion_delay_rtts",
                self.post_congestion_delay_rtts,
            ),
            ("base_delay_window_length", self.base_delay_window_length),
        ] {
            check(name, f64::from(count), 1.0, 1e4)?;
        }
        self.validate_factors()
    }

    fn validate_factors(&self) -> Result<(), BuildError> {
        let most = self.ref_window_overhead_max;
        for (name, factor, least, most) in [
            (
                "bytes_in_flight_head_room",
                self.bytes_in_flight_head_room,
                1.0,
                100.0,
            ),
            ("beta_loss", self.beta_loss, 0.1, 1.0),
            (
                "multiplicative_increase_factor",
                self.multiplicative_increase_factor,
                0.0,
                1.0,
            ),
            (
                "backoff_scale_factor_close_to_ref_window_i",
                self.backoff_scale_factor_close_to_ref_window_i,
                0.0,
                1e3,
            ),
            ("ref_window_overhead_max", most, 1.0, 100.0),
            (
                "ref_window_overhead_min",
                self.ref_window_overhead_min,
                1.0,
                most,
            ),
            ("pacing_factor", self.pacing_factor, 0.1, 100.0),
        ] {
            check(name, factor, least, most)?;
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
