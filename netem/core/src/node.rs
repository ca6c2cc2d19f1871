//! The shape of everything that is driven: packets and wake-ups come in,
//! packets and events go out, time is an argument.

use crate::event::{Event, EventSink};
use crate::packet::Packet;
use crate::time::Time;

/// Where a node puts what it wants to say.
pub struct Outbox<'a> {
    now: Time,
    packets: &'a mut Vec<Packet>,
    sink: &'a mut dyn EventSink,
}

impl<'a> Outbox<'a> {
    /// An outbox for one call at `now`.
    pub fn new(now: Time, packets: &'a mut Vec<Packet>, sink: &'a mut dyn EventSink) -> Self {
        Self { now, packets, sink }
    }

    /// The instant of this call.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Sends a packet on the first link of its route, now.
    #[inline(always)]
    pub fn send(&mut self, packet: Packet) {
        self.packets.push(packet);
    }

    /// An outbox whose packets go to `packets` instead, for a node inside
    /// another one.
    pub fn divert<'b>(&'b mut self, packets: &'b mut Vec<Packet>) -> Outbox<'b> {
        Outbox::new(self.now, packets, &mut *self.sink)
    }

    /// Publishes an event that happens now.
    pub fn event(&mut self, event: Event) {
        self.sink.event(self.now, &event);
    }
}

/// One end of a flow: a pure state machine over logical time.
///
/// The driver calls with non-falling `out.now()`, and calls [`Node::wake`] at
/// [`Node::next_wake`] unless something else happened there first. A wake-up
/// that finds nothing to do is allowed.
pub trait Node: Send {
    /// A packet arrived. What the node wants to keep it takes out of its place
    /// ([`Packet::take`]); what it leaves there is thrown away.
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>);
    /// The instant asked for by [`Node::next_wake`] has come.
    fn wake(&mut self, out: &mut Outbox<'_>);
    /// When this node wants to be woken; `None` when only a packet can make it
    /// act. May be in the past, which means now.
    fn next_wake(&self) -> Option<Time>;
}
