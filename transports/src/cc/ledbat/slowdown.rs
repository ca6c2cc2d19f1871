//! The periodic slowdown, in which the queue of this flow drains and the base
//! delay shows itself.
//!
//! Implements: draft-irtf-iccrg-ledbat-plus-plus-01, section 4.4: the first one
//! comes two round trips after the initial slow start; the window is held at
//! its least for two round trips and grows back; the next one comes nine times
//! later than that took, so that it costs a tenth of the time at most.

use weaknet_core::{Span, Time};

/// Round trips from the initial slow start to the first slowdown, and in which
/// the window is held.
const ROUND_TRIPS: u64 = 2;
/// Time to the next one over the length of the last.
const SPACING: u64 = 9;

/// Where a flow is between two slowdowns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Slowdown {
    /// The initial slow start goes on.
    #[default]
    Initial,
    /// The next one begins then.
    Due(Time),
    /// One began and the window is held until then.
    Held { began: Time, until: Time },
    /// The window grows back after a slowdown that began then.
    Regaining { began: Time },
}

impl Slowdown {
    /// When time alone changes it.
    pub(super) const fn next_change(&self) -> Option<Time> {
        match *self {
            Self::Due(at) | Self::Held { until: at, .. } => Some(at),
            Self::Initial | Self::Regaining { .. } => None,
        }
    }

    /// Lets time pass, one change at a time. Whether a slowdown begins.
    pub(super) fn advance(&mut self, now: Time, rtt: Span) -> bool {
        match *self {
            Self::Due(at) if at <= now => {
                *self = Self::Held {
                    began: now,
                    until: now + rtt * ROUND_TRIPS,
                };
                true
            }
            Self::Held { began, until } if until <= now => {
                *self = Self::Regaining { began };
                false
            }
            _ => false,
        }
    }

    /// Slow start ended, the initial one or that after a slowdown.
    pub(super) fn on_slow_start_end(&mut self, now: Time, rtt: Span) {
        match *self {
            Self::Initial => *self = Self::Due(now + rtt * ROUND_TRIPS),
            Self::Regaining { began } => *self = Self::Due(now + (now - began) * SPACING),
            Self::Due(_) | Self::Held { .. } => {}
        }
    }

    pub(super) const fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedule_of_a_path_of_40_ms() {
        let (rtt, ms) = (Span::from_millis(40), Time::from_millis);
        let mut slowdown = Slowdown::default();
        assert!(!slowdown.advance(ms(999), rtt) && slowdown.next_change().is_none());
        slowdown.on_slow_start_end(ms(1_000), rtt);
        assert_eq!(slowdown.next_change(), Some(ms(1_080)));
        assert!(!slowdown.advance(ms(1_079), rtt));
        assert!(slowdown.advance(ms(1_080), rtt) && slowdown.is_held());
        assert_eq!(slowdown.next_change(), Some(ms(1_160)));
        slowdown.on_slow_start_end(ms(1_100), rtt);
        assert!(slowdown.is_held(), "nothing was regained yet");
        assert!(!slowdown.advance(ms(1_160), rtt));
        assert_eq!(slowdown, Slowdown::Regaining { began: ms(1_080) });
        slowdown.on_slow_start_end(ms(2_000), rtt);
        assert_eq!(slowdown.next_change(), Some(ms(10_280)));
    }
}
