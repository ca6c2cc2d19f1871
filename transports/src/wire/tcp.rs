//! Segments of the connections that carry a call over TCP, and its signalling.
//!
//! Implements: the TCP header (RFC 9293, section 3.1) with numbers that begin at
//! zero, its checksum, the options of Linux when opening, else timestamps
//! (RFC 7323). Further connections have further ports; signalling goes to
//! port 443.
//! Differs: the stream is zeros; blocks of SACK are padding, because
//! acknowledgements name packets and not bytes; windows are constant; signalling
//! has no numbers.

use weaknet_core::Time;
use weaknet_core::packet::{Leg, Packet, Payload, SessionMessage};
use weaknet_core::tcp::{TcpContent, TcpSegment};

use super::Addresses;
use super::ip::{IP, checksum, pseudo_header, write_ip_header};

const TCP: u8 = 6;
const HEADER: usize = 20;
const TIMESTAMPS: usize = 12;
const SYN_OPTIONS: usize = 20;

const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

const NOP: u8 = 1;
const SIGNALLING_PORT: u16 = 443;

/// What the header says.
struct Fields {
    ports: (u16, u16),
    seq: u64,
    ack: u64,
    flags: u8,
    /// Bytes of the stream behind the header.
    content: usize,
}

impl Fields {
    fn of(packet: &Packet, ends: &Addresses) -> Option<Self> {
        let (from, to) = (ends.from.port(), ends.to.port());
        match &packet.payload {
            Payload::Tcp(segment) => Some(Self::of_segment(segment, (from, to))),
            Payload::Session(SessionMessage::Offer { .. } | SessionMessage::Answer { .. }) => {
                let ports = match packet.leg {
                    Leg::Outward => (from, SIGNALLING_PORT),
                    Leg::Return => (SIGNALLING_PORT, to),
                };
                Some(Self {
                    ports,
                    seq: 1,
                    ack: 1,
                    flags: PSH | ACK,
                    content: usize::MAX,
                })
            }
            _ => None,
        }
    }

    fn of_segment(segment: &TcpSegment, (from, to): (u16, u16)) -> Self {
        let further = 2 * (segment.connection.saturating_sub(1) % 1_000) as u16;
        // The first byte of the stream has number 1.
        let (seq, ack) = (segment.sent + 1, segment.received + 1);
        let (seq, ack, flags, content) = match &segment.content {
            TcpContent::Syn => (0, 0, SYN, 0),
            TcpContent::SynAck => (0, 1, SYN | ACK, 0),
            TcpContent::Opened | TcpContent::Ack(_) => (seq, ack, ACK, 0),
            TcpContent::Data(piece, _) => (seq, ack, PSH | ACK, usize::from(piece.length)),
        };
        Self {
            ports: (from.saturating_add(further), to.saturating_add(further)),
            seq,
            ack,
            flags,
            content,
        }
    }
}

/// Replaces `out` by the datagram when it is one over TCP; whether it is.
pub(super) fn write(packet: &Packet, ends: &Addresses, size: usize, out: &mut Vec<u8>) -> bool {
    let Some(fields) = Fields::of(packet, ends) else {
        return false;
    };
    let total = size.max(IP + HEADER + SYN_OPTIONS.max(TIMESTAMPS));
    out.clear();
    out.resize(total, 0);
    let Some((header, tcp)) = out.split_first_chunk_mut::<IP>() else {
        return true;
    };
    let length = u16::try_from(total).unwrap_or(u16::MAX);
    write_ip_header(packet, ends, TCP, length, header);
    // What is not content is header, up to its largest.
    let options = tcp
        .len()
        .saturating_sub(fields.content.saturating_add(HEADER));
    let options = options.clamp(TIMESTAMPS, 40) & !3;
    tcp[0..2].copy_from_slice(&fields.ports.0.to_be_bytes());
    tcp[2..4].copy_from_slice(&fields.ports.1.to_be_bytes());
    tcp[4..8].copy_from_slice(&(fields.seq as u32).to_be_bytes());
    tcp[8..12].copy_from_slice(&(fields.ack as u32).to_be_bytes());
    tcp[12] = (((HEADER + options) / 4) as u8) << 4;
    tcp[13] = fields.flags;
    tcp[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
    let place = &mut tcp[HEADER..HEADER + options];
    place.fill(NOP);
    if fields.flags & SYN != 0 {
        place[..SYN_OPTIONS].copy_from_slice(&syn_options(packet.sent));
    } else {
        place[2..TIMESTAMPS].copy_from_slice(&timestamps(packet.sent));
    }
    let segment = length.saturating_sub(IP as u16);
    let sum = checksum(pseudo_header(TCP, header, segment), tcp) ^ u16::from(packet.damaged);
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    true
}

/// Milliseconds since the start of the run, and no echo.
fn timestamps(sent: Time) -> [u8; 10] {
    let mut option = [0; 10];
    (option[0], option[1]) = (8, 10);
    let millis = (sent.as_nanos() / 1_000_000) as u32;
    option[2..6].copy_from_slice(&millis.to_be_bytes());
    option
}

/// Largest segment, SACK permitted, timestamps, window scale.
fn syn_options(sent: Time) -> [u8; SYN_OPTIONS] {
    const LARGEST: u16 = 1_460;
    let mut options = [NOP; SYN_OPTIONS];
    (options[0], options[1]) = (2, 4);
    options[2..4].copy_from_slice(&LARGEST.to_be_bytes());
    (options[4], options[5]) = (4, 2);
    options[6..16].copy_from_slice(&timestamps(sent));
    options[17..20].copy_from_slice(&[3, 3, 7]);
    options
}

#[cfg(test)]
mod tests {
    use weaknet_core::packet::{Ecn, FlowId, Protocol, StreamPiece};

    use super::*;

    fn bytes(content: TcpContent, size: u32) -> Vec<u8> {
        let segment = TcpSegment {
            connection: 1,
            received: 99,
            sent: 1_000,
            content,
        };
        datagram(Payload::Tcp(Box::new(segment)), size)
    }

    fn datagram(payload: Payload, size: u32) -> Vec<u8> {
        let packet = Packet {
            id: 1,
            flow: FlowId(0),
            leg: Leg::Outward,
            path: 0,
            hop: 0,
            ecn: Ecn::NotEct,
            damaged: false,
            protocol: Protocol::Tcp,
            size,
            sent: Time::from_millis(7),
            payload,
        };
        let mut out = Vec::new();
        super::super::Encoder::default().encode(&packet, &Addresses::of(&packet), &mut out);
        out
    }

    #[test]
    fn signalling_is_all_content_behind_the_timestamps() {
        let offer = SessionMessage::Offer { generation: 2 };
        let offer = datagram(Payload::Session(offer), 900);
        assert_eq!((offer.len(), offer[9]), (900, 6));
        assert_eq!((offer[32], offer[33]), (0x80, 0x18));
    }

    #[test]
    fn segments_have_numbers_lengths_and_right_checksums() {
        let piece = StreamPiece {
            number: 3,
            offset: 1_000,
            waits_for: 0,
            length: 448,
            again: false,
            last: false,
        };
        let data = bytes(TcpContent::Data(piece, Vec::new()), 500);
        assert_eq!((data.len(), data[9]), (500, 6));
        assert_eq!(data[24..32], [0, 0, 3, 233, 0, 0, 0, 100]);
        // 32 B of header; PSH and ACK.
        assert_eq!((data[32], data[33]), (0x80, 0x18));
        let syn = bytes(TcpContent::Syn, 60);
        assert_eq!((syn.len(), syn[32], syn[33]), (60, 0xa0, 0x02));
        for datagram in [data, syn] {
            let header = datagram.first_chunk::<IP>().unwrap();
            let length = (datagram.len() - IP) as u16;
            let whole = checksum(pseudo_header(TCP, header, length), &datagram[IP..]);
            assert_eq!((checksum(0, header), whole), (0, 0));
        }
    }
}
