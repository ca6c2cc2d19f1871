//! What happens to the packets of flows on a live link, as the simulator tells it.
//!
//! A live link carries bytes. An observer at its tap finds out which packet of which
//! flow they are and publishes the link's events with that, so that the same metrics
//! understand them. What else is on the link, it passes over.

use std::collections::{BTreeMap, VecDeque};

use weaknet_core::event::DropReason;
use weaknet_core::packet::{LinkId, Packet, Payload, Tag};
use weaknet_core::{Event, EventSink, Span, Time};
use weaknet_netem::Tap;

use super::ledger::Ledger;
use super::merge::EventFeed;
use super::{FlowPorts, HEADERS};
use crate::watch::Watch;

/// Packets on a link that are remembered.
const MEMORY: usize = 1 << 16;
const IP: usize = 20;
const UDP: u8 = 17;

/// Watches one link; to be set as its tap.
pub struct LinkObserver {
    link: LinkId,
    ledger: Ledger,
    events: EventFeed,
    /// Packets by the number that the emulator has given them.
    known: BTreeMap<u64, Tag>,
    order: VecDeque<u64>,
}

impl LinkObserver {
    /// An observer of the link of this id.
    #[must_use]
    pub const fn new(link: LinkId, ledger: Ledger, events: EventFeed) -> Self {
        Self {
            link,
            ledger,
            events,
            known: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    /// The packet that these bytes are.
    fn identify(&self, packet: &Packet) -> Option<Tag> {
        let Payload::Bytes(bytes) = &packet.payload else {
            return None;
        };
        let (from, to) = ports(bytes)?;
        let (flow, leg) = FlowPorts::find(from, to)?;
        let payload = bytes.get(HEADERS as usize..)?;
        Some(self.ledger.find(flow, leg, payload)?.tag)
    }

    fn of(&self, id: u64) -> Option<Tag> {
        self.known.get(&id).copied()
    }
}

/// The UDP ports of an IPv4 datagram without options.
fn ports(datagram: &[u8]) -> Option<(u16, u16)> {
    if datagram.first() != Some(&0x45) || datagram.get(9) != Some(&UDP) {
        return None;
    }
    let port = |at: usize| datagram.get(at..)?.first_chunk().copied();
    Some((
        u16::from_be_bytes(port(IP)?),
        u16::from_be_bytes(port(IP + 2)?),
    ))
}

impl Tap for LinkObserver {
    fn arrived(&mut self, at: Time, packet: &Packet) {
        let Some(tag) = self.identify(packet) else {
            return;
        };
        self.known.insert(packet.id, tag);
        self.order.push_back(packet.id);
        if self.order.len() > MEMORY
            && let Some(old) = self.order.pop_front()
        {
            self.known.remove(&old);
        }
        let (link, packet) = (self.link, tag);
        self.events.event(at, &Event::LinkArrive { link, packet });
    }

    fn delivered(&mut self, at: Time, packet: &Packet, waited: Span, total: Span) {
        let Some(tag) = self.of(packet.id) else {
            return;
        };
        let event = Event::LinkDeliver {
            link: self.link,
            packet: tag,
            waited,
            total,
        };
        self.events.event(at, &event);
        if packet.damaged {
            // Its checksum is wrong: the kernel at the other end throws it away.
            self.events.event(at, &Event::Damaged { packet: tag });
        }
    }

    fn dropped(&mut self, at: Time, packet: &Packet, reason: DropReason) {
        if let Some(tag) = self.of(packet.id) {
            let event = Event::LinkDrop {
                link: self.link,
                packet: tag,
                reason,
            };
            self.events.event(at, &event);
        }
    }

    fn marked(&mut self, at: Time, packet: Tag) {
        if let Some(packet) = self.of(packet.id) {
            let link = self.link;
            self.events.event(at, &Event::LinkMark { link, packet });
        }
    }

    fn copied(&mut self, at: Time, packet: Tag) {
        if let Some(packet) = self.of(packet.id) {
            let link = self.link;
            self.events.event(at, &Event::LinkCopy { link, packet });
        }
    }
}

/// Tells how late packets left one link, as [`Event::LinkLeft`].
pub struct DepartureObserver {
    link: LinkId,
    events: EventFeed,
}

impl DepartureObserver {
    /// An observer of the link of this id.
    #[must_use]
    pub const fn new(link: LinkId, events: EventFeed) -> Self {
        Self { link, events }
    }
}

/// A [`LinkObserver`] tells the link's events, and of which packets they are.
impl EventSink for DepartureObserver {
    fn event(&mut self, _: Time, _: &Event) {}
}

impl Watch for DepartureObserver {
    fn departed(&mut self, _: u64, _: &[u8], ideal: Time, actual: Time) {
        let (link, late) = (self.link, actual.since(ideal));
        self.events.event(actual, &Event::LinkLeft { link, late });
    }
}
