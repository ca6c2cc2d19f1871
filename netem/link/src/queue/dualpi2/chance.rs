//! From likelihoods to decisions, and from the L queue's delay to a likelihood.
//!
//! Implements: RFC 9332 appendix A.1: `recur`, which spaces decisions evenly,
//! in units of 2^-32, with an account per purpose; the ramp of figure 5. Linux:
//! random draws, two independent ones for the square.
//! Differs: `recur` acts when its account reaches the whole, not when it
//! exceeds it, so that a likelihood of 1 acts on every packet.

use weaknet_core::Span;
use weaknet_core::rng::Draws;

/// 1 in units of 2^-32.
const WHOLE: u64 = 1 << 32;

/// A likelihood in units of 2^-32.
pub(super) fn q32(likelihood: f64) -> u64 {
    (likelihood.clamp(0.0, 1.0) * WHOLE as f64) as u64
}

/// Decisions that come at even distances.
#[derive(Debug, Default)]
pub(super) struct Recur {
    account: u64,
}

impl Recur {
    pub(super) const fn decide(&mut self, likelihood: u64) -> bool {
        self.account += likelihood;
        let acts = self.account >= WHOLE;
        if acts {
            self.account -= WHOLE;
        }
        acts
    }
}

/// How decisions are made.
#[derive(Debug)]
pub(super) enum Chance {
    Even {
        classic: Recur,
        overload: Recur,
        mark: Recur,
    },
    Random {
        draws: Draws,
        /// Packets that decisions were made about.
        packets: u64,
    },
}

impl Chance {
    pub(super) fn even() -> Self {
        Self::Even {
            classic: Recur::default(),
            overload: Recur::default(),
            mark: Recur::default(),
        }
    }

    pub(super) const fn random(draws: Draws) -> Self {
        Self::Random { draws, packets: 0 }
    }

    /// Moves on to the next packet.
    pub(super) const fn next_packet(&mut self) {
        if let Self::Random { packets, .. } = self {
            *packets += 1;
        }
    }

    /// Whether to drop or mark a classic packet, at p'^2.
    pub(super) fn classic(&mut self, base: f64) -> bool {
        match self {
            Self::Even { classic, .. } => classic.decide(q32(base * base)),
            Self::Random { draws, packets } => square(*draws, *packets, base),
        }
    }

    /// Whether to drop a scalable packet, at p'^2, in overload.
    pub(super) fn overload(&mut self, base: f64) -> bool {
        match self {
            Self::Even { overload, .. } => overload.decide(q32(base * base)),
            Self::Random { draws, packets } => square(*draws, *packets, base),
        }
    }

    /// Whether to mark a scalable packet.
    pub(super) fn mark(&mut self, likelihood: f64) -> bool {
        match self {
            Self::Even { mark, .. } => mark.decide(q32(likelihood)),
            Self::Random { draws, packets } => (draw(*draws, *packets, 2)) < q32(likelihood),
        }
    }
}

/// Draw number `which` of three that belong to a packet, in units of 2^-32.
const fn draw(draws: Draws, packet: u64, which: u64) -> u64 {
    draws.bits(packet.wrapping_mul(3).wrapping_add(which)) >> 32
}

fn square(draws: Draws, packet: u64, base: f64) -> bool {
    let base = q32(base);
    draw(draws, packet, 0) < base && draw(draws, packet, 1) < base
}

/// The L queue's own marking.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Native {
    /// From `min` on with a likelihood that reaches 1 after `range` more, while
    /// more than `spared` packets wait.
    Ramp { min: Span, range: Span, spared: u64 },
    /// Whatever has waited for longer.
    Step { above: Span },
}

impl Native {
    /// The likelihood for a packet that has waited for `sojourn` and leaves so
    /// many behind.
    pub(super) fn likelihood(&self, sojourn: Span, left: u64) -> f64 {
        match self {
            Self::Ramp { spared, .. } if left <= *spared => 0.0,
            Self::Ramp { min, range, .. } => {
                if sojourn >= *min + *range {
                    1.0
                } else if sojourn > *min {
                    (sojourn - *min).as_nanos() as f64 / range.as_nanos() as f64
                } else {
                    0.0
                }
            }
            Self::Step { above } => f64::from(u8::from(sojourn > *above)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acted(likelihood: f64, packets: u32) -> Vec<u32> {
        let mut recur = Recur::default();
        (1..=packets)
            .filter(|_| recur.decide(q32(likelihood)))
            .collect()
    }

    /// queues-and-wire 1.4, vector D5, with `>=`.
    #[test]
    fn decisions_come_at_even_distances() {
        assert_eq!(q32(0.3), 1_288_490_188);
        assert_eq!(acted(0.3, 27), [4, 7, 11, 14, 17, 21, 24, 27]);
        assert_eq!(acted(0.25, 12), [4, 8, 12]);
        assert_eq!(acted(0.5, 6), [2, 4, 6]);
        assert_eq!(acted(1.0, 4), [1, 2, 3, 4]);
        assert_eq!(acted(7.0, 4), [1, 2, 3, 4], "1 at most");
        assert_eq!(acted(0.0, 1000), [0u32; 0]);
    }

    /// Vector D6.
    #[test]
    fn ramp() {
        let ramp = Native::Ramp {
            min: Span::from_micros(800),
            range: Span::from_micros(400),
            spared: 1,
        };
        for (us, want) in [
            (800, 0.0),
            (801, 0.0025),
            (900, 0.25),
            (1000, 0.5),
            (1199, 0.9975),
            (1200, 1.0),
        ] {
            let sojourn = Span::from_micros(us);
            assert_eq!(ramp.likelihood(sojourn, 2), want, "{us} us");
            assert_eq!(ramp.likelihood(sojourn, 1), 0.0, "one packet is spared");
        }
    }

    #[test]
    fn step() {
        let step = Native::Step {
            above: Span::from_millis(1),
        };
        assert_eq!(step.likelihood(Span::from_millis(1), 0), 0.0);
        assert_eq!(step.likelihood(Span::from_nanos(1_000_001), 0), 1.0);
    }

    /// Random drops at p'^2 and marks at their likelihood: counts within four
    /// standard deviations of 100 000 draws.
    #[test]
    fn random_decisions_have_their_shares() {
        let mut chance = Chance::random(Draws::from_key(9332));
        let n = 100_000;
        let (mut classic, mut mark) = (0, 0);
        for _ in 0..n {
            chance.next_packet();
            classic += u32::from(chance.classic(0.3));
            mark += u32::from(chance.mark(0.6));
        }
        for (count, p) in [(classic, 0.09), (mark, 0.6)] {
            let n = f64::from(n);
            assert!(
                (f64::from(count) - n * p).abs() < 4.0 * (n * p * (1.0 - p)).sqrt(),
                "{count}"
            );
        }
    }
}
