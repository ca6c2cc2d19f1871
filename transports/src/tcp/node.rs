//! The layer between an end of a call and the network.

use weaknet_core::packet::{Packet, Payload, Protocol};
use weaknet_core::{Node, Outbox, Time};

use super::config::TcpConfig;
use super::connection::Connection;
use crate::session::Session;

/// An end of a call whose session may want a TCP connection.
pub trait Carried: Node {
    /// Its session.
    fn session(&mut self) -> &mut Session;
    /// When it stops.
    fn stop(&self) -> Time;
}

/// An end of a call with TCP beneath it. What it sends by UDP passes.
///
/// Observers see the end's datagrams as sent when they are written and as
/// received when they are read; segments they see on links only.
pub struct OverTcp<N> {
    inner: N,
    connection: Connection,
    /// What the inner end has just sent.
    sent: Vec<Packet>,
    wake_at: Option<Time>,
}

impl<N: Carried> OverTcp<N> {
    /// Puts an end on top of a connection that is not open yet.
    #[must_use]
    pub fn new(inner: N, parts: TcpConfig) -> Self {
        Self {
            wake_at: inner.next_wake(),
            inner,
            connection: Connection::new(parts),
            sent: Vec::new(),
        }
    }

    /// Sends on what the inner end has sent, and all that follows from that.
    fn settle(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        self.forward(out);
        let wanted = self.inner.session().connection();
        self.connection.open(now, wanted);
        self.connection.pump(out);
        if self.connection.is_ready() && self.inner.session().on_open(now) {
            self.inner.wake(&mut out.divert(&mut self.sent));
            self.forward(out);
        }
        let connection = self.connection.next_wake();
        let connection = connection.filter(|at| *at < self.inner.stop());
        let wakes = [self.inner.next_wake(), connection];
        self.wake_at = wakes.into_iter().flatten().min();
    }

    /// By UDP as it is, by TCP into the stream. Signalling has connections of
    /// its own.
    fn forward(&mut self, out: &mut Outbox<'_>) {
        for packet in self.sent.drain(..) {
            if packet.protocol == Protocol::Udp || is_signalling(&packet) {
                out.send(packet);
            } else if self.connection.write(packet) {
                // Small writes are not held back.
                self.connection.pump(out);
            }
        }
    }
}

fn is_signalling(packet: &Packet) -> bool {
    use weaknet_core::packet::SessionMessage::{Answer, Offer};
    matches!(
        packet.payload,
        Payload::Session(Offer { .. } | Answer { .. })
    )
}

impl<N: Carried> Node for OverTcp<N> {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        if matches!(packet.payload, Payload::Tcp(_)) {
            let packet = packet.take();
            if let Payload::Tcp(segment) = packet.payload
                && out.now() < self.inner.stop()
            {
                self.connection.on_segment(packet.ecn, *segment, out);
                while let Some(mut datagram) = self.connection.read() {
                    self.inner
                        .receive(&mut datagram, &mut out.divert(&mut self.sent));
                    self.forward(out);
                }
            }
        } else {
            self.inner.receive(packet, &mut out.divert(&mut self.sent));
        }
        self.settle(out);
    }

    fn wake(&mut self, out: &mut Outbox<'_>) {
        if self.inner.next_wake().is_some_and(|at| at <= out.now()) {
            self.inner.wake(&mut out.divert(&mut self.sent));
        }
        self.settle(out);
    }

    fn next_wake(&self) -> Option<Time> {
        self.wake_at
    }
}
