//! Bytes against published examples, lengths against what the simulator charges.

use weaknet_core::packet::{
    Arrival, Ecn, FlowId, Leg, Media, Packet, Payload, Protocol, RepairPacket, Rtcp, Rtp, RtpKind,
    SessionMessage,
};
use weaknet_core::{Span, Time};

use super::ip::checksum;
use super::*;
use crate::rtp::{Overhead, rtcp_size};

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

fn packet(payload: Payload, leg: Leg, size: u32) -> Packet {
    Packet {
        id: 0x0005_0000_0000_1234,
        flow: FlowId(0x0102),
        leg,
        path: 0,
        hop: 2,
        ecn: Ecn::Ect1,
        damaged: false,
        protocol: Protocol::Udp,
        size,
        sent: Time::from_millis(37_500),
        payload,
    }
}

pub(super) fn bytes(packet: &Packet) -> Vec<u8> {
    let mut out = vec![0xff; 3];
    Encoder::default().encode(packet, &Addresses::of(packet), &mut out);
    out
}

fn rtp(media: Media, kind: RtpKind) -> Rtp {
    Rtp {
        media,
        kind,
        seq: 0x0009_1234,
        transport_seq: 0x0003_fffe,
        timestamp: 0x0007_0000_0780,
        frame: 4,
        part: 1,
        parts: 2,
        key: false,
        payload: 300,
        picture: weaknet_core::packet::Picture::default(),
        captured: Time::ZERO,
    }
}

pub(super) fn sized(rtp: Rtp) -> Packet {
    let size = Overhead::WEBRTC.size_of(&rtp);
    packet(Payload::Rtp(rtp), Leg::Outward, size)
}

pub(super) fn compound(reports: Vec<Rtcp>, leg: Leg) -> Packet {
    let size = rtcp_size(&reports, &Overhead::WEBRTC);
    packet(Payload::Rtcp(reports), leg, size)
}

/// A datagram's UDP payload, after checking both headers.
#[track_caller]
pub(super) fn udp(datagram: &[u8]) -> &[u8] {
    assert_eq!(checksum(0, &datagram[..20]), 0, "header checksum");
    assert_eq!(be16(datagram, 2), datagram.len(), "total length");
    assert_eq!(be16(datagram, 24), datagram.len() - 20, "UDP length");
    // Over addresses, protocol, length, header and payload.
    let mut pseudo = datagram[12..20].to_vec();
    pseudo.extend_from_slice(&[0, 17, datagram[24], datagram[25]]);
    pseudo.extend_from_slice(&datagram[20..]);
    assert_eq!(checksum(0, &pseudo), 0, "UDP checksum");
    &datagram[28..]
}

pub(super) fn be16(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
}

#[test]
fn headers_say_what_the_packet_is() {
    let datagram = bytes(&packet(Payload::Opaque, Leg::Return, 44));
    let expected = "45 01 00 2c 12 34 40 00 3e 11 12 88 0a 01 02 02 0a 01 02 01 c3 51 c3 50 00 18";
    assert_eq!(datagram[..26], hex(expected));
    assert_eq!(udp(&datagram), [0; 16]);
}

#[test]
fn paths_have_addresses_of_their_own() {
    let mut packet = packet(Payload::Opaque, Leg::Outward, 44);
    packet.path = 1;
    assert_eq!(bytes(&packet)[12..20], [10, 1, 2, 3, 10, 1, 2, 4]);
    packet.path = 255;
    assert_eq!(bytes(&packet)[12..20], [10, 1, 2, 253, 10, 1, 2, 254]);
}

#[test]
fn the_checksum_of_a_damaged_packet_is_wrong() {
    let mut packet = sized(rtp(Media::Video, RtpKind::Media));
    let whole = bytes(&packet);
    packet.damaged = true;
    let damaged = bytes(&packet);
    let differs: Vec<_> = (0..whole.len())
        .filter(|&i| whole[i] != damaged[i])
        .collect();
    assert_eq!(differs, [27]);
}

#[test]
fn audio_carries_time_number_and_level() {
    let datagram = bytes(&sized(rtp(Media::Audio, RtpKind::Media)));
    // 37.5 s are 960000 in units of abs-send-time.
    let head = "90 6f 12 34 00 00 07 80 57 01 02 6f be de 00 03 \
                22 96 00 00 31 ff fe 10 9e 00 00 00";
    assert_eq!(udp(&datagram)[..28], hex(head));
    // The same eight bytes over and over, then the room of the tag.
    let (body, tag) = udp(&datagram)[28..].split_at(300);
    assert!(
        body.chunks(8)
            .all(|word| word == &filler(0x5701_026f, 0x1234)[..word.len()])
    );
    assert_eq!(tag, [0; 10]);
    assert_eq!(datagram.len(), 28 + 12 + 16 + 300 + 10);
}

#[test]
fn a_retransmission_names_the_original() {
    let datagram = bytes(&sized(rtp(Media::Video, RtpKind::Rtx)));
    // The marker: part 1 is the last of 2.
    let head = "90 e1 00 00 00 00 07 80 57 01 02 61 be de 00 02 22 96 00 00 31 ff fe 00 12 34 00";
    assert_eq!(udp(&datagram)[..27], hex(head));
    assert_eq!(datagram.len(), 66 + 2 + 300);
}

#[test]
fn padding_ends_with_its_count() {
    let padding = Rtp {
        payload: 255,
        captured: Time::from_millis(10),
        ..rtp(Media::Video, RtpKind::Padding)
    };
    let datagram = bytes(&sized(padding));
    let payload = udp(&datagram);
    assert_eq!((payload[0], payload[1]), (0xb0, 97));
    assert_eq!((payload.len(), payload.last()), (289, Some(&255)));
    // Without room for anything the packet grows.
    let bare = bytes(&packet(Payload::Rtp(padding), Leg::Outward, 1));
    let expected = "a0 61 00 00 00 00 03 84 57 01 02 61 01";
    assert_eq!(udp(&bare), hex(expected));
}

#[test]
fn repair_has_a_stream_of_its_own() {
    let repair = rtp(Media::Video, RtpKind::Fec);
    let size = Overhead::WEBRTC.size_of(&repair);
    let payload = Payload::Repair(Box::new(RepairPacket {
        rtp: repair,
        symbol: 0,
        protects: vec![],
    }));
    let datagram = bytes(&packet(payload, Leg::Outward, size));
    let head = "90 62 00 00 00 00 07 80 57 01 02 62";
    assert_eq!(udp(&datagram)[..12], hex(head));
    assert_eq!(datagram.len() as u32, size);
}

#[test]
fn nack_packs_numbers_into_masks() {
    let seqs = [100, 101, 103, 116, 117, 120].map(|seq| seq + 0x5_0000);
    let nack = Rtcp::Nack {
        media: Media::Video,
        seqs: seqs.to_vec(),
    };
    let datagram = bytes(&compound(vec![nack], Leg::Return));
    // The report, the SRTCP index without E bit, the room of the tag.
    let expected = "81 cd 00 04 57 01 02 00 57 01 02 60 00 64 80 05 00 75 00 04 \
                    00 00 12 34 00 00 00 00 00 00 00 00 00 00";
    assert_eq!(udp(&datagram), hex(expected));
}

#[test]
fn pli_is_a_bare_header() {
    let datagram = bytes(&compound(vec![Rtcp::Pli], Leg::Return));
    let expected = "81 ce 00 02 57 01 02 00 57 01 02 60";
    assert_eq!(udp(&datagram)[..12], hex(expected));
    assert_eq!(datagram.len(), 54);
}

#[test]
fn a_full_intra_request_names_its_target_in_its_entry() {
    let datagram = bytes(&compound(vec![Rtcp::Fir { seq: 7 }], Leg::Return));
    let expected = "84 ce 00 04 57 01 02 00 00 00 00 00 57 01 02 60 07 00 00 00";
    assert_eq!(udp(&datagram)[..20], hex(expected));
    assert_eq!(datagram.len(), 62);
}

#[test]
fn a_jitter_buffer_tells_its_delay() {
    let delay = Span::from_micros(80_900);
    let datagram = bytes(&compound(vec![Rtcp::JitterBuffer { delay }], Leg::Return));
    // Extended report; block 23, sampled and adaptive; 80 ms four times.
    let expected = "80 cf 00 05 57 01 02 00 17 60 00 03 57 01 02 60 \
                    00 50 00 50 00 50 00 50";
    assert_eq!(udp(&datagram)[..24], hex(expected));
    assert_eq!(datagram.len(), 66);
}

#[test]
fn reports_carry_times() {
    let report = Rtcp::ReceiverReport {
        last_sr: Some(Time::from_millis(37_500)),
        delay_since_last_sr: Span::from_millis(250),
        expected: 100,
        lost: 25,
        jitter: 30,
        rrtr: Some(Time::from_millis(500)),
    };
    let datagram = bytes(&compound(vec![report.clone(), report], Leg::Return));
    // 2026 begins ed003780 seconds after 1900.
    // Losses and numbers add up from block to block.
    let block =
        |counts| format!("57 01 02 60 40 00 00 {counts} 00 00 00 1e 37 a5 80 00 00 00 40 00");
    let (first, second) = (block("19 00 00 00 63"), block("32 00 00 00 c7"));
    let expected = format!(
        "82 c9 00 0d 57 01 02 00 {first} {second} \
         80 cf 00 04 57 01 02 00 04 00 00 02 ed 00 37 80 80 00 00 00"
    );
    let payload = udp(&datagram);
    assert_eq!(payload[..76], hex(&expected));
    assert_eq!(payload.len(), 76 + 14);

    let report = Rtcp::SenderReport {
        ntp: Time::from_millis(1_500),
        dlrr: Some((Time::from_millis(500), Span::from_millis(500))),
    };
    let datagram = bytes(&compound(vec![report], Leg::Outward));
    let expected = "80 c8 00 06 57 01 02 60 ed 00 37 81 80 00 00 00 00 02 0f 58 00 00 00 00 \
                    00 00 00 00 \
                    81 ca 00 06 57 01 02 60 01 10 66 6c 6f 77 30 30 32 35 38 40 73 65 6e 64 \
                    65 72 00 00 \
                    80 cf 00 05 57 01 02 60 05 00 00 03 57 01 02 00 37 80 80 00 00 00 80 00";
    let payload = udp(&datagram);
    assert_eq!(payload[..80], hex(expected));
    assert_eq!(payload.len(), 80 + 14);
}

pub(super) fn feedback(first: u64, at_us: &[Option<u64>]) -> Rtcp {
    let arrival = |(seq, at): (u64, &Option<u64>)| Arrival {
        seq,
        at: at.map(Time::from_micros),
        ecn: Ecn::NotEct,
    };
    Rtcp::TransportFeedback {
        arrivals: (first..).zip(at_us).map(arrival).collect(),
    }
}

#[test]
fn congestion_feedback_matches_rfc_8888() {
    let made = Time::from_secs(10);
    let arrival = |seq, ago_ms: u64, ecn| Arrival {
        seq,
        at: Some(Time::from_millis(10_000 - ago_ms)),
        ecn,
    };
    let lost = Arrival {
        seq: 0xffff,
        at: None,
        ecn: Ecn::NotEct,
    };
    let arrivals = vec![
        arrival(0xfffe, 500, Ecn::Ect1),
        lost,
        arrival(0x1_0000, 8_000, Ecn::Ce),
    ];
    let report = Rtcp::CongestionFeedback { arrivals, made };
    let packet = compound(vec![report], Leg::Return);
    let datagram = bytes(&packet);
    assert_eq!(datagram.len(), packet.size as usize);
    let expected = "8b cd 00 06 57 01 02 00 57 01 02 60 \
                    ff fe 00 03 a2 00 00 00 ff fe 00 00 37 8a 00 00";
    assert_eq!(udp(&datagram)[..28], hex(expected));
}

#[test]
fn transport_feedback_matches_the_examples() {
    // Small, lost, small, large, negative: one chunk of two-bit symbols.
    let mixed = [
        Some(1_025_000),
        None,
        Some(1_045_000),
        Some(1_145_000),
        Some(1_143_000),
    ];
    let report = feedback(0xfffe, &mixed);
    let datagram = bytes(&compound(vec![report.clone()], Leg::Return));
    let head = "8f cd 00 06 57 01 02 00 57 01 02 60";
    let expected = format!("{head} ff fe 00 05 00 00 10 00 d1 a0 04 50 01 90 ff f8 00 00 12 34");
    assert_eq!(udp(&datagram)[..32], hex(&expected));
    // 20 in a run, padded by two bytes.
    let run: Vec<_> = (0..20).map(|i| Some(10_000 + 1_000 * i)).collect();
    let run = feedback(1_000, &run);
    let fci = "03 e8 00 14 00 00 00 00 20 14 28 04 04 04 04 04 04 04 04 04 04 04 04 04 04 04 04 \
               04 04 04 00 02";
    let datagram = bytes(&compound(vec![run.clone()], Leg::Return));
    assert_eq!(udp(&datagram)[..4], hex("af cd 00 0a"));
    assert_eq!(udp(&datagram)[12..44], hex(fci));
    // Only the last packet of a compound may announce padding.
    let datagram = bytes(&compound(vec![run, report], Leg::Return));
    assert_eq!(udp(&datagram)[..4], hex("8f cd 00 0a"));
    assert_eq!(udp(&datagram)[42..48], hex("00 00 8f cd 00 06"));
    // 14 one-bit symbols.
    let pattern = [1, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0];
    let one_bit: Vec<_> = (0_u64..)
        .zip(pattern)
        .scan(0, |at, (_, got)| {
            *at += 2_000 * got;
            Some((got == 1).then_some(*at))
        })
        .collect();
    let datagram = bytes(&compound(vec![feedback(7, &one_bit)], Leg::Return));
    let fci = "00 07 00 0e 00 00 00 00 b7 3e 08 08 08 08 08 08 08 08 08 08";
    assert_eq!(udp(&datagram)[12..32], hex(fci));
}

/// Reads feedback back by the draft's rules alone.
pub(super) fn read_feedback(fci: &[u8]) -> Vec<Option<u64>> {
    let count = be16(fci, 2);
    let mut tick = i64::from(u32::from_be_bytes([0, fci[4], fci[5], fci[6]])) * 256;
    let (mut symbols, mut at) = (Vec::new(), 8);
    while symbols.len() < count {
        let chunk = be16(fci, at);
        at += 2;
        match chunk >> 14 {
            0 | 1 => symbols.extend(std::iter::repeat_n(chunk >> 13 & 3, chunk & 0x1fff)),
            2 => symbols.extend((0..14).rev().map(|bit| chunk >> bit & 1)),
            _ => symbols.extend((0..7).rev().map(|pair| chunk >> (2 * pair) & 3)),
        }
    }
    let mut arrivals = Vec::new();
    for symbol in symbols.into_iter().take(count) {
        let delta = match symbol {
            0 => None,
            1 => Some(i64::from(fci[at])),
            _ => Some(i64::from(be16(fci, at) as u16 as i16)),
        };
        at += symbol;
        arrivals.push(delta.map(|delta| {
            tick += delta;
            u64::try_from(tick).unwrap() * 250
        }));
    }
    assert_eq!(at.next_multiple_of(4), fci.len());
    arrivals
}

#[test]
fn connectivity_checks_have_chromiums_lengths() {
    let request = Payload::Session(SessionMessage::BindingRequest { transaction: 7 });
    for (leg, length, code) in [(Leg::Outward, 100, 0x802a), (Leg::Return, 96, 0x8029)] {
        let datagram = bytes(&packet(request.clone(), leg, 28 + length as u32));
        let message = udp(&datagram);
        assert_eq!(message.len(), length);
        assert_eq!(be16(message, 2), length - 20);
        assert_eq!(be16(message, 20 + 16 + 8), code);
        // The fingerprint covers all before it.
        let value = u32::from_be_bytes(*message.last_chunk::<4>().unwrap());
        let sum = crc32::crc32(&message[..length - 8]);
        assert_eq!(value ^ sum, u32::from_be_bytes(*b"STUN"));
    }
    let response = Payload::Session(SessionMessage::BindingResponse { transaction: 7 });
    let datagram = bytes(&packet(response, Leg::Return, 28 + 64));
    let message = udp(&datagram);
    let head = "01 01 00 2c 21 12 a4 42 77 65 61 6b 6e 65 74 00 00 00 00 07 00 20 00 08 00 01 \
                e2 42 2b 13 a6 43 00 08 00 14";
    assert_eq!(message[..36], hex(head));
    assert_eq!(message.len(), 64);
}

#[test]
fn the_fingerprint_is_that_of_the_example() {
    let message = "00 01 00 48 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae 00 06 00 09 65 76 \
        74 6a 3a 68 36 76 59 00 00 00 00 24 00 04 6e 00 01 ff 80 2a 00 08 93 2f f9 b1 51 26 3b 36 \
        00 25 00 00 00 08 00 14 97 22 b2 2f 7a ce d8 80 9e e6 b9 7a 2d 63 27 ec 28 82 d5 09";
    assert_eq!(crc32::crc32(&hex(message)) ^ 0x5354_554e, 0x1d7c_6f47);
}

#[test]
fn handshake_lengths_agree() {
    let message = SessionMessage::Handshake {
        flight: 2,
        part: 1,
        parts: 2,
    };
    let datagram = bytes(&packet(Payload::Session(message), Leg::Return, 545));
    let record = udp(&datagram);
    let head = "16 fe fd 00 00 00 00 00 00 12 34 01 f8 02 00 20 00 00 01 00 10 00 00 01 ec";
    assert_eq!(record[..25], hex(head));
    // Headers of 13 and 12 bytes.
    assert_eq!(record.len(), 13 + be16(record, 11));
    assert_eq!(record.len(), 13 + 12 + be16(record, 23));
}

#[test]
fn real_bytes_stay_as_they_are() {
    let datagram = bytes(&packet(Payload::Bytes(vec![0x45, 7, 9]), Leg::Outward, 3));
    assert_eq!(datagram, [0x45, 7, 9]);
}
