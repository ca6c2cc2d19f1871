//! Messages and their acknowledgements, as data channels have them.
//!
//! Implements: DTLS 1.2 records of application data (RFC 6347, section 4.1) with
//! the explicit nonce and the tag of AES-GCM (RFC 5288); inside SCTP (RFC 9260)
//! with its common header and DATA (section 3.3.1), SACK (3.3.4) and FORWARD TSN
//! chunks (RFC 3758, section 3.2), checksum zero as DTLS allows (RFC 9653);
//! payload protocol 53, binary (RFC 8831).
//! Differs: nothing is encrypted. A chunk's TSN is the number of its message and
//! the number of the record that of the packet, which is what SACKs name: their
//! cumulative TSN is the end of the lowest range, and the window says how many
//! numbers before that are meant. The nonce says how far back the sender waits
//! or, in an acknowledgement, when the newest packet arrived, in microseconds;
//! arrival times follow the SACK as in `quic`. Blocks farther than 65,535 from
//! the cumulative TSN are left out.
//! Not modelled: what messages say, which is zeros; streams and their sequence
//! numbers.

use weaknet_core::Time;
use weaknet_core::packet::{Ack, AckDetails, Message, MessagePacket, Packet};

use super::ip::HEADERS;
use super::quic::{read_arrivals, write_arrivals};
use super::read::{Bytes, WireError};
use crate::transport::Unwrapper;

/// Record type.
pub(super) const APPLICATION_DATA: u8 = 23;
const DTLS_1_2: [u8; 2] = [0xfe, 0xfd];
/// Bytes of the header of a record.
const RECORD: usize = 13;
const NONCE: usize = 8;
const TAG: usize = 16;
/// The port that data channels use at both ends (RFC 8841).
const PORT: u16 = 5_000;
const COMMON_HEADER: usize = 12;

const DATA: u8 = 0;
const SACK: u8 = 3;
const FORWARD_TSN: u8 = 192;
const DATA_HEADER: u16 = 16;
const FORWARD: usize = 8;
/// First and last fragment.
const WHOLE: u8 = 3;
const BINARY: u32 = 53;

/// Appends record header, nonce and common header.
fn head(packet: &Packet, number: u64, nonce: u32, size: usize, out: &mut Vec<u8>) {
    let record = size
        .saturating_sub(HEADERS + RECORD)
        .min(usize::from(u16::MAX));
    out.push(APPLICATION_DATA);
    out.extend_from_slice(&DTLS_1_2);
    // Epoch 1 and a record number of 48 bits.
    out.extend_from_slice(&(1 << 48 | number & 0xffff_ffff_ffff).to_be_bytes());
    out.extend_from_slice(&(record as u16).to_be_bytes());
    out.extend_from_slice(&(u64::from(nonce) << 32).to_be_bytes());
    for port in [PORT; 2] {
        out.extend_from_slice(&port.to_be_bytes());
    }
    // The verification tag, then no checksum.
    out.extend_from_slice(&u32::from(packet.flow.0).to_be_bytes());
    out.extend_from_slice(&[0; 4]);
}

/// Appends a packet of messages; the tag is left to the caller.
pub(super) fn write_messages(
    packet: &Packet,
    carried: &MessagePacket,
    size: usize,
    out: &mut Vec<u8>,
) {
    head(packet, carried.number, carried.waits_for, size, out);
    let padded = |message: &Message| usize::from(message.size).next_multiple_of(4);
    let chunk = |message: &Message| usize::from(DATA_HEADER) + padded(message);
    let chunks: usize = carried.messages.iter().map(chunk).sum();
    if out.len() + FORWARD + chunks + TAG <= size {
        out.extend_from_slice(&[FORWARD_TSN, 0, 0, FORWARD as u8]);
        out.extend_from_slice(&(carried.forget_below as u32).wrapping_sub(1).to_be_bytes());
    }
    for message in &carried.messages {
        let number = message.number as u32;
        out.extend_from_slice(&[DATA, WHOLE]);
        out.extend_from_slice(&DATA_HEADER.saturating_add(message.size).to_be_bytes());
        out.extend_from_slice(&number.to_be_bytes());
        // Stream 0 and the number in it.
        out.extend_from_slice(&(number & 0xffff).to_be_bytes());
        out.extend_from_slice(&BINARY.to_be_bytes());
        out.resize(out.len() + padded(message), 0);
    }
}

/// Appends an acknowledgement; the tag is left to the caller.
pub(super) fn write_ack(packet: &Packet, ack: &Ack, size: usize, out: &mut Vec<u8>) {
    let nothing = AckDetails::default();
    let more = ack.more.as_deref().unwrap_or(&nothing);
    let newest = more.arrivals.iter().rev().find_map(|arrival| arrival.at);
    let newest = newest.map_or(0, |at| at.as_nanos() / 1_000);
    head(packet, packet.id, newest as u32, size, out);
    let highest = (ack.largest.saturating_sub(ack.before.into()), ack.largest);
    let mut up: Vec<_> = more.ranges.iter().rev().copied().collect();
    up.push(highest);
    let (first, cumulative) = up.first().copied().unwrap_or(highest);
    let offset = |number: u64| u16::try_from(number.saturating_sub(cumulative)).ok();
    let blocks = up.iter().skip(1);
    let blocks: Vec<_> = blocks
        .filter_map(|&(first, last)| Some((offset(first)?, offset(last)?)))
        .collect();
    let count = u16::try_from(blocks.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&[SACK, 0]);
    out.extend_from_slice(&count.saturating_mul(4).saturating_add(16).to_be_bytes());
    out.extend_from_slice(&(cumulative as u32).to_be_bytes());
    let meant = cumulative.saturating_sub(first);
    out.extend_from_slice(&u32::try_from(meant).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(&[0; 2]);
    for (first, last) in blocks.iter().take(count.into()) {
        out.extend_from_slice(&first.to_be_bytes());
        out.extend_from_slice(&last.to_be_bytes());
    }
    write_arrivals(&more.arrivals, out);
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    Messages(MessagePacket),
    Ack(Ack),
}

/// Reads records of one direction.
#[derive(Debug, Clone, Default)]
pub(super) struct MessageReader {
    message: Unwrapper<32>,
    acked: Unwrapper<32>,
    arrival: Unwrapper<32>,
    forget_below: u64,
}

impl MessageReader {
    pub(super) fn read(&mut self, payload: &[u8]) -> Result<Record, WireError> {
        let mut bytes = Bytes(payload);
        let [kind, v0, v1] = bytes.array()?;
        if kind != APPLICATION_DATA || [v0, v1] != DTLS_1_2 {
            return Err(WireError::Kind);
        }
        let number = u64::from_be_bytes(bytes.array()?) & 0xffff_ffff_ffff;
        let length = usize::from(bytes.u16()?);
        let mut bytes = Bytes(bytes.take(length)?);
        let nonce = u64::from_be_bytes(bytes.array::<NONCE>()?);
        let nonce = (nonce >> 32) as u32;
        bytes.take(COMMON_HEADER)?;
        let end = bytes.0.len().checked_sub(TAG).ok_or(WireError::Short)?;
        let mut chunks = Bytes(bytes.take(end)?);
        if chunks.0.first() == Some(&SACK) {
            return self.ack(&mut chunks, nonce).map(Record::Ack);
        }
        let mut messages = Vec::new();
        while !chunks.0.is_empty() {
            let [kind, _] = chunks.array()?;
            let length = chunks.u16()?;
            match kind {
                FORWARD_TSN => {
                    let next = chunks.u32()?.wrapping_add(1);
                    let mut numbers = self.message;
                    let next = u64::try_from(numbers.unwrap(next)).unwrap_or(0);
                    self.forget_below = self.forget_below.max(next);
                }
                DATA => {
                    let size = length.checked_sub(DATA_HEADER).ok_or(WireError::Length)?;
                    let tsn = chunks.u32()?;
                    chunks.take(8)?;
                    chunks.take(usize::from(size).next_multiple_of(4))?;
                    messages.push(Message {
                        number: u64::try_from(self.message.unwrap(tsn)).unwrap_or(0),
                        size,
                        again: false,
                        given: Time::ZERO,
                    });
                }
                _ => return Err(WireError::Kind),
            }
        }
        Ok(Record::Messages(MessagePacket {
            number,
            waits_for: nonce,
            forget_below: self.forget_below,
            messages,
        }))
    }

    fn ack(&mut self, chunk: &mut Bytes<'_>, newest: u32) -> Result<Ack, WireError> {
        chunk.take(2)?;
        let length = usize::from(chunk.u16()?);
        let cumulative = self.acked.unwrap(chunk.u32()?);
        let cumulative = u64::try_from(cumulative).map_err(|_| WireError::Length)?;
        let meant = chunk.u32()?;
        let count = usize::from(chunk.u16()?);
        chunk.take(2)?;
        if length != 16 + 4 * count {
            return Err(WireError::Length);
        }
        let first = cumulative
            .checked_sub(meant.into())
            .ok_or(WireError::Length)?;
        let mut up = vec![(first, cumulative)];
        for _ in 0..count {
            let (first, last) = (u64::from(chunk.u16()?), u64::from(chunk.u16()?));
            if first > last {
                return Err(WireError::Length);
            }
            let from = |offset| cumulative.saturating_add(offset);
            up.push((from(first), from(last)));
        }
        let (first, largest) = up.pop().ok_or(WireError::Short)?;
        up.reverse();
        let before = u32::try_from(largest - first).map_err(|_| WireError::Length)?;
        let mut ack = Ack {
            largest,
            before,
            delay_us: 0,
            more: None,
        };
        let mut arrivals = Vec::new();
        if !chunk.0.is_empty() {
            let newest = u64::try_from(self.arrival.unwrap(newest)).unwrap_or(0);
            arrivals = read_arrivals(&ack, &up, chunk.0, Time::from_micros(newest));
        }
        let more = AckDetails {
            ranges: up,
            ecn: [0; 3],
            arrivals,
        };
        ack.more = (more != AckDetails::default()).then(|| Box::new(more));
        Ok(ack)
    }
}
