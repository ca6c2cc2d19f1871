//! What observers know of packets on their way: kept aside by the end that sends, found
//! again by the bytes of the datagram.
//!
//! Of a packet's struct the wire carries what a receiver needs. The rest is there for
//! observers alone: the packet's number, which ties events at the links to those at the
//! ends, when it was sent, and when a message had been given to its sender. Real stacks
//! measure such things by a log at either end that is matched afterwards; here both
//! ends are in one process and the match is made at once.
//!
//! One thing here does reach a node: the media packets that a repair packet combines.
//! Nodes repair by number and take the content from there; schemes hold the law that
//! what they repair by number follows from the bytes too, and nothing else does, so
//! that the receiver learns nothing that the bytes, which do travel, would not tell.
//!
//! A datagram is found by a hash of 64 bits over its payload. Payloads differ by the
//! numbers in them; of equal ones the latest is meant.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weaknet_core::Time;
use weaknet_core::packet::{FlowId, Leg, MessagePacket, Packet, Payload, RepairPacket, Tag};

/// Packets of a leg that are remembered: some seconds of a very fast flow.
const MEMORY: usize = 1 << 16;

/// Packets on their way. Copies are the same ledger.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<BTreeMap<(FlowId, Leg), Sent>>>);

/// The latest packets of one leg.
#[derive(Default)]
struct Sent {
    known: BTreeMap<u64, (u64, Entry)>,
    /// Hash and number, oldest first.
    order: VecDeque<(u64, u64)>,
    number: u64,
}

/// What is known of a packet.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) tag: Tag,
    pub(super) sent: Time,
    hidden: Hidden,
}

/// What the wire does not carry of a payload.
#[derive(Debug, Clone)]
enum Hidden {
    Nothing,
    /// Everything: nobody looks at it.
    Opaque,
    Messages(Box<MessagePacket>),
    Repair(Box<RepairPacket>),
}

fn digest(payload: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(payload);
    hasher.finish()
}

impl Ledger {
    fn legs(&self) -> MutexGuard<'_, BTreeMap<(FlowId, Leg), Sent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A packet of these bytes is about to leave.
    pub(super) fn enter(&self, packet: &Packet, bytes: &[u8]) {
        let entry = Entry {
            tag: packet.tag(),
            sent: packet.sent,
            hidden: match &packet.payload {
                Payload::Opaque => Hidden::Opaque,
                Payload::Messages(messages) => Hidden::Messages(messages.clone()),
                Payload::Repair(repair) => Hidden::Repair(repair.clone()),
                _ => Hidden::Nothing,
            },
        };
        let digest = digest(bytes);
        let mut legs = self.legs();
        let sent = legs.entry((packet.flow, packet.leg)).or_default();
        sent.number += 1;
        sent.known.insert(digest, (sent.number, entry));
        sent.order.push_back((digest, sent.number));
        if sent.order.len() > MEMORY
            && let Some((digest, number)) = sent.order.pop_front()
            && sent.known.get(&digest).is_some_and(|(of, _)| *of == number)
        {
            sent.known.remove(&digest);
        }
    }

    /// The packet of these bytes.
    pub(super) fn find(&self, flow: FlowId, leg: Leg, bytes: &[u8]) -> Option<Entry> {
        let digest = digest(bytes);
        let legs = self.legs();
        let (_, entry) = legs.get(&(flow, leg))?.known.get(&digest)?;
        Some(entry.clone())
    }
}

impl Entry {
    /// Whether the payload is of no meaning.
    pub(super) const fn is_opaque(&self) -> bool {
        matches!(self.hidden, Hidden::Opaque)
    }

    /// Puts what observers want to know into a payload that was read from the wire.
    pub(super) fn complete(&self, payload: &mut Payload) {
        match (&self.hidden, payload) {
            (Hidden::Messages(sent), Payload::Messages(read)) => {
                for message in &mut read.messages {
                    let mut all = sent.messages.iter();
                    if let Some(known) = all.find(|known| known.number == message.number) {
                        (message.again, message.given) = (known.again, known.given);
                    }
                }
            }
            (Hidden::Repair(sent), Payload::Repair(read)) => {
                (read.rtp.frame, read.rtp.key) = (sent.rtp.frame, sent.rtp.key);
                (read.rtp.part, read.rtp.parts) = (sent.rtp.part, sent.rtp.parts);
                read.rtp.picture = sent.rtp.picture;
                for protected in &mut read.protects {
                    let mut all = sent.protects.iter();
                    if let Some(known) = all.find(|known| known.seq == protected.seq) {
                        *protected = *known;
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::packet::Message;

    use super::*;

    fn packet(id: u64) -> Packet {
        Packet {
            id,
            sent: Time::from_millis(id),
            ..Packet::VACANT
        }
    }

    fn found(ledger: &Ledger, leg: Leg, bytes: &[u8]) -> Option<u64> {
        ledger.find(FlowId(0), leg, bytes).map(|entry| entry.tag.id)
    }

    #[test]
    fn packets_are_found_by_their_bytes() {
        let ledger = Ledger::default();
        ledger.enter(&packet(1), b"one");
        ledger.enter(&packet(2), b"two");
        assert_eq!(found(&ledger, Leg::Outward, b"one"), Some(1));
        assert_eq!(found(&ledger, Leg::Outward, b"two"), Some(2));
        assert_eq!(found(&ledger, Leg::Outward, b"one"), Some(1), "a copy too");
        assert_eq!(found(&ledger, Leg::Return, b"one"), None);
        assert_eq!(found(&ledger, Leg::Outward, b"six"), None);
    }

    #[test]
    fn of_equal_ones_the_latest_is_meant_until_it_is_forgotten() {
        let ledger = Ledger::default();
        ledger.enter(&packet(1), b"same");
        ledger.enter(&packet(2), b"same");
        for id in 3..=MEMORY as u64 + 1 {
            ledger.enter(&packet(id), &id.to_le_bytes());
        }
        assert_eq!(found(&ledger, Leg::Outward, b"same"), Some(2));
        ledger.enter(&packet(0), b"one more");
        assert_eq!(found(&ledger, Leg::Outward, b"same"), None);
        assert_eq!(found(&ledger, Leg::Outward, b"one more"), Some(0));
    }

    #[test]
    fn messages_get_back_when_they_were_given() {
        let message = |again, given| Message {
            number: 7,
            size: 40,
            again,
            given,
        };
        let carried = |message| {
            Payload::Messages(Box::new(MessagePacket {
                number: 1,
                waits_for: 0,
                forget_below: 0,
                messages: vec![message],
            }))
        };
        let sent = carried(message(true, Time::from_millis(3)));
        let ledger = Ledger::default();
        let packet = Packet {
            payload: sent.clone(),
            ..packet(1)
        };
        ledger.enter(&packet, b"bytes");
        let entry = ledger.find(FlowId(0), Leg::Outward, b"bytes").unwrap();
        let mut read = carried(message(false, Time::ZERO));
        entry.complete(&mut read);
        assert_eq!(read, sent);
    }
}
