//! Laws over all kinds of packets.

use proptest::prelude::*;
use weaknet_core::packet::{
    Ack, AckDetails, Arrival, Ecn, FlowId, Leg, Media, Message, MessagePacket, Packet, Payload,
    Protocol, RepairPacket, Rtcp, Rtp, RtpKind, SessionMessage, StreamPiece,
};
use weaknet_core::{Span, Time};

use super::tests::{be16, bytes, compound, feedback, read_feedback, sized, udp};
use super::*;
use crate::rtp::{nack_entries, twcc_size};

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
        arrivals.prop_map(|arrivals| Rtcp::TransportFeedback { arrivals }),
        prop::collection::vec(any::<u64>(), 0..20_000).prop_map(|seqs| Rtcp::Nack {
            media: Media::Audio,
            seqs
        }),
        Just(Rtcp::Pli),
        any::<u8>().prop_map(|seq| Rtcp::Fir { seq }),
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

fn any_ack() -> impl Strategy<Value = Ack> {
    let ranges = prop::collection::vec(any::<(u64, u64)>(), 0..100);
    let arrivals = prop::collection::vec(any::<(u64, u64)>(), 0..20);
    let details = (ranges, any::<[u64; 3]>(), arrivals).prop_map(|(ranges, ecn, arrivals)| {
        let arrival = |(seq, at)| Arrival {
            seq,
            at: Some(Time::from_nanos(at)),
            ecn: Ecn::Ce,
        };
        let arrivals = arrivals.into_iter().map(arrival).collect();
        Box::new(AckDetails {
            ranges,
            ecn,
            arrivals,
        })
    });
    (any::<(u64, u32, u32)>(), prop::option::of(details)).prop_map(
        |((largest, before, delay_us), more)| Ack {
            largest,
            before,
            delay_us,
            more,
        },
    )
}

fn any_data() -> impl Strategy<Value = Payload> {
    let piece = any::<(u64, u64, u32, u16, bool, bool)>();
    let messages = prop::collection::vec(any::<(u64, u16)>(), 0..5);
    prop_oneof![
        any_ack().prop_map(Payload::Ack),
        piece.prop_map(|(number, offset, waits_for, length, again, last)| {
            Payload::Stream(StreamPiece {
                number,
                offset,
                waits_for,
                length,
                again,
                last,
            })
        }),
        (any::<(u64, u32, u64)>(), messages).prop_map(|((number, waits_for, below), messages)| {
            let message = |(number, size)| Message {
                number,
                size,
                again: true,
                given: Time::ZERO,
            };
            Payload::Messages(Box::new(MessagePacket {
                number,
                waits_for,
                forget_below: below,
                messages: messages.into_iter().map(message).collect(),
            }))
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
        any_data(),
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
        messages in any::<bool>(),
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
        let mut encoder = Encoder::default();
        encoder.set_format(packet.flow, FlowFormat { messages, ..FlowFormat::default() });
        let (mut datagram, mut again) = (Vec::new(), Vec::new());
        encoder.encode(&packet, &Addresses::of(&packet), &mut datagram);
        encoder.encode(&packet, &Addresses::of(&packet), &mut again);
        prop_assert!(datagram == again, "other bytes on another link");
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
