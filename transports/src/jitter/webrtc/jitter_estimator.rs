//! How much delay evens out the arrival of frames: the time that the largest
//! frames take longer than average ones, plus a quantile of the noise, plus a
//! share of the round-trip time when frames wait for retransmissions.
//!
//! Implements: `jitter_estimator.cc` of libwebrtc (2026-07) with its default
//! configuration. The noise is estimated from frames behind a much larger one
//! too (`estimate_noise_when_congested`); only the line is not.
//! Not modelled: the field trial's median and percentile frame sizes.

use super::kalman::DelayVariationFilter;
use super::micros::{MILLISECOND, Micros, SECOND, from_millis, scale, to_millis};
use super::rtt_filter::RttFilter;

const START_UP_FRAMES: u32 = 30;
const FRAMES_BEFORE_SIZE_FILTER: u32 = 5;
const INITIAL_SIZE: f64 = 500.0;
const SIZE_MEMORY: f64 = 0.97;
const MAX_SIZE_MEMORY: f64 = 0.9999;
const DELAY_CLAMP: f64 = 3.5;
const DELAY_OUTLIER: f64 = 15.0;
const SIZE_OUTLIER: f64 = 3.0;
const CONGESTION: f64 = -0.25;
const MAX_ALPHA_COUNT: u32 = 400;
const NOISE_DEVIATIONS: f64 = 2.33;
const NOISE_OFFSET_MS: f64 = 30.0;
const MIN_ESTIMATE: Micros = MILLISECOND;
const MAX_ESTIMATE: Micros = 10 * SECOND;
const OS_JITTER: Micros = 10 * MILLISECOND;
const NACK_TIMEOUT: Micros = 60 * SECOND;
const NACK_LIMIT: u32 = 3;
const RTT_SHARE: f64 = 0.9;
const RTT_SHARE_CAP: Micros = 200 * MILLISECOND;

/// The estimator.
#[derive(Debug, Clone)]
pub(super) struct JitterEstimator {
    line: DelayVariationFilter,
    rtt: RttFilter,
    frame_rate: FrameRate,
    average_size: f64,
    size_variance: f64,
    max_size: f64,
    first_sizes: (f64, u32),
    previous_size: Option<f64>,
    noise_mean: f64,
    noise_variance: f64,
    alpha_count: u32,
    started: u32,
    previous_estimate: Micros,
    filtered: Micros,
    nacked: u32,
    last_nacked: Micros,
}

impl JitterEstimator {
    pub(super) fn new() -> Self {
        Self {
            line: DelayVariationFilter::new(),
            rtt: RttFilter::default(),
            frame_rate: FrameRate::default(),
            average_size: INITIAL_SIZE,
            size_variance: 100.0,
            max_size: INITIAL_SIZE,
            first_sizes: (0.0, 0),
            previous_size: None,
            noise_mean: 0.0,
            noise_variance: 4.0,
            alpha_count: 1,
            started: 0,
            previous_estimate: MIN_ESTIMATE,
            filtered: 0,
            nacked: 0,
            last_nacked: 0,
        }
    }

    /// Feeds a frame that no retransmission delayed.
    pub(super) fn update(&mut self, now: Micros, delay_variation: Micros, size: u32) {
        if size == 0 {
            return;
        }
        let size = f64::from(size);
        self.filter_size(size);
        let Some(previous_size) = self.previous_size.replace(size) else {
            return;
        };
        let size_variation = size - previous_size;

        let deviation = self.noise_variance.sqrt();
        let limit = from_millis(DELAY_CLAMP * deviation + 0.5);
        let delay_variation = to_millis(delay_variation.clamp(-limit, limit)) as f64;
        let noise = delay_variation - self.line.total(size_variation);
        let large = size > self.average_size + SIZE_OUTLIER * self.size_variance.sqrt();
        if noise.abs() < DELAY_OUTLIER * deviation || large {
            self.filter_noise(now, noise);
            if size_variation > CONGESTION * self.max_size {
                self.line.update(
                    delay_variation,
                    size_variation,
                    self.max_size,
                    self.noise_variance,
                );
            }
        } else {
            self.filter_noise(now, libm::copysign(DELAY_OUTLIER * deviation, noise));
        }
        if self.started >= START_UP_FRAMES {
            self.filtered = self.calculate();
        } else {
            self.started += 1;
        }
    }

    /// A frame had to wait for a retransmission.
    pub(super) const fn on_nacked_frame(&mut self, now: Micros) {
        if self.nacked < NACK_LIMIT {
            self.nacked += 1;
        }
        self.last_nacked = now;
    }

    pub(super) fn on_rtt(&mut self, rtt: Micros) {
        self.rtt.update(to_millis(rtt) * MILLISECOND);
    }

    /// The delay to aim at.
    pub(super) fn estimate(&mut self, now: Micros) -> Micros {
        let mut jitter = (self.calculate() + OS_JITTER).max(self.filtered);
        if now.saturating_sub(self.last_nacked) > NACK_TIMEOUT {
            self.nacked = 0;
        }
        if self.nacked >= NACK_LIMIT {
            jitter += scale(self.rtt.rtt(), RTT_SHARE).min(RTT_SHARE_CAP);
        }
        match self.frame_rate.fps() {
            None => jitter,
            Some(fps) if fps < 5.0 => 0,
            Some(fps) if fps < 10.0 => scale(jitter, (fps - 5.0) * 0.2),
            Some(_) => jitter,
        }
    }

    fn filter_size(&mut self, size: f64) {
        let (sum, count) = &mut self.first_sizes;
        if *count < FRAMES_BEFORE_SIZE_FILTER {
            *sum += size;
            *count += 1;
        } else if *count == FRAMES_BEFORE_SIZE_FILTER {
            self.average_size = *sum / f64::from(*count);
            *count += 1;
        }
        let average = SIZE_MEMORY * self.average_size + (1.0 - SIZE_MEMORY) * size;
        if size < self.average_size + 2.0 * self.size_variance.sqrt() {
            self.average_size = average;
        }
        let deviation = size - average;
        self.size_variance = (SIZE_MEMORY * self.size_variance
            + (1.0 - SIZE_MEMORY) * (deviation * deviation))
            .max(1.0);
        self.max_size = (MAX_SIZE_MEMORY * self.max_size).max(size);
    }

    fn filter_noise(&mut self, now: Micros, noise: f64) {
        self.frame_rate.add(now);
        let mut alpha = f64::from(self.alpha_count - 1) / f64::from(self.alpha_count);
        self.alpha_count = (self.alpha_count + 1).min(MAX_ALPHA_COUNT);
        if let Some(fps) = self.frame_rate.fps() {
            let mut exponent = 30.0 / fps;
            if self.alpha_count < START_UP_FRAMES {
                let (n, all) = (f64::from(self.alpha_count), f64::from(START_UP_FRAMES));
                exponent = (n * exponent + (all - n)) / all;
            }
            alpha = libm::pow(alpha, exponent);
        }
        let deviation = noise - self.noise_mean;
        self.noise_mean = alpha * self.noise_mean + (1.0 - alpha) * noise;
        self.noise_variance =
            (alpha * self.noise_variance + (1.0 - alpha) * deviation * deviation).max(1.0);
    }

    fn calculate(&mut self) -> Micros {
        let noise = (NOISE_DEVIATIONS * self.noise_variance.sqrt() - NOISE_OFFSET_MS).max(1.0);
        let estimate = from_millis(self.line.size_based(self.max_size - self.average_size) + noise);
        if estimate >= MIN_ESTIMATE {
            self.previous_estimate = estimate.min(MAX_ESTIMATE);
        }
        self.previous_estimate
    }
}

/// Frames per second over the last 30 frames that were looked at.
#[derive(Debug, Clone, Default)]
struct FrameRate {
    intervals: [u64; 30],
    count: usize,
    position: usize,
    sum: u64,
    last: Option<Micros>,
}

impl FrameRate {
    fn add(&mut self, now: Micros) {
        let Some(last) = self.last.replace(now) else {
            return;
        };
        let interval = u64::try_from(now - last).unwrap_or(0);
        self.sum = self.sum - self.intervals[self.position] + interval;
        self.intervals[self.position] = interval;
        self.position = (self.position + 1) % self.intervals.len();
        self.count = (self.count + 1).min(self.intervals.len());
    }

    /// In steps of a millihertz, at most 200; `None` while unknown.
    fn fps(&self) -> Option<f64> {
        let mean = self.sum / (self.count as u64).max(1);
        (mean > 0).then(|| ((1_000_000_000 / mean) as f64 / 1e3).min(200.0))
    }
}

#[cfg(test)]
#[path = "jitter_estimator_tests.rs"]
mod tests;
