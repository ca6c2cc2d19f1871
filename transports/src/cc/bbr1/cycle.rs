//! The cycle of pacing gains in ProbeBW.
//!
//! Implements: draft-cardwell-iccrg-bbr-congestion-control-00, section 4.3.4:
//! eight phases of about one shortest round trip; one probes, the next drains,
//! six cruise. A cycle begins at random with any phase but the one that
//! drains.

use weaknet_core::rng::Sequence;
use weaknet_core::{Bytes, Span, Time};

use super::Bbr1;

/// Phases in a cycle.
const PHASES: u64 = 8;

/// Where the flow is in its cycle.
#[derive(Debug, Clone)]
pub(super) struct Cycle {
    random: Sequence,
    phase: u64,
    began: Time,
}

/// What decides whether a phase is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct PhaseEnd {
    pub(super) now: Time,
    pub(super) min_rtt: Span,
    /// Bytes in flight before the ACK.
    pub(super) prior_in_flight: Bytes,
    /// Flight that carries the bandwidth times the gain of the phase.
    pub(super) wanted: Bytes,
    /// Flight that carries the bandwidth.
    pub(super) full: Bytes,
    /// Whether the ACK told of a loss.
    pub(super) lost: bool,
}

impl Cycle {
    pub(super) const fn new(random: Sequence) -> Self {
        Self {
            random,
            phase: 0,
            began: Time::ZERO,
        }
    }

    /// The same with the random numbers that follow.
    pub(super) fn renewed(&self) -> Self {
        Self::new(self.random.clone())
    }

    /// Begins a cycle at random.
    pub(super) fn begin(&mut self, now: Time) {
        let drawn = (self.random.unit() * (PHASES - 1) as f64) as u64;
        self.phase = PHASES - 1 - drawn;
        self.advance(now);
    }

    /// Begins the next phase.
    pub(super) const fn advance(&mut self, now: Time) {
        self.phase = (self.phase + 1) % PHASES;
        self.began = now;
    }

    /// Number of the phase: 0 probes, 1 drains.
    pub(super) const fn phase(&self) -> u64 {
        self.phase
    }

    /// Pacing gain of the phase.
    pub(super) const fn gain(&self, config: &Bbr1) -> f64 {
        match self.phase {
            0 => config.probe_gain,
            1 => config.drain_gain,
            _ => 1.0,
        }
    }

    /// Whether the phase is over.
    pub(super) fn is_over(&self, end: &PhaseEnd) -> bool {
        let is_long = end.now - self.began > end.min_rtt;
        match self.phase {
            0 => is_long && (end.lost || end.prior_in_flight >= end.wanted),
            1 => is_long || end.prior_in_flight <= end.full,
            _ => is_long,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Streams;

    fn cycle(seed: u64) -> Cycle {
        Cycle::new(Streams::new(seed).sequence("call", "cycle start"))
    }

    #[test]
    fn begins_with_any_phase_but_the_one_that_drains() {
        let mut seen = [0; 8];
        let mut cycle = cycle(1);
        for _ in 0..7_000 {
            cycle.begin(Time::ZERO);
            seen[cycle.phase() as usize] += 1;
        }
        assert_eq!(seen[1], 0);
        let others = || seen.iter().filter(|n| **n > 0);
        assert_eq!(others().count(), 7);
        // Seven of 1000 each; five standard deviations are 146.
        assert!(others().all(|n| (854..=1_146).contains(n)), "{seen:?}");
    }

    #[test]
    fn gains_and_ends_of_the_phases() {
        let (config, mut cycle) = (Bbr1::default(), cycle(1));
        let end = |ms, prior: u64, lost| PhaseEnd {
            now: Time::from_millis(ms),
            min_rtt: Span::from_millis(40),
            prior_in_flight: Bytes::new(prior),
            wanted: Bytes::new(71_500),
            full: Bytes::new(59_000),
            lost,
        };
        cycle.phase = 7;
        cycle.advance(Time::ZERO);
        assert_eq!(cycle.gain(&config), 1.25);
        assert!(!cycle.is_over(&end(40, 80_000, true)));
        assert!(!cycle.is_over(&end(41, 71_499, false)));
        assert!(cycle.is_over(&end(41, 71_500, false)));
        assert!(cycle.is_over(&end(41, 60_000, true)));
        cycle.advance(Time::ZERO);
        assert_eq!(cycle.gain(&config), 0.75);
        assert!(!cycle.is_over(&end(40, 59_001, false)));
        assert!(cycle.is_over(&end(1, 59_000, false)));
        assert!(cycle.is_over(&end(41, 80_000, false)));
        for _ in 0..6 {
            cycle.advance(Time::ZERO);
            assert_eq!(cycle.gain(&config), 1.0);
            assert!(!cycle.is_over(&end(40, 0, true)));
            assert!(cycle.is_over(&end(41, 80_000, false)));
        }
        cycle.advance(Time::ZERO);
        assert_eq!(cycle.phase(), 0);
    }
}
