//! The target for an encoder behind BBR.
//!
//! Both drafts are for bulk data and know no target. For media the encoder is
//! the application: it is asked for the rate at which the state machine wants
//! to send, gain times bandwidth, within the bounds that the application set.
//! Before the first bandwidth sample that is the start rate.
//!
//! Not modelled: padding while probing. A source that sends less than its
//! target keeps the flow limited by the application, and so in Startup or UP.

use weaknet_core::Bitrate;

use crate::cc::{CcEvent, Constraints};

/// The bounds of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::cc) struct MediaTarget {
    constraints: Option<Constraints>,
}

impl MediaTarget {
    /// Takes over new bounds.
    pub(in crate::cc) const fn on_event(&mut self, event: &CcEvent) {
        if let CcEvent::Start(constraints) | CcEvent::Constraints(constraints) = event {
            self.constraints = Some(*constraints);
        }
    }

    /// The target at a bandwidth; `None` when nothing is known of it.
    pub(in crate::cc) fn at(&self, gain: f64, bandwidth: Bitrate) -> Option<Bitrate> {
        let wanted = (!bandwidth.is_zero()).then(|| bandwidth.mul_f64(gain));
        match self.constraints {
            None => wanted,
            Some(Constraints { min, start, max }) => {
                Some(wanted.unwrap_or(start).min(max).max(min))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_what_the_state_wants_within_the_bounds() {
        let kbps = Bitrate::from_kbps;
        let mut target = MediaTarget::default();
        assert_eq!(target.at(1.0, Bitrate::ZERO), None);
        assert_eq!(target.at(1.25, kbps(800)), Some(kbps(1_000)));
        target.on_event(&CcEvent::Start(Constraints {
            min: kbps(100),
            start: kbps(300),
            max: kbps(900),
        }));
        assert_eq!(target.at(1.25, Bitrate::ZERO), Some(kbps(300)));
        assert_eq!(target.at(1.25, kbps(800)), Some(kbps(900)));
        assert_eq!(target.at(0.5, kbps(80)), Some(kbps(100)));
    }
}
