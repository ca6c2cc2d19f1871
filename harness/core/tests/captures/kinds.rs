//! Every kind of packet: what our reader and tshark make of the same captures, and
//! repair packets that repair.

use std::collections::BTreeMap;

use weaknet_core::packet::{FlowId, Leg, Media, Payload, Rtcp, RtpKind, SessionMessage};
use weaknet_harness::capture::{DROPPED, IN, flow_format};
use weaknet_transports::wire::{Datagram, Reader, SENDER_PORT};

use super::reader::Seen;
use super::{Captured, capture, tshark};

const SCENARIO: &str = include_str!("../../../../scenarios/media/every-packet.yaml");

/// Flow and way of a packet by its addresses.
fn end(datagram: &Datagram<'_>) -> (FlowId, Leg) {
    let [_, high, low, _] = datagram.ends.from.ip().octets();
    let leg = match datagram.ends.from.port() {
        SENDER_PORT => Leg::Outward,
        _ => Leg::Return,
    };
    (FlowId(u16::from_be_bytes([high, low])), leg)
}

/// Reads the packets of one interface, each by the reader of its sending end.
fn read<'a>(captured: &Captured, packets: impl Iterator<Item = &'a Seen>) -> Vec<Payload> {
    let mut readers = BTreeMap::new();
    let flows = &captured.case.scenario.flows;
    let payload = |packet: &Seen| {
        let datagram = Datagram::parse(&packet.bytes).unwrap();
        let end = end(&datagram);
        let format = || flow_format(&captured.case, &flows[usize::from(end.0.0)]);
        let reader = readers.entry(end).or_insert_with(|| Reader::new(format()));
        let read = reader.read(datagram.payload);
        read.unwrap_or_else(|error| panic!("{error}: {:02x?}", datagram.payload))
    };
    packets.map(payload).collect()
}

type Counts = BTreeMap<(&'static str, &'static str), usize>;

/// Counts a packet under the fields by which tshark knows its kind.
fn count(payload: &Payload, counts: &mut Counts) {
    let mut add = |field, value| *counts.entry((field, value)).or_default() += 1;
    match payload {
        Payload::Rtp(rtp) => {
            let number = match (rtp.kind, rtp.media) {
                (RtpKind::Media, Media::Video) => "96",
                (RtpKind::Media, Media::Audio) => "111",
                (RtpKind::Rtx | RtpKind::Padding, _) => "97",
                (RtpKind::Fec, _) => unreachable!("repair packets are read as such"),
            };
            add("rtp.p_type", number);
            if rtp.kind == RtpKind::Padding {
                add("rtp.padding.count", "255");
            }
        }
        Payload::Repair(_) => add("rtp.p_type", "98"),
        Payload::Audio(audio) if audio.red => add("rtp.p_type", "63"),
        Payload::Rtcp(compound) => {
            for rtcp in compound {
                match rtcp {
                    Rtcp::TransportFeedback { .. } => add("rtcp.rtpfb.fmt", "15"),
                    Rtcp::CongestionFeedback { .. } => add("rtcp.rtpfb.fmt", "11"),
                    Rtcp::Nack { .. } => add("rtcp.rtpfb.fmt", "1"),
                    Rtcp::Pli => add("rtcp.psfb.fmt", "1"),
                    Rtcp::Fir { .. } => add("rtcp.psfb.fmt", "4"),
                    Rtcp::JitterBuffer { .. } => add("rtcp.xr.bt", "23"),
                    Rtcp::SenderReport { dlrr, .. } => {
                        add("rtcp.pt", "200");
                        add("rtcp.pt", "202");
                        if dlrr.is_some() {
                            add("rtcp.xr.bt", "5");
                        }
                    }
                    Rtcp::ReceiverReport { rrtr, .. } => {
                        add("rtcp.pt", "201");
                        if rrtr.is_some() {
                            add("rtcp.xr.bt", "4");
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        Payload::Session(message) => match message {
            SessionMessage::BindingRequest { .. } => add("stun.type", "0x0001"),
            SessionMessage::BindingResponse { .. } => add("stun.type", "0x0101"),
            SessionMessage::Handshake { .. } => add("dtls.record.content_type", "22"),
            // Over TCP, which the reader does not read.
            other @ (SessionMessage::Offer { .. } | SessionMessage::Answer { .. }) => {
                panic!("{other:?}")
            }
        },
        Payload::Messages(_) => add("dtls.record.content_type", "23"),
        // Acknowledgements of messages are records, of streams short headers.
        Payload::Stream(_) => add("rtp.version", "1"),
        Payload::Ack(_) => add("ack", ""),
        other => panic!("{other:?}"),
    }
}

/// What tshark counts and is expected to count as often as our reader.
const KINDS: [(&str, &str); 22] = [
    ("rtp.p_type", "63"),
    ("rtp.p_type", "96"),
    ("rtp.p_type", "97"),
    ("rtp.p_type", "98"),
    ("rtp.p_type", "111"),
    ("rtp.padding.count", "255"),
    ("rtcp.pt", "200"),
    ("rtcp.pt", "201"),
    ("rtcp.pt", "202"),
    ("rtcp.rtpfb.fmt", "1"),
    ("rtcp.rtpfb.fmt", "11"),
    ("rtcp.rtpfb.fmt", "15"),
    ("rtcp.psfb.fmt", "1"),
    ("rtcp.psfb.fmt", "4"),
    ("rtcp.xr.bt", "4"),
    ("rtcp.xr.bt", "5"),
    ("rtcp.xr.bt", "23"),
    ("stun.type", "0x0001"),
    ("stun.type", "0x0101"),
    ("dtls.record.content_type", "22"),
    ("dtls.record.content_type", "23"),
    ("rtp.version", "1"),
];

#[test]
fn tshark_counts_each_kind_as_the_reader_does() {
    let captured = capture(SCENARIO, None);
    let (mut ours, mut theirs) = (Counts::new(), tshark::Values::new());
    for name in ["forward", "backward"] {
        let packets = captured.read(name).packets;
        // Every packet of every interface can be read.
        for interface in 0..3 {
            let on = packets.iter().filter(|p| p.interface == interface);
            for payload in read(&captured, on) {
                count(&payload, &mut ours);
            }
        }
        let Some(found) = tshark::check(&captured.link(name)) else {
            return;
        };
        for (key, count) in found.values {
            *theirs.entry(key).or_default() += count;
        }
    }
    let of = |(field, value): (&'static str, &str)| {
        let found = theirs.get(&(field, value.to_owned()));
        found.copied().unwrap_or(0)
    };
    // Acknowledgements count with what they acknowledge.
    let acks = ours[&("ack", "")];
    let (records, short) = (("dtls.record.content_type", "23"), ("rtp.version", "1"));
    assert_eq!(
        of(records) + of(short),
        ours[&records] + ours[&short] + acks
    );
    for kind in KINDS {
        let known = ours.get(&kind).copied().unwrap_or(0);
        assert!(known > 0, "the scenario has no {kind:?}");
        if kind != records && kind != short {
            assert_eq!(of(kind), known, "{kind:?}");
        }
    }
}

/// From the RTP header to the tag.
fn body(packet: &Seen) -> Vec<u8> {
    packet.bytes[28..packet.bytes.len() - 10].to_vec()
}

#[test]
fn a_lost_media_packet_follows_from_the_repair_packets_of_the_capture() {
    let captured = capture(SCENARIO, None);
    // ULPFEC, Reed-Solomon, FlexFEC.
    for (flow, link) in [(0_u16, "forward"), (1, "backward"), (3, "forward")] {
        let config = &captured.case.scenario.flows[usize::from(flow)];
        let codec = flow_format(&captured.case, config).fec.unwrap();
        let packets = captured.read(link).packets;
        // All that was sent, and what of it was lost; numbers do not wrap in 6 s.
        let of = |interface, payload_type: u8| {
            let ssrc = [b'W', 0, flow as u8, payload_type];
            let on = packets.iter().filter(move |p| p.interface == interface);
            on.filter(move |p| p.bytes[36..40] == ssrc && p.bytes[29] & 0x7f == payload_type)
        };
        let seq =
            |packet: &Seen| u64::from(u16::from_be_bytes([packet.bytes[30], packet.bytes[31]]));
        let sent: BTreeMap<u64, Vec<u8>> = of(IN, 96).map(|p| (seq(p), body(p))).collect();
        let lost: Vec<u64> = of(DROPPED, 96).map(seq).collect();
        let mut arrived = sent.clone();
        arrived.retain(|seq, _| !lost.contains(seq));
        let gone: Vec<u64> = of(DROPPED, 98).map(seq).collect();
        let repairs: Vec<_> = of(IN, 98)
            .filter(|packet| !gone.contains(&seq(packet)))
            .map(|packet| {
                // Behind RTP header and extensions.
                let payload = body(packet)[24..].to_vec();
                (codec.header(&payload, seq(packet)).unwrap(), payload)
            })
            .collect();
        let restored = codec.decode(&arrived, &repairs);
        assert!(
            restored.len() > 3,
            "flow {flow}: {} of {}",
            restored.len(),
            lost.len()
        );
        for (seq, packet) in &restored {
            assert!(lost.contains(seq));
            assert_eq!(packet, &sent[seq], "flow {flow}, packet {seq}");
        }
    }
}
