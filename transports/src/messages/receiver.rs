//! The receiving end of a flow of messages.

use std::collections::BTreeMap;

use weaknet_core::packet::{Ecn, FlowId, Leg, Message, MessagePacket, Packet, Payload, Protocol};
use weaknet_core::{Event, Node, Outbox, Time};

use super::config::{MessagesConfig, Reliability, ack_size};
use crate::transport::{AckGenerator, Ranges};

/// Numbers below the oldest that the sender still cares for which are told from
/// new ones.
const REMEMBERED: u64 = 10_000;

/// The parts of a receiver.
#[derive(Debug, Clone)]
pub struct MessageReceiverConfig {
    /// The flow.
    pub flow: FlowId,
    /// When it stops listening.
    pub stop: Time,
    /// What the flow is.
    pub messages: MessagesConfig,
    /// Whether the sender wants to know when each packet arrived.
    pub arrival_times: bool,
}

/// In which order messages are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// As they come.
    Any,
    /// None that is older than one before.
    Newest,
    /// As they were given.
    Given,
}

/// The receiving end of a flow of messages.
pub struct MessageReceiver {
    flow: FlowId,
    stop: Time,
    order: Order,
    acks: AckGenerator,
    ids: u64,
    /// Numbers that have come.
    come: Ranges,
    /// Those that wait for earlier ones, and when they were given.
    held: BTreeMap<u64, Time>,
    /// In order: the next number; newest: the number after the newest.
    next: u64,
}

impl MessageReceiver {
    /// A receiver that has seen nothing.
    #[must_use]
    pub fn new(parts: MessageReceiverConfig) -> Self {
        let settings = parts.messages.settings();
        let order = match (settings.reliability, settings.ordered) {
            (Reliability::NewestWins, _) => Order::Newest,
            (_, true) => Order::Given,
            (_, false) => Order::Any,
        };
        Self {
            flow: parts.flow,
            stop: parts.stop,
            order,
            acks: AckGenerator::new(MessagesConfig::ack_rules(parts.arrival_times)),
            ids: 0,
            come: Ranges::new(),
            held: BTreeMap::new(),
            next: 0,
        }
    }

    fn on_packet(&mut self, out: &mut Outbox<'_>, packet: &MessagePacket, ecn: Ecn) {
        // So that what is remembered does not grow for ever.
        let old = packet.forget_below.saturating_sub(REMEMBERED);
        self.come.insert(0..old);
        let mut messages = packet.messages.clone();
        messages.sort_unstable_by_key(|message| message.number);
        for message in messages {
            let number = message.number;
            if self.come.insert(number..number.saturating_add(1)) {
                self.on_message(out, &message);
            }
        }
        if self.order == Order::Given {
            self.release(out, packet.forget_below);
        }
        let floor = packet.number.saturating_sub(u64::from(packet.waits_for));
        self.acks
            .on_packet(out.now(), packet.number, floor, ecn, false);
    }

    fn on_message(&mut self, out: &mut Outbox<'_>, message: &Message) {
        match self.order {
            Order::Any => self.deliver(out, message.number, message.given),
            Order::Newest | Order::Given if message.number < self.next => {}
            Order::Newest => {
                self.next = message.number.saturating_add(1);
                self.deliver(out, message.number, message.given);
            }
            Order::Given => {
                self.held.insert(message.number, message.given);
            }
        }
    }

    /// Hands on what waits for nothing any more; what is below `forgotten` and has
    /// not come never will.
    fn release(&mut self, out: &mut Outbox<'_>, forgotten: u64) {
        while let Some(first) = self.held.first_entry() {
            let number = *first.key();
            if number > self.next.max(forgotten) {
                return;
            }
            let given = first.remove();
            self.next = number.saturating_add(1);
            self.deliver(out, number, given);
        }
    }

    fn deliver(&self, out: &mut Outbox<'_>, message: u64, given: Time) {
        out.event(Event::MessageDelivered {
            flow: self.flow,
            message,
            given,
        });
    }

    fn acknowledge(&mut self, out: &mut Outbox<'_>) {
        let Some(ack) = self.acks.poll(out.now()) else {
            return;
        };
        self.ids += 1;
        let packet = Packet {
            id: u64::from(self.flow.0) << 48 | 1 << 47 | self.ids,
            flow: self.flow,
            leg: Leg::Return,
            path: 0,
            hop: 0,
            ecn: Ecn::NotEct,
            damaged: false,
            protocol: Protocol::Udp,
            size: ack_size(&ack),
            sent: out.now(),
            payload: Payload::Ack(ack),
        };
        out.event(Event::Sent {
            packet: packet.tag(),
            payload: 0,
        });
        out.send(packet);
    }
}

impl Node for MessageReceiver {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        let now = out.now();
        out.event(Event::Received {
            packet: packet.tag(),
            one_way: now - packet.sent,
        });
        let ecn = packet.ecn;
        if let Payload::Messages(messages) = &packet.payload
            && now < self.stop
        {
            self.on_packet(out, messages, ecn);
            self.acknowledge(out);
        }
    }

    fn wake(&mut self, out: &mut Outbox<'_>) {
        self.acknowledge(out);
    }

    fn next_wake(&self) -> Option<Time> {
        self.acks.next_wake().filter(|at| *at < self.stop)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::messages::Profile;

    fn receiver(reliability: Reliability, ordered: bool) -> MessageReceiver {
        MessageReceiver::new(MessageReceiverConfig {
            flow: FlowId(0),
            stop: Time::MAX,
            messages: MessagesConfig {
                profile: Profile::Telemetry,
                reliability: Some(reliability),
                ordered: Some(ordered),
                ..MessagesConfig::default()
            },
            arrival_times: false,
        })
    }

    /// What is handed on with a packet of these messages, and the bytes that come
    /// back.
    fn arrive(r: &mut MessageReceiver, number: u64, forget: u64, messages: &[u64]) -> Vec<u64> {
        let message = |&number: &u64| Message {
            number,
            size: 10,
            again: false,
            given: Time::ZERO,
        };
        let mut packet = Packet {
            payload: Payload::Messages(Box::new(MessagePacket {
                number,
                waits_for: 0,
                forget_below: forget,
                messages: messages.iter().map(message).collect(),
            })),
            ..Packet::VACANT
        };
        let (mut packets, mut events) = (Vec::new(), Vec::new());
        let mut out = Outbox::new(Time::from_secs(1), &mut packets, &mut events);
        r.receive(&mut packet, &mut out);
        assert!(packets.iter().all(|p| matches!(p.payload, Payload::Ack(_))));
        let delivered = events.iter().filter_map(|(_, event)| match event {
            Event::MessageDelivered { message, .. } => Some(*message),
            _ => None,
        });
        delivered.collect()
    }

    #[test]
    fn in_order_what_is_given_up_is_skipped() {
        let mut r = receiver(Reliability::Unreliable, true);
        assert_eq!(arrive(&mut r, 0, 0, &[0]), [0]);
        assert!(arrive(&mut r, 1, 0, &[3, 2]).is_empty(), "1 may still come");
        assert_eq!(arrive(&mut r, 2, 2, &[5]), [2, 3]);
        assert!(
            arrive(&mut r, 3, 2, &[1]).is_empty(),
            "too late for its place"
        );
        assert_eq!(arrive(&mut r, 4, 2, &[4]), [4, 5]);
    }

    #[test]
    fn the_newest_wins_and_any_order_takes_all() {
        let mut newest = receiver(Reliability::NewestWins, false);
        let mut any = receiver(Reliability::Reliable, false);
        let packets = [&[1][..], &[0], &[4, 3], &[3, 5], &[5]];
        let all = |r: &mut MessageReceiver| -> Vec<u64> {
            let numbered = (0..).zip(packets);
            numbered
                .flat_map(|(n, packet)| arrive(r, n, 0, packet))
                .collect()
        };
        assert_eq!(all(&mut newest), [1, 3, 4, 5]);
        assert_eq!(all(&mut any), [1, 0, 3, 4, 5]);
    }

    proptest! {
        #[test]
        fn each_once_whatever_comes(
            packets in prop::collection::vec(
                (any::<u64>(), prop_oneof![0u64..50, any::<u64>()], prop::collection::vec(prop_oneof![0u64..50, any::<u64>()], 0..6)),
                0..60,
            ),
            kind in 0..3,
        ) {
            let mut r = match kind {
                0 => receiver(Reliability::Reliable, true),
                1 => receiver(Reliability::Reliable, false),
                _ => receiver(Reliability::NewestWins, false),
            };
            let mut seen = std::collections::BTreeSet::new();
            let mut last = None;
            for (number, forget, messages) in packets {
                for message in arrive(&mut r, number, forget, &messages) {
                    prop_assert!(seen.insert(message));
                    prop_assert!(kind == 1 || last < Some(message));
                    last = Some(message);
                }
            }
        }
    }
}
