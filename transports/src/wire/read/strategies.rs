//! Packets of every kind whose payloads come back as they are.

use proptest::prelude::*;
use weaknet_core::packet::{
    Ack, AckDetails, Arrival, Ecn, Leg, Media, Message, MessagePacket, Packet, Payload, Picture,
    Rtcp, Rtp, RtpKind, SessionMessage, StreamPiece,
};
use weaknet_core::{Span, Time};

use super::tests::{call, compound, instant, messages, packet, sized};
use crate::wire::FlowFormat;

prop_compose! {
    pub(super) fn any_picture()(
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
    pub(super) fn any_video()(
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
    pub(super) fn any_audio()(
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
    pub(super) fn any_padding()(transport_seq in any::<u16>(), payload in 1u16..256, ticks in any::<u32>()) -> Rtp {
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
pub(super) fn coarse() -> impl Strategy<Value = Time> {
    any::<u32>().prop_map(|units| instant(units.into(), 65_536))
}

pub(super) fn fine() -> impl Strategy<Value = Time> {
    (0..1_u64 << 60).prop_map(Time::from_nanos)
}

pub(super) fn length() -> impl Strategy<Value = Span> {
    coarse().prop_map(|at| at.since(Time::ZERO))
}

pub(super) fn any_report() -> impl Strategy<Value = Rtcp> {
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
pub(super) fn any_rtcp() -> impl Strategy<Value = Rtcp> {
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
        arrivals.prop_map(|arrivals| Rtcp::TransportFeedback { arrivals }),
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
pub(super) fn any_ack(quic: bool) -> impl Strategy<Value = Ack> {
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

pub(super) fn ack_packet(ack: Ack, quic: bool) -> Packet {
    let size = if quic {
        crate::transport::quic::ack_size(&ack)
    } else {
        crate::messages::ack_size(&ack)
    };
    packet(Payload::Ack(ack), Leg::Return, size)
}

prop_compose! {
    pub(super) fn any_messages()(
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
    pub(super) fn any_piece()(
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

pub(super) fn any_session() -> impl Strategy<Value = Packet> {
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
pub(super) fn any_packet() -> impl Strategy<Value = (fn() -> FlowFormat, Packet)> {
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
