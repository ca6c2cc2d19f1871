//! When a worker may spin.
//!
//! A sleep ends 30 to 100 us late, on a virtual machine at times by much more; a loop
//! that reads the clock does not. So a worker sleeps until shortly before a departure
//! and then spins, unless spinning has taken its share of the processor: then it sleeps
//! to the departure itself. How long before follows from what the share allows: a link
//! with few packets wakes two milliseconds early, a busy one later and later.
//!
//! Above that share a wake-up for each departure would take more than the departures
//! themselves (50 to 90 us on a virtual machine): then a worker lets what is due within
//! 0.7 ms leave together.

use weaknet_core::{Span, Time};

/// Spinning starts at least so long before a departure: what a sleep is late at most on
/// a quiet machine with a timer slack of 1 ns.
pub(crate) const LEAST: Span = Span::from_micros(80);
/// And at most so long.
const LONGEST: Span = Span::from_millis(2);
/// Share of the time that may be spent spinning.
const MOST: f64 = 0.1;
/// Share of that which is aimed for: a window in which more departs than in the last one
/// does not run out.
const AIM: f64 = 0.8;
/// A busy worker sleeps at least so long, and sends what is due by then.
const TOGETHER: Span = Span::from_micros(700);
/// Over which the share is counted.
const WINDOW: Span = Span::from_millis(100);

/// The account of one worker.
#[derive(Debug)]
pub(crate) struct Budget {
    is_on: bool,
    window: Time,
    spun: Span,
    since: Option<Time>,
    before: Span,
    /// Different instants of departures in this window.
    instants: u32,
    last: Time,
    /// Whether those of the last window were too many to spin before each of them.
    is_busy: bool,
}

impl Budget {
    pub(crate) const fn new(is_on: bool) -> Self {
        Self {
            is_on,
            window: Time::ZERO,
            spun: Span::ZERO,
            since: None,
            before: LEAST,
            instants: 0,
            last: Time::ZERO,
            is_busy: false,
        }
    }

    /// A packet was due at this time.
    pub(crate) fn departure(&mut self, due: Time) {
        self.instants += u32::from(due != self.last);
        self.last = due;
    }

    /// How long to sleep when a departure is so far away.
    pub(crate) fn sleep(&self, left: Span) -> Span {
        let left = left.saturating_sub(if left > self.before {
            self.before
        } else {
            Span::ZERO
        });
        if self.is_busy {
            left.max(TOGETHER)
        } else {
            left
        }
    }

    /// Whether to spin now, with a departure so far away, rather than to sleep; counts
    /// the time until [`Self::stop`].
    pub(crate) fn may_spin(&mut self, now: Time, left: Span) -> bool {
        self.stop(now);
        if now.since(self.window) >= WINDOW {
            self.adapt();
            (self.window, self.spun) = (now, Span::ZERO);
        }
        let may = self.is_on
            && !self.is_busy
            && left <= self.before
            && self.spun.as_secs_f64() < MOST * WINDOW.as_secs_f64();
        self.since = may.then_some(now);
        may
    }

    /// Starts as much earlier or later as takes the share that is aimed for, at most twice
    /// or half at a time.
    fn adapt(&mut self) {
        let each = LEAST.as_secs_f64() * f64::from(std::mem::take(&mut self.instants));
        self.is_busy = each > MOST * WINDOW.as_secs_f64();
        let share = self.spun.as_secs_f64() / (MOST * WINDOW.as_secs_f64());
        let factor = (AIM / share).clamp(0.5, 2.0);
        let before = Span::from_secs_f64(self.before.as_secs_f64() * factor);
        self.before = before.clamp(LEAST, LONGEST);
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
            if budget.may_spin(now, Span::ZERO) {
                spun += step;
            }
            now += step;
        }
        // In each of the ten windows the last step may go beyond.
        let (least, most) = (Span::from_millis(100), Span::from_millis(100) + step * 10);
        assert!((least..=most).contains(&spun), "{spun}");
        assert!(!Budget::new(false).may_spin(Time::ZERO, Span::ZERO));
    }

    /// How long before departures a worker wakes that has so many a second, and the
    /// share of the time that it then spins.
    fn settled(departures: u64) -> (Span, f64) {
        let mut budget = Budget::new(true);
        let gap = Span::from_secs(1) / departures;
        let mut spun = Span::ZERO;
        for number in 1..=departures * 10 {
            let due = Time::ZERO + gap * number;
            let early = budget.before.min(gap);
            let now = due.saturating_sub(early);
            if budget.may_spin(now, early) {
                budget.stop(due);
                spun += early;
            }
            budget.departure(due);
        }
        (budget.before, spun.as_secs_f64() / 10.0)
    }

    #[test]
    fn a_link_with_few_packets_wakes_early_and_a_busy_one_late() {
        let (before, share) = settled(20);
        assert_eq!(before, LONGEST);
        assert!((0.03..0.05).contains(&share), "{share}");
        let (before, share) = settled(250);
        assert!((250..400).contains(&before.as_micros()), "{before}");
        assert!((0.07..0.1).contains(&share), "{share}");
        let (before, share) = settled(1_000);
        assert_eq!(before, LEAST);
        assert!((0.05..0.1).contains(&share), "{share}");
    }

    #[test]
    fn a_busy_link_lets_packets_leave_together() {
        let (_, share) = settled(8_000);
        assert!(share < 0.005, "only until it is known: {share}");
        let mut budget = Budget::new(true);
        let gap = Span::from_micros(125);
        assert_eq!(budget.sleep(gap), gap.saturating_sub(LEAST));
        for number in 1..=2_000 {
            let due = Time::ZERO + gap * number;
            budget.departure(due);
            // Departures at one instant count once.
            budget.departure(due);
            let _ = budget.may_spin(due, gap);
        }
        assert_eq!(budget.sleep(gap), TOGETHER);
        assert_eq!(
            budget.sleep(TOGETHER * 3),
            (TOGETHER * 3).saturating_sub(budget.before)
        );
    }
}
