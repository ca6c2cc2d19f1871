//! The round-trip time, smoothed, and the timeouts that follow from it.
//!
//! Implements: RFC 9002 section 5 (latest, minimum, smoothed, variation) and
//! RFC 6298 section 2 (the same gains; retransmission timeout).
//! Differs: RFC 9002 contradicts itself on whether the variation takes the
//! smoothed value before (section 5.3) or after (appendix A.7) its update;
//! this is the former, which RFC 6298 rule 2.3 demands too.

use weaknet_core::{Span, Time};

use crate::cc::Feedback;

/// What the round trips of a flow have shown so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RttEstimator {
    latest: Option<Span>,
    smoothed: Span,
    variation: Span,
    min: Span,
    min_at: Time,
    /// Number of the newest packet that gave a sample.
    newest: Option<u64>,
}

/// `value` moved towards `sample` by one of `parts` parts of the difference, to
/// the nearest nanosecond.
fn blend(value: Span, sample: Span, parts: u128) -> Span {
    let sum = u128::from(value.as_nanos()) * (parts - 1) + u128::from(sample.as_nanos());
    let mean = (sum + parts / 2) / parts;
    Span::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX))
}

impl RttEstimator {
    /// Granularity of timers (RFC 9002, section 6.1.2).
    pub const GRANULARITY: Span = Span::from_millis(1);

    /// An estimator without a sample: `initial` stands in for the smoothed
    /// value (RFC 9002: 333 ms).
    #[must_use]
    pub fn new(initial: Span) -> Self {
        Self {
            latest: None,
            smoothed: initial,
            variation: Span::from_nanos(initial.as_nanos() / 2),
            min: Span::MAX,
            min_at: Time::ZERO,
            newest: None,
        }
    }

    /// Takes the sample of a report in, if it tells of a packet newer than any
    /// before (RFC 9002, section 5.1): reports that come late or out of order
    /// say nothing about the path. Returns the sample.
    pub fn on_feedback(&mut self, feedback: &Feedback<'_>) -> Option<Span> {
        let newest = feedback.received().next_back()?.sent.number;
        if self.newest.is_some_and(|known| newest <= known) {
            return None;
        }
        self.newest = Some(newest);
        let sample = feedback.rtt()?;
        self.on_sample(feedback.now, sample, Span::ZERO);
        Some(sample)
    }

    /// Takes a sample that includes `ack_delay`, the time that the other end
    /// says it held the report back (at most what it promised). It is left out
    /// of the smoothed value unless the sample would fall below the minimum.
    pub fn on_sample(&mut self, now: Time, sample: Span, ack_delay: Span) {
        let first = self.latest.is_none();
        self.latest = Some(sample);
        if sample <= self.min {
            self.min = sample;
            self.min_at = now;
        }
        if first {
            self.smoothed = sample;
            self.variation = Span::from_nanos(sample.as_nanos() / 2);
            return;
        }
        let adjusted = if sample >= self.min + ack_delay {
            sample - ack_delay
        } else {
            sample
        };
        let deviation = self.smoothed.max(adjusted) - self.smoothed.min(adjusted);
        self.variation = blend(self.variation, deviation, 4);
        self.smoothed = blend(self.smoothed, adjusted, 8);
    }

    /// The newest sample.
    #[must_use]
    pub const fn latest(&self) -> Option<Span> {
        self.latest
    }

    /// The smoothed round-trip time; before any sample the initial one.
    #[must_use]
    pub const fn smoothed(&self) -> Span {
        self.smoothed
    }

    /// The mean deviation.
    #[must_use]
    pub const fn variation(&self) -> Span {
        self.variation
    }

    /// The least sample; `None` before the first.
    #[must_use]
    pub fn min(&self) -> Option<Span> {
        self.latest.map(|_| self.min)
    }

    /// When the least sample was seen last.
    #[must_use]
    pub const fn min_at(&self) -> Time {
        self.min_at
    }

    /// Forgets the minimum in favour of the newest sample (RFC 9002,
    /// section 5.2: after persistent congestion).
    pub fn reset_min(&mut self, now: Time) {
        if let Some(latest) = self.latest {
            self.min = latest;
            self.min_at = now;
        }
    }

    /// Probe timeout (RFC 9002, section 6.2.1).
    #[must_use]
    pub fn probe_timeout(&self, max_ack_delay: Span) -> Span {
        self.smoothed + (self.variation * 4).max(Self::GRANULARITY) + max_ack_delay
    }

    /// Retransmission timeout (RFC 6298, rules 2.1 to 2.4), at least `least`.
    #[must_use]
    pub fn retransmission_timeout(&self, least: Span) -> Span {
        if self.latest.is_none() {
            return Span::from_secs(1).max(least);
        }
        (self.smoothed + (self.variation * 4).max(Self::GRANULARITY)).max(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Span {
        Span::from_millis(n)
    }

    #[test]
    fn follows_rfc_6298_by_hand() {
        let mut rtt = RttEstimator::new(ms(333));
        assert_eq!(rtt.min(), None);
        assert_eq!(rtt.retransmission_timeout(ms(200)), Span::from_secs(1));
        rtt.on_sample(Time::ZERO, ms(100), Span::ZERO);
        assert_eq!((rtt.smoothed(), rtt.variation()), (ms(100), ms(50)));
        assert_eq!(rtt.retransmission_timeout(ms(200)), ms(300));
        // Variation 3/4 * 50 + 1/4 * |100 - 180| with the old mean.
        rtt.on_sample(Time::ZERO, ms(180), Span::ZERO);
        assert_eq!(rtt.variation(), Span::from_micros(57_500));
        assert_eq!(rtt.smoothed(), ms(110));
        assert_eq!(rtt.min(), Some(ms(100)));
    }

    #[test]
    fn smoothed_variation_and_timeout_of_a_series() {
        let mut rtt = RttEstimator::new(ms(333));
        assert_eq!(rtt.probe_timeout(Span::ZERO), ms(999));
        assert_eq!(rtt.probe_timeout(ms(25)), ms(1_024));
        let near = |span: Span, ms: f64| (span.as_millis_f64() - ms).abs() < 1e-5;
        for (sample, smoothed, variation, timeout) in [
            (100, 100.0, 50.0, 300.0),
            (120, 102.5, 42.5, 272.5),
            (80, 99.6875, 37.5, 249.6875),
            (300, 124.7265625, 78.203125, 437.5390625),
            (100, 121.6357421875, 64.833984375, 380.9716796875),
            (100, 118.9312744140625, 54.034423828125, 335.0689697265625),
        ] {
            rtt.on_sample(Time::ZERO, ms(sample), Span::ZERO);
            assert!(near(rtt.smoothed(), smoothed), "{:?}", rtt.smoothed());
            assert!(near(rtt.variation(), variation), "{:?}", rtt.variation());
            assert!(near(rtt.retransmission_timeout(Span::ZERO), timeout));
            assert_eq!(rtt.retransmission_timeout(ms(1_000)), ms(1_000));
        }
    }

    #[test]
    fn a_steady_round_trip_is_kept_to_the_nanosecond() {
        let mut rtt = RttEstimator::new(ms(333));
        let odd = Span::from_nanos(50_000_007);
        for _ in 0..100 {
            rtt.on_sample(Time::ZERO, odd, Span::ZERO);
        }
        assert_eq!(rtt.smoothed(), odd);
        rtt.on_sample(Time::ZERO, Span::MAX, Span::ZERO);
        assert!(rtt.smoothed() > Span::from_secs(1 << 30));
    }

    #[test]
    fn a_held_back_report_is_not_path_delay() {
        let mut rtt = RttEstimator::new(ms(333));
        rtt.on_sample(Time::ZERO, ms(100), ms(20));
        assert_eq!(rtt.smoothed(), ms(100), "the first sample counts whole");
        rtt.on_sample(Time::ZERO, ms(124), ms(24));
        assert_eq!(rtt.smoothed(), ms(100));
        // 110 - 24 would be below the minimum: the sample counts whole.
        rtt.on_sample(Time::ZERO, ms(108), ms(24));
        assert_eq!(rtt.smoothed(), ms(101));
        rtt.reset_min(Time::from_secs(3));
        assert_eq!(
            (rtt.min(), rtt.min_at()),
            (Some(ms(108)), Time::from_secs(3))
        );
    }
}
