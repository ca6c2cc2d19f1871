//! Which random draw a packet meets.
//!
//! Every draw of a link is a pure function of a number, so that algorithms that
//! send different packets still meet the same weather (common random numbers).
//! The scenario says what the number is: the packet's own, so that the k-th
//! packet meets the same fate, or that of a slot of time, so that the same
//! instant does.

use weaknet_core::{Span, Time};

/// What random draws are keyed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DrawKey {
    /// The number of the packet on its link: Markov chains make one step per
    /// packet.
    #[default]
    Packet,
    /// The number of the slot of time, so long each; packets of one slot are
    /// told apart by their order in it. Markov chains make one step per slot.
    Slot(Span),
}

/// A packet as it passes a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage {
    /// Number of the packet's draws at this place of the link, its own.
    pub draw: u64,
    /// Steps that a Markov chain has made before this packet meets it; never
    /// falls from packet to packet.
    pub step: u64,
    /// When it passes.
    pub at: Time,
    /// Bytes on the wire from the IP header on.
    pub size: u32,
}

/// Draws of a slot: packets beyond share the last one.
const PER_SLOT: u64 = 1 << 20;

/// Numbers the packets that pass a place of a link.
#[derive(Debug, Clone)]
pub(crate) struct Numbering {
    key: DrawKey,
    /// The next packet's number, in all or in `slot`.
    next: u64,
    slot: u64,
}

impl Numbering {
    pub(crate) const fn new(key: DrawKey) -> Self {
        Self {
            key,
            next: 0,
            slot: 0,
        }
    }

    #[inline]
    pub(crate) fn pass(&mut self, at: Time, size: u32) -> Passage {
        let number = self.next;
        self.next += 1;
        match self.key {
            DrawKey::Packet => Passage {
                draw: number,
                step: number,
                at,
                size,
            },
            DrawKey::Slot(length) => self.in_slot(number, length, at, size),
        }
    }

    fn in_slot(&mut self, mut number: u64, length: Span, at: Time, size: u32) -> Passage {
        let slot = at.as_nanos() / length.as_nanos().max(1);
        if slot != self.slot {
            self.slot = slot;
            self.next = 1;
            number = 0;
        }
        let number = number.min(PER_SLOT - 1);
        Passage {
            draw: slot.wrapping_mul(PER_SLOT).wrapping_add(number),
            step: slot,
            at,
            size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(numbering: &mut Numbering, ms: u64) -> (u64, u64) {
        let passage = numbering.pass(Time::from_millis(ms), 1_200);
        (passage.draw, passage.step)
    }

    #[test]
    fn packets_are_numbered_by_themselves() {
        let mut numbering = Numbering::new(DrawKey::Packet);
        assert_eq!(pass(&mut numbering, 0), (0, 0));
        assert_eq!(pass(&mut numbering, 0), (1, 1));
        assert_eq!(pass(&mut numbering, 500), (2, 2));
    }

    #[test]
    fn a_slot_has_the_same_numbers_whatever_came_before() {
        let slot = DrawKey::Slot(Span::from_millis(10));
        let (mut few, mut many) = (Numbering::new(slot), Numbering::new(slot));
        assert_eq!(pass(&mut few, 3), (0, 0));
        for number in 0..5 {
            assert_eq!(pass(&mut many, 9), (number, 0));
        }
        for number in 0..3 {
            let draw = 2 * PER_SLOT + number;
            assert_eq!(pass(&mut few, 20), (draw, 2));
            assert_eq!(pass(&mut many, 29), (draw, 2));
        }
    }
}
