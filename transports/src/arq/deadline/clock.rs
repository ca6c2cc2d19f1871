//! When a timestamp is due at the receiver.
//!
//! Implements: arrival less timestamp, smoothed by a sixteenth (the gain of RFC
//! 3550, section 6.4.1), plus what the jitter buffer aims at.
//! Differs: libwebrtc extrapolates arrivals by recursive least squares; both
//! follow the mean of arrivals.

use weaknet_core::{Span, Time};

/// Nanoseconds of 9 ticks of the 90 kHz clock.
const NANOS_PER_9_TICKS: i128 = 100_000;
/// Each arrival moves the mean by one of so many parts of the difference.
const GAIN: i128 = 16;
/// Arrivals that are further off begin a new mean.
const JUMP: i128 = 10_000_000_000;

/// Knows when timestamps are played out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PlayoutClock {
    /// Arrival less timestamp, in nanoseconds.
    offset: Option<i128>,
    delay: Span,
}

impl PlayoutClock {
    /// A packet of this timestamp arrived at its first transmission.
    pub(super) fn on_arrival(&mut self, now: Time, timestamp: u64) {
        let sample = i128::from(now.as_nanos()) - nanos(timestamp);
        let offset = self.offset.filter(|offset| (sample - offset).abs() < JUMP);
        self.offset = Some(offset.map_or(sample, |offset| offset + (sample - offset) / GAIN));
    }

    /// The jitter buffer aims at this delay.
    pub(super) const fn set_delay(&mut self, delay: Span) {
        self.delay = delay;
    }

    /// When a packet of this timestamp is due; [`Time::MAX`] before the first
    /// arrival.
    pub(super) fn due(&self, timestamp: u64) -> Time {
        let Some(offset) = self.offset else {
            return Time::MAX;
        };
        let due = nanos(timestamp) + offset + i128::from(self.delay.as_nanos());
        Time::from_nanos(u64::try_from(due.max(0)).unwrap_or(u64::MAX))
    }
}

const fn nanos(timestamp: u64) -> i128 {
    timestamp as i128 * NANOS_PER_9_TICKS / 9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn follows_the_mean_arrival_and_the_buffer() {
        let mut clock = PlayoutClock::default();
        assert_eq!(clock.due(0), Time::MAX);
        clock.on_arrival(at(1_000), 0);
        clock.set_delay(Span::from_millis(80));
        assert_eq!(clock.due(0), at(1_080));
        assert_eq!(clock.due(9_000), at(1_180));
        // 16 ms late moves the mean by 1 ms.
        clock.on_arrival(at(1_116), 9_000);
        assert_eq!(clock.due(18_000), at(1_281));
        // The stream begins anew.
        clock.on_arrival(at(100_000), 0);
        assert_eq!(clock.due(0), at(100_080));
    }
}
