//! When a worker may spin.
//!
//! A sleep ends 30 to 100 us late, a loop that reads the clock does not. So a worker
//! sleeps until shortly before a departure and then spins, unless spinning has taken
//! its share of the processor: then it sleeps to the departure itself.

use weaknet_core::{Span, Time};

/// Spinning starts so long before a departure: what a sleep is late at most on a quiet
/// machine with a timer slack of 1 ns.
pub(crate) const BEFORE: Span = Span::from_micros(80);
/// Share of the time that may be spent spinning.
const MOST: f64 = 0.1;
/// Over which the share is counted.
const WINDOW: Span = Span::from_millis(100);

/// The account of one worker.
#[derive(Debug)]
pub(crate) struct Budget {
    is_on: bool,
    window: Time,
    spun: Span,
    since: Option<Time>,
}

impl Budget {
    pub(crate) const fn new(is_on: bool) -> Self {
        Self {
            is_on,
            window: Time::ZERO,
            spun: Span::ZERO,
            since: None,
        }
    }

    /// Whether to spin now rather than to sleep; counts the time until
    /// [`Self::stop`].
    pub(crate) fn may_spin(&mut self, now: Time) -> bool {
        self.stop(now);
        if now.since(self.window) >= WINDOW {
            (self.window, self.spun) = (now, Span::ZERO);
        }
        let may = self.is_on && self.spun.as_secs_f64() < MOST * WINDOW.as_secs_f64();
        self.since = may.then_some(now);
        may
    }

    /// There is something else to do.
    pub(crate) fn stop(&mut self, now: Time) {
        if let Some(since) = self.since.take() {
            self.spun += now.since(since);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_time_at_most() {
        let mut budget = Budget::new(true);
        let (mut spun, mut now) = (Span::ZERO, Time::ZERO);
        let step = Span::from_micros(50);
        while now < Time::from_secs(1) {
            if budget.may_spin(now) {
                spun += step;
            }
            now += step;
        }
        // In each of the ten windows the last step may go beyond.
        let (least, most) = (Span::from_millis(100), Span::from_millis(100) + step * 10);
        assert!((least..=most).contains(&spun), "{spun}");
        assert!(!Budget::new(false).may_spin(Time::ZERO));
    }
}
