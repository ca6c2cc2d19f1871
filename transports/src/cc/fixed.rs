//! A constant target: what a sender does that does not adapt.
//!
//! Not modelled: everything; feedback changes nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Time};

use super::{
    CcEvent, CcOutput, CongestionControl, CongestionController, Constraints, Feedback, Visitor,
};

/// A constant target bitrate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fixed {
    /// The target (1 Mbps).
    pub rate: Bitrate,
    /// Pacing rate as a multiple of the target, at least 1 (2.5, the factor of
    /// libwebrtc's pacer without an estimate).
    pub pacing_factor: f64,
}

impl Default for Fixed {
    fn default() -> Self {
        Self {
            rate: Bitrate::from_mbps(1),
            pacing_factor: 2.5,
        }
    }
}

impl Plugin for Fixed {
    type Kind = CongestionControl;
    const NAME: &'static str = "fixed";
    const SUMMARY: &'static str = "a constant target bitrate, whatever the network does";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        if self.rate.is_zero() {
            return Err(BuildError::field("rate", "expected a bit rate above zero"));
        }
        if !(1.0..=1_000.0).contains(&self.pacing_factor) {
            return Err(BuildError::field("pacing_factor", "expected 1 to 1000"));
        }
        Ok(Box::new(Constant {
            rate: self.rate,
            target: self.rate,
            pacing_factor: self.pacing_factor,
        }))
    }
}

#[derive(Debug, Clone)]
struct Constant {
    rate: Bitrate,
    target: Bitrate,
    pacing_factor: f64,
}

impl Constant {
    fn bound(&mut self, constraints: &Constraints) {
        self.target = self.rate.min(constraints.max).max(constraints.min);
    }
}

impl CongestionController for Constant {
    fn on_feedback(&mut self, _: &Feedback<'_>) {}

    fn on_event(&mut self, _: Time, event: &CcEvent) {
        if let CcEvent::Start(constraints) | CcEvent::Constraints(constraints) = event {
            self.bound(constraints);
        }
    }

    fn output(&self) -> CcOutput {
        CcOutput {
            target: Some(self.target),
            pacing: Some(self.target.mul_f64(self.pacing_factor)),
            ..CcOutput::default()
        }
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        visitor.number("rate_bps", self.rate.as_bps_f64());
    }

    fn lives_on_counts(&self) -> bool {
        true
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::testing::build;

    #[test]
    fn target_is_the_rate_within_the_bounds() {
        let mut controller = build(&Fixed::default()).unwrap();
        assert_eq!(controller.output().target, Some(Bitrate::from_mbps(1)));
        assert_eq!(controller.output().pacing, Some(Bitrate::from_kbps(2_500)));
        let constraints = Constraints {
            min: Bitrate::from_kbps(50),
            start: Bitrate::from_kbps(300),
            max: Bitrate::from_kbps(800),
        };
        controller.on_event(Time::ZERO, &CcEvent::Start(constraints));
        assert_eq!(controller.output().target, Some(Bitrate::from_kbps(800)));
        let wide = Constraints {
            max: Bitrate::from_mbps(5),
            ..constraints
        };
        controller.on_event(Time::ZERO, &CcEvent::Constraints(wide));
        assert_eq!(controller.output().target, Some(Bitrate::from_mbps(1)));
    }

    #[test]
    fn nonsense_is_refused() {
        let field = |config: Fixed| build(&config).err().and_then(|error| error.field);
        assert_eq!(
            field(Fixed {
                rate: Bitrate::ZERO,
                ..Fixed::default()
            })
            .as_deref(),
            Some("rate")
        );
        let slow = Fixed {
            pacing_factor: f64::NAN,
            ..Fixed::default()
        };
        assert_eq!(field(slow).as_deref(), Some("pacing_factor"));
    }
}
