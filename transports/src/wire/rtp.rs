//! RTP packets.
//!
//! Implements: RFC 3550, section 5.1; one-byte header extensions (RFC 8285,
//! section 4.2) with abs-send-time, the transport-wide sequence number and, for
//! audio, the level (RFC 6464); the original sequence number of RTX (RFC 4588,
//! section 4).
//! Differs: without encryption nothing tells the authentication tag from the
//! payload, so the last byte of a padding packet is its padding count and the
//! room of the tag comes before the padding. Without room for the extensions
//! there are none.
//! Not modelled: the level of the sound, which is always -30 dBov.

use weaknet_core::packet::{Media, Packet, Rtp, RtpKind};

use super::ip::HEADERS;
use super::streams::{Stream, ssrc};

/// Extension id of the audio level.
pub const AUDIO_LEVEL: u8 = 1;
/// Extension id of abs-send-time.
pub const ABS_SEND_TIME: u8 = 2;
/// Extension id of the transport-wide sequence number.
pub const TRANSPORT_SEQ: u8 = 3;

const VERSION: u8 = 2 << 6;
const PADDING: u8 = 1 << 5;
const EXTENSION: u8 = 1 << 4;
const MARKER: u8 = 1 << 7;
const FIXED: usize = 12;
const ONE_BYTE_PROFILE: u16 = 0xbede;
/// Voice activity and -30 dBov.
const LEVEL: u8 = 0x80 | 30;

/// Appends an RTP packet that fills a datagram of `size` bytes.
pub(super) fn write(packet: &Packet, rtp: &Rtp, size: usize, out: &mut Vec<u8>) {
    let stream = Stream::of(rtp);
    let osn = if rtp.kind == RtpKind::Rtx { 2 } else { 0 };
    let padding = rtp.kind == RtpKind::Padding;
    let extensions = extensions(packet, rtp);
    let room = size.saturating_sub(HEADERS);
    let extended = room >= FIXED + extensions.len() + osn + usize::from(padding);
    let first = VERSION | if padding { PADDING } else { 0 } | if extended { EXTENSION } else { 0 };
    let last_of_frame = rtp.media == Media::Video
        && matches!(rtp.kind, RtpKind::Media | RtpKind::Rtx)
        && u32::from(rtp.part) + 1 == u32::from(rtp.parts);
    let marker = if last_of_frame { MARKER } else { 0 };
    // Other streams have no numbers of their own.
    let seq = match rtp.kind {
        RtpKind::Media => rtp.seq,
        RtpKind::Rtx | RtpKind::Fec | RtpKind::Padding => rtp.transport_seq,
    };
    let timestamp = match rtp.kind {
        RtpKind::Padding => rtp.captured.ticks(90_000),
        _ => rtp.timestamp,
    };
    out.extend_from_slice(&[first, marker | stream.payload_type()]);
    out.extend_from_slice(&(seq as u16).to_be_bytes());
    out.extend_from_slice(&(timestamp as u32).to_be_bytes());
    out.extend_from_slice(&ssrc(packet.flow, stream).to_be_bytes());
    if extended {
        out.extend_from_slice(&extensions);
    }
    if osn > 0 {
        out.extend_from_slice(&(rtp.seq as u16).to_be_bytes());
    }
    if padding {
        let count = size.saturating_sub(out.len()).clamp(1, 255);
        out.resize(size.max(out.len() + count), 0);
        if let Some(last) = out.last_mut() {
            *last = count as u8;
        }
    }
}

/// The block of header extensions.
fn extensions(packet: &Packet, rtp: &Rtp) -> Vec<u8> {
    let header = |id: u8, length: u8| id << 4 | (length - 1);
    let mut elements = vec![header(ABS_SEND_TIME, 3)];
    elements.extend_from_slice(&abs_send_time(packet).to_be_bytes()[1..]);
    elements.push(header(TRANSPORT_SEQ, 2));
    elements.extend_from_slice(&(rtp.transport_seq as u16).to_be_bytes());
    if rtp.media == Media::Audio && rtp.kind != RtpKind::Padding {
        elements.extend_from_slice(&[header(AUDIO_LEVEL, 1), LEVEL]);
    }
    elements.resize(elements.len().next_multiple_of(4), 0);
    let mut block = ONE_BYTE_PROFILE.to_be_bytes().to_vec();
    block.extend_from_slice(&((elements.len() / 4) as u16).to_be_bytes());
    block.extend_from_slice(&elements);
    block
}

/// Seconds of the sending time, 6 bits before and 18 behind the point.
fn abs_send_time(packet: &Packet) -> u32 {
    (super::ntp(packet.sent) >> 14) as u32 & 0x00ff_ffff
}
