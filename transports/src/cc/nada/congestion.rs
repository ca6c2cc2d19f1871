//! The aggregate congestion signal, in milliseconds of equivalent delay.
//!
//! Implements: RFC 8698, section 4.2, equations 1 and 2, with the linear way
//! back from warped to plain delay over one loss interval.

use super::Nada;
use super::loss_interval::LossIntervals;

/// Queueing delay, loss and marks as one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Signal {
    qth_ms: f64,
    lambda: f64,
    multiloss: f64,
    open_loss_interval: bool,
    loss_penalty: (f64, f64),
    mark_penalty: (f64, f64),
    xmax_ms: f64,
}

impl Signal {
    pub(super) fn new(config: &Nada) -> Self {
        Self {
            qth_ms: config.qth.as_millis_f64(),
            lambda: config.lambda,
            multiloss: config.multiloss,
            open_loss_interval: config.open_loss_interval,
            loss_penalty: (config.dloss.as_millis_f64(), config.plrref),
            mark_penalty: (config.dmark.as_millis_f64(), config.pmrref),
            xmax_ms: config.xmax.as_millis_f64(),
        }
    }

    /// Equation 2.
    pub(super) fn combine(&self, delay_ms: f64, loss: f64, marks: f64) -> f64 {
        let penalty = |(at_reference, reference): (f64, f64), ratio: f64| {
            let relative = ratio / reference;
            at_reference * relative * relative
        };
        let signal =
            delay_ms + penalty(self.mark_penalty, marks) + penalty(self.loss_penalty, loss);
        signal.min(self.xmax_ms)
    }

    /// What a queueing delay counts for, given how long ago packets got lost.
    pub(super) fn delay(&self, queue_ms: f64, losses: &LossIntervals) -> f64 {
        let plain = self.plain_share(losses);
        plain * queue_ms + (1.0 - plain) * self.warped(queue_ms)
    }

    /// Equation 1 while packets get lost.
    fn warped(&self, queue_ms: f64) -> f64 {
        if queue_ms < self.qth_ms {
            return queue_ms;
        }
        self.qth_ms * libm::exp(-self.lambda * (queue_ms - self.qth_ms) / self.qth_ms)
    }

    /// 0: all warped, 1: nothing.
    fn plain_share(&self, losses: &LossIntervals) -> f64 {
        let Some(since) = losses.since_loss() else {
            return 1.0;
        };
        let interval = self.interval(losses);
        let beyond = since as f64 - self.multiloss * interval;
        if beyond <= 0.0 {
            0.0
        } else {
            (beyond / interval).min(1.0)
        }
    }

    /// The mean loss interval, in packets.
    pub(super) fn interval(&self, losses: &LossIntervals) -> f64 {
        if self.open_loss_interval {
            losses.average()
        } else {
            losses.closed_average()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::{Span, Time};

    fn signal() -> Signal {
        Signal::new(&Nada::default())
    }

    fn close(got: f64, expected: f64, within: f64) {
        assert!((got - expected).abs() <= within, "{got} {expected}");
    }

    /// A loss as the hundredth packet, `since` packets ago.
    fn losses(since: u64) -> LossIntervals {
        let mut losses = LossIntervals::default();
        for _ in 0..99 {
            losses.on_received();
        }
        losses.on_lost(Time::ZERO, Span::ZERO);
        for _ in 0..since {
            losses.on_received();
        }
        losses
    }

    #[test]
    fn delay_is_warped_beyond_50_ms_while_packets_get_lost() {
        for (queue, warped) in [
            (49.9, 49.9),
            (50.0, 50.0),
            (60.0, 45.2419),
            (75.0, 38.9400),
            (100.0, 30.3265),
            (150.0, 18.3940),
            (200.0, 11.1565),
            (300.0, 4.1042),
            (400.0, 1.5099),
            (500.0, 0.5554),
        ] {
            close(signal().delay(queue, &losses(1)), warped, 5e-5);
            close(signal().delay(queue, &LossIntervals::default()), queue, 0.0);
        }
    }

    #[test]
    fn warping_ends_over_the_eighth_loss_interval() {
        let warped = 30.3265;
        for (since, expected) in [
            (700, warped),
            (750, (warped + 100.0) / 2.0),
            (775, 0.25 * warped + 75.0),
            (800, 100.0),
            (10_000, 100.0),
        ] {
            close(signal().delay(100.0, &losses(since)), expected, 5e-5);
        }
    }

    #[test]
    fn with_the_open_interval_warping_never_ends() {
        let literal = Signal::new(&Nada {
            open_loss_interval: true,
            ..Nada::default()
        });
        close(literal.delay(100.0, &losses(1_000_000)), 30.3265, 5e-5);
    }

    #[test]
    fn penalties_grow_with_the_square() {
        for (loss, penalty) in [
            (0.005, 2.5),
            (0.01, 10.0),
            (0.02, 40.0),
            (0.05, 250.0),
            (0.1, 1_000.0),
        ] {
            close(signal().combine(0.0, loss, 0.0), penalty, 1e-9);
        }
        for (marks, penalty) in [(0.005, 0.5), (0.01, 2.0), (0.05, 50.0), (0.1, 200.0)] {
            close(signal().combine(7.0, 0.0, marks), 7.0 + penalty, 1e-9);
        }
        close(signal().combine(1.0, 1.0, 1.0), 3_276.7, 0.0);
    }

    #[test]
    fn at_one_megabit_pure_loss_or_marks_settle_where_the_signal_is_15_ms() {
        let (loss, marks) = (0.01 * 1.5_f64.sqrt(), 0.01 * 7.5_f64.sqrt());
        close(loss, 0.012_247, 5e-7);
        close(marks, 0.027_386, 5e-7);
        close(signal().combine(0.0, loss, 0.0), 15.0, 1e-9);
        close(signal().combine(0.0, 0.0, marks), 15.0, 1e-9);
    }
}
