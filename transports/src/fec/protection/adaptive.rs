//! As many repair packets as the measured loss calls for.
//!
//! Implements: the closed form of `binomial`: the fewest repair packets per block
//! that on average leave at most a target share of the media lost, for the measured
//! loss and mean length of bursts, if the code were ideal. Frames of few packets cost
//! more than larger ones: at 5 % loss and a target of 0.1 % those of 4 take 0.53
//! repair packets each, those of 10 take 0.30; `max_frames` protects several together. Loss and bursts are means over
//! the last seconds.
//! Differs: nothing is taken from a publication; RFC 8854 section 5 leaves the
//! amount of redundancy to the application.
//! Not modelled: retransmission, which repairs some of the losses besides; see
//! `deadline`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use super::estimate::Estimate;
use crate::fec::{PathState, Protect, Protection, ProtectionControl};

/// Protection by measured loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdaptiveProtection {
    /// Share of media packets that may stay lost, above 0 to 1; default 0.001.
    pub target_loss: f64,
    /// Memory of losses and bursts; default 5 s.
    pub memory: Span,
    /// Frames that may be protected together; default 1.
    pub max_frames: u32,
    /// Most repair packets per media packet; default 1.
    pub max_rate: f64,
    /// Loss that is assumed at least, 0 to 1; default 0.
    pub min_loss: f64,
}

impl Default for AdaptiveProtection {
    fn default() -> Self {
        Self {
            target_loss: 1e-3,
            memory: Span::from_secs(5),
            max_frames: 1,
            max_rate: 1.0,
            min_loss: 0.0,
        }
    }
}

impl Plugin for AdaptiveProtection {
    type Kind = ProtectionControl;
    const NAME: &'static str = "adaptive";
    const SUMMARY: &'static str = "by measured loss and bursts, for a target residual loss";
    const REFERENCES: &'static [&'static str] = &["RFC 8854 section 5"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Protect>, BuildError> {
        if !(self.target_loss > 0.0 && self.target_loss <= 1.0) {
            return Err(BuildError::field(
                "target_loss",
                "expected above 0, at most 1",
            ));
        }
        if self.memory.is_zero() {
            return Err(BuildError::field(
                "memory",
                "expected a duration above zero",
            ));
        }
        if !(1..=48).contains(&self.max_frames) {
            return Err(BuildError::field("max_frames", "expected 1 to 48"));
        }
        if !(0.0..=10.0).contains(&self.max_rate) {
            return Err(BuildError::field("max_rate", "expected 0 to 10"));
        }
        if !(0.0..=1.0).contains(&self.min_loss) {
            return Err(BuildError::field("min_loss", "expected 0 to 1"));
        }
        Ok(Box::new(Control {
            config: self.clone(),
            estimate: Estimate::new(self.memory),
        }))
    }
}

#[derive(Debug)]
struct Control {
    config: AdaptiveProtection,
    estimate: Estimate,
}

impl Protect for Control {
    fn on_frame(&mut self, now: Time, key: bool, packets: u16, _: u32) {
        self.estimate.on_frame(now, key, packets);
    }

    fn on_path(&mut self, now: Time, path: &PathState) {
        self.estimate.on_path(now, path);
    }

    fn protection(&self, _: Time, key: bool) -> Protection {
        let config = &self.config;
        self.estimate.protection(
            key,
            config.max_frames,
            self.estimate.loss().max(config.min_loss),
            config.target_loss,
            config.max_rate,
        )
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::Bitrate;

    use super::*;
    use crate::fec::test_support::{build, build_error};

    fn told(loss: f64, burst: f64) -> Protection {
        let mut control = build(&AdaptiveProtection::default());
        control.on_frame(Time::ZERO, false, 10, 10_000);
        let path = PathState {
            loss,
            burst,
            rtt: Span::from_millis(50),
            target: Bitrate::from_mbps(1),
        };
        control.on_path(Time::ZERO, &path);
        control.protection(Time::ZERO, false)
    }

    #[test]
    fn rates_follow_loss_and_bursts() {
        let rates = [0.0, 0.01, 0.05, 0.1, 0.3].map(|loss| told(loss, 1.0).rate);
        let steps = [0.0, 0.1, 0.3, 0.5, 1.0];
        for (rate, step) in rates.iter().zip(steps) {
            // Between this number of packets and one less.
            assert!((0.0..0.1 + 1e-9).contains(&(step - rate)), "{rates:?}");
        }
        let bursty = told(0.05, 3.0);
        assert!(bursty.bursts && bursty.rate > 0.3, "{bursty:?}");
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let config = AdaptiveProtection {
            target_loss: 0.0,
            ..AdaptiveProtection::default()
        };
        assert_eq!(build_error(&config), "target_loss");
    }
}
