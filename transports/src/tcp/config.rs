//! What a connection looks like on the wire.

use weaknet_core::Bytes;
use weaknet_core::packet::FlowId;

use crate::bulk::BulkConfig;
use crate::cc::CongestionController;
use crate::session::{End, Fallback};

/// IP and UDP headers, which datagrams do not take along into the stream.
const IP_UDP: u32 = 28;
/// Header of a TLS 1.3 record, type of its content, authentication tag.
const TLS_RECORD: u32 = 5 + 1 + 16;

/// How datagrams stand in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Two bytes of length (RFC 4571).
    Rfc4571,
    /// ChannelData, padded to four bytes (RFC 8656, section 12.5).
    ChannelData,
    /// The same, each in a record of TLS 1.3.
    ChannelDataTls,
}

impl Framing {
    /// That of a fallback; `None` when there is none.
    #[must_use]
    pub const fn of(fallback: Fallback) -> Option<Self> {
        match fallback {
            Fallback::None => None,
            Fallback::IceTcp => Some(Self::Rfc4571),
            Fallback::TurnTcp => Some(Self::ChannelData),
            Fallback::TurnTls => Some(Self::ChannelDataTls),
        }
    }

    /// Bytes in the stream of a datagram that has `size` bytes over UDP, IP
    /// header included.
    #[must_use]
    pub const fn record(self, size: u32) -> u64 {
        let payload = size.saturating_sub(IP_UDP);
        let record = match self {
            Self::Rfc4571 => 2 + payload,
            Self::ChannelData => 4 + payload.next_multiple_of(4),
            Self::ChannelDataTls => TLS_RECORD + 4 + payload.next_multiple_of(4),
        };
        record as u64
    }

    /// Bytes in the stream of the messages that open the channel, by turns from
    /// the end that opens and the other one: the key exchange of TLS (Chromium's
    /// hello with a post-quantum share; a server's flight with an ECDSA chain),
    /// a request to allocate, its refusal, the request with credentials, the
    /// address. The end of the client's key exchange goes with its first request.
    pub(super) const fn opening(self) -> &'static [u64] {
        match self {
            Self::Rfc4571 => &[],
            Self::ChannelData => &[36, 108, 124, 120],
            Self::ChannelDataTls => &[1_755, 3_600, 80 + 58, 130, 146, 142],
        }
    }
}

/// The parts of one end of a connection.
pub struct TcpConfig {
    /// The flow.
    pub flow: FlowId,
    /// Which end this is; the sender's opens.
    pub end: End,
    /// How datagrams stand in the stream.
    pub framing: Framing,
    /// Bytes that are taken before they are acknowledged.
    pub send_buffer: Bytes,
    /// Decides how fast to send; every connection begins with a copy of it.
    pub controller: Box<dyn CongestionController>,
}

/// Header sizes, delayed acknowledgements and timeouts: those of bulk flows,
/// without pacing.
pub(super) fn wire() -> BulkConfig {
    BulkConfig {
        pacing_gain: 0.0,
        ..BulkConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_lose_their_headers_and_gain_frames() {
        // 1000 B over UDP are 972 B of payload.
        assert_eq!(Framing::Rfc4571.record(1_000), 974);
        assert_eq!(Framing::ChannelData.record(1_000), 976);
        assert_eq!(Framing::ChannelData.record(1_001), 980);
        assert_eq!(Framing::ChannelDataTls.record(1_000), 998);
        assert_eq!(Framing::Rfc4571.record(0), 2);
    }

    #[test]
    fn every_opening_ends_with_an_answer() {
        for (framing, round_trips) in [
            (Framing::Rfc4571, 0),
            (Framing::ChannelData, 2),
            (Framing::ChannelDataTls, 3),
        ] {
            assert_eq!(framing.opening().len(), 2 * round_trips);
        }
    }
}
