//! What a link's tap writes to its capture.
//!
//! A capture has three interfaces: `in` has packets as they reach the link, `out`
//! as they reach its far end, `dropped` those that the link drops or loses, when
//! it does. The start of the run is [`wire::EPOCH`]. Comments are words separated
//! by blanks: `queue_delay=` and `total=` (time in the queue, and from arrival to
//! delivery, exact, in milliseconds) on `out`, `drop=` and the reason on `dropped`; on both `ce-marked`
//! when this link marked the packet and `duplicated` for a packet and its copy;
//! everywhere `damaged`, and `size=` for the bytes that the simulator counts when
//! that is not the length of the datagram.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weaknet_core::event::DropReason;
use weaknet_core::packet::{Packet, Tag};
use weaknet_core::{Span, Time};
use weaknet_netem::Tap;
use weaknet_transports::wire::{self, Addresses, Encoder};

use super::CaptureOptions;
use super::files::{CaptureError, Stream, error};
use super::pcapng::{Interface, PacketBlock, PcapngWriter};

/// Interface of arrivals at the link.
pub const IN: u32 = 0;
/// Interface of deliveries at its far end.
pub const OUT: u32 = 1;
/// Interface of drops and losses.
pub const DROPPED: u32 = 2;

pub(crate) const INTERFACES: [Interface<'_>; 3] = [
    Interface {
        name: "in",
        description: "packets as they reach the link",
    },
    Interface {
        name: "out",
        description: "packets as they reach the far end",
    },
    Interface {
        name: "dropped",
        description: "packets that the link drops or loses",
    },
];

/// The capture of one link.
pub struct LinkCapture(Arc<Mutex<Open>>);

struct Open {
    /// `None` when finished.
    file: Option<PcapngWriter<Stream>>,
    /// Of all links of the run, so that a packet is the same on each of them.
    encoder: Arc<Mutex<Encoder>>,
    datagram: Vec<u8>,
    comment: String,
    /// Marked or copied packets on the link, by their ids.
    notes: BTreeMap<u64, Note>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Note {
    marked: bool,
    /// Copies made.
    copies: u32,
    /// Packets of this id that have left.
    left: u32,
}

fn lock<T>(open: &Mutex<T>) -> MutexGuard<'_, T> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LinkCapture {
    /// Opens the file. One encoder serves all links of a run.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(
        path: &Path,
        options: &CaptureOptions,
        encoder: Arc<Mutex<Encoder>>,
    ) -> Result<Self, CaptureError> {
        let application = format!("weaknet {}", options.version);
        let file = Stream::create(path)?;
        let file = PcapngWriter::new(file, &application, &INTERFACES, options.snaplen)
            .map_err(error("write", path))?;
        Ok(Self(Arc::new(Mutex::new(Open {
            file: Some(file),
            encoder,
            datagram: Vec::new(),
            comment: String::new(),
            notes: BTreeMap::new(),
        }))))
    }

    /// What has to see the link's packets.
    #[must_use]
    pub fn tap(&self) -> Box<dyn Tap> {
        Box::new(LinkTap(Arc::clone(&self.0)))
    }

    /// Writes the rest out; what the tap sees from now on is not kept.
    ///
    /// # Errors
    /// When anything could not be written.
    pub fn finish(self) -> Result<(), CaptureError> {
        match lock(&self.0).file.take() {
            None => Ok(()),
            Some(file) => file.into_inner().finish(),
        }
    }
}

struct LinkTap(Arc<Mutex<Open>>);

impl Tap for LinkTap {
    fn arrived(&mut self, at: Time, packet: &Packet) {
        lock(&self.0).write(at, packet, IN, String::clear);
    }

    fn delivered(&mut self, at: Time, packet: &Packet, waited: Span, total: Span) {
        let mut open = lock(&self.0);
        let note = open.leave(packet.id);
        open.write(at, packet, OUT, |comment| {
            let (waited, total) = (Milliseconds(waited), Milliseconds(total));
            let _ = write!(comment, "queue_delay={waited} total={total}");
            note.say(comment);
        });
    }

    fn dropped(&mut self, at: Time, packet: &Packet, reason: DropReason) {
        let mut open = lock(&self.0);
        let note = open.leave(packet.id);
        open.write(at, packet, DROPPED, |comment| {
            let _ = write!(comment, "drop={}", reason_name(reason));
            note.say(comment);
        });
    }

    fn marked(&mut self, _: Time, packet: Tag) {
        lock(&self.0).notes.entry(packet.id).or_default().marked = true;
    }

    fn copied(&mut self, _: Time, packet: Tag) {
        lock(&self.0).notes.entry(packet.id).or_default().copies += 1;
    }
}

impl Note {
    fn say(self, comment: &mut String) {
        if self.marked {
            comment.push_str(" ce-marked");
        }
        if self.copies > 0 {
            comment.push_str(" duplicated");
        }
    }
}

impl Open {
    /// What is known of a packet that leaves the link, forgotten when it was the
    /// last one of its id.
    fn leave(&mut self, id: u64) -> Note {
        let Some(note) = self.notes.get_mut(&id) else {
            return Note::default();
        };
        note.left += 1;
        let known = *note;
        if known.left > known.copies {
            self.notes.remove(&id);
        }
        known
    }

    fn write(&mut self, at: Time, packet: &Packet, interface: u32, say: impl FnOnce(&mut String)) {
        let Some(file) = &mut self.file else {
            return;
        };
        lock(&self.encoder).encode(packet, &Addresses::of(packet), &mut self.datagram);
        self.comment.clear();
        say(&mut self.comment);
        if packet.damaged {
            self.comment.push_str(" damaged");
        }
        if self.datagram.len() as u64 != u64::from(packet.size) {
            let _ = write!(self.comment, " size={}", packet.size);
        }
        let direction = match interface {
            IN => 1,
            OUT => 2,
            _ => 0,
        };
        let block = PacketBlock {
            interface,
            at: (wire::EPOCH * 1_000_000_000).saturating_add(at.as_nanos()),
            bytes: &self.datagram,
            length: 0,
            direction,
            comment: self.comment.trim_start(),
        };
        // A stream keeps its failure until it is finished.
        let _ = file.packet(&block);
    }
}

/// A length of time, exact, always in milliseconds.
pub(crate) struct Milliseconds(pub(crate) Span);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MILLISECOND: u64 = 1_000_000;
        let (whole, rest) = (
            self.0.as_nanos() / MILLISECOND,
            self.0.as_nanos() % MILLISECOND,
        );
        if rest == 0 {
            return write!(f, "{whole}ms");
        }
        let (mut digits, mut width) = (rest, 6);
        while digits.is_multiple_of(10) {
            (digits, width) = (digits / 10, width - 1);
        }
        write!(f, "{whole}.{digits:0width$}ms")
    }
}

/// The reason as it stands in captures.
#[must_use]
pub const fn reason_name(reason: DropReason) -> &'static str {
    match reason {
        DropReason::Overflow => "overflow",
        DropReason::Aqm => "aqm",
        DropReason::Loss => "loss",
        DropReason::Policed => "policed",
        DropReason::TooBig => "too_big",
        DropReason::Filtered => "filtered",
        _ => "other",
    }
}
