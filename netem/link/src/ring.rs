//! A queue whose places are filled and emptied where they are.
//!
//! Implements: a ring of a power of two of places that doubles when it is full
//! and is never given back. What is put in is written into its place, and what
//! is taken out can be used there until something is put in again, so that a
//! packet is not moved on the way (`VecDeque` moves it twice).

/// A first-in-first-out queue. `T::default()` is what a vacant place holds.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    places: Box<[T]>,
    /// Number of the first entry; its place is that modulo the number of places.
    head: usize,
    len: usize,
}

impl<T: Default> Ring<T> {
    pub(crate) fn new() -> Self {
        Self {
            places: Box::new([T::default()]),
            head: 0,
            len: 0,
        }
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    const fn place(&self, number: usize) -> usize {
        // The number of places is a power of two.
        number & (self.places.len() - 1)
    }

    /// The place of a further entry behind the last one. It holds what was left
    /// there.
    #[inline]
    pub(crate) fn push(&mut self) -> &mut T {
        if self.len == self.places.len() {
            self.grow();
        }
        let place = self.place(self.head.wrapping_add(self.len));
        self.len += 1;
        &mut self.places[place]
    }

    /// The first entry.
    #[inline]
    pub(crate) fn front(&self) -> Option<&T> {
        (self.len > 0).then(|| &self.places[self.place(self.head)])
    }

    /// Takes out the first entry, if any. It stays in its place until that is
    /// used again.
    #[inline]
    pub(crate) const fn pop(&mut self) {
        if self.len > 0 {
            self.head = self.head.wrapping_add(1);
            self.len -= 1;
        }
    }

    /// What was taken out last, before anything else was put in.
    #[inline]
    pub(crate) fn popped(&mut self) -> &mut T {
        let place = self.place(self.head.wrapping_sub(1));
        &mut self.places[place]
    }

    #[inline]
    pub(crate) const fn clear(&mut self) {
        self.len = 0;
    }

    /// All entries, first to last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len).map(|at| &self.places[self.place(self.head.wrapping_add(at))])
    }

    #[cold]
    fn grow(&mut self) {
        let first = self.place(self.head);
        self.places.rotate_left(first);
        self.head = 0;
        let mut places = std::mem::take(&mut self.places).into_vec();
        places.resize_with(2 * self.len.max(4), T::default);
        self.places = places.into_boxed_slice();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_a_deque(steps in prop::collection::vec(prop::option::weighted(0.6, 0u32..100), 0..400)) {
            let (mut ring, mut plain) = (Ring::new(), VecDeque::new());
            for step in steps {
                match step {
                    Some(value) => {
                        *ring.push() = value;
                        plain.push_back(value);
                    }
                    None => {
                        ring.pop();
                        if let Some(value) = plain.pop_front() {
                            prop_assert_eq!(*ring.popped(), value);
                        }
                    }
                }
                prop_assert_eq!(ring.len(), plain.len());
                prop_assert_eq!(ring.front(), plain.front());
                prop_assert!(ring.iter().eq(plain.iter()));
            }
        }
    }
}
