//! Byte streams and acknowledgements by ranges, as QUIC has them.
//!
//! Implements: short header (RFC 9000, section 17.3.1) with a connection id of 8
//! bytes and a packet number of 4, STREAM frames (section 19.8) with offset and
//! length, ACK frames (section 19.3) with ECN counts; variable-length integers
//! (section 16) in the widths that `transport::quic` charges. First bytes are
//! 99, apart from STUN, DTLS, TURN and RTP (RFC 9443).
//! Differs: nothing is encrypted and headers have no protection; the room of the
//! authentication tag is zeros. Flows that count as TCP have the same packets,
//! with as many of the stream's bytes as there is room for. The connection id
//! says `W`, the flow, flags (1 the receiver sends, 2 the piece was sent before;
//! above them the number of arrival times), and in its last four bytes how far
//! back the sender waits or, in an acknowledgement, when the newest packet
//! arrived, in microseconds. Arrival times follow the ACK frame without a frame
//! of their own: for each the time since the one before, 2 bytes in units of 16
//! µs, for the newest numbers that are acknowledged. What does not fit its field
//! is cut: delays at 131 ms, lengths and ranges at 16,383, further ranges and
//! arrival times at 63.
//! Not modelled: what the streams carry, which is zeros; codepoints of single
//! arrivals.

use weaknet_core::packet::{Ack, AckDetails, Arrival, Ecn, FlowId, Leg, Packet, StreamPiece};
use weaknet_core::{Span, Time};

use super::read::{Bytes, WireError};
use crate::transport::Unwrapper;

/// Fixed bit, spin bit, a packet number of four bytes.
const SHORT_HEADER: u8 = 0x63;
const MARK: u8 = b'W';
const RETURN: u8 = 1;
const AGAIN: u8 = 2;

/// STREAM with offset and length; the lowest bit ends the stream.
const STREAM: u8 = 0x0e;
const FIN: u8 = 1;
const ACK: u8 = 0x02;
const ACK_ECN: u8 = 0x03;

/// The default of ACK Delay Exponent: 8 µs.
const DELAY_EXPONENT: u32 = 3;
/// Further ranges, and arrival times.
const MOST: usize = 63;
/// Unit of arrival times.
const ARRIVAL_UNIT: u64 = 16;

const U14: u64 = (1 << 14) - 1;
const U30: u64 = (1 << 30) - 1;
const U62: u64 = (1 << 62) - 1;

fn header(flow: FlowId, flags: u8, extra: u32, number: u64, out: &mut Vec<u8>) {
    let [high, low] = flow.0.to_be_bytes();
    out.extend_from_slice(&[SHORT_HEADER, MARK, high, low, flags]);
    out.extend_from_slice(&extra.to_be_bytes());
    out.extend_from_slice(&(number as u32).to_be_bytes());
}

fn two(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&(value.min(U14) as u16 | 1 << 14).to_be_bytes());
}

fn four(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&((value & U30) as u32 | 2 << 30).to_be_bytes());
}

/// Appends a piece of a stream; its bytes and the tag are left to the caller.
pub(super) fn write_stream(packet: &Packet, piece: &StreamPiece, out: &mut Vec<u8>) {
    let flags = if piece.again { AGAIN } else { 0 };
    header(packet.flow, flags, piece.waits_for, piece.number, out);
    out.extend_from_slice(&[STREAM | if piece.last { FIN } else { 0 }, 0]);
    out.extend_from_slice(&(piece.offset & U62 | 3 << 62).to_be_bytes());
    two(piece.length.into(), out);
}

/// Appends an acknowledgement; the tag is left to the caller.
pub(super) fn write_ack(packet: &Packet, ack: &Ack, out: &mut Vec<u8>) {
    let nothing = AckDetails::default();
    let more = ack.more.as_deref().unwrap_or(&nothing);
    let arrivals = &more.arrivals[more.arrivals.len().saturating_sub(MOST)..];
    let flags = if packet.leg == Leg::Return { RETURN } else { 0 } | (arrivals.len() as u8) << 2;
    let newest = arrivals.iter().rev().find_map(|arrival| arrival.at);
    let newest = newest.map_or(0, |at| at.as_nanos() / 1_000);
    header(packet.flow, flags, newest as u32, packet.id, out);
    let counted = more.ecn != [0; 3];
    out.push(if counted { ACK_ECN } else { ACK });
    four(ack.largest, out);
    two(u64::from(ack.delay_us) >> DELAY_EXPONENT, out);
    let ranges = &more.ranges[..more.ranges.len().min(MOST)];
    out.push(ranges.len() as u8);
    two(ack.before.into(), out);
    let mut smallest = ack.largest.saturating_sub(ack.before.into());
    for &(first, last) in ranges {
        two(smallest.saturating_sub(last).saturating_sub(2), out);
        two(last.saturating_sub(first), out);
        smallest = first;
    }
    if counted {
        more.ecn.iter().for_each(|&count| four(count, out));
    }
    write_arrivals(arrivals, out);
}

/// Times since the arrival before, oldest first; that of the oldest is zero.
pub(super) fn write_arrivals(arrivals: &[Arrival], out: &mut Vec<u8>) {
    let mut before = None;
    for at in arrivals
        .iter()
        .map(|arrival| arrival.at.unwrap_or_default())
    {
        let unit = at.as_nanos() / (1_000 * ARRIVAL_UNIT);
        let gap = unit.saturating_sub(before.unwrap_or(unit));
        out.extend_from_slice(&(gap.min(u64::from(u16::MAX)) as u16).to_be_bytes());
        before = Some(unit);
    }
}

/// The arrivals that `gaps` tell of: those of the newest numbers, the last one at
/// `newest`. None when there are more than numbers.
pub(super) fn read_arrivals(
    ack: &Ack,
    ranges: &[(u64, u64)],
    gaps: &[u8],
    newest: Time,
) -> Vec<Arrival> {
    let (gaps, _) = gaps.as_chunks::<2>();
    let first = (ack.largest.saturating_sub(ack.before.into()), ack.largest);
    let down = std::iter::once(&first).chain(ranges);
    let numbers = down.flat_map(|&(first, last)| (first..=last).rev());
    let mut at = newest;
    let mut arrivals: Vec<_> = numbers
        .zip(gaps.iter().rev())
        .map(|(seq, gap)| {
            let gap = Span::from_micros(u64::from(u16::from_be_bytes(*gap)) * ARRIVAL_UNIT);
            let arrival = Arrival {
                seq,
                at: Some(at),
                ecn: Ecn::NotEct,
            };
            at = at.saturating_sub(gap);
            arrival
        })
        .collect();
    if arrivals.len() < gaps.len() {
        return Vec::new();
    }
    arrivals.reverse();
    arrivals
}

/// What a packet holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    Stream(StreamPiece),
    Ack(Ack),
}

/// Reads packets of one direction.
#[derive(Debug, Clone, Default)]
pub(super) struct QuicReader {
    number: Unwrapper<32>,
    largest: Unwrapper<30>,
    arrival: Unwrapper<32>,
}

impl QuicReader {
    /// Whether a datagram begins like one of these packets.
    pub(super) fn knows(payload: &[u8]) -> bool {
        payload.starts_with(&[SHORT_HEADER, MARK])
    }

    pub(super) fn read(&mut self, payload: &[u8]) -> Result<Frame, WireError> {
        let mut bytes = Bytes(payload);
        let [first, mark, _, _, flags] = bytes.array()?;
        if first != SHORT_HEADER || mark != MARK {
            return Err(WireError::Kind);
        }
        let (extra, number) = (bytes.u32()?, bytes.u32()?);
        match bytes.u8()? {
            kind @ (ACK | ACK_ECN) => {
                let mut ack = self.ack(&mut bytes, kind == ACK_ECN)?;
                let gaps = bytes.take(2 * usize::from(flags >> 2))?;
                self.arrivals(&mut ack, gaps, extra);
                Ok(Frame::Ack(ack))
            }
            kind if kind & !FIN == STREAM => {
                let _stream = varint(&mut bytes)?;
                let offset = varint(&mut bytes)?;
                let length = u16::try_from(varint(&mut bytes)?).map_err(|_| WireError::Length)?;
                Ok(Frame::Stream(StreamPiece {
                    number: u64::try_from(self.number.unwrap(number)).unwrap_or(0),
                    offset,
                    waits_for: extra,
                    length,
                    again: flags & AGAIN != 0,
                    last: kind & FIN != 0,
                }))
            }
            _ => Err(WireError::Kind),
        }
    }

    fn ack(&mut self, bytes: &mut Bytes<'_>, counted: bool) -> Result<Ack, WireError> {
        let largest = varint(bytes)?;
        let delay = varint(bytes)?;
        let count = varint(bytes)?;
        let before = u32::try_from(varint(bytes)?).map_err(|_| WireError::Length)?;
        let largest = self.largest.unwrap((largest & U30) as u32);
        let largest = u64::try_from(largest).map_err(|_| WireError::Length)?;
        let mut smallest = largest
            .checked_sub(before.into())
            .ok_or(WireError::Length)?;
        let mut ranges = Vec::new();
        for _ in 0..count {
            let (gap, length) = (varint(bytes)?, varint(bytes)?);
            let last = smallest
                .checked_sub(gap.saturating_add(2))
                .ok_or(WireError::Length)?;
            smallest = last.checked_sub(length).ok_or(WireError::Length)?;
            ranges.push((smallest, last));
        }
        let mut ecn = [0; 3];
        if counted {
            for count in &mut ecn {
                *count = varint(bytes)?;
            }
        }
        let more = AckDetails {
            ranges,
            ecn,
            arrivals: Vec::new(),
        };
        Ok(Ack {
            largest,
            before,
            delay_us: u32::try_from(delay << DELAY_EXPONENT).map_err(|_| WireError::Length)?,
            more: (more != AckDetails::default()).then(|| Box::new(more)),
        })
    }

    /// Adds the arrival times, of which the last one is `newest`.
    fn arrivals(&mut self, ack: &mut Ack, gaps: &[u8], newest: u32) {
        if gaps.is_empty() {
            return;
        }
        let newest = u64::try_from(self.arrival.unwrap(newest)).unwrap_or(0);
        let ranges = ack.more.as_ref().map_or(&[][..], |more| &more.ranges);
        let arrivals = read_arrivals(ack, ranges, gaps, Time::from_micros(newest));
        if !arrivals.is_empty() {
            ack.more.get_or_insert_default().arrivals = arrivals;
        }
    }
}

/// A variable-length integer (RFC 9000, section 16).
fn varint(bytes: &mut Bytes<'_>) -> Result<u64, WireError> {
    let first = bytes.u8()?;
    let more = (1_usize << (first >> 6)) - 1;
    let start = u64::from(first & 0x3f);
    let rest = bytes.take(more)?.iter();
    Ok(rest.fold(start, |value, &byte| value << 8 | u64::from(byte)))
}
