//! Audio packets with copies of older ones.
//!
//! Implements: RFC 2198, section 3, in a payload type of its own (63, as Chromium
//! has it). In-band redundancy of the codec stays within its payload.

use weaknet_core::packet::{Media, Packet, RedundantAudio};

use super::ip::HEADERS;
use super::rtp;
use super::streams::Stream;
use crate::fec::audio::rfc2198::{Block, headers};

/// Payload type of RED for audio.
pub const RED_AUDIO: u8 = 63;

/// Appends an RTP packet that fills a datagram of `size` bytes.
pub(super) fn write(packet: &Packet, audio: &RedundantAudio, size: usize, out: &mut Vec<u8>) {
    rtp::write(packet, &audio.rtp, size, out);
    if !audio.red {
        return;
    }
    let payload_type = Stream::Media(Media::Audio).payload_type();
    let whole = audio.copies.iter().filter(|copy| copy.codec == 0);
    let older: Option<Vec<Block<u16>>> = whole
        .rev()
        .map(|copy| {
            let offset = audio.rtp.timestamp.checked_sub(copy.timestamp)?;
            Some(Block {
                payload_type,
                offset: u16::try_from(offset).ok()?,
                payload: copy.size,
            })
        })
        .collect();
    // What does not fit RED's header no sender yields.
    if let Some(headers) = older.and_then(|older| headers(&older, payload_type)) {
        if let Some(second) = out.get_mut(HEADERS + 1) {
            *second = *second & 0x80 | RED_AUDIO;
        }
        out.extend_from_slice(&headers);
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::Time;
    use weaknet_core::packet::{AudioCopy, Ecn, FlowId, Leg, Payload, Picture, Rtp, RtpKind};

    use super::super::{Addresses, encode};
    use super::*;
    use crate::fec::audio::rfc2198::{Blocks, split};
    use crate::rtp::Overhead;

    fn copy(seq: u64, size: u16, codec: u8) -> AudioCopy {
        AudioCopy {
            seq,
            timestamp: seq * 960,
            size,
            codec,
            red: u8::from(codec == 0),
            captured: Time::ZERO,
        }
    }

    fn encoded(red: bool, copies: Vec<AudioCopy>) -> Vec<u8> {
        let rtp = Rtp {
            media: Media::Audio,
            kind: RtpKind::Media,
            seq: 9,
            transport_seq: 9,
            timestamp: 9 * 960,
            frame: 9,
            part: 0,
            parts: 1,
            key: true,
            payload: 229,
            picture: Picture::default(),
            captured: Time::ZERO,
        };
        let overhead = Overhead {
            srtp: 0,
            ..Overhead::WEBRTC
        };
        let packet = Packet {
            id: 1,
            flow: FlowId(0),
            leg: Leg::Outward,
            size: overhead.size_of(&rtp),
            ecn: Ecn::NotEct,
            payload: Payload::Audio(Box::new(RedundantAudio {
                rtp,
                redundant: 149,
                red,
                copies,
            })),
            ..Packet::VACANT
        };
        let mut out = Vec::new();
        encode(&packet, &Addresses::of(&packet), &mut out);
        assert_eq!(out.len(), packet.size as usize);
        out[28..].to_vec()
    }

    #[test]
    fn blocks_stand_oldest_first_in_a_payload_type_of_their_own() {
        let copies = vec![copy(8, 32, 1), copy(8, 80, 0), copy(7, 60, 0)];
        let udp = encoded(true, copies);
        assert_eq!(udp[1], RED_AUDIO);
        // Fixed header, then the extensions' length in words.
        let payload = &udp[12 + 4 + 4 * usize::from(udp[15])..];
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
    fn in_band_redundancy_is_the_codecs_own() {
        let udp = encoded(false, vec![copy(8, 32, 1)]);
        assert_eq!(udp[1], 111);
    }
}
