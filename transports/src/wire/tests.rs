//! Bytes against published examples, lengths against what the simulator charges,
//! and laws over all kinds of packets.

use proptest::prelude::*;
use weaknet_core::packet::{
    Arrival, Ecn, FlowId, Leg, Media, Packet, Payload, Protocol, RepairPacket, Rtcp, Rtp, RtpKind,
    SessionMessage,
};
use weaknet_core::{Span, Time};

use super::ip::checksum;
use super::*;
use crate::rtp::{Overhead, nack_entries, rtcp_size, twcc_size};

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

fn bytes(packet: &Packet) -> Vec<u8> {
    let mut out = vec![0xff; 3];
    encode(packet, &Addresses::of(packet), &mut out);
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

fn sized(rtp: Rtp) -> Packet {
    let size = Overhead::WEBRTC.size_of(&rtp);
    packet(Payload::Rtp(rtp), Leg::Outward, size)
}

fn compound(reports: Vec<Rtcp>, leg: Leg) -> Packet {
    let size = rtcp_size(&reports, &Overhead::WEBRTC);
    packet(Payload::Rtcp(reports), leg, size)
}

/// A datagram's UDP payload, after checking both headers.
#[track_caller]
fn udp(datagram: &[u8]) -> &[u8] {
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

fn be16(bytes: &[u8], at: usize) -> usize {
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
                22 96 00 00 31 ff fe 10 9e 00 00 00 00";
    assert_eq!(udp(&datagram)[..29], hex(head));
    assert_eq!(datagram.len(), 28 + 12 + 16 + 300 + 10);
}

#[test]
fn a_retransmission_names_the_original() {
    let datagram = bytes(&sized(rtp(Media::Video, RtpKind::Rtx)));
    // The marker: part 1 is the last of 2.
    let head = "90 e1 ff fe 00 00 07 80 57 01 02 61 be de 00 02 22 96 00 00 31 ff fe 00 12 34 00";
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
    let expected = "a0 61 ff fe 00 00 03 84 57 01 02 61 01";
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
    let head = "90 62 ff fe 00 00 07 80 57 01 02 62";
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
    let block = "57 01 02 60 40 00 00 19 00 00 00 00 00 00 00 1e 37 a5 80 00 00 00 40 00";
    let expected = format!(
        "82 c9 00 0d 57 01 02 00 {block} {block} \
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

fn feedback(first: u64, at_us: &[Option<u64>]) -> Rtcp {
    let arrival = |(seq, at): (u64, &Option<u64>)| Arrival {
        seq,
        at: at.map(Time::from_micros),
        ecn: Ecn::NotEct,
    };
    Rtcp::TransportFeedback {
        arrivals: (first..).zip(at_us).map(arrival).collect(),
        made: Time::ZERO,
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
    let expected = format!("{head} ff fe 00 05 00 00 10 34 d1 a0 04 50 01 90 ff f8 00 00 12 34");
    assert_eq!(udp(&datagram)[..32], hex(&expected));
    // 20 in a run, padded by two bytes.
    let run: Vec<_> = (0..20).map(|i| Some(10_000 + 1_000 * i)).collect();
    let run = feedback(1_000, &run);
    let fci = "03 e8 00 14 00 00 00 34 20 14 28 04 04 04 04 04 04 04 04 04 04 04 04 04 04 04 04 \
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
    let fci = "00 07 00 0e 00 00 00 34 b7 3e 08 08 08 08 08 08 08 08 08 08";
    assert_eq!(udp(&datagram)[12..32], hex(fci));
}

/// Reads feedback back by the draft's rules alone.
fn read_feedback(fci: &[u8]) -> Vec<Option<u64>> {
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

fn any_rtp() -> impl Strategy<Value = Rtp> {
    let kinds = [RtpKind::Media, RtpKind::Rtx, RtpKind::Fec, RtpKind::Padding];
    (
        prop::sample::select(&[Media::Audio, Media::Video][..]),
        prop::sample::select(kinds.to_vec()),
        any::<(u64, u64, u64, u16, u16, u16)>(),
    )
        .prop_map(
            |(media, kind, (seq, transport_seq, timestamp, part, parts, payload))| Rtp {
                media,
                kind,
                seq,
                transport_seq,
                timestamp,
                frame: 0,
                part,
                parts,
                key: false,
                payload,
                picture: weaknet_core::packet::Picture::default(),
                captured: Time::ZERO,
            },
        )
}

fn any_rtcp() -> impl Strategy<Value = Rtcp> {
    let time = any::<u64>().prop_map(Time::from_nanos);
    let arrivals = prop::collection::vec(
        (any::<u64>(), prop::option::of(any::<u64>())).prop_map(|(seq, at)| Arrival {
            seq,
            at: at.map(Time::from_nanos),
            ecn: Ecn::Ce,
        }),
        0..300,
    );
    prop_oneof![
        (arrivals.clone(), time.clone())
            .prop_map(|(arrivals, made)| Rtcp::CongestionFeedback { arrivals, made }),
        arrivals.prop_map(|arrivals| Rtcp::TransportFeedback {
            arrivals,
            made: Time::ZERO
        }),
        prop::collection::vec(any::<u64>(), 0..20_000).prop_map(|seqs| Rtcp::Nack {
            media: Media::Audio,
            seqs
        }),
        Just(Rtcp::Pli),
        any::<u64>().prop_map(|n| Rtcp::JitterBuffer {
            delay: Span::from_nanos(n)
        }),
        (time.clone(), prop::option::of((time.clone(), any::<u64>()))).prop_map(|(ntp, dlrr)| {
            Rtcp::SenderReport {
                ntp,
                dlrr: dlrr.map(|(at, ago)| (at, Span::from_nanos(ago))),
            }
        }),
        (
            prop::option::of(time.clone()),
            any::<(u64, u32, u32, u32)>(),
            prop::option::of(time)
        )
            .prop_map(|(last_sr, (delay, expected, lost, jitter), rrtr)| {
                Rtcp::ReceiverReport {
                    last_sr,
                    delay_since_last_sr: Span::from_nanos(delay),
                    expected,
                    lost,
                    jitter,
                    rrtr,
                }
            }),
    ]
}

fn any_payload() -> impl Strategy<Value = Payload> {
    let session = prop_oneof![
        any::<u32>().prop_map(|transaction| SessionMessage::BindingRequest { transaction }),
        any::<u32>().prop_map(|transaction| SessionMessage::BindingResponse { transaction }),
        any::<(u8, u8, u8)>().prop_map(|(flight, part, parts)| SessionMessage::Handshake {
            flight,
            part,
            parts
        }),
    ];
    prop_oneof![
        Just(Payload::Opaque),
        Just(Payload::Bytes(Vec::new())),
        any_rtp().prop_map(Payload::Rtp),
        any_rtp().prop_map(|rtp| Payload::Repair(Box::new(RepairPacket {
            rtp,
            symbol: 0,
            protects: vec![rtp]
        }))),
        prop::collection::vec(any_rtcp(), 0..50).prop_map(Payload::Rtcp),
        session.prop_map(Payload::Session),
    ]
}

proptest! {
    #[test]
    fn anything_becomes_a_valid_datagram(
        payload in any_payload(),
        (id, flow, path, hop, sent) in any::<(u64, u16, u8, u8, u64)>(),
        outward in any::<bool>(),
        size in prop_oneof![0_u32..200, 0_u32..2_000, any::<u32>()],
    ) {
        let packet = Packet {
            id,
            flow: FlowId(flow),
            leg: if outward { Leg::Outward } else { Leg::Return },
            path,
            hop,
            ecn: Ecn::Ce,
            damaged: false,
            protocol: Protocol::Udp,
            size,
            sent: Time::from_nanos(sent),
            payload,
        };
        let datagram = bytes(&packet);
        udp(&datagram);
        prop_assert_eq!(datagram[1] & 3, 3);
        // As long as the packet unless its headers need more.
        let size = (size as usize).clamp(28, 65_535);
        prop_assert!(datagram.len() >= size);
        let needs = match &packet.payload {
            Payload::Opaque | Payload::Bytes(_) => 28,
            Payload::Rtp(_) | Payload::Repair(_) => 28 + 14,
            Payload::Session(_) => 28 + 28,
            _ => 65_535,
        };
        prop_assert!(datagram.len() <= size.max(needs));
    }

    #[test]
    fn media_is_as_long_as_it_is_charged(mut rtp in any_rtp()) {
        rtp.payload %= 1_300;
        if rtp.kind == RtpKind::Padding {
            rtp.payload = rtp.payload.max(1);
        }
        let packet = sized(rtp);
        let datagram = bytes(&packet);
        prop_assert_eq!(datagram.len(), packet.size as usize);
        prop_assert_eq!(datagram[28] & 0x10, 0x10, "extensions have their room");
    }

    #[test]
    fn feedback_reads_back_and_is_as_long_as_it_is_charged(
        gaps in prop::collection::vec(prop::option::of(-900_i64..2_000), 1..400),
        first in any::<u16>(),
    ) {
        let mut now = 1_000_000;
        let at: Vec<_> = gaps
            .iter()
            .map(|gap| gap.map(|gap| { now += gap; now.unsigned_abs() * 250 }))
            .collect();
        let report = feedback(u64::from(first), &at);
        let Rtcp::TransportFeedback { arrivals, .. } = &report else { unreachable!() };
        let length = twcc_size(arrivals) as usize;
        let packet = compound(vec![report.clone()], Leg::Return);
        let datagram = bytes(&packet);
        prop_assert_eq!(datagram.len(), packet.size as usize);
        prop_assert_eq!((be16(&datagram, 30) + 1) * 4, length);
        prop_assert_eq!(read_feedback(&datagram[40..28 + length]), at);
    }

    #[test]
    fn compounds_are_as_long_as_they_are_charged(
        compound in prop::collection::vec(any_rtcp(), 1..6),
    ) {
        let ascending = |mut packet: Rtcp| {
            if let Rtcp::Nack { seqs, .. } = &mut packet {
                seqs.truncate(500);
                seqs.sort_unstable();
                seqs.dedup();
                assert!(nack_entries(seqs) as usize <= seqs.len());
            }
            packet
        };
        let packet = self::compound(compound.into_iter().map(ascending).collect(), Leg::Return);
        let datagram = bytes(&packet);
        prop_assert_eq!(datagram.len(), packet.size as usize);
        // The lengths of the parts lead to the SRTCP index.
        let end = datagram.len() - 14;
        let mut at = 28;
        while at < end {
            prop_assert_eq!(datagram[at] >> 6, 2);
            prop_assert!((200..=207).contains(&datagram[at + 1]));
            at += (be16(&datagram, at + 2) + 1) * 4;
        }
        prop_assert_eq!(at, end);
    }
}
