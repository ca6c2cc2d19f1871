//! The rate that the delay allows: grows while the path is not overused,
//! additively near the known capacity, and falls below the throughput on
//! overuse.
//!
//! Implements: AimdRateControl of libwebrtc (modules/remote_bitrate_estimator/
//! aimd_rate_control, July 2026), sender side.
//! Differs: draft-ietf-rmcat-gcc-02, section 5.5: the decrease takes another
//! 5 kbps off, the increase may reach 1.5 x throughput + 10 kbps.
//! Not modelled: bounds from a remote network estimate; the expected period
//! between overuses, which nothing here uses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::Span;

use super::link_capacity::LinkCapacity;
use super::trendline::Usage;
use super::units::{Delta, Rate, Size, Stamp};

/// Additive increase, multiplicative decrease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AimdConfig {
    /// Share of the throughput that remains after an overuse, 0 to 1 (0.85,
    /// WebRTC-BweBackOffFactor).
    pub backoff: f64,
    /// Growth per second far from the known capacity (1.08).
    pub growth: f64,
    /// Round-trip time assumed before one is measured (200 ms).
    pub initial_rtt: Span,
    /// Whether the rate may grow while the application does not fill it (true,
    /// WebRTC-DontIncreaseDelayBasedBweInAlr).
    pub increase_when_app_limited: bool,
}

impl Default for AimdConfig {
    fn default() -> Self {
        Self {
            backoff: 0.85,
            growth: 1.08,
            initial_rtt: Span::from_millis(200),
            increase_when_app_limited: true,
        }
    }
}

/// Estimate before any is known.
const UNKNOWN: Rate = Rate::from_kbps(30_000);
/// How long throughput is watched before it becomes the first estimate.
const INITIALIZATION: Delta = Delta::from_secs(5);
/// Least multiplicative increase of one update.
const LEAST_INCREASE: Rate = Rate::from_bps(1_000);
/// Least additive increase in bits per second per second.
const LEAST_SLOPE: f64 = 4_000.0;
/// A decrease goes this far below the share of the throughput.
const EXTRA_DECREASE: Rate = Rate::from_kbps(5);
/// The additive increase is half a packet per this time and a round trip.
const DETECTION_TIME: Delta = Delta::from_millis(100);
/// A thirtieth of a second.
const FRAME_INTERVAL: Delta = Delta::from_micros(33_333);
/// Packet size that frames are cut into, in bytes.
const PACKET_BYTES: f64 = 1_200.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Hold,
    Increase,
}

/// The delay-based rate.
#[derive(Debug, Clone)]
pub(super) struct Aimd {
    config: AimdConfig,
    min: Rate,
    estimate: Rate,
    throughput: Rate,
    link: LinkCapacity,
    state: State,
    changed: Option<Stamp>,
    first_throughput: Option<Stamp>,
    initialized: bool,
    app_limited: bool,
    rtt: Delta,
}

impl Aimd {
    pub(super) fn new(config: &AimdConfig, min: Rate) -> Self {
        Self {
            config: config.clone(),
            min,
            estimate: UNKNOWN,
            throughput: UNKNOWN,
            link: LinkCapacity::new(),
            state: State::Hold,
            changed: None,
            first_throughput: None,
            initialized: false,
            app_limited: false,
            rtt: config.initial_rtt.into(),
        }
    }

    /// Whether the estimate rests on anything.
    pub(super) const fn is_initialized(&self) -> bool {
        self.initialized
    }
    pub(super) const fn estimate(&self) -> Rate {
        self.estimate
    }
    pub(super) const fn link(&self) -> &LinkCapacity {
        &self.link
    }

    pub(super) const fn start_at(&mut self, rate: Rate) {
        self.estimate = rate;
        self.throughput = rate;
        self.initialized = true;
    }

    pub(super) fn set_min(&mut self, min: Rate) {
        self.min = min;
        self.estimate = self.estimate.max(min);
    }

    pub(super) const fn set_rtt(&mut self, rtt: Delta) {
        self.rtt = rtt;
    }

    pub(super) const fn set_app_limited(&mut self, app_limited: bool) {
        self.app_limited = app_limited;
    }

    /// Takes a rate known otherwise, as from a probe.
    pub(super) fn set_estimate(&mut self, rate: Rate, now: Stamp) {
        self.initialized = true;
        self.estimate = rate.max(self.min);
        self.changed = Some(now);
    }

    /// Whether a decrease may follow the latest change already.
    pub(super) fn may_decrease(&self, throughput: Rate, now: Stamp) -> bool {
        let interval = self
            .rtt
            .clamp(Delta::from_millis(10), Delta::from_millis(200));
        self.changed.is_none_or(|changed| now - changed >= interval)
            || (self.initialized && throughput < self.estimate * 0.5)
    }

    /// Moves the estimate by what the delay says.
    pub(super) fn update(&mut self, usage: Usage, throughput: Option<Rate>, now: Stamp) {
        self.initialize(throughput, now);
        self.throughput = throughput.unwrap_or(self.throughput);
        // Overuse yields an estimate even where there is none.
        if !self.initialized && usage != Usage::Overusing {
            return;
        }
        match usage {
            Usage::Underusing => self.state = State::Hold,
            Usage::Overusing => self.decrease(now),
            Usage::Normal => {
                if self.state == State::Hold {
                    self.changed = Some(now);
                    self.state = State::Increase;
                }
                self.increase(now);
            }
        }
        self.estimate = self.estimate.max(self.min);
    }

    fn initialize(&mut self, throughput: Option<Rate>, now: Stamp) {
        let Some(throughput) = throughput.filter(|_| !self.initialized) else {
            return;
        };
        let since = *self.first_throughput.get_or_insert(now);
        if now - since > INITIALIZATION {
            self.estimate = throughput;
            self.initialized = true;
        }
    }

    fn increase(&mut self, now: Stamp) {
        if self.throughput > self.link.upper() {
            self.link.reset();
        }
        let limit = if self.app_limited && !self.config.increase_when_app_limited {
            self.estimate
        } else {
            self.throughput * 1.5 + Rate::from_kbps(10)
        };
        if self.estimate < limit {
            let step = if self.link.is_known() {
                self.additive_step(now)
            } else {
                self.multiplicative_step(now)
            };
            self.estimate = (self.estimate + step).min(limit);
        }
        self.changed = Some(now);
    }

    fn decrease(&mut self, now: Stamp) {
        let mut lowered = self.throughput * self.config.backoff;
        if lowered > EXTRA_DECREASE {
            lowered = lowered - EXTRA_DECREASE;
        }
        if lowered > self.estimate
            && let Some(capacity) = self.link.estimate()
        {
            lowered = capacity * self.config.backoff;
        }
        self.estimate = self.estimate.min(lowered);
        if self.throughput < self.link.lower() {
            self.link.reset();
        }
        self.initialized = true;
        self.link.on_overuse(self.throughput);
        self.state = State::Hold;
        self.changed = Some(now);
    }

    fn multiplicative_step(&self, now: Stamp) -> Rate {
        let growth = self.changed.map_or(self.config.growth, |changed| {
            libm::pow(self.config.growth, (now - changed).as_secs_f64().min(1.0))
        });
        (self.estimate * (growth - 1.0)).max(LEAST_INCREASE)
    }

    fn additive_step(&self, now: Stamp) -> Rate {
        let elapsed = self
            .changed
            .map_or(0.0, |changed| (now - changed).as_secs_f64());
        Rate::from_bps_f64(self.slope_near_capacity() * elapsed)
    }

    /// Half a mean packet per response time, in bits per second per second.
    fn slope_near_capacity(&self) -> f64 {
        let frame = self.estimate * FRAME_INTERVAL;
        let packets = (frame / Size::from_bytes(1) / PACKET_BYTES).ceil().max(1.0);
        let response = self.rtt + DETECTION_TIME;
        let slope = (frame / packets) / (response + response);
        (slope.as_bps() as f64).max(LEAST_SLOPE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Time;

    fn at(ms: u64) -> Stamp {
        Stamp::from(Time::from_millis(ms))
    }

    fn started(kbps: i64) -> Aimd {
        let mut aimd = Aimd::new(&AimdConfig::default(), Rate::from_kbps(5));
        aimd.start_at(Rate::from_kbps(kbps));
        aimd
    }

    #[test]
    fn grows_eight_per_cent_a_second_or_a_kilobit_per_update() {
        let mut aimd = started(1_000);
        let throughput = Some(Rate::from_kbps(1_000));
        aimd.update(Usage::Normal, throughput, at(0));
        assert_eq!(aimd.estimate(), Rate::from_bps(1_001_000));
        aimd.update(Usage::Normal, throughput, at(1_000));
        assert_eq!(aimd.estimate(), Rate::from_bps(1_081_080));
        aimd.update(Usage::Normal, throughput, at(9_000));
        assert_eq!(aimd.estimate(), Rate::from_bps(1_167_566));
    }

    #[test]
    fn never_grows_beyond_the_throughput_by_half_and_ten_kilobits() {
        let mut aimd = started(784);
        for k in 0..6_000 {
            aimd.update(Usage::Normal, Some(Rate::from_kbps(784)), at(k * 50));
        }
        assert_eq!(aimd.estimate(), Rate::from_kbps(1_186));
    }

    #[test]
    fn overuse_goes_below_the_throughput_then_grows_additively() {
        let mut aimd = started(1_000);
        aimd.set_rtt(Delta::from_millis(100));
        aimd.update(Usage::Overusing, Some(Rate::from_kbps(1_000)), at(0));
        assert_eq!(aimd.estimate(), Rate::from_kbps(845));
        aimd.update(Usage::Normal, Some(Rate::from_kbps(960)), at(100));
        aimd.update(Usage::Normal, Some(Rate::from_kbps(960)), at(1_100));
        // 845 kbps in 33,333 us are 3521 bytes: 3 packets of 1174 bytes per
        // 2 x (100 + 100) ms.
        assert_eq!(
            aimd.estimate(),
            Rate::from_bps(845_000 + 1_174 * 8 * 1_000 / 400)
        );
    }

    #[test]
    fn overuse_never_raises_the_rate() {
        let mut aimd = started(500);
        aimd.update(Usage::Overusing, Some(Rate::from_kbps(2_000)), at(0));
        assert_eq!(aimd.estimate(), Rate::from_kbps(500));
        // Once a capacity is known, it is what the rate falls below.
        aimd.update(Usage::Overusing, Some(Rate::from_kbps(2_000)), at(300));
        assert_eq!(aimd.estimate(), Rate::from_kbps(500));
    }

    #[test]
    fn decreases_are_a_round_trip_apart_unless_throughput_collapsed() {
        let mut aimd = started(1_000);
        aimd.set_rtt(Delta::from_millis(150));
        assert!(aimd.may_decrease(Rate::from_kbps(900), at(0)));
        aimd.set_estimate(Rate::from_kbps(1_000), at(0));
        assert!(!aimd.may_decrease(Rate::from_kbps(900), at(149)));
        assert!(aimd.may_decrease(Rate::from_kbps(900), at(150)));
        assert!(aimd.may_decrease(Rate::from_bps(499_999), at(10)));
    }

    #[test]
    fn throughput_becomes_the_estimate_after_five_seconds() {
        let mut aimd = Aimd::new(&AimdConfig::default(), Rate::from_kbps(5));
        let throughput = Some(Rate::from_kbps(700));
        aimd.update(Usage::Normal, throughput, at(0));
        aimd.update(Usage::Normal, throughput, at(5_000));
        assert!(!aimd.is_initialized());
        aimd.update(Usage::Normal, throughput, at(5_001));
        assert_eq!(aimd.estimate(), Rate::from_kbps(701));
    }
}
