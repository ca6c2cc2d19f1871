//! Whether the losses that a reduction answered were none.
//!
//! Implements: RFC 9438 section 4.9.2, with reports that correct themselves
//! as the detector: all packets reported lost have arrived (as
//! `undo_retrans` of Linux counts down to zero).

use crate::cc::Feedback;
use crate::cc::recovery::Recovery;

/// What a reduction took away, and what would give it back.
#[derive(Debug, Clone, Copy)]
pub(in crate::cc) struct Undo<S> {
    /// The state before the reduction.
    pub(in crate::cc) before: S,
    /// The reduction before this one.
    earlier: Recovery,
    /// Packets reported lost that have not arrived after all.
    missing: u64,
}

impl<S> Undo<S> {
    pub(in crate::cc) const fn new(before: S, earlier: Recovery) -> Self {
        Self {
            before,
            earlier,
            missing: 0,
        }
    }

    /// Takes a report in, `recovery` being that of this reduction. Whether
    /// the last packet that was missing has arrived with it.
    pub(in crate::cc) fn on_feedback(
        &mut self,
        recovery: &Recovery,
        feedback: &Feedback<'_>,
    ) -> bool {
        let (mut lost, mut arrived) = (0, 0);
        for packet in feedback.packets {
            let sent = packet.sent.at;
            if recovery.is_new(sent) || !self.earlier.is_new(sent) {
                continue;
            }
            if packet.received.is_none() {
                lost += 1;
            } else if packet.recovered {
                arrived += 1;
            }
        }
        self.missing = (self.missing + lost).saturating_sub(arrived);
        arrived > 0 && self.missing == 0
    }
}
