//! A set of whole numbers as ranges: packet numbers that have arrived, bytes of
//! a stream that are still missing.

use std::collections::VecDeque;
use std::ops::Range;

/// Numbers as ascending ranges that neither overlap nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges {
    ranges: VecDeque<Range<u64>>,
}

impl Ranges {
    /// No numbers.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            ranges: VecDeque::new(),
        }
    }

    /// Index of the first range that ends at `number` or behind it.
    fn place(&self, number: u64) -> usize {
        // What is new is at the end as a rule.
        match self.ranges.back() {
            None => return 0,
            Some(last) if last.start <= number => {
                return self.ranges.len() - usize::from(number <= last.end);
            }
            Some(_) => {}
        }
        self.ranges.partition_point(|range| range.end < number)
    }

    /// Adds all numbers of `new`; whether any of them was not there.
    pub fn insert(&mut self, new: Range<u64>) -> bool {
        if new.is_empty() {
            return false;
        }
        let at = self.place(new.start);
        let Some(range) = self.ranges.get_mut(at).filter(|r| r.start <= new.end) else {
            self.ranges.insert(at, new);
            return true;
        };
        if range.start <= new.start && new.end <= range.end {
            return false;
        }
        range.start = range.start.min(new.start);
        let mut end = range.end.max(new.end);
        while let Some(next) = self.ranges.get(at + 1).filter(|next| next.start <= end) {
            end = end.max(next.end);
            self.ranges.remove(at + 1);
        }
        if let Some(range) = self.ranges.get_mut(at) {
            range.end = end;
        }
        true
    }

    /// Takes all numbers of `old` away.
    pub fn remove(&mut self, old: Range<u64>) {
        if old.is_empty() {
            return;
        }
        let mut at = self.ranges.partition_point(|range| range.end <= old.start);
        while let Some(range) = self.ranges.get_mut(at).filter(|r| r.start < old.end) {
            let behind = old.end.max(range.start)..range.end;
            let before = range.start..old.start.min(range.end);
            match (before.is_empty(), behind.is_empty()) {
                (true, true) => {
                    self.ranges.remove(at);
                }
                (true, false) => {
                    *range = behind;
                    return;
                }
                (false, true) => {
                    *range = before;
                    at += 1;
                }
                (false, false) => {
                    *range = before;
                    self.ranges.insert(at + 1, behind);
                    return;
                }
            }
        }
    }

    /// Whether a number is in the set.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        let at = self.ranges.partition_point(|range| range.end <= number);
        self.ranges
            .get(at)
            .is_some_and(|range| range.start <= number)
    }

    /// The parts of `whole` that are not in the set, ascending.
    pub fn missing(&self, whole: Range<u64>) -> impl Iterator<Item = Range<u64>> + '_ {
        let first = self
            .ranges
            .partition_point(|range| range.end <= whole.start);
        let inside = self
            .ranges
            .range(first..)
            .take_while(move |range| range.start < whole.end);
        let mut from = whole.start;
        inside
            .cloned()
            .chain(std::iter::once(whole.end..u64::MAX))
            .map(move |range| std::mem::replace(&mut from, range.end)..range.start)
            .filter(|gap| !gap.is_empty())
    }

    /// The lowest range.
    #[must_use]
    pub fn first(&self) -> Option<Range<u64>> {
        self.ranges.front().cloned()
    }

    /// The highest range.
    #[must_use]
    pub fn last(&self) -> Option<Range<u64>> {
        self.ranges.back().cloned()
    }

    /// Takes the lowest range out.
    pub fn pop_first(&mut self) -> Option<Range<u64>> {
        self.ranges.pop_front()
    }

    /// Ranges, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Range<u64>> {
        self.ranges.iter()
    }

    /// Number of ranges.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there are no numbers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn neighbours_become_one() {
        let mut set = Ranges::new();
        assert!(set.insert(0..2) && set.insert(4..6) && set.insert(8..9));
        assert!(!set.insert(4..5) && !set.insert(3..3));
        assert_eq!(set.missing(1..12).collect::<Vec<_>>(), [2..4, 6..8, 9..12]);
        assert!(set.insert(2..4));
        assert_eq!(set.iter().cloned().collect::<Vec<_>>(), [0..6, 8..9]);
        set.remove(1..5);
        assert_eq!(set.iter().cloned().collect::<Vec<_>>(), [0..1, 5..6, 8..9]);
    }

    proptest! {
        #[test]
        fn is_a_set(steps in prop::collection::vec((any::<bool>(), 0u64..60, 0u64..20), 0..60)) {
            let (mut set, mut plain) = (Ranges::new(), BTreeSet::new());
            for (add, start, length) in steps {
                let range = start..start + length;
                if add {
                    let fresh = range.clone().any(|n| !plain.contains(&n));
                    plain.extend(range.clone());
                    prop_assert_eq!(set.insert(range), fresh);
                } else {
                    plain.retain(|n| !range.contains(n));
                    set.remove(range);
                }
                for n in 0..80 {
                    prop_assert_eq!(set.contains(n), plain.contains(&n));
                }
                let gaps: Vec<u64> = set.missing(5..70).flatten().collect();
                prop_assert_eq!(gaps, (5..70).filter(|n| !plain.contains(n)).collect::<Vec<_>>());
                let apart = set.ranges.iter().zip(set.ranges.iter().skip(1)).all(|(a, b)| a.end < b.start);
                prop_assert!(apart && set.ranges.iter().all(|r| !r.is_empty()));
            }
        }
    }
}
