//! Packets of one size at a rate that is constant for periods.
//!
//! A fluid flows at the rate in force; packet k, from 0, leaves as soon as the
//! volume of k packets has flowed, at the earliest instant at which the rate is
//! above zero. So a period sends what it has time for, a rest carries over into
//! the next one, and in [0, t) at most one packet more than rate x time is sent.

use weaknet_core::{Bitrate, Span};

use super::{Emission, TrafficModel};

/// Volumes are in bits times nanoseconds per second, so that nothing is rounded.
const NANOS: u128 = 1_000_000_000;

/// A flow of packets over periods: their lengths and rates.
pub(super) struct Fluid<P> {
    periods: P,
    size: u32,
    /// The period in force.
    start: Span,
    end: Span,
    rate: Bitrate,
    /// Volume that had flowed when it began.
    flowed: u128,
    /// Volume before the next packet.
    before_next: u128,
}

impl<P: Iterator<Item = (Span, Bitrate)>> Fluid<P> {
    pub(super) fn new(size: u32, periods: P) -> Self {
        Self {
            periods,
            size,
            start: Span::ZERO,
            end: Span::ZERO,
            rate: Bitrate::ZERO,
            flowed: 0,
            before_next: 0,
        }
    }

    /// When the next packet leaves in the period in force.
    fn due(&self) -> Option<Span> {
        if self.rate.is_zero() {
            return None;
        }
        let missing = self.before_next.saturating_sub(self.flowed);
        let wait = missing.div_ceil(u128::from(self.rate.as_bps()));
        let due = self.start + Span::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX));
        (due < self.end).then_some(due)
    }
}

impl<P: Iterator<Item = (Span, Bitrate)> + Send> TrafficModel for Fluid<P> {
    fn next_emission(&mut self) -> Option<Emission> {
        loop {
            if let Some(at) = self.due() {
                self.before_next += u128::from(self.size) * 8 * NANOS;
                let size = self.size;
                return Some(Emission { at, size });
            }
            let length = self.end.saturating_sub(self.start);
            self.flowed += u128::from(self.rate.as_bps()) * u128::from(length.as_nanos());
            let (length, rate) = self.periods.next()?;
            self.start = self.end;
            self.end = self.start + length;
            self.rate = rate;
            if self.start.as_nanos() == u64::MAX {
                return None;
            }
        }
    }
}
