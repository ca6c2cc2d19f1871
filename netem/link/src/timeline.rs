//! A piecewise-constant function of time, optionally periodic, with a cursor
//! that makes look-ups at non-falling times constant on average.

use weaknet_core::{Span, Time};

/// Values that hold from their start to the next start.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Timeline<T> {
    /// Ascending, the first is zero.
    starts: Vec<u64>,
    values: Vec<T>,
    /// When set, the whole repeats; greater than the last start.
    period: Option<u64>,
}

/// Why a list of points is not a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// There are no points.
    Empty,
    /// The first point is not at zero.
    LateStart,
    /// The point at this position is not after the one before it.
    NotAscending(usize),
}

/// The piece of a timeline that holds some instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<T> {
    /// Its value.
    pub(crate) value: T,
    /// Its end, [`Time::MAX`] when it has none.
    pub(crate) end: Time,
}

/// A remembered place on a timeline.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cursor {
    /// Start of the period.
    base: u64,
    /// Piece within the period.
    index: usize,
}

impl Cursor {
    /// The position of the piece last looked up.
    pub(crate) const fn index(self) -> usize {
        self.index
    }
}

impl<T: Copy> Timeline<T> {
    pub(crate) fn new(points: impl IntoIterator<Item = (Span, T)>) -> Result<Self, Malformed> {
        let (starts, values): (Vec<u64>, Vec<T>) =
            points.into_iter().map(|(at, v)| (at.as_nanos(), v)).unzip();
        match starts.first() {
            None => return Err(Malformed::Empty),
            Some(0) => {}
            Some(_) => return Err(Malformed::LateStart),
        }
        match starts.windows(2).position(|pair| pair[0] >= pair[1]) {
            Some(position) => Err(Malformed::NotAscending(position + 1)),
            None => Ok(Self {
                starts,
                values,
                period: None,
            }),
        }
    }

    /// A recording that repeats after `period`, where that is after its last
    /// point; without a period the last value holds for ever.
    pub(crate) fn repeating(
        points: impl IntoIterator<Item = (Span, T)>,
        period: Option<Span>,
    ) -> Result<Self, Malformed> {
        let mut timeline = Self::new(points)?;
        let last = timeline.starts.last().copied().unwrap_or_default();
        timeline.period = period.map(Span::as_nanos).filter(|period| *period > last);
        Ok(timeline)
    }

    pub(crate) const fn period(&self) -> Option<u64> {
        self.period
    }

    pub(crate) fn values(&self) -> &[T] {
        &self.values
    }

    /// Start, end (within the first period) and value of the piece at a
    /// position.
    pub(crate) fn piece_at(&self, index: usize) -> (u64, u64, T) {
        let end = self
            .starts
            .get(index + 1)
            .copied()
            .or(self.period)
            .unwrap_or(u64::MAX);
        (self.starts[index], end, self.values[index])
    }

    /// The number of whole periods before `at`, the time since then, and the
    /// position of the piece.
    pub(crate) fn locate(&self, at: u64) -> (u64, u64, usize) {
        let (cycle, offset) = self
            .period
            .map_or((0, at), |period| (at / period, at % period));
        (
            cycle,
            offset,
            self.starts
                .partition_point(|start| *start <= offset)
                .saturating_sub(1),
        )
    }

    /// The piece at `at`. Constant on average when `at` does not fall.
    pub(crate) fn piece(&self, cursor: &mut Cursor, at: Time) -> Piece<T> {
        let at = at.as_nanos();
        let beyond = self
            .period
            .is_some_and(|period| at.saturating_sub(cursor.base) >= period);
        if at < cursor.base.saturating_add(self.starts[cursor.index]) || beyond {
            let (cycle, _, index) = self.locate(at);
            *cursor = Cursor {
                base: self.period.map_or(0, |period| cycle * period),
                index,
            };
        } else {
            let offset = at - cursor.base;
            while self
                .starts
                .get(cursor.index + 1)
                .is_some_and(|start| *start <= offset)
            {
                cursor.index += 1;
            }
        }
        let end = self.starts.get(cursor.index + 1).copied().or(self.period);
        Piece {
            value: self.values[cursor.index],
            end: end.map_or(Time::MAX, |end| {
                Time::from_nanos(cursor.base.saturating_add(end))
            }),
        }
    }
}

impl Malformed {
    /// What to tell a person about a list of steps.
    pub(crate) fn message(self, what: &str) -> String {
        match self {
            Self::Empty => format!("no steps: expected a list such as [[0s, {what}]]"),
            Self::LateStart => "the first step must be at 0s".to_owned(),
            Self::NotAscending(position) => {
                format!("step {} is not after the step before it", position + 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points(times: &[u64]) -> Vec<(Span, usize)> {
        times
            .iter()
            .enumerate()
            .map(|(i, t)| (Span::from_nanos(*t), i))
            .collect()
    }

    #[test]
    fn refuses_what_is_no_function_of_time() {
        assert_eq!(Timeline::new(points(&[])).unwrap_err(), Malformed::Empty);
        assert_eq!(
            Timeline::new(points(&[1, 2])).unwrap_err(),
            Malformed::LateStart
        );
        assert_eq!(
            Timeline::new(points(&[0, 5, 5])).unwrap_err(),
            Malformed::NotAscending(2)
        );
    }

    #[test]
    fn a_recording_repeats_after_its_period() {
        let timeline =
            Timeline::repeating(points(&[0, 10, 30]), Some(Span::from_nanos(50))).unwrap();
        assert_eq!(timeline.period(), Some(50));
        let mut cursor = Cursor::default();
        let mut at = |t| timeline.piece(&mut cursor, Time::from_nanos(t));
        assert_eq!(
            at(9),
            Piece {
                value: 0,
                end: Time::from_nanos(10)
            }
        );
        assert_eq!(
            at(49),
            Piece {
                value: 2,
                end: Time::from_nanos(50)
            }
        );
        assert_eq!(
            at(50),
            Piece {
                value: 0,
                end: Time::from_nanos(60)
            }
        );
        assert_eq!(
            Timeline::repeating(points(&[0]), None).unwrap().period(),
            None
        );
    }

    proptest! {
        #[test]
        fn cursor_agrees_with_search(gaps in prop::collection::vec(1u64..50, 1..20), looped: bool,
                                     queries in prop::collection::vec(0u64..2_000, 1..50)) {
            let times: Vec<u64> = std::iter::once(0).chain(gaps.iter().scan(0, |t, g| { *t += g; Some(*t) })).collect();
            let end = Span::from_nanos(times.last().unwrap() + gaps[0]);
            let timeline = Timeline::repeating(points(&times), looped.then_some(end)).unwrap();
            let mut cursor = Cursor::default();
            // Any order: falling times fall back to a search.
            for at in queries {
                let (_, _, index) = timeline.locate(at);
                let piece = timeline.piece(&mut cursor, Time::from_nanos(at));
                prop_assert_eq!(piece.value, index);
                prop_assert!(piece.end > Time::from_nanos(at));
            }
        }
    }
}
