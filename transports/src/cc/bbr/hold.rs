//! How long ProbeRTT lasts.
//!
//! Implements: draft-ietf-ccwg-bbr, section 5.3.4.3 (working copy of 2026-08),
//! HandleProbeRTT and CheckProbeRTTDone, the same in section 4.3.5 of
//! draft-cardwell-iccrg-bbr-congestion-control-00: from the instant at which
//! the flight has shrunk, a time and at least one round.

use weaknet_core::{Span, Time};

/// The pipe is held drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::cc) struct DrainedHold {
    until: Option<Time>,
    round_done: bool,
}

impl DrainedHold {
    /// Waits for the flight to shrink.
    pub(in crate::cc) fn restart(&mut self) {
        *self = Self::default();
    }

    /// Takes a report in. Whether the hold begins with it, so that a new round
    /// has to begin too.
    pub(in crate::cc) fn on_report(
        &mut self,
        now: Time,
        drained: bool,
        round_start: bool,
        duration: Span,
    ) -> bool {
        match self.until {
            None if drained => {
                self.until = Some(now + duration);
                return true;
            }
            None => {}
            Some(_) => self.round_done |= round_start,
        }
        false
    }

    /// Whether both time and round are over.
    pub(in crate::cc) fn is_over(&self, now: Time) -> bool {
        self.round_done && self.has_lasted(now)
    }

    /// Whether the time is over.
    pub(in crate::cc) fn has_lasted(&self, now: Time) -> bool {
        self.until.is_some_and(|until| now > until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_its_time_and_a_round_once_drained() {
        let at = Time::from_millis;
        let mut hold = DrainedHold::default();
        let report = |hold: &mut DrainedHold, ms, drained, round| {
            hold.on_report(at(ms), drained, round, Span::from_millis(200))
        };
        assert!(!report(&mut hold, 0, false, true));
        assert!(report(&mut hold, 10, true, true));
        assert!(!report(&mut hold, 210, true, false));
        assert!(!hold.is_over(at(211)), "no round has ended");
        assert!(!report(&mut hold, 210, false, true));
        assert!(!hold.is_over(at(210)) && hold.is_over(at(211)));
    }
}
