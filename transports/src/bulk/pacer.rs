//! Spreads the packets of a stream over time.
//!
//! Implements: RFC 9002 section 7.7: packets leave at a rate, and so many of
//! them in a row after a pause; in the form of the generic cell rate algorithm
//! (ITU-T I.371), in whole nanoseconds.

use weaknet_core::{Bitrate, Bytes, Span, Time};

/// When the next packet may leave.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StreamPacer {
    /// When it would leave without any burst.
    due: Time,
}

impl StreamPacer {
    /// When the next packet may leave at this rate, `burst` full ones of `size`
    /// in a row being allowed.
    pub(crate) fn next(&self, rate: Bitrate, size: Bytes, burst: u32) -> Time {
        let length = rate.time_for(size);
        // A rate that was low does not hold up packets when it is not any more.
        let ahead = length * u64::from(burst.saturating_sub(1));
        self.due.saturating_sub(ahead)
    }

    /// A packet of `sent` leaves.
    pub(crate) fn on_sent(&mut self, now: Time, rate: Bitrate, sent: Bytes) {
        self.due = self.due.max(now) + rate.time_for(sent);
    }

    /// The rate is another one now.
    pub(crate) fn on_rate(&mut self, now: Time, rate: Bitrate, size: Bytes, burst: u32) {
        let most = rate.time_for(size) * u64::from(burst);
        if most < Span::MAX {
            self.due = self.due.min(now + most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Bitrate = Bitrate::from_mbps(12);
    const SIZE: Bytes = Bytes::new(1_500);

    /// When packets leave that are always there, in microseconds.
    fn departures(burst: u32, count: usize) -> Vec<u64> {
        let (mut pacer, mut now) = (StreamPacer::default(), Time::from_secs(1));
        let mut step = || {
            now = now.max(pacer.next(RATE, SIZE, burst));
            pacer.on_sent(now, RATE, SIZE);
            now.since(Time::from_secs(1)).as_micros()
        };
        (0..count).map(|_| step()).collect()
    }

    #[test]
    fn a_burst_then_the_rate() {
        // 1500 B at 12 Mbit/s take 1 ms.
        assert_eq!(departures(1, 4), [0, 1_000, 2_000, 3_000]);
        assert_eq!(departures(3, 6), [0, 0, 0, 1_000, 2_000, 3_000]);
    }

    #[test]
    fn a_low_rate_of_before_does_not_hold_up() {
        let mut pacer = StreamPacer::default();
        pacer.on_sent(Time::ZERO, Bitrate::from_bps(1), SIZE);
        pacer.on_rate(Time::ZERO, Bitrate::ZERO, SIZE, 1);
        assert_eq!(pacer.next(RATE, SIZE, 1), Time::from_secs(12_000));
        pacer.on_rate(Time::ZERO, RATE, SIZE, 1);
        assert_eq!(pacer.next(RATE, SIZE, 1), Time::from_millis(1));
    }
}
