//! Reads packet captures: pcap and pcapng, packet by packet, keeping of each
//! only what a fit needs.
//!
//! Implements: pcap in both byte orders and both resolutions; pcapng sections,
//! interfaces with their own link type, resolution and time offset, enhanced
//! and simple packet blocks. A file that ends within a packet gives what was
//! read before and a notice.
//! Not modelled: simple packet blocks carry no time and are refused.

use std::collections::BTreeMap;
use std::io::Read;

use pcap_parser::pcapng::Block;
use pcap_parser::traits::{PcapNGPacketBlock as _, PcapReaderIterator};
use pcap_parser::{PcapBlockOwned, PcapError, create_reader};

use super::FitError;
use super::frame::{self, Frame, LinkType};

/// Size of the read buffer at first, and the most that it may grow to for one
/// packet.
const BUFFER: usize = 1 << 16;
const LARGEST_BLOCK: usize = 1 << 24;

/// All packets of one capture file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capture {
    /// The capture points by name, in the order of the file: pcapng interfaces,
    /// or one without a name.
    pub points: Vec<Point>,
    /// What the reader has to say about the file.
    pub notices: Vec<String>,
}

/// What one interface saw, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Point {
    /// The interface's name; empty when it has none.
    pub name: String,
    /// Its IP packets.
    pub frames: Vec<Frame>,
}

impl Capture {
    /// The point of that name.
    #[must_use]
    pub fn point(&self, name: &str) -> Option<&Point> {
        self.points.iter().find(|point| point.name == name)
    }
}

/// Whether a file begins like a capture.
#[must_use]
pub fn is_capture(start: &[u8]) -> bool {
    const MAGIC: [[u8; 4]; 6] = [
        [0x0a, 0x0d, 0x0d, 0x0a],
        [0xd4, 0xc3, 0xb2, 0xa1],
        [0xa1, 0xb2, 0xc3, 0xd4],
        [0x4d, 0x3c, 0xb2, 0xa1],
        [0xa1, 0xb2, 0x3c, 0x4d],
        [0x34, 0xcd, 0xb2, 0xa1],
    ];
    MAGIC.iter().any(|magic| start.starts_with(magic))
}

/// Reads a capture.
///
/// # Errors
/// When it is no capture, is damaged, or has no IP packet.
pub fn read(input: impl Read + Send) -> Result<Capture, FitError> {
    let mut reader = create_reader(BUFFER, input).map_err(|error| match error {
        PcapError::Eof => FitError::new("the file is empty"),
        PcapError::ReadError => FitError::new("the file cannot be read"),
        PcapError::Incomplete(_) | PcapError::UnexpectedEof => {
            FitError::new("the file ends within its header")
        }
        _ => FitError::new("expected a pcap or pcapng capture: the file begins like neither"),
    })?;
    let mut builder = Builder::default();
    let mut capacity = BUFFER;
    loop {
        match reader.next() {
            Ok((used, block)) => {
                builder.block(block)?;
                reader.consume(used);
            }
            Err(PcapError::Eof) => break,
            Err(PcapError::Incomplete(_)) => {
                if reader.reader_exhausted() {
                    builder.cut_short();
                    break;
                }
                refill(&mut *reader)?;
            }
            Err(PcapError::BufferTooSmall) => {
                capacity *= 2;
                if capacity > LARGEST_BLOCK || !reader.grow(capacity) {
                    return Err(builder.damaged("a packet claims to be larger than 16 MB"));
                }
                refill(&mut *reader)?;
            }
            Err(PcapError::UnexpectedEof) => {
                builder.cut_short();
                break;
            }
            Err(PcapError::ReadError) => return Err(FitError::new("the file cannot be read")),
            Err(_) => return Err(builder.damaged("what follows is no valid block")),
        }
    }
    builder.finish()
}

fn refill(reader: &mut dyn PcapReaderIterator) -> Result<(), FitError> {
    match reader.refill() {
        Ok(()) | Err(PcapError::Eof) => Ok(()),
        Err(_) => Err(FitError::new("the file cannot be read")),
    }
}

/// An interface of the current section.
struct Interface {
    point: usize,
    link: Option<LinkType>,
    ticks_per_second: u64,
    offset_s: i64,
}

#[derive(Default)]
struct Builder {
    capture: Capture,
    interfaces: Vec<Interface>,
    /// Packets that were met, IP or not.
    packets: u64,
    not_ip: u64,
    unknown_links: BTreeMap<i32, u64>,
}

impl Builder {
    fn block(&mut self, block: PcapBlockOwned<'_>) -> Result<(), FitError> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let ticks = if header.is_nanosecond_precision() {
                    1_000_000_000
                } else {
                    1_000_000
                };
                self.interface("", header.network.0, ticks, 0);
            }
            PcapBlockOwned::Legacy(packet) => {
                let Some(interface) = self.interfaces.first() else {
                    return Err(self.damaged("a packet comes before the header"));
                };
                let ticks = interface.ticks_per_second;
                let at = u64::from(packet.ts_sec)
                    .saturating_mul(ticks)
                    .saturating_add(u64::from(packet.ts_usec));
                self.packet(0, at, packet.data, packet.origlen)?;
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => self.interfaces.clear(),
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                let ticks = interface
                    .ts_resolution()
                    .filter(|ticks| *ticks > 0)
                    .ok_or_else(|| self.damaged("an interface has an impossible resolution"))?;
                let name = interface.if_name().and_then(Result::ok).unwrap_or_default();
                self.interface(name, interface.linktype.0, ticks, interface.ts_offset());
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let at = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                let data = packet.packet_data();
                self.packet(packet.if_id as usize, at, data, packet.orig_len())?;
            }
            PcapBlockOwned::NG(Block::SimplePacket(_)) => {
                return Err(FitError::new(
                    "the capture has simple packet blocks, which carry no time",
                ));
            }
            PcapBlockOwned::NG(_) => {}
        }
        Ok(())
    }

    fn interface(&mut self, name: &str, link: i32, ticks_per_second: u64, offset_s: i64) {
        let link_type = LinkType::from_number(link);
        if link_type.is_none() {
            self.unknown_links.insert(link, 0);
        }
        let points = &mut self.capture.points;
        let point = points
            .iter()
            .position(|point| point.name == name)
            .unwrap_or_else(|| {
                points.push(Point {
                    name: name.to_owned(),
                    frames: Vec::new(),
                });
                points.len() - 1
            });
        self.interfaces.push(Interface {
            point,
            link: link_type,
            ticks_per_second,
            offset_s,
        });
    }

    fn packet(&mut self, id: usize, at: u64, data: &[u8], whole: u32) -> Result<(), FitError> {
        self.packets += 1;
        let Some(interface) = self.interfaces.get(id) else {
            return Err(self.damaged(&format!("interface {id} is not described")));
        };
        let nanos = i128::from(at) * 1_000_000_000 / i128::from(interface.ticks_per_second)
            + i128::from(interface.offset_s) * 1_000_000_000;
        // Half the range, so that differences of two instants fit as well.
        let nanos = i64::try_from(nanos)
            .ok()
            .filter(|nanos| nanos.unsigned_abs() < 1 << 62)
            .ok_or_else(|| self.damaged("a time is out of range"))?;
        let missing = whole.saturating_sub(u32::try_from(data.len()).unwrap_or(u32::MAX));
        let frame = interface
            .link
            .and_then(|link| frame::decode(link, nanos, data, missing));
        match frame {
            Some(frame) => self.capture.points[interface.point].frames.push(frame),
            None => self.not_ip += 1,
        }
        Ok(())
    }

    fn damaged(&self, what: &str) -> FitError {
        FitError::new(format!(
            "the capture is damaged after packet {}: {what}",
            self.packets
        ))
    }

    fn cut_short(&mut self) {
        self.capture.notices.push(format!(
            "the file ends within a block: only its first {} packets were used",
            self.packets
        ));
    }

    fn finish(mut self) -> Result<Capture, FitError> {
        let frames: usize = self.capture.points.iter().map(|p| p.frames.len()).sum();
        if frames == 0 {
            let links: Vec<String> = self.unknown_links.keys().map(ToString::to_string).collect();
            return Err(FitError::new(match (self.packets, links.as_slice()) {
                (0, _) => "the capture has no packet".to_owned(),
                (_, []) => "the capture has no IP packet".to_owned(),
                (_, links) => format!(
                    "link type {} is not supported: expected Ethernet, raw IP, \
                     Linux cooked or BSD loopback",
                    links.join(", ")
                ),
            }));
        }
        if self.not_ip > 0 {
            let notice = format!("{} packets are not IP and were left out", self.not_ip);
            self.capture.notices.push(notice);
        }
        Ok(self.capture)
    }
}
