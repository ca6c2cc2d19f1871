//! Marks of congestion as an acknowledgement counts them, and whether the path
//! carries them at all.
//!
//! Implements: RFC 9000 section 13.4.2: when acknowledgements count fewer
//! packets as ECN-capable than were sent so and arrived, the path erases the
//! field and the sender stops setting it.
//! Differs: counts do not say which packets were marked; they are taken for the
//! newest of those acknowledged.

use weaknet_core::packet::{Ack, Ecn};

use crate::cc::PacketResult;

/// What the counts have said so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct EcnCounts {
    seen: u64,
    marked: u64,
    failed: bool,
}

impl EcnCounts {
    /// The codepoint to send with when the controller asks for `wanted`.
    pub(super) const fn codepoint(&self, wanted: Ecn) -> Ecn {
        if self.failed { Ecn::NotEct } else { wanted }
    }

    /// A new connection tries again; the other end's counts go on.
    pub(super) const fn restart(&mut self) {
        self.failed = false;
    }

    /// Takes an acknowledgement in; `capable` of the packets that it names first
    /// were sent ECN-capable. Marks are noted in these packets, `acked`,
    /// ascending by number.
    pub(super) fn on_ack(&mut self, ack: &Ack, capable: u64, acked: &mut [PacketResult]) {
        let counts = ack.more.as_ref().map_or([0; 3], |more| more.ecn);
        let seen = counts.iter().sum::<u64>();
        // Counts that are older than those known tell nothing.
        if seen < self.seen + capable && capable > 0 {
            self.failed = true;
        }
        self.seen = self.seen.max(seen);
        let fresh = usize::try_from(counts[2].saturating_sub(self.marked)).unwrap_or(usize::MAX);
        for packet in acked.iter_mut().rev().take(fresh) {
            packet.ecn = Ecn::Ce;
            self.marked += 1;
        }
    }
}
