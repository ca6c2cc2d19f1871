//! Default and competitive mode.
//!
//! Implements: Copa, section 2.2: while the queue is not nearly empty once in
//! five round trips, others keep it full; then 1/delta grows by one per round
//! trip without loss and is halved by loss, at most once per round trip.

use weaknet_core::{Span, Time};

use super::Copa;

/// The mode, and the delta that follows from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mode {
    /// One over delta: packets to have in the queue.
    packets: f64,
    competitive: bool,
    /// When the queue was last nearly empty.
    emptied: Option<Time>,
    /// When delta last changed in competitive mode, and by loss.
    changed: Time,
    lost: Option<Time>,
}

impl Mode {
    pub(super) fn new(config: &Copa) -> Self {
        Self {
            packets: 1.0 / config.delta,
            competitive: false,
            emptied: None,
            changed: Time::ZERO,
            lost: None,
        }
    }

    /// Looks at the queue.
    pub(super) fn on_queue(&mut self, now: Time, nearly_empty: bool, rtt: Span, config: &Copa) {
        if !config.mode_switching || config.mvfst {
            return;
        }
        let emptied = *self.emptied.get_or_insert(now);
        if nearly_empty {
            self.emptied = Some(now);
            self.competitive = false;
            self.packets = 1.0 / config.delta;
            return;
        }
        if !self.competitive {
            if now - emptied > rtt * u64::from(config.competitive_after_rtts) {
                self.competitive = true;
                self.changed = now;
            }
            return;
        }
        if now - self.changed > rtt {
            self.packets += 1.0;
            self.changed = now;
        }
    }

    /// A packet was lost.
    pub(super) fn on_loss(&mut self, now: Time, rtt: Span, config: &Copa) {
        let answered = self.lost.is_some_and(|lost| now - lost <= rtt);
        if self.competitive && !answered {
            self.packets = (self.packets / 2.0).max(1.0 / config.delta);
            self.changed = now;
            self.lost = Some(now);
        }
    }

    /// Delta.
    pub(super) const fn delta(&self) -> f64 {
        1.0 / self.packets
    }

    /// Whether others fill the queue.
    pub(super) const fn is_competitive(&self) -> bool {
        self.competitive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Span = Span::from_millis(40);

    const fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn competes_after_five_round_trips_and_grows_by_one_in_each() {
        let (config, mut mode) = (Copa::default(), Mode::new(&Copa::default()));
        let see = |mode: &mut Mode, ms, empty| {
            mode.on_queue(at(ms), empty, RTT, &config);
            (mode.is_competitive(), 1.0 / mode.delta())
        };
        assert_eq!(see(&mut mode, 1_000, true), (false, 2.0));
        assert_eq!(see(&mut mode, 1_200, false), (false, 2.0));
        assert_eq!(see(&mut mode, 1_201, false), (true, 2.0));
        assert_eq!(see(&mut mode, 1_241, false), (true, 2.0));
        assert_eq!(see(&mut mode, 1_242, false), (true, 3.0));
        assert_eq!(see(&mut mode, 1_283, false), (true, 4.0));
        assert_eq!(see(&mut mode, 1_324, false), (true, 5.0));
        mode.on_loss(at(1_330), RTT, &config);
        assert_eq!(see(&mut mode, 1_330, false), (true, 2.5));
        mode.on_loss(at(1_370), RTT, &config);
        assert_eq!(see(&mut mode, 1_370, false), (true, 2.5), "once");
        assert_eq!(see(&mut mode, 1_371, false), (true, 3.5));
        mode.on_loss(at(1_372), RTT, &config);
        mode.on_loss(at(1_413), RTT, &config);
        assert_eq!(see(&mut mode, 1_413, false), (true, 2.0), "never less");
        assert_eq!(see(&mut mode, 1_454, false), (true, 3.0));
        assert_eq!(see(&mut mode, 1_455, true), (false, 2.0));
    }

    #[test]
    fn does_not_compete_unless_asked_to() {
        let config = Copa {
            mode_switching: false,
            ..Copa::default()
        };
        let mut mode = Mode::new(&config);
        for ms in 0..10_000 {
            mode.on_queue(at(ms), false, RTT, &config);
            mode.on_loss(at(ms), RTT, &config);
        }
        assert_eq!((mode.is_competitive(), mode.delta()), (false, 0.5));
    }
}
