//! How late packets come, compared with the fastest one of late.
//!
//! Implements: `packet_arrival_history.cc` of NetEQ. The window is one of media
//! time; arrival times are those of the last pull of the loudspeaker, so that
//! they come in steps of 10 ms.

use std::collections::VecDeque;

use super::units::{PER_MS, Samples, TICK, TICK_MS};

/// Packets in the window to begin with: 2 s of 20 ms.
const USUAL: usize = 128;

/// A packet that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arrival {
    timestamp: Samples,
    /// In samples since the loudspeaker's start.
    at: Samples,
    length: Samples,
}

impl Arrival {
    /// How late, against a common origin.
    const fn lag(&self) -> Samples {
        self.at - self.timestamp
    }

    const fn covers(&self, other: &Self) -> bool {
        self.timestamp <= other.timestamp
            && other.timestamp.saturating_add(other.length)
                <= self.timestamp.saturating_add(self.length)
    }
}

/// The latest packets.
#[derive(Debug, Clone)]
pub(super) struct ArrivalHistory {
    window: Samples,
    /// By timestamp.
    arrivals: VecDeque<Arrival>,
    /// Candidates for the fastest packet of the window, fastest first.
    fastest: VecDeque<Arrival>,
    /// The same for the slowest.
    slowest: VecDeque<Arrival>,
}

impl ArrivalHistory {
    pub(super) fn new(window_ms: i64) -> Self {
        Self {
            window: window_ms * PER_MS,
            arrivals: VecDeque::with_capacity(USUAL),
            fastest: VecDeque::with_capacity(USUAL),
            slowest: VecDeque::with_capacity(USUAL),
        }
    }

    pub(super) fn reset(&mut self) {
        self.arrivals.clear();
        self.fastest.clear();
        self.slowest.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.arrivals.len()
    }

    /// Adds a packet, unless it is too old or was there before.
    pub(super) fn insert(&mut self, tick: u64, timestamp: Samples, length: Samples) -> bool {
        let arrival = Arrival {
            timestamp,
            at: tick.cast_signed() * TICK,
            length,
        };
        if self.is_obsolete(timestamp) {
            return false;
        }
        let place = self
            .arrivals
            .partition_point(|other| other.timestamp <= timestamp);
        if place > 0 && self.arrivals[place - 1].covers(&arrival) {
            return false;
        }
        // One that begins with it but is shorter keeps its place.
        if place == 0 || self.arrivals[place - 1].timestamp != timestamp {
            self.arrivals.insert(place, arrival);
        }
        if self.arrivals.back() == Some(&arrival) {
            self.on_newest(arrival);
        }
        true
    }

    fn on_newest(&mut self, arrival: Arrival) {
        while let Some(&oldest) = self.arrivals.front()
            && self.is_obsolete(oldest.timestamp)
        {
            self.fastest.pop_front_if(|front| *front == oldest);
            self.slowest.pop_front_if(|front| *front == oldest);
            self.arrivals.pop_front();
        }
        while self
            .fastest
            .pop_back_if(|last| arrival.lag() <= last.lag())
            .is_some()
        {}
        while self
            .slowest
            .pop_back_if(|last| arrival.lag() >= last.lag())
            .is_some()
        {}
        self.fastest.push_back(arrival);
        self.slowest.push_back(arrival);
    }

    /// How late it would be if the sound at `timestamp` came now.
    pub(super) fn delay_ms(&self, tick: u64, timestamp: Samples) -> i64 {
        self.lateness_ms(tick.cast_signed() * TICK_MS, timestamp)
    }

    /// How late the slowest packet of the window was.
    pub(super) fn max_delay_ms(&self) -> i64 {
        self.slowest.front().map_or(0, |slowest| {
            self.lateness_ms(slowest.at / PER_MS, slowest.timestamp)
        })
    }

    pub(super) fn is_newest(&self, timestamp: Samples) -> bool {
        self.arrivals
            .back()
            .is_none_or(|newest| newest.timestamp == timestamp)
    }

    fn lateness_ms(&self, at_ms: i64, timestamp: Samples) -> i64 {
        self.fastest.front().map_or(0, |fastest| {
            let media_ms = timestamp / PER_MS - fastest.timestamp / PER_MS;
            (at_ms - fastest.at / PER_MS - media_ms).max(0)
        })
    }

    fn is_obsolete(&self, timestamp: Samples) -> bool {
        self.arrivals
            .back()
            .is_some_and(|newest| timestamp.saturating_add(self.window) < newest.timestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: Samples = 20 * PER_MS;

    fn history() -> ArrivalHistory {
        ArrivalHistory::new(2_000)
    }

    /// media.md 1.1: "delay of packet = max(0, (arr - arr_min) - (rtp - rtp_min))".
    #[test]
    fn delay_is_that_against_the_fastest() {
        let mut h = history();
        // Packets of 20 ms at 0, 20, 50, 60 ms.
        for (n, tick) in [(0, 0), (1, 2), (2, 5), (3, 6)] {
            assert!(h.insert(tick, n * PACKET, PACKET));
        }
        assert_eq!(h.delay_ms(5, 2 * PACKET), 10);
        assert_eq!(h.max_delay_ms(), 10);
        assert_eq!(h.delay_ms(0, 3 * PACKET), 0, "early");
        // A faster one is the new measure.
        assert!(h.insert(7, 5 * PACKET, PACKET));
        assert_eq!(h.delay_ms(5, 2 * PACKET), 40);
    }

    /// media.md 1.1: "entry obsolete if rtp + 2000 ms < newest rtp".
    #[test]
    fn the_window_is_one_of_media_time() {
        let mut h = history();
        assert!(h.insert(0, 0, PACKET));
        assert!(h.insert(3, PACKET, PACKET));
        assert!(
            h.insert(203, 101 * PACKET, PACKET),
            "2000 ms after packet 1"
        );
        assert_eq!(h.len(), 2);
        assert!(!h.insert(203, 0, PACKET), "obsolete");
        assert_eq!(h.delay_ms(203, 101 * PACKET), 0, "packet 0 is out");
    }

    /// media.md 1.1: "Reordered packets are inserted but do not alter the min/max
    /// deques. Duplicates/contained: rejected."
    #[test]
    fn reordered_and_repeated_packets() {
        let mut h = history();
        assert!(h.insert(0, 0, PACKET));
        assert!(h.insert(4, 2 * PACKET, PACKET));
        assert!(h.insert(5, PACKET, PACKET));
        assert_eq!(h.len(), 3);
        assert_eq!(h.max_delay_ms(), 0, "30 ms late, but reordered");
        assert!(h.is_newest(2 * PACKET) && !h.is_newest(PACKET));
        assert!(!h.insert(6, PACKET, PACKET));
        assert!(!h.insert(6, PACKET + PACKET / 2, PACKET / 2), "contained");
    }
}
