//! Where a chain is after a number of steps, whatever steps were asked about
//! before.
//!
//! Each step has its own draw, and each draw is a map from the state before to
//! the state after. Usually the number of steps grows by one and the chain just
//! walks. After a long silence with draws keyed by time it grows by millions:
//! then the maps are composed backwards from the last one until all states lead
//! to the same one, and the steps before cannot matter.
//!
//! Implements: coupling from the past (Propp and Wilson, Random Structures and
//! Algorithms 9, 1996) on given draws, so that the result is exactly that of
//! walking. It costs as many draws as the chain remembers, at most the steps
//! walked over: all of them when no draw ever joins two states.

/// So few steps are walked forwards.
const FEW: u64 = 16;

/// A chain of `N` states that starts in the first one.
#[derive(Debug)]
pub(super) struct Walk<const N: usize> {
    state: u8,
    step: u64,
}

impl<const N: usize> Walk<N> {
    pub(super) const fn new() -> Self {
        Self { state: 0, step: 0 }
    }

    /// The state after `step` steps, not fewer than before. `map(k)` says where
    /// step `k` leads from each state.
    pub(super) fn after(&mut self, step: u64, map: impl Fn(u64) -> [u8; N]) -> usize {
        let from = self.step;
        self.step = step.max(from);
        if step.saturating_sub(from) <= FEW {
            for k in from..step {
                self.state = map(k)[usize::from(self.state)];
            }
        } else {
            self.state = Self::composed(from, step, map)[usize::from(self.state)];
        }
        usize::from(self.state)
    }

    /// Where steps `from` to `to` lead from each state.
    fn composed(from: u64, to: u64, map: impl Fn(u64) -> [u8; N]) -> [u8; N] {
        let mut rest: [u8; N] = std::array::from_fn(|state| state as u8);
        for k in (from..to).rev() {
            if rest.iter().all(|state| *state == rest[0]) {
                break;
            }
            rest = map(k).map(|state| rest[usize::from(state)]);
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use proptest::prelude::*;
    use weaknet_core::rng::Draws;

    fn three_states(k: u64) -> [u8; 3] {
        let u = Draws::from_key(7).unit(k);
        [u8::from(u < 0.1), u8::from(u < 0.7) * 2, u8::from(u < 0.05)]
    }

    proptest! {
        #[test]
        fn jumping_is_walking(steps in prop::collection::vec(0u64..400, 1..20)) {
            let (mut jumping, mut walking) = (Walk::<3>::new(), Walk::<3>::new());
            let mut at = 0;
            for by in steps {
                let one_by_one = (at..=at + by).map(|k| walking.after(k, three_states)).last();
                at += by;
                prop_assert_eq!(Some(jumping.after(at, three_states)), one_by_one);
            }
        }
    }

    #[test]
    fn an_endless_silence_costs_the_memory_of_the_chain() {
        let asked = Cell::new(0u32);
        let map = |k| {
            asked.set(asked.get() + 1);
            three_states(k)
        };
        Walk::<3>::new().after(u64::MAX, map);
        assert!(asked.get() < 1_000, "{}", asked.get());
    }
}
