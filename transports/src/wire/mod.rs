//! Packets as bytes and back: what a payload of the simulator looks like on the
//! wire.
//!
//! The [`Encoder`] makes a datagram of every packet, the [`Reader`] a payload of
//! every datagram. Captures come from the one; both together carry a flow over a
//! real network. Lengths are bytes, times of the simulator nanoseconds since the
//! start of the run, on the wire those of [`EPOCH`].
//!
//! Every packet becomes an IPv4 datagram with valid checksums whose total length
//! is [`Packet::size`]. RTP and RTCP share a port (RFC 5761), so do connectivity
//! checks, key exchange and data channels (RFC 7983) and streams like QUIC's (RFC
//! 9443). What the simulator does not model (coded media, what streams and
//! messages carry, authentication tags) is made up (see `media`) or zeros.
//!
//! Implements: IPv4 (RFC 791) with ECN bits (RFC 3168), UDP (RFC 768), RTP
//! (RFC 3550) with one-byte header extensions (RFC 8285), RTX (RFC 4588), RED (RFC
//! 2198), repair packets of the flow's FEC scheme, RTCP
//! (RFC 3550, RFC 4585, RFC 5104, RFC 3611, RFC 7005, RFC 8888, transport-wide feedback), STUN (RFC 8489),
//! DTLS records (RFC 6347), SCTP in them (RFC 8261), frames of QUIC (RFC 9000),
//! TCP (RFC 9293) below calls that fall back to it.
//! Differs: everything is readable: nothing is encrypted, SRTCP has its E bit
//! off. RTP in QUIC datagrams looks as it does without QUIC. A packet too small
//! for its own headers, as with `rtp_overhead: none`, is as long as they need.
//! Not modelled: contents of cross traffic and of the link benchmark's segments.

mod crc32;
mod dtls;
mod encoder;
mod ip;
mod media;
mod quic;
mod read;
mod red;
mod rtcp;
mod rtp;
mod sctp;
mod streams;
mod stun;
mod tcp;
mod twcc;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddrV4};

use weaknet_core::Time;
use weaknet_core::packet::{Leg, Packet};

pub use encoder::{Encoder, FlowFormat};
pub use media::filler;
pub use read::{Datagram, FeedbackReader, Reader, StreamReport, WireError};
pub use red::RED_AUDIO;
pub use rtp::{ABS_SEND_TIME, AUDIO_LEVEL, TRANSPORT_SEQ};
pub use streams::{Stream, ssrc};

/// The instant of the wall clock that stands for the start of a run:
/// 2026-01-01T00:00:00Z, in seconds since 1970.
pub const EPOCH: u64 = 1_767_225_600;

/// UDP port of a flow's sender.
pub const SENDER_PORT: u16 = 50_000;

/// UDP port of a flow's receiver.
pub const RECEIVER_PORT: u16 = 50_001;

/// Longest datagram, IP header included.
const MAX_DATAGRAM: usize = 65_535;

/// Where a datagram comes from and goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// Source.
    pub from: SocketAddrV4,
    /// Destination.
    pub to: SocketAddrV4,
}

impl Addresses {
    /// The addresses of a packet: with `high` and `low` byte of its flow's number
    /// the sender has 10.high.low.1:50000 and the receiver 10.high.low.2:50001.
    /// Each further path has the next two addresses, up to the 127th.
    #[must_use]
    pub fn of(packet: &Packet) -> Self {
        let [high, low] = packet.flow.0.to_be_bytes();
        let host = 1 + 2 * packet.path.min(126);
        let end = |host, port| SocketAddrV4::new(Ipv4Addr::new(10, high, low, host), port);
        let (sender, receiver) = (end(host, SENDER_PORT), end(host + 1, RECEIVER_PORT));
        match packet.leg {
            Leg::Outward => Self {
                from: sender,
                to: receiver,
            },
            Leg::Return => Self {
                from: receiver,
                to: sender,
            },
        }
    }
}

/// The logical time of an NTP timestamp, exact for those of [`ntp`].
fn from_ntp(stamp: u64) -> Time {
    const SECOND: u64 = 1_000_000_000;
    let seconds = ((stamp >> 32) as u32).wrapping_sub((ntp(Time::ZERO) >> 32) as u32);
    let fraction = ((stamp & 0xffff_ffff) * SECOND).div_ceil(1 << 32);
    Time::from_nanos(u64::from(seconds) * SECOND + fraction)
}

/// A logical time as an NTP timestamp (RFC 3550, section 4).
const fn ntp(at: Time) -> u64 {
    const SECOND: u64 = 1_000_000_000;
    /// Seconds from 1900 to 1970.
    const UNIX: u64 = 2_208_988_800;
    let seconds = (EPOCH + UNIX + at.as_nanos() / SECOND) & 0xffff_ffff;
    (seconds << 32) | (((at.as_nanos() % SECOND) << 32) / SECOND)
}
