//! A timer that is caught up with: work that falls due between two calls is
//! done at the next one, in order, for the instants at which it was due.

use weaknet_core::{Span, Time};

/// Instants at whole multiples of a period, the first one period after the
/// start.
#[derive(Debug)]
pub(super) struct Ticks {
    every: Span,
    next: Time,
}

impl Ticks {
    /// A timer with a period above zero.
    pub(super) fn new(every: Span) -> Self {
        let every = every.max(Span::from_nanos(1));
        Self {
            every,
            next: Time::ZERO + every,
        }
    }

    /// The next instant if it is due by `now`.
    pub(super) fn pop(&mut self, now: Time) -> Option<Time> {
        (self.next <= now && self.next < Time::MAX).then(|| {
            let tick = self.next;
            self.next += self.every;
            tick
        })
    }

    /// Skips all that is due by `now` but the last, for work that has come to
    /// rest.
    pub(super) fn skip(&mut self, now: Time) {
        let ahead = (now - self.next).as_nanos() / self.every.as_nanos();
        self.next += self.every * ahead;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_at_each_multiple_and_never_twice() {
        let mut ticks = Ticks::new(Span::from_millis(15));
        let mut due = |ms| {
            let due = std::iter::from_fn(|| ticks.pop(Time::from_millis(ms)));
            due.map(Time::as_millis).collect::<Vec<_>>()
        };
        assert_eq!(due(14), [0u64; 0]);
        assert_eq!(due(15), [15]);
        assert_eq!(due(61), [30, 45, 60]);
        assert_eq!(due(61), [0u64; 0]);
    }

    #[test]
    fn skips_to_the_last_that_is_due() {
        for now in [75, 80, 89] {
            let mut ticks = Ticks::new(Span::from_millis(15));
            assert_eq!(
                ticks.pop(Time::from_millis(now)),
                Some(Time::from_millis(15))
            );
            ticks.skip(Time::from_millis(now));
            assert_eq!(
                ticks.pop(Time::from_millis(now)),
                Some(Time::from_millis(75))
            );
            assert_eq!(ticks.pop(Time::from_millis(now)), None);
        }
        let mut ticks = Ticks::new(Span::from_millis(15));
        ticks.skip(Time::from_millis(3));
        assert_eq!(
            ticks.pop(Time::from_millis(15)),
            Some(Time::from_millis(15))
        );
        ticks.skip(Time::MAX);
        while ticks.pop(Time::MAX).is_some() {}
    }
}
