//! The sending end of a flow of messages.
//!
//! Way of a message: application -> store -> window and pacer, if there is a
//! controller -> link; acknowledgements come back to the send history, which tells
//! the store what has arrived and what is lost.

use std::collections::{BTreeSet, VecDeque};

use weaknet_core::packet::{
    Ack, Ecn, FlowId, Leg, Message, MessagePacket, Packet, Payload, Protocol,
};
use weaknet_core::rng::Sequence;
use weaknet_core::{Bytes, Event, Node, Outbox, Time};

use super::config::{MessagesConfig, packet_size};
use super::gate::Gate;
use super::profile::Settings;
use super::source::Source;
use super::store::Store;
use crate::cc::{
    CcEvent, CongestionController, Constraints, FeedbackKind, PacketResult, SentKind, SentPacket,
    wants_arrival_times,
};
use crate::transport::{Alarm, Flight, News};

/// The parts of a sender.
pub struct MessageSenderConfig {
    /// The flow.
    pub flow: FlowId,
    /// When the first message is given.
    pub start: Time,
    /// When the sender falls silent.
    pub stop: Time,
    /// What it sends.
    pub messages: MessagesConfig,
    /// Draws the sizes of messages.
    pub sizes: Sequence,
    /// Draws the times between them.
    pub times: Sequence,
    /// Decides how fast, if anybody does, within bounds.
    pub controller: Option<(Box<dyn CongestionController>, Constraints)>,
}

/// The sending end of a flow of messages.
pub struct MessageSender {
    flow: FlowId,
    stop: Time,
    settings: Settings,
    source: Source,
    store: Store,
    gate: Option<Gate>,
    /// Whether the controller has to take the messages for media.
    made_for_media: bool,
    flight: Flight,
    /// Copies to come: when, of which message, which of them.
    copies: BTreeSet<(Time, u64, u32)>,
    /// Messages by packet number, from `carried_from`.
    carried: VecDeque<Vec<u64>>,
    carried_from: u64,
    begun: bool,
    /// A packet must go out whatever the controller says.
    probe_due: bool,
    /// Up to where the receiver was told to wait for nothing.
    told: u64,
    results: Vec<PacketResult>,
    wake_at: Option<Time>,
}

impl MessageSender {
    /// A sender that has not begun yet.
    #[must_use]
    pub fn new(parts: MessageSenderConfig) -> Self {
        let settings = parts.messages.settings();
        let gate = parts
            .controller
            .map(|(controller, constraints)| Gate::new(controller, constraints));
        let made_for_media = gate
            .as_ref()
            .is_some_and(|gate| wants_arrival_times(gate.controller.as_ref()));
        let kind = if made_for_media {
            FeedbackKind::PerPacket
        } else {
            FeedbackKind::AckRanges
        };
        Self {
            flow: parts.flow,
            stop: parts.stop,
            settings,
            source: Source::new(settings, parts.start, parts.sizes, parts.times),
            store: Store::new(settings.reliability, settings.redundancy),
            gate,
            made_for_media,
            flight: Flight::new(parts.messages.loss_rules(), kind),
            copies: BTreeSet::new(),
            carried: VecDeque::new(),
            carried_from: 0,
            begun: false,
            probe_due: false,
            told: 0,
            results: Vec::new(),
            wake_at: Some(parts.start),
        }
    }

    /// Everything that is due now, then the next wake-up.
    fn pump(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        if now >= self.stop {
            self.wake_at = None;
            return;
        }
        if now >= self.source.next() && !self.begun {
            self.begin(out);
        }
        if self.begun {
            self.run_timers(out);
            self.take_messages(out);
            self.send_all(out);
        }
        self.wake_at = self.earliest(now).filter(|at| *at < self.stop);
    }

    fn begin(&mut self, out: &mut Outbox<'_>) {
        self.begun = true;
        if let Some(gate) = &mut self.gate {
            gate.start(out.now());
        }
        self.publish(out);
        self.follow_controller(out);
    }

    fn run_timers(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        let timer = self.gate.as_ref().and_then(|g| g.controller.next_timer());
        if timer.is_some_and(|at| at <= now) {
            if let Some(gate) = &mut self.gate {
                gate.controller.on_timer(now);
            }
            self.follow_controller(out);
        }
        if let Some((_, alarm)) = self.flight.next_alarm().filter(|(at, _)| *at <= now) {
            let news = self.flight.on_alarm(now, alarm, &mut self.results);
            self.probe_due |= alarm == Alarm::Probe;
            self.tell(out, &news);
        }
    }

    fn take_messages(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        while let Some(size) = self.source.poll(now) {
            let message = self.store.give(now, size);
            out.event(Event::MessageGiven {
                flow: self.flow,
                message,
                size: u32::from(size),
            });
            for copy in 1..self.settings.copies {
                let at = now + self.settings.spacing * u64::from(copy);
                self.copies.insert((at, message, copy));
            }
        }
    }

    /// When a packet may go; `None` while the window is full.
    fn next_departure(&self) -> Option<Time> {
        self.gate.as_ref().map_or(Some(Time::ZERO), |gate| {
            gate.next_departure(&self.flight.history)
        })
    }

    /// Sends what is there, as far as the controller allows it.
    fn send_all(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        if std::mem::take(&mut self.probe_due)
            && let Some(message) = self.store.probe(now)
        {
            self.transmit(out, vec![message]);
        }
        loop {
            if self.next_departure().is_none_or(|at| at > now) {
                return;
            }
            if self.store.has_waiting(now) {
                let messages = self.store.next_packet(now);
                self.transmit(out, messages);
            } else if let Some(copy) = self.copies.first().copied().filter(|c| c.0 <= now) {
                self.copies.remove(&copy);
                if let Some(message) = self.store.copy(copy.1) {
                    self.transmit(out, vec![message]);
                }
            } else {
                self.flight.history.set_app_limited();
                return;
            }
        }
    }

    fn transmit(&mut self, out: &mut Outbox<'_>, messages: Vec<Message>) {
        let now = out.now();
        let again = messages.iter().all(|message| message.again);
        let forget_below = self.store.base();
        let forgets = forget_below > std::mem::replace(&mut self.told, forget_below);
        let wire = packet_size(&messages, forgets && self.gives_up());
        let size = Bytes::new(u64::from(wire));
        let ecn = self.gate.as_ref().map_or(Ecn::NotEct, Gate::ecn);
        let ecn = self.flight.codepoint(ecn);
        let number = self.flight.history.next_number();
        let packet = SentPacket {
            number,
            at: now,
            size,
            kind: match (again, self.made_for_media) {
                (true, _) => SentKind::Retransmission,
                (false, true) => SentKind::Video,
                (false, false) => SentKind::Data,
            },
            probe: None,
            in_flight: Bytes::ZERO,
            app_limited: false,
        };
        let sent = self.flight.on_sent(packet, ecn);
        let carried = messages.iter().map(|message| message.number).collect();
        self.carried.push_back(carried);
        let payload: u32 = messages
            .iter()
            .filter(|message| !message.again)
            .map(|message| u32::from(message.size))
            .sum();
        let waits_for = number - self.flight.history.oldest();
        let packet = Packet {
            id: u64::from(self.flow.0) << 48 | (number + 1),
            flow: self.flow,
            leg: Leg::Outward,
            path: 0,
            hop: 0,
            ecn,
            damaged: false,
            protocol: Protocol::Udp,
            size: wire,
            sent: now,
            payload: Payload::Messages(Box::new(MessagePacket {
                number,
                waits_for: u32::try_from(waits_for).unwrap_or(u32::MAX),
                forget_below,
                messages,
            })),
        };
        out.event(Event::Sent {
            packet: packet.tag(),
            payload,
        });
        out.send(packet);
        if let Some(gate) = &mut self.gate {
            if self.made_for_media && !again {
                gate.controller.on_event(now, &CcEvent::Frame(size));
            }
            gate.on_departure(now, size);
            gate.controller.on_sent(&sent);
            self.follow_controller(out);
        }
    }

    /// Whether messages may be given up, of which the receiver has to be told.
    fn gives_up(&self) -> bool {
        self.settings.reliability != super::Reliability::Reliable
    }

    fn on_ack(&mut self, out: &mut Outbox<'_>, ack: &Ack) {
        let (store, carried, from) = (&mut self.store, &self.carried, self.carried_from);
        let arrived = |number: u64| {
            for message in messages_of(carried, from, number) {
                store.on_acked(*message);
            }
        };
        let news = self
            .flight
            .on_ack(out.now(), ack, &mut self.results, arrived);
        if let Some(rtt) = news.rtt {
            let flow = self.flow;
            out.event(Event::RttSample { flow, rtt });
        }
        self.tell(out, &news);
    }

    /// Tells store and controller what is in `results`.
    fn tell(&mut self, out: &mut Outbox<'_>, news: &News) {
        let now = out.now();
        for lost in self.results.iter().filter(|p| p.received.is_none()) {
            for message in messages_of(&self.carried, self.carried_from, lost.sent.number) {
                let copies = self.copies.iter().any(|copy| copy.1 == *message);
                self.store.on_lost(now, *message, copies);
            }
        }
        if let Some(gate) = &mut self.gate {
            let controller = gate.controller.as_mut();
            self.flight.tell(now, news, &mut self.results, controller);
            self.follow_controller(out);
        }
        self.flight.forget(now);
        let oldest = self.flight.history.oldest();
        while self.carried_from < oldest && self.carried.pop_front().is_some() {
            self.carried_from += 1;
        }
    }

    /// Takes over what the controller has decided since the last call.
    fn follow_controller(&mut self, out: &mut Outbox<'_>) {
        let rtt = self.flight.rtt.smoothed();
        let changed = self
            .gate
            .as_mut()
            .is_some_and(|gate| gate.follow(out.now(), rtt));
        if changed {
            self.publish(out);
        }
    }

    fn publish(&self, out: &mut Outbox<'_>) {
        if let Some(gate) = &self.gate {
            out.event(Event::Target {
                flow: self.flow,
                target: gate.rate.target,
                pacing: gate.rate.pacing,
            });
        }
    }

    fn earliest(&mut self, now: Time) -> Option<Time> {
        let mut next = Some(self.source.next());
        let mut consider = |at: Option<Time>| next = next.into_iter().chain(at).min();
        if self.begun {
            consider(self.flight.next_alarm().map(|(at, _)| at));
            consider(self.gate.as_ref().and_then(|g| g.controller.next_timer()));
            let departure = self.next_departure();
            if self.store.has_waiting(now) {
                consider(departure);
            }
            let copy = self.copies.first().map(|copy| copy.0);
            consider(
                departure
                    .zip(copy)
                    .map(|(departure, copy)| copy.max(departure)),
            );
        }
        next
    }
}

/// The messages that packet `number` carried; those of packets from `from` on are
/// known.
fn messages_of(carried: &VecDeque<Vec<u64>>, from: u64, number: u64) -> &[u64] {
    let index = number
        .checked_sub(from)
        .and_then(|n| usize::try_from(n).ok());
    let found = index.and_then(|index| carried.get(index));
    found.map_or(&[], |messages| messages)
}

impl Node for MessageSender {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        out.event(Event::Received {
            packet: packet.tag(),
            one_way: out.now() - packet.sent,
        });
        if let Payload::Ack(ack) = &packet.payload
            && self.begun
            && out.now() < self.stop
        {
            self.on_ack(out, ack);
        }
        self.pump(out);
    }

    fn wake(&mut self, out: &mut Outbox<'_>) {
        self.pump(out);
    }

    fn next_wake(&self) -> Option<Time> {
        self.wake_at
    }
}
