//! Complete frames that wait for their turn, and which of them can be decoded.
//!
//! A frame is continuous when the frame that it refers to is decoded or itself
//! continuous, and decodable when that frame is decoded. Taking or dropping a
//! frame drops everything older.
//!
//! Implements: `api/video/frame_buffer.cc` of libwebrtc (2026-07): at most 800
//! frames; when full, a key frame empties the buffer and a delta frame is
//! refused; a frame not newer than the last decoded one is refused.
//! Differs: a temporal unit is one frame with at most one reference, any earlier
//! frame, so that the loss of a frame to which none refers (the top temporal
//! layer) holds nothing up; numbers up to a dropped frame are refused as well.
//! Not modelled: spatial layers, several references, picture id jumps.

use std::collections::VecDeque;

use weaknet_core::event::FrameDrop;

use super::history::History;
use super::{CompleteFrame, JitterAction};

/// Most frames held, libwebrtc's `kMaxFramesBuffered`.
const CAPACITY: usize = 800;

#[derive(Debug, Clone, Copy)]
struct Entry {
    frame: CompleteFrame,
    continuous: bool,
}

/// Which frames can be decoded now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decodable {
    /// The oldest one.
    pub(super) next: CompleteFrame,
    /// The newest one, by number; the same as `next` when there is only one.
    pub(super) last: CompleteFrame,
}

/// What became of a frame that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insertion {
    /// It is of no use; unless it is a duplicate, its drop is reported.
    Refused,
    /// It waits for the frame that it refers to.
    Waiting,
    /// It is continuous, and perhaps frames that waited for it are as well.
    Continuous,
}

/// The buffer. Drops are reported by pushing to a list of actions.
#[derive(Debug, Clone)]
pub(super) struct FrameBuffer {
    entries: VecDeque<Entry>,
    history: History,
    last_continuous: Option<u64>,
    decodable: Option<Decodable>,
}

impl FrameBuffer {
    pub(super) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            history: History::new(),
            last_continuous: None,
            decodable: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn decodable(&self) -> Option<Decodable> {
        self.decodable
    }

    /// Takes a frame in.
    pub(super) fn insert(
        &mut self,
        frame: CompleteFrame,
        actions: &mut VecDeque<JitterAction>,
    ) -> Insertion {
        let number = frame.frame;
        let position = self.entries.partition_point(|e| e.frame.frame < number);
        let duplicate = self
            .entries
            .get(position)
            .is_some_and(|e| e.frame.frame == number);
        if duplicate || self.history.settled(number) {
            return Insertion::Refused;
        }
        let refusal = if self.history.passed(number) {
            Some(FrameDrop::Late)
        } else if frame.reference.is_some_and(|reference| reference >= number) {
            Some(FrameDrop::Undecodable)
        } else if self.entries.len() >= CAPACITY && frame.reference.is_some() {
            Some(FrameDrop::Flushed)
        } else {
            None
        };
        if let Some(reason) = refusal {
            self.history.note_dropped(number);
            actions.push_back(JitterAction::Drop {
                frame: number,
                reason,
            });
            return Insertion::Refused;
        }
        let mut position = position;
        if self.entries.len() >= CAPACITY {
            self.flush(actions);
            position = 0;
        }
        self.entries.insert(
            position,
            Entry {
                frame,
                continuous: false,
            },
        );
        if !self.propagate_continuity(position) {
            return Insertion::Waiting;
        }
        self.find_decodable();
        Insertion::Continuous
    }

    /// Removes the next decodable frame to decode it.
    pub(super) fn take_next(
        &mut self,
        actions: &mut VecDeque<JitterAction>,
    ) -> Option<CompleteFrame> {
        let next = self.decodable?.next;
        self.history.note_decoded(next.frame);
        self.erase_through(next.frame, None, actions);
        Some(next)
    }

    /// Drops the next decodable frame because a later one is due.
    pub(super) fn drop_next(&mut self, actions: &mut VecDeque<JitterAction>) {
        if let Some(Decodable { next, .. }) = self.decodable {
            self.history.advance(next.frame);
            self.erase_through(next.frame, Some(FrameDrop::Late), actions);
        }
    }

    fn erase_through(
        &mut self,
        number: u64,
        own: Option<FrameDrop>,
        actions: &mut VecDeque<JitterAction>,
    ) {
        while let Some(entry) = self.entries.front().copied()
            && entry.frame.frame <= number
        {
            self.entries.pop_front();
            let frame = entry.frame.frame;
            let reason = if frame == number {
                own
            } else {
                Some(FrameDrop::Undecodable)
            };
            if let Some(reason) = reason {
                self.history.note_dropped(frame);
                actions.push_back(JitterAction::Drop { frame, reason });
            }
        }
        self.find_decodable();
    }

    fn flush(&mut self, actions: &mut VecDeque<JitterAction>) {
        for entry in self.entries.drain(..) {
            let frame = entry.frame.frame;
            self.history.note_dropped(frame);
            actions.push_back(JitterAction::Drop {
                frame,
                reason: FrameDrop::Flushed,
            });
        }
        self.history.forget_decoded();
        self.last_continuous = None;
        self.decodable = None;
    }

    fn propagate_continuity(&mut self, from: usize) -> bool {
        let mut progress = false;
        for i in from..self.entries.len() {
            let Entry { frame, continuous } = self.entries[i];
            if !continuous && self.is_continuous(frame.reference) {
                self.entries[i].continuous = true;
                self.last_continuous = self.last_continuous.max(Some(frame.frame));
                progress = true;
            }
        }
        progress
    }

    fn is_continuous(&self, reference: Option<u64>) -> bool {
        let Some(reference) = reference else {
            return true;
        };
        if self.history.decoded(reference) {
            return true;
        }
        let position = self.entries.partition_point(|e| e.frame.frame < reference);
        self.entries
            .get(position)
            .is_some_and(|e| e.frame.frame == reference && e.continuous)
    }

    fn find_decodable(&mut self) {
        let last_continuous = self.last_continuous;
        let history = &self.history;
        let mut found = self
            .entries
            .iter()
            .map(|e| e.frame)
            .take_while(|f| Some(f.frame) <= last_continuous)
            .filter(|f| {
                f.reference
                    .is_none_or(|reference| history.decoded(reference))
            });
        self.decodable = found.next().map(|next| Decodable {
            next,
            last: found.last().unwrap_or(next),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Time;

    fn frame(frame: u64, reference: Option<u64>) -> CompleteFrame {
        CompleteFrame {
            frame,
            reference,
            timestamp: frame * 3000,
            size: 1000,
            first_arrived: Time::ZERO,
            complete: Time::ZERO,
            retransmitted: false,
            picture: weaknet_core::packet::Picture::default(),
            seqs: (frame, frame),
        }
    }

    struct Bench {
        buffer: FrameBuffer,
        actions: VecDeque<JitterAction>,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                buffer: FrameBuffer::new(),
                actions: VecDeque::new(),
            }
        }
        fn put(&mut self, number: u64, reference: Option<u64>) -> Insertion {
            self.buffer
                .insert(frame(number, reference), &mut self.actions)
        }
        fn take(&mut self) -> Option<u64> {
            self.buffer.take_next(&mut self.actions).map(|f| f.frame)
        }
        fn drops(&mut self) -> Vec<(u64, FrameDrop)> {
            self.actions
                .drain(..)
                .map(|action| match action {
                    JitterAction::Drop { frame, reason } => (frame, reason),
                    other => unreachable!("{other:?}"),
                })
                .collect()
        }
    }

    #[test]
    fn nothing_is_decodable_before_its_reference() {
        let mut b = Bench::new();
        assert_eq!(
            [b.put(2, Some(1)), b.put(1, Some(0))],
            [Insertion::Waiting; 2]
        );
        assert_eq!(b.buffer.decodable(), None);
        assert_eq!(b.put(0, None), Insertion::Continuous);
        let decodable = b.buffer.decodable().unwrap();
        assert_eq!((decodable.next.frame, decodable.last.frame), (0, 0));
        assert_eq!(
            [b.take(), b.take(), b.take(), b.take()],
            [Some(0), Some(1), Some(2), None]
        );
        assert!(b.actions.is_empty());
    }

    #[test]
    fn a_later_key_frame_is_the_last_decodable() {
        let mut b = Bench::new();
        b.put(0, None);
        assert_eq!(b.take(), Some(0));
        b.put(1, Some(0));
        b.put(2, Some(1));
        b.put(5, None);
        let decodable = b.buffer.decodable().unwrap();
        assert_eq!((decodable.next.frame, decodable.last.frame), (1, 5));
        b.buffer.drop_next(&mut b.actions);
        assert_eq!(b.drops(), [(1, FrameDrop::Late)]);
        assert_eq!(b.buffer.decodable().unwrap().next.frame, 5);
        assert_eq!(b.take(), Some(5));
        assert_eq!(b.drops(), [(2, FrameDrop::Undecodable)]);
    }

    #[test]
    fn old_frames_and_duplicates_are_accounted_for_once() {
        let mut b = Bench::new();
        b.put(4, None);
        assert_eq!(b.put(4, None), Insertion::Refused);
        b.take();
        assert_eq!(
            [b.put(3, Some(2)), b.put(3, Some(2)), b.put(4, None)],
            [Insertion::Refused; 3]
        );
        assert_eq!(b.drops(), [(3, FrameDrop::Late)]);
    }

    #[test]
    fn references_point_backwards() {
        let mut b = Bench::new();
        b.put(1, Some(1));
        b.put(2, Some(9));
        assert_eq!(
            b.drops(),
            [(1, FrameDrop::Undecodable), (2, FrameDrop::Undecodable)]
        );
    }

    /// References of three temporal layers: 0 2 1 2, and again.
    fn three_layers(number: u64) -> Option<u64> {
        match number % 4 {
            0 => number.checked_sub(4),
            2 => Some(number - 2),
            _ => Some(number - 1),
        }
    }

    fn put_all(b: &mut Bench, numbers: impl Iterator<Item = u64>) {
        for number in numbers {
            b.put(number, three_layers(number));
        }
    }

    #[test]
    fn a_lost_frame_of_the_top_layer_costs_itself() {
        let mut b = Bench::new();
        put_all(&mut b, (0..12).filter(|n| *n != 5));
        let taken: Vec<_> = std::iter::from_fn(|| b.take()).collect();
        assert_eq!(taken, [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]);
        assert!(b.drops().is_empty());
    }

    #[test]
    fn a_lost_frame_of_the_middle_layer_does_not_hold_up_the_base() {
        let mut b = Bench::new();
        put_all(&mut b, (0..12).filter(|n| *n != 6));
        let taken: Vec<_> = std::iter::from_fn(|| b.take()).collect();
        assert_eq!(taken, [0, 1, 2, 3, 4, 5, 8, 9, 10, 11]);
        assert_eq!(b.drops(), [(7, FrameDrop::Undecodable)]);
    }

    #[test]
    fn a_lost_frame_of_the_base_takes_all_that_follow_until_a_key_frame() {
        let mut b = Bench::new();
        put_all(&mut b, (0..16).filter(|n| *n != 4));
        let taken: Vec<_> = std::iter::from_fn(|| b.take()).collect();
        assert_eq!(taken, [0, 1, 2, 3]);
        assert!(b.drops().is_empty(), "they might still come");
        b.put(16, None);
        assert_eq!(b.take(), Some(16));
        let undecodable: Vec<_> = (5..16).map(|n| (n, FrameDrop::Undecodable)).collect();
        assert_eq!(b.drops(), undecodable);
    }

    #[test]
    fn the_base_repaired_in_time_brings_all_back() {
        let mut b = Bench::new();
        put_all(&mut b, (0..12).filter(|n| *n != 4));
        while b.take().is_some() {}
        assert_eq!(b.put(4, Some(0)), Insertion::Continuous);
        let taken: Vec<_> = std::iter::from_fn(|| b.take()).collect();
        assert_eq!(taken, (4..12).collect::<Vec<_>>());
    }

    #[test]
    fn full_at_800_frames() {
        let mut b = Bench::new();
        for n in 0..800 {
            b.put(n + 1, Some(n));
        }
        assert_eq!(b.buffer.len(), 800);
        b.put(801, Some(800));
        assert_eq!(b.drops(), [(801, FrameDrop::Flushed)]);
        assert_eq!(b.put(802, None), Insertion::Continuous);
        assert_eq!(b.buffer.len(), 1);
        assert_eq!(b.drops().len(), 800);
        assert_eq!(b.take(), Some(802));
    }
}
