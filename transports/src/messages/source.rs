//! When the application gives messages, and how large they are.

use weaknet_core::rng::{Sequence, exponential_quantile};
use weaknet_core::{Span, Time};

use super::profile::Settings;
use crate::traffic::Lengths;

/// The messages of a flow; the first is given at its start.
#[derive(Debug, Clone)]
pub(super) struct Source {
    settings: Settings,
    start: Time,
    next: Time,
    given: u64,
    sizes: Sequence,
    times: Sequence,
}

impl Source {
    pub(super) const fn new(
        settings: Settings,
        start: Time,
        sizes: Sequence,
        times: Sequence,
    ) -> Self {
        Self {
            settings,
            start,
            next: start,
            given: 0,
            sizes,
            times,
        }
    }

    /// When the next message is given.
    pub(super) const fn next(&self) -> Time {
        self.next
    }

    /// The size of the message that is due, if one is.
    pub(super) fn poll(&mut self, now: Time) -> Option<u16> {
        if now < self.next {
            return None;
        }
        self.given += 1;
        let every = self.settings.every;
        self.next = match self.settings.times {
            // Whole multiples: nothing is lost to rounding.
            Lengths::Fixed => self.start + every * self.given,
            Lengths::Exponential => {
                let mean = every.as_secs_f64();
                self.next + Span::from_secs_f64(exponential_quantile(self.times.unit(), mean))
            }
        };
        let (least, largest) = self.settings.size;
        let spread = (largest - least).get();
        let drawn = ((self.sizes.unit() * (spread + 1) as f64) as u64).min(spread);
        Some(u16::try_from(least.get() + drawn).unwrap_or(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Profile;
    use weaknet_core::Streams;

    fn source(profile: Profile) -> Source {
        let streams = Streams::new(1);
        let draws = |purpose| streams.sequence("flow", purpose);
        let start = Time::from_secs(1);
        Source::new(profile.settings(), start, draws("sizes"), draws("times"))
    }

    #[test]
    fn a_mouse_gives_60_a_second() {
        let mut source = source(Profile::Mouse);
        let mut n = 0;
        while source.next() < Time::from_secs(11) {
            let now = source.next();
            assert_eq!(source.poll(now), Some(40));
            n += 1;
        }
        assert_eq!(n, 600);
    }

    #[test]
    fn drawn_times_and_sizes_have_their_means() {
        let mut commands = source(Profile::RoomCommands);
        let n = 10_000;
        for _ in 0..n {
            assert_eq!(commands.poll(commands.next()), Some(200));
        }
        // Four standard errors of 10 000 exponential times with a mean of 1 s.
        let total = commands.next().since(Time::from_secs(1)).as_secs_f64();
        assert!((total / f64::from(n) - 1.0).abs() < 0.04, "{total}");
        let mut board = source(Profile::Board);
        let sizes: Vec<u16> = (0..n).filter_map(|_| board.poll(board.next())).collect();
        assert!(sizes.iter().all(|size| (60..=100).contains(size)));
        let mean = sizes.iter().map(|size| f64::from(*size)).sum::<f64>() / f64::from(n);
        assert!((mean - 80.0).abs() < 0.5, "{mean}");
    }
}
