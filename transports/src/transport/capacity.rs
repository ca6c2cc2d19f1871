//! Tells a controller the true capacity, if it is one that asks for it.

use weaknet_core::{Bitrate, Span, Time};

use crate::cc::{CcEvent, CongestionController};

/// Bits that the bottleneck of a flow could carry in [from, to); `None`:
/// unknown or unlimited.
pub type Capacity = Box<dyn Fn(Time, Time) -> Option<f64> + Send>;

/// The mean capacity of each window, told at its start when it is another one
/// than that of the window before. Windows begin at multiples of their length.
pub(crate) struct CapacityNews {
    window: Span,
    capacity: Capacity,
    next: Time,
    told: Option<Bitrate>,
}

impl CapacityNews {
    /// `None` for a controller that does not ask and for a flow that knows
    /// nothing.
    pub(crate) fn new(
        controller: &dyn CongestionController,
        capacity: Option<Capacity>,
    ) -> Option<Self> {
        let window = controller.capacity_window().filter(|w| !w.is_zero())?;
        Some(Self {
            window,
            capacity: capacity?,
            next: Time::ZERO,
            told: None,
        })
    }

    /// When the next window begins.
    pub(crate) const fn next(&self) -> Time {
        self.next
    }

    /// Another controller is to be told, from now on.
    pub(crate) const fn restart(&mut self, now: Time) {
        self.next = now;
        self.told = None;
    }

    /// What to tell at `now`, if anything.
    pub(crate) fn poll(&mut self, now: Time) -> Option<CcEvent> {
        if now < self.next {
            return None;
        }
        let into = now.as_nanos() % self.window.as_nanos();
        let from = now.saturating_sub(Span::from_nanos(into));
        self.next = from + self.window;
        let bits = (self.capacity)(from, self.next)?;
        let rate = Bitrate::from_bps_f64(bits / self.window.as_secs_f64());
        (self.told.replace(rate) != Some(rate)).then_some(CcEvent::TrueCapacity(rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::fixed::Fixed;
    use crate::cc::oracle::Oracle;
    use crate::cc::testing::build;

    /// 2 Mbit/s, from 1 s on 1 Mbit/s.
    fn step() -> Capacity {
        Box::new(|from, to| {
            let until = |at: Time| at.as_secs_f64() + at.as_secs_f64().min(1.0);
            Some((until(to) - until(from)) * 1e6)
        })
    }

    #[test]
    fn a_change_is_told_when_its_window_begins() {
        let oracle = build(&Oracle::default()).unwrap();
        let mut news = CapacityNews::new(oracle.as_ref(), Some(step())).unwrap();
        let told = |kbps| Some(CcEvent::TrueCapacity(Bitrate::from_kbps(kbps)));
        let ms = Time::from_millis;
        assert_eq!(news.poll(ms(230)), told(2_000), "once, at its start");
        assert_eq!(news.next(), ms(300));
        for at in [230, 299, 300, 500, 999] {
            assert_eq!(news.poll(ms(at)), None, "{at} ms");
        }
        assert_eq!(news.poll(ms(1_000)), told(1_000));
        assert_eq!(news.poll(ms(3_600_000)), None);
    }

    #[test]
    fn a_window_with_a_change_has_the_mean() {
        let long = Oracle {
            window: Span::from_millis(1_500),
            ..Oracle::default()
        };
        let oracle = build(&long).unwrap();
        let mut news = CapacityNews::new(oracle.as_ref(), Some(step())).unwrap();
        let mean = Bitrate::from_bps_f64(2.5e6 / 1.5);
        assert_eq!(news.poll(Time::ZERO), Some(CcEvent::TrueCapacity(mean)));
    }

    #[test]
    fn who_does_not_ask_is_not_told() {
        let fixed = build(&Fixed::default()).unwrap();
        assert!(CapacityNews::new(fixed.as_ref(), Some(step())).is_none());
        let oracle = build(&Oracle::default()).unwrap();
        assert!(CapacityNews::new(oracle.as_ref(), None).is_none());
    }
}
