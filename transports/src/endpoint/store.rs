//! Packets that the sender keeps: those in the pacer by handle, those that may
//! be asked for again by sequence number.

use std::collections::VecDeque;

/// Values by an ascending number; old ones are freed from the front.
#[derive(Debug, Clone)]
pub(super) struct Numbered<T> {
    values: VecDeque<Option<T>>,
    base: u64,
}

impl<T> Numbered<T> {
    pub(super) fn new() -> Self {
        Self {
            values: VecDeque::with_capacity(256),
            base: 0,
        }
    }

    /// The number that the next value will get.
    pub(super) fn next(&self) -> u64 {
        self.base + self.values.len() as u64
    }

    pub(super) fn push(&mut self, value: T) -> u64 {
        let number = self.next();
        self.values.push_back(Some(value));
        number
    }

    pub(super) fn get(&self, number: u64) -> Option<&T> {
        let index = usize::try_from(number.checked_sub(self.base)?).ok()?;
        self.values.get(index)?.as_ref()
    }

    /// Takes a value out; the numbers of the others stay.
    pub(super) fn take(&mut self, number: u64) -> Option<T> {
        let index = usize::try_from(number.checked_sub(self.base)?).ok()?;
        let value = self.values.get_mut(index)?.take();
        while let Some(None) = self.values.front() {
            self.values.pop_front();
            self.base += 1;
        }
        value
    }

    /// Forgets everything below `number`.
    pub(super) fn free_below(&mut self, number: u64) {
        while self.base < number && !self.values.is_empty() {
            self.values.pop_front();
            self.base += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_taking_and_freeing() {
        let mut store = Numbered::new();
        for value in 10..15 {
            store.push(value);
        }
        assert_eq!(store.take(2), Some(12));
        assert_eq!(store.take(2), None);
        assert_eq!(store.take(0), Some(10));
        assert_eq!(store.get(1), Some(&11));
        store.free_below(4);
        assert_eq!(
            (store.get(3), store.get(4), store.next()),
            (None, Some(&14), 5)
        );
        assert_eq!(store.push(15), 5);
    }
}
