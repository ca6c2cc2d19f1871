//! Backing off when feedback stays away: the round trip of the last report,
//! grown by the time for which packets have left without one.
//!
//! Implements: RttBasedBackoff of libwebrtc (modules/congestion_controller/
//! goog_cc/send_side_bandwidth_estimation, July 2026).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, Span};

use super::units::{Delta, Stamp};

/// What happens when round trips become too long (WebRTC-Bwe-MaxRttLimit).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RttBackoffConfig {
    /// Longest round trip that is tolerated (3 s).
    pub limit: Span,
    /// Share of the target that remains after each step, 0 to 1 (0.8).
    pub fraction: f64,
    /// Time between steps (1 s).
    pub interval: Span,
    /// No step goes below this rate (5 kbps).
    pub floor: Bitrate,
}

impl Default for RttBackoffConfig {
    fn default() -> Self {
        Self {
            limit: Span::from_secs(3),
            fraction: 0.8,
            interval: Span::from_secs(1),
            floor: Bitrate::from_kbps(5),
        }
    }
}

/// Follows the propagation round trip.
#[derive(Debug, Clone)]
pub(super) struct RttBackoff {
    limit: Delta,
    last_report: Option<Stamp>,
    last_sent: Option<Stamp>,
    rtt: Delta,
}

impl RttBackoff {
    pub(super) fn new(config: &RttBackoffConfig) -> Self {
        Self {
            limit: config.limit.into(),
            last_report: None,
            last_sent: None,
            rtt: Delta::ZERO,
        }
    }

    pub(super) const fn on_report(&mut self, rtt: Delta, now: Stamp) {
        self.last_report = Some(now);
        self.rtt = rtt;
    }

    pub(super) const fn on_sent(&mut self, now: Stamp) {
        self.last_sent = Some(now);
    }

    pub(super) fn is_above_limit(&self) -> bool {
        let unanswered = match (self.last_sent, self.last_report) {
            (Some(sent), Some(report)) => (sent - report).max(Delta::ZERO),
            _ => Delta::ZERO,
        };
        unanswered + self.rtt > self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Time;

    #[test]
    fn only_sending_without_feedback_makes_the_round_trip_grow() {
        let mut backoff = RttBackoff::new(&RttBackoffConfig::default());
        backoff.on_sent(Time::from_secs(50).into());
        assert!(!backoff.is_above_limit());
        backoff.on_report(Delta::from_millis(100), Time::from_secs(50).into());
        assert!(!backoff.is_above_limit());
        backoff.on_sent(Time::from_millis(52_900).into());
        assert!(!backoff.is_above_limit());
        backoff.on_sent(Time::from_millis(52_901).into());
        assert!(backoff.is_above_limit());
    }
}
