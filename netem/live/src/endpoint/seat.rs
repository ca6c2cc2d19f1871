//! Drives one node: datagrams and wake-ups in, datagrams and events out.

use std::io;

use tokio::sync::watch;
use tokio::task;
use weaknet_core::packet::{Ecn, FlowId, Leg, Packet};
use weaknet_core::{Event, EventSink as _, Node, Outbox, Time};
use weaknet_transports::wire;

use super::alarm::Alarm;
use super::datagrams::{Incoming, Writer};
use super::ledger::Ledger;
use super::merge::EventFeed;
use super::socket::Socket;
use super::{Datagrams, Endpoint, HEADERS, MTU};
use crate::clock::Clock;

/// Datagrams that are read before other endpoints have their turn.
const BATCH: usize = 32;

pub(super) struct Seat {
    node: Box<dyn Node>,
    flow: FlowId,
    leg: Leg,
    socket: std::net::UdpSocket,
    writer: Writer,
    incoming: Incoming,
    clock: Clock,
    until: Time,
    events: EventFeed,
    outgoing: Vec<Packet>,
    seen: Datagrams,
}

/// What of a seat belongs to a runtime.
struct Descriptors {
    socket: Socket,
    alarm: Alarm,
    buffer: Vec<u8>,
}

/// Why a seat goes on.
enum Turn {
    Received(usize, Ecn),
    Rang,
    Stopped,
}

impl Seat {
    pub(super) fn new(
        endpoint: Endpoint,
        clock: Clock,
        until: Time,
        ledger: &Ledger,
        events: EventFeed,
    ) -> Self {
        let Endpoint {
            node,
            flow,
            leg,
            addresses: [from, to],
            socket,
            formats: [writes, reads],
        } = endpoint;
        let other = match leg {
            Leg::Outward => Leg::Return,
            Leg::Return => Leg::Outward,
        };
        let addresses = wire::Addresses { from, to };
        Self {
            node,
            flow,
            leg,
            socket,
            writer: Writer::new(flow, writes, addresses, ledger.clone()),
            incoming: Incoming::new(flow, other, reads, ledger.clone()),
            clock,
            until,
            events,
            outgoing: Vec::new(),
            seen: Datagrams::default(),
        }
    }

    /// Works until the end of the run, or until asked to stop.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) -> io::Result<Datagrams> {
        let mut own = Descriptors {
            socket: Socket::new(self.socket.try_clone()?)?,
            alarm: Alarm::new()?,
            buffer: vec![0; 1 << 16],
        };
        while !self.is_over() {
            let mut idle = !self.wake(&mut own).await?;
            for _ in 0..BATCH {
                let Some((length, ecn)) = own.socket.try_receive(&mut own.buffer)? else {
                    break;
                };
                idle = false;
                self.receive(&mut own, length, ecn).await?;
            }
            if !idle {
                task::yield_now().await;
                continue;
            }
            match self.rest(&mut own, &mut stop).await? {
                Turn::Received(length, ecn) => self.receive(&mut own, length, ecn).await?,
                Turn::Rang => {}
                Turn::Stopped => break,
            }
        }
        Ok(self.seen)
    }

    fn is_over(&self) -> bool {
        self.clock.now() >= self.until
    }

    /// Waits until there is something to do.
    async fn rest(
        &mut self,
        own: &mut Descriptors,
        stop: &mut watch::Receiver<bool>,
    ) -> io::Result<Turn> {
        let wish = self.node.next_wake().unwrap_or(Time::MAX);
        own.alarm.set(self.clock.now(), wish.min(self.until))?;
        tokio::select! {
            biased;
            // Stopped, or nobody is there to stop it.
            _ = stop.changed() => Ok(Turn::Stopped),
            received = own.socket.receive(&mut own.buffer) => {
                let (length, ecn) = received?;
                Ok(Turn::Received(length, ecn))
            }
            rang = own.alarm.rings() => rang.map(|()| Turn::Rang),
        }
    }

    /// Wakes the node if it wants to be; whether it did.
    async fn wake(&mut self, own: &mut Descriptors) -> io::Result<bool> {
        let now = self.clock.now();
        if self.node.next_wake().is_none_or(|at| at > now) {
            return Ok(false);
        }
        self.node
            .wake(&mut Outbox::new(now, &mut self.outgoing, &mut self.events));
        self.send(own, now).await?;
        Ok(true)
    }

    /// Hands a datagram to the node.
    async fn receive(&mut self, own: &mut Descriptors, length: usize, ecn: Ecn) -> io::Result<()> {
        let now = self.clock.now();
        let bytes = own.buffer.get(..length).unwrap_or_default();
        let Some(mut packet) = self.incoming.read(bytes, ecn) else {
            self.seen.unread += 1;
            return Ok(());
        };
        self.seen.received += 1;
        self.node.receive(
            &mut packet,
            &mut Outbox::new(now, &mut self.outgoing, &mut self.events),
        );
        self.send(own, now).await
    }

    /// Sends what the node has put into its outbox.
    async fn send(&mut self, own: &mut Descriptors, now: Time) -> io::Result<()> {
        for mut packet in std::mem::take(&mut self.outgoing) {
            // Whose packet it is is for the driver to say.
            (packet.flow, packet.leg, packet.sent) = (self.flow, self.leg, now);
            if packet.path != 0 {
                let packet = packet.tag();
                self.events.event(now, &Event::NoPath { packet });
                continue;
            }
            let payload = self.writer.write(&packet);
            let size = HEADERS.saturating_add(u32::try_from(payload.len()).unwrap_or(u32::MAX));
            if size > MTU {
                self.seen.too_long += 1;
                continue;
            }
            self.seen.larger += u64::from(size > packet.size);
            self.seen.excess += u64::from(size.saturating_sub(packet.size));
            if own.socket.send(payload, packet.ecn).await? {
                self.seen.sent += 1;
            } else {
                self.seen.refused += 1;
            }
        }
        Ok(())
    }
}
