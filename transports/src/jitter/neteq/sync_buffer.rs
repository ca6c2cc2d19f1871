//! Sound that is decoded or made up but not played yet.
//!
//! Implements: what of `sync_buffer.cc` of NetEQ matters without samples: how
//! much there is besides the overlap, and the timestamp at its end.
//! Differs: remembers when each stretch of it was captured.

use std::collections::VecDeque;

use weaknet_core::Time;

use super::expand::OVERLAP;
use super::units::{Samples, TICK, span};

/// Real or made-up sound.
#[derive(Debug, Clone, Copy)]
struct Piece {
    length: Samples,
    /// Capture time of its start; `None`: made up.
    captured: Option<Time>,
}

/// The buffer.
#[derive(Debug, Clone)]
pub(super) struct SyncBuffer {
    pieces: VecDeque<Piece>,
    /// Without the overlap.
    left: Samples,
    /// Timestamp at the end.
    pub(super) end: Samples,
}

impl SyncBuffer {
    pub(super) fn new() -> Self {
        Self {
            pieces: VecDeque::with_capacity(16),
            left: 0,
            end: 0,
        }
    }

    /// What can be played without anything new.
    pub(super) const fn left(&self) -> Samples {
        self.left
    }

    /// All that is not played yet.
    pub(super) const fn future(&self) -> Samples {
        self.left + OVERLAP
    }

    pub(super) fn push(&mut self, length: Samples, captured: Option<Time>) {
        if length > 0 {
            self.pieces.push_back(Piece { length, captured });
            self.left += length;
        }
    }

    /// Takes `length` out of the end.
    pub(super) fn shorten(&mut self, length: Samples) {
        let mut rest = length.min(self.left);
        self.left -= rest;
        while rest > 0
            && let Some(last) = self.pieces.back_mut()
        {
            let cut = rest.min(last.length);
            last.length -= cut;
            rest -= cut;
            if last.length == 0 {
                self.pieces.pop_back();
            }
        }
    }

    /// Puts `length` more of the same to the end.
    pub(super) fn lengthen(&mut self, length: Samples) {
        if let Some(last) = self.pieces.back_mut() {
            last.length += length;
            self.left += length;
        } else {
            self.push(length, None);
        }
    }

    /// Plays one tick: the time at which its sound was captured, unless more than
    /// half of it is made up or missing.
    pub(super) fn play(&mut self) -> Option<Time> {
        let (mut rest, mut real) = (TICK, 0);
        let mut start = None;
        while rest > 0
            && let Some(piece) = self.pieces.front_mut()
        {
            let length = rest.min(piece.length);
            if let Some(captured) = &mut piece.captured {
                real += length;
                let began = captured.saturating_sub(span(TICK - rest));
                start = start.or(Some(began));
                *captured += span(length);
            }
            piece.length -= length;
            rest -= length;
            if piece.length == 0 {
                self.pieces.pop_front();
            }
        }
        self.left -= TICK - rest;
        start.filter(|_| 2 * real >= TICK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Span;

    #[test]
    fn a_tick_tells_when_it_was_captured() {
        let mut buffer = SyncBuffer::new();
        let at = Time::from_millis(500);
        buffer.push(120, None);
        buffer.push(960, Some(at));
        assert_eq!(buffer.left(), 1_080);
        let early = at.saturating_sub(Span::from_micros(2_500));
        assert_eq!(buffer.play(), Some(early));
        assert_eq!(buffer.play(), Some(early + Span::from_millis(10)));
        assert_eq!(buffer.play(), None, "a quarter of a tick is left");
        assert_eq!(buffer.left(), 0);
    }

    #[test]
    fn stretches_change_the_end() {
        let mut buffer = SyncBuffer::new();
        buffer.push(100, None);
        buffer.push(960, Some(Time::ZERO));
        buffer.shorten(1_000);
        assert_eq!((buffer.left(), buffer.pieces.len()), (60, 1));
        buffer.lengthen(40);
        assert_eq!((buffer.left(), buffer.pieces.len()), (100, 1));
        buffer.shorten(500);
        assert_eq!((buffer.left(), buffer.pieces.len()), (0, 0));
    }
}
