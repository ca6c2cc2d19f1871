//! Packets as bytes: what a payload of the simulator looks like on the wire, and
//! feedback read back from there.
//!
//! Every packet becomes an IPv4 datagram with valid checksums whose total length
//! is [`Packet::size`]. RTP and RTCP share a port (RFC 5761), so do connectivity
//! checks and key exchange (RFC 7983). What the simulator does not model (coded
//! media, codec and RED headers, authentication tags) is zeros of the right
//! length.
//!
//! Implements: IPv4 (RFC 791) with ECN bits (RFC 3168), UDP (RFC 768), RTP
//! (RFC 3550) with one-byte header extensions (RFC 8285), RTX (RFC 4588), RTCP
//! (RFC 3550, RFC 4585, RFC 3611, RFC 8888, transport-wide feedback), STUN (RFC 8489),
//! DTLS records (RFC 6347), TCP (RFC 9293) below calls that fall back to it.
//! Differs: everything is readable: media and reports are not encrypted, SRTCP
//! has its E bit off. A packet is encoded without memory of others, so streams
//! that have no numbers of their own in the simulator (RTX, padding, repair) use
//! the transport-wide ones, and counters in reports that no payload carries are
//! zero (see each format). A packet too small for its own headers, as with
//! `rtp_overhead: none`, is as long as they need.

mod crc32;
mod dtls;
mod ip;
mod read;
mod rtcp;
mod rtp;
mod streams;
mod stun;
mod tcp;
mod twcc;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddrV4};

use weaknet_core::Time;
use weaknet_core::packet::{Leg, Packet, Payload, Rtp, RtpKind};

pub use read::{BadFeedback, FeedbackReader, StreamReport};
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

/// Replaces the content of `out` by the packet's bytes, from the IP header on.
///
/// The result has exactly [`Packet::size`] bytes unless that is less than its
/// headers or reports take, or more than an IPv4 datagram can have. A damaged
/// packet has a wrong UDP checksum.
/// [`Payload::Bytes`] is taken as it is.
pub fn encode(packet: &Packet, ends: &Addresses, out: &mut Vec<u8>) {
    out.clear();
    if let Payload::Bytes(bytes) = &packet.payload
        && !bytes.is_empty()
    {
        out.extend_from_slice(bytes);
        return;
    }
    out.resize(ip::HEADERS, 0);
    let size = (packet.size as usize).clamp(ip::HEADERS, MAX_DATAGRAM);
    if tcp::write(packet, ends, size, out) {
        return;
    }
    match &packet.payload {
        Payload::Rtp(rtp) => rtp::write(packet, rtp, size, out),
        Payload::Repair(repair) => {
            let rtp = Rtp {
                kind: RtpKind::Fec,
                ..repair.rtp
            };
            rtp::write(packet, &rtp, size, out);
        }
        Payload::Rtcp(compound) => rtcp::write(packet, compound, size, out),
        Payload::Session(message) => match dtls::position(message) {
            Some(position) => dtls::write(packet.id, position, size, out),
            None => stun::write(packet, message, ends, size, out),
        },
        // Whatever a later version adds has at least its length.
        _ => {}
    }
    if out.len() < size {
        out.resize(size, 0);
    }
    out.truncate(MAX_DATAGRAM);
    ip::write_headers(packet, ends, out);
}

/// A logical time as an NTP timestamp (RFC 3550, section 4).
const fn ntp(at: Time) -> u64 {
    const SECOND: u64 = 1_000_000_000;
    /// Seconds from 1900 to 1970.
    const UNIX: u64 = 2_208_988_800;
    let seconds = (EPOCH + UNIX + at.as_nanos() / SECOND) & 0xffff_ffff;
    (seconds << 32) | (((at.as_nanos() % SECOND) << 32) / SECOND)
}
