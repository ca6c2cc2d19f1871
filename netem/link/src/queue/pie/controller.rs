//! PIE's drop probability: a proportional-integral controller whose gains grow
//! with the probability itself.
//!
//! Implements: RFC 8033 section 4.2 with the operations in its order, the burst
//! allowance of section 4, section 5.5 (cap of a step).

use weaknet_core::Span;

use super::Decay;

/// What does not change.
#[derive(Debug, Clone)]
pub(super) struct Gains {
    pub(super) target: Span,
    pub(super) update: Span,
    pub(super) max_burst: Span,
    pub(super) alpha: f64,
    pub(super) beta: f64,
    pub(super) cap_step: bool,
    pub(super) decay: Decay,
}

/// The controller's state.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Controller {
    pub(super) probability: f64,
    /// The queueing delay at the last update.
    pub(super) old: Span,
    /// Time for which nothing is dropped yet.
    pub(super) burst: Span,
}

impl Controller {
    /// One update, at which the queueing delay is `current`.
    pub(super) fn update(&mut self, gains: &Gains, current: Span) {
        let (now, old) = (current.as_secs_f64(), self.old.as_secs_f64());
        let target = gains.target.as_secs_f64();
        let mut step = gains.alpha * (now - target) + gains.beta * (now - old);
        step /= divisor(self.probability);
        if gains.cap_step && self.probability >= 0.1 && step > 0.02 {
            step = 0.02;
        }
        self.probability += step;
        let quiet = match gains.decay {
            Decay::AtZero => current.is_zero() && self.old.is_zero(),
            Decay::BelowHalfTarget => {
                is_below_half(current, gains.target) && is_below_half(self.old, gains.target)
            }
        };
        if quiet {
            self.probability *= 0.98;
        }
        self.probability = self.probability.clamp(0.0, 1.0);
        self.old = current;
        self.burst = self.burst.saturating_sub(gains.update);
    }

    /// A packet arrives while the queueing delay is `current`: a queue at rest
    /// gets its burst allowance back.
    pub(super) fn arrive(&mut self, gains: &Gains, current: Span) {
        if self.probability == 0.0
            && is_below_half(current, gains.target)
            && is_below_half(self.old, gains.target)
        {
            self.burst = gains.max_burst;
        }
    }

    /// Whether the queue is so short that nothing is dropped, whatever the
    /// probability.
    pub(super) fn is_safe(&self, gains: &Gains, bytes: u64, mtu: u64) -> bool {
        (is_below_half(self.old, gains.target) && self.probability < 0.2)
            || bytes <= mtu.saturating_mul(2)
    }
}

fn is_below_half(delay: Span, target: Span) -> bool {
    delay < target / 2
}

/// What a step is divided by, so that it stays small against the probability.
fn divisor(probability: f64) -> f64 {
    match probability {
        p if p < 1e-6 => 2048.0,
        p if p < 1e-5 => 512.0,
        p if p < 1e-4 => 128.0,
        p if p < 1e-3 => 32.0,
        p if p < 0.01 => 8.0,
        p if p < 0.1 => 2.0,
        _ => 1.0,
    }
}
