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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::scream::testing::digest;

    const RTT: Delta = Delta::from_millis(50);

    /// Levels after reports 50 ms apart with these losses and recoveries.
    fn levels(reports: &[(u32, u32)]) -> Vec<f64> {
        let mut loss = LossLevel::new(&Scream::default());
        (1..)
            .zip(reports)
            .map(|(k, (lost, recovered))| {
                let report = Report {
                    lost: *lost,
                    recovered: *recovered,
                    ..digest(50 * k)
                };
                loss.on_report(&report, RTT);
                loss.level()
            })
            .collect()
    }

    #[test]
    fn three_round_trips_with_loss_are_congestion_and_two_without_clear_it() {
        let lossy = [(1, 0), (4, 0), (1, 0), (0, 0), (0, 0)];
        let expected = [1.0 / 3.0, 2.0 / 3.0, 1.0, 0.5, 0.0];
        assert_eq!(levels(&lossy), expected);
    }

    #[test]
    fn scattered_losses_never_add_up() {
        let scattered = [(1, 0), (0, 0), (0, 0)].repeat(50);
        assert!(levels(&scattered).iter().all(|level| *level < 0.34));
    }

    #[test]
    fn all_recovered_means_no_loss() {
        assert_eq!(levels(&[(2, 0), (1, 0), (0, 3)])[2], 0.0);
        assert!(levels(&[(2, 0), (1, 0), (0, 2)])[2] > 0.0, "one is missing");
    }

    #[test]
    fn level_moves_once_a_round_trip() {
        let mut loss = LossLevel::new(&Scream::default());
        for k in 0..5 {
            let report = Report {
                lost: 1,
                ..digest(1_000 + 10 * k)
            };
            loss.on_report(&report, RTT);
        }
        assert_eq!(loss.level(), 1.0 / 3.0);
    }
}
