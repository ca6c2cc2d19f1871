//! The shortest round trip, and when it has to be measured anew.
//!
//! Implements: draft-ietf-ccwg-bbr, section 5.3.4.3, UpdateMinRTT (working copy
//! of 2026-08): the shortest of the last interval feeds the shortest of the
//! last window, so that a flow remembers the one that it measured in the
//! ProbeRTT before.

use weaknet_core::{Span, Time};

use super::Bbr3;

/// A value and when it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    rtt: Span,
    at: Time,
}

/// The two filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct MinRtt {
    recent: Option<Seen>,
    least: Option<Seen>,
    expired: bool,
}

impl MinRtt {
    /// Takes in the round trip of an ACK.
    pub(super) fn on_ack(&mut self, now: Time, rtt: Option<Span>, config: &Bbr3) {
        self.expired = self
            .recent
            .is_some_and(|seen| now > seen.at + config.probe_rtt_interval);
        let (Some(rtt), expired) = (rtt, self.expired) else {
            return;
        };
        let mut recent = self.recent.unwrap_or(Seen { rtt, at: now });
        if rtt < recent.rtt || expired {
            recent = Seen { rtt, at: now };
        }
        self.recent = Some(recent);
        let replaced = self
            .least
            .is_none_or(|least| recent.rtt < least.rtt || now > least.at + config.min_rtt_window);
        if replaced {
            self.least = Some(recent);
        }
    }

    /// ProbeRTT is over: the next one is due an interval from now.
    pub(super) const fn on_probed(&mut self, now: Time) {
        if let Some(recent) = &mut self.recent {
            recent.at = now;
        }
    }

    /// The shortest round trip of the window.
    pub(super) fn get(&self) -> Option<Span> {
        self.least.map(|seen| seen.rtt)
    }

    /// Whether with the last ACK an interval was over without a shorter one.
    pub(super) const fn is_expired(&self) -> bool {
        self.expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_is_kept_for_ten_seconds_and_questioned_after_five() {
        let config = Bbr3::default();
        let mut min = MinRtt::default();
        let on = |min: &mut MinRtt, ms, rtt| {
            min.on_ack(Time::from_millis(ms), Some(Span::from_millis(rtt)), &config);
            (min.get().map(Span::as_millis), min.is_expired())
        };
        assert_eq!(on(&mut min, 1_000, 40), (Some(40), false));
        assert_eq!(on(&mut min, 6_000, 60), (Some(40), false));
        assert_eq!(on(&mut min, 6_001, 60), (Some(40), true));
        assert_eq!(on(&mut min, 6_002, 60), (Some(40), false));
        assert_eq!(on(&mut min, 11_000, 55), (Some(40), false));
        assert_eq!(on(&mut min, 11_001, 58), (Some(55), false));
        assert_eq!(on(&mut min, 11_002, 30), (Some(30), false));
        min.on_probed(Time::from_millis(12_000));
        assert_eq!(on(&mut min, 17_000, 50), (Some(30), false));
        assert_eq!(on(&mut min, 17_001, 50), (Some(30), true));
    }
}
