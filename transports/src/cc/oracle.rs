//! The yardstick: a controller that is told the true capacity and follows it.
//!
//! What it reaches is what the media, the pacer and the repair allow on that
//! network; what another controller lacks against it is the price of not
//! knowing. It exists for comparison only.
//!
//! Differs from everything that could be deployed: whoever runs the flow tells
//! it what the bottleneck will carry over the coming window
//! ([`CcEvent::TrueCapacity`]), the same figure that utilisation is measured
//! by. Feedback changes nothing. The target counts bytes on the wire, headers
//! included, so that the capacity needs no conversion.
//! Not modelled: other flows on the bottleneck (`share` is a constant), the
//! time that packets take to get to the bottleneck, losses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span, Time};

use super::{
    CcEvent, CcOutput, CongestionControl, CongestionController, Constraints, Feedback, Visitor,
};

/// A target that follows the true capacity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Oracle {
    /// The flow's part of the capacity, above 0 to 1 (1.0: it is alone).
    pub share: f64,
    /// The target as a part of the share, above 0 to 1 (0.95: an encoder
    /// overshoots for a second or two, reports and retransmission are not in
    /// the target, and a queue drains only below the capacity).
    pub headroom: f64,
    /// The capacity is averaged over windows of this length, each known at its
    /// start (100 ms: three frames; 10ms to 10s).
    pub window: Span,
    /// Pacing rate as a multiple of the share (1.0: packets leave as fast as
    /// the bottleneck takes them, so that frames wait in the pacer and not in
    /// the network).
    pub pacing_factor: f64,
}

impl Default for Oracle {
    fn default() -> Self {
        Self {
            share: 1.0,
            headroom: 0.95,
            window: Span::from_millis(100),
            pacing_factor: 1.0,
        }
    }
}

impl Plugin for Oracle {
    type Kind = CongestionControl;
    const NAME: &'static str = "oracle";
    const SUMMARY: &'static str =
        "is told the true capacity of the bottleneck; the yardstick for all others";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        for (name, value, most) in [
            ("share", self.share, 1.0),
            ("headroom", self.headroom, 1.0),
            ("pacing_factor", self.pacing_factor, 100.0),
        ] {
            if !(value > 0.0 && value <= most) {
                let message = format!("expected above 0, at most {most}, found {value}");
                return Err(BuildError::field(name, message));
            }
        }
        if !(Span::from_millis(10)..=Span::from_secs(10)).contains(&self.window) {
            return Err(BuildError::field("window", "expected 10ms to 10s"));
        }
        Ok(Box::new(Follower {
            config: self.clone(),
            constraints: Constraints {
                min: Bitrate::ZERO,
                start: Bitrate::from_kbps(300),
                max: Bitrate::MAX,
            },
            capacity: None,
        }))
    }
}

#[derive(Debug, Clone)]
struct Follower {
    config: Oracle,
    constraints: Constraints,
    capacity: Option<Bitrate>,
}

impl CongestionController for Follower {
    fn on_feedback(&mut self, _: &Feedback<'_>) {}

    fn on_event(&mut self, _: Time, event: &CcEvent) {
        match *event {
            CcEvent::Start(constraints) | CcEvent::Constraints(constraints) => {
                self.constraints = constraints;
            }
            CcEvent::TrueCapacity(capacity) => self.capacity = Some(capacity),
            _ => {}
        }
    }

    fn output(&self) -> CcOutput {
        let Oracle {
            share,
            headroom,
            pacing_factor,
            ..
        } = self.config;
        let wanted = self.capacity.map_or(self.constraints.start, |capacity| {
            capacity.mul_f64(share * headroom)
        });
        let target = self.constraints.bound(wanted);
        let pacing = self
            .capacity
            .map_or(target, |capacity| capacity.mul_f64(share * pacing_factor));
        CcOutput {
            target: Some(target),
            pacing: Some(pacing.max(target)),
            ..CcOutput::default()
        }
    }

    fn capacity_window(&self) -> Option<Span> {
        Some(self.config.window)
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        if let Some(capacity) = self.capacity {
            visitor.number("true_capacity_bps", capacity.as_bps_f64());
        }
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

    fn oracle(config: &Oracle) -> Box<dyn CongestionController> {
        build(config).unwrap()
    }

    #[test]
    fn follows_its_share_of_the_capacity_within_the_bounds() {
        let mut oracle = oracle(&Oracle {
            share: 0.5,
            ..Oracle::default()
        });
        let mut told = |kbps| {
            let capacity = CcEvent::TrueCapacity(Bitrate::from_kbps(kbps));
            oracle.on_event(Time::ZERO, &capacity);
            let output = oracle.output();
            (output.target.unwrap(), output.pacing.unwrap())
        };
        let kbps = Bitrate::from_kbps;
        assert_eq!(told(2_000), (kbps(950), kbps(1_000)));
        assert_eq!(told(0), (kbps(0), kbps(0)));
        let bounds = Constraints {
            min: kbps(100),
            start: kbps(300),
            max: kbps(800),
        };
        oracle.on_event(Time::ZERO, &CcEvent::Constraints(bounds));
        let output = oracle.output();
        assert_eq!(
            (output.target, output.pacing),
            (Some(kbps(100)), Some(kbps(100)))
        );
        oracle.on_event(Time::ZERO, &CcEvent::TrueCapacity(kbps(2_000)));
        let output = oracle.output();
        assert_eq!(
            (output.target, output.pacing),
            (Some(kbps(800)), Some(kbps(1_000)))
        );
    }

    #[test]
    fn starts_at_the_start_rate_until_it_knows() {
        let output = oracle(&Oracle::default()).output();
        assert_eq!(output.target, Some(Bitrate::from_kbps(300)));
    }

    #[test]
    fn configurations_without_meaning_are_refused() {
        let field = |config: Oracle| build(&config).err().and_then(|error| error.field);
        let share = Oracle {
            share: 1.5,
            ..Oracle::default()
        };
        assert_eq!(field(share).as_deref(), Some("share"));
        let headroom = Oracle {
            headroom: f64::NAN,
            ..Oracle::default()
        };
        assert_eq!(field(headroom).as_deref(), Some("headroom"));
        let window = Oracle {
            window: Span::ZERO,
            ..Oracle::default()
        };
        assert_eq!(field(window).as_deref(), Some("window"));
    }
}
