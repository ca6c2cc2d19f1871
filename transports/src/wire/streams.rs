//! Payload types and synchronisation sources.
//!
//! Implements: payload types of the dynamic range (RFC 3551, section 6), none of
//! them in 64 to 95 (RFC 5761, section 4). A synchronisation source is made of
//! the flow and the stream, so that it is the same on every link and in every
//! run.

use weaknet_core::packet::{FlowId, Media, Rtp, RtpKind};

/// An RTP stream of a flow, or its receiver, which sends reports only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    /// First transmissions.
    Media(Media),
    /// Retransmissions and padding.
    Rtx(Media),
    /// Repair packets.
    Fec(Media),
    /// The end that only receives.
    Receiver,
}

impl Stream {
    /// The stream of a packet.
    #[must_use]
    pub const fn of(rtp: &Rtp) -> Self {
        match rtp.kind {
            RtpKind::Media => Self::Media(rtp.media),
            RtpKind::Rtx | RtpKind::Padding => Self::Rtx(rtp.media),
            RtpKind::Fec => Self::Fec(rtp.media),
        }
    }

    /// Payload type; the receiver has none.
    #[must_use]
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Media(Media::Video) => 96,
            Self::Rtx(Media::Video) => 97,
            Self::Fec(Media::Video) => 98,
            Self::Media(Media::Audio) => 111,
            Self::Rtx(Media::Audio) => 112,
            Self::Fec(Media::Audio) => 113,
            Self::Receiver => 0,
        }
    }
}

/// The flow and the stream of a synchronisation source, if it is one of ours.
pub(super) fn from_ssrc(ssrc: u32) -> Option<(FlowId, Stream)> {
    let [mark, high, low, payload_type] = ssrc.to_be_bytes();
    let of = |media| [Stream::Media(media), Stream::Rtx(media), Stream::Fec(media)];
    let mut streams = of(Media::Video).into_iter().chain(of(Media::Audio));
    let stream = streams.find(|stream| stream.payload_type() == payload_type);
    let flow = FlowId(u16::from_be_bytes([high, low]));
    Some((flow, stream?)).filter(|_| mark == b'W')
}

/// Synchronisation source of a stream: `W`, the flow's number in two bytes, and
/// the payload type.
#[must_use]
pub const fn ssrc(flow: FlowId, stream: Stream) -> u32 {
    const MARK: u32 = (b'W' as u32) << 24;
    MARK | (flow.0 as u32) << 8 | stream.payload_type() as u32
}
