//! Marks of congestion as an acknowledgement counts them, and whether the path
//! carries them at all.
//!
//! Implements: RFC 9000 section 13.4.2: when acknowledgements count fewer
//! packets as ECN-capable than were sent so and arrived, the path erases the
//! field and the sender stops setting it; packets then count as Not-ECT.
//! Differs: counts do not say which packets were marked; they are taken for the
//! newest of those acknowledged.

use weaknet_core::packet::{Ack, Ecn};

use crate::cc::PacketResult;

/// What the counts have said so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EcnCounts {
    /// Packets that the other end has counted.
    seen: u64,
    /// Packets that were sent ECN-capable and have been acknowledged.
    capable: u64,
    marked: u64,
    failed: bool,
}

impl EcnCounts {
    /// The codepoint to send with when the controller asks for `wanted`.
    pub(crate) const fn codepoint(&self, wanted: Ecn) -> Ecn {
        if self.failed { Ecn::NotEct } else { wanted }
    }

    /// A new connection tries again; the other end's counts go on.
    pub(crate) const fn restart(&mut self) {
        self.failed = false;
        self.capable = self.seen;
    }

    /// Takes an acknowledgement in; `capable` of the packets that it names first
    /// were sent ECN-capable. Marks are noted in these packets, `acked`,
    /// ascending by number.
    pub(crate) fn on_ack(&mut self, ack: &Ack, capable: u64, acked: &mut [PacketResult]) {
        let counts = ack.more.as_ref().map_or([0; 3], |more| more.ecn);
        let seen = counts.iter().sum::<u64>();
        self.seen = self.seen.max(seen);
        self.capable += capable;
        self.failed |= self.seen < self.capable;
        if self.failed {
            acked.iter_mut().for_each(|packet| packet.ecn = Ecn::NotEct);
        }
        let fresh = usize::try_from(counts[2].saturating_sub(self.marked)).unwrap_or(usize::MAX);
        for packet in acked.iter_mut().rev().take(fresh) {
            packet.ecn = Ecn::Ce;
            self.marked += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::{DeliverySnapshot, SentKind, SentPacket};
    use weaknet_core::packet::AckDetails;
    use weaknet_core::{Bytes, Time};

    fn packet(number: u64) -> PacketResult {
        PacketResult {
            sent: SentPacket {
                number,
                at: Time::ZERO,
                size: Bytes::new(1),
                kind: SentKind::Data,
                probe: None,
                in_flight: Bytes::ZERO,
                app_limited: false,
            },
            received: Some(Time::ZERO),
            ecn: Ecn::NotEct,
            recovered: false,
            delivery: DeliverySnapshot::default(),
        }
    }

    /// Numbers of the packets that are taken for marked.
    fn marked(counts: &mut EcnCounts, ecn: [u64; 3], numbers: std::ops::Range<u64>) -> Vec<u64> {
        let more = AckDetails {
            ecn,
            ..AckDetails::default()
        };
        let ack = Ack {
            largest: 0,
            before: 0,
            delay_us: 0,
            more: Some(Box::new(more)),
        };
        let capable = numbers.end - numbers.start;
        let mut acked: Vec<_> = numbers.map(packet).collect();
        counts.on_ack(&ack, capable, &mut acked);
        let marks = acked.iter().filter(|packet| packet.ecn == Ecn::Ce);
        marks.map(|packet| packet.sent.number).collect()
    }

    #[test]
    fn marks_are_those_of_the_newest_packets_and_each_counts_once() {
        let mut counts = EcnCounts::default();
        assert_eq!(marked(&mut counts, [4, 0, 0], 0..4), [0_u64; 0]);
        assert_eq!(marked(&mut counts, [6, 0, 2], 4..8), [6, 7]);
        assert_eq!(marked(&mut counts, [8, 0, 2], 8..10), [0_u64; 0]);
        // More marks than packets: the rest is for the next ones.
        assert_eq!(marked(&mut counts, [8, 0, 5], 10..11), [10]);
        assert_eq!(marked(&mut counts, [9, 0, 5], 11..14), [12, 13]);
        assert_eq!(counts.codepoint(Ecn::Ect1), Ecn::Ect1);
    }

    #[test]
    fn packets_keep_their_codepoint_until_the_counts_deny_it() {
        let codepoints = |seen: u64| {
            let mut counts = EcnCounts::default();
            let more = AckDetails {
                ecn: [0, seen, 0],
                ..AckDetails::default()
            };
            let ack = Ack {
                largest: 0,
                before: 0,
                delay_us: 0,
                more: Some(Box::new(more)),
            };
            let mut acked = [packet(0), packet(1)];
            acked.iter_mut().for_each(|packet| packet.ecn = Ecn::Ect1);
            counts.on_ack(&ack, 2, &mut acked);
            acked.map(|packet| packet.ecn)
        };
        assert_eq!(codepoints(2), [Ecn::Ect1; 2]);
        assert_eq!(codepoints(1), [Ecn::NotEct; 2]);
    }

    #[test]
    fn a_path_that_erases_the_field_gets_no_more_of_it() {
        let mut counts = EcnCounts::default();
        marked(&mut counts, [0, 4, 0], 0..4);
        marked(&mut counts, [0, 5, 0], 4..6);
        assert_eq!(counts.codepoint(Ecn::Ect1), Ecn::NotEct);
        counts.restart();
        assert_eq!(counts.codepoint(Ecn::Ect1), Ecn::Ect1);
    }
}
