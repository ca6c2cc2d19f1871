//! Whether the application sends clearly less than it may (application-limited
//! region).
//!
//! Implements: AlrDetector and IntervalBudget of libwebrtc (modules/
//! congestion_controller/goog_cc/alr_detector, modules/pacing/interval_budget,
//! July 2026), with the settings that run when no trial is set: those of
//! WebRTC-ProbingScreenshareBwe, "80,40,-60".

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::{Rate, Size, Stamp};

/// When the application counts as the limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlrConfig {
    /// Share of the estimate that fills the budget (0.8; alr_experiment).
    pub usage: f64,
    /// Share of the budget unused above which the application is the limit
    /// (0.4).
    pub start: f64,
    /// Share of the budget unused below which it no longer is (-0.6).
    pub stop: f64,
}

impl Default for AlrConfig {
    fn default() -> Self {
        Self {
            usage: 0.8,
            start: 0.4,
            stop: -0.6,
        }
    }
}

/// Time that the budget reaches back, in ms.
const WINDOW_MS: i64 = 500;

/// Follows what is sent against what may be.
#[derive(Debug, Clone)]
pub(super) struct AlrDetector {
    config: AlrConfig,
    last_sent: Option<Stamp>,
    kbps: i64,
    limit: i64,
    unused: i64,
    since: Option<Stamp>,
}

impl AlrDetector {
    pub(super) fn new(config: &AlrConfig) -> Self {
        Self {
            config: config.clone(),
            last_sent: None,
            kbps: 0,
            limit: 0,
            unused: 0,
            since: None,
        }
    }

    /// Since when the application has been the limit.
    pub(super) const fn since(&self) -> Option<Stamp> {
        self.since
    }

    pub(super) fn set_estimate(&mut self, rate: Rate) {
        self.kbps = (rate * self.config.usage).as_kbps();
        self.limit = WINDOW_MS.saturating_mul(self.kbps) / 8;
        self.unused = self.unused.clamp(-self.limit, self.limit);
    }

    pub(super) fn on_sent(&mut self, size: Size, now: Stamp) {
        let Some(last) = self.last_sent.replace(now) else {
            return;
        };
        let earned = self.kbps.saturating_mul((now - last).as_millis()) / 8;
        self.unused = self.unused.saturating_sub(size.as_bytes()).max(-self.limit);
        self.unused = self.unused.saturating_add(earned).min(self.limit);
        let ratio = if self.limit == 0 {
            0.0
        } else {
            self.unused as f64 / self.limit as f64
        };
        if ratio > self.config.start {
            self.since.get_or_insert(now);
        } else if ratio < self.config.stop {
            self.since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Time;

    fn send(alr: &mut AlrDetector, from_ms: u64, to_ms: u64, kbps: u64) {
        for ms in (from_ms..to_ms).step_by(10) {
            alr.on_sent(
                Size::from_bytes(kbps as i64 * 10 / 8),
                Time::from_millis(ms).into(),
            );
        }
    }

    #[test]
    fn starts_below_the_estimate_and_stops_near_it() {
        let mut alr = AlrDetector::new(&AlrConfig::default());
        alr.set_estimate(Rate::from_kbps(1_000));
        // 400 of 800 kbps: 20 kB unused of 50 after 400 ms.
        send(&mut alr, 0, 410, 400);
        assert_eq!(alr.since(), None);
        send(&mut alr, 410, 430, 400);
        assert_eq!(alr.since(), Some(Time::from_millis(410).into()));
        // 1200 kbps use up the 20 kB and 30 more in 1 s.
        send(&mut alr, 430, 1_420, 1_200);
        assert!(alr.since().is_some());
        send(&mut alr, 1_420, 1_520, 1_200);
        assert_eq!(alr.since(), None);
    }

    #[test]
    fn silence_counts_with_the_next_packet() {
        let mut alr = AlrDetector::new(&AlrConfig::default());
        alr.set_estimate(Rate::from_kbps(1_000));
        send(&mut alr, 0, 20, 800);
        assert_eq!(alr.since(), None);
        alr.on_sent(Size::from_bytes(100), Time::from_secs(10).into());
        assert!(alr.since().is_some());
    }
}
