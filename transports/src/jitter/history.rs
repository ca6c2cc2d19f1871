//! What has become of the latest frames: decoded, dropped or not seen.
//!
//! Implements: the decoded frames history of libwebrtc
//! (`modules/video_coding/utility/decoded_frames_history.cc`, 2026-07), a
//! window over the last 8192 numbers.
//! Differs: remembers dropped frames too, so that a frame is accounted for at
//! most once.

use std::collections::BTreeSet;

/// Numbers that are remembered, libwebrtc's `kMaxFramesHistory`.
const WINDOW: u64 = 1 << 13;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unknown,
    Dropped,
    Decoded,
}

/// The fate of every frame up to the last one that was decoded or passed by.
#[derive(Debug, Clone)]
pub(super) struct History {
    slots: Vec<Fate>,
    /// The newest number that was decoded or dropped as next in turn.
    floor: Option<u64>,
    /// Numbers above the floor that were refused.
    refused: BTreeSet<u64>,
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![Fate::Unknown; WINDOW as usize],
            floor: None,
            refused: BTreeSet::new(),
        }
    }

    /// Whether no frame with this number can be of use any more.
    pub(super) fn passed(&self, number: u64) -> bool {
        self.floor.is_some_and(|floor| number <= floor)
    }

    /// Whether the frame was decoded, as far as is remembered.
    pub(super) fn decoded(&self, number: u64) -> bool {
        self.fate(number) == Some(Fate::Decoded)
    }

    /// Whether the frame has been decoded or dropped, or is too old to tell.
    pub(super) fn settled(&self, number: u64) -> bool {
        if self.passed(number) {
            self.fate(number).is_none_or(|fate| fate != Fate::Unknown)
        } else {
            self.refused.contains(&number)
        }
    }

    /// Moves the floor up to `number`.
    pub(super) fn advance(&mut self, number: u64) {
        let from = match self.floor {
            Some(floor) if number <= floor => return,
            Some(floor) if number - floor < WINDOW => floor + 1,
            _ => number.saturating_sub(WINDOW - 1),
        };
        for n in from..=number {
            self.slots[slot(n)] = Fate::Unknown;
        }
        self.floor = Some(number);
        while let Some(&n) = self.refused.first()
            && n <= number
        {
            self.refused.pop_first();
            self.settle(n, Fate::Dropped);
        }
    }

    /// Notes that a frame was decoded; it becomes the floor.
    pub(super) fn note_decoded(&mut self, number: u64) {
        self.advance(number);
        self.settle(number, Fate::Decoded);
    }

    /// Notes that a frame was dropped.
    pub(super) fn note_dropped(&mut self, number: u64) {
        if self.passed(number) {
            self.settle(number, Fate::Dropped);
        } else {
            self.refused.insert(number);
        }
    }

    /// Nothing that was decoded may be referred to any more.
    pub(super) fn forget_decoded(&mut self) {
        for fate in &mut self.slots {
            if *fate == Fate::Decoded {
                *fate = Fate::Dropped;
            }
        }
    }

    fn fate(&self, number: u64) -> Option<Fate> {
        let floor = self.floor?;
        (number <= floor && floor - number < WINDOW).then(|| self.slots[slot(number)])
    }

    fn settle(&mut self, number: u64, fate: Fate) {
        if self.fate(number).is_some() {
            self.slots[slot(number)] = fate;
        }
    }
}

const fn slot(number: u64) -> usize {
    (number % WINDOW) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_8192_numbers() {
        let mut history = History::new();
        history.note_decoded(10);
        history.note_decoded(12);
        assert!(history.decoded(10) && !history.decoded(11) && history.decoded(12));
        assert!(!history.settled(11) && history.settled(10) && !history.settled(13));
        history.note_dropped(11);
        assert!(history.settled(11) && !history.decoded(11));
        history.advance(10 + WINDOW - 1);
        assert!(history.decoded(10));
        history.advance(10 + WINDOW);
        assert!(
            !history.decoded(10) && history.settled(10),
            "too old to be referred to"
        );
        assert!(!history.decoded(10 + WINDOW));
    }

    #[test]
    fn refused_numbers_stay_refused_when_passed() {
        let mut history = History::new();
        history.note_dropped(7);
        assert!(history.settled(7) && !history.settled(6));
        history.note_decoded(9);
        assert!(history.settled(7) && !history.settled(8));
    }

    #[test]
    fn jumps_of_any_size() {
        let mut history = History::new();
        history.note_decoded(3);
        history.note_decoded(u64::MAX);
        assert!(history.decoded(u64::MAX) && !history.decoded(3));
        assert!(!history.settled(u64::MAX - 5));
    }
}
