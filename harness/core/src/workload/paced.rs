//! Full packets in bursts at a constant pace, for single links.
//!
//! Implements: bursts of 8 packets of 1500 B each 48 ms, 2 Mbit/s, so that on a
//! link of 3 Mbit/s up to seven packets wait, and nothing is ever dropped by a
//! queue of the default size.

use weaknet_core::packet::{Ecn, FlowId, Leg, Packet, Payload};
use weaknet_core::{Node, Outbox, Span, Time};

use super::bulk::FULL;

const BURST: u64 = 8;
const EVERY: Span = Span::from_millis(48);

/// How long it takes to send so many packets.
pub(super) fn time_for(packets: u64) -> Time {
    Time::ZERO + EVERY * (packets / BURST)
}

/// Sends bursts without end.
#[derive(Default)]
pub(super) struct Paced {
    sent: u64,
    next: Time,
}

impl Node for Paced {
    fn receive(&mut self, _: &mut Packet, _: &mut Outbox<'_>) {}

    fn wake(&mut self, out: &mut Outbox<'_>) {
        for _ in 0..BURST {
            out.send(Packet {
                id: self.sent,
                flow: FlowId(0),
                leg: Leg::Outward,
                path: 0,
                hop: 0,
                ecn: Ecn::Ect0,
                damaged: false,
                size: FULL,
                sent: out.now(),
                payload: Payload::Opaque,
            });
            self.sent += 1;
        }
        self.next += EVERY;
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.next)
    }
}

/// Only receives.
pub(super) struct Sink;

impl Node for Sink {
    fn receive(&mut self, _: &mut Packet, _: &mut Outbox<'_>) {}

    fn wake(&mut self, _: &mut Outbox<'_>) {}

    fn next_wake(&self) -> Option<Time> {
        None
    }
}
