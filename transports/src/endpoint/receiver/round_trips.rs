//! What the receiving end takes the round trip for: the greatest of the last
//! second and a half.
//!
//! Implements: `RTCPReceiver::OnPeriodicRttUpdate` and `video/call_stats2.cc` of
//! libwebrtc (2026-07). Once a second the newest round trip that a sender report
//! told of (RFC 3611, section 4.5) is kept for 1.5 s; with each that is kept, and
//! once a second besides, the requester and the jitter buffer are told the
//! greatest of those kept. So each of them hears about twice a second, and of a
//! long round trip for up to 2.5 s.
//! Differs: the two timers, whose phase is arbitrary there, are half a second apart.

use std::collections::VecDeque;

use weaknet_core::{Span, Time};

/// `kRttUpdateInterval` and `CallStats::kUpdateInterval`.
const INTERVAL: Span = Span::from_secs(1);
/// Between the two timers.
const PHASE: Span = Span::from_millis(500);
/// `kRttTimeoutMs`.
const KEPT: Span = Span::from_millis(1_500);

/// Round trips of the recent past.
#[derive(Debug, Clone, Default)]
pub(super) struct RoundTrips {
    /// What the sender reports told of since the last take.
    newest: Option<Span>,
    kept: VecDeque<(Time, Span)>,
    /// When the newest one is taken next, and when the others are told next.
    timers: Option<(Time, Time)>,
}

impl RoundTrips {
    /// The stream begins.
    pub(super) fn begin(&mut self, now: Time) {
        self.timers = Some((now + INTERVAL, now + PHASE));
    }

    /// A sender report told of a round trip.
    pub(super) const fn on_sample(&mut self, rtt: Span) {
        self.newest = Some(rtt);
    }

    pub(super) fn next_wake(&self) -> Option<Time> {
        self.timers.map(|(take, tell)| take.min(tell))
    }

    /// The round trip to go by, whenever it is time to tell.
    pub(super) fn poll(&mut self, now: Time) -> Option<Span> {
        loop {
            let (take, tell) = self.timers.as_mut()?;
            let due = (*take).min(*tell);
            if due > now {
                return None;
            }
            if *take == due {
                *take = due + INTERVAL;
                let Some(rtt) = self.newest.take() else {
                    continue;
                };
                self.kept.push_back((due, rtt));
            } else {
                *tell = due + INTERVAL;
            }
            while self.kept.front().is_some_and(|(at, _)| due - *at > KEPT) {
                self.kept.pop_front();
            }
            if let Some(greatest) = self.kept.iter().map(|(_, rtt)| *rtt).max() {
                return Some(Span::from_millis(greatest.as_millis().max(1)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told at each half second, from 0.5 s on.
    fn told(samples: &[(u64, u64)], until_ms: u64) -> Vec<Option<u64>> {
        let mut trips = RoundTrips::default();
        trips.begin(Time::ZERO);
        let mut samples = samples.iter().peekable();
        let told = (1..=until_ms / 500).map(|n| {
            let now = Time::from_millis(500 * n);
            while let Some((_, rtt)) = samples.next_if(|(at, _)| *at < 500 * n) {
                trips.on_sample(Span::from_millis(*rtt));
            }
            assert_eq!(trips.next_wake(), Some(now));
            let rtt = trips.poll(now);
            assert_eq!(trips.poll(now), None, "once");
            rtt.map(|rtt| rtt.as_millis())
        });
        told.collect()
    }

    #[test]
    fn the_greatest_of_those_taken_in_a_second_and_a_half() {
        let samples = [(600, 50), (1_200, 300), (1_900, 60), (2_700, 200)];
        // 300 is replaced by 60 before it is taken; 200 is taken at 3 s and told
        // until 4.5 s.
        assert_eq!(
            told(&samples, 6_000),
            [
                None,
                Some(50),
                Some(50),
                Some(60),
                Some(60),
                Some(200),
                Some(200),
                None,
                Some(200),
                None,
                None,
                None
            ]
        );
    }

    #[test]
    fn a_long_one_is_told_four_times_at_least() {
        let samples: Vec<(u64, u64)> = (0..20)
            .map(|n| (n * 850 + 100, if n == 9 { 400 } else { 60 }))
            .collect();
        let long = told(&samples, 16_000)
            .iter()
            .filter(|rtt| **rtt == Some(400))
            .count();
        assert_eq!(long, 4);
    }
}
