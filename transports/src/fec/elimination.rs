//! Linear equations over GF(2^8), solved as they come.
//!
//! Implements: Gauss-Jordan elimination kept up with every new equation and
//! every unknown that becomes known. The right-hand sides are bytes, or nothing at
//! all when only the question matters what can be solved: the steps are the same.

use std::collections::BTreeMap;

use super::gf256::{self, add_products};

/// The right-hand side of an equation.
pub(super) trait Side: Clone {
    /// Adds the other one times a factor.
    fn add(&mut self, factor: u8, other: &Self);
    /// Multiplies it.
    fn scale(&mut self, factor: u8);
}

impl Side for () {
    fn add(&mut self, _: u8, (): &Self) {}
    fn scale(&mut self, _: u8) {}
}

impl Side for Vec<u8> {
    fn add(&mut self, factor: u8, other: &Self) {
        if self.len() < other.len() {
            self.resize(other.len(), 0);
        }
        let width = self.len();
        add_products(self, width, &[factor], &[other]);
    }

    fn scale(&mut self, factor: u8) {
        for byte in self {
            *byte = gf256::multiply(*byte, factor);
        }
    }
}

/// Coefficients of unknowns, none of them zero.
pub(super) type Terms = BTreeMap<u64, u8>;

#[derive(Debug, Clone)]
struct Row<S> {
    terms: Terms,
    side: S,
}

impl<S: Side> Row<S> {
    fn add(&mut self, factor: u8, other: &Self) {
        for (unknown, coefficient) in &other.terms {
            let sum = self.terms.entry(*unknown).or_default();
            *sum ^= gf256::multiply(factor, *coefficient);
            if *sum == 0 {
                self.terms.remove(unknown);
            }
        }
        self.side.add(factor, &other.side);
    }

    fn scale(&mut self, factor: u8) {
        for coefficient in self.terms.values_mut() {
            *coefficient = gf256::multiply(*coefficient, factor);
        }
        self.side.scale(factor);
    }
}

/// Equations in reduced form: each has a leading unknown, with coefficient one,
/// that no other has.
#[derive(Debug, Clone)]
pub(super) struct Elimination<S> {
    /// By leading unknown.
    rows: BTreeMap<u64, Row<S>>,
}

impl<S> Default for Elimination<S> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
        }
    }
}

impl<S: Side> Elimination<S> {
    /// A new equation. Unknowns that it solves are pushed to `solved`, once each.
    pub(super) fn add(&mut self, terms: Terms, side: S, solved: &mut Vec<(u64, S)>) {
        let mut row = Row { terms, side };
        let leading: Vec<(u64, u8)> = row
            .terms
            .iter()
            .filter(|(unknown, _)| self.rows.contains_key(unknown))
            .map(|(unknown, coefficient)| (*unknown, *coefficient))
            .collect();
        for (unknown, coefficient) in leading {
            row.add(coefficient, &self.rows[&unknown]);
        }
        let Some((&first, &coefficient)) = row.terms.first_key_value() else {
            return;
        };
        row.scale(gf256::inverse(coefficient));
        for other in self.rows.values_mut() {
            if let Some(&coefficient) = other.terms.get(&first) {
                other.add(coefficient, &row);
            }
        }
        self.rows.insert(first, row);
        self.take_solved(solved);
    }

    /// An unknown became known.
    pub(super) fn know(&mut self, unknown: u64, value: &S, solved: &mut Vec<(u64, S)>) {
        let led = self.rows.remove(&unknown);
        for row in self.rows.values_mut() {
            if let Some(coefficient) = row.terms.remove(&unknown) {
                row.side.add(coefficient, value);
            }
        }
        if let Some(mut row) = led {
            let coefficient = row.terms.remove(&unknown).unwrap_or_default();
            row.side.add(coefficient, value);
            self.add(row.terms, row.side, solved);
        }
        self.take_solved(solved);
    }

    /// Drops every equation with an unknown below this one.
    pub(super) fn forget_below(&mut self, unknown: u64) {
        self.rows
            .retain(|_, row| row.terms.range(..unknown).next().is_none());
    }

    /// Equations that are not solved.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    fn take_solved(&mut self, solved: &mut Vec<(u64, S)>) {
        let done = self.rows.extract_if(.., |_, row| row.terms.len() == 1);
        solved.extend(done.map(|(unknown, row)| (unknown, row.side)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Equations over unknowns 0 to 5 with values known to the test.
    fn equations() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<[u8; 6]>)> {
        let values = prop::collection::vec(prop::collection::vec(any::<u8>(), 4), 6);
        let sparse = prop_oneof![3 => Just(0), 2 => any::<u8>()];
        let rows = prop::collection::vec(prop::array::uniform6(sparse), 1..12);
        (values, rows)
    }

    fn terms(row: &[u8; 6]) -> Terms {
        let numbered = (0..).zip(row.iter().copied());
        numbered
            .filter(|(_, coefficient)| *coefficient != 0)
            .collect()
    }

    /// Rank of the rows without some of the columns.
    fn rank(rows: &[[u8; 6]], without: Option<usize>) -> usize {
        let mut rows: Vec<Vec<u8>> = rows.iter().map(|row| row.to_vec()).collect();
        let mut rank = 0;
        for column in (0..6).filter(|column| Some(*column) != without) {
            let Some(pivot) = (rank..rows.len()).find(|at| rows[*at][column] != 0) else {
                continue;
            };
            rows.swap(rank, pivot);
            let head = rows[rank].clone();
            for row in &mut rows[rank + 1..] {
                let factor = gf256::divide(row[column], head[column]);
                for (number, by) in row.iter_mut().zip(&head) {
                    *number ^= gf256::multiply(factor, *by);
                }
            }
            rank += 1;
        }
        rank
    }

    proptest! {
        /// Just those unknowns come out without which the rank falls, with
        /// their values, in either form.
        #[test]
        fn what_can_be_solved_is_solved((values, rows) in equations()) {
            let mut bytes = Elimination::<Vec<u8>>::default();
            let mut numbers = Elimination::<()>::default();
            let (mut found, mut names) = (Vec::new(), Vec::new());
            for row in &rows {
                let sum = |at: usize| {
                    let products = row.iter().zip(&values);
                    products.fold(0, |sum, (c, value)| sum ^ gf256::multiply(*c, value[at]))
                };
                // An unknown that is solved does not come again.
                let mut left = terms(row);
                let mut side: Vec<u8> = (0..4).map(sum).collect();
                for (unknown, value) in &found {
                    if let Some(coefficient) = left.remove(unknown) {
                        side.add(coefficient, value);
                    }
                }
                numbers.add(left.clone(), (), &mut names);
                bytes.add(left, side, &mut found);
            }
            for (unknown, value) in &found {
                prop_assert_eq!(value, &values[usize::try_from(*unknown).unwrap()]);
            }
            let mut solved: Vec<u64> = found.iter().map(|(unknown, _)| *unknown).collect();
            solved.sort_unstable();
            let whole = rank(&rows, None);
            let needed = (0..6u64).filter(|at| {
                let without = rank(&rows, Some(usize::try_from(*at).unwrap()));
                without < whole && is_determined(&rows, usize::try_from(*at).unwrap())
            });
            prop_assert_eq!(&solved, &needed.collect::<Vec<_>>());
            let mut names: Vec<u64> = names.iter().map(|(unknown, ())| *unknown).collect();
            names.sort_unstable();
            prop_assert_eq!(names, solved);
        }

        /// It is the same to learn a value as to have never asked for it.
        #[test]
        fn knowing_is_as_good_as_solving((values, rows) in equations(), known in 0_u64..6) {
            prop_assume!(!values.is_empty());
            let mut late = Elimination::<()>::default();
            let mut early = Elimination::<()>::default();
            let (mut one, mut other) = (Vec::new(), Vec::new());
            for row in &rows {
                let mut left = terms(row);
                left.retain(|unknown, _| !one.contains(&(*unknown, ())));
                late.add(left, (), &mut one);
                let mut left = terms(row);
                left.retain(|at, _| *at != known && !other.contains(&(*at, ())));
                early.add(left, (), &mut other);
            }
            late.know(known, &(), &mut one);
            let names = |mut found: Vec<(u64, ())>| {
                found.retain(|(unknown, ())| *unknown != known);
                found.sort_unstable();
                found.dedup();
                found
            };
            prop_assert_eq!(names(one), names(other));
        }
    }

    /// Whether the unit vector lies in the space of the rows.
    fn is_determined(rows: &[[u8; 6]], at: usize) -> bool {
        let mut unit = [0; 6];
        unit[at] = 1;
        let with: Vec<[u8; 6]> = rows.iter().copied().chain([unit]).collect();
        rank(&with, None) == rank(rows, None)
    }

    #[test]
    fn old_equations_go() {
        let mut system = Elimination::<()>::default();
        let mut solved = Vec::new();
        system.add([(1, 1), (2, 1)].into(), (), &mut solved);
        system.add([(5, 1), (6, 1)].into(), (), &mut solved);
        system.forget_below(2);
        assert_eq!((system.len(), solved.len()), (1, 0));
    }
}
