//! RTP packets.
//!
//! Implements: RFC 3550, section 5.1; one-byte header extensions (RFC 8285,
//! section 4.2) with abs-send-time, the transport-wide sequence number and, for
//! audio, the level (RFC 6464); the original sequence number of RTX (RFC 4588,
//! section 4).
//! Differs: without encryption nothing tells the authentication tag from the
//! payload, so the last byte of a padding packet is its padding count and the
//! room of the tag comes before the padding; of other packets the tag comes last,
//! as zeros. Without room for the extensions there are none.
//! Not modelled: the level of the sound, which is always -30 dBov; coded media
//! (see `media`).

use weaknet_core::packet::{Media, Packet, RedundantAudio, Rtp, RtpKind};

use super::ip::HEADERS;
use super::media;
use super::red::{self, RED_AUDIO};
use super::streams::{Stream, ssrc};

/// Extension id of the audio level.
pub const AUDIO_LEVEL: u8 = 1;
/// Extension id of abs-send-time.
pub const ABS_SEND_TIME: u8 = 2;
/// Extension id of the transport-wide sequence number.
pub const TRANSPORT_SEQ: u8 = 3;

pub(super) const VERSION: u8 = 2 << 6;
const PADDING: u8 = 1 << 5;
const EXTENSION: u8 = 1 << 4;
const MARKER: u8 = 1 << 7;
const FIXED: usize = 12;
pub(super) const ONE_BYTE_PROFILE: u16 = 0xbede;
/// Voice activity and -30 dBov.
const LEVEL: u8 = 0x80 | 30;

/// What a packet holds that its payload struct does not say.
pub(super) struct Contents<'a> {
    /// Number within its own stream.
    pub(super) seq: u16,
    /// Bytes of the authentication tag.
    pub(super) tag: usize,
    /// The payload of a repair packet.
    pub(super) repair: &'a [u8],
    /// What an audio packet carries in the format of RFC 2198.
    pub(super) red: Option<&'a RedundantAudio>,
}

/// Appends an RTP packet that fills a datagram of `size` bytes.
pub(super) fn write(
    packet: &Packet,
    rtp: &Rtp,
    contents: &Contents<'_>,
    size: usize,
    out: &mut Vec<u8>,
) {
    let stream = Stream::of(rtp);
    let osn = if rtp.kind == RtpKind::Rtx { 2 } else { 0 };
    let padding = rtp.kind == RtpKind::Padding;
    let leveled = rtp.media == Media::Audio && !padding;
    let extensions = if leveled { 16 } else { 12 };
    let room = size.saturating_sub(HEADERS);
    let extended = room >= FIXED + extensions + osn + usize::from(padding);
    let first = VERSION | if padding { PADDING } else { 0 } | if extended { EXTENSION } else { 0 };
    let last_of_frame = rtp.media == Media::Video
        && matches!(rtp.kind, RtpKind::Media | RtpKind::Rtx)
        && u32::from(rtp.part) + 1 == u32::from(rtp.parts);
    let marker = if last_of_frame { MARKER } else { 0 };
    let timestamp = match rtp.kind {
        RtpKind::Padding => rtp.captured.ticks(90_000),
        _ => rtp.timestamp,
    };
    let payload_type = match contents.red {
        Some(_) => RED_AUDIO,
        None => stream.payload_type(),
    };
    out.extend_from_slice(&[first, marker | payload_type]);
    out.extend_from_slice(&contents.seq.to_be_bytes());
    out.extend_from_slice(&(timestamp as u32).to_be_bytes());
    out.extend_from_slice(&ssrc(packet.flow, stream).to_be_bytes());
    if extended {
        write_extensions(packet, rtp, leveled, out);
    }
    if osn > 0 {
        out.extend_from_slice(&(rtp.seq as u16).to_be_bytes());
    }
    let end = size.saturating_sub(contents.tag);
    match rtp.kind {
        RtpKind::Media | RtpKind::Rtx => {
            let media = ssrc(packet.flow, Stream::Media(rtp.media));
            let room = end.saturating_sub(out.len());
            match contents.red {
                Some(audio) => red::write(audio, media, room, out),
                None => media::write(rtp, media, room, out),
            }
        }
        RtpKind::Fec => out.extend_from_slice(contents.repair),
        RtpKind::Padding => {
            let count = size.saturating_sub(out.len()).clamp(1, 255);
            out.resize(size.max(out.len() + count), 0);
            if let Some(last) = out.last_mut() {
                *last = count as u8;
            }
        }
    }
}

/// Appends the block of header extensions.
fn write_extensions(packet: &Packet, rtp: &Rtp, leveled: bool, out: &mut Vec<u8>) {
    let header = |id: u8, length: u8| id << 4 | (length - 1);
    let [_, t0, t1, t2] = abs_send_time(packet).to_be_bytes();
    let [s0, s1] = (rtp.transport_seq as u16).to_be_bytes();
    let [p0, p1] = ONE_BYTE_PROFILE.to_be_bytes();
    let words = if leveled { 3 } else { 2 };
    out.extend_from_slice(&[
        p0,
        p1,
        0,
        words,
        header(ABS_SEND_TIME, 3),
        t0,
        t1,
        t2,
        header(TRANSPORT_SEQ, 2),
        s0,
        s1,
    ]);
    if leveled {
        out.extend_from_slice(&[header(AUDIO_LEVEL, 1), LEVEL, 0, 0, 0]);
    } else {
        out.push(0);
    }
}

/// Seconds of the sending time, 6 bits before and 18 behind the point.
fn abs_send_time(packet: &Packet) -> u32 {
    (super::ntp(packet.sent) >> 14) as u32 & 0x00ff_ffff
}
