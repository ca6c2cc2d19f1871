//! What a packet weighs besides its payload.
//!
//! Implements: RTP header (RFC 3550, section 5.1), header extensions with
//! one-byte elements (RFC 8285, section 4.2), SRTP and SRTCP trailers
//! (RFC 3711; RFC 5764, section 4.1.2), RTX original sequence number (RFC 4588,
//! section 4), VP8 payload header (RFC 7741).
//! The `webrtc` numbers add up to what was measured in a Chromium 156 call (VP8,
//! RED/ULPFEC, AES_CM_128_HMAC_SHA1_80): video 67 bytes over the encoder's
//! output, one of them for RED (RFC 2198), which the FEC scheme adds, padding packets of 317 bytes, repair packets 26 bytes longer than
//! media, no media packet above 1170.
//! `quic` are RTP packets in QUIC datagrams (draft-ietf-avtcore-rtp-over-quic: a
//! flow identifier, no SRTP, no header extensions, which acknowledgements make
//! superfluous), a UDP payload of at most 1200 bytes (RFC 9000, section 14).
//! Not modelled: the mid extension, 4 bytes more until the first receiver report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::{Media, Rtp, RtpKind};

use crate::transport::quic;

/// The flow identifier in front of an RTP packet in a QUIC datagram.
const FLOW_ID: u32 = 1;

/// Which packets of a frame carry the byte that does not divide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Remainder {
    /// The last ones, as in libwebrtc.
    #[default]
    Last,
    /// The first ones, as in the harness of the reference traces.
    First,
}

/// Named profiles of [`Overhead`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RtpOverhead {
    /// As a browser sends it over IPv4 and UDP.
    #[default]
    Webrtc,
    /// In QUIC datagrams over IPv4 and UDP.
    Quic,
    /// Nothing on top: a packet is its payload, at most 1200 bytes of it.
    None,
}

impl RtpOverhead {
    /// The byte counts of this profile.
    #[must_use]
    pub const fn overhead(self) -> Overhead {
        match self {
            Self::Webrtc => Overhead::WEBRTC,
            Self::Quic => Overhead::QUIC,
            Self::None => Overhead::NONE,
        }
    }
}

/// Byte counts on top of payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overhead {
    /// IP and UDP headers, and those of what lies between UDP and RTP.
    pub ip_udp: u32,
    /// RTP header without extensions.
    pub rtp: u32,
    /// Extension block of video packets.
    pub video_extensions: u32,
    /// Extension block of audio packets.
    pub audio_extensions: u32,
    /// Payload header of video packets (codec, and what a FEC scheme adds).
    pub video_descriptor: u32,
    /// Authentication tag of an RTP packet (SRTP, QUIC).
    pub srtp: u32,
    /// Index and authentication tag of an RTCP packet.
    pub srtcp: u32,
    /// Original sequence number of a retransmission.
    pub rtx: u32,
    /// Bytes of the protected RTP packet outside its payload that a repair
    /// packet covers too.
    pub protected: u32,
    /// Largest media packet, IP header included.
    pub max_media_packet: u32,
    /// Largest payload of a padding packet (the count is one byte, RFC 3550,
    /// section 5.1).
    pub max_padding: u32,
    /// Whether padding packets are always of that size, whatever is asked for.
    pub full_padding: bool,
    /// How frames that do not divide evenly are split.
    pub remainder: Remainder,
}

impl Default for Overhead {
    fn default() -> Self {
        Self::WEBRTC
    }
}

impl Overhead {
    /// A browser over IPv4 and UDP. Extensions: abs-send-time (3 bytes) and the
    /// transport-wide sequence number (2), for audio also the level (1).
    pub const WEBRTC: Self = Self {
        ip_udp: 28,
        rtp: 12,
        video_extensions: extension_block(&[3, 2]),
        audio_extensions: extension_block(&[3, 2, 1]),
        video_descriptor: 4,
        srtp: 10,
        srtcp: 14,
        rtx: 2,
        protected: extension_block(&[3, 2]),
        max_media_packet: 1_170,
        max_padding: 255,
        full_padding: true,
        remainder: Remainder::Last,
    };

    /// RTP in QUIC datagrams; the payload header of VP8 without RED.
    pub const QUIC: Self = Self {
        ip_udp: quic::PACKET - quic::TAG + quic::DATAGRAM_FRAME + FLOW_ID,
        rtp: 12,
        video_extensions: 0,
        audio_extensions: 0,
        video_descriptor: 4,
        srtp: quic::TAG,
        srtcp: quic::TAG,
        rtx: 2,
        protected: 0,
        max_media_packet: 28 + 1_200,
        max_padding: 1_000,
        full_padding: false,
        remainder: Remainder::Last,
    };

    /// Nothing at all.
    pub const NONE: Self = Self {
        ip_udp: 0,
        rtp: 0,
        video_extensions: 0,
        audio_extensions: 0,
        video_descriptor: 0,
        srtp: 0,
        srtcp: 0,
        rtx: 0,
        protected: 0,
        max_media_packet: 1_200,
        max_padding: 1_200,
        full_padding: false,
        remainder: Remainder::First,
    };

    /// Bytes over the payload of a media packet.
    #[must_use]
    pub const fn media(&self, media: Media) -> u32 {
        let own = match media {
            Media::Video => self.video_extensions + self.video_descriptor,
            Media::Audio => self.audio_extensions,
        };
        self.ip_udp + self.rtp + own + self.srtp
    }

    /// Bytes of an RTP packet of this kind with `payload` bytes, IP header
    /// included.
    #[must_use]
    pub const fn rtp_size(&self, media: Media, kind: RtpKind, payload: u32) -> u32 {
        payload
            + match kind {
                RtpKind::Media => self.media(media),
                RtpKind::Rtx => self.media(media) + self.rtx,
                RtpKind::Fec => self.media(media) + self.protected,
                RtpKind::Padding => self.ip_udp + self.rtp + self.video_extensions + self.srtp,
            }
    }

    /// Bytes of `packet`, IP header included.
    #[must_use]
    pub const fn size_of(&self, packet: &Rtp) -> u32 {
        self.rtp_size(packet.media, packet.kind, packet.payload as u32)
    }

    /// Most payload bytes of a video packet.
    #[must_use]
    pub const fn max_video_payload(&self) -> u32 {
        self.max_media_packet
            .saturating_sub(self.media(Media::Video))
    }
}

/// Bytes of a block of header extensions with one-byte elements whose data have
/// the given lengths: 4 bytes of header, 1 byte before each element, padded to
/// words; nothing when there are none (RFC 8285, section 4.2).
#[must_use]
pub const fn extension_block(lengths: &[u32]) -> u32 {
    if lengths.is_empty() {
        return 0;
    }
    let mut elements = 0;
    let mut i = 0;
    while i < lengths.len() {
        elements += 1 + lengths[i];
        i += 1;
    }
    4 + elements.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_blocks_follow_rfc_8285() {
        assert_eq!(extension_block(&[]), 0);
        // abs-send-time, transport-wide sequence number, playout delay, level:
        // the example of 20 bytes.
        assert_eq!(extension_block(&[3, 2, 3, 1]), 20);
        assert_eq!(extension_block(&[3, 2]), 12);
        assert_eq!(extension_block(&[3]), 8);
    }

    #[test]
    fn packets_weigh_what_chromium_puts_on_the_wire() {
        let mut o = Overhead::WEBRTC;
        // RED.
        o.video_descriptor += 1;
        assert_eq!(o.media(Media::Video), 67);
        assert_eq!(o.max_video_payload(), 1_103);
        assert_eq!(
            o.rtp_size(Media::Video, RtpKind::Padding, o.max_padding),
            317
        );
        // Opus silence of 3 bytes: packets of 69 bytes.
        assert_eq!(o.rtp_size(Media::Audio, RtpKind::Media, 3), 69);
        let media = o.rtp_size(Media::Video, RtpKind::Media, 1_034);
        assert_eq!(media, 1_101);
        assert_eq!(o.rtp_size(Media::Video, RtpKind::Rtx, 1_034), media + 2);
        // ULPFEC: 14 bytes of its own headers in the repair payload.
        assert_eq!(
            o.rtp_size(Media::Video, RtpKind::Fec, 1_034 + 14),
            media + 26
        );
    }

    #[test]
    fn a_datagram_holds_an_rtp_packet() {
        let o = RtpOverhead::Quic.overhead();
        // IP 20, UDP 8, short header 13, frame 3, flow identifier 1, RTP 12, tag 16.
        assert_eq!(o.rtp_size(Media::Audio, RtpKind::Media, 0), 73);
        assert_eq!(o.media(Media::Video) + o.max_video_payload(), 1_228);
    }

    #[test]
    fn without_overhead_a_packet_is_its_payload() {
        let o = RtpOverhead::None.overhead();
        for kind in [RtpKind::Media, RtpKind::Rtx, RtpKind::Fec, RtpKind::Padding] {
            assert_eq!(o.rtp_size(Media::Video, kind, 625), 625);
        }
        assert_eq!(o.max_video_payload(), 1_200);
    }
}
