//! The congestion window of a bulk flow.
//!
//! Implements: slow start; growth by the cubic function and its Reno-friendly
//! region (RFC 9438 4.2 to 4.4), fast convergence (4.7), multiplicative
//! decrease by 0.7 (4.6), a window of one packet after a timeout (4.8).
//! Differs: windows count packets, not bytes.
//! Not modelled: HyStart++, spurious congestion events. A yardstick for the
//! engine, not a congestion controller of media.

use weaknet_core::{Span, Time};

/// Steepness of the cubic function, packets per second cubed (RFC 9438 5).
const C: f64 = 0.4;
/// What is left of the window after a loss (RFC 9438 4.6).
const BETA: f64 = 0.7;
/// Packets per round trip in the Reno-friendly region (RFC 9438 4.3).
const ALPHA: f64 = 3.0 * (1.0 - BETA) / (1.0 + BETA);
/// The initial window (RFC 6928).
const INITIAL: f64 = 10.0;

/// A congestion window in packets.
#[derive(Debug, Clone)]
pub(super) struct Cubic {
    window: f64,
    threshold: f64,
    /// The window before the last decrease.
    peak: f64,
    /// Start of the current congestion avoidance stage.
    epoch: Option<Time>,
    /// From the epoch to the plateau, in seconds.
    plateau: f64,
    /// What Reno would have.
    friendly: f64,
}

impl Cubic {
    pub(super) const fn new() -> Self {
        Self {
            window: INITIAL,
            threshold: f64::INFINITY,
            peak: 0.0,
            epoch: None,
            plateau: 0.0,
            friendly: 0.0,
        }
    }

    /// Whole packets that may be in flight.
    pub(super) const fn packets(&self) -> u64 {
        self.window as u32 as u64
    }

    /// A packet was acknowledged.
    #[inline]
    pub(super) fn grow(&mut self, now: Time, rtt: Span) {
        if self.window < self.threshold {
            self.window += 1.0;
            return;
        }
        let epoch = match self.epoch {
            Some(epoch) => epoch,
            None => self.avoid(now),
        };
        let seconds = ((now - epoch) + rtt).as_nanos() as i64 as f64 * 1e-9;
        let (share, away) = (1.0 / self.window, seconds - self.plateau);
        let target = self.peak + C * away * away * away;
        let target = target.clamp(self.window, 1.5 * self.window);
        let alpha = if self.friendly < self.peak {
            ALPHA
        } else {
            1.0
        };
        self.friendly += alpha * share;
        self.window = (self.window + (target - self.window) * share).max(self.friendly);
    }

    /// Starts a congestion avoidance stage.
    #[cold]
    fn avoid(&mut self, now: Time) -> Time {
        self.epoch = Some(now);
        self.peak = self.peak.max(self.window);
        self.plateau = libm::cbrt((self.peak - self.window) / C);
        self.friendly = self.window;
        now
    }

    /// The first loss of a round trip.
    pub(super) fn reduce(&mut self) {
        self.peak = if self.window < self.peak {
            self.window * (1.0 + BETA) / 2.0
        } else {
            self.window
        };
        self.window = (self.window * BETA).max(2.0);
        self.threshold = self.window;
        self.epoch = None;
    }

    /// Nothing was acknowledged for the retransmission timeout.
    pub(super) fn time_out(&mut self) {
        self.reduce();
        self.window = 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Span = Span::from_millis(40);

    /// The window `ms` after a loss at 1000 packets, one packet acknowledged per
    /// 40 us.
    fn after(ms: u64) -> f64 {
        let mut cubic = Cubic {
            window: 1_000.0,
            ..Cubic::new()
        };
        cubic.reduce();
        let acks = (0..ms * 25).map(|n| Time::from_nanos(40_000 * n));
        acks.for_each(|now| cubic.grow(now, RTT));
        cubic.window
    }

    #[test]
    fn the_window_follows_the_cubic_function() {
        // K = cbrt(300 / 0.4) = 9.086 s; the window trails the function by what
        // it grows in a round trip.
        for (ms, want) in [(0, 700.0), (9_046, 1_000.0), (12_000, 1_010.0)] {
            let found = after(ms);
            let t = ms as f64 / 1e3 - 9.0856;
            let function = 1_000.0 + C * t * t * t;
            assert!((function - want).abs() < 1.0, "{function}");
            assert!((found - function).abs() < 2.0, "{ms}: {found} {function}");
        }
    }

    #[test]
    fn slow_start_doubles_and_a_timeout_starts_it_again() {
        let mut cubic = Cubic::new();
        (0..10).for_each(|_| cubic.grow(Time::ZERO, RTT));
        assert_eq!(cubic.packets(), 20);
        cubic.time_out();
        assert_eq!(cubic.packets(), 1);
        (0..13).for_each(|_| cubic.grow(Time::ZERO, RTT));
        assert_eq!(cubic.packets(), 14);
        cubic.grow(Time::ZERO, RTT);
        assert_eq!(cubic.packets(), 14);
    }
}
