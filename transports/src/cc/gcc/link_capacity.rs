//! An estimate of the link's capacity from the throughput at each overuse,
//! with a spread that tells when it no longer holds.
//!
//! Implements: LinkCapacityEstimator of libwebrtc (modules/
//! congestion_controller/goog_cc/link_capacity_estimator, July 2026).
//! Not modelled: samples from probes, which the sender does not feed.

use super::units::Rate;

/// Weight of a new sample.
const WEIGHT: f64 = 0.05;
/// Bounds of the variance relative to the estimate, in kbps.
const VARIANCE_RANGE: (f64, f64) = (0.4_f32 as f64, 2.5);
/// Standard deviations between the estimate and its bounds.
const SPREAD: f64 = 3.0;

/// Moving mean and variance of the throughput at overuse.
#[derive(Debug, Clone)]
pub(in crate::cc) struct LinkCapacity {
    kbps: Option<f64>,
    variance: f64,
}

impl LinkCapacity {
    pub(in crate::cc) const fn new() -> Self {
        Self {
            kbps: None,
            variance: 0.4,
        }
    }

    pub(in crate::cc) const fn is_known(&self) -> bool {
        self.kbps.is_some()
    }

    pub(in crate::cc) fn estimate(&self) -> Option<Rate> {
        self.kbps.map(Rate::from_kbps_f64)
    }

    /// Above this the estimate no longer holds.
    pub(in crate::cc) fn upper(&self) -> Rate {
        self.kbps.map_or(Rate::INFINITE, |kbps| {
            Rate::from_kbps_f64(kbps + self.spread(kbps))
        })
    }

    /// Below this the estimate no longer holds.
    pub(in crate::cc) fn lower(&self) -> Rate {
        self.kbps.map_or(Rate::ZERO, |kbps| {
            Rate::from_kbps_f64((kbps - self.spread(kbps)).max(0.0))
        })
    }

    pub(in crate::cc) const fn reset(&mut self) {
        self.kbps = None;
    }

    pub(in crate::cc) fn on_overuse(&mut self, throughput: Rate) {
        let sample = throughput.as_kbps() as f64;
        let kbps = self
            .kbps
            .map_or(sample, |kbps| (1.0 - WEIGHT) * kbps + WEIGHT * sample);
        self.kbps = Some(kbps);
        let error = kbps - sample;
        let variance = (1.0 - WEIGHT) * self.variance + WEIGHT * error * error / kbps.max(1.0);
        self.variance = variance.clamp(VARIANCE_RANGE.0, VARIANCE_RANGE.1);
    }

    fn spread(&self, kbps: f64) -> f64 {
        SPREAD * (self.variance * kbps).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_sample_is_the_estimate_with_the_least_spread() {
        let mut link = LinkCapacity::new();
        assert_eq!((link.lower(), link.upper()), (Rate::ZERO, Rate::INFINITE));
        link.on_overuse(Rate::from_kbps(1_000));
        assert_eq!(link.estimate(), Some(Rate::from_kbps(1_000)));
        // 3 x sqrt(0.4 x 1000) = 60 kbps.
        assert_eq!(link.upper().as_kbps(), 1_060);
        assert_eq!(link.lower().as_kbps(), 940);
    }

    #[test]
    fn later_samples_weigh_a_twentieth_and_the_spread_is_bounded() {
        let mut link = LinkCapacity::new();
        link.on_overuse(Rate::from_kbps(1_000));
        link.on_overuse(Rate::from_kbps(2_000));
        assert_eq!(link.estimate(), Some(Rate::from_kbps(1_050)));
        // Variance 2.5 at most: 3 x sqrt(2.5 x 1050) = 153.7.
        assert_eq!(link.upper().as_kbps(), 1_204);
        link.reset();
        assert!(!link.is_known());
    }
}
