//! The long-term model: how much the path holds without loss, learnt while
//! the flow probes.
//!
//! Implements: draft-ietf-ccwg-bbr, sections 5.3.3.9 (InflightWithHeadroom,
//! RaiseInflightLongtermSlope, ProbeInflightLongtermUpward) and 5.5.10.2
//! (working copy of 2026-08).

use weaknet_core::Bytes;

use super::Bbr3;
use crate::cc::bbr::{scaled, times};

/// Most doublings of the growth per round.
const MOST_DOUBLINGS: u32 = 30;

/// The bound and how fast it grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LongTerm {
    /// The bound; the largest value is none.
    pub(super) limit: Bytes,
    /// Rounds of growth in this probe.
    rounds: u32,
    acked: Bytes,
    /// Bytes acknowledged per packet of growth.
    step: Bytes,
}

impl Default for LongTerm {
    fn default() -> Self {
        Self {
            limit: Bytes::MAX,
            rounds: 0,
            acked: Bytes::ZERO,
            step: Bytes::MAX,
        }
    }
}

impl LongTerm {
    /// Whether there is a bound.
    pub(super) fn is_bounded(&self) -> bool {
        self.limit != Bytes::MAX
    }

    /// The bound less what is left to other flows.
    pub(super) fn with_headroom(&self, mss: Bytes, least: Bytes, config: &Bbr3) -> Bytes {
        if !self.is_bounded() {
            return Bytes::MAX;
        }
        let headroom = mss.max(scaled(self.limit, config.headroom));
        (self.limit - headroom).max(least)
    }

    /// A probe is prepared: growth begins with one packet per round.
    pub(super) const fn restart_growth(&mut self) {
        self.rounds = 0;
        self.acked = Bytes::ZERO;
    }

    /// The probe is over.
    pub(super) const fn stop_growth(&mut self) {
        self.step = Bytes::MAX;
    }

    /// A round of a probe begins: twice the growth of the one before.
    pub(super) fn raise_slope(&mut self, cwnd: Bytes, mss: Bytes) {
        let growth = 1u64 << self.rounds;
        self.rounds = (self.rounds + 1).min(MOST_DOUBLINGS);
        self.step = Bytes::new(cwnd.get() / growth).max(mss);
    }

    /// The window is full in a probe: grows with what is acknowledged.
    pub(super) fn grow(&mut self, acked: Bytes, mss: Bytes) {
        self.acked += acked;
        let packets = self.acked.get() / self.step.get().max(1);
        self.acked = self.acked - times(self.step, packets);
        self.limit += times(mss, packets);
    }
}

/// Whether so much lost of a flight is too much.
pub(super) fn is_too_high(lost: Bytes, flight: Bytes, config: &Bbr3) -> bool {
    lost.get() as f64 > flight.get() as f64 * config.loss_threshold
}

/// How much was in flight when the losses crossed the threshold: the packet
/// lost last, of `size`, made `lost` of a `flight` that it was part of.
pub(super) fn inflight_at_loss(flight: Bytes, size: Bytes, lost: Bytes, config: &Bbr3) -> Bytes {
    let before = flight.get() as f64 - size.get() as f64;
    let lost_before = lost.get() as f64 - size.get() as f64;
    let threshold = config.loss_threshold;
    let prefix = (threshold * before - lost_before) / (1.0 - threshold);
    Bytes::new(libm::round((before + prefix).max(0.0)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: Bytes = Bytes::new(1_500);

    #[test]
    fn one_packet_of_less_than_fifty_is_too_much() {
        let config = Bbr3::default();
        let too_high = |flight| is_too_high(MSS, Bytes::new(flight), &config);
        assert!(too_high(62_500) && too_high(74_999));
        assert!(!too_high(75_000));
    }

    #[test]
    fn losses_cross_the_threshold_within_the_flight() {
        let at = |lost| {
            let (flight, lost) = (Bytes::new(62_500), Bytes::new(lost));
            inflight_at_loss(flight, MSS, lost, &Bbr3::default()).get()
        };
        assert_eq!(at(1_500), 62_245, "62,244.9");
        assert_eq!(at(3_000), 60_714, "60,714.3");
        assert_eq!(at(1_000_000), 0);
    }

    #[test]
    fn headroom_is_fifteen_percent_or_a_packet() {
        let room = |limit| {
            let long_term = LongTerm {
                limit: Bytes::new(limit),
                ..LongTerm::default()
            };
            long_term
                .with_headroom(MSS, times(MSS, 4), &Bbr3::default())
                .get()
        };
        assert_eq!(room(62_245), 52_908);
        assert_eq!(room(9_000), 7_500);
        assert_eq!(room(6_500), 6_000);
        let unbounded = LongTerm::default();
        let config = Bbr3::default();
        assert_eq!(unbounded.with_headroom(MSS, MSS, &config), Bytes::MAX);
    }

    #[test]
    fn growth_doubles_every_round() {
        let cwnd = Bytes::new(62_500);
        let mut long_term = LongTerm {
            limit: cwnd,
            ..LongTerm::default()
        };
        long_term.restart_growth();
        // Bytes per packet of growth, and packets grown over a window's worth
        // of bytes; what is left over counts in the next round.
        let rounds = [
            (62_500, 1),
            (31_250, 2),
            (15_625, 4),
            (7_812, 8),
            (3_906, 16),
            (1_953, 32),
            (1_500, 41),
            (1_500, 42),
        ];
        for (step, packets) in rounds {
            long_term.raise_slope(cwnd, MSS);
            assert_eq!(long_term.step, Bytes::new(step));
            let before = long_term.limit;
            for _ in 0..5 {
                long_term.grow(Bytes::new(12_500), MSS);
            }
            assert_eq!(long_term.limit - before, times(MSS, packets), "{step}");
        }
        for _ in 0..100 {
            long_term.raise_slope(cwnd, MSS);
        }
        assert_eq!(long_term.step, MSS);
    }
}
