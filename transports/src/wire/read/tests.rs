//! What was written read back, kind by kind; changed, cut and arbitrary bytes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weaknet_core::packet::{
    Ack, AckDetails, Arrival, Ecn, FlowId, Leg, Media, Message, MessagePacket, Packet, Payload,
    Picture, RepairPacket, Rtcp, Rtp, RtpKind, SessionMessage, StreamPiece,
};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Plugin, Span, Streams, Time};

use super::*;
use crate::fec::{Fec, FecCodec, Flexfec, ReedSolomon, Ulpfec};
use crate::rtp::{Overhead, rtcp_size};
use crate::wire::{Addresses, Encoder};

fn codec<P: Plugin<Kind = Fec>>(config: &P) -> Option<Box<dyn FecCodec>> {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let cx = BuildContext {
        path: "call",
        streams: &streams,
        assets: &assets,
    };
    config.build(&cx).unwrap().unwrap().codec
}

/// A call with ULPFEC.
fn call() -> FlowFormat {
    let mut overhead = Overhead::WEBRTC;
    overhead.video_descriptor += 1;
    FlowFormat {
        overhead,
        fec: codec(&Ulpfec::default()),
        messages: false,
    }
}

fn messages() -> FlowFormat {
    FlowFormat {
        messages: true,
        ..FlowFormat::default()
    }
}

fn packet(payload: Payload, leg: Leg, size: u32) -> Packet {
    Packet {
        id: 9,
        flow: FlowId(3),
        leg,
        path: 0,
        hop: 0,
        ecn: Ecn::Ect1,
        damaged: false,
        size,
        sent: Time::from_millis(1_500),
        payload,
    }
}

/// The bytes of a packet, which has to be as long as they are.
fn datagram(encoder: &mut Encoder, packet: &Packet) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.encode(packet, &Addresses::of(packet), &mut out);
    assert_eq!(out.len(), packet.size as usize, "{:?}", packet.payload);
    out
}

/// There and back through the datagram.
fn again(format: fn() -> FlowFormat, packet: &Packet) -> Payload {
    let mut encoder = Encoder::default();
    encoder.set_format(packet.flow, format());
    let bytes = datagram(&mut encoder, packet);
    let found = Datagram::parse(&bytes).unwrap();
    assert_eq!(found.ends, Addresses::of(packet));
    assert_eq!((found.id, found.ttl, found.ecn), (9, 64, Ecn::Ect1));
    Reader::new(format()).read(found.payload).unwrap()
}

fn sized(rtp: Rtp) -> Packet {
    let size = call().overhead.size_of(&rtp);
    packet(Payload::Rtp(rtp), Leg::Outward, size)
}

fn compound(reports: Vec<Rtcp>, leg: Leg) -> Packet {
    let size = rtcp_size(&reports, &Overhead::WEBRTC);
    packet(Payload::Rtcp(reports), leg, size)
}

/// The first instant with this timestamp.
fn instant(timestamp: u64, clock: u64) -> Time {
    Time::from_nanos((timestamp * 1_000_000_000).div_ceil(clock))
}

prop_compose! {
    fn any_picture()(
        (width, height, reference) in any::<(u16, u16, u16)>(),
        qp in any::<Option<u8>>(),
        temporal in any::<u8>(),
        (simulcast, simulcast_layers) in (0u8..16, 0u8..16),
        screen in any::<bool>(),
    ) -> Picture {
        Picture { width, height, reference, qp, temporal, simulcast, simulcast_layers, screen }
    }
}

prop_compose! {
    fn any_video()(
        again in any::<bool>(),
        (seq, transport_seq) in any::<(u16, u16)>(),
        (timestamp, frame) in any::<(u32, u32)>(),
        (part, parts) in any::<(u16, u16)>(),
        key in any::<bool>(),
        payload in 14u16..1_100,
        picture in any_picture(),
    ) -> Rtp {
        Rtp {
            media: Media::Video,
            kind: if again { RtpKind::Rtx } else { RtpKind::Media },
            seq: seq.into(),
            transport_seq: transport_seq.into(),
            timestamp: timestamp.into(),
            frame: frame.into(),
            part,
            parts,
            key,
            payload,
            picture,
            captured: instant(timestamp.into(), 90_000),
        }
    }
}

prop_compose! {
    fn any_audio()(
        (seq, transport_seq) in any::<(u16, u16)>(),
        timestamp in any::<u32>(),
        payload in 1u16..1_100,
    ) -> Rtp {
        Rtp {
            media: Media::Audio,
            kind: RtpKind::Media,
            seq: seq.into(),
            transport_seq: transport_seq.into(),
            timestamp: timestamp.into(),
            frame: seq.into(),
            part: 0,
            parts: 1,
            key: true,
            payload,
            picture: Picture::default(),
            captured: instant(timestamp.into(), 48_000),
        }
    }
}

prop_compose! {
    fn any_padding()(transport_seq in any::<u16>(), payload in 1u16..256, ticks in any::<u32>()) -> Rtp {
        Rtp {
            media: Media::Video,
            kind: RtpKind::Padding,
            seq: 0,
            transport_seq: transport_seq.into(),
            timestamp: 0,
            frame: 0,
            part: 0,
            parts: 1,
            key: false,
            // All that is left but the tag's room counts as padding.
            payload,
            picture: Picture::default(),
            captured: instant(ticks.into(), 90_000),
        }
    }
}

/// Instants that 1/65536 s can say, and lengths of time.
fn coarse() -> impl Strategy<Value = Time> {
    any::<u32>().prop_map(|units| instant(units.into(), 65_536))
}

fn fine() -> impl Strategy<Value = Time> {
    (0..1_u64 << 60).prop_map(Time::from_nanos)
}

fn length() -> impl Strategy<Value = Span> {
    coarse().prop_map(|at| at.since(Time::ZERO))
}

fn any_report() -> impl Strategy<Value = Rtcp> {
    let last = prop::option::of(coarse());
    let counts = (0u32..1_000_000, 0u32..10_000, any::<u32>());
    (last, length(), counts, prop::option::of(fine())).prop_map(
        |(last_sr, delay, (expected, lost, jitter), rrtr)| {
            // A stamp of zero means that there is none.
            let last_sr = last_sr.filter(|at| (crate::wire::ntp(*at) >> 16) as u32 != 0);
            Rtcp::ReceiverReport {
                last_sr,
                delay_since_last_sr: last_sr.map_or(Span::ZERO, |_| delay),
                expected,
                lost,
                jitter,
                rrtr,
            }
        },
    )
}

/// RTCP packets that come back as they are, one at a time.
fn any_rtcp() -> impl Strategy<Value = Rtcp> {
    let statuses = prop::collection::vec(prop::option::of(0u64..4_000), 1..200);
    let arrivals = (0u64..30_000, statuses).prop_map(|(first, statuses)| {
        let arrival = |(seq, status): (u64, Option<u64>)| Arrival {
            seq,
            at: status.map(|units| Time::from_micros(1_000_000 + units * 250)),
            ecn: Ecn::NotEct,
        };
        (first..).zip(statuses).map(arrival).collect::<Vec<_>>()
    });
    let seqs = prop::collection::btree_set(0u64..30_000, 1..60);
    prop_oneof![
        arrivals.prop_map(|arrivals| Rtcp::TransportFeedback {
            made: arrivals
                .iter()
                .filter_map(|a| a.at)
                .max()
                .unwrap_or_default(),
            arrivals,
        }),
        (prop::sample::select(vec![Media::Audio, Media::Video]), seqs).prop_map(|(media, seqs)| {
            Rtcp::Nack {
                media,
                seqs: seqs.into_iter().collect(),
            }
        }),
        Just(Rtcp::Pli),
        any::<u8>().prop_map(|seq| Rtcp::Fir { seq }),
        (0u64..65_535).prop_map(|ms| Rtcp::JitterBuffer {
            delay: Span::from_millis(ms)
        }),
        (fine(), prop::option::of((coarse(), length())))
            .prop_map(|(ntp, dlrr)| Rtcp::SenderReport { ntp, dlrr }),
        any_report(),
    ]
}

/// Acknowledgements that their fields can say. Those of messages have no delay
/// and no counts.
fn any_ack(quic: bool) -> impl Strategy<Value = Ack> {
    let ranges = prop::collection::vec((0u64..200, 0u64..50), 0..20);
    let base = (0u64..50_000, 0u32..5_000, 0u32..16_000);
    let ecn = prop::array::uniform3(0u64..1 << 30);
    let gaps = prop::collection::vec(0u64..60_000, 0..9);
    (base, ranges, ecn, gaps, 0u32..1 << 20).prop_map(
        move |((room, before, delay), ranges, ecn, gaps, start)| {
            let span: u64 = ranges.iter().map(|(gap, length)| gap + 2 + length).sum();
            let largest = room.max(gaps.len() as u64) + span + u64::from(before);
            let mut smallest = largest - u64::from(before);
            let mut below = Vec::new();
            for (gap, length) in ranges {
                let last = smallest - gap - 2;
                smallest = last - length;
                below.push((smallest, last));
            }
            let numbers = std::iter::once((largest - u64::from(before), largest));
            let numbers = numbers.chain(below.iter().copied());
            let mut newest: Vec<u64> = numbers
                .flat_map(|(first, last)| (first..=last).rev())
                .take(gaps.len())
                .collect();
            newest.reverse();
            let mut unit = u64::from(start);
            let arrivals = newest.iter().zip(&gaps).map(|(&seq, gap)| {
                unit += gap;
                Arrival {
                    seq,
                    at: Some(Time::from_micros(unit * 16)),
                    ecn: Ecn::NotEct,
                }
            });
            let more = AckDetails {
                arrivals: arrivals.collect(),
                ranges: below,
                ecn: if quic { ecn } else { [0; 3] },
            };
            Ack {
                largest,
                before,
                delay_us: if quic { delay * 8 } else { 0 },
                more: (more != AckDetails::default()).then(|| Box::new(more)),
            }
        },
    )
}

fn ack_packet(ack: Ack, quic: bool) -> Packet {
    let size = if quic {
        crate::transport::quic::ack_size(&ack)
    } else {
        crate::messages::ack_size(&ack)
    };
    packet(Payload::Ack(ack), Leg::Return, size)
}

prop_compose! {
    fn any_messages()(
        (number, waits_for) in (0u64..1 << 48, any::<u32>()),
        first in 0u64..1 << 31,
        sizes in prop::collection::vec(1u16..400, 0..6),
        forgets in any::<bool>(),
    ) -> Packet {
        let message = |(number, size)| Message { number, size, again: false, given: Time::ZERO };
        let carried = MessagePacket {
            number,
            waits_for,
            forget_below: if forgets { first } else { 0 },
            messages: (first..).zip(sizes).map(message).collect(),
        };
        let size = crate::messages::packet_size(&carried.messages, forgets);
        packet(Payload::Messages(Box::new(carried)), Leg::Outward, size)
    }
}

prop_compose! {
    fn any_piece()(
        number in any::<u32>(),
        offset in 0u64..1 << 62,
        waits_for in any::<u32>(),
        length in 0u16..1_200,
        (again, last) in any::<(bool, bool)>(),
    ) -> Packet {
        let piece = StreamPiece { number: number.into(), offset, waits_for, length, again, last };
        let size = 28 + 13 + 12 + u32::from(length) + 16;
        packet(Payload::Stream(piece), Leg::Outward, size)
    }
}

fn any_session() -> impl Strategy<Value = Packet> {
    let legs = prop::sample::select(vec![Leg::Outward, Leg::Return]);
    (
        legs,
        any::<u32>(),
        (1u8..=255, 0u8..100, 1u8..=155),
        60u32..1_200,
    )
        .prop_flat_map(|(leg, transaction, (flight, part, more), size)| {
            let length = if leg == Leg::Outward { 100 } else { 96 };
            let request = SessionMessage::BindingRequest { transaction };
            let response = SessionMessage::BindingResponse { transaction };
            let parts = part + more;
            let flight = SessionMessage::Handshake {
                flight,
                part,
                parts,
            };
            prop::sample::select(vec![
                packet(Payload::Session(request), leg, 28 + length),
                packet(Payload::Session(response), leg, 28 + 64),
                packet(Payload::Session(flight), leg, size),
            ])
        })
}

/// A packet of any kind whose payload comes back as it is, and the flow's format.
fn any_packet() -> impl Strategy<Value = (fn() -> FlowFormat, Packet)> {
    let call = call as fn() -> FlowFormat;
    let messages = messages as fn() -> FlowFormat;
    prop_oneof![
        any_video().prop_map(move |rtp| (call, sized(rtp))),
        any_audio().prop_map(move |rtp| (call, sized(rtp))),
        any_rtcp().prop_map(move |rtcp| (call, compound(vec![rtcp], Leg::Return))),
        any_ack(true).prop_map(move |ack| (call, ack_packet(ack, true))),
        any_ack(false).prop_map(move |ack| (messages, ack_packet(ack, false))),
        any_messages().prop_map(move |packet| (messages, packet)),
        any_piece().prop_map(move |packet| (call, packet)),
        any_session().prop_map(move |packet| (call, packet)),
    ]
}

/// A repair packet over these media packets, behind them.
fn protected(sizes: &[u16]) -> (Vec<Packet>, Packet) {
    let media = |(seq, &payload): (u64, &u16)| Rtp {
        media: Media::Video,
        kind: RtpKind::Media,
        seq,
        transport_seq: seq,
        timestamp: 3_000,
        frame: 1,
        part: seq as u16,
        parts: sizes.len() as u16,
        key: true,
        payload,
        picture: Picture::default(),
        captured: instant(3_000, 90_000),
    };
    let sources: Vec<Rtp> = (0..).zip(sizes).map(media).collect();
    let longest = sizes.iter().max().copied().unwrap_or(0);
    let repair = RepairPacket {
        rtp: Rtp {
            kind: RtpKind::Fec,
            seq: sizes.len() as u64 - 1,
            transport_seq: sizes.len() as u64,
            payload: longest + 14,
            ..sources[0]
        },
        symbol: 0,
        protects: sources.clone(),
    };
    let size = call().overhead.size_of(&repair.rtp);
    let repair = packet(Payload::Repair(Box::new(repair)), Leg::Outward, size);
    (sources.into_iter().map(sized).collect(), repair)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_kind_comes_back((format, packet) in any_packet()) {
        prop_assert_eq!(again(format, &packet), packet.payload);
    }

    #[test]
    fn padding_comes_back_with_all_its_room(rtp in any_padding()) {
        let found = again(call, &sized(rtp));
        // The room of the tag cannot be told from it.
        let payload = (rtp.payload + 10).min(255);
        prop_assert_eq!(found, Payload::Rtp(Rtp { payload, ..rtp }));
    }

    #[test]
    fn congestion_feedback_comes_back_to_its_units(
        first in 0u64..60_000,
        statuses in prop::collection::vec(prop::option::of((0u64..8_000, 0usize..4)), 1..100),
        made in 10u64..3_000,
    ) {
        let made = Time::from_secs(made);
        let codepoints = [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce];
        let arrival = |(seq, status): (u64, Option<(u64, usize)>)| Arrival {
            seq,
            // Whole 1/1024 s.
            at: status.map(|(ago, _)| made.saturating_sub(Span::from_nanos(ago * 1_000_000_000 / 1_024))),
            ecn: status.map_or(Ecn::NotEct, |(_, ecn)| codepoints[ecn]),
        };
        let arrivals: Vec<_> = (first..).zip(statuses).map(arrival).collect();
        let sent = Rtcp::CongestionFeedback { arrivals: arrivals.clone(), made };
        let found = again(call, &compound(vec![sent], Leg::Return));
        let Payload::Rtcp(found) = found else { panic!("{found:?}") };
        let [Rtcp::CongestionFeedback { arrivals: found, made: stamp }] = &found[..] else {
            panic!("{found:?}")
        };
        prop_assert_eq!(*stamp, made);
        prop_assert_eq!(found.len(), arrivals.len());
        for (found, sent) in found.iter().zip(&arrivals) {
            prop_assert_eq!((found.seq, found.ecn), (sent.seq, sent.ecn));
            let apart = found.at.unwrap_or_default().as_nanos().abs_diff(sent.at.unwrap_or_default().as_nanos());
            prop_assert!(found.at.is_some() == sent.at.is_some() && apart <= 976_563, "{}", apart);
        }
    }

    #[test]
    fn compounds_come_back(reports in prop::collection::vec(any_rtcp(), 1..5)) {
        let mut expected = reports.clone();
        // Reports that follow each other are one, with one reference time; only
        // the last packet of a compound may be padded.
        for at in 1..expected.len() {
            let (before, behind) = expected.split_at_mut(at);
            if let (Some(Rtcp::ReceiverReport { .. }), Some(Rtcp::ReceiverReport { rrtr, .. })) =
                (before.last(), behind.first_mut())
            {
                *rrtr = None;
            }
        }
        let packet = compound(reports, Leg::Return);
        let Payload::Rtcp(found) = again(call, &packet) else { panic!("another kind") };
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            match (found, expected) {
                // Numbers and times of one stream go on from packet to packet.
                (Rtcp::TransportFeedback { arrivals: found, .. }, Rtcp::TransportFeedback { arrivals, .. }) => {
                    prop_assert_eq!(found.len(), arrivals.len());
                }
                (Rtcp::Nack { seqs: found, .. }, Rtcp::Nack { seqs, .. }) => {
                    prop_assert_eq!(found.len(), seqs.len());
                }
                (Rtcp::ReceiverReport { last_sr: found, .. }, Rtcp::ReceiverReport { last_sr, .. }) => {
                    prop_assert_eq!(found.is_some(), last_sr.is_some());
                }
                (Rtcp::SenderReport { dlrr: found, .. }, Rtcp::SenderReport { dlrr, .. }) => {
                    prop_assert_eq!(found.is_some(), dlrr.is_some());
                }
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }
    }

    #[test]
    fn numbers_go_on_over_their_ends(start in 60_000u64..70_000, steps in prop::collection::vec(1u64..300, 1..60)) {
        let mut encoder = Encoder::default();
        encoder.set_format(FlowId(3), call());
        let mut reader = Reader::new(call());
        let mut seq = start % 65_536;
        for step in steps {
            let rtp = Rtp { seq, transport_seq: 2 * seq, frame: seq, ..protected_media() };
            let bytes = datagram(&mut encoder, &sized(rtp));
            let found = reader.read(&bytes[28..]).unwrap();
            let Payload::Rtp(found) = found else { panic!("{found:?}") };
            prop_assert_eq!(found.seq, seq);
            prop_assert_eq!(found.transport_seq % 65_536, 2 * seq % 65_536);
            seq += step;
        }
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Datagram::parse(&bytes);
        for format in [call as fn() -> FlowFormat, messages] {
            let mut reader = Reader::new(format());
            let _ = reader.read(&bytes);
            // Behind the first bytes of each kind.
            for head in [
                &[0, 1][..], &[22, 254, 253], &[23, 254, 253], &[0x63, b'W'], &[0x90, 96], &[0x90, 98],
                &[0x80, 200], &[0x81, 201], &[0x80, 207], &[0x81, 205], &[0x8b, 205], &[0x8f, 205],
                &[0x84, 206], &[0xa1, 206],
            ] {
                let _ = reader.read(&[head, &bytes].concat());
            }
            // RTCP of whole words with a true length, for an end without trailer.
            for (kind, count) in [(200, 1), (201, 2), (202, 1), (205, 1), (205, 11), (205, 15), (206, 1), (206, 4), (207, 0)] {
                let words = bytes.len() / 4;
                let mut framed = vec![0x80 | count, kind, 0, words as u8];
                framed.extend(&bytes[..4 * words]);
                framed.extend([0; 14]);
                let _ = reader.read(&framed);
                framed[0] |= 0x20;
                let _ = reader.read(&framed);
            }
        }
    }

    #[test]
    fn changed_and_cut_packets_do_no_harm((format, packet) in any_packet(), value in any::<u8>()) {
        let mut encoder = Encoder::default();
        encoder.set_format(packet.flow, format());
        let bytes = datagram(&mut encoder, &packet);
        let body = &bytes[28..];
        let mut reader = Reader::new(format());
        for at in 0..bytes.len().min(150) {
            let _ = Datagram::parse(&bytes[..at]);
            let mut changed = bytes.clone();
            changed[at] = value;
            // A datagram that is taken is the one that was sent, or was changed
            // where no checksum looks: by what is the same modulo 65,535.
            if let Ok(found) = Datagram::parse(&changed)
                && at >= 28
            {
                prop_assert!(found.payload == body || [bytes[at], value] == [0, 255] || [bytes[at], value] == [255, 0]);
            }
        }
        for at in 0..body.len().min(150) {
            let _ = reader.read(&body[..at]);
            for value in [value, 0, 255, body[at] ^ 1, body[at] ^ 0x80] {
                let mut changed = body.to_vec();
                changed[at] = value;
                let _ = reader.read(&changed);
            }
        }
    }

    #[test]
    fn repair_packets_name_what_they_protect(sizes in prop::collection::vec(14u16..300, 1..16)) {
        let (sources, packet) = protected(&sizes);
        let mut encoder = Encoder::default();
        encoder.set_format(FlowId(3), call());
        let mut reader = Reader::new(call());
        for source in &sources {
            let bytes = datagram(&mut encoder, source);
            reader.read(&bytes[28..]).unwrap();
        }
        let bytes = datagram(&mut encoder, &packet);
        let found = reader.read(&bytes[28..]).unwrap();
        let (Payload::Repair(found), Payload::Repair(sent)) = (found, &packet.payload) else {
            panic!("another kind")
        };
        let seqs = |packet: &RepairPacket| packet.protects.iter().map(|rtp| rtp.seq).collect::<Vec<_>>();
        prop_assert_eq!(seqs(&found), seqs(sent));
        let told = |rtp: &Rtp| (rtp.kind, rtp.seq, rtp.transport_seq, rtp.timestamp, rtp.payload);
        prop_assert_eq!(told(&found.rtp), told(&sent.rtp));
        for at in 0..bytes.len() - 28 {
            let mut changed = bytes[28..].to_vec();
            let _ = reader.read(&changed[..at]);
            changed[at] ^= 0x55;
            let _ = reader.read(&changed);
        }
    }
}

fn protected_media() -> Rtp {
    let (sources, _) = protected(&[100]);
    match sources[0].payload {
        Payload::Rtp(rtp) => rtp,
        _ => unreachable!(),
    }
}

#[test]
fn every_scheme_restores_what_was_sent() {
    type Scheme = fn() -> Option<Box<dyn FecCodec>>;
    let schemes: [(Scheme, u16); 3] = [
        (|| codec(&Ulpfec::default()), 14),
        (|| codec(&Flexfec::default()), 20),
        (|| codec(&ReedSolomon::default()), 6 + 2 + 12),
    ];
    for (codec, header) in schemes {
        let (sources, mut packet) = protected(&[200, 90, 14, 231]);
        if let Payload::Repair(repair) = &mut packet.payload {
            repair.rtp.payload = 231 + header;
            packet.size = call().overhead.size_of(&repair.rtp);
        }
        let mut encoder = Encoder::default();
        let fec = codec();
        encoder.set_format(FlowId(3), FlowFormat { fec, ..call() });
        // From the RTP header to the tag.
        let body = |bytes: &[u8]| bytes[28..bytes.len() - 10].to_vec();
        let media = sources
            .iter()
            .map(|source| body(&datagram(&mut encoder, source)));
        let media: BTreeMap<u64, Vec<u8>> = (0..).zip(media).collect();
        let repair = datagram(&mut encoder, &packet);
        assert_eq!(repair, datagram(&mut encoder, &packet), "another link");
        // Behind RTP header and extensions.
        let payload = body(&repair)[24..].to_vec();
        let codec = codec().unwrap();
        let named = codec.header(&payload, 0).unwrap();
        for lost in 0..4 {
            let mut arrived = media.clone();
            let expected = BTreeMap::from([(lost, arrived.remove(&lost).unwrap())]);
            let repairs = [(named.clone(), payload.clone())];
            assert_eq!(codec.decode(&arrived, &repairs), expected);
        }
    }
}

#[test]
fn what_is_wrong_is_told() {
    let mut reader = Reader::new(call());
    let mut read = |bytes: &[u8]| reader.read(bytes).unwrap_err();
    assert_eq!(read(&[]), WireError::Short);
    assert_eq!(read(&[200; 40]), WireError::Kind);
    assert_eq!(read(&[0x80, 96, 0, 0]), WireError::Short);
    // A stranger's SSRC; one of ours under another payload type.
    assert_eq!(read(&[0x80; 24]), WireError::Kind);
    let ours = [0x80, 97, 0, 0, 0, 0, 0, 0, b'W', 0, 3, 96, 0, 0];
    assert_eq!(read(&ours), WireError::Kind);
    let bare = [0x80, 96, 0, 0, 0, 0, 0, 0, b'W', 0, 3, 96, 0, 0];
    assert_eq!(read(&bare), WireError::Extension);
    let request = SessionMessage::BindingRequest { transaction: 7 };
    let sent = packet(Payload::Session(request), Leg::Outward, 128);
    let mut bytes = datagram(&mut Encoder::default(), &sent);
    bytes[40] ^= 1;
    assert_eq!(read(&bytes[28..]), WireError::Checksum);
    assert_eq!(Datagram::parse(&bytes), Err(WireError::Checksum));
    assert_eq!(Datagram::parse(&bytes[..27]), Err(WireError::Short));
    assert_eq!(Datagram::parse(&[0x60; 60]), Err(WireError::Version));
}

#[test]
fn streams_count_their_own_packets_and_reports_what_was_sent() {
    let mut encoder = Encoder::default();
    encoder.set_format(FlowId(3), call());
    let mut seq = |kind, transport_seq| {
        let rtp = Rtp {
            kind,
            transport_seq,
            ..protected_media()
        };
        let bytes = datagram(&mut encoder, &sized(rtp));
        u16::from_be_bytes([bytes[30], bytes[31]])
    };
    let (media, rtx, padding) = (RtpKind::Media, RtpKind::Rtx, RtpKind::Padding);
    // The media's own number is 0; padding is part of the RTX stream.
    assert_eq!(
        [seq(media, 0), seq(rtx, 1), seq(padding, 2), seq(rtx, 3)],
        [0, 0, 1, 2]
    );
    // Seen again on another link, in another order.
    assert_eq!(
        [seq(rtx, 3), seq(padding, 2), seq(media, 0), seq(rtx, 4)],
        [2, 1, 0, 3]
    );
    let report = |id| Packet {
        id,
        ..compound(
            vec![Rtcp::SenderReport {
                ntp: Time::ZERO,
                dlrr: None,
            }],
            Leg::Outward,
        )
    };
    let counts = |bytes: &[u8]| (bytes[28 + 23], bytes[28 + 27]);
    let first = datagram(&mut encoder, &report(1));
    assert_eq!(counts(&first), (1, 100));
    let next = Rtp {
        seq: 1,
        transport_seq: 5,
        ..protected_media()
    };
    datagram(&mut encoder, &sized(next));
    assert_eq!(counts(&datagram(&mut encoder, &report(2))), (2, 200));
    assert_eq!(datagram(&mut encoder, &report(1)), first);
}
