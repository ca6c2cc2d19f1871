//! Over-use and under-use of the path, by an adaptive threshold on the trend.
//!
//! Implements: draft-ietf-rmcat-gcc-02, section 5.4.

use weaknet_core::{Span, Time};

use super::GccDraft02;

/// What the path shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Overuse,
    Normal,
    Underuse,
}

/// Trends farther beyond the threshold than this, in ms, do not move it.
const SPIKE: f64 = 15.0;
/// Bounds of the threshold, in ms.
const RANGE: (f64, f64) = (6.0, 600.0);
/// The threshold moves over at most this time at once, in ms.
const LONGEST_STEP: f64 = 100.0;

/// Tells over-use from the trend.
#[derive(Debug, Clone)]
pub(super) struct Detector {
    up: f64,
    down: f64,
    overuse_time: Span,
    most_groups: u32,
    groups: u32,
    threshold: f64,
    previous: f64,
    /// Time above the threshold.
    over: Option<Span>,
    updated: Option<Time>,
}

impl Detector {
    pub(super) const fn new(config: &GccDraft02) -> Self {
        Self {
            up: config.threshold_up,
            down: config.threshold_down,
            overuse_time: config.overuse_time,
            most_groups: config.detector_gain,
            groups: 0,
            threshold: config.threshold,
            previous: 0.0,
            over: None,
            updated: None,
        }
    }

    /// Takes the trend in after a group that was sent `interval` after the
    /// previous one and arrived at `arrival`.
    pub(super) fn on_trend(&mut self, trend: f64, interval: Span, arrival: Time) -> Signal {
        self.groups = (self.groups + 1).min(self.most_groups);
        let offset = trend * f64::from(self.groups);
        let signal = self.judge(offset, interval);
        let elapsed = arrival - *self.updated.get_or_insert(arrival);
        self.updated = Some(arrival);
        self.adapt(offset, elapsed.as_millis_f64());
        self.previous = offset;
        signal
    }

    fn judge(&mut self, offset: f64, interval: Span) -> Signal {
        if offset <= self.threshold {
            self.over = None;
            return if offset < -self.threshold {
                Signal::Underuse
            } else {
                Signal::Normal
            };
        }
        // Where in the first interval the threshold was crossed is unknown.
        let over = self.over.map_or(interval / 2, |over| over + interval);
        self.over = Some(over);
        if over >= self.overuse_time && offset >= self.previous {
            Signal::Overuse
        } else {
            Signal::Normal
        }
    }

    fn adapt(&mut self, offset: f64, elapsed_ms: f64) {
        let beyond = offset.abs() - self.threshold;
        if beyond > SPIKE {
            return;
        }
        let speed = if beyond < 0.0 { self.down } else { self.up };
        let step = elapsed_ms.min(LONGEST_STEP) * speed * beyond;
        self.threshold = (self.threshold + step).clamp(RANGE.0, RANGE.1);
    }

    /// In ms.
    pub(super) const fn threshold(&self) -> f64 {
        self.threshold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detector() -> Detector {
        Detector::new(&GccDraft02 {
            detector_gain: 1,
            ..GccDraft02::default()
        })
    }

    fn ms(ms: u64) -> Span {
        Span::from_millis(ms)
    }

    #[test]
    fn threshold_follows_the_trend_but_no_spike() {
        for (trend, threshold) in [
            (15.0, 13.25),
            (5.0, 12.459_5),
            (27.5, 17.0),
            (30.0, 12.5),
            (-20.0, 14.75),
        ] {
            let mut detector = detector();
            detector.updated = Some(Time::from_millis(70));
            detector.on_trend(trend, ms(30), Time::from_millis(100));
            assert!((detector.threshold() - threshold).abs() < 1e-9, "{trend}");
        }
    }

    #[test]
    fn threshold_stays_in_its_range_and_forgets_a_silence() {
        let mut silent = detector();
        silent.on_trend(5.0, ms(30), Time::ZERO);
        silent.on_trend(5.0, ms(30), Time::from_secs(3_600));
        assert!((silent.threshold() - (12.5 - 0.018 * 7.5)).abs() < 1e-9);
        let mut detector = detector();
        for k in 0..100_000 {
            detector.on_trend(0.0, ms(30), Time::from_millis(30 * k));
        }
        assert_eq!(detector.threshold(), 6.0);
    }

    #[test]
    fn overuse_takes_time_and_a_trend_that_does_not_fall() {
        let mut detector = detector();
        let mut signal = |trend| detector.on_trend(trend, ms(5), Time::ZERO);
        assert_eq!(signal(13.0), Signal::Normal, "2.5 ms");
        assert_eq!(signal(13.0), Signal::Normal, "7.5 ms");
        assert_eq!(signal(13.0), Signal::Overuse, "12.5 ms");
        assert_eq!(signal(12.9), Signal::Normal, "falls");
        assert_eq!(signal(12.9), Signal::Overuse);
        assert_eq!(signal(12.0), Signal::Normal);
        assert_eq!(signal(13.0), Signal::Normal, "begins anew");
        assert_eq!(signal(-12.6), Signal::Underuse);
    }

    #[test]
    fn the_trend_counts_times_the_groups_up_to_sixty() {
        let mut detector = Detector::new(&GccDraft02::default());
        let mut first = None;
        for k in 1..=100 {
            let signal = detector.on_trend(0.3, ms(20), Time::ZERO);
            if signal == Signal::Overuse && first.is_none() {
                first = Some(k);
            }
        }
        // 42 * 0.3 is above 12.5 for the first time.
        assert_eq!(first, Some(42));
        assert!((detector.previous - 18.0).abs() < 1e-9);
    }
}
