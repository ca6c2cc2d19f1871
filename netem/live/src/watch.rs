//! Who sees what a direction does.

use weaknet_core::event::{Event, EventSink};
use weaknet_core::packet::Packet;
use weaknet_core::{Span, Time};

/// Sees the events of a link and the departures of its packets, on the thread of its
/// worker: what takes long makes packets late. Events come in the order in which they
/// are found out; those of departures have the times at which they were due.
pub trait Watch: EventSink + Send {
    /// A packet is about to enter the link, as it came.
    fn arriving(&mut self, _at: Time, _packet: &Packet) {}

    /// A packet that the link released at `ideal` is written to the device at `actual`,
    /// with these bytes from the IP header on.
    fn departed(&mut self, _packet: u64, _bytes: &[u8], _ideal: Time, _actual: Time) {}

    /// The link was stopped at `at`; what is still on the way is lost.
    fn ended(&mut self, _at: Time) {}

    /// There is nothing to do for `_span`, or until something comes.
    fn resting(&mut self, _span: Option<Span>) {}
}

impl Watch for () {}

/// Tells two.
pub(crate) struct Both<'a, A: ?Sized, B: ?Sized>(pub(crate) &'a mut A, pub(crate) &'a mut B);

impl<A: EventSink + ?Sized, B: EventSink + ?Sized> EventSink for Both<'_, A, B> {
    fn event(&mut self, at: Time, event: &Event) {
        self.0.event(at, event);
        self.1.event(at, event);
    }
}
