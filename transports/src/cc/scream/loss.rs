//! How persistent loss is: a leaky bucket of round trips with and without
//! loss, so that scattered random losses do not count as congestion.
//!
//! Implements: LossEstimator of libwebrtc (modules/congestion_controller/
//! scream/loss_estimator, July 2026).
//! Differs: draft-johansson-ccwg-rfc8298bis-screamv2 backs off on every round
//! trip with a loss.

use crate::cc::units::{Delta, Stamp};

use super::Scream;
use super::report::Report;

/// Level from which loss is congestion.
const CONGESTED: f64 = 0.99;

/// The congestion level by losses, 0 to 1.
#[derive(Debug, Clone)]
pub(super) struct LossLevel {
    virtual_rtt: Delta,
    step_up: f64,
    step_down: f64,
    level: f64,
    lost_this_rtt: bool,
    unrecovered: u32,
    last_change: Option<Stamp>,
    last_step: Option<Stamp>,
}

impl LossLevel {
    pub(super) fn new(config: &Scream) -> Self {
        Self {
            virtual_rtt: config.virtual_rtt.into(),
            step_up: 1.0 / f64::from(config.rtts_with_loss_before_backoff),
            step_down: 1.0 / f64::from(config.lossless_rtts_before_clear),
            level: 0.0,
            lost_this_rtt: false,
            unrecovered: 0,
            last_change: None,
            last_step: None,
        }
    }

    pub(super) const fn level(&self) -> f64 {
        self.level
    }

    pub(super) fn is_congested(&self) -> bool {
        self.level >= CONGESTED
    }

    pub(super) fn on_report(&mut self, report: &Report, rtt: Delta) {
        let rtt = rtt.max(self.virtual_rtt);
        if self.last_change.is_none_or(|at| report.at - at > rtt) {
            self.unrecovered = 0;
        }
        if report.lost > 0 || report.recovered > 0 {
            self.last_change = Some(report.at);
        }
        if report.recovered > 0 {
            self.unrecovered = self.unrecovered.saturating_sub(report.recovered);
            if self.unrecovered == 0 {
                self.level = 0.0;
                self.lost_this_rtt = false;
            }
        }
        if report.lost > 0 {
            self.unrecovered = self.unrecovered.saturating_add(report.lost);
            self.lost_this_rtt = true;
        }
        if self.last_step.is_none_or(|at| report.at - at >= rtt) {
            self.last_step = Some(report.at);
            self.level = if self.lost_this_rtt {
                (self.level + self.step_up).min(1.0)
            } else {
                (self.level - self.step_down).max(0.0)
            };
            self.lost_this_rtt = false;
        }
    }
}
