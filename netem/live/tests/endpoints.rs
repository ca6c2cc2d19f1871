//! What one endpoint sends the other one gets, over sockets of the loopback device.
#![cfg(target_os = "linux")]

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use weaknet_core::packet::{
    Ack, AckDetails, Arrival, Ecn, FlowId, Leg, Media, Message, MessagePacket, Packet, Payload,
    Picture, Protocol, RepairPacket, Rtcp, Rtp, RtpKind, SessionMessage, StreamPiece,
};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Event, Node, Outbox, Plugin as _, Span, Streams, Time};
use weaknet_live::Clock;
use weaknet_live::endpoint::{Datagrams, Endpoint, Endpoints, EventMerge, FlowPorts, Ledger};
use weaknet_transports::fec::Ulpfec;
use weaknet_transports::rtp::{Overhead, rtcp_size};
use weaknet_transports::wire::FlowFormat;

const FLOW: FlowId = FlowId(3);
/// More than any of these takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends packets one by one, each at its time.
struct Script {
    todo: VecDeque<(Time, Packet)>,
    sent: Log,
    /// When it was woken, and when it had wanted to be.
    wakes: Arc<Mutex<Vec<(Time, Time)>>>,
}

/// Packets in order.
type Log = Arc<Mutex<Vec<Packet>>>;

impl Node for Script {
    fn receive(&mut self, _: &mut Packet, _: &mut Outbox<'_>) {}

    fn wake(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        while let Some((at, mut packet)) = self.todo.pop_front_if(|(at, _)| *at <= now) {
            self.wakes.lock().unwrap().push((now, at));
            packet.sent = now;
            self.sent.lock().unwrap().push(packet.clone());
            out.send(packet);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        self.todo.front().map(|(at, _)| *at)
    }
}

/// Keeps what it receives.
struct Keeper(Log);

impl Node for Keeper {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        out.event(Event::Received {
            packet: packet.tag(),
            one_way: out.now() - packet.sent,
        });
        self.0.lock().unwrap().push(packet.take());
    }

    fn wake(&mut self, _: &mut Outbox<'_>) {}

    fn next_wake(&self) -> Option<Time> {
        None
    }
}

/// A call with ULPFEC, or messages.
fn format(messages: bool) -> FlowFormat {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let cx = BuildContext {
        path: "call",
        streams: &streams,
        assets: &assets,
    };
    let fec = Ulpfec::default().build(&cx).unwrap().video().unwrap();
    FlowFormat {
        overhead: overhead(),
        fec: fec.codec,
        messages,
    }
}

fn overhead() -> Overhead {
    let mut overhead = Overhead::WEBRTC;
    overhead.video_descriptor += 1;
    overhead
}

/// A run: what was sent, what came, when the sender was woken, what was counted, and
/// what was told.
struct Seen {
    sent: Vec<Packet>,
    received: Vec<Packet>,
    wakes: Vec<(Time, Time)>,
    datagrams: Datagrams,
    events: Vec<(Time, Event)>,
}

/// Runs a script until so many packets have come.
fn run(packets: Vec<(Time, Packet)>, coming: usize, leg: Leg, messages: bool) -> Seen {
    let other = match leg {
        Leg::Outward => Leg::Return,
        Leg::Return => Leg::Outward,
    };
    let (sent, received) = (Log::default(), Log::default());
    let wakes = Arc::default();
    let script = Script {
        todo: packets.into(),
        sent: Arc::clone(&sent),
        wakes: Arc::clone(&wakes),
    };
    let keeper = Keeper(Arc::clone(&received));
    // Any free ports: tests run side by side.
    let any = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let [a, b] = [(); 2].map(|()| std::net::UdpSocket::bind(any).unwrap());
    let address = |socket: &std::net::UdpSocket| match socket.local_addr().unwrap() {
        std::net::SocketAddr::V4(address) => address,
        std::net::SocketAddr::V6(_) => unreachable!(),
    };
    let (left, right) = (address(&a), address(&b));
    a.connect(right).unwrap();
    b.connect(left).unwrap();
    let endpoint = |node, leg, addresses, socket| Endpoint {
        node,
        flow: FLOW,
        leg,
        addresses,
        socket,
        formats: [format(messages), format(messages)],
    };
    let ends = vec![
        vec![endpoint(Box::new(script), leg, [left, right], a)],
        vec![endpoint(Box::new(keeper), other, [right, left], b)],
    ];
    let (ledger, mut events) = (Ledger::default(), EventMerge::default());
    let clock = Clock::start();
    let until = Time::from_secs(3_600);
    let endpoints = Endpoints::start(ends, clock, until, &ledger, &mut events).unwrap();
    let start = Instant::now();
    while received.lock().unwrap().len() < coming && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(1));
    }
    endpoints.stop();
    let datagrams = endpoints.finish().unwrap();
    let mut told: Vec<(Time, Event)> = Vec::new();
    events.hand_on(Time::MAX, &mut told);
    let take = |log: Log| std::mem::take(&mut *log.lock().unwrap());
    let wakes: Vec<(Time, Time)> = std::mem::take(&mut wakes.lock().unwrap());
    Seen {
        sent: take(sent),
        received: take(received),
        wakes,
        datagrams,
        events: told,
    }
}

/// What is sent is what comes: payload, size, codepoint, number and time.
fn comes_as_it_is(packets: Vec<Packet>, leg: Leg, messages: bool) {
    let count = packets.len();
    let script = packets.into_iter().map(|packet| (Time::ZERO, packet));
    let seen = run(script.collect(), count, leg, messages);
    assert_eq!(seen.received.len(), count, "{:?}", seen.datagrams);
    for (sent, received) in seen.sent.iter().zip(&seen.received) {
        assert_eq!(received, sent);
    }
    let expected = Datagrams {
        sent: count as u64,
        received: count as u64,
        ..Datagrams::default()
    };
    assert_eq!(seen.datagrams, expected);
    assert!(seen.events.is_sorted_by_key(|(at, _)| *at));
    assert_eq!(seen.events.len(), count);
}

fn packet(id: u64, leg: Leg, ecn: Ecn, size: u32, payload: Payload) -> Packet {
    Packet {
        id,
        flow: FLOW,
        leg,
        ecn,
        size,
        payload,
        ..Packet::VACANT
    }
}

const ALL_ECN: [Ecn; 4] = [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce];

/// The first instant with this timestamp.
fn captured(timestamp: u64, clock: u64) -> Time {
    Time::from_nanos((timestamp * 1_000_000_000).div_ceil(clock))
}

fn video(seq: u64, kind: RtpKind, payload: u16) -> Rtp {
    Rtp {
        media: Media::Video,
        kind,
        seq,
        transport_seq: seq,
        timestamp: seq * 3_000,
        frame: seq / 4,
        part: (seq % 4) as u16,
        parts: 4,
        key: seq < 4,
        payload,
        picture: Picture {
            width: 640,
            height: 360,
            ..Picture::default()
        },
        captured: captured(seq * 3_000, 90_000),
    }
}

fn rtp_packet(id: u64, ecn: Ecn, rtp: Rtp) -> Packet {
    let size = overhead().size_of(&rtp);
    packet(id, Leg::Outward, ecn, size, Payload::Rtp(rtp))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn media_come_as_they_are(
        packets in prop::collection::vec((0u8..3, 20u16..1_100, 0usize..4), 1..60),
    ) {
        let made = (0_u64..).zip(packets).map(|(seq, (kind, payload, ecn))| {
            let rtp = match kind {
                0 => video(seq, RtpKind::Media, payload),
                1 => video(seq, RtpKind::Rtx, payload),
                _ => Rtp {
                    media: Media::Audio,
                    timestamp: seq * 960,
                    frame: seq,
                    part: 0,
                    parts: 1,
                    key: true,
                    picture: Picture::default(),
                    captured: captured(seq * 960, 48_000),
                    ..video(seq, RtpKind::Media, payload)
                },
            };
            rtp_packet(seq, ALL_ECN[ecn], rtp)
        });
        comes_as_it_is(made.collect(), Leg::Outward, false);
    }

    #[test]
    fn streams_come_as_they_are(
        pieces in prop::collection::vec((any::<u32>(), 1u16..1_400, any::<bool>()), 1..60),
    ) {
        let made = (0_u64..).zip(pieces).map(|(number, (offset, length, again))| {
            let piece = StreamPiece {
                number,
                offset: offset.into(),
                waits_for: 9,
                length,
                again,
                last: number == 5,
            };
            let size = u32::from(length) + 28 + 13 + 12 + 16;
            packet(number, Leg::Outward, Ecn::Ect1, size, Payload::Stream(piece))
        });
        comes_as_it_is(made.collect(), Leg::Outward, false);
    }

    #[test]
    fn messages_come_with_their_times(
        sizes in prop::collection::vec((1u16..300, any::<bool>(), any::<u32>()), 1..40),
    ) {
        let made = (0_u64..).zip(sizes).map(|(number, (size, again, given))| {
            let message = Message { number, size, again, given: Time::from_nanos(given.into()) };
            let carried = MessagePacket {
                number,
                waits_for: 3,
                forget_below: 0,
                messages: vec![message],
            };
            let body = u32::from(size).next_multiple_of(4);
            let size = 28 + 13 + 8 + 12 + 16 + body + 16;
            let payload = Payload::Messages(Box::new(carried));
            packet(number, Leg::Outward, Ecn::NotEct, size, payload)
        });
        comes_as_it_is(made.collect(), Leg::Outward, true);
    }

    #[test]
    fn cross_traffic_comes_in_its_sizes(sizes in prop::collection::vec(28u32..=1_500, 1..60)) {
        let made = (1_u64..).zip(sizes).map(|(id, size)| {
            // Below this there is no room for a number that tells them apart.
            let size = if size < 36 { size + 8 } else { size };
            packet(id, Leg::Outward, Ecn::Ect0, size, Payload::Opaque)
        });
        comes_as_it_is(made.collect(), Leg::Outward, false);
    }
}

#[test]
fn reports_and_checks_come_as_they_are() {
    let arrivals = (10..20).map(|seq| Arrival {
        seq,
        at: (seq % 3 != 0).then(|| Time::from_millis(64 * seq)),
        ecn: Ecn::NotEct,
    });
    let feedback = Rtcp::TransportFeedback {
        arrivals: arrivals.collect(),
    };
    let reports = [
        vec![feedback],
        vec![Rtcp::Nack {
            media: Media::Video,
            seqs: vec![4, 5, 9],
        }],
        vec![Rtcp::Pli],
        vec![Rtcp::Fir { seq: 7 }],
    ];
    let mut packets = Vec::new();
    for (id, report) in (0_u64..).zip(reports) {
        let size = rtcp_size(&report, &overhead());
        let payload = Payload::Rtcp(report);
        packets.push(packet(id, Leg::Return, Ecn::NotEct, size, payload));
    }
    let ack = Ack {
        largest: 90,
        before: 4,
        delay_us: 800,
        more: Some(Box::new(AckDetails {
            ranges: vec![(70, 80), (1, 3)],
            ecn: [1, 2, 3],
            arrivals: Vec::new(),
        })),
    };
    packets.push(packet(4, Leg::Return, Ecn::Ect0, 100, Payload::Ack(ack)));
    let checks = [
        SessionMessage::BindingRequest { transaction: 5 },
        SessionMessage::BindingResponse { transaction: 6 },
        SessionMessage::Handshake {
            flight: 2,
            part: 1,
            parts: 3,
        },
    ];
    for (id, (check, size)) in (5..).zip(checks.into_iter().zip([124, 92, 900])) {
        let payload = Payload::Session(check);
        packets.push(packet(id, Leg::Return, Ecn::NotEct, size, payload));
    }
    let offer = SessionMessage::Offer { generation: 2 };
    packets.push(Packet {
        protocol: Protocol::Tcp,
        ..packet(8, Leg::Return, Ecn::NotEct, 900, Payload::Session(offer))
    });
    comes_as_it_is(packets, Leg::Return, false);
}

#[test]
fn repair_packets_come_with_what_they_protect() {
    let sources: Vec<Rtp> = (0..4).map(|seq| video(seq, RtpKind::Media, 500)).collect();
    let mut packets: Vec<Packet> = sources
        .iter()
        .map(|rtp| rtp_packet(rtp.seq, Ecn::NotEct, *rtp))
        .collect();
    let (streams, assets) = (Streams::new(1), Assets::default());
    let cx = BuildContext {
        path: "call",
        streams: &streams,
        assets: &assets,
    };
    let mut encoder = Ulpfec::default()
        .build(&cx)
        .unwrap()
        .video()
        .unwrap()
        .encoder;
    let protection = weaknet_transports::fec::Protection {
        rate: 0.5,
        max_frames: 1,
        bursts: false,
    };
    let mut due = Vec::new();
    for rtp in &sources {
        let source = weaknet_transports::fec::Source {
            seq: rtp.seq,
            payload: rtp.payload,
            frame: rtp.frame,
            part: rtp.part,
            parts: rtp.parts,
            key: rtp.key,
        };
        encoder.on_media(Time::ZERO, &source, &protection, &mut due);
    }
    assert!(!due.is_empty(), "half of the packets are protected");
    for (number, repair) in (4_u64..).zip(due) {
        let protects = repair.protects.iter().map(|seq| sources[*seq as usize]);
        let rtp = Rtp {
            payload: repair.payload,
            // As senders number them: the newest that it protects.
            seq: repair.protects.last().copied().unwrap(),
            transport_seq: number,
            ..video(3, RtpKind::Fec, 0)
        };
        let size = overhead().size_of(&rtp);
        let payload = Payload::Repair(Box::new(RepairPacket {
            rtp,
            symbol: repair.symbol,
            protects: protects.collect(),
        }));
        packets.push(packet(number, Leg::Outward, Ecn::NotEct, size, payload));
    }
    comes_as_it_is(packets, Leg::Outward, false);
}

#[test]
fn nothing_is_early() {
    let times = (0..200).map(|step| Time::from_micros(730 * step));
    let script = times.enumerate().map(|(id, at)| {
        let packet = packet(id as u64, Leg::Outward, Ecn::NotEct, 200, Payload::Opaque);
        (at, packet)
    });
    let seen = run(script.collect(), 200, Leg::Outward, false);
    assert_eq!(seen.wakes.len(), 200);
    for (now, at) in &seen.wakes {
        assert!(now >= at, "woken at {now:?}, wanted {at:?}");
    }
    let delays = seen.events.iter().map(|(_, event)| match event {
        Event::Received { one_way, .. } => *one_way,
        other => panic!("{other:?}"),
    });
    assert!(delays.clone().all(|delay| delay > Span::ZERO));
    assert_eq!(delays.count(), 200);
}

#[test]
fn what_a_device_does_not_take_is_counted() {
    let long = packet(0, Leg::Outward, Ecn::NotEct, 1_501, Payload::Opaque);
    let fits = packet(1, Leg::Outward, Ecn::NotEct, 1_500, Payload::Opaque);
    let astray = Packet {
        path: 1,
        ..fits.clone()
    };
    let script = vec![(Time::ZERO, long), (Time::ZERO, astray), (Time::ZERO, fits)];
    let seen = run(script, 1, Leg::Outward, false);
    assert_eq!((seen.datagrams.sent, seen.datagrams.too_long), (1, 1));
    assert_eq!(seen.received.len(), 1);
    let astray = |(_, event): &&(Time, Event)| matches!(event, Event::NoPath { .. });
    assert_eq!(seen.events.iter().filter(astray).count(), 1);
}

#[test]
fn each_flow_has_its_ports() {
    let of = |flow| FlowPorts::of(FlowId(flow)).map(|ports| (ports.sender, ports.receiver));
    assert_eq!(of(0), Some((50_000, 50_001)));
    assert_eq!(of(2), Some((50_004, 50_005)));
    assert_eq!(of(7_767), Some((65_534, 65_535)));
    assert_eq!((of(7_768), of(u16::MAX)), (None, None));
}
