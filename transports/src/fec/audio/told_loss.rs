//! The loss that an Opus encoder is told.
//!
//! Implements: `PacketLossFractionSmoother` and `SetProjectedPacketLossRate` of
//! libwebrtc's `audio_encoder_opus.cc` (2026-07): an exponential mean with a time
//! constant of 10 s that begins with the first report, at most 20 %, in whole
//! percent.
//! Differs: losses are those of the whole flow, not of its audio alone.

use weaknet_core::Time;

/// What the mean keeps in one millisecond.
const KEPT_PER_MS: f64 = 0.9999;
/// Most that the encoder is told, in percent.
const MOST: u32 = 20;

/// A mean of reported losses.
#[derive(Debug, Clone, Default)]
pub(super) struct ToldLoss {
    mean: Option<(Time, f64)>,
}

impl ToldLoss {
    pub(super) fn on_loss(&mut self, now: Time, loss: f64) {
        let mean = self.mean.map_or(loss, |(at, mean)| {
            let kept = libm::pow(KEPT_PER_MS, now.since(at).as_millis_f64());
            kept * mean + (1.0 - kept) * loss
        });
        self.mean = Some((now, mean));
    }

    pub(super) fn percent(&self) -> u32 {
        let mean = self.mean.map_or(0.0, |(_, mean)| mean);
        ((mean * 100.0 + 0.5) as u32).min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_report_counts_at_once_and_others_in_ten_seconds() {
        let mut told = ToldLoss::default();
        assert_eq!(told.percent(), 0);
        told.on_loss(Time::ZERO, 0.1);
        assert_eq!(told.percent(), 10);
        // 0.1 / e.
        told.on_loss(Time::from_secs(10), 0.0);
        assert_eq!(told.percent(), 4);
        told.on_loss(Time::from_secs(1_000), 0.9);
        assert_eq!(told.percent(), 20);
    }
}
