//! The event set: the next instant of each component, and the earliest of them.
//!
//! Implements: a winner tree over a fixed number of components. A change
//! replays the matches from its leaf to the root, without any branch that
//! depends on who wins; the earliest is read off the root. Of equal instants
//! the lowest position wins. Links and nodes have a tree each, so that the many
//! nodes that only wait for packets cost the few links nothing.

use weaknet_core::Time;

/// The next instants of components of one class, by position.
pub(crate) struct Agenda {
    /// A complete binary tree, root at 1, leaves from `leaves` on; each inner
    /// node is the winner of its two children, [`Time::MAX`] means never.
    tree: Box<[Entry]>,
    leaves: usize,
    /// What stands at the root.
    first: Entry,
}

/// An instant and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    at: Time,
    component: usize,
}

impl Agenda {
    /// An agenda of that many components, all of them idle.
    pub(crate) fn new(components: usize) -> Self {
        let leaves = components.next_power_of_two();
        // The leftmost leaf below a node is the lowest component there.
        let leftmost = |node: usize| (node << (leaves.ilog2() - node.ilog2())) - leaves;
        let entry = |node: usize| Entry {
            at: Time::MAX,
            component: leftmost(node.max(1)),
        };
        Self {
            tree: (0..2 * leaves).map(entry).collect(),
            leaves,
            first: entry(1),
        }
    }

    /// Sets the next instant of a component.
    #[inline(always)]
    pub(crate) fn set(&mut self, component: usize, at: Option<Time>) {
        let at = at.unwrap_or(Time::MAX);
        let mut node = self.leaves + component;
        if self.tree[node].at == at {
            return;
        }
        self.tree[node].at = at;
        while node > 1 {
            node /= 2;
            // Positions on the left are lower than those on the right.
            let (left, right) = (self.tree[2 * node], self.tree[2 * node + 1]);
            self.tree[node] = if left.at <= right.at { left } else { right };
        }
        self.first = self.tree[1];
    }

    /// The earliest instant, [`Time::MAX`] when there is none, and the lowest
    /// component that has it.
    #[inline(always)]
    pub(crate) const fn first(&self) -> (Time, usize) {
        let Entry { at, component } = self.first;
        (at, component)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_component_is_a_tree_too() {
        let mut agenda = Agenda::new(1);
        assert_eq!(agenda.first().0, Time::MAX);
        agenda.set(0, Some(Time::from_nanos(5)));
        assert_eq!(agenda.first(), (Time::from_nanos(5), 0));
        agenda.set(0, None);
        assert_eq!(agenda.first().0, Time::MAX);
        assert_eq!(Agenda::new(0).first().0, Time::MAX);
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
                let found = Some(agenda.first()).filter(|(at, _)| *at < Time::MAX);
                prop_assert_eq!(found, want);
            }
        }
    }
}
