//! Packets of a live link as pcapng, at both of its ends.
//!
//! The interfaces are those of a simulated link's capture: `in`, `out`, `dropped`.
//! Packets stand in `out` at the time at which they were written to the device, with
//! their bytes as they were then; `late=` says by how much that is after the departure
//! that the link decided. Comments besides: `queue_delay=`, `total=`, `drop=`,
//! `ce-marked`, `duplicated`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use weaknet_core::event::DropReason;
use weaknet_core::{Span, Time};

use super::recording::{Row, What};
use crate::capture::{
    DROPPED, IN, INTERFACES, Milliseconds, OUT, PacketBlock, PcapngWriter, reason_name,
};

/// The capture of one link.
#[derive(Debug)]
pub struct PacketCapture<W: Write> {
    file: PcapngWriter<W>,
    /// The start of the run, in nanoseconds since 1970.
    epoch: u64,
    /// What is on the link.
    inside: BTreeMap<u64, Inside>,
    comment: String,
}

#[derive(Debug, Default)]
struct Inside {
    size: u32,
    head: Vec<u8>,
    marked: bool,
    /// Copies made.
    copies: u32,
    /// Packets of this number that have gone.
    gone: u32,
    /// Time in the queue and on the link, of those that are due and have not left.
    due: Vec<(Span, Span)>,
}

impl<W: Write> PacketCapture<W> {
    /// Begins the capture of a run that starts now by the clock on the wall.
    ///
    /// # Errors
    /// Those of the output.
    pub fn new(out: W, version: &str) -> io::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos();
        Ok(Self {
            file: PcapngWriter::new(out, &format!("weaknet {version}"), &INTERFACES, None)?,
            epoch: u64::try_from(now).unwrap_or(u64::MAX),
            inside: BTreeMap::new(),
            comment: String::new(),
        })
    }

    /// Takes what happened, with the first bytes of packets that came (`in`) or left
    /// (`left`).
    ///
    /// # Errors
    /// Those of the output.
    pub fn row(&mut self, row: &Row, head: &[u8]) -> io::Result<()> {
        match row.what {
            What::In { packet, size, .. } => {
                self.comment.clear();
                self.write(row.at, IN, head, size)?;
                let inside = Inside {
                    size,
                    head: head.to_vec(),
                    ..Inside::default()
                };
                self.inside.insert(packet, inside);
            }
            What::Out {
                packet,
                waited,
                total,
                ..
            } => {
                if let Some(inside) = self.inside.get_mut(&packet) {
                    inside.due.push((waited, total));
                }
            }
            What::Left { packet, ideal } => self.left(row.at, packet, ideal, head)?,
            What::Drop { packet, reason, .. } => self.dropped(row.at, packet, reason)?,
            What::Mark { packet } => {
                if let Some(inside) = self.inside.get_mut(&packet) {
                    inside.marked = true;
                }
            }
            What::Copy { packet, .. } => {
                if let Some(inside) = self.inside.get_mut(&packet) {
                    inside.copies += 1;
                }
            }
            // Between links, which a capture does not see, or of no packet.
            What::Via { .. } | What::Set(_) | What::End => {}
        }
        Ok(())
    }

    fn left(&mut self, at: Time, packet: u64, ideal: Time, head: &[u8]) -> io::Result<()> {
        let Some(mut inside) = self.inside.remove(&packet) else {
            return Ok(());
        };
        let late = Milliseconds(at.since(ideal));
        self.comment.clear();
        // Strings take all that is written.
        let _ = write!(self.comment, "late={late}");
        if !inside.due.is_empty() {
            let (waited, total) = inside.due.remove(0);
            let (waited, total) = (Milliseconds(waited), Milliseconds(total));
            let _ = write!(self.comment, " queue_delay={waited} total={total}");
        }
        self.gone(at, OUT, packet, inside, Some(head))
    }

    fn dropped(&mut self, at: Time, packet: u64, reason: DropReason) -> io::Result<()> {
        let Some(inside) = self.inside.remove(&packet) else {
            return Ok(());
        };
        self.comment.clear();
        let _ = write!(self.comment, "drop={}", reason_name(reason));
        self.gone(at, DROPPED, packet, inside, None)
    }

    /// Writes a packet that goes, and keeps what is known of its number until the last
    /// copy has gone.
    fn gone(
        &mut self,
        at: Time,
        interface: u32,
        packet: u64,
        mut inside: Inside,
        head: Option<&[u8]>,
    ) -> io::Result<()> {
        if inside.marked {
            self.comment.push_str(" ce-marked");
        }
        if inside.copies > 0 {
            self.comment.push_str(" duplicated");
        }
        let written = self.write(at, interface, head.unwrap_or(&inside.head), inside.size);
        inside.gone += 1;
        if inside.gone <= inside.copies {
            self.inside.insert(packet, inside);
        }
        written
    }

    fn write(&mut self, at: Time, interface: u32, head: &[u8], size: u32) -> io::Result<()> {
        self.file.packet(&PacketBlock {
            interface,
            at: self.epoch.saturating_add(at.as_nanos()),
            bytes: head,
            length: size,
            direction: match interface {
                IN => 1,
                OUT => 2,
                _ => 0,
            },
            comment: &self.comment,
        })
    }

    /// The output.
    pub fn into_inner(self) -> W {
        self.file.into_inner()
    }
}
