//! Bounds on the target delay.
//!
//! Implements: `delay_constraints.cc` of NetEQ: a least delay of one's own and
//! one asked for at run time (by lip sync), a greatest delay, and three quarters
//! of what the packet buffer holds.

/// `kMaxBaseMinimumDelayMs`.
const MAX_MIN_DELAY_MS: i64 = 10_000;

/// The bounds.
#[derive(Debug, Clone)]
pub(super) struct DelayConstraints {
    max_packets: i64,
    packet_ms: i64,
    base_min_ms: i64,
    min_ms: i64,
    /// 0: none.
    max_ms: i64,
}

impl DelayConstraints {
    pub(super) const fn new(max_packets: i64, base_min_ms: i64, max_ms: i64) -> Self {
        Self {
            max_packets,
            packet_ms: 0,
            base_min_ms,
            min_ms: 0,
            max_ms,
        }
    }

    pub(super) const fn set_packet_ms(&mut self, packet_ms: i64) {
        if packet_ms > 0 {
            self.packet_ms = packet_ms;
        }
    }

    /// Asks for a least delay; refused when the buffer is not made for it.
    pub(super) fn set_min(&mut self, min_ms: i64) -> bool {
        let possible = min_ms <= self.greatest_min_ms();
        if possible {
            self.min_ms = min_ms;
        }
        possible
    }

    pub(super) fn clamp(&self, target_ms: i64) -> i64 {
        let base = self.base_min_ms.min(self.greatest_min_ms());
        let mut target = target_ms.max(self.min_ms).max(base);
        if self.max_ms > 0 {
            target = target.min(self.max_ms);
        }
        if self.packet_ms > 0 {
            target = target.min(self.capacity_ms());
        }
        target
    }

    const fn capacity_ms(&self) -> i64 {
        3 * self.max_packets * self.packet_ms / 4
    }

    fn greatest_min_ms(&self) -> i64 {
        let or_most = |ms| if ms > 0 { ms } else { MAX_MIN_DELAY_MS };
        or_most(self.capacity_ms()).min(or_most(self.max_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// media.md 1.2: "target >= max(min_delay, base_min (0..10000 ms)), <= max_delay
    /// if set, <= 75 % of max_packets * packet_len".
    #[test]
    fn bounds_in_their_order() {
        let mut bounds = DelayConstraints::new(200, 100, 0);
        assert_eq!([bounds.clamp(20), bounds.clamp(9_000)], [100, 9_000]);
        assert!(!bounds.set_min(10_001));
        assert!(bounds.set_min(250));
        assert_eq!(bounds.clamp(20), 250);
        bounds.set_packet_ms(20);
        assert_eq!(bounds.clamp(9_000), 3_000);
        assert!(!bounds.set_min(3_001));
        let mut bounds = DelayConstraints::new(200, 0, 120);
        assert!(!bounds.set_min(121));
        assert_eq!(bounds.clamp(500), 120);
    }
}
