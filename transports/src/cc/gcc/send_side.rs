//! The target rate: the least of what loss, delay and the application allow.
//!
//! Implements: SendSideBandwidthEstimation of libwebrtc (modules/
//! congestion_controller/goog_cc/send_side_bandwidth_estimation, July 2026),
//! with loss-based estimation v2 and, until that is ready, the rule of
//! draft-ietf-rmcat-gcc-02, section 6.
//! Not modelled: the receiver's limit (REMB), statistics for logs.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cc::PacketResult;

use super::MIN_RATE;
use super::loss_v2::{LossV2, LossV2Config, State};
use super::rtt_backoff::{RttBackoff, RttBackoffConfig};
use super::units::{Delta, Rate, Stamp};

/// The loss rule that holds until loss-based estimation v2 is ready
/// (WebRTC-BweLossExperiment).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyLossConfig {
    /// Loss up to which the rate grows, as a share (0.02).
    pub low: f64,
    /// Loss above which it falls, as a share (0.1).
    pub high: f64,
}

impl Default for EarlyLossConfig {
    fn default() -> Self {
        Self {
            low: 0.02,
            high: 0.1,
        }
    }
}

/// Time after the first loss report in which probes are trusted.
const START_PHASE: Delta = Delta::from_secs(2);
/// The rate grows from the least rate of this time.
const INCREASE_INTERVAL: Delta = Delta::from_secs(1);
/// Least time between decreases, on top of a round trip.
const DECREASE_INTERVAL: Delta = Delta::from_millis(300);
/// A loss report is old after this time (1.2 times 5 s).
const REPORT_TIMEOUT: Delta = Delta::from_secs(6);
/// Packets that a loss ratio rests on at least.
const LEAST_PACKETS: i64 = 20;
/// Upper bound when the application sets none.
const DEFAULT_MAX: Rate = Rate::from_kbps(1_000_000);

/// Joins the limits.
#[derive(Debug, Clone)]
pub(super) struct SendSide {
    early_loss: EarlyLossConfig,
    rtt_backoff: RttBackoffConfig,
    backoff: RttBackoff,
    loss: LossV2,
    loss_state: State,
    target: Rate,
    min: Rate,
    max: Rate,
    delay_limit: Rate,
    /// Least target of the last second first; ascending in time and rate.
    least_targets: VecDeque<(Stamp, Rate)>,
    lost_packets: i64,
    expected_packets: i64,
    fraction_lost: u8,
    first_report: Option<Stamp>,
    last_report: Option<Stamp>,
    decreased: Option<Stamp>,
    decreased_since_report: bool,
    rtt: Delta,
}

impl SendSide {
    pub(super) fn new(
        early_loss: &EarlyLossConfig,
        rtt_backoff: &RttBackoffConfig,
        loss: &LossV2Config,
    ) -> Self {
        let mut loss = LossV2::new(loss);
        loss.set_bounds(MIN_RATE, DEFAULT_MAX);
        Self {
            early_loss: early_loss.clone(),
            rtt_backoff: rtt_backoff.clone(),
            backoff: RttBackoff::new(rtt_backoff),
            loss,
            loss_state: State::DelayBased,
            target: Rate::ZERO,
            min: MIN_RATE,
            max: DEFAULT_MAX,
            delay_limit: Rate::INFINITE,
            least_targets: VecDeque::with_capacity(256),
            lost_packets: 0,
            expected_packets: 0,
            fraction_lost: 0,
            first_report: None,
            last_report: None,
            decreased: None,
            decreased_since_report: false,
            rtt: Delta::ZERO,
        }
    }

    /// Starts over on another path.
    pub(super) fn on_route_change(&mut self) {
        self.loss = self.loss.anew();
        self.target = Rate::ZERO;
        self.min = MIN_RATE;
        self.max = DEFAULT_MAX;
        self.delay_limit = Rate::INFINITE;
        self.lost_packets = 0;
        self.expected_packets = 0;
        self.fraction_lost = 0;
        self.first_report = None;
        self.last_report = None;
        self.decreased = None;
        self.decreased_since_report = false;
        self.rtt = Delta::ZERO;
    }

    pub(super) fn target(&self) -> Rate {
        self.target.max(self.min)
    }
    pub(super) const fn min(&self) -> Rate {
        self.min
    }
    pub(super) const fn loss_state(&self) -> State {
        self.loss_state
    }
    pub(super) const fn loss(&self) -> &LossV2 {
        &self.loss
    }
    /// Lost packets of the last loss reports, in 256ths.
    pub(super) const fn fraction_lost(&self) -> u8 {
        self.fraction_lost
    }
    pub(super) const fn rtt(&self) -> Delta {
        self.rtt
    }
    pub(super) fn is_rtt_above_limit(&self) -> bool {
        self.backoff.is_above_limit()
    }
    pub(super) const fn backoff_mut(&mut self) -> &mut RttBackoff {
        &mut self.backoff
    }

    pub(super) fn set_bounds(&mut self, min: Rate, start: Option<Rate>, max: Rate) {
        self.min = min.max(MIN_RATE);
        self.max = if max > Rate::ZERO && max.is_finite() {
            max.max(self.min)
        } else {
            DEFAULT_MAX
        };
        self.loss.set_bounds(self.min, self.max);
        if let Some(start) = start {
            self.set_target(start);
        }
    }

    /// Takes a rate known otherwise, as from a probe.
    pub(super) fn set_target(&mut self, target: Rate) {
        self.delay_limit = Rate::INFINITE;
        self.update_target(target);
        self.least_targets.clear();
    }

    pub(super) fn set_delay_limit(&mut self, limit: Rate) {
        self.delay_limit = if limit == Rate::ZERO {
            Rate::INFINITE
        } else {
            limit
        };
        self.update_target(self.target);
    }

    pub(super) const fn set_acked(&mut self, acked: Option<Rate>) {
        if let Some(acked) = acked {
            self.loss.set_acked(acked);
        }
    }

    pub(super) fn on_rtt(&mut self, rtt: Delta) {
        if rtt > Delta::ZERO {
            self.rtt = rtt;
        }
    }

    /// Takes all packets of a report.
    pub(super) fn on_packets(&mut self, packets: &[PacketResult], app_limited: bool, now: Stamp) {
        if self.loss.is_enabled() {
            self.loss.on_report(packets, self.delay_limit, app_limited);
            self.update(now);
        }
    }

    /// Takes losses counted by report blocks.
    pub(super) fn on_loss_report(&mut self, lost: u32, received: u32, now: Stamp) {
        self.first_report.get_or_insert(now);
        let packets = i64::from(lost) + i64::from(received);
        if packets == 0 {
            return;
        }
        self.expected_packets += packets;
        self.lost_packets += i64::from(lost);
        if self.expected_packets < LEAST_PACKETS {
            return;
        }
        let fraction = (self.lost_packets << 8) / self.expected_packets;
        self.fraction_lost = u8::try_from(fraction).unwrap_or(u8::MAX);
        self.lost_packets = 0;
        self.expected_packets = 0;
        self.decreased_since_report = false;
        self.last_report = Some(now);
        self.update(now);
    }

    /// Moves the target.
    pub(super) fn update(&mut self, now: Stamp) {
        if self.backoff.is_above_limit() {
            self.back_off(now);
            return;
        }
        if self.fraction_lost == 0 && self.is_start_phase(now) && !self.loss.is_ready() {
            let target = if self.delay_limit.is_finite() {
                self.target.max(self.delay_limit)
            } else {
                self.target
            };
            if target != self.target {
                self.least_targets.clear();
                self.least_targets.push_back((now, self.target));
                self.update_target(target);
                return;
            }
        }
        self.remember_target(now);
        if self.loss.is_ready() {
            self.loss_state = self.loss.state();
            self.update_target(self.loss.estimate());
        } else {
            let target = self.early_loss_target(now).unwrap_or(self.target);
            self.update_target(target);
        }
    }

    fn back_off(&mut self, now: Stamp) {
        let floor = Rate::from(self.rtt_backoff.floor);
        let due = self
            .decreased
            .is_none_or(|at| now - at >= self.rtt_backoff.interval.into());
        if due && self.target > floor {
            self.decreased = Some(now);
            self.update_target((self.target * self.rtt_backoff.fraction).max(floor));
        } else {
            self.update_target(self.target);
        }
    }

    fn early_loss_target(&mut self, now: Stamp) -> Option<Rate> {
        if now - self.last_report? >= REPORT_TIMEOUT {
            return None;
        }
        let loss = f32::from(self.fraction_lost) / 256.0;
        if loss <= self.early_loss.low as f32 {
            // Eight per cent above the least target of the last second.
            let (_, least) = *self.least_targets.front()?;
            let grown = Rate::from_bps_f64(least.as_bps() as f64 * 1.08 + 0.5);
            return Some(grown + Rate::from_kbps(1));
        }
        let due = self
            .decreased
            .is_none_or(|at| now - at >= DECREASE_INTERVAL + self.rtt);
        if loss <= self.early_loss.high as f32 || self.decreased_since_report || !due {
            return None;
        }
        self.decreased = Some(now);
        self.decreased_since_report = true;
        let kept = f64::from(512 - u16::from(self.fraction_lost));
        Some(Rate::from_bps_f64(
            self.target.as_bps() as f64 * kept / 512.0,
        ))
    }

    fn is_start_phase(&self, now: Stamp) -> bool {
        self.first_report
            .is_none_or(|first| now - first < START_PHASE)
    }

    /// Keeps the window of least targets.
    fn remember_target(&mut self, now: Stamp) {
        // A millisecond more, so that a tick a little early still counts.
        let age = |at: Stamp| now - at + Delta::from_millis(1);
        while self
            .least_targets
            .front()
            .is_some_and(|(at, _)| age(*at) > INCREASE_INTERVAL)
        {
            self.least_targets.pop_front();
        }
        while self
            .least_targets
            .back()
            .is_some_and(|(_, rate)| self.target <= *rate)
        {
            self.least_targets.pop_back();
        }
        self.least_targets.push_back((now, self.target));
    }

    fn update_target(&mut self, target: Rate) {
        self.target = target.min(self.delay_limit).min(self.max).max(self.min);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::gcc::testing::received;
    use weaknet_core::Time;

    fn at(ms: u64) -> Stamp {
        Time::from_millis(ms).into()
    }

    fn started(kbps: i64) -> SendSide {
        let mut send_side = SendSide::new(
            &EarlyLossConfig::default(),
            &RttBackoffConfig::default(),
            &LossV2Config::default(),
        );
        let (min, max) = (Rate::from_kbps(50), Rate::from_kbps(5_000));
        send_side.set_bounds(min, Some(Rate::from_kbps(kbps)), max);
        send_side
    }

    #[test]
    fn delay_is_trusted_while_nothing_was_lost() {
        let mut send_side = started(300);
        send_side.set_delay_limit(Rate::from_kbps(900));
        send_side.update(at(100));
        assert_eq!(send_side.target(), Rate::from_kbps(900));
        send_side.set_delay_limit(Rate::from_kbps(200));
        assert_eq!(send_side.target(), Rate::from_kbps(200));
        send_side.set_delay_limit(Rate::from_kbps(1));
        assert_eq!(send_side.target(), Rate::from_kbps(50));
    }

    #[test]
    fn early_loss_below_two_per_cent_lets_the_rate_grow_by_eight() {
        let mut send_side = started(1_000);
        send_side.on_loss_report(1, 99, at(3_000));
        // 1.08 x 1 Mbps, rounded, and a kilobit.
        assert_eq!(send_side.target(), Rate::from_kbps(1_081));
        // The least target of the last second stays the base.
        send_side.update(at(3_500));
        assert_eq!(send_side.target(), Rate::from_kbps(1_081));
        send_side.update(at(4_000));
        assert_eq!(send_side.target(), Rate::from_bps(1_168_480));
    }

    #[test]
    fn early_loss_above_ten_per_cent_takes_half_of_it_off() {
        let mut send_side = started(1_000);
        send_side.on_rtt(Delta::from_millis(100));
        send_side.on_loss_report(20, 80, at(3_000));
        assert_eq!(send_side.fraction_lost(), 51);
        assert_eq!(send_side.target(), Rate::from_bps(900_390));
        send_side.update(at(5_000));
        assert_eq!(
            send_side.target(),
            Rate::from_bps(900_390),
            "once per report"
        );
        send_side.on_loss_report(20, 80, at(5_100));
        assert_eq!(send_side.target(), Rate::from_bps(810_702));
        send_side.on_loss_report(20, 80, at(5_499));
        assert_eq!(
            send_side.target(),
            Rate::from_bps(810_702),
            "300 ms and a round trip"
        );
    }

    #[test]
    fn loss_between_the_thresholds_or_long_ago_keeps_the_rate() {
        let mut send_side = started(1_000);
        send_side.on_loss_report(5, 95, at(3_000));
        assert_eq!(send_side.target(), Rate::from_kbps(1_000));
        send_side.on_loss_report(0, 100, at(4_000));
        let grown = send_side.target();
        send_side.update(at(10_000));
        assert_eq!(send_side.target(), grown);
    }

    #[test]
    fn few_packets_are_collected_before_they_count() {
        let mut send_side = started(1_000);
        send_side.on_loss_report(5, 5, at(1_000));
        assert_eq!(send_side.fraction_lost(), 0);
        send_side.on_loss_report(0, 10, at(2_000));
        assert_eq!(send_side.fraction_lost(), 64);
    }

    #[test]
    fn loss_based_estimate_takes_over_after_three_observations() {
        let mut send_side = started(300);
        send_side.set_delay_limit(Rate::from_kbps(600));
        for k in 0..4 {
            let packets = [received(k, k * 250, k * 250 + 30, 1_000)];
            send_side.on_packets(&packets, false, at(k * 250 + 60));
            assert_eq!(send_side.loss().is_ready(), k == 3);
        }
        assert_eq!(send_side.target(), Rate::from_kbps(600));
    }
}
