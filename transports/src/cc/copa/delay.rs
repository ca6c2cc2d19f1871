//! Round trips: shortest, standing, longest, and the queueing delay between
//! them.
//!
//! Implements: Copa, sections 2.1 and 2.2: the standing round trip is the
//! shortest of the last half of a smoothed one, to see the queue through
//! jitter.

use weaknet_core::{Span, Time};

use super::Copa;
use crate::transport::{RttEstimator, WindowedMax, WindowedMin};

/// What the round trips of a flow say of its queue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Delay {
    estimator: RttEstimator,
    shortest: WindowedMin<Span>,
    standing: WindowedMin<Span>,
    longest: WindowedMax<Span>,
}

impl Delay {
    pub(super) fn new(config: &Copa) -> Self {
        Self {
            estimator: RttEstimator::new(Span::ZERO),
            shortest: WindowedMin::new(config.min_rtt_window.as_nanos()),
            standing: WindowedMin::new(0),
            longest: WindowedMax::new(0),
        }
    }

    /// Takes a round trip in.
    pub(super) fn on_rtt(&mut self, now: Time, rtt: Span, config: &Copa) {
        self.estimator.on_sample(now, rtt, Span::ZERO);
        let (at, smoothed) = (now.as_nanos(), self.smoothed());
        self.shortest.update(at, rtt);
        self.standing.set_window((smoothed / 2).as_nanos());
        self.standing.update(at, rtt);
        let window = smoothed * u64::from(config.max_rtt_window_rtts);
        self.longest.set_window(window.as_nanos());
        self.longest.update(at, rtt);
    }

    /// The smoothed round trip; zero before the first.
    pub(super) const fn smoothed(&self) -> Span {
        self.estimator.smoothed()
    }

    /// The shortest round trip; `None` before the first.
    pub(super) fn shortest(&self) -> Option<Span> {
        self.shortest.get()
    }

    /// The round trip that rates are compared at.
    pub(super) fn current(&self, config: &Copa) -> Option<Span> {
        if config.mvfst {
            self.estimator.latest()
        } else {
            self.standing.get()
        }
    }

    /// The queueing delay.
    pub(super) fn queueing(&self, config: &Copa) -> Option<Span> {
        Some(self.current(config)? - self.shortest()?)
    }

    /// Whether the queue is nearly empty, measured by how full it gets.
    pub(super) fn is_nearly_empty(&self, config: &Copa) -> bool {
        let (Some(shortest), Some(longest), Some(queueing)) =
            (self.shortest(), self.longest.get(), self.queueing(config))
        else {
            return true;
        };
        queueing <= (longest - shortest).mul_f64(config.nearly_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_nearly_empty_in_the_lowest_tenth() {
        let (config, ms) = (Copa::default(), Span::from_millis);
        for (last, empty) in [(50, true), (51, false)] {
            let mut delay = Delay::new(&config);
            assert!(delay.is_nearly_empty(&config), "nothing is known");
            delay.on_rtt(Time::from_millis(100), ms(40), &config);
            assert!(delay.is_nearly_empty(&config), "no queue was ever seen");
            delay.on_rtt(Time::from_millis(101), ms(140), &config);
            // The round trip of 40 ms leaves the standing one after 26 ms.
            delay.on_rtt(Time::from_millis(160), ms(last), &config);
            assert_eq!(delay.queueing(&config), Some(ms(last - 40)));
            assert_eq!(delay.is_nearly_empty(&config), empty, "{last} ms");
        }
    }

    #[test]
    fn jitter_upwards_does_not_raise_the_standing_round_trip() {
        let (config, mut delay) = (Copa::default(), Delay::new(&Copa::default()));
        for n in 0..100 {
            let rtt = if n % 4 == 0 { 60 } else { 90 };
            delay.on_rtt(Time::from_millis(n), Span::from_millis(rtt), &config);
        }
        assert_eq!(delay.current(&config), Some(Span::from_millis(60)));
        let mvfst = Copa {
            mvfst: true,
            ..config
        };
        assert_eq!(delay.current(&mvfst), Some(Span::from_millis(90)));
    }
}
