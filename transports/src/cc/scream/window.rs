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
