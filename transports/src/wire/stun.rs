//! Connectivity checks.
//!
//! Implements: binding requests and success responses (RFC 8489, sections 5 and
//! 14) with the attributes of ICE (RFC 8445, section 7.1) and libwebrtc's network
//! information, in total 100 and 96 bytes from the controlling and the controlled
//! end and 64 for a response; FINGERPRINT is right.
//! Differs: MESSAGE-INTEGRITY is zeros, there are no passwords.

use weaknet_core::packet::{Leg, Packet, SessionMessage};

use super::Addresses;
use super::crc32::crc32;
use super::ip::HEADERS;
use super::read::{Bytes, WireError};

const REQUEST: u16 = 0x0001;
const RESPONSE: u16 = 0x0101;
const COOKIE: u32 = 0x2112_a442;
const HEADER: usize = 20;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802a;
const NETWORK_INFO: u16 = 0xc057;

const FINGERPRINT_XOR: u32 = 0x5354_554e;
/// A host candidate's (RFC 8445, section 5.1.2.1).
const HOST_PRIORITY: u32 = 0x7eff_ffff;

/// Appends a message; what it has less than `size` bytes is left to the caller.
pub(super) fn write(
    packet: &Packet,
    message: &SessionMessage,
    ends: &Addresses,
    size: usize,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    let (kind, transaction) = match *message {
        SessionMessage::BindingResponse { transaction } => (RESPONSE, transaction),
        SessionMessage::BindingRequest { transaction } => (REQUEST, transaction),
        SessionMessage::Handshake { .. }
        | SessionMessage::Offer { .. }
        | SessionMessage::Answer { .. } => return,
    };
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&COOKIE.to_be_bytes());
    out.extend_from_slice(b"weaknet\0");
    out.extend_from_slice(&transaction.to_be_bytes());
    let attributes = match (kind, packet.leg) {
        (RESPONSE, _) => vec![(XOR_MAPPED_ADDRESS, mapped(ends))],
        (_, Leg::Outward) => vec![
            (USERNAME, b"recv:send".to_vec()),
            (NETWORK_INFO, vec![0; 4]),
            (ICE_CONTROLLING, vec![0; 8]),
            (USE_CANDIDATE, Vec::new()),
            (PRIORITY, HOST_PRIORITY.to_be_bytes().to_vec()),
        ],
        (_, Leg::Return) => vec![
            (USERNAME, b"send:recv".to_vec()),
            (NETWORK_INFO, vec![0; 4]),
            (ICE_CONTROLLED, vec![0; 8]),
            (PRIORITY, HOST_PRIORITY.to_be_bytes().to_vec()),
        ],
    };
    let integrity = (MESSAGE_INTEGRITY, vec![0; 20]);
    // Attributes as far as they fit; the fingerprint always.
    let mut room = size.saturating_sub(HEADERS + HEADER + 8);
    for (code, value) in attributes.into_iter().chain([integrity]) {
        let length = 4 + value.len().next_multiple_of(4);
        if length <= room {
            room -= length;
            attribute(code, &value, out);
        }
    }
    let length = (out.len() - start - HEADER + 8) as u16;
    out[start + 2..start + 4].copy_from_slice(&length.to_be_bytes());
    let fingerprint = crc32(&out[start..]) ^ FINGERPRINT_XOR;
    attribute(FINGERPRINT, &fingerprint.to_be_bytes(), out);
}

fn attribute(code: u16, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value);
    out.resize(out.len() + value.len().next_multiple_of(4) - value.len(), 0);
}

/// Reads a message; its fingerprint, if it has one, must be right.
pub(super) fn read(payload: &[u8]) -> Result<SessionMessage, WireError> {
    let mut bytes = Bytes(payload);
    let (kind, length) = (bytes.u16()?, usize::from(bytes.u16()?));
    if bytes.u32()? != COOKIE {
        return Err(WireError::Kind);
    }
    let [_, _, _, _, _, _, _, _, id @ ..] = bytes.array::<12>()?;
    let transaction = u32::from_be_bytes(id);
    let mut attributes = Bytes(bytes.take(length)?);
    while !attributes.0.is_empty() {
        let before = HEADER + length - attributes.0.len();
        let (code, size) = (attributes.u16()?, usize::from(attributes.u16()?));
        let value = attributes.take(size.next_multiple_of(4))?;
        if code == FINGERPRINT {
            let covered = payload.get(..before).unwrap_or(&[]);
            let sum = crc32(covered) ^ FINGERPRINT_XOR;
            if value != sum.to_be_bytes() {
                return Err(WireError::Checksum);
            }
        }
    }
    match kind {
        REQUEST => Ok(SessionMessage::BindingRequest { transaction }),
        RESPONSE => Ok(SessionMessage::BindingResponse { transaction }),
        _ => Err(WireError::Kind),
    }
}

/// The requester's address, which is where the response goes.
fn mapped(ends: &Addresses) -> Vec<u8> {
    const IPV4: [u8; 2] = [0, 1];
    let mut value = IPV4.to_vec();
    let port = ends.to.port() ^ (COOKIE >> 16) as u16;
    value.extend_from_slice(&port.to_be_bytes());
    value.extend_from_slice(&(u32::from(*ends.to.ip()) ^ COOKIE).to_be_bytes());
    value
}
