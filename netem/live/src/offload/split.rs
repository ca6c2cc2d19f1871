//! From super-frames to packets.

use super::headers::Headers;
use super::{GSO_ECN, GSO_TCP4, GSO_TCP6, GSO_UDP, NEEDS_CHECKSUM, Offload};
use crate::offload::checksum::{fold, sum};

const FIN: u8 = 0x01;
const PUSH: u8 = 0x08;
const REDUCED: u8 = 0x80;

/// Calls `take` with each packet of a frame, complete and in order, in a buffer of
/// `spare`. What makes no sense passes as it is.
pub(crate) fn split(
    offload: Offload,
    frame: &[u8],
    mut spare: impl FnMut() -> Vec<u8>,
    mut take: impl FnMut(Vec<u8>),
) {
    let headers = match offload.gso & !GSO_ECN {
        GSO_TCP4 | GSO_TCP6 | GSO_UDP if offload.size > 0 => Headers::of(frame),
        _ => None,
    };
    let Some(headers) = headers else {
        let mut packet = spare();
        packet.clear();
        packet.extend_from_slice(frame);
        if offload.flags & NEEDS_CHECKSUM != 0 {
            complete(&mut packet, offload);
        }
        take(packet);
        return;
    };
    let (head, payload) = frame.split_at(headers.all);
    let pieces = payload.chunks(usize::from(offload.size));
    let last = pieces.len().saturating_sub(1);
    for (number, piece) in pieces.enumerate() {
        let mut packet = spare();
        packet.clear();
        packet.extend_from_slice(head);
        packet.extend_from_slice(piece);
        number_packet(&headers, &mut packet, number, usize::from(offload.size));
        if headers.is_tcp {
            let flags = &mut packet[headers.ip + 13];
            if number < last {
                *flags &= !(FIN | PUSH);
            }
            if number > 0 {
                *flags &= !REDUCED;
            }
        }
        headers.finish(&mut packet);
        take(packet);
    }
}

/// Sets what counts up from packet to packet: the identification of IPv4, sequence
/// numbers of TCP.
fn number_packet(headers: &Headers, packet: &mut [u8], number: usize, size: usize) {
    if !headers.is_v6 {
        let id = u16::from_be_bytes([packet[4], packet[5]]).wrapping_add(number as u16);
        packet[4..6].copy_from_slice(&id.to_be_bytes());
    }
    if headers.is_tcp {
        let place = &mut packet[headers.ip + 4..headers.ip + 8];
        let seq = place
            .iter()
            .fold(0_u32, |seq, byte| seq << 8 | u32::from(*byte));
        let seq = seq.wrapping_add((number * size) as u32);
        place.copy_from_slice(&seq.to_be_bytes());
    }
}

/// Completes a checksum of which only the pseudo-header is there.
fn complete(packet: &mut [u8], offload: Offload) {
    let (start, offset) = (usize::from(offload.start), usize::from(offload.offset));
    let Some(rest) = packet.get(start..).filter(|rest| rest.len() >= offset + 2) else {
        return;
    };
    let value = match !fold(sum(rest)) {
        0 => 0xffff,
        value => value,
    };
    packet[start + offset..start + offset + 2].copy_from_slice(&value.to_be_bytes());
}
