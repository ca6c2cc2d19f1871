//! From packets that leave together to super-frames.

use std::io::IoSlice;

use super::checksum::fold;
use super::headers::Headers;
use super::{
    CHECKSUM_IS_VALID, GSO_TCP4, GSO_TCP6, GSO_UDP, HEADER, LONGEST, NEEDS_CHECKSUM, Offload,
};

/// TCP flags that only the last packet of a super-frame may have: FIN and PSH.
const LAST_ONLY: u8 = 0x01 | 0x08;
/// TCP flags that let a packet be joined at all: those, and ACK.
const PLAIN: u8 = LAST_ONLY | 0x10;
/// Packets of a super-frame: what one call can write.
const MOST: usize = 1_000;

/// Packets of one flow that follow each other, to be written as one.
#[derive(Debug, Default)]
pub(crate) struct Train {
    packets: Vec<Vec<u8>>,
    /// Of the first one, if others may follow it.
    headers: Option<Headers>,
    /// Bytes of payload of the first one.
    size: usize,
    length: usize,
    /// Whether nothing may follow.
    is_closed: bool,
    /// Whether it is a packet with flipped bits, whose checksum is to be looked at.
    is_damaged: bool,
}

impl Train {
    pub(crate) const fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Adds a packet if it may be part of the train; gives it back if not.
    pub(crate) fn add(&mut self, packet: Vec<u8>, damaged: bool) -> Option<Vec<u8>> {
        if self.packets.is_empty() {
            self.start(packet, damaged);
            return None;
        }
        if damaged || !self.fits(&packet) {
            return Some(packet);
        }
        let payload = packet.len() - self.headers.map_or(0, |headers| headers.all);
        self.is_closed = payload < self.size || self.is_last(&packet);
        self.length += payload;
        self.packets.push(packet);
        None
    }

    fn start(&mut self, packet: Vec<u8>, damaged: bool) {
        self.is_damaged = damaged;
        self.headers = (!damaged).then(|| Headers::of(&packet)).flatten();
        self.size = self.headers.map_or(0, |headers| packet.len() - headers.all);
        self.length = packet.len();
        self.is_closed = self.size == 0 || self.is_last(&packet);
        self.packets.push(packet);
    }

    fn is_last(&self, packet: &[u8]) -> bool {
        self.headers
            .is_some_and(|headers| headers.is_tcp && packet[headers.ip + 13] & LAST_ONLY != 0)
    }

    fn fits(&self, packet: &[u8]) -> bool {
        let (Some(headers), Some(first)) = (self.headers, self.packets.first()) else {
            return false;
        };
        if self.is_closed
            || self.packets.len() >= MOST
            || self.length + packet.len() > LONGEST - HEADER
            || Headers::of(packet) != Some(headers)
        {
            return false;
        }
        let payload = packet.len() - headers.all;
        (1..=self.size).contains(&payload)
            && is_alike(&headers, first, packet)
            && is_next(&headers, first, packet, self.length - headers.all)
    }

    /// The header and the parts to write.
    pub(crate) fn parts<'a>(&'a mut self, head: &'a mut [u8; HEADER]) -> Vec<IoSlice<'a>> {
        let offload = self.offload();
        *head = offload.bytes();
        let skip = self.headers.map_or(0, |headers| headers.all);
        let mut parts = Vec::with_capacity(1 + self.packets.len());
        parts.push(IoSlice::new(head));
        for (number, packet) in self.packets.iter().enumerate() {
            parts.push(IoSlice::new(if number == 0 {
                packet
            } else {
                &packet[skip..]
            }));
        }
        parts
    }

    /// Turns the headers of the first packet into those of all, and says how to cut
    /// them.
    fn offload(&mut self) -> Offload {
        let (Some(headers), Some((first, rest))) = (self.headers, self.packets.split_first_mut())
        else {
            return Offload::default();
        };
        let Some(last) = rest.last() else {
            let flags = if self.is_damaged {
                0
            } else {
                CHECKSUM_IS_VALID
            };
            return Offload {
                flags,
                ..Offload::default()
            };
        };
        if headers.is_tcp {
            first[headers.ip + 13] |= last[headers.ip + 13] & LAST_ONLY;
        }
        headers.set_lengths(first, self.length);
        let at = headers.ip + headers.checksum_offset();
        let partial = fold(headers.pseudo_header(first, self.length - headers.ip));
        first[at..at + 2].copy_from_slice(&partial.to_be_bytes());
        let word = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
        Offload {
            flags: NEEDS_CHECKSUM,
            gso: match (headers.is_tcp, headers.is_v6) {
                (true, false) => GSO_TCP4,
                (true, true) => GSO_TCP6,
                (false, _) => GSO_UDP,
            },
            headers: word(headers.all),
            size: word(self.size),
            start: word(headers.ip),
            offset: word(headers.checksum_offset()),
        }
    }

    /// The packets as they came.
    pub(crate) fn packets(&self) -> impl Iterator<Item = &[u8]> {
        self.packets.iter().map(Vec::as_slice)
    }

    /// How many packets there are.
    pub(crate) const fn len(&self) -> usize {
        self.packets.len()
    }

    /// Empties it; the buffers of its packets.
    pub(crate) fn clear(&mut self) -> std::vec::Drain<'_, Vec<u8>> {
        self.headers = None;
        (self.size, self.length) = (0, 0);
        (self.is_closed, self.is_damaged) = (false, false);
        self.packets.drain(..)
    }
}

/// Whether the headers are the same but for what counts up, lengths and checksums.
fn is_alike(headers: &Headers, a: &[u8], b: &[u8]) -> bool {
    let same = |range: std::ops::Range<usize>| a[range.clone()] == b[range];
    let ip = headers.ip;
    let network = if headers.is_v6 {
        same(0..4) && same(6..ip)
    } else {
        same(0..2) && same(6..10) && same(12..ip)
    };
    if !headers.is_tcp {
        return network && same(ip..ip + 4);
    }
    network
        && same(ip..ip + 4)
        && same(ip + 8..ip + 13)
        && same(ip + 14..ip + 16)
        && same(ip + 18..headers.all)
        && (a[ip + 13] | b[ip + 13]) & !PLAIN == 0
        && a[ip + 13] & !LAST_ONLY == b[ip + 13] & !LAST_ONLY
}

/// Whether a packet begins where so many bytes of payload behind the first end.
fn is_next(headers: &Headers, first: &[u8], packet: &[u8], payload: usize) -> bool {
    if !headers.is_tcp {
        return true;
    }
    let seq = |packet: &[u8]| {
        let at = headers.ip + 4;
        u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]])
    };
    seq(packet) == seq(first).wrapping_add(payload as u32)
}
