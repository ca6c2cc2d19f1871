//! The reference window: how many bytes should be in flight. It shrinks with
//! marks, persistent loss and queueing delay, and grows with what arrives,
//! cautiously near the size at which it last had to shrink.
//!
//! Implements: ScreamV2::UpdateRefWindow and UpdateL4SAlpha of libwebrtc
//! (modules/congestion_controller/scream/scream_v2, July 2026);
//! draft-johansson-ccwg-rfc8298bis-screamv2, sections 4.2.1.3 and 4.2.2.
//! Differs: libwebrtc also means to cut the window to the bytes in flight on
//! the first mark after 100 round trips without congestion, but measures that
//! time after having overwritten it, so that it never does; neither do we.

use crate::cc::units::{Delta, Size, Stamp};

use super::Scream;
use super::delay::PathDelay;
use super::loss::LossLevel;
use super::report::Report;

/// No growth from this level of loss on.
const CALM_LOSS: f64 = 0.01;
/// Least share of growth or back-off near the last inflection.
const LEAST_NEAR_INFLECTION: f64 = 0.25;

/// What else the window depends on.
pub(super) struct Surroundings<'a> {
    /// Delay of the path.
    pub(super) delay: &'a PathDelay,
    /// Loss on the path.
    pub(super) loss: &'a LossLevel,
    /// How long the receiver holds reports back.
    pub(super) hold: Delta,
    /// The size up to which the bytes in flight justify growth.
    pub(super) allowed: Size,
}

/// The reference window.
#[derive(Debug, Clone)]
pub(super) struct ReferenceWindow {
    config: Scream,
    virtual_rtt: Delta,
    size: Size,
    /// Its size when it last began to shrink.
    inflection: Size,
    grew_since_inflection: bool,
    alpha: f64,
    reacted: Option<Stamp>,
    decreased: Option<Stamp>,
}

impl ReferenceWindow {
    pub(super) fn new(config: &Scream) -> Self {
        Self {
            config: config.clone(),
            virtual_rtt: config.virtual_rtt.into(),
            size: config.min_ref_window.into(),
            inflection: Size::from_bytes(1),
            grew_since_inflection: true,
            alpha: 0.0,
            reacted: None,
            decreased: None,
        }
    }

    pub(super) fn start_at(&mut self, size: Size) {
        self.size = size.max(self.config.min_ref_window.into());
    }

    pub(super) const fn size(&self) -> Size {
        self.size
    }

    pub(super) const fn inflection(&self) -> Size {
        self.inflection
    }

    /// Average share of marked packets.
    pub(super) const fn alpha(&self) -> f64 {
        self.alpha
    }

    /// When it last reacted to congestion.
    pub(super) const fn reacted(&self) -> Option<Stamp> {
        self.reacted
    }

    /// When it last shrank.
    pub(super) const fn decreased(&self) -> Option<Stamp> {
        self.decreased
    }

    pub(super) fn on_report(&mut self, report: &Report, around: &Surroundings<'_>) {
        self.average_marks(report);
        let marked = report.marked > 0;
        let delayed = around.delay.is_congested();
        let lost = report.lost > 0 && (around.loss.is_congested() || delayed);
        let before = self.size;

        let apart = around.delay.rtt().min(self.virtual_rtt);
        let reacts =
            (lost || marked || delayed) && self.reacted.is_none_or(|at| report.at - at >= apart);
        if reacts {
            self.reacted = Some(report.at);
            let backoff = if lost {
                1.0 - self.config.beta_loss
            } else if marked {
                self.backoff_by_marks(around.delay)
            } else {
                self.backoff_at_rtt(around.delay.virtual_alpha(), around.delay.rtt())
            };
            self.size = self.size * (1.0 - backoff);
        }
        let calm = !marked && !delayed && around.loss.level() < CALM_LOSS;
        if calm || reacts {
            self.grow(report, around);
        }

        if self.size > before {
            self.grew_since_inflection = true;
        } else if self.size < before {
            self.decreased = Some(report.at);
            if self.grew_since_inflection {
                self.inflection = before;
                self.grew_since_inflection = false;
            }
        }
    }

    /// Quick to rise, slow to fall.
    fn average_marks(&mut self, report: &Report) {
        let share = f64::from(report.marked) / f64::from(report.received);
        let (up, down) = (self.config.l4s_avg_g_up, self.config.l4s_avg_g_down);
        self.alpha = if share > self.alpha {
            (up * share + (1.0 - up) * self.alpha).min(1.0)
        } else {
            (1.0 - down) * self.alpha
        };
    }

    /// Half of `alpha`, less on long round trips, in which several back-offs
    /// happen.
    fn backoff_at_rtt(&self, alpha: f64, rtt: Delta) -> f64 {
        alpha / 2.0 / (rtt / self.virtual_rtt).max(1.0)
    }

    fn backoff_by_marks(&self, delay: &PathDelay) -> f64 {
        let backoff = self.backoff_at_rtt(self.alpha, delay.rtt());
        if delay.is_congested() {
            return backoff;
        }
        let near = self.distance_to_inflection().max(LEAST_NEAR_INFLECTION);
        backoff * near * delay.growth_share_by_queue()
    }

    /// Square of the relative distance to the inflection, 0.1 to 1.
    fn distance_to_inflection(&self) -> f64 {
        let distance = self.size.max(self.inflection) - self.size.min(self.inflection);
        let scaled =
            distance * self.config.backoff_scale_factor_close_to_ref_window_i / self.inflection;
        (scaled * scaled).clamp(0.1, 1.0)
    }

    /// Largest segment as a share of the window, at most 1.
    pub(super) fn segment_share(&self) -> f64 {
        (Size::from(self.config.max_segment_size) / self.size).min(1.0)
    }

    fn grow(&mut self, report: &Report, around: &Surroundings<'_>) {
        if self.size < around.allowed {
            let increase = report.unmarked * self.growth(report.at, around);
            let least = self.config.min_ref_window.into();
            self.size = (self.size + increase).max(least).min(around.allowed);
        }
    }

    /// Bytes to grow by for each byte that arrived.
    fn growth(&self, now: Stamp, around: &Surroundings<'_>) -> f64 {
        let rtt = around.delay.rtt();
        let mut growth = self.segment_share();
        if rtt + around.hold < self.virtual_rtt {
            let ratio = (rtt + around.hold) / self.virtual_rtt;
            growth *= ratio * ratio;
        }
        let distance = self.distance_to_inflection();
        growth *= distance.max(LEAST_NEAR_INFLECTION);
        growth *= around.delay.growth_share_by_queue();
        growth *= around.delay.growth_share_by_spread();

        let cautious =
            rtt.max(self.virtual_rtt) * f64::from(self.config.post_congestion_delay_rtts);
        let recovered = self
            .reacted
            .map_or(1.0, |at| ((now - at) / cautious).clamp(0.0, 1.0));
        // One more than a share of the window in segments, less the one again:
        // the rounding of the original.
        let multiplicative = 1.0
            + self.size * self.config.multiplicative_increase_factor
                / Size::from(self.config.max_segment_size);
        growth * (1.0 + (multiplicative - 1.0) * recovered * distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::scream::testing::digest;

    fn close(ours: f64, expected: f64) {
        assert!((ours - expected).abs() < 1e-6, "{ours}, not {expected}");
    }

    /// A window of 30,000 bytes behind a steady round trip.
    struct Fixture {
        window: ReferenceWindow,
        delay: PathDelay,
        loss: LossLevel,
        allowed: Size,
        at_ms: u64,
        rtt_ms: i64,
    }

    impl Fixture {
        fn new(rtt_ms: i64) -> Self {
            let config = Scream::default();
            let mut window = ReferenceWindow::new(&config);
            window.start_at(Size::from_bytes(30_000));
            Self {
                window,
                delay: PathDelay::new(&config),
                loss: LossLevel::new(&config),
                allowed: Size::from_bytes(100_000),
                at_ms: 0,
                rtt_ms,
            }
        }

        /// A report with `queueing_ms` of queueing delay 100 ms later.
        fn report(&mut self, queueing_ms: i64, change: impl FnOnce(&mut Report)) -> i64 {
            self.at_ms += 100;
            let mut report = Report {
                least_delay: Delta::from_millis(25 + queueing_ms),
                most_delay: Delta::from_millis(25 + queueing_ms),
                rtt: Delta::from_millis(self.rtt_ms),
                ..digest(self.at_ms)
            };
            change(&mut report);
            self.delay.on_report(&report, false);
            self.loss.on_report(&report, self.delay.rtt());
            let surroundings = Surroundings {
                delay: &self.delay,
                loss: &self.loss,
                hold: Delta::ZERO,
                allowed: self.allowed,
            };
            self.window.on_report(&report, &surroundings);
            self.window.size().as_bytes()
        }
    }

    #[test]
    fn average_of_marks_rises_by_an_eighth_and_falls_by_a_128th() {
        let mut fixture = Fixture::new(50);
        for (marked, expected) in [
            (1, 0.0625),
            (1, 0.117_188),
            (1, 0.165_039),
            (0, 0.163_750),
            (0, 0.162_470),
            (0, 0.161_201),
        ] {
            fixture.report(0, |report| {
                report.received = 2;
                report.marked = marked;
            });
            close(fixture.window.alpha(), expected);
        }
    }

    #[test]
    fn growth_is_a_segment_and_two_percent_for_each_window_that_arrives() {
        let whole = |report: &mut Report| report.unmarked = Size::from_bytes(30_000);
        assert_eq!(Fixture::new(50).report(0, whole), 30_000 + 1_280 + 600);
        // Square of the ratio to the virtual round trip.
        assert_eq!(Fixture::new(5).report(0, whole), 30_000 + 75);
        let mut limited = Fixture::new(50);
        limited.allowed = Size::from_bytes(30_100);
        assert_eq!(limited.report(0, whole), 30_100);
        limited.allowed = Size::from_bytes(20_000);
        assert_eq!(limited.report(0, whole), 30_100, "never cut by the limit");
    }

    #[test]
    fn delay_takes_half_of_its_excess_once_a_virtual_round_trip() {
        for (rtt_ms, expected) in [(20, 15_000), (25, 15_000), (50, 22_500), (100, 26_250)] {
            let mut fixture = Fixture::new(rtt_ms);
            fixture.report(0, |_| ());
            fixture.report(1_000, |_| ());
            assert_eq!(fixture.report(1_000, |_| ()), expected, "{rtt_ms} ms");
        }
    }

    #[test]
    fn loss_takes_three_tenths_when_it_persists_or_comes_with_delay() {
        let lossy = |report: &mut Report| report.lost = 1;
        let mut fixture = Fixture::new(50);
        assert_eq!(fixture.report(0, lossy), 30_000);
        assert_eq!(fixture.report(0, lossy), 30_000);
        assert_eq!(fixture.report(0, lossy), 21_000);
        assert_eq!(fixture.window.inflection(), Size::from_bytes(30_000));

        let mut fixture = Fixture::new(50);
        fixture.report(0, |_| ());
        fixture.report(150, |_| ());
        assert_eq!(fixture.report(150, lossy), 21_000, "loss goes before delay");
    }

    #[test]
    fn marks_back_off_less_near_the_inflection() {
        let marked = |report: &mut Report| report.marked = report.received;
        let mut fixture = Fixture::new(50);
        // Average 1/8, half of it, over two virtual round trips: 1/32.
        assert_eq!(fixture.report(0, marked), 29_063);
        assert_eq!(fixture.window.inflection(), Size::from_bytes(30_000));
        let alpha = 1.0 / 8.0 + 7.0 / 64.0;
        let expected = 29_063.0 * (1.0 - alpha / 4.0 * 0.25);
        assert_eq!(fixture.report(0, marked), libm::round(expected) as i64);
    }

    #[test]
    fn inflection_stays_until_the_window_has_grown() {
        let marked = |report: &mut Report| report.marked = report.received;
        let mut fixture = Fixture::new(50);
        fixture.report(0, marked);
        fixture.report(0, marked);
        assert_eq!(fixture.window.inflection(), Size::from_bytes(30_000));
        let grown = fixture.report(0, |report| report.unmarked = Size::from_bytes(10_000));
        fixture.report(0, marked);
        assert_eq!(fixture.window.inflection(), Size::from_bytes(grown));
    }

    #[test]
    fn never_below_the_least_window() {
        let mut fixture = Fixture::new(25);
        fixture.report(0, |_| ());
        for _ in 0..50 {
            fixture.report(1_000, |report| report.lost = 1);
        }
        assert_eq!(fixture.window.size(), Size::from_bytes(1_000));
    }
}
