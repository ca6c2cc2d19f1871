//! The event set: the next instant of each component, and the earliest of them.
//!
//! Implements: a winner tree over a fixed number of components. A change costs
//! at most one comparison per level, and none above the first level that does
//! not change. Of equal instants the lowest position wins.

use weaknet_core::Time;

/// The next instant of each component.
pub(crate) struct Agenda {
    /// A complete binary tree, root at 1, leaves from `leaves` on; each inner
    /// node is the earlier of its two children, [`Time::MAX`] means never.
    tree: Vec<Time>,
    leaves: usize,
}

impl Agenda {
    /// An agenda of that many components, all of them idle.
    pub(crate) fn new(components: usize) -> Self {
        let leaves = components.next_power_of_two();
        Self {
            tree: vec![Time::MAX; 2 * leaves],
            leaves,
        }
    }

    /// Sets the next instant of a component.
    pub(crate) fn set(&mut self, component: usize, at: Option<Time>) {
        let mut node = self.leaves + component;
        let mut earliest = at.unwrap_or(Time::MAX);
        while self.tree[node] != earliest {
            self.tree[node] = earliest;
            if node == 1 {
                return;
            }
            earliest = earliest.min(self.tree[node ^ 1]);
            node /= 2;
        }
    }

    /// The earliest instant and the lowest component that has it.
    pub(crate) fn first(&self) -> Option<(Time, usize)> {
        let earliest = self.tree[1];
        if earliest == Time::MAX {
            return None;
        }
        let mut node = 1;
        while node < self.leaves {
            node = 2 * node + usize::from(self.tree[2 * node] != earliest);
        }
        Some((earliest, node - self.leaves))
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
