//! The rate that loss allows: the most likely bandwidth of a channel with some
//! inherent loss, bounded by what was acknowledged, with a hold after each
//! decrease.
//!
//! Implements: LossBasedBweV2 of libwebrtc (modules/congestion_controller/
//! goog_cc/loss_based_bwe_v2, July 2026), by bytes.
//! Not modelled: what no default uses: loss by packets, smoothed sending
//! rates, accelerated ramp-up, the upper bound as a candidate.

mod config;
mod likelihood;
mod observation;

use crate::cc::PacketResult;

use super::MIN_RATE;
use super::units::{Delta, Rate, Stamp};

pub use config::LossV2Config;
use likelihood::Channel;
use observation::Observations;

/// First hold.
const SHORTEST_HOLD: Delta = Delta::from_millis(300);
/// Longest hold.
const LONGEST_HOLD: Delta = Delta::from_secs(60);

/// What determines the estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Loss, and growth is tested with padding.
    IncreasingWithPadding,
    /// Loss, and the estimate grows.
    Increasing,
    /// Loss.
    Decreasing,
    /// The delay-based estimate.
    DelayBased,
}

/// After a decrease the estimate stays at or below a rate for a while.
#[derive(Debug, Clone, Copy)]
struct Hold {
    until: Option<Stamp>,
    time: Delta,
    rate: Rate,
}

impl Hold {
    const NONE: Self = Self {
        until: None,
        time: SHORTEST_HOLD,
        rate: Rate::INFINITE,
    };
}

/// Loss-based estimate.
#[derive(Debug, Clone)]
pub(super) struct LossV2 {
    config: LossV2Config,
    observations: Observations,
    best: Option<Channel>,
    state: State,
    estimate: Rate,
    acked: Option<Rate>,
    delay_estimate: Rate,
    min: Rate,
    max: Rate,
    upper: Option<Rate>,
    window_since: Option<Stamp>,
    window_limit: Rate,
    hold: Hold,
    /// Since when growth to which rate is padded.
    padding: Option<(Stamp, Rate)>,
}

impl LossV2 {
    pub(super) fn new(config: &LossV2Config) -> Self {
        Self {
            config: config.clone(),
            observations: Observations::new(config),
            best: None,
            state: State::DelayBased,
            estimate: Rate::ZERO,
            acked: None,
            delay_estimate: Rate::INFINITE,
            min: Rate::from_kbps(1),
            max: Rate::INFINITE,
            upper: None,
            window_since: None,
            window_limit: Rate::INFINITE,
            hold: Hold::NONE,
            padding: None,
        }
    }

    /// Without memory, with the same configuration.
    pub(super) fn anew(&self) -> Self {
        Self::new(&self.config)
    }

    pub(super) const fn is_enabled(&self) -> bool {
        self.config.enabled
    }
    pub(super) const fn is_ready(&self) -> bool {
        self.config.enabled
            && self.best.is_some()
            && self.observations.count() >= self.config.min_observations as usize
    }
    pub(super) const fn state(&self) -> State {
        self.state
    }
    pub(super) const fn estimate(&self) -> Rate {
        self.estimate
    }
    pub(super) const fn mean_loss(&self) -> f64 {
        self.observations.mean_loss()
    }
    pub(super) fn inherent_loss(&self) -> f64 {
        self.best
            .map_or(self.config.initial_inherent_loss, |best| best.inherent_loss)
    }

    pub(super) const fn set_acked(&mut self, acked: Rate) {
        self.acked = Some(acked);
    }

    pub(super) const fn set_bounds(&mut self, min: Rate, max: Rate) {
        self.min = min;
        self.max = max;
    }

    /// Takes all packets of a report and, when they complete an observation,
    /// estimates anew.
    pub(super) fn on_report(
        &mut self,
        packets: &[PacketResult],
        delay_estimate: Rate,
        app_limited: bool,
    ) {
        self.delay_estimate = delay_estimate;
        if !self.observations.on_report(packets) {
            return;
        }
        let Some(last_sent) = self.observations.last_sent() else {
            return;
        };
        let excess = self.observations.mean_loss() - self.config.bound_loss_offset;
        self.upper = Some(if excess > 0.0 {
            Rate::from(self.config.bound_balance) / excess
        } else {
            self.max
        });
        let best = match self.best {
            Some(best) => best,
            None if delay_estimate.is_finite() => {
                self.estimate = delay_estimate;
                self.state = State::DelayBased;
                Channel {
                    bandwidth: delay_estimate,
                    inherent_loss: self.config.initial_inherent_loss,
                }
            }
            None => return,
        };
        self.best = Some(best);
        let mut candidate = self.most_likely(best, app_limited, last_sent);
        self.limit_growth(&mut candidate, best, last_sent);

        let bounded = self.lower_bound().max(
            candidate
                .bandwidth
                .min(self.upper_bound())
                .min(self.delay_estimate),
        );
        self.best = Some(if bounded < candidate.bandwidth {
            Channel {
                bandwidth: bounded,
                inherent_loss: 0.0,
            }
        } else if self.config.acked_floor > 0.0 {
            Channel {
                bandwidth: candidate.bandwidth.max(self.lower_bound()),
                ..candidate
            }
        } else {
            candidate
        });
        self.publish(bounded, last_sent);
    }

    fn most_likely(&self, current: Channel, app_limited: bool, last_sent: Stamp) -> Channel {
        let mut most_likely = current;
        let mut highest = f64::MIN;
        let limit = current.bandwidth.max(self.candidate_limit());
        for bandwidth in self.candidates(current.bandwidth, app_limited, last_sent) {
            let mut candidate = Channel {
                bandwidth: bandwidth.min(limit),
                ..current
            };
            candidate.bound(&self.config);
            candidate.improve(&self.observations, &self.config);
            let objective = candidate.objective(&self.observations, &self.config);
            if objective > highest
                || (objective == highest && candidate.bandwidth > most_likely.bandwidth)
            {
                highest = objective;
                most_likely = candidate;
            }
        }
        most_likely
    }

    fn candidates(
        &self,
        current: Rate,
        app_limited: bool,
        last_sent: Stamp,
    ) -> impl Iterator<Item = Rate> {
        let padded = self
            .padding
            .is_some_and(|(since, _)| since + self.config.padding.into() >= last_sent);
        let skip_acked = app_limited
            && self.config.skip_acked_when_app_limited
            && (self.config.padding.is_zero() || !padded);
        let acked = self
            .acked
            .filter(|_| self.config.acked_candidate && !skip_acked);
        let delay = Some(self.delay_estimate)
            .filter(|delay| self.config.delay_candidate && delay.is_finite() && *delay > current);
        let factors = self.config.candidate_factors.iter();
        factors
            .map(move |factor| current * *factor)
            .chain(acked.map(|acked| acked * self.config.acked_candidate_factor))
            .chain(delay)
    }

    fn candidate_limit(&self) -> Rate {
        if self.is_loss_limited() && self.window_limit.is_finite() {
            self.window_limit
        } else {
            self.max
        }
    }

    /// Keeps the candidate from growing too far beyond `current`.
    fn limit_growth(&self, candidate: &mut Channel, current: Channel, last_sent: Stamp) {
        let current = current.bandwidth;
        if self.observations.mean_loss() > candidate.inherent_loss {
            candidate.bandwidth = candidate.bandwidth.min(current);
        }
        if !self.is_loss_limited() {
            return;
        }
        if self
            .window_since
            .is_some_and(|since| since + self.config.increase_window.into() > last_sent)
        {
            candidate.bandwidth = candidate.bandwidth.min(self.window_limit);
        }
        let Some(acked) = self
            .acked
            .filter(|_| self.is_increase(current, candidate.bandwidth))
        else {
            return;
        };
        let held = self.hold.rate;
        let near_hold = held.is_finite() && acked < held * self.config.rampup_hold_threshold;
        let factor = if near_hold {
            self.config.rampup_factor_in_hold
        } else {
            self.config.rampup_factor
        };
        candidate.bandwidth = current.max(candidate.bandwidth.min(acked * factor));
        if self.state == State::Decreasing && candidate.bandwidth == current {
            // The least increase changes the state, and with it the padding.
            candidate.bandwidth = current + Rate::from_bps(1);
        }
    }

    fn publish(&mut self, bounded: Rate, last_sent: Stamp) {
        let below_delay = bounded < self.delay_estimate;
        if self.state == State::Decreasing
            && below_delay
            && self.hold.until.is_some_and(|until| until > last_sent)
        {
            if self.config.acked_floor > 0.0 {
                self.hold.rate = self.hold.rate.max(self.lower_bound());
            }
            self.estimate = bounded.min(self.hold.rate);
            return;
        }
        if !below_delay || bounded >= self.max {
            self.hold = Hold::NONE;
            self.padding = None;
            self.state = State::DelayBased;
        } else if self.is_increase(self.estimate, bounded)
            && self.may_keep_increasing(bounded, last_sent)
        {
            self.increase(bounded, last_sent);
        } else {
            self.start_hold(bounded, last_sent);
            self.padding = None;
            self.state = State::Decreasing;
        }
        self.estimate = bounded;
        self.open_window(last_sent);
    }

    fn increase(&mut self, bounded: Rate, last_sent: Stamp) {
        if self.config.padding.is_zero() {
            self.state = State::Increasing;
            return;
        }
        if self.padding.is_none_or(|(_, rate)| bounded > rate) {
            self.padding = Some((last_sent, bounded));
        }
        self.state = State::IncreasingWithPadding;
    }

    fn start_hold(&mut self, rate: Rate, last_sent: Stamp) {
        if self.state != State::Decreasing && self.config.hold_factor > 0.0 {
            let time = self.hold.time;
            let next = (time * self.config.hold_factor).min(LONGEST_HOLD);
            self.hold = Hold {
                until: Some(last_sent + time),
                time: next,
                rate,
            };
        }
    }

    /// Opens the next window of limited growth.
    fn open_window(&mut self, last_sent: Stamp) {
        let over = self
            .window_since
            .is_none_or(|since| since + self.config.increase_window.into() < last_sent);
        if let Some(best) = self.best.filter(|_| over && self.is_loss_limited()) {
            self.window_limit = (best.bandwidth * self.config.max_increase).max(MIN_RATE);
            self.window_since = Some(last_sent);
        }
    }

    fn is_loss_limited(&self) -> bool {
        self.state != State::DelayBased
    }

    fn is_increase(&self, before: Rate, after: Rate) -> bool {
        let increasing = matches!(self.state, State::Increasing | State::IncreasingWithPadding);
        self.is_loss_limited() && (before < after || (before == after && increasing))
    }

    fn may_keep_increasing(&self, rate: Rate, last_sent: Stamp) -> bool {
        if self.config.padding.is_zero() || self.state != State::IncreasingWithPadding {
            return true;
        }
        self.padding.is_none_or(|(since, padded)| {
            since + self.config.padding.into() >= last_sent || padded < rate
        })
    }

    fn lower_bound(&self) -> Rate {
        let acked = self
            .acked
            .map_or(Rate::ZERO, |acked| acked * self.config.acked_floor);
        acked.max(self.min)
    }

    fn upper_bound(&self) -> Rate {
        self.upper.unwrap_or(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::gcc::testing::{lost, received};

    /// Observations of 250 ms, 25 packets of 1000 bytes each (800 kbps).
    struct Feed {
        loss: LossV2,
        number: u64,
    }

    impl Feed {
        fn new(config: &LossV2Config) -> Self {
            let mut loss = LossV2::new(config);
            loss.set_bounds(Rate::from_kbps(50), Rate::from_kbps(5_000));
            let mut feed = Self { loss, number: 0 };
            // The first packet only sets the time.
            feed.loss
                .on_report(&[received(0, 0, 30, 0)], Rate::INFINITE, false);
            feed.number = 1;
            feed
        }

        /// `losses` of the 25 packets of each observation.
        fn observe(&mut self, count: u64, losses: u64, acked: Option<i64>, delay: i64) {
            if let Some(kbps) = acked {
                self.loss.set_acked(Rate::from_kbps(kbps));
            }
            for _ in 0..count {
                let packets: Vec<_> = (0..25)
                    .map(|k| {
                        let number = self.number + k;
                        let (ms, size) = (number * 10, 1_000);
                        if k < losses {
                            lost(number, ms, size)
                        } else {
                            received(number, ms, ms + 30, size)
                        }
                    })
                    .collect();
                self.number += 25;
                self.loss.on_report(&packets, Rate::from_kbps(delay), false);
            }
        }
    }

    #[test]
    fn without_loss_the_delay_decides() {
        let mut feed = Feed::new(&LossV2Config::default());
        feed.observe(2, 0, Some(800), 900);
        assert!(!feed.loss.is_ready());
        feed.observe(1, 0, Some(800), 900);
        assert!(feed.loss.is_ready());
        assert_eq!(feed.loss.state(), State::DelayBased);
        assert_eq!(feed.loss.estimate(), Rate::from_kbps(900));
    }

    #[test]
    fn half_lost_bounds_the_rate_and_holds_it() {
        let mut feed = Feed::new(&LossV2Config::default());
        feed.observe(1, 12, None, 900);
        assert_eq!(feed.loss.state(), State::Decreasing);
        // 100 kbps / (12/25 - 5 %).
        assert_eq!(feed.loss.estimate(), Rate::from_bps(232_558));
        feed.observe(1, 0, None, 900);
        assert_eq!(
            feed.loss.estimate(),
            Rate::from_bps(232_558),
            "held for 300 ms"
        );
    }

    #[test]
    fn never_below_what_is_acknowledged() {
        let mut feed = Feed::new(&LossV2Config::default());
        feed.observe(8, 12, Some(420), 900);
        assert_eq!(feed.loss.estimate(), Rate::from_kbps(420));
        let mut feed = Feed::new(&LossV2Config {
            acked_floor: 0.0,
            ..LossV2Config::default()
        });
        feed.observe(8, 12, Some(420), 900);
        assert!(feed.loss.estimate() < Rate::from_kbps(420));
    }

    #[test]
    fn growth_after_loss_is_padded_and_gradual() {
        let mut feed = Feed::new(&LossV2Config::default());
        feed.observe(8, 12, None, 900);
        let mut before = feed.loss.estimate();
        let mut padded = 0;
        for _ in 0..60 {
            feed.observe(1, 0, Some(before.as_kbps().min(800)), 900);
            if feed.loss.state() == State::IncreasingWithPadding {
                padded += 1;
                let ratio = feed.loss.estimate() / before;
                assert!(ratio <= 1.3, "{ratio}");
            }
            before = feed.loss.estimate();
        }
        assert!(padded > 0);
        assert_eq!(feed.loss.state(), State::DelayBased);
    }

    #[test]
    fn each_new_hold_is_twice_as_long_up_to_a_minute() {
        let mut loss = LossV2::new(&LossV2Config::default());
        let now = Stamp::from(weaknet_core::Time::from_secs(1));
        for expected in [
            600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 60_000, 60_000,
        ] {
            loss.state = State::IncreasingWithPadding;
            loss.start_hold(Rate::from_kbps(100), now);
            assert_eq!(loss.hold.time, Delta::from_millis(expected));
        }
    }
}
