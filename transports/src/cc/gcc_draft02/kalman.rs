//! The trend of the one-way delay from group to group, out of noisy
//! variations.
//!
//! Implements: draft-ietf-rmcat-gcc-02, section 5.3.

use std::collections::VecDeque;

use super::GccDraft02;
use super::groups::Variation;

/// Variations beyond so many standard deviations are cut for the noise.
const OUTLIER: f64 = 3.0;
/// Least variance of the noise, in ms^2.
const LEAST_NOISE: f64 = 1.0;

/// A Kalman filter with one state, in ms per group.
#[derive(Debug, Clone)]
pub(super) struct ArrivalFilter {
    state_noise: f64,
    chi: f64,
    trend: f64,
    error: f64,
    noise: f64,
    /// Time between the departures of the last groups, in ms.
    intervals: VecDeque<f64>,
    count: usize,
}

impl ArrivalFilter {
    pub(super) fn new(config: &GccDraft02) -> Self {
        let count = config.pace_groups as usize;
        Self {
            state_noise: config.state_noise,
            chi: config.chi,
            trend: 0.0,
            error: config.initial_error,
            noise: config.initial_noise,
            intervals: VecDeque::with_capacity(count),
            count,
        }
    }

    pub(super) fn on_group(&mut self, variation: &Variation) {
        let forgetting = self.forgetting(variation.sent.as_millis_f64());
        let residual = variation.delay_ms - self.trend;
        let predicted = self.error + self.state_noise;
        let gain = predicted / (self.noise + predicted);
        let limit = OUTLIER * self.noise.sqrt();
        let cut = residual.clamp(-limit, limit);
        self.trend += residual * gain;
        self.error = (1.0 - gain) * predicted;
        self.noise = (forgetting * self.noise + (1.0 - forgetting) * cut * cut).max(LEAST_NOISE);
    }

    /// The share of the old noise that stays, at the pace of the fastest groups
    /// of late.
    fn forgetting(&mut self, interval_ms: f64) -> f64 {
        if self.intervals.len() == self.count {
            self.intervals.pop_front();
        }
        self.intervals.push_back(interval_ms);
        let shortest = self.intervals.iter().copied().fold(interval_ms, f64::min);
        libm::pow(1.0 - self.chi, 30.0 * shortest / 1_000.0)
    }

    /// By how many milliseconds the delay grows per group.
    pub(super) const fn trend(&self) -> f64 {
        self.trend
    }

    /// Variance of the noise, in ms^2.
    pub(super) const fn noise(&self) -> f64 {
        self.noise
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::{Span, Time};

    fn variation(sent_ms: u64, delay_ms: f64) -> Variation {
        Variation {
            sent: Span::from_millis(sent_ms),
            delay_ms,
            arrival: Time::ZERO,
        }
    }

    #[test]
    fn five_groups() {
        let mut filter = ArrivalFilter::new(&GccDraft02::default());
        for (delay, trend, error, noise) in [
            (5.0, 0.010_079_64, 0.100_796_39, 49.962_340),
            (5.0, 0.020_225_74, 0.101_589_41, 49.924_584),
            (5.0, 0.030_437_63, 0.102_379_03, 49.886_733),
            (-2.0, 0.026_238_71, 0.103_165_24, 49.817_794),
            (40.0, 0.109_646_43, 0.103_947_90, 50.418_164),
        ] {
            filter.on_group(&variation(5, delay));
            let near = |got: f64, expected: f64, within| (got - expected).abs() < within;
            assert!(near(filter.trend, trend, 5e-9), "{}", filter.trend);
            assert!(near(filter.error, error, 5e-9), "{}", filter.error);
            assert!(near(filter.noise, noise, 5e-7), "{}", filter.noise);
        }
    }

    #[test]
    fn the_fastest_of_the_last_groups_sets_the_pace() {
        let mut filter = ArrivalFilter::new(&GccDraft02 {
            pace_groups: 2,
            ..GccDraft02::default()
        });
        for (interval, pace) in [(20.0, 0.6), (40.0, 0.6), (30.0, 0.9)] {
            let expected = libm::pow(0.99, pace);
            assert!((filter.forgetting(interval) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn a_steady_trend_is_found() {
        let mut filter = ArrivalFilter::new(&GccDraft02::default());
        for _ in 0..2_000 {
            filter.on_group(&variation(20, 2.0));
        }
        assert!((filter.trend() - 2.0).abs() < 1e-3, "{}", filter.trend());
        assert_eq!(filter.noise(), LEAST_NOISE);
    }
}
