//! The short-term model: what loss says of the present, while the flow does
//! not probe.
//!
//! Implements: draft-ietf-ccwg-bbr, section 5.5.10.3 (working copy of 2026-08):
//! at the end of a round with loss the bounds fall to what was delivered over
//! that round, by no more than beta.

use weaknet_core::{Bitrate, Bytes};

use crate::cc::bbr::{Ack, scaled};

/// Bounds on bandwidth and flight; the largest value is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShortTerm {
    pub(super) bandwidth: Bitrate,
    pub(super) in_flight: Bytes,
}

impl ShortTerm {
    /// No bounds.
    pub(super) const UNBOUNDED: Self = Self {
        bandwidth: Bitrate::MAX,
        in_flight: Bytes::MAX,
    };
}

/// What the present round has delivered, and whether it lost anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Congestion {
    bounds: ShortTerm,
    latest_bandwidth: Bitrate,
    latest_in_flight: Bytes,
    /// A round of loss ends with a packet that was sent when so much was
    /// delivered.
    round_ends_at: Bytes,
    round_start: bool,
    loss_in_round: bool,
}

impl Default for Congestion {
    fn default() -> Self {
        Self {
            bounds: ShortTerm::UNBOUNDED,
            latest_bandwidth: Bitrate::ZERO,
            latest_in_flight: Bytes::ZERO,
            round_ends_at: Bytes::ZERO,
            round_start: false,
            loss_in_round: false,
        }
    }
}

impl Congestion {
    /// A packet was lost. Whether it is the first one of the round.
    pub(super) const fn on_loss(&mut self, delivered: Bytes) -> bool {
        let first = !self.loss_in_round;
        if first {
            self.round_ends_at = delivered;
        }
        self.loss_in_round = true;
        first
    }

    /// Near the start of an ACK.
    pub(super) fn update_latest(&mut self, ack: &Ack, delivered: Bytes) {
        self.latest_bandwidth = self.latest_bandwidth.max(ack.rate);
        self.latest_in_flight = self.latest_in_flight.max(ack.sample.delivered);
        self.round_start = ack.sample.prior_delivered >= self.round_ends_at;
        if self.round_start {
            self.round_ends_at = delivered;
        }
    }

    /// Adapts the bounds, once per round; not while the flow probes.
    pub(super) fn adapt(&mut self, probing: bool, bandwidth: Bitrate, cwnd: Bytes, beta: f64) {
        if !self.round_start {
            return;
        }
        if self.loss_in_round && !probing {
            if self.bounds.bandwidth == Bitrate::MAX {
                self.bounds.bandwidth = bandwidth;
            }
            if self.bounds.in_flight == Bytes::MAX {
                self.bounds.in_flight = cwnd;
            }
            self.bounds = ShortTerm {
                bandwidth: self
                    .latest_bandwidth
                    .max(self.bounds.bandwidth.mul_f64(beta)),
                in_flight: self
                    .latest_in_flight
                    .max(scaled(self.bounds.in_flight, beta)),
            };
        }
        self.loss_in_round = false;
    }

    /// Near the end of an ACK.
    pub(super) const fn advance_latest(&mut self, ack: &Ack) {
        if self.round_start {
            self.latest_bandwidth = ack.rate;
            self.latest_in_flight = ack.sample.delivered;
        }
    }

    /// Forgets what the round has delivered and lost.
    pub(super) const fn reset_signals(&mut self) {
        self.loss_in_round = false;
        self.latest_bandwidth = Bitrate::ZERO;
        self.latest_in_flight = Bytes::ZERO;
    }

    /// Lifts the bounds.
    pub(super) const fn reset_bounds(&mut self) {
        self.bounds = ShortTerm::UNBOUNDED;
    }

    /// The loss was none: the bounds are at least what they were.
    pub(super) fn undo(&mut self, saved: ShortTerm) {
        self.loss_in_round = false;
        self.bounds = ShortTerm {
            bandwidth: self.bounds.bandwidth.max(saved.bandwidth),
            in_flight: self.bounds.in_flight.max(saved.in_flight),
        };
    }

    /// The bounds.
    pub(super) const fn bounds(&self) -> ShortTerm {
        self.bounds
    }

    /// Most that a sample of this round has delivered.
    pub(super) const fn latest_in_flight(&self) -> Bytes {
        self.latest_in_flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::{Span, Time};

    use crate::transport::RateSample;

    fn ack(mbps: u64, delivered: u64, prior: u64) -> Ack {
        Ack {
            now: Time::ZERO,
            acked: Bytes::new(1_500),
            lost: Bytes::ZERO,
            in_flight: Bytes::ZERO,
            prior_in_flight: Bytes::ZERO,
            rtt: None,
            round_start: false,
            rate: Bitrate::from_mbps(mbps),
            sample: RateSample {
                delivered: Bytes::new(delivered),
                prior_delivered: Bytes::new(prior),
                lost: Bytes::ZERO,
                interval: Span::from_millis(40),
                app_limited: false,
                sent_in_flight: Bytes::ZERO,
            },
        }
    }

    fn after_a_lossy_round(mbps: u64, delivered: u64) -> ShortTerm {
        let mut congestion = Congestion::default();
        let (bandwidth, cwnd) = (Bitrate::from_mbps(10), Bytes::new(100_000));
        assert!(congestion.on_loss(Bytes::new(500_000)));
        assert!(!congestion.on_loss(Bytes::new(500_000)));
        let mut take = |ack: Ack, delivered| {
            congestion.update_latest(&ack, Bytes::new(delivered));
            congestion.adapt(false, bandwidth, cwnd, 0.7);
            congestion.advance_latest(&ack);
            congestion.bounds()
        };
        let within = take(ack(mbps, delivered, 499_999), 501_500);
        assert_eq!(within, ShortTerm::UNBOUNDED, "the round goes on");
        take(ack(1, 1_000, 500_000), 600_000)
    }

    #[test]
    fn bounds_follow_the_round_but_fall_by_a_third_at_most() {
        let bounds = after_a_lossy_round(8, 80_000);
        assert_eq!(bounds.bandwidth, Bitrate::from_mbps(8));
        assert_eq!(bounds.in_flight, Bytes::new(80_000));
        let bounds = after_a_lossy_round(5, 50_000);
        assert_eq!(bounds.bandwidth, Bitrate::from_mbps(7));
        assert_eq!(bounds.in_flight, Bytes::new(70_000));
    }

    #[test]
    fn nothing_falls_while_the_flow_probes() {
        let mut congestion = Congestion::default();
        congestion.on_loss(Bytes::ZERO);
        congestion.update_latest(&ack(1, 1_000, 0), Bytes::new(1_500));
        congestion.adapt(true, Bitrate::from_mbps(10), Bytes::new(100_000), 0.7);
        assert_eq!(congestion.bounds(), ShortTerm::UNBOUNDED);
        // The loss is answered: the next round is clean.
        congestion.update_latest(&ack(1, 1_000, 1_500), Bytes::new(3_000));
        congestion.adapt(false, Bitrate::from_mbps(10), Bytes::new(100_000), 0.7);
        assert_eq!(congestion.bounds(), ShortTerm::UNBOUNDED);
    }
}
