//! Frame delay variation as a line over frame size variation: slope is the
//! inverse of the link's rate, offset the growth of its queue.
//!
//! Implements: `frame_delay_variation_kalman_filter.cc` of libwebrtc
//! (2026-07), with its quirks: the initial slope is 1000 times too flat for the
//! 512 kbit/s that its name suggests, and the innovation variance adds the
//! observation noise as a standard deviation.

/// Smallest slope, ms per byte (8 Gbit/s).
const MIN_SLOPE: f64 = 1e-6;
/// Growth of the covariance's diagonal per sample.
const PROCESS_NOISE: [f64; 2] = [2.5e-10, 1e-10];

/// The filter: state (slope in ms/B, offset in ms) and its covariance.
#[derive(Debug, Clone)]
pub(super) struct DelayVariationFilter {
    slope: f64,
    offset: f64,
    covariance: [[f64; 2]; 2],
}

impl DelayVariationFilter {
    pub(super) const fn new() -> Self {
        Self {
            slope: 1.0 / (512e3 / 8.0),
            offset: 0.0,
            covariance: [[1e-4, 0.0], [0.0, 1e2]],
        }
    }

    /// The part of the variation, in ms, that the size explains.
    pub(super) fn size_based(&self, size_variation: f64) -> f64 {
        self.slope * size_variation
    }

    /// The whole variation expected, in ms.
    pub(super) fn total(&self, size_variation: f64) -> f64 {
        self.size_based(size_variation) + self.offset
    }

    /// Feeds a sample: delay variation in ms, size variation and largest frame
    /// in bytes, variance of the noise in ms².
    pub(super) fn update(
        &mut self,
        delay_variation: f64,
        size_variation: f64,
        max_size: f64,
        noise_variance: f64,
    ) {
        if max_size < 1.0 || noise_variance <= 0.0 {
            return;
        }
        let p = &mut self.covariance;
        p[0][0] += PROCESS_NOISE[0];
        p[1][1] += PROCESS_NOISE[1];
        let innovation = delay_variation - (self.slope * size_variation + self.offset);

        let cross = [
            p[0][0] * size_variation + p[0][1],
            p[1][0] * size_variation + p[1][1],
        ];
        let distrust = 300.0 * libm::exp(-size_variation.abs() / max_size) + 1.0;
        let observation_noise = (distrust * noise_variance.sqrt()).max(1.0);
        let innovation_variance = size_variation * cross[0] + cross[1] + observation_noise;
        if innovation_variance.abs() < 1e-9 {
            return;
        }
        let gain = [
            cross[0] / innovation_variance,
            cross[1] / innovation_variance,
        ];
        self.slope = (self.slope + gain[0] * innovation).max(MIN_SLOPE);
        self.offset += gain[1] * innovation;

        let columns = [[p[0][0], p[1][0]], [p[0][1], p[1][1]]];
        for (row, gain) in p.iter_mut().zip(gain) {
            for (cell, column) in row.iter_mut().zip(columns) {
                *cell -= gain * (size_variation * column[0] + column[1]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initial_line_is_64000_bytes_per_millisecond() {
        let filter = DelayVariationFilter::new();
        assert_eq!(filter.total(0.0), 0.0);
        assert_eq!(filter.size_based(1000.0), 0.015_625);
        assert_eq!(filter.total(1000.0), 0.015_625);
    }

    #[test]
    fn needs_a_positive_noise_variance() {
        let mut filter = DelayVariationFilter::new();
        filter.update(3.0, 200.0, 2000.0, -0.1);
        assert_eq!(filter.total(0.0), 0.0);
        filter.update(3.0, 200.0, 2000.0, 0.1);
        assert!(filter.total(0.0) > 0.0);
    }

    #[test]
    fn converges_on_alternating_variations() {
        // The case of libwebrtc's own unit test: 60 s at 30 fps, to 0.1 ms.
        let mut filter = DelayVariationFilter::new();
        for i in 0..1800 {
            let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
            filter.update(sign * 3.0, sign * 200.0, 2000.0, 0.1);
        }
        assert!(
            (filter.total(200.0) - 3.0).abs() < 0.1,
            "{}",
            filter.total(200.0)
        );
    }

    #[test]
    fn slope_never_falls_below_8_gbit_per_second() {
        let mut filter = DelayVariationFilter::new();
        for _ in 0..100 {
            filter.update(-50.0, 2000.0, 2000.0, 1.0);
        }
        assert_eq!(filter.size_based(1e6), 1.0);
    }
}
