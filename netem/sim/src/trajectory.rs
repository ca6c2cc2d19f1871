//! A digest of everything that happened on the links of a run.

use weaknet_core::Time;
use weaknet_core::event::{DropReason, Event, EventSink};
use weaknet_core::packet::{LinkId, Tag};

/// A rolling 64-bit digest over (time, link, kind, packet id, size) of every
/// link event, in order. Equal digests mean equal trajectories, for all that
/// tests need; it is not meant to withstand forgery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trajectory {
    state: u64,
}

impl Trajectory {
    /// The digest of no events.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: 0x6a09_e667_f3bc_c908,
        }
    }

    /// The digest so far.
    #[must_use]
    pub const fn digest(self) -> u64 {
        let z = (self.state ^ (self.state >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        z ^ (z >> 32)
    }

    const fn absorb(&mut self, word: u64) {
        self.state = (self.state.rotate_left(25) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn record(&mut self, at: Time, kind: u8, link: LinkId, packet: &Tag) {
        self.absorb(at.as_nanos());
        self.absorb(u64::from(kind) << 48 | u64::from(link.0) << 32 | u64::from(packet.size));
        self.absorb(packet.id);
    }
}

impl Default for Trajectory {
    fn default() -> Self {
        Self::new()
    }
}

impl EventSink for Trajectory {
    fn event(&mut self, at: Time, event: &Event) {
        match event {
            Event::LinkArrive { link, packet } => self.record(at, 1, *link, packet),
            Event::LinkDeliver { link, packet, .. } => self.record(at, 2, *link, packet),
            Event::LinkDrop {
                link,
                packet,
                reason,
            } => {
                let kind = match reason {
                    DropReason::Overflow => 3,
                    DropReason::Aqm => 4,
                    DropReason::Loss => 5,
                    DropReason::Policed => 7,
                    DropReason::TooBig => 8,
                    DropReason::Filtered => 9,
                    _ => 6,
                };
                self.record(at, kind, *link, packet);
            }
            Event::LinkMark { link, packet } => self.record(at, 10, *link, packet),
            Event::LinkCopy { link, packet } => self.record(at, 11, *link, packet),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::packet::{Class, FlowId, Leg};

    fn digest(events: &[(u64, u16, u64, u32)]) -> u64 {
        let mut trajectory = Trajectory::new();
        for (at, link, id, size) in events {
            let packet = Tag {
                id: *id,
                flow: FlowId(0),
                leg: Leg::Outward,
                class: Class::Other,
                size: *size,
            };
            trajectory.event(
                Time::from_nanos(*at),
                &Event::LinkArrive {
                    link: LinkId(*link),
                    packet,
                },
            );
        }
        trajectory.digest()
    }

    #[test]
    fn every_ingredient_and_the_order_count() {
        let base = [(1, 2, 3, 4), (5, 6, 7, 8)];
        let others: [&[_]; 7] = [
            &[(2, 2, 3, 4), (5, 6, 7, 8)],
            &[(1, 3, 3, 4), (5, 6, 7, 8)],
            &[(1, 2, 4, 4), (5, 6, 7, 8)],
            &[(1, 2, 3, 5), (5, 6, 7, 8)],
            &[(5, 6, 7, 8), (1, 2, 3, 4)],
            &[(1, 2, 3, 4)],
            &[],
        ];
        let mut digests: Vec<u64> = others.iter().map(|events| digest(events)).collect();
        digests.push(digest(&base));
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 8);
    }

    #[test]
    fn the_digest_is_the_same_on_every_machine() {
        // Computed apart from this code, from the definition.
        assert_eq!(
            digest(&[(1, 2, 3, 4), (5, 6, 7, 8)]),
            3_073_857_524_951_430_355
        );
    }
}
