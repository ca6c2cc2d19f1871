//! Round trips, smoothed twice.

use weaknet_core::{Span, Time};

/// What is assumed before the first sample.
const INITIAL: f64 = 0.05;
/// Weight of a sample, and of the first average in the second.
const GAIN: f64 = 1.0 / 8.0;
/// Weight of a shorter round trip while the application is the limit: the
/// target shall not rise because nothing queues.
const APP_LIMITED_GAIN: f64 = 1.0 / 1024.0;
/// Longer samples are not believed.
const LONGEST: Span = Span::from_secs(15);

/// Averages of the round-trip time, in seconds.
#[derive(Debug, Clone)]
pub(super) struct SmoothedRtt {
    short: f64,
    before: f64,
    long: f64,
    updated: Time,
}

impl SmoothedRtt {
    pub(super) const fn new(now: Time) -> Self {
        Self {
            short: INITIAL,
            before: INITIAL,
            long: INITIAL,
            updated: now,
        }
    }

    pub(super) fn add(&mut self, now: Time, sample: Span, app_limited: bool) {
        if sample > LONGEST {
            return;
        }
        self.before = self.short;
        self.short += GAIN * (sample.as_secs_f64() - self.short);
        if now.since(self.updated).as_secs_f64() > self.short {
            self.updated = now;
            let gain = if app_limited && self.long > self.short {
                APP_LIMITED_GAIN
            } else {
                GAIN
            };
            self.long += gain * (self.short - self.long);
        }
    }

    /// The round trip that everything is scaled with, in seconds.
    pub(super) const fn secs(&self) -> f64 {
        self.long
    }

    /// Whether round trips get shorter.
    pub(super) fn falls(&self) -> bool {
        self.before > self.short
    }
}
