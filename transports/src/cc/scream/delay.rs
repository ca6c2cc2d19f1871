//! The queueing delay as the packets of each report show it, against the
//! shortest one-way delay of the last minutes, and the smoothed round trip.
//!
//! Implements: DelayBasedCongestionControl of libwebrtc (modules/
//! congestion_controller/scream/delay_based_congestion_control, July 2026);
//! base delay after RFC 6817, averages after
//! draft-johansson-ccwg-rfc8298bis-screamv2, sections 4.2.1.4 and 4.2.2.1.

use std::collections::VecDeque;

use crate::cc::units::{Delta, Stamp};

use super::Scream;
use super::report::Report;

/// Least share of growth that an unsteady delay leaves.
const LEAST_SHARE: f64 = 0.1;
/// Growth falls from all of it at a quarter of a threshold to the least share
/// at the threshold.
const SHARE_SLOPE: f64 = 1.2;

/// Round trip, base delay and queueing delay.
#[derive(Debug, Clone)]
pub(super) struct PathDelay {
    config: Scream,
    half_target: Delta,
    rtt: Delta,
    /// Shortest one-way delay since the history was last extended.
    newest_base: Option<Delta>,
    /// Shortest one-way delay of each earlier interval.
    history: VecDeque<Delta>,
    history_extended: Option<Stamp>,
    /// Queueing delay of the previous report.
    last_queueing: Option<Delta>,
    /// Slow to rise, quick to fall; `None` before the first report.
    queueing: Option<Delta>,
    least_queueing_average: Delta,
    spread_average: Delta,
    standing_since: Option<Stamp>,
}

impl PathDelay {
    pub(super) fn new(config: &Scream) -> Self {
        Self {
            config: config.clone(),
            half_target: Delta::from(config.queue_delay_target).half(),
            rtt: Delta::ZERO,
            newest_base: None,
            history: VecDeque::with_capacity(config.base_delay_window_length as usize),
            history_extended: None,
            last_queueing: None,
            queueing: None,
            least_queueing_average: Delta::ZERO,
            spread_average: Delta::ZERO,
            standing_since: None,
        }
    }

    pub(super) fn on_report(&mut self, report: &Report, app_limited: bool) {
        let newest = self
            .newest_base
            .map_or(report.least_delay, |base| base.min(report.least_delay));
        self.newest_base = Some(newest);
        self.smooth_rtt(report.rtt, app_limited);

        let base = self.history.iter().copied().fold(newest, Delta::min);
        let queueing = report.least_delay - base;
        if queueing > self.config.queue_delay_drain_threshold.into() {
            self.standing_since.get_or_insert(report.at);
        } else {
            self.standing_since = None;
        }
        self.average_queueing(
            self.last_queueing
                .map_or(queueing, |last| last.min(queueing)),
        );
        self.last_queueing = Some(queueing);

        let gain = self.config.delay_min_and_latency_diff_avg_g;
        let least_cap = Delta::from(self.config.queue_delay_min_threshold) * 2.0;
        self.least_queueing_average =
            ewma(self.least_queueing_average, queueing.min(least_cap), gain);
        let spread = report.most_delay - report.least_delay;
        let spread_cap = Delta::from(self.config.latency_diff_threshold) * 2.0;
        self.spread_average = ewma(self.spread_average, spread.min(spread_cap), gain);

        self.extend_history(newest, report.at);
    }

    fn smooth_rtt(&mut self, sample: Delta, app_limited: bool) {
        let gain = if app_limited {
            self.config.smoothed_rtt_avg_in_alr_g
        } else {
            self.config.smoothed_rtt_avg_g
        };
        self.rtt = if self.rtt == Delta::ZERO {
            sample
        } else {
            ewma(self.rtt, sample, gain)
        };
    }

    fn average_queueing(&mut self, sample: Delta) {
        self.queueing = Some(match self.queueing {
            Some(average) if sample >= average => {
                ewma(average, sample, self.config.queue_delay_avg_g)
            }
            _ => sample,
        });
    }

    fn extend_history(&mut self, newest: Delta, now: Stamp) {
        let interval = Delta::from(self.config.base_delay_history_update_interval);
        if self.history_extended.is_none_or(|at| now - at >= interval) {
            if self.history.len() >= self.config.base_delay_window_length as usize {
                self.history.pop_front();
            }
            self.history.push_back(newest);
            self.history_extended = Some(now);
            self.newest_base = None;
        }
    }

    /// Forgets the base delay and all that was measured against it.
    pub(super) fn reset_queueing(&mut self) {
        self.history.clear();
        self.history_extended = None;
        self.newest_base = None;
        self.standing_since = None;
        self.queueing = None;
        self.least_queueing_average = Delta::ZERO;
        self.spread_average = Delta::ZERO;
    }

    /// Smoothed.
    pub(super) const fn rtt(&self) -> Delta {
        self.rtt
    }

    /// Shortest one-way delay known.
    pub(super) fn base(&self) -> Option<Delta> {
        self.history.iter().copied().chain(self.newest_base).min()
    }

    /// Average queueing delay.
    pub(super) const fn queueing(&self) -> Option<Delta> {
        self.queueing
    }

    /// Average of the shortest queueing delay of each report.
    pub(super) const fn least_queueing_average(&self) -> Delta {
        self.least_queueing_average
    }

    /// Average of the difference between the longest and the shortest delay of
    /// a report.
    pub(super) const fn spread_average(&self) -> Delta {
        self.spread_average
    }

    /// Whether the average queueing delay exceeds half the target.
    pub(super) fn is_congested(&self) -> bool {
        self.queueing.is_some_and(|delay| delay > self.half_target)
    }

    /// Congestion by delay as a share of marked packets: 0 at half the target,
    /// 1 at the target.
    pub(super) fn virtual_alpha(&self) -> f64 {
        self.queueing.map_or(0.0, |delay| {
            ((delay - self.half_target) / self.half_target).clamp(0.0, 1.0)
        })
    }

    /// Whether the queue has been drained within the last drain period.
    pub(super) fn is_drained_in_time(&self, now: Stamp) -> bool {
        let period = Delta::from(self.config.queue_delay_drain_period);
        self.standing_since.is_none_or(|since| now - since < period)
    }

    /// What a standing queue leaves: 1 down to `least`.
    pub(super) fn steady_queue_share(&self, least: f64) -> f64 {
        let threshold = self.config.queue_delay_min_threshold.into();
        share(self.least_queueing_average, threshold).clamp(least, 1.0)
    }

    /// What a standing queue leaves of growth.
    pub(super) fn growth_share_by_queue(&self) -> f64 {
        self.steady_queue_share(LEAST_SHARE)
    }

    /// What delays that differ within a report leave of growth.
    pub(super) fn growth_share_by_spread(&self) -> f64 {
        let threshold = self.config.latency_diff_threshold.into();
        share(self.spread_average, threshold).clamp(LEAST_SHARE, 1.0)
    }
}

fn share(delay: Delta, threshold: Delta) -> f64 {
    LEAST_SHARE + (threshold - delay) * SHARE_SLOPE / threshold
}

/// Both terms are rounded to microseconds.
pub(super) fn ewma(average: Delta, sample: Delta, gain: f64) -> Delta {
    sample * gain + average * (1.0 - gain)
}

#[cfg(test)]
mod tests {
    use weaknet_core::Time;

    use super::*;
    use crate::cc::scream::testing::digest;

    fn ms(ms: i64) -> Delta {
        Delta::from_millis(ms)
    }

    /// A path that has seen reports with these one-way delays, 50 ms apart.
    fn path(delays_ms: &[i64]) -> PathDelay {
        let mut path = PathDelay::new(&Scream::default());
        feed(&mut path, 0, delays_ms);
        path
    }

    fn feed(path: &mut PathDelay, from_ms: u64, delays_ms: &[i64]) {
        for (k, delay) in (1..).zip(delays_ms) {
            let report = Report {
                least_delay: ms(*delay),
                most_delay: ms(*delay + 4),
                ..digest(from_ms + 50 * k)
            };
            path.on_report(&report, false);
        }
    }

    #[test]
    fn average_rises_slowly_and_falls_at_once() {
        assert_eq!(path(&[30, 70]).queueing(), Some(ms(0)), "one report alone");
        assert_eq!(path(&[30, 70, 70]).queueing(), Some(ms(10)));
        let twice = Delta::from_millis(17) + Delta::from_millis(1).half();
        assert_eq!(path(&[30, 70, 70, 70]).queueing(), Some(twice));
        assert_eq!(path(&[30, 70, 70, 70, 32]).queueing(), Some(ms(2)));
    }

    #[test]
    fn congestion_begins_at_half_the_target() {
        let mut path = path(&[30]);
        for (queueing, congested, alpha) in [
            (29, false, 0.0),
            (30, false, 0.0),
            (36, true, 0.2),
            (45, true, 0.5),
            (60, true, 1.0),
            (500, true, 1.0),
        ] {
            path.queueing = Some(ms(queueing));
            assert_eq!(path.is_congested(), congested, "{queueing} ms");
            assert!((path.virtual_alpha() - alpha).abs() < 1e-12);
        }
    }

    #[test]
    fn growth_falls_with_the_standing_queue_and_the_spread() {
        let mut path = path(&[30]);
        for (us, growth, send_window) in [
            (0, 1.0, 1.0),
            (2_500, 1.0, 1.0),
            (6_250, 0.55, 0.55),
            (10_000, 0.1, 0.1),
            (11_000, 0.1, 0.0),
        ] {
            path.least_queueing_average = Delta::from_micros(us);
            path.spread_average = Delta::from_micros(us);
            assert!((path.growth_share_by_queue() - growth).abs() < 1e-12);
            assert!((path.growth_share_by_spread() - growth).abs() < 1e-12);
            assert!((path.steady_queue_share(0.0) - send_window).abs() < 1e-12);
        }
    }

    #[test]
    fn averages_of_a_report_are_capped_and_move_by_a_thirty_second() {
        let path = path(&[30, 500]);
        assert_eq!(
            path.least_queueing_average(),
            Delta::from_micros(20_000 / 32)
        );
        let first = Delta::from_micros(4_000 / 32);
        let second = ewma(first, ms(4), 1.0 / 32.0);
        assert_eq!(path.spread_average(), second);
    }

    #[test]
    fn base_delay_is_forgotten_after_ten_minutes() {
        let mut path = path(&[30]);
        for minute in 1..10 {
            feed(&mut path, minute * 60_000, &[40]);
        }
        assert_eq!(path.base(), Some(ms(30)));
        feed(&mut path, 600_000, &[40]);
        assert_eq!(path.base(), Some(ms(40)));
    }

    #[test]
    fn standing_queue_is_noticed_after_twenty_seconds() {
        let standing = path(&[30, 36]);
        for (since_ms, in_time) in [(19_999_u64, true), (20_000, false)] {
            let now = Time::from_millis(100 + since_ms).into();
            assert_eq!(standing.is_drained_in_time(now), in_time);
        }
        let drained = path(&[30, 36, 35]);
        assert!(drained.is_drained_in_time(Stamp::MAX));
    }

    #[test]
    fn round_trip_is_smoothed_less_when_the_application_is_the_limit() {
        for (app_limited, expected) in [(false, 60_000), (true, 50_625)] {
            let mut path = path(&[]);
            for (k, rtt) in [(1, 50), (2, 130)] {
                let report = Report {
                    rtt: ms(rtt),
                    ..digest(50 * k)
                };
                path.on_report(&report, app_limited);
            }
            assert_eq!(path.rtt(), Delta::from_micros(expected));
        }
    }
}
