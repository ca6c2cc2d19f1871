//! Audio packets with copies of older ones.
//!
//! Implements: RFC 2198, section 3, in a payload type of its own (63, as Chromium
//! has it). In-band redundancy of the codec stays within its payload.
//! Differs: read back, a block is taken to be of the packet as many numbers older as
//! there are blocks behind it, as libwebrtc's `RedPayloadSplitter` does.

use weaknet_core::packet::{AudioCopy, Media, RedundantAudio, Rtp};

use super::media;
use super::read::WireError;
use super::streams::Stream;
use crate::fec::audio::rfc2198::{self, BLOCK_HEADER, Block, Blocks, LAST_HEADER};

/// Payload type of RED for audio.
pub const RED_AUDIO: u8 = 63;

/// Whether the packet has RED's format: that it is meant to, and that its copies fit
/// the headers, as all do that senders yield.
pub(super) fn fits(audio: &RedundantAudio) -> bool {
    audio.red && headers(audio).is_some()
}

/// The copies that stand in blocks of their own, oldest first.
fn blocks(audio: &RedundantAudio) -> impl Iterator<Item = &AudioCopy> {
    audio.copies.iter().rev().filter(|copy| copy.codec == 0)
}

fn headers(audio: &RedundantAudio) -> Option<Vec<u8>> {
    let payload_type = Stream::Media(Media::Audio).payload_type();
    let older: Option<Vec<Block<u16>>> = blocks(audio)
        .map(|copy| {
            let offset = audio.rtp.timestamp.checked_sub(copy.timestamp)?;
            Some(Block {
                payload_type,
                offset: u16::try_from(offset).ok()?,
                payload: copy.size,
            })
        })
        .collect();
    rfc2198::headers(&older?, payload_type)
}

/// Appends a payload of `size` bytes for the packet of this SSRC.
pub(super) fn write(audio: &RedundantAudio, ssrc: u32, size: usize, out: &mut Vec<u8>) {
    let end = out.len() + size;
    out.extend_from_slice(&headers(audio).unwrap_or_default());
    for copy in blocks(audio) {
        let older = Rtp {
            seq: copy.seq,
            ..audio.rtp
        };
        media::write(&older, ssrc, copy.size.into(), out);
    }
    let rest = end.saturating_sub(out.len());
    media::write(&audio.rtp, ssrc, rest, out);
    out.truncate(end);
}

/// Takes a payload apart, of a packet with this header.
pub(super) fn read(
    rtp: Rtp,
    payload: &[u8],
    captured: impl Fn(u64) -> weaknet_core::Time,
) -> Result<RedundantAudio, WireError> {
    let Blocks { older, last } = rfc2198::split(payload).ok_or(WireError::Short)?;
    let payload_type = Stream::Media(Media::Audio).payload_type();
    let mut redundant = LAST_HEADER;
    let mut copies = Vec::with_capacity(older.len());
    let is_known = |found: u8| found == payload_type;
    if !is_known(last.payload_type) {
        return Err(WireError::Kind);
    }
    for (red, block) in (1..=u8::MAX).zip(older.iter().rev()) {
        if !is_known(block.payload_type) {
            return Err(WireError::Kind);
        }
        let size = u16::try_from(block.payload.len()).map_err(|_| WireError::Length)?;
        let timestamp = rtp.timestamp.checked_sub(block.offset.into());
        let timestamp = timestamp.ok_or(WireError::Length)?;
        redundant = redundant.saturating_add(BLOCK_HEADER).saturating_add(size);
        copies.push(AudioCopy {
            seq: rtp.seq.checked_sub(red.into()).ok_or(WireError::Length)?,
            timestamp,
            size,
            codec: 0,
            red,
            captured: captured(timestamp),
        });
    }
    Ok(RedundantAudio {
        rtp,
        redundant,
        red: true,
        copies,
    })
}

#[cfg(test)]
mod tests {
    use weaknet_core::packet::{AudioCopy, Ecn, FlowId, Leg, Packet, Payload, Picture, RtpKind};
    use weaknet_core::{Span, Time};

    use super::super::{Addresses, Datagram, Encoder, FlowFormat, Reader};
    use super::*;
    use crate::fec::audio::rfc2198::split;
    use crate::rtp::Overhead;

    const TICKS: u64 = 960;

    fn copy(seq: u64, size: u16, codec: u8, red: u8) -> AudioCopy {
        AudioCopy {
            seq,
            timestamp: seq * TICKS,
            size,
            codec,
            red,
            captured: Time::ZERO + Span::from_millis(20) * seq,
        }
    }

    fn audio(red: bool, copies: Vec<AudioCopy>) -> RedundantAudio {
        let blocks = copies.iter().filter(|copy| copy.codec == 0);
        let redundant: u16 = blocks.map(|copy| copy.size + BLOCK_HEADER).sum();
        RedundantAudio {
            rtp: Rtp {
                media: Media::Audio,
                kind: RtpKind::Media,
                seq: 9,
                transport_seq: 9,
                timestamp: 9 * TICKS,
                frame: 9,
                part: 0,
                parts: 1,
                key: true,
                payload: 229,
                picture: Picture::default(),
                captured: Time::from_millis(180),
            },
            redundant: redundant + LAST_HEADER,
            red,
            copies,
        }
    }

    fn encoded(audio: &RedundantAudio) -> Vec<u8> {
        let overhead = Overhead::WEBRTC;
        let packet = Packet {
            id: 1,
            flow: FlowId(0),
            leg: Leg::Outward,
            size: overhead.size_of(&audio.rtp),
            ecn: Ecn::NotEct,
            payload: Payload::Audio(Box::new(audio.clone())),
            ..Packet::VACANT
        };
        let mut out = Vec::new();
        Encoder::default().encode(&packet, &Addresses::of(&packet), &mut out);
        assert_eq!(out.len(), packet.size as usize);
        out
    }

    fn decoded(datagram: &[u8]) -> Result<Payload, WireError> {
        let datagram = Datagram::parse(datagram).unwrap();
        Reader::new(FlowFormat::default()).read(datagram.payload)
    }

    #[test]
    fn blocks_stand_oldest_first_in_a_payload_type_of_their_own() {
        let copies = vec![copy(8, 32, 1, 0), copy(8, 80, 0, 1), copy(7, 60, 0, 2)];
        let udp = encoded(&audio(true, copies))[28..].to_vec();
        assert_eq!(udp[1], RED_AUDIO);
        // Fixed header, then the extensions' length in words; the tag is the end.
        let tag = Overhead::WEBRTC.srtp as usize;
        let payload = &udp[12 + 4 + 4 * usize::from(udp[15])..udp.len() - tag];
        assert_eq!(payload.len(), 229);
        let Blocks { older, last } = split(payload).unwrap();
        let found: Vec<(u8, u16, usize)> = older
            .iter()
            .map(|block| (block.payload_type, block.offset, block.payload.len()))
            .collect();
        assert_eq!(found, [(111, 1_920, 60), (111, 960, 80)]);
        assert_eq!((last.payload_type, last.payload.len()), (111, 80));
    }

    #[test]
    fn a_copy_has_the_bytes_of_its_packet() {
        let older = RedundantAudio {
            rtp: Rtp {
                seq: 8,
                timestamp: 8 * TICKS,
                payload: 81,
                ..audio(true, vec![]).rtp
            },
            ..audio(true, vec![])
        };
        let tag = Overhead::WEBRTC.srtp as usize;
        let body = |datagram: Vec<u8>| datagram[28 + 12 + 16..datagram.len() - tag].to_vec();
        let (older, newer) = (
            body(encoded(&older)),
            body(encoded(&audio(true, vec![copy(8, 80, 0, 1)]))),
        );
        let blocks = split(&newer).unwrap().older;
        assert_eq!(blocks[0].payload, split(&older).unwrap().last.payload);
    }

    #[test]
    fn packets_come_back() {
        for copies in [
            vec![],
            vec![copy(8, 80, 0, 1)],
            vec![copy(8, 80, 0, 1), copy(7, 60, 0, 2)],
        ] {
            let sent = audio(true, copies);
            let found = decoded(&encoded(&sent)).unwrap();
            assert_eq!(found, Payload::Audio(Box::new(sent)));
        }
    }

    #[test]
    fn damage_is_told() {
        let good = encoded(&audio(true, vec![copy(8, 80, 0, 1)]));
        let payload = Datagram::parse(&good).unwrap().payload.to_vec();
        let header = 12 + 16;
        for (at, value) in [(header, 0xef + 1), (header, 0x80 | 96), (header + 4, 96)] {
            let mut bad = payload.clone();
            bad[at] = value;
            let read = Reader::new(FlowFormat::default()).read(&bad);
            assert!(read.is_err(), "{at} {value}");
        }
    }

    #[test]
    fn in_band_redundancy_is_the_codecs_own() {
        let datagram = encoded(&audio(false, vec![copy(8, 32, 1, 0)]));
        assert_eq!(datagram[28 + 1], 111);
        assert!(matches!(decoded(&datagram), Ok(Payload::Rtp(_))));
    }
}
