//! The curve that CUBIC's window follows, in packets and seconds.
//!
//! Implements: RFC 9438 sections 4.1 to 4.8.
//! Differs: where several packets are acknowledged at once, each counts with
//! the target of the whole report, and the window stops at the target. A
//! window is never lowered to the estimate of Reno's.

use weaknet_core::{Span, Time};

use super::{Cubic, RenoEstimate};
use crate::cc::Visitor;
use crate::cc::window::controller::{Acked, Avoidance, Congestion};

/// Differences of windows below this share are rounding.
const ROUNDING: f64 = 1e-9;

/// A stage of congestion avoidance.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Epoch {
    /// When it began, moved on by the time without use.
    began: Time,
    /// Seconds from there to the plateau.
    k: f64,
    /// The window that Reno would have.
    w_est: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Curve {
    c: f64,
    beta: f64,
    beta_ecn: f64,
    fast_convergence: bool,
    reno_estimate: RenoEstimate,
    /// Where the plateau is.
    w_max: f64,
    /// The window before the last reduction.
    cwnd_prior: f64,
    epoch: Option<Epoch>,
}

impl Curve {
    pub(super) const fn new(config: &Cubic) -> Self {
        Self {
            c: config.c,
            beta: config.beta,
            beta_ecn: config.beta_ecn,
            fast_convergence: config.fast_convergence,
            reno_estimate: config.reno_estimate,
            w_max: 0.0,
            cwnd_prior: 0.0,
            epoch: None,
        }
    }

    /// Growth per round trip at which Reno with this beta is as fast as Reno
    /// with one half.
    fn alpha(&self) -> f64 {
        3.0 * (1.0 - self.beta) / (1.0 + self.beta)
    }

    /// A stage that begins with a window of `cwnd`.
    fn begin(&mut self, now: Time, cwnd: f64) -> Epoch {
        // Without a reduction before it, the plateau is here.
        self.w_max = self.w_max.max(cwnd);
        Epoch {
            began: now,
            k: libm::cbrt((self.w_max - cwnd) / self.c),
            w_est: cwnd,
        }
    }

    /// The curve `t` seconds into the stage.
    fn w_cubic(&self, epoch: &Epoch, t: f64) -> f64 {
        let x = t - epoch.k;
        self.c * x * x * x + self.w_max
    }

    /// Reno's window, `t` seconds into the stage.
    fn reno(&self, epoch: &Epoch, cwnd: f64, acked: &Acked, t: f64) -> f64 {
        match self.reno_estimate {
            RenoEstimate::Acknowledged => {
                let caught_up = epoch.w_est >= self.cwnd_prior;
                let alpha = if caught_up { 1.0 } else { self.alpha() };
                epoch.w_est + alpha * acked.packets / cwnd
            }
            RenoEstimate::Elapsed => {
                let rounds = t / acked.rtt.as_secs_f64().max(1e-6);
                self.w_max * self.beta + self.alpha() * rounds
            }
        }
    }
}

impl Avoidance for Curve {
    fn grow(&mut self, cwnd: f64, acked: &Acked) -> f64 {
        let mut epoch = match self.epoch {
            Some(epoch) => epoch,
            None => self.begin(acked.now, cwnd),
        };
        let t = acked.now.since(epoch.began).as_secs_f64();
        epoch.w_est = self.reno(&epoch, cwnd, acked, t);
        self.epoch = Some(epoch);
        if self.w_cubic(&epoch, t) + ROUNDING * cwnd < epoch.w_est {
            return cwnd.max(epoch.w_est);
        }
        let target = self.w_cubic(&epoch, t + acked.rtt.as_secs_f64());
        let target = target.clamp(cwnd, 1.5 * cwnd);
        (cwnd + acked.packets * (target - cwnd) / cwnd).min(target)
    }

    fn reduce(&mut self, cwnd: f64, congestion: Congestion) -> f64 {
        self.epoch = None;
        self.cwnd_prior = cwnd;
        self.w_max = if self.fast_convergence && cwnd < self.w_max {
            cwnd * (1.0 + self.beta) / 2.0
        } else {
            cwnd
        };
        match congestion {
            Congestion::Loss => cwnd * self.beta,
            Congestion::Mark => cwnd * self.beta_ecn,
        }
    }

    fn restart(&mut self) {
        self.epoch = None;
        self.w_max = 0.0;
    }

    fn skip(&mut self, span: Span) {
        if let Some(epoch) = &mut self.epoch {
            epoch.began += span;
        }
    }

    fn rescale(&mut self, factor: f64) {
        self.w_max /= factor;
        self.cwnd_prior /= factor;
        if let Some(epoch) = &mut self.epoch {
            epoch.w_est /= factor;
        }
    }

    fn snapshot(&self, visitor: &mut dyn Visitor) {
        visitor.number("w_max_packets", self.w_max);
        visitor.number("cwnd_prior_packets", self.cwnd_prior);
        if let Some(epoch) = &self.epoch {
            visitor.number("k_s", epoch.k);
            visitor.number("w_est_packets", epoch.w_est);
        }
    }
}

#[cfg(test)]
#[path = "curve_tests.rs"]
mod tests;
