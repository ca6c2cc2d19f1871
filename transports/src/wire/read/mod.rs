//! Bytes read back into the payloads that the simulator's endpoints take.
//!
//! Implements: the formats of the modules beside this one, and what tells them
//! apart on one port: the first byte (RFC 7983, RFC 9443), for RTP and RTCP the
//! second (RFC 5761, section 4). Numbers and times are unwrapped to the nearest
//! of those before, the first ones to the nearest of 0. RTP headers and the
//! RTCP packets of RFC 3550, RFC 3611, RFC 4585 and RFC 5104 are taken apart by
//! `rtp-types` and `rtcp-types`.
//! Differs: what the wire does not carry has the value that says least: frame
//! and picture of repair packets, everything but the number of the packets that
//! they protect, whether messages were sent before and when they were given. The
//! time of capture is that of the RTP timestamp.

mod feedback;
mod rtcp;
mod rtp;

#[cfg(test)]
mod strategies;
#[cfg(test)]
mod tests;

use weaknet_core::packet::{Ecn, Payload};

use super::quic::{Frame, QuicReader};
use super::sctp::{self, MessageReader, Record};
use super::{Addresses, FlowFormat, dtls, ip, stun};

pub use feedback::{FeedbackReader, StreamReport};

/// Why bytes cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A header or body ends too early, or says a length that there is not.
    #[error("expected more bytes than there are")]
    Short,
    /// Another version of the protocol.
    #[error("expected IPv4 without options, DTLS 1.2, RTP or RTCP version 2")]
    Version,
    /// A symbol that has no meaning.
    #[error("expected no reserved packet status")]
    Symbol,
    /// No packet of a kind that is known.
    #[error("expected a kind of packet that flows send")]
    Kind,
    /// Fields that contradict each other.
    #[error("expected lengths and numbers that agree")]
    Length,
    /// A checksum that is wrong.
    #[error("expected another checksum")]
    Checksum,
    /// A packet without its transport-wide sequence number.
    #[error("expected the transport-wide sequence number as a header extension")]
    Extension,
}

/// An IPv4 datagram with UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Where it comes from and goes to.
    pub ends: Addresses,
    /// Identification: the low half of the packet's id.
    pub id: u16,
    /// Time to live, 64 less the links left behind.
    pub ttl: u8,
    /// ECN codepoint.
    pub ecn: Ecn,
    /// What is behind the UDP header.
    pub payload: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Takes the headers off and checks lengths and checksums.
    ///
    /// # Errors
    /// When it is no such datagram or was damaged.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        ip::read(bytes)
    }
}

/// Reads what one end of a flow sends, in order of arrival.
#[derive(Default)]
pub struct Reader {
    format: FlowFormat,
    rtp: rtp::RtpReader,
    rtcp: rtcp::RtcpReader,
    quic: QuicReader,
    messages: MessageReader,
}

impl Reader {
    /// A reader of a flow whose packets look like this.
    #[must_use]
    pub fn new(format: FlowFormat) -> Self {
        Self {
            format,
            ..Self::default()
        }
    }

    /// Reads the payload of a UDP datagram.
    ///
    /// # Errors
    /// When the bytes do not follow any format. Nothing of such a datagram counts,
    /// but numbers that it named may have been unwrapped.
    pub fn read(&mut self, payload: &[u8]) -> Result<Payload, WireError> {
        let (first, second) = match payload {
            [] => return Err(WireError::Short),
            [first] => (*first, 0),
            [first, second, ..] => (*first, *second),
        };
        match first {
            0..=3 => stun::read(payload).map(Payload::Session),
            dtls::HANDSHAKE => dtls::read(payload).map(Payload::Session),
            sctp::APPLICATION_DATA => Ok(match self.messages.read(payload)? {
                Record::Messages(messages) => Payload::Messages(Box::new(messages)),
                Record::Ack(ack) => Payload::Ack(ack),
            }),
            _ if QuicReader::knows(payload) => Ok(match self.quic.read(payload)? {
                Frame::Stream(piece) => Payload::Stream(piece),
                Frame::Ack(ack) => Payload::Ack(ack),
            }),
            128..=191 if (192..=223).contains(&second) => {
                let overhead = &self.format.overhead;
                self.rtcp.read(payload, overhead).map(Payload::Rtcp)
            }
            128..=191 => self.rtp.read(payload, &self.format),
            _ => Err(WireError::Kind),
        }
    }
}

/// What is left to read.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, WireError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_be_bytes)
    }
}
