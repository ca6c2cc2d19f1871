//! Packets as bytes, with the memory that takes.
//!
//! The encoder is told every packet of a run in the order in which packets reach
//! the links. The first time that it sees a packet it settles what the packet's
//! struct does not say; whenever it sees the same packet again, on another link
//! or at the far end of this one, it writes the same bytes.
//!
//! Implements: sequence numbers of their own, from 0, for RTX (with padding) and
//! for repair packets; packet and octet counts of sender reports, highest
//! sequence number and cumulative loss of receiver reports (RFC 3550, section
//! 6.4); feedback packet counts; repair payloads made by the flow's FEC code out
//! of the media packets that were sent, from the RTP header to the end of the
//! payload.
//! Differs: a receiver report of the simulator counts audio and video together,
//! so its highest sequence number is the number of packets expected less one.
//! With ULPFEC the header byte of RED belongs to what is protected.
//! Not modelled: what has left the memory (repair packets and reports after 1024
//! newer ones, other packets after 16,384): repair payloads are zeros then, and
//! numbers the transport-wide ones.

use std::collections::{BTreeMap, VecDeque};

use weaknet_core::packet::{
    FlowId, Leg, Media, Packet, Payload, RedundantAudio, RepairPacket, Rtcp, Rtp, RtpKind,
};

use super::rtp::Contents;
use super::streams::Stream;
use super::{Addresses, MAX_DATAGRAM, dtls, ip, quic, red, rtcp, rtp, sctp, stun, tcp};
use crate::fec::{FecCodec, Repair};
use crate::rtp::Overhead;

/// Packets of a flow whose numbers are remembered.
const NUMBERS: usize = 1 << 14;
/// Media packets kept for repair, as senders do; repair packets and reports kept.
const MEMORY: usize = 1_024;

/// What the packets of a flow have in common.
#[derive(Default)]
pub struct FlowFormat {
    /// Header sizes; the authentication tag is the part that matters.
    pub overhead: Overhead,
    /// The flow's FEC code; without one repair payloads are zeros.
    pub fec: Option<Box<dyn FecCodec>>,
    /// Whether acknowledgements are those of messages (SCTP) or QUIC's.
    pub messages: bool,
}

/// Makes datagrams of packets.
#[derive(Default)]
pub struct Encoder {
    flows: BTreeMap<FlowId, Flow>,
}

impl Encoder {
    /// Says what a flow's packets look like; without that it has browser headers
    /// and no FEC code.
    pub fn set_format(&mut self, flow: FlowId, format: FlowFormat) {
        self.flows.entry(flow).or_default().format = format;
    }

    /// Replaces the content of `out` by the packet's bytes, from the IP header on.
    ///
    /// The result has exactly [`Packet::size`] bytes unless that is less than its
    /// headers or reports take, or more than an IPv4 datagram can have. A damaged
    /// packet has a wrong UDP checksum.
    /// [`Payload::Bytes`] is taken as it is.
    pub fn encode(&mut self, packet: &Packet, ends: &Addresses, out: &mut Vec<u8>) {
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
        let flow = self.flows.entry(packet.flow).or_default();
        match &packet.payload {
            Payload::Rtp(rtp) => flow.rtp(packet, rtp, Extra::default(), size, out),
            Payload::Audio(audio) => {
                let extra = Extra {
                    red: Some(&**audio).filter(|audio| red::fits(audio)),
                    ..Extra::default()
                };
                flow.rtp(packet, &audio.rtp, extra, size, out);
            }
            Payload::Repair(repair) => {
                let rtp = Rtp {
                    kind: RtpKind::Fec,
                    ..repair.rtp
                };
                let extra = Extra {
                    repair: Some(repair),
                    ..Extra::default()
                };
                flow.rtp(packet, &rtp, extra, size, out);
            }
            Payload::Rtcp(compound) => {
                let counts = flow.report(packet, compound);
                rtcp::write(packet, compound, &counts, size, out);
            }
            Payload::Session(message) => match dtls::position(message) {
                Some(position) => dtls::write(packet.id, position, size, out),
                None => stun::write(packet, message, ends, size, out),
            },
            Payload::Stream(piece) => quic::write_stream(packet, piece, out),
            Payload::Messages(messages) => sctp::write_messages(packet, messages, size, out),
            Payload::Ack(ack) if flow.format.messages => sctp::write_ack(packet, ack, size, out),
            Payload::Ack(ack) => quic::write_ack(packet, ack, out),
            // Nothing that anyone looks at.
            _ => {}
        }
        if out.len() < size {
            out.resize(size, 0);
        }
        out.truncate(MAX_DATAGRAM);
        ip::write_headers(packet, ends, out);
    }
}

/// What some RTP packets have besides their header.
#[derive(Debug, Clone, Copy, Default)]
struct Extra<'a> {
    repair: Option<&'a RepairPacket>,
    /// Audio in the format of RFC 2198.
    red: Option<&'a RedundantAudio>,
}

/// What reports count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    /// Video packets sent.
    pub(super) packets: u32,
    /// Their payload bytes.
    pub(super) octets: u32,
    /// Packets expected by earlier receiver reports.
    pub(super) expected: u32,
    /// Packets lost by earlier receiver reports.
    pub(super) lost: u32,
    /// Transport-wide feedback packets made earlier.
    pub(super) feedback: u8,
}

/// The memory of a flow.
#[derive(Default)]
struct Flow {
    format: FlowFormat,
    numbers: Numbers,
    counts: Counts,
    /// Of reports, by packet id: outward, return.
    reports: [VecDeque<(u64, Counts)>; 2],
    /// Media packets by sequence number, from the RTP header to the payload's end.
    sources: BTreeMap<u64, Vec<u8>>,
    /// Repair payloads by transport-wide sequence number, ascending.
    repairs: VecDeque<(u64, Vec<u8>)>,
}

impl Flow {
    fn rtp(
        &mut self,
        packet: &Packet,
        rtp: &Rtp,
        extra: Extra<'_>,
        size: usize,
        out: &mut Vec<u8>,
    ) {
        let Extra { repair, red } = extra;
        let (seq, is_new) = self.numbers.of(rtp);
        if let Some(repair) = repair
            && is_new
        {
            self.make_repair(rtp.transport_seq, repair);
        }
        let tag = self.format.overhead.srtp as usize;
        let contents = Contents {
            seq,
            tag,
            repair: repair.map_or(&[], |_| self.repair(rtp.transport_seq)),
            red,
        };
        rtp::write(packet, rtp, &contents, size, out);
        if is_new && rtp.kind == RtpKind::Media && rtp.media == Media::Video {
            self.counts.packets = self.counts.packets.wrapping_add(1);
            self.counts.octets = self.counts.octets.wrapping_add(u32::from(rtp.payload));
            if self.format.fec.is_some() {
                let end = out.len().min(size.saturating_sub(tag));
                self.keep(rtp.seq, out.get(ip::HEADERS..end).unwrap_or(&[]));
            }
        }
    }

    /// Keeps a media packet for repair packets to come.
    fn keep(&mut self, seq: u64, packet: &[u8]) {
        let mut place = Vec::new();
        if self.sources.len() >= MEMORY
            && let Some((_, old)) = self.sources.pop_first()
        {
            place = old;
        }
        place.clear();
        place.extend_from_slice(packet);
        self.sources.insert(seq, place);
    }

    fn make_repair(&mut self, number: u64, repair: &RepairPacket) {
        let Some(codec) = &self.format.fec else {
            return;
        };
        let repair = Repair {
            protects: repair.protects.iter().map(|rtp| rtp.seq).collect(),
            symbol: repair.symbol,
            payload: repair.rtp.payload,
        };
        if let Some(payload) = codec.encode(&repair, &self.sources) {
            if self.repairs.len() >= MEMORY {
                self.repairs.pop_front();
            }
            let at = self.repairs.partition_point(|(known, _)| *known < number);
            self.repairs.insert(at, (number, payload));
        }
    }

    fn repair(&self, number: u64) -> &[u8] {
        let found = self
            .repairs
            .binary_search_by_key(&number, |(known, _)| *known);
        let found = found.ok().and_then(|at| self.repairs.get(at));
        found.map_or(&[], |(_, payload)| payload)
    }

    /// What was counted before this report.
    fn report(&mut self, packet: &Packet, compound: &[Rtcp]) -> Counts {
        let counts = self.counts;
        let reports = &mut self.reports[usize::from(packet.leg == Leg::Return)];
        match reports.binary_search_by_key(&packet.id, |(id, _)| *id) {
            Ok(at) => return reports.get(at).map_or(counts, |(_, known)| *known),
            Err(at) => reports.insert(at, (packet.id, counts)),
        }
        if reports.len() > MEMORY {
            reports.pop_front();
        }
        for rtcp in compound {
            match rtcp {
                Rtcp::ReceiverReport { expected, lost, .. } => {
                    self.counts.expected = self.counts.expected.wrapping_add(*expected);
                    self.counts.lost = self.counts.lost.saturating_add(*lost);
                }
                Rtcp::TransportFeedback { .. } => {
                    self.counts.feedback = self.counts.feedback.wrapping_add(1);
                }
                _ => {}
            }
        }
        counts
    }
}

/// Numbers of packets within their streams, by transport-wide number.
#[derive(Debug, Default)]
struct Numbers {
    /// The transport-wide number of the first one known.
    base: u64,
    known: VecDeque<Option<u16>>,
    /// The next one of each stream that has numbers of its own.
    next: BTreeMap<Stream, u16>,
}

impl Numbers {
    /// The number of a packet, and whether it is seen for the first time.
    fn of(&mut self, rtp: &Rtp) -> (u16, bool) {
        let number = rtp.transport_seq;
        let Some(mut at) = number.checked_sub(self.base) else {
            return (own(rtp, || number as u16), false);
        };
        if at >= self.known.len() as u64 + NUMBERS as u64 {
            self.known.clear();
            (self.base, at) = (number, 0);
        }
        let at = at as usize;
        while self.known.len() <= at {
            self.known.push_back(None);
        }
        let (found, is_new) = match self.known.get(at) {
            Some(Some(known)) => (*known, false),
            _ => {
                let next = &mut self.next;
                let fresh = || {
                    let next = next.entry(Stream::of(rtp)).or_default();
                    let found = *next;
                    *next = next.wrapping_add(1);
                    found
                };
                (own(rtp, fresh), true)
            }
        };
        if let Some(place) = self.known.get_mut(at) {
            *place = Some(found);
        }
        while self.known.len() > NUMBERS {
            self.known.pop_front();
            self.base += 1;
        }
        (found, is_new)
    }
}

/// The number on the wire: that of the media, else of the packet's own stream.
fn own(rtp: &Rtp, stream: impl FnOnce() -> u16) -> u16 {
    match rtp.kind {
        RtpKind::Media => rtp.seq as u16,
        RtpKind::Rtx | RtpKind::Fec | RtpKind::Padding => stream(),
    }
}
