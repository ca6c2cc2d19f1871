//! Key exchange.
//!
//! Implements: a record of type handshake with a fragment of a handshake message
//! (RFC 6347, sections 4.1 and 4.2.2), lengths right.
//! Differs: every datagram is one record with one fragment, in the clear; the
//! fragments of a flight stand 4096 bytes apart because the encoder does not
//! know the lengths of the others, so the message is never complete.
//! Not modelled: what the messages say.

use weaknet_core::packet::SessionMessage;

use super::ip::HEADERS;
use super::read::{Bytes, WireError};

pub(super) const HANDSHAKE: u8 = 22;
const DTLS_1_2: [u8; 2] = [0xfe, 0xfd];
const RECORD: usize = 13;
const FRAGMENT: usize = 12;
/// Distance of fragments: more than any of them has.
const STRIDE: usize = 4_096;
/// Messages that flights begin with: hellos, certificate; finished.
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const FINISHED: u8 = 20;

/// Flight, part and parts of a handshake datagram.
pub(super) const fn position(message: &SessionMessage) -> Option<(u8, u8, u8)> {
    match *message {
        SessionMessage::Handshake {
            flight,
            part,
            parts,
        } => Some((flight, part, parts)),
        SessionMessage::BindingRequest { .. }
        | SessionMessage::BindingResponse { .. }
        | SessionMessage::Offer { .. }
        | SessionMessage::Answer { .. } => None,
    }
}

/// Appends a record that fills a datagram of `size` bytes.
pub(super) fn write(id: u64, (flight, part, parts): (u8, u8, u8), size: usize, out: &mut Vec<u8>) {
    let body = size
        .saturating_sub(HEADERS + RECORD + FRAGMENT)
        .min(STRIDE - 1);
    let whole = STRIDE * usize::from(parts.max(part.saturating_add(1)));
    let message = match flight {
        1 => CLIENT_HELLO,
        2 => SERVER_HELLO,
        3 => CERTIFICATE,
        _ => FINISHED,
    };
    let u24 = |n: usize| {
        let [_, bytes @ ..] = (n as u32).to_be_bytes();
        bytes
    };
    out.push(HANDSHAKE);
    out.extend_from_slice(&DTLS_1_2);
    // Epoch 0 and a record number of 48 bits.
    out.extend_from_slice(&(id & 0xffff_ffff_ffff).to_be_bytes());
    out.extend_from_slice(&((FRAGMENT + body) as u16).to_be_bytes());
    out.push(message);
    out.extend_from_slice(&u24(whole));
    out.extend_from_slice(&u16::from(flight.saturating_sub(1)).to_be_bytes());
    out.extend_from_slice(&u24(STRIDE * usize::from(part)));
    out.extend_from_slice(&u24(body));
    out.resize(out.len() + body, 0);
}

/// Reads a record; it says which datagram of which flight it is.
pub(super) fn read(payload: &[u8]) -> Result<SessionMessage, WireError> {
    let mut bytes = Bytes(payload);
    if bytes.u8()? != HANDSHAKE {
        return Err(WireError::Kind);
    }
    if bytes.array::<2>()? != DTLS_1_2 {
        return Err(WireError::Version);
    }
    bytes.take(8)?;
    let length = usize::from(bytes.u16()?);
    let mut body = Bytes(bytes.take(length)?);
    let u24 = |[high, middle, low]: [u8; 3]| u32::from_be_bytes([0, high, middle, low]);
    body.u8()?;
    let whole = u24(body.array()?);
    let flight = body.u16()?.saturating_add(1);
    let offset = u24(body.array()?);
    let fragment = u24(body.array()?);
    if body.0.len() as u64 != u64::from(fragment) || offset.saturating_add(fragment) > whole {
        return Err(WireError::Length);
    }
    let count = |bytes: u32| u8::try_from(bytes / STRIDE as u32).map_err(|_| WireError::Length);
    Ok(SessionMessage::Handshake {
        flight: u8::try_from(flight).map_err(|_| WireError::Length)?,
        part: count(offset)?,
        parts: count(whole)?,
    })
}
