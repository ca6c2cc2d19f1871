//! Draws of 32 bits, and probabilities compared with them.

use weaknet_core::rng::Sequence;

use crate::random32::average;

/// Where draws come from.
pub(super) trait Source: Send {
    fn draw(&mut self) -> u32;
}

impl Source for Sequence {
    fn draw(&mut self) -> u32 {
        (self.bits() >> 32) as u32
    }
}

/// Draws that resemble the one before.
#[derive(Debug, Clone)]
pub(super) struct Correlated {
    weight: u32,
    last: u32,
}

impl Correlated {
    /// `first` is the number before the first one.
    pub(super) fn new(weight: u32, first: &mut impl Source) -> Self {
        Self {
            weight,
            last: first.draw(),
        }
    }

    pub(super) fn draw(&mut self, source: &mut impl Source) -> u32 {
        let mixed = average(source.draw(), self.last, self.weight);
        if self.weight != 0 {
            self.last = mixed;
        }
        mixed
    }
}

/// Something that happens with a probability.
#[derive(Debug, Clone)]
pub(super) struct Chance {
    probability: u32,
    draws: Correlated,
}

impl Chance {
    pub(super) const fn new(probability: u32, draws: Correlated) -> Self {
        Self { probability, draws }
    }

    /// Whether it happens; without a probability nothing is drawn.
    pub(super) fn happens(&mut self, source: &mut impl Source) -> bool {
        self.probability != 0 && self.holds(source)
    }

    /// Whether the probability reaches the next draw.
    pub(super) fn holds(&mut self, source: &mut impl Source) -> bool {
        self.probability >= self.draws.draw(source)
    }
}
