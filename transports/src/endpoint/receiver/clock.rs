//! The clock of the loudspeaker, which is not that of the network.
//!
//! Implements: own design: local time is the time of the run x (1 + drift),
//! from the start of the run, in integers.

use weaknet_core::{ClockDrift, Time};

const ONE: u128 = 1_000_000_000;

/// Translates between the two.
#[derive(Debug, Clone, Copy)]
pub(super) struct DeviceClock {
    /// Local time that passes in a time of [`ONE`].
    rate: u128,
}

impl DeviceClock {
    pub(super) const fn new(drift: ClockDrift) -> Self {
        let rate = ONE.cast_signed() + drift.ppb() as i128;
        Self {
            rate: rate.unsigned_abs(),
        }
    }

    /// What the clock shows.
    pub(super) fn local(self, at: Time) -> Time {
        if self.rate == ONE {
            return at;
        }
        time(u128::from(at.as_nanos()) * self.rate / ONE)
    }

    /// When the clock shows that for the first time.
    pub(super) fn run(self, local: Time) -> Time {
        if self.rate == ONE {
            return local;
        }
        time((u128::from(local.as_nanos()) * ONE).div_ceil(self.rate.max(1)))
    }
}

fn time(nanos: u128) -> Time {
    Time::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fifty_parts_per_million_are_180_ms_in_an_hour() {
        let hour = Time::from_secs(3600);
        for (drift, local_ms) in [
            ("50ppm", 3_600_180),
            ("-50ppm", 3_599_820),
            ("0ppm", 3_600_000),
        ] {
            let clock = DeviceClock::new(drift.parse().unwrap());
            assert_eq!(clock.local(hour), Time::from_millis(local_ms));
            assert_eq!(clock.run(Time::from_millis(local_ms)), hour);
        }
    }

    proptest! {
        /// A wake-up at the translated time finds that the clock shows it.
        #[test]
        fn no_wake_up_is_early(ppm in -100_000i64..=100_000, local in 0u64..1 << 60) {
            let clock = DeviceClock::new(ppm.to_string().parse().unwrap());
            let local = Time::from_nanos(local);
            let at = clock.run(local);
            prop_assert!(clock.local(at) >= local);
            prop_assert!(at == Time::ZERO || clock.local(Time::from_nanos(at.as_nanos() - 1)) < local);
        }
    }
}
