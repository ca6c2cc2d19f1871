//! What was written read back, kind by kind; changed, cut and arbitrary bytes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weaknet_core::packet::{
    Arrival, Ecn, FlowId, Leg, Media, Packet, Payload, Picture, Protocol, RepairPacket, Rtcp, Rtp,
    RtpKind, SessionMessage,
};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Plugin, Span, Streams, Time};

use super::strategies::{any_packet, any_padding, any_rtcp};
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
    config.build(&cx).unwrap().video().unwrap().codec
}

/// A call with ULPFEC.
pub(super) fn call() -> FlowFormat {
    let mut overhead = Overhead::WEBRTC;
    overhead.video_descriptor += 1;
    FlowFormat {
        overhead,
        fec: codec(&Ulpfec::default()),
        messages: false,
    }
}

pub(super) fn messages() -> FlowFormat {
    FlowFormat {
        messages: true,
        ..FlowFormat::default()
    }
}

pub(super) fn packet(payload: Payload, leg: Leg, size: u32) -> Packet {
    Packet {
        id: 9,
        flow: FlowId(3),
        leg,
        path: 0,
        hop: 0,
        ecn: Ecn::Ect1,
        damaged: false,
        protocol: Protocol::Udp,
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

pub(super) fn sized(rtp: Rtp) -> Packet {
    let size = call().overhead.size_of(&rtp);
    packet(Payload::Rtp(rtp), Leg::Outward, size)
}

pub(super) fn compound(reports: Vec<Rtcp>, leg: Leg) -> Packet {
    let size = rtcp_size(&reports, &Overhead::WEBRTC);
    packet(Payload::Rtcp(reports), leg, size)
}

/// The first instant with this timestamp.
pub(super) fn instant(timestamp: u64, clock: u64) -> Time {
    Time::from_nanos((timestamp * 1_000_000_000).div_ceil(clock))
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
