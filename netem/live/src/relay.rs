//! What workers see, for a thread that has the time to write it down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use weaknet_core::event::{Event, EventSink};
use weaknet_core::packet::{Ecn, FlowId, LinkId, Packet, Payload, Protocol};
use weaknet_core::{Span, Time};

use crate::watch::Watch;

/// Notes that are handed over together.
const BUNDLE: usize = 512;
/// Bundles that may wait to be written down: some seconds at a gigabit.
const WAITING: usize = 1_024;
/// A worker that rests for longer than this hands over what it has.
const SOON: Span = Span::from_millis(1);

/// Something that a worker saw.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// A packet came to the first link.
    Arrival {
        /// When.
        at: Time,
        /// Its number in this direction, from 0.
        packet: u64,
        /// Bytes from the IP header on.
        size: u32,
        /// What has one five-tuple.
        flow: FlowId,
        /// Its protocol.
        protocol: Protocol,
        /// Its codepoint.
        ecn: Ecn,
        /// Its first bytes, as many as were asked for.
        head: Vec<u8>,
    },
    /// A link did something.
    Event(Time, Event),
    /// The link was stopped.
    End(Time),
    /// A packet was written to the device.
    Departure {
        /// When it should have been.
        ideal: Time,
        /// When it was.
        actual: Time,
        /// Its number.
        packet: u64,
        /// Bytes from the IP header on.
        size: u32,
        /// Its first bytes, as many as were asked for.
        head: Vec<u8>,
    },
}

/// Notes of one direction, in the order in which they were taken.
#[derive(Debug)]
pub struct Bundle {
    /// 0: from left to right, 1: back.
    pub direction: usize,
    /// The notes.
    pub notes: Vec<Note>,
}

/// Hands on what a worker sees. What finds no room, because it is not written down
/// fast enough, is counted and left out: packets do not wait for it.
pub struct Relay {
    direction: usize,
    /// The link where packets come from the device.
    first: LinkId,
    snaplen: usize,
    notes: Vec<Note>,
    to: SyncSender<Bundle>,
    left_out: Arc<AtomicU64>,
}

/// What both directions see.
pub struct Relays {
    /// For the workers.
    pub relays: [Relay; 2],
    /// For who writes it down; ends when both workers have.
    pub bundles: Receiver<Bundle>,
    /// Notes that found no room.
    pub left_out: Arc<AtomicU64>,
}

impl Relay {
    /// One for each direction, with the link that is its first one, and with the first
    /// bytes of packets.
    #[must_use]
    pub fn pair(firsts: [LinkId; 2], snaplen: usize) -> Relays {
        let (to, bundles) = sync_channel(WAITING);
        let left_out = Arc::new(AtomicU64::new(0));
        let relay = |direction| Self {
            direction,
            first: firsts[direction],
            snaplen,
            notes: Vec::with_capacity(BUNDLE),
            to: to.clone(),
            left_out: Arc::clone(&left_out),
        };
        Relays {
            relays: [relay(0), relay(1)],
            bundles,
            left_out,
        }
    }

    fn note(&mut self, note: Note) {
        self.notes.push(note);
        if self.notes.len() >= BUNDLE {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        if self.notes.is_empty() {
            return;
        }
        let bundle = Bundle {
            direction: self.direction,
            notes: std::mem::replace(&mut self.notes, Vec::with_capacity(BUNDLE)),
        };
        if let Err(TrySendError::Full(bundle) | TrySendError::Disconnected(bundle)) =
            self.to.try_send(bundle)
        {
            let count = bundle.notes.len() as u64;
            self.left_out.fetch_add(count, Ordering::Relaxed);
        }
    }

    fn head(&self, bytes: &[u8]) -> Vec<u8> {
        bytes[..bytes.len().min(self.snaplen)].to_vec()
    }
}

impl EventSink for Relay {
    fn event(&mut self, at: Time, event: &Event) {
        // An arrival has been noted with more than the event says.
        if !matches!(event, Event::LinkArrive { link, .. } if *link == self.first) {
            self.note(Note::Event(at, *event));
        }
    }
}

impl Watch for Relay {
    fn arriving(&mut self, at: Time, packet: &Packet) {
        let head = match &packet.payload {
            Payload::Bytes(bytes) => self.head(bytes),
            _ => Vec::new(),
        };
        self.note(Note::Arrival {
            at,
            packet: packet.id,
            size: packet.size,
            flow: packet.flow,
            protocol: packet.protocol,
            ecn: packet.ecn,
            head,
        });
    }

    fn departed(&mut self, packet: u64, bytes: &[u8], ideal: Time, actual: Time) {
        let head = self.head(bytes);
        self.note(Note::Departure {
            ideal,
            actual,
            packet,
            size: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            head,
        });
    }

    fn ended(&mut self, at: Time) {
        self.note(Note::End(at));
    }

    fn resting(&mut self, span: Option<Span>) {
        if span.is_none_or(|span| span > SOON) {
            self.hand_over();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.hand_over();
    }
}
