//! The loss models of netem.

use super::chance::{Chance, Source};

/// Which packets are lost.
#[derive(Debug, Clone)]
pub(super) enum Generator {
    None,
    Random(Chance),
    State(FourStates),
    Gemodel(Gemodel),
}

impl Generator {
    pub(super) fn loses(&mut self, source: &mut impl Source) -> bool {
        match self {
            Self::None => false,
            Self::Random(chance) => chance.happens(source),
            Self::State(chain) => chain.loses(source),
            Self::Gemodel(chain) => chain.loses(source),
        }
    }
}

/// A chain of four states; the state that it moves to decides.
#[derive(Debug, Clone)]
pub(super) struct FourStates {
    pub(super) p13: u32,
    pub(super) p31: u32,
    pub(super) p32: u32,
    pub(super) p23: u32,
    pub(super) p14: u32,
    pub(super) state: State,
}

/// Where the chain of four states is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// 1: passes between bursts.
    Gap,
    /// 2: passes within a burst.
    Hole,
    /// 3: is lost within a burst.
    Burst,
    /// 4: is lost alone.
    Single,
}

impl FourStates {
    fn loses(&mut self, source: &mut impl Source) -> bool {
        let draw = source.draw();
        self.state = match self.state {
            State::Gap if draw < self.p14 => State::Single,
            State::Gap if draw < self.p14.saturating_add(self.p13) => State::Burst,
            State::Hole if draw < self.p23 => State::Burst,
            State::Hole => State::Hole,
            State::Burst if draw < self.p32 => State::Hole,
            State::Burst if draw >= self.p32.saturating_add(self.p31) => State::Burst,
            _ => State::Gap,
        };
        matches!(self.state, State::Burst | State::Single)
    }
}

/// A chain of two states: first it moves, then the state before decides.
#[derive(Debug, Clone)]
pub(super) struct Gemodel {
    pub(super) p: u32,
    pub(super) r: u32,
    /// The kernel keeps the complement of the loss in the bad state.
    pub(super) h: u32,
    /// Loss in the good state.
    pub(super) one_minus_k: u32,
    pub(super) bad: bool,
}

impl Gemodel {
    fn loses(&mut self, source: &mut impl Source) -> bool {
        let (before, leave) = (self.bad, if self.bad { self.r } else { self.p });
        if source.draw() < leave {
            self.bad = !self.bad;
        }
        let draw = source.draw();
        if before {
            draw > self.h
        } else {
            draw < self.one_minus_k
        }
    }
}
