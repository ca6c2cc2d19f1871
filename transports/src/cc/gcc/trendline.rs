//! Whether the one-way delay rises: the slope of a line through the smoothed
//! delay of the latest groups, compared with a threshold that follows it.
//!
//! Implements: TrendlineEstimator of libwebrtc (modules/congestion_controller/
//! goog_cc/trendline_estimator, July 2026); threshold adaptation after
//! Carlucci et al. 2016, "Analysis and Design of the Google Congestion
//! Control for WebRTC".
//! Differs: draft-ietf-rmcat-gcc-02 filters by Kalman and adapts with gains
//! 0.01 and 0.00018.
//! Not modelled: the trials `sort` and `cap`, the network state predictor.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inter_arrival::GroupDelta;
use super::units::Stamp;

/// The delay trend and its threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrendlineConfig {
    /// Groups in the fitted window, 10 to 200 (20).
    pub window: usize,
    /// Weight of the past in the smoothed delay, 0 to 1 (0.9).
    pub smoothing: f64,
    /// Factor on the slope before it meets the threshold (4).
    pub gain: f64,
    /// Threshold at the start, in milliseconds of modified trend (12.5).
    pub threshold: f64,
    /// Share of the distance by which the threshold rises per millisecond
    /// (0.0087).
    pub threshold_up: f64,
    /// Share of the distance by which the threshold falls per millisecond
    /// (0.039).
    pub threshold_down: f64,
    /// How long the trend has to stay above the threshold, in milliseconds of
    /// sending (10).
    pub overuse_time: f64,
}

impl Default for TrendlineConfig {
    fn default() -> Self {
        Self {
            window: 20,
            smoothing: 0.9,
            gain: 4.0,
            threshold: 12.5,
            threshold_up: 0.0087,
            threshold_down: 0.039,
            overuse_time: 10.0,
        }
    }
}

/// Bounds of the threshold.
const THRESHOLD_RANGE: (f64, f64) = (6.0, 600.0);
/// A trend this far above the threshold does not move it.
const SPIKE: f64 = 15.0;
/// The longest time that one step of the threshold stands for, in ms.
const LONGEST_STEP_MS: i64 = 100;
/// Groups after which the trend counts in full.
const FULL_WEIGHT: u32 = 60;

/// What the delay says about the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    Normal,
    Underusing,
    Overusing,
}

/// Follows the delay of one flow.
#[derive(Debug, Clone)]
pub(super) struct Trendline {
    config: TrendlineConfig,
    groups: u32,
    first_arrival_ms: Option<i64>,
    accumulated: f64,
    smoothed: f64,
    /// Arrival in ms since the first, smoothed delay in ms.
    window: VecDeque<(f64, f64)>,
    slope: f64,
    threshold: f64,
    threshold_at_ms: Option<i64>,
    overusing_ms: Option<f64>,
    overuses: u32,
    usage: Usage,
}

impl Trendline {
    pub(super) fn new(config: &TrendlineConfig) -> Self {
        Self::with_window(config.clone(), VecDeque::with_capacity(config.window + 1))
    }

    /// Forgets everything but the configuration.
    pub(super) fn reset(&mut self) {
        let mut window = std::mem::take(&mut self.window);
        window.clear();
        *self = Self::with_window(std::mem::take(&mut self.config), window);
    }

    const fn with_window(config: TrendlineConfig, window: VecDeque<(f64, f64)>) -> Self {
        Self {
            groups: 0,
            first_arrival_ms: None,
            accumulated: 0.0,
            smoothed: 0.0,
            window,
            slope: 0.0,
            threshold: config.threshold,
            threshold_at_ms: None,
            overusing_ms: None,
            overuses: 0,
            usage: Usage::Normal,
            config,
        }
    }

    pub(super) const fn usage(&self) -> Usage {
        self.usage
    }
    pub(super) const fn slope(&self) -> f64 {
        self.slope
    }
    pub(super) const fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Takes the difference of two groups, measured when a packet arrived.
    pub(super) fn on_group(&mut self, delta: GroupDelta, arrival: Stamp) {
        let arrival_ms = arrival.as_millis();
        let sent_ms = delta.sent.as_millis_f64();
        self.groups = (self.groups + 1).min(1_000);
        let first_ms = *self.first_arrival_ms.get_or_insert(arrival_ms);

        self.accumulated += delta.received.as_millis_f64() - sent_ms;
        let smoothing = self.config.smoothing;
        self.smoothed = smoothing * self.smoothed + (1.0 - smoothing) * self.accumulated;
        self.window
            .push_back(((arrival_ms - first_ms) as f64, self.smoothed));
        if self.window.len() > self.config.window {
            self.window.pop_front();
        }
        let slope = if self.window.len() == self.config.window {
            fit_slope(&self.window).unwrap_or(self.slope)
        } else {
            self.slope
        };
        self.judge(slope, sent_ms, arrival_ms);
    }

    fn judge(&mut self, slope: f64, sent_ms: f64, now_ms: i64) {
        if self.groups < 2 {
            self.usage = Usage::Normal;
            return;
        }
        let trend = f64::from(self.groups.min(FULL_WEIGHT)) * slope * self.config.gain;
        if trend > self.threshold {
            // The overuse is taken to have begun half a group ago.
            let overusing_ms = self.overusing_ms.map_or(sent_ms / 2.0, |ms| ms + sent_ms);
            self.overusing_ms = Some(overusing_ms);
            self.overuses += 1;
            if overusing_ms > self.config.overuse_time && self.overuses > 1 && slope >= self.slope {
                self.overusing_ms = Some(0.0);
                self.overuses = 0;
                self.usage = Usage::Overusing;
            }
        } else {
            self.overusing_ms = None;
            self.overuses = 0;
            self.usage = if trend < -self.threshold {
                Usage::Underusing
            } else {
                Usage::Normal
            };
        }
        self.slope = slope;
        self.adapt_threshold(trend.abs(), now_ms);
    }

    fn adapt_threshold(&mut self, trend: f64, now_ms: i64) {
        let since_ms = now_ms - self.threshold_at_ms.replace(now_ms).unwrap_or(now_ms);
        if trend > self.threshold + SPIKE {
            return;
        }
        let rate = if trend < self.threshold {
            self.config.threshold_down
        } else {
            self.config.threshold_up
        };
        let step = rate * (trend - self.threshold) * since_ms.min(LONGEST_STEP_MS) as f64;
        self.threshold = (self.threshold + step).clamp(THRESHOLD_RANGE.0, THRESHOLD_RANGE.1);
    }
}

/// Slope of the least-squares line; `None` when all arrivals are the same.
fn fit_slope(points: &VecDeque<(f64, f64)>) -> Option<f64> {
    let count = points.len() as f64;
    let (sum_x, sum_y) = points
        .iter()
        .fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x, sy + y));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (covariance, variance) =
        points
            .iter()
            .fold((0.0, 0.0), |(covariance, variance), (x, y)| {
                let dx = x - mean_x;
                (covariance + dx * (y - mean_y), variance + dx * dx)
            });
    (variance != 0.0).then(|| covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::gcc::units::Delta;
    use weaknet_core::Time;

    fn run(trend: &mut Trendline, groups: std::ops::Range<i64>, sent_us: i64, received_us: i64) {
        for k in groups {
            let delta = GroupDelta {
                sent: Delta::from_micros(sent_us),
                received: Delta::from_micros(received_us),
            };
            let arrival = Time::from_micros((1_000_000 + k * received_us) as u64);
            trend.on_group(delta, Stamp::from(arrival));
        }
    }

    #[test]
    fn slope_of_a_line_is_its_slope() {
        let points: VecDeque<_> = (0..20)
            .map(|k| (f64::from(k) * 10.0, f64::from(k) * 2.5))
            .collect();
        assert!((fit_slope(&points).unwrap() - 0.25).abs() < 1e-12);
        assert_eq!(
            fit_slope(&(0..20).map(|k| (5.0, f64::from(k))).collect()),
            None
        );
    }

    #[test]
    fn steady_delay_is_normal_and_lets_the_threshold_fall_to_its_floor() {
        let mut trend = Trendline::new(&TrendlineConfig::default());
        run(&mut trend, 0..100, 20_000, 20_000);
        assert_eq!(trend.usage(), Usage::Normal);
        assert_eq!(trend.slope(), 0.0);
        assert_eq!(trend.threshold(), 6.0);
    }

    #[test]
    fn rising_delay_is_overuse_and_falling_delay_is_underuse() {
        let mut trend = Trendline::new(&TrendlineConfig::default());
        run(&mut trend, 0..30, 20_000, 22_000);
        assert_eq!(trend.usage(), Usage::Overusing);
        let mut trend = Trendline::new(&TrendlineConfig::default());
        run(&mut trend, 0..30, 20_000, 18_000);
        assert_eq!(trend.usage(), Usage::Underusing);
    }

    #[test]
    fn nothing_is_said_before_the_window_is_full() {
        let mut trend = Trendline::new(&TrendlineConfig::default());
        run(&mut trend, 0..19, 20_000, 40_000);
        assert_eq!((trend.usage(), trend.slope()), (Usage::Normal, 0.0));
        run(&mut trend, 19..20, 20_000, 40_000);
        assert!(trend.slope() > 0.0);
    }

    #[test]
    fn spikes_leave_the_threshold_alone() {
        let mut trend = Trendline::new(&TrendlineConfig::default());
        trend.threshold_at_ms = Some(0);
        trend.adapt_threshold(27.6, 50);
        assert_eq!(trend.threshold(), 12.5);
        trend.adapt_threshold(22.5, 60);
        // 12.5 + 0.0087 x 10 x 10 ms.
        assert!((trend.threshold() - 13.37).abs() < 1e-12);
    }

    #[test]
    fn reset_is_like_new() {
        let config = TrendlineConfig::default();
        let mut trend = Trendline::new(&config);
        run(&mut trend, 0..30, 20_000, 22_000);
        trend.reset();
        assert_eq!(
            format!("{trend:?}"),
            format!("{:?}", Trendline::new(&config))
        );
    }
}
