//! The rate that losses allow.
//!
//! Implements: draft-ietf-rmcat-gcc-02, section 6; exactly 2 % and 10 % hold.

use weaknet_core::{Bitrate, Span, Time};

use super::GccDraft02;
use crate::cc::Feedback;

/// The loss-based rate and what was counted since it last changed.
#[derive(Debug, Clone)]
pub(super) struct LossBased {
    interval: Span,
    low: f64,
    high: f64,
    growth: f64,
    /// Bits per second.
    rate: f64,
    lost: u64,
    received: u64,
    since: Option<Time>,
    ratio: f64,
}

impl LossBased {
    pub(super) const fn new(config: &GccDraft02, start: Bitrate) -> Self {
        Self {
            interval: config.loss_interval,
            low: config.low_loss,
            high: config.high_loss,
            growth: config.loss_growth,
            rate: start.as_bps_f64(),
            lost: 0,
            received: 0,
            since: None,
            ratio: 0.0,
        }
    }

    pub(super) fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        let received = feedback.received().filter(|p| !p.recovered).count();
        self.on_counts(
            feedback.now,
            feedback.lost().count() as u64,
            received as u64,
        );
    }

    /// So many packets more were lost and received.
    pub(super) fn on_counts(&mut self, now: Time, lost: u64, received: u64) {
        self.lost += lost;
        self.received += received;
        let since = *self.since.get_or_insert(now);
        let expected = self.lost + self.received;
        if expected == 0 || now - since < self.interval {
            return;
        }
        self.since = Some(now);
        self.ratio = self.lost as f64 / expected as f64;
        (self.lost, self.received) = (0, 0);
        if self.ratio > self.high {
            self.rate *= 1.0 - 0.5 * self.ratio;
        } else if self.ratio < self.low {
            self.rate *= self.growth;
        }
    }

    pub(super) const fn bound(&mut self, least: f64, most: f64) {
        self.rate = self.rate.min(most).max(least);
    }

    /// Bits per second.
    pub(super) const fn rate(&self) -> f64 {
        self.rate
    }

    /// Of the last interval.
    pub(super) const fn ratio(&self) -> f64 {
        self.ratio
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::testing::{lost, received, report};

    /// The rate in kbit/s after an interval in which `of_100` packets got lost.
    fn after(of_100: u64) -> u64 {
        let mut loss = LossBased::new(&GccDraft02::default(), Bitrate::from_mbps(1));
        let packets: Vec<_> = (0..100)
            .map(|k| {
                if k < of_100 {
                    lost(k, Time::ZERO, 1_000)
                } else {
                    received(k, Time::ZERO, Time::from_millis(25), 1_000)
                }
            })
            .collect();
        let at = |ms, packets| report(Time::from_millis(ms), packets);
        loss.on_feedback(&at(100, &packets[..50]));
        loss.on_feedback(&at(1_099, &packets[50..]));
        assert_eq!(loss.rate(), 1e6, "less than an interval");
        loss.on_feedback(&at(1_100, &[]));
        loss.on_feedback(&at(1_101, &packets));
        (loss.rate() / 1e3) as u64
    }

    #[test]
    fn grows_holds_or_falls() {
        for (of_100, kbps) in [
            (0, 1_050),
            (1, 1_050),
            (2, 1_000),
            (5, 1_000),
            (10, 1_000),
            (20, 900),
        ] {
            assert_eq!(after(of_100), kbps, "{of_100} %");
        }
    }

    #[test]
    fn without_an_interval_every_report_counts() {
        let config = GccDraft02 {
            loss_interval: Span::ZERO,
            ..GccDraft02::default()
        };
        let mut loss = LossBased::new(&config, Bitrate::from_mbps(1));
        for k in 0..2 {
            let packets = [received(k, Time::ZERO, Time::from_millis(25), 1_000)];
            loss.on_feedback(&report(Time::from_millis(50 * k), &packets));
        }
        assert!((loss.rate() - 1_102_500.0).abs() < 1e-6);
    }
}
