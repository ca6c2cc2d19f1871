//! The event set: the next instant of each component, and the earliest of them.
//!
//! Implements: a winner tree over a fixed number of components. A change
//! replays the matches from its leaf to the root, without any branch that
//! depends on who wins; the earliest is read off the root. Of equal instants
//! the lowest position wins.

use weaknet_core::Time;

/// An instant in the upper half, the component's position in the lower, so that
/// one comparison decides by both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry(u128);

impl Entry {
    const fn new(at: Time, component: usize) -> Self {
        Self((at.as_nanos() as u128) << 64 | component as u128)
    }

    const fn at(self) -> Time {
        Time::from_nanos((self.0 >> 64) as u64)
    }

    const fn component(self) -> usize {
        self.0 as u64 as usize
    }
}

/// The next instant of each component.
pub(crate) struct Agenda {
    /// A complete binary tree, root at 1, leaves from `leaves` on; each inner
    /// node is the earlier of its two children, [`Time::MAX`] means never.
    tree: Vec<Entry>,
    leaves: usize,
}

impl Agenda {
    /// An agenda of that many components, all of them idle.
    pub(crate) fn new(components: usize) -> Self {
        let leaves = components.next_power_of_two();
        // The leftmost leaf below a node is the lowest component there.
        let leftmost = |node: usize| (node << (leaves.ilog2() - node.max(1).ilog2())) - leaves;
        let tree = (0..2 * leaves).map(|node| Entry::new(Time::MAX, leftmost(node.max(1))));
        Self {
            tree: tree.collect(),
            leaves,
        }
    }

    /// Sets the next instant of a component.
    pub(crate) fn set(&mut self, component: usize, at: Option<Time>) {
        let mut node = self.leaves + component;
        let mut winner = Entry::new(at.unwrap_or(Time::MAX), component);
        if self.tree[node] == winner {
            return;
        }
        self.tree[node] = winner;
        while node > 1 {
            winner = winner.min(self.tree[node ^ 1]);
            node /= 2;
            self.tree[node] = winner;
        }
    }

    /// The earliest instant and the lowest component that has it.
    pub(crate) fn first(&self) -> Option<(Time, usize)> {
        let winner = self.tree[1];
        (winner.at() < Time::MAX).then(|| (winner.at(), winner.component()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_component_is_a_tree_too() {
        let mut agenda = Agenda::new(1);
        assert_eq!(agenda.first(), None);
        agenda.set(0, Some(Time::from_nanos(5)));
        assert_eq!(agenda.first(), Some((Time::from_nanos(5), 0)));
        agenda.set(0, None);
        assert_eq!(agenda.first(), None);
        assert_eq!(Agenda::new(0).first(), None);
    }

    proptest! {
        #[test]
        fn agrees_with_a_scan(size in 1usize..40, changes in prop::collection::vec((0usize..40, prop::option::of(0u64..8)), 0..200)) {
            let mut agenda = Agenda::new(size);
            let mut plain = vec![None; size];
            for (component, at) in changes {
                let (component, at) = (component % size, at.map(Time::from_nanos));
                agenda.set(component, at);
                plain[component] = at;
                let want = plain.iter().enumerate().filter_map(|(i, at)| at.map(|at| (at, i))).min();
                prop_assert_eq!(agenda.first(), want);
            }
        }
    }
}
