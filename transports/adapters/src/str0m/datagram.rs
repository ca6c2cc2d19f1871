//! What a datagram of WebRTC is, as far as one can tell from outside, and how
//! it becomes a packet of the simulator.
//!
//! Implements: RFC 7983 (which protocol), RFC 3550 section 5.1 (RTP header),
//! RFC 5761 section 4 (RTP or RTCP). SRTP leaves the RTP header in the clear.

use weaknet_core::Bitrate;
use weaknet_core::packet::{Class, Packet, Payload};
use weaknet_transports::wire::{Addresses, Encoder};

/// IPv4 and UDP headers.
pub(super) const HEADERS: usize = 28;
/// Lengths of DTLS datagrams are rounded up to multiples of this.
const DTLS_GRAIN: usize = 32;
/// RTP header, extensions of str0m and SRTP tag: of 1200 bytes, so many are not
/// media; with IP and UDP headers in front.
const OVERHEAD: u64 = 28 + 20 + 16;
const FULL: u64 = 1_200 + 28;

/// The SSRCs of the video stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct StreamIds {
    /// Of first transmissions.
    pub(super) media: u32,
    /// Of retransmissions and padding.
    pub(super) repair: Option<u32>,
}

/// What is known of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight {
    /// What it carries.
    pub(super) class: Class,
    /// RTP timestamp and payload bytes, of RTP only; the payload with the tag of
    /// SRTP.
    pub(super) rtp: Option<(u32, u32)>,
    is_dtls: bool,
}

/// Looks at a datagram, UDP header left out.
pub(super) fn look(bytes: &[u8], streams: StreamIds) -> Sight {
    let sight = |class| Sight {
        class,
        rtp: None,
        is_dtls: matches!(bytes.first(), Some(20..=63)),
    };
    match bytes {
        [128..=191, 192..=223, ..] => sight(Class::Rtcp),
        [128..=191, ..] => match rtp(bytes) {
            Some((ssrc, timestamp, payload)) => Sight {
                class: if ssrc == streams.media {
                    Class::Video
                } else if payload == 0 || Some(ssrc) != streams.repair {
                    Class::Padding
                } else {
                    Class::Rtx
                },
                rtp: Some((timestamp, payload)),
                is_dtls: false,
            },
            None => sight(Class::Other),
        },
        _ => sight(Class::Session),
    }
}

/// SSRC, timestamp and payload bytes.
fn rtp(bytes: &[u8]) -> Option<(u32, u32, u32)> {
    let word = |at: usize| {
        let word = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(word))
    };
    let mut header = 12 + 4 * usize::from(bytes[0] & 0x0f);
    if bytes[0] & 0x10 != 0 {
        header += 4 + 4 * (word(header)? & 0xffff) as usize;
    }
    let payload = bytes.len().checked_sub(header)?;
    Some((word(8)?, word(4)?, u32::try_from(payload).ok()?))
}

/// Puts a datagram into `packet`, behind IP and UDP headers. There is no UDP
/// checksum (RFC 768 allows that).
pub(super) fn wrap(packet: &mut Packet, datagram: &[u8], sight: &Sight) {
    packet.size = u32::try_from(HEADERS + datagram.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::new();
    Encoder::default().encode(packet, &Addresses::of(packet), &mut bytes);
    if let Some(body) = bytes.get_mut(HEADERS..HEADERS + datagram.len()) {
        body.copy_from_slice(datagram);
    }
    bytes[HEADERS - 2..HEADERS].fill(0);
    packet.payload = Payload::Bytes(bytes);
    if sight.is_dtls {
        let rounded = HEADERS + datagram.len().next_multiple_of(DTLS_GRAIN);
        packet.size = u32::try_from(rounded).unwrap_or(u32::MAX);
    }
}

/// The rate on the wire that media of this rate take.
pub(super) fn on_the_wire(media: Bitrate) -> Bitrate {
    media.mul_f64(FULL as f64 / (FULL - OVERHEAD) as f64)
}

/// The rate that is left for media.
pub(super) fn for_media(on_the_wire: Bitrate) -> Bitrate {
    on_the_wire.mul_f64((FULL - OVERHEAD) as f64 / FULL as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::packet::{FlowId, Leg};

    const STREAMS: StreamIds = StreamIds {
        media: 0x0102_0304,
        repair: Some(0x0a0b_0c0d),
    };

    /// An RTP packet with two words of extensions and `payload` bytes.
    fn rtp_packet(ssrc: u32, payload: usize) -> Vec<u8> {
        let mut bytes = vec![0x90, 96, 0, 7, 0, 0, 0x30, 0x39];
        bytes.extend(ssrc.to_be_bytes());
        bytes.extend([0xbe, 0xde, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.resize(bytes.len() + payload, 0x55);
        bytes
    }

    fn class(bytes: &[u8]) -> Class {
        look(bytes, STREAMS).class
    }

    #[test]
    fn datagrams_are_told_apart() {
        let media = look(&rtp_packet(STREAMS.media, 100), STREAMS);
        assert_eq!(
            (media.class, media.rtp),
            (Class::Video, Some((12_345, 100)))
        );
        assert_eq!(class(&rtp_packet(0x0a0b_0c0d, 100)), Class::Rtx);
        assert_eq!(class(&rtp_packet(0x0a0b_0c0d, 0)), Class::Padding);
        assert_eq!(class(&rtp_packet(1, 100)), Class::Padding);
        // A transport-wide feedback, a binding request, a client hello.
        assert_eq!(class(&[0x8f, 205, 0, 5]), Class::Rtcp);
        assert_eq!(class(&[0, 1, 0, 0]), Class::Session);
        assert_eq!(class(&[22, 254, 253, 0]), Class::Session);
    }

    #[test]
    fn what_is_cut_short_is_no_media() {
        let whole = rtp_packet(STREAMS.media, 0);
        for length in 0..whole.len() {
            assert_ne!(class(&whole[..length]), Class::Video, "{length} bytes");
        }
    }

    #[test]
    fn datagrams_travel_behind_their_headers() {
        let wrapped = |datagram: &[u8]| {
            let mut packet = Packet {
                flow: FlowId(1),
                leg: Leg::Outward,
                ..Packet::VACANT
            };
            wrap(&mut packet, datagram, &look(datagram, STREAMS));
            let Payload::Bytes(bytes) = packet.payload else {
                unreachable!("it is wrapped into bytes");
            };
            (packet.size, bytes)
        };
        let datagram = rtp_packet(STREAMS.media, 100);
        let (size, bytes) = wrapped(&datagram);
        assert_eq!(size as usize, HEADERS + datagram.len());
        assert_eq!(&bytes[HEADERS..], &datagram[..]);
        // IPv4 length, UDP length, no checksum.
        assert_eq!(&bytes[2..4], u16::to_be_bytes(size as u16).as_slice());
        assert_eq!(&bytes[24..28], &[0, (datagram.len() + 8) as u8, 0, 0]);
        // 70 to 72 bytes of a signature come to the same.
        let sizes = [650, 651, 652].map(|length| wrapped(&vec![22; length]).0);
        assert_eq!(sizes, [28 + 672; 3]);
    }

    #[test]
    fn rates_go_there_and_back() {
        let rate = Bitrate::from_kbps(2_500);
        assert_eq!(for_media(on_the_wire(rate)), rate);
        assert_eq!(on_the_wire(rate).as_bps(), 2_637_457);
    }
}
