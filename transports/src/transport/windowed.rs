//! The largest or smallest value of a sliding window, in three samples.
//!
//! Implements: Kathleen Nichols' estimator as Linux has it in
//! `lib/win_minmax.c` (2016): the best value, the best after it and the best
//! after that; when the best leaves the window the second takes its place. The
//! result is never worse than the true extreme of the last quarter of the
//! window and never better than that of the whole. "When" is any quantity that
//! never falls: nanoseconds or round trips.

/// A value and when it was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample<T> {
    at: u64,
    value: T,
}

/// The largest value over a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowedMax<T> {
    window: u64,
    best: Option<[Sample<T>; 3]>,
}

impl<T: Copy + PartialOrd> WindowedMax<T> {
    /// A filter without a sample, over a window of that length.
    #[must_use]
    pub const fn new(window: u64) -> Self {
        Self { window, best: None }
    }

    /// Changes the length of the window from the next value on.
    pub const fn set_window(&mut self, window: u64) {
        self.window = window;
    }

    /// Forgets everything but `value`.
    pub const fn reset(&mut self, at: u64, value: T) {
        self.best = Some([Sample { at, value }; 3]);
    }

    /// The largest value; `None` before the first.
    #[must_use]
    pub fn get(&self) -> Option<T> {
        self.best.map(|best| best[0].value)
    }

    /// Takes a value in; returns the largest one of the window that ends now.
    pub fn update(&mut self, at: u64, value: T) -> T {
        let new = Sample { at, value };
        let Some(best) = &mut self.best else {
            self.best = Some([new; 3]);
            return value;
        };
        if value >= best[0].value || at.saturating_sub(best[2].at) > self.window {
            *best = [new; 3];
            return value;
        }
        if value >= best[1].value {
            best[1] = new;
            best[2] = new;
        } else if value >= best[2].value {
            best[2] = new;
        }
        let age = at.saturating_sub(best[0].at);
        if age > self.window {
            *best = [best[1], best[2], new];
            if at.saturating_sub(best[0].at) > self.window {
                *best = [best[1], best[2], new];
            }
        } else if best[1].at == best[0].at && age > self.window / 4 {
            best[1] = new;
            best[2] = new;
        } else if best[2].at == best[1].at && age > self.window / 2 {
            best[2] = new;
        }
        best[0].value
    }
}

/// The smallest value over a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowedMin<T>(WindowedMax<std::cmp::Reverse<T>>);

impl<T: Copy + PartialOrd> WindowedMin<T> {
    /// A filter without a sample, over a window of that length.
    #[must_use]
    pub const fn new(window: u64) -> Self {
        Self(WindowedMax::new(window))
    }

    /// Changes the length of the window from the next value on.
    pub const fn set_window(&mut self, window: u64) {
        self.0.set_window(window);
    }

    /// Forgets everything but `value`.
    pub const fn reset(&mut self, at: u64, value: T) {
        self.0.reset(at, std::cmp::Reverse(value));
    }

    /// The smallest value; `None` before the first.
    #[must_use]
    pub fn get(&self) -> Option<T> {
        self.0.get().map(|least| least.0)
    }

    /// Takes a value in; returns the smallest one of the window that ends now.
    pub fn update(&mut self, at: u64, value: T) -> T {
        self.0.update(at, std::cmp::Reverse(value)).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_second_best_takes_over() {
        let mut max = WindowedMax::new(10);
        assert_eq!(max.get(), None);
        assert_eq!(max.update(0, 9), 9);
        assert_eq!(max.update(4, 7), 9);
        assert_eq!(max.update(8, 5), 9);
        assert_eq!(max.update(10, 1), 9);
        assert_eq!(max.update(11, 1), 7);
        assert_eq!(max.update(15, 1), 5);
        let mut min = WindowedMin::new(10);
        assert_eq!(min.update(0, 9), 9);
        assert_eq!(min.update(1, 12), 9);
        assert_eq!(min.update(12, 11), 11);
    }

    proptest! {
        #[test]
        fn never_above_the_window_nor_below_its_last_quarter(
            steps in proptest::collection::vec((0u64..8, 0u32..1000), 1..200)
        ) {
            let (mut max, mut at, mut seen) = (WindowedMax::new(40), 0, Vec::new());
            for (step, value) in steps {
                at += step;
                seen.push((at, value));
                let got = max.update(at, value);
                let over = |span: u64| seen.iter().filter(|s| at - s.0 <= span).map(|s| s.1).max();
                prop_assert!(Some(got) <= over(40));
                prop_assert!(Some(got) >= over(10));
            }
        }
    }
}
