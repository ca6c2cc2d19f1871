//! pcapng files: one section, interfaces, packets with comments.
//!
//! Implements: draft-ietf-opsawg-pcapng, sections 3.1 and 3.5 (blocks and
//! options), 4.1 (section header), 4.2 (interface description, link type 101:
//! bare IP packets, times in nanoseconds), 4.3 (enhanced packet with flags and
//! comments). Little-endian on every machine.

use std::io::{self, Write};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

/// Bytes of an enhanced packet block in front of the packet.
const PACKET_HEADER: usize = 28;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const VERSION: [u16; 2] = [1, 0];
const UNKNOWN_LENGTH: i64 = -1;
const RAW_IP: u16 = 101;

const END_OF_OPTIONS: u16 = 0;
const COMMENT: u16 = 1;
const NAME: u16 = 2;
const FLAGS: u16 = 2;
const DESCRIPTION: u16 = 3;
const APPLICATION: u16 = 4;
const RESOLUTION: u16 = 9;
/// Powers of ten below a second.
const NANOSECONDS: u8 = 9;

/// A place where packets were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface<'a> {
    /// Its name.
    pub name: &'a str,
    /// What is seen there.
    pub description: &'a str,
}

/// A packet as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketBlock<'a> {
    /// Where: position of the interface.
    pub interface: u32,
    /// When, in nanoseconds since 1970.
    pub at: u64,
    /// Its bytes, from the IP header on: all of them, or the first.
    pub bytes: &'a [u8],
    /// How many it has, when that is more.
    pub length: u32,
    /// Bits 0 and 1 of the flags: 1 inbound, 2 outbound, 0 neither.
    pub direction: u32,
    /// What else is to say; nothing when empty.
    pub comment: &'a str,
}

/// Writes one pcapng section.
#[derive(Debug)]
pub struct PcapngWriter<W> {
    out: W,
    snaplen: Option<u32>,
    /// The block at hand, of a packet what is behind its bytes.
    block: Vec<u8>,
}

impl<W: Write> PcapngWriter<W> {
    /// Writes the headers. No more than `snaplen` bytes of a packet are kept.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(
        out: W,
        application: &str,
        interfaces: &[Interface<'_>],
        snaplen: Option<u32>,
    ) -> io::Result<Self> {
        let mut writer = Self {
            out,
            snaplen,
            block: Vec::new(),
        };
        writer.put(&BYTE_ORDER_MAGIC.to_le_bytes());
        for part in VERSION {
            writer.put(&part.to_le_bytes());
        }
        writer.put(&UNKNOWN_LENGTH.to_le_bytes());
        writer.option(APPLICATION, application.as_bytes());
        writer.end(SECTION_HEADER)?;
        for interface in interfaces {
            writer.put(&RAW_IP.to_le_bytes());
            writer.put(&[0; 2]);
            // Zero: no limit.
            writer.put(&snaplen.unwrap_or(0).to_le_bytes());
            writer.option(NAME, interface.name.as_bytes());
            writer.option(DESCRIPTION, interface.description.as_bytes());
            writer.option(RESOLUTION, &[NANOSECONDS]);
            writer.end(INTERFACE_DESCRIPTION)?;
        }
        Ok(writer)
    }

    /// Writes a packet.
    ///
    /// # Errors
    /// Those of the output.
    pub fn packet(&mut self, packet: &PacketBlock<'_>) -> io::Result<()> {
        let length = u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX);
        let kept = length.min(self.snaplen.unwrap_or(u32::MAX));
        let length = length.max(packet.length);
        let bytes = &packet.bytes[..kept as usize];
        // What follows the bytes is put together first: the length of all comes before.
        let padding = bytes.len().next_multiple_of(4) - bytes.len();
        self.block.resize(padding, 0);
        if packet.direction != 0 {
            self.option(FLAGS, &packet.direction.to_le_bytes());
        }
        if !packet.comment.is_empty() {
            self.option(COMMENT, packet.comment.as_bytes());
        }
        self.option(END_OF_OPTIONS, &[]);
        let total = PACKET_HEADER + bytes.len() + self.block.len() + 4;
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        self.block.extend_from_slice(&total.to_le_bytes());

        let mut header = [0; PACKET_HEADER];
        let words = [
            ENHANCED_PACKET,
            total,
            packet.interface,
            // The high half comes first.
            (packet.at >> 32) as u32,
            packet.at as u32,
            kept,
            length,
        ];
        for (place, word) in header.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let parts = [&header, bytes, &self.block];
        let written = parts.iter().try_for_each(|part| self.out.write_all(part));
        self.block.clear();
        written
    }

    /// The output.
    pub fn into_inner(self) -> W {
        self.out
    }

    /// Appends to a block with room for its type and length.
    fn put(&mut self, bytes: &[u8]) {
        if self.block.is_empty() {
            self.block.resize(8, 0);
        }
        self.block.extend_from_slice(bytes);
    }

    /// Appends an option; what is longer than its length can say is cut.
    fn option(&mut self, code: u16, value: &[u8]) {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.block.extend_from_slice(&code.to_le_bytes());
        self.block.extend_from_slice(&length.to_le_bytes());
        self.block.extend_from_slice(&value[..usize::from(length)]);
        let padding = usize::from(length).next_multiple_of(4) - usize::from(length);
        self.block.resize(self.block.len() + padding, 0);
    }

    /// Writes the block out, with or without options.
    fn end(&mut self, kind: u32) -> io::Result<()> {
        self.option(END_OF_OPTIONS, &[]);
        let length = u32::try_from(self.block.len() + 4).unwrap_or(u32::MAX);
        self.put(&length.to_le_bytes());
        self.block[0..4].copy_from_slice(&kind.to_le_bytes());
        self.block[4..8].copy_from_slice(&length.to_le_bytes());
        let written = self.out.write_all(&self.block);
        self.block.clear();
        written
    }
}
