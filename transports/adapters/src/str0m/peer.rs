//! An instance of str0m at an end of a flow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::str0m::net::{Protocol, Receive};
use ::str0m::{Event as RtcEvent, Input, Output, Rtc};
use weaknet_core::packet::{self, Ecn, FlowId, Leg, Packet, Payload, Tag};
use weaknet_core::{Event, Outbox, Span, Time};

use super::addresses;
use super::datagram::{HEADERS, Sight, StreamIds, look, wrap};
use crate::instants::{instant, time};

/// When str0m wants to be called again at once, it is after this: nothing
/// happens in between, and an instant must not last for ever.
const SOON: Span = Span::from_micros(100);

/// The state of the generator that str0m draws from, `fastrand`'s, of which
/// there is one per thread.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// What `throw` yields with this state in the generator.
    pub(super) fn thrown<T>(&mut self, throw: impl FnOnce() -> T) -> T {
        let before = fastrand::get_seed();
        fastrand::seed(self.0);
        let thrown = throw();
        self.0 = fastrand::get_seed();
        fastrand::seed(before);
        thrown
    }
}

/// An instance of str0m.
pub(super) struct Peer {
    rtc: Rtc,
    dice: Dice,
    flow: FlowId,
    leg: Leg,
    streams: StreamIds,
    sent: u64,
    next: Option<Time>,
    events: Vec<RtcEvent>,
    /// Whether one of both is connected.
    one: Arc<AtomicBool>,
}

impl Peer {
    pub(super) fn new(
        rtc: Rtc,
        dice: Dice,
        flow: FlowId,
        leg: Leg,
        streams: StreamIds,
        one: Arc<AtomicBool>,
    ) -> Self {
        Self {
            rtc,
            dice,
            flow,
            leg,
            streams,
            sent: 0,
            next: None,
            events: Vec::new(),
            one,
        }
    }

    pub(super) const fn flow(&self) -> FlowId {
        self.flow
    }

    /// When it wants to be woken.
    pub(super) const fn next(&self) -> Option<Time> {
        self.next
    }

    /// What has happened since the last call.
    pub(super) fn take_events(&mut self) -> Vec<RtcEvent> {
        std::mem::take(&mut self.events)
    }

    /// Whether the other end is connected too, at the moment that this one is.
    pub(super) fn is_second(&self) -> bool {
        self.one.swap(true, Ordering::Relaxed)
    }

    /// Lets time pass.
    pub(super) fn wake(&mut self, out: &mut Outbox<'_>) {
        let now = instant(out.now());
        // An error leaves the instance dead; then it yields nothing more.
        self.apply(out, |rtc| drop(rtc.handle_input(Input::Timeout(now))));
    }

    /// Does something with the instance and sends what comes of it.
    pub(super) fn apply(&mut self, out: &mut Outbox<'_>, apply: impl FnOnce(&mut Rtc)) {
        let Self { rtc, dice, .. } = self;
        let mut datagrams = Vec::new();
        let (events, now) = (&mut self.events, out.now());
        self.next = dice.thrown(|| {
            apply(rtc);
            loop {
                match rtc.poll_output() {
                    Ok(Output::Transmit(transmit)) => datagrams.push(transmit.contents),
                    Ok(Output::Event(event)) => events.push(event),
                    Ok(Output::Timeout(at)) if time(at) > now => return Some(time(at)),
                    Ok(Output::Timeout(_)) => return Some(now + SOON),
                    Err(_) => return None,
                }
            }
        });
        for datagram in datagrams {
            self.send(out, &datagram);
        }
    }

    fn send(&mut self, out: &mut Outbox<'_>, datagram: &[u8]) {
        self.sent += 1;
        let direction = u64::from(self.leg == Leg::Return);
        let mut packet = Packet {
            id: u64::from(self.flow.0) << 48 | direction << 47 | self.sent,
            flow: self.flow,
            leg: self.leg,
            path: 0,
            hop: 0,
            ecn: Ecn::NotEct,
            damaged: false,
            protocol: packet::Protocol::Udp,
            size: 0,
            sent: out.now(),
            payload: Payload::Opaque,
        };
        let sight = look(datagram, self.streams);
        wrap(&mut packet, datagram, &sight);
        out.event(Event::Sent {
            packet: Tag {
                class: sight.class,
                ..packet.tag()
            },
            payload: 0,
        });
        out.send(packet);
    }

    /// Takes a packet in; what it was.
    pub(super) fn receive(&mut self, packet: &Packet, out: &mut Outbox<'_>) -> Option<Sight> {
        let Payload::Bytes(bytes) = &packet.payload else {
            return None;
        };
        let datagram = bytes.get(HEADERS..)?;
        let sight = look(datagram, self.streams);
        out.event(Event::Received {
            packet: Tag {
                class: sight.class,
                ..packet.tag()
            },
            one_way: out.now() - packet.sent,
        });
        let (own, other) = addresses(self.flow, self.leg);
        let now = instant(out.now());
        if let Ok(receive) = Receive::new(Protocol::Udp, other, own, datagram) {
            self.apply(out, |rtc| {
                drop(rtc.handle_input(Input::Receive(now, receive)))
            });
        }
        Some(sight)
    }
}
