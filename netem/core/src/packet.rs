//! What travels over a link.
//!
//! In the simulator a payload is a plain struct with the fields that the wire
//! format would carry, and `Packet::size` counts the bytes that it would have
//! on the wire, IP and UDP headers included. Sequence numbers and timestamps
//! are kept extended (64 bits); a wire codec truncates and unwraps them.

use crate::tcp::TcpSegment;
use crate::time::Time;

/// A flow of the scenario, by its position in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FlowId(pub u16);

/// A link of the scenario, by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LinkId(pub u16);

/// Which way a packet of a flow goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leg {
    /// From the flow's sender to its receiver.
    Outward,
    /// From the flow's receiver back to its sender.
    Return,
}

/// ECN codepoint of the IP header (RFC 3168, RFC 9331).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Ecn {
    /// Not ECN-capable.
    #[default]
    NotEct,
    /// ECN-capable transport, classic.
    Ect0,
    /// ECN-capable transport, L4S.
    Ect1,
    /// Congestion experienced.
    Ce,
}

/// What a packet is to a firewall: the protocol that its IP header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Protocol {
    /// UDP.
    #[default]
    Udp,
    /// TCP.
    Tcp,
    /// Neither: ICMP and the like.
    Other,
}

/// A packet in the simulator or the live emulator.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    /// Unique within the run.
    pub id: u64,
    /// The flow that it belongs to.
    pub flow: FlowId,
    /// Which way it goes.
    pub leg: Leg,
    /// Which of its flow's paths it takes, from 0; ends with one interface have
    /// only that one.
    pub path: u8,
    /// How many links of its path it has left behind.
    pub hop: u8,
    /// ECN codepoint.
    pub ecn: Ecn,
    /// Whether bits were flipped on the way: the checksum is wrong, and the
    /// other end throws it away unseen.
    pub damaged: bool,
    /// The protocol above IP.
    pub protocol: Protocol,
    /// Bytes on the wire from the IP header on.
    pub size: u32,
    /// When its end put it on the first link.
    pub sent: Time,
    /// What it carries.
    pub payload: Payload,
}

/// What a packet carries.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Payload {
    /// Nothing that anyone looks at.
    Opaque,
    /// An RTP packet.
    Rtp(Rtp),
    /// A repair packet of a forward error correction scheme.
    Repair(Box<RepairPacket>),
    /// An audio packet that carries copies of older ones.
    Audio(Box<RedundantAudio>),
    /// A (possibly compound) RTCP packet.
    Rtcp(Vec<Rtcp>),
    /// Connectivity checks and key exchange.
    Session(SessionMessage),
    /// Bulk data, or what acknowledges it.
    Segment(Segment),
    /// A piece of a byte stream.
    Stream(StreamPiece),
    /// Messages, whole ones.
    Messages(Box<MessagePacket>),
    /// What acknowledges pieces of a byte stream or messages.
    Ack(Ack),
    /// A segment of a TCP connection that carries datagrams.
    Tcp(Box<TcpSegment>),
    /// Real bytes, from the IP header on.
    Bytes(Vec<u8>),
}

impl Payload {
    /// Whether it owns no memory outside itself.
    #[inline]
    const fn is_plain(&self) -> bool {
        matches!(
            self,
            Self::Opaque | Self::Rtp(_) | Self::Session(_) | Self::Segment(_) | Self::Stream(_)
        )
    }
}

/// A packet of a bulk transfer: data, or the acknowledgement of one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The number of the data packet.
    pub number: u64,
    /// In an acknowledgement: when that packet was sent (the timestamps option
    /// of RFC 7323).
    pub echo: Option<Time>,
}

/// A piece of a byte stream in a packet with a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamPiece {
    /// Packet number, ascending, never used again.
    pub number: u64,
    /// Where the piece begins in the stream.
    pub offset: u64,
    /// The sender waits for nothing that is more than so many packets older.
    pub waits_for: u32,
    /// Bytes of the piece.
    pub length: u16,
    /// Whether these bytes were sent before.
    pub again: bool,
    /// Whether a transfer ends with the piece.
    pub last: bool,
}

/// Messages in a packet with a number of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagePacket {
    /// Packet number, ascending, never used again.
    pub number: u64,
    /// The sender waits for nothing that is more than so many packets older.
    pub waits_for: u32,
    /// Messages below this number that have not come never will: their sender
    /// has given them up (FORWARD TSN of RFC 3758).
    pub forget_below: u64,
    /// The messages, newest first.
    pub messages: Vec<Message>,
}

/// A message of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Number among the messages of its flow, from 0.
    pub number: u64,
    /// Its bytes.
    pub size: u16,
    /// Whether it was in an earlier packet already.
    pub again: bool,
    /// When the application gave it to the sender. For observers only.
    pub given: Time,
}

/// An acknowledgement of packets by ranges of their numbers (RFC 9000, section
/// 19.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The highest number that has arrived.
    pub largest: u64,
    /// How many numbers before it have arrived without a gap.
    pub before: u32,
    /// How long ago the highest number arrived, in microseconds.
    pub delay_us: u32,
    /// What most acknowledgements have no need of.
    pub more: Option<Box<AckDetails>>,
}

/// The part of an acknowledgement that is there only when it has something to
/// say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AckDetails {
    /// Further ranges of numbers that have arrived, first and last of each,
    /// from the highest down.
    pub ranges: Vec<(u64, u64)>,
    /// Packets that have arrived so far as ECT(0), ECT(1) and CE.
    pub ecn: [u64; 3],
    /// When the newest packets arrived, in order of arrival, and their
    /// codepoints; empty unless the sender has asked for it.
    pub arrivals: Vec<Arrival>,
}

/// A repair packet: in bytes it would carry a combination of the media packets
/// that it protects.
#[derive(Debug, Clone, PartialEq)]
pub struct RepairPacket {
    /// Its own header.
    pub rtp: Rtp,
    /// Which of the repair packets over the same media packets it is.
    pub symbol: u32,
    /// The media packets that it protects, by ascending sequence number.
    pub protects: Vec<Rtp>,
}

/// An audio packet that carries copies of older ones, in blocks of their own
/// (RFC 2198) or within what the codec makes of the sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedundantAudio {
    /// Its own header; the payload counts all that is in the packet.
    pub rtp: Rtp,
    /// Payload bytes that are there for the copies, with their headers.
    pub redundant: u16,
    /// Whether the payload has the format of RFC 2198, be it without a copy.
    pub red: bool,
    /// The copies, those of a newer packet first.
    pub copies: Vec<AudioCopy>,
}

/// A copy of some sound that was sent in an older packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioCopy {
    /// Extended sequence number of the older packet.
    pub seq: u64,
    /// Its extended RTP timestamp, 48 kHz.
    pub timestamp: u64,
    /// Bytes that the copy takes here, without a header.
    pub size: u16,
    /// 0: the codec's full quality; above: its in-band redundancy (of Opus: LBRR
    /// 1, DRED 2).
    pub codec: u8,
    /// How many packets older the block is that it stands in; 0: the packet's own
    /// sound.
    pub red: u8,
    /// When it was captured. For observers only.
    pub captured: Time,
}

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Media {
    /// An audio stream.
    Audio,
    /// A video stream.
    Video,
}

/// The role of an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RtpKind {
    /// First transmission of media.
    Media,
    /// Retransmission (RFC 4588); `seq` is the original sequence number.
    Rtx,
    /// Repair packet of a forward error correction scheme.
    Fec,
    /// Padding only.
    Padding,
}

/// An RTP packet (RFC 3550) with the header extensions that we model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rtp {
    /// Audio or video.
    pub media: Media,
    /// Role.
    pub kind: RtpKind,
    /// Extended sequence number of the media packet; for a retransmission that
    /// of the original. Of no meaning for padding.
    pub seq: u64,
    /// Extended transport-wide sequence number, unique over all RTP packets of
    /// the flow.
    pub transport_seq: u64,
    /// Extended RTP timestamp in ticks of the stream's clock (video 90 kHz,
    /// audio 48 kHz).
    pub timestamp: u64,
    /// Which frame (of video) or packet (of audio) of the stream, from 0. The
    /// simulcast layers of one moment share a number.
    pub frame: u64,
    /// Position of this packet in its frame, from 0.
    pub part: u16,
    /// Number of packets of the frame; the last one has the marker bit.
    pub parts: u16,
    /// Whether the frame can be decoded without any other.
    pub key: bool,
    /// Payload bytes without RTP header, extensions, OSN and authentication tag.
    pub payload: u16,
    /// What the frame shows and where it stands among the others.
    pub picture: Picture,
    /// When the media was captured. For observers only: no algorithm of the
    /// receiver may read it.
    pub captured: Time,
}

/// What a video frame shows and where it stands among the others: what payload
/// descriptors, frame headers and the extensions for layers tell a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels; 0: not modelled.
    pub width: u16,
    /// Height in pixels; 0: not modelled.
    pub height: u16,
    /// How far back the frame is that it refers to, within its simulcast layer;
    /// of no meaning for a key frame.
    pub reference: u16,
    /// Quantiser index, VP8: 0 to 127; `None`: not modelled.
    pub qp: Option<u8>,
    /// Temporal layer, from 0. Frames refer to their own layer only in layer 0,
    /// else to a lower one.
    pub temporal: u8,
    /// Simulcast layer, from 0, the smallest picture.
    pub simulcast: u8,
    /// Number of simulcast layers that are sent at the moment.
    pub simulcast_layers: u8,
    /// Whether it is of a screen and no camera (the extension
    /// video-content-type).
    pub screen: bool,
}

impl Default for Picture {
    /// A frame without layers that refers to the one before it.
    fn default() -> Self {
        Self {
            width: 0,
            height: 0,
            reference: 1,
            qp: None,
            temporal: 0,
            simulcast: 0,
            simulcast_layers: 1,
            screen: false,
        }
    }
}

impl Picture {
    /// Pixels, if the size is modelled.
    #[must_use]
    pub fn pixels(&self) -> Option<u32> {
        let pixels = u32::from(self.width) * u32::from(self.height);
        (pixels > 0).then_some(pixels)
    }
}

/// One status of a transport-wide feedback report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Extended transport-wide sequence number.
    pub seq: u64,
    /// When it arrived by the receiver's clock, `None` when it has not.
    pub at: Option<Time>,
    /// ECN codepoint on arrival.
    pub ecn: Ecn,
}

/// One RTCP packet of a compound.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Rtcp {
    /// Transport-wide congestion control feedback
    /// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportFeedback {
        /// Statuses by ascending sequence number without holes.
        arrivals: Vec<Arrival>,
    },
    /// Congestion control feedback (RFC 8888), which carries ECN codepoints.
    CongestionFeedback {
        /// Statuses by ascending sequence number without holes.
        arrivals: Vec<Arrival>,
        /// When the report was made (its timestamp), by the receiver's clock.
        made: Time,
    },
    /// Generic NACK (RFC 4585): extended sequence numbers, ascending.
    Nack {
        /// The stream.
        media: Media,
        /// What is missing.
        seqs: Vec<u64>,
    },
    /// Picture loss indication (RFC 4585).
    Pli,
    /// Full intra request (RFC 5104).
    Fir {
        /// Number of the command: one more for a new one, the same for a
        /// repetition.
        seq: u8,
    },
    /// De-jitter buffer metrics (RFC 7005), the part that matters here.
    JitterBuffer {
        /// Nominal delay of the video jitter buffer.
        delay: crate::Span,
    },
    /// Sender report (RFC 3550), the part that matters here.
    SenderReport {
        /// When it was sent (the NTP timestamp).
        ntp: Time,
        /// Answer to the receiver's reference time (DLRR block of RFC 3611):
        /// that time, and how long ago it arrived.
        dlrr: Option<(Time, crate::Span)>,
    },
    /// Receiver report (RFC 3550).
    ReceiverReport {
        /// NTP time of the last sender report that arrived.
        last_sr: Option<Time>,
        /// Time between that arrival and this report.
        delay_since_last_sr: crate::Span,
        /// Packets expected since the previous report.
        expected: u32,
        /// Packets lost since the previous report.
        lost: u32,
        /// Interarrival jitter in ticks of the video clock.
        jitter: u32,
        /// The receiver's own clock (RRTR block of RFC 3611), so that it can
        /// measure round trips too.
        rrtr: Option<Time>,
    },
}

/// Connectivity checks (RFC 8445) and key exchange (RFC 9147 flights).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionMessage {
    /// ICE connectivity check.
    BindingRequest {
        /// Which check.
        transaction: u32,
    },
    /// Its answer.
    BindingResponse {
        /// Which check.
        transaction: u32,
    },
    /// Flight number `flight` of the DTLS handshake, from 1 on.
    Handshake {
        /// Position of the flight in the handshake.
        flight: u8,
        /// Which datagram of the flight, from 0.
        part: u8,
        /// Number of datagrams of the flight.
        parts: u8,
    },
    /// An offer to begin anew, on the way of the signalling.
    Offer {
        /// Which beginning, from 1; that of the call is 0.
        generation: u32,
    },
    /// The answer to an offer.
    Answer {
        /// Which beginning.
        generation: u32,
    },
}

/// What kind of traffic a packet is, for observers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// First transmission of audio.
    Audio,
    /// First transmission of video.
    Video,
    /// Retransmission.
    Rtx,
    /// Forward error correction.
    Fec,
    /// Padding.
    Padding,
    /// Reports and feedback.
    Rtcp,
    /// Connectivity checks and key exchange.
    Session,
    /// Messages, sent for the first time or again.
    Message,
    /// Anything else.
    Other,
}

impl Packet {
    /// What stands in a place without a packet; any packet whose payload owns
    /// nothing may stand there as well.
    pub const VACANT: Self = Self {
        id: 0,
        flow: FlowId(0),
        leg: Leg::Outward,
        path: 0,
        hop: 0,
        ecn: Ecn::NotEct,
        damaged: false,
        protocol: Protocol::Udp,
        size: 0,
        sent: Time::ZERO,
        payload: Payload::Opaque,
    };

    /// Throws the packet away: its place is vacant afterwards.
    #[inline(always)]
    pub fn clear(&mut self) {
        if !self.payload.is_plain() {
            self.payload = Payload::Opaque;
        }
    }

    /// Moves the packet out of its place.
    #[must_use]
    #[inline(always)]
    pub const fn take(&mut self) -> Self {
        std::mem::replace(self, Self::VACANT)
    }

    /// What kind of traffic this is.
    #[must_use]
    #[inline]
    pub fn class(&self) -> Class {
        match &self.payload {
            Payload::Rtp(rtp) => match (rtp.kind, rtp.media) {
                (RtpKind::Media, Media::Audio) => Class::Audio,
                (RtpKind::Media, Media::Video) => Class::Video,
                (RtpKind::Rtx, _) => Class::Rtx,
                (RtpKind::Fec, _) => Class::Fec,
                (RtpKind::Padding, _) => Class::Padding,
            },
            Payload::Repair(_) => Class::Fec,
            Payload::Audio(_) => Class::Audio,
            Payload::Rtcp(_) => Class::Rtcp,
            Payload::Session(_) => Class::Session,
            Payload::Stream(piece) if piece.again => Class::Rtx,
            Payload::Messages(_) => Class::Message,
            Payload::Opaque
            | Payload::Segment(_)
            | Payload::Stream(_)
            | Payload::Ack(_)
            | Payload::Tcp(_)
            | Payload::Bytes(_) => Class::Other,
        }
    }

    /// The part of a packet that observers see.
    #[must_use]
    #[inline]
    pub fn tag(&self) -> Tag {
        Tag {
            id: self.id,
            flow: self.flow,
            leg: self.leg,
            class: self.class(),
            size: self.size,
        }
    }
}

/// The part of a packet that observers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// [`Packet::id`].
    pub id: u64,
    /// [`Packet::flow`].
    pub flow: FlowId,
    /// [`Packet::leg`].
    pub leg: Leg,
    /// [`Packet::class`].
    pub class: Class,
    /// [`Packet::size`].
    pub size: u32,
}
