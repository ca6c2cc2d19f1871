//! What a datagram of WebRTC is, as far as one can tell from outside, and how
//! it becomes a packet of the simulator.
//!
//! Implements: RFC 7983 (which protocol), RFC 3550 section 5.1 (RTP header),
//! RFC 5761 section 4 (RTP or RTCP). SRTP leaves the RTP header in the clear.

use weaknet_core::Bitrate;
use weaknet_core::packet::{Class, Packet, Payload};
use weaknet_transports::wire::{self, Addresses};

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
    wire::encode(packet, &Addresses::of(packet), &mut bytes);
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
