//! RTP packets, read back.

use rtp_types::RtpPacket;
use weaknet_core::Time;
use weaknet_core::packet::{Media, Payload, Picture, RepairPacket, Rtp, RtpKind};

use super::{Bytes, WireError};
use crate::transport::Unwrapper;
use crate::wire::rtp::{ONE_BYTE_PROFILE, TRANSPORT_SEQ};
use crate::wire::streams::{Stream, from_ssrc};
use crate::wire::{FlowFormat, ip, media, red};

/// Reads the RTP packets of one flow.
#[derive(Debug, Default)]
pub(super) struct RtpReader {
    transport: Unwrapper<16>,
    audio: Numbers,
    video: Numbers,
    frame: Unwrapper<32>,
}

#[derive(Debug, Default)]
struct Numbers {
    seq: Unwrapper<16>,
    timestamp: Unwrapper<32>,
}

fn ascending(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

impl RtpReader {
    pub(super) fn read(
        &mut self,
        payload: &[u8],
        format: &FlowFormat,
    ) -> Result<Payload, WireError> {
        let packet = RtpPacket::parse(payload).map_err(|_| WireError::Short)?;
        let (_, stream) = from_ssrc(packet.ssrc()).ok_or(WireError::Kind)?;
        let is_red =
            stream == Stream::Media(Media::Audio) && packet.payload_type() == red::RED_AUDIO;
        if !is_red && packet.payload_type() != stream.payload_type() {
            return Err(WireError::Kind);
        }
        let (media, kind) = match (stream, packet.padding_bit()) {
            (Stream::Media(media), false) => (media, RtpKind::Media),
            (Stream::Rtx(media), false) => (media, RtpKind::Rtx),
            (Stream::Rtx(media), true) => (media, RtpKind::Padding),
            (Stream::Fec(media), false) => (media, RtpKind::Fec),
            (Stream::Receiver | Stream::Media(_) | Stream::Fec(_), _) => {
                return Err(WireError::Kind);
            }
        };
        let transport = transport_seq(&packet).ok_or(WireError::Extension)?;
        let numbers = match media {
            Media::Audio => &mut self.audio,
            Media::Video => &mut self.video,
        };
        let mut rtp = Rtp {
            media,
            kind,
            seq: 0,
            transport_seq: ascending(self.transport.unwrap(transport.into())),
            timestamp: 0,
            frame: 0,
            part: 0,
            parts: 1,
            key: false,
            payload: 0,
            picture: Picture::default(),
            captured: Time::ZERO,
        };
        if kind == RtpKind::Padding {
            rtp.payload = packet.padding().unwrap_or(0).into();
            rtp.captured = captured(packet.timestamp().into(), media);
            return Ok(Payload::Rtp(rtp));
        }
        let size = ip::HEADERS + payload.len();
        let above = format.overhead.rtp_size(media, kind, 0) as usize;
        let own = size.checked_sub(above).ok_or(WireError::Short)?;
        rtp.payload = u16::try_from(own).map_err(|_| WireError::Length)?;
        rtp.timestamp = ascending(numbers.timestamp.unwrap(packet.timestamp()));
        rtp.captured = captured(rtp.timestamp, media);
        let tag = format.overhead.srtp as usize;
        let end = packet
            .payload()
            .len()
            .checked_sub(tag)
            .ok_or(WireError::Short)?;
        let mut body = Bytes(packet.payload().get(..end).ok_or(WireError::Short)?);
        let seq = match kind {
            RtpKind::Rtx => body.u16()?,
            _ => packet.sequence_number(),
        };
        if kind == RtpKind::Fec {
            // The numbers of the stream that it protects, not its own.
            let around = ascending(numbers.seq.last().unwrap_or(0));
            return repair(rtp, body.0, around, format);
        }
        rtp.seq = ascending(numbers.seq.unwrap(seq.into()));
        match media {
            Media::Audio => {
                (rtp.frame, rtp.key) = (rtp.seq, true);
                if is_red {
                    let audio = red::read(rtp, body.0, |at| captured(at, media))?;
                    return Ok(Payload::Audio(Box::new(audio)));
                }
            }
            Media::Video => {
                let header = media::read(body.0)?;
                rtp.frame = ascending(self.frame.unwrap(header.frame));
                (rtp.part, rtp.parts, rtp.key) = (header.part, header.parts, header.key);
                rtp.picture = header.picture;
            }
        }
        Ok(Payload::Rtp(rtp))
    }
}

/// A repair packet, whose header the flow's FEC code reads.
fn repair(
    mut rtp: Rtp,
    body: &[u8],
    around: u64,
    format: &FlowFormat,
) -> Result<Payload, WireError> {
    let codec = format.fec.as_ref().ok_or(WireError::Kind)?;
    let repair = codec.header(body, around).ok_or(WireError::Length)?;
    let named = Rtp {
        kind: RtpKind::Media,
        payload: 0,
        transport_seq: 0,
        timestamp: 0,
        captured: Time::ZERO,
        ..rtp
    };
    rtp.seq = repair.protects.last().copied().unwrap_or(0);
    let protects = repair.protects.iter().map(|&seq| Rtp { seq, ..named });
    Ok(Payload::Repair(Box::new(RepairPacket {
        rtp,
        symbol: repair.symbol,
        protects: protects.collect(),
    })))
}

/// The transport-wide sequence number among the one-byte header extensions
/// (RFC 8285, section 4.2).
fn transport_seq(packet: &RtpPacket<'_>) -> Option<u16> {
    let (profile, block) = packet.extension()?;
    if profile != ONE_BYTE_PROFILE {
        return None;
    }
    let mut bytes = Bytes(block);
    while let Ok(head) = bytes.u8() {
        match (head >> 4, usize::from(head & 0x0f) + 1) {
            (0, 1) => {}
            // Reserved: nothing behind it counts.
            (0 | 15, _) => return None,
            (TRANSPORT_SEQ, 2) => return bytes.u16().ok(),
            (_, length) => {
                bytes.take(length).ok()?;
            }
        }
    }
    None
}

/// The first instant with this timestamp.
fn captured(timestamp: u64, media: Media) -> Time {
    let clock = match media {
        Media::Audio => 48_000,
        Media::Video => 90_000,
    };
    let nanos = (u128::from(timestamp) * 1_000_000_000).div_ceil(clock);
    Time::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
