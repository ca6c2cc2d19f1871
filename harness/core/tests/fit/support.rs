//! Known links, driven with known traffic, and captured on both sides.

use weaknet_core::packet::{Ecn, FlowId, Leg, LinkId, Packet, Payload, Protocol};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Kind, Plugin, Streams, Time};
use weaknet_netem::model::{DelayModel, LossModel, Queue, RateModel};
use weaknet_netem::{Link, Parts, delay, loss, queue, rate};

pub(crate) fn build<P: Plugin>(plugin: &P, seed: u64) -> <P::Kind as Kind>::Product {
    let (streams, assets) = (Streams::new(seed), Assets::default());
    plugin
        .build(&BuildContext {
            path: "forward",
            streams: &streams,
            assets: &assets,
        })
        .unwrap()
}

/// A link whose parameters are known.
pub(crate) struct Known {
    pub(crate) rate: Box<dyn RateModel>,
    pub(crate) queue: Queue,
    pub(crate) delay: Box<dyn DelayModel>,
    pub(crate) loss: Box<dyn LossModel>,
}

/// 5 Mbit/s, 30 ms, no loss, a queue that is never full.
pub(crate) fn plain() -> Known {
    Known {
        rate: build(&rate::ConstantRate("5Mbps".parse().unwrap()), 1),
        queue: drop_tail("100s"),
        delay: build(&delay::ConstantDelay("30ms".parse().unwrap()), 1),
        loss: build(&loss::NoLoss {}, 1),
    }
}

pub(crate) fn drop_tail(limit: &str) -> Queue {
    let limit = limit.parse().unwrap();
    build(
        &queue::DropTail {
            limit,
            ..queue::DropTail::default()
        },
        1,
    )
}

pub(crate) fn uniform(min: &str, max: &str) -> Box<dyn DelayModel> {
    let [min, max] = [min, max].map(|text| text.parse().unwrap());
    let reorder = delay::Reorder::Forbidden;
    build(
        &delay::UniformDelay {
            min,
            max,
            reorder,
            ..delay::UniformDelay::default()
        },
        1,
    )
}

pub(crate) fn independent(share: &str) -> Box<dyn LossModel> {
    build(&loss::Bernoulli(share.parse().unwrap()), 3)
}

const SECOND: u64 = 1_000_000_000;

/// 400 bytes every 20 ms for 120 s times `rounds`, and in each of them 1200
/// bytes at `load` bit/s from 10 s to 40 s and from 70 s to 100 s.
pub(crate) fn traffic(load: u64, rounds: u64) -> Vec<(Time, u32)> {
    let cbr = (0..6_000 * rounds).map(|k| (k * 20_000_000, 400));
    let mut packets: Vec<(u64, u32)> = cbr.collect();
    let spacing = 1200 * 8 * SECOND / load;
    for from in (0..rounds).flat_map(|round| [120 * round + 10, 120 * round + 70]) {
        let count = 30 * SECOND / spacing;
        packets.extend((0..count).map(|k| (from * SECOND + 777 + k * spacing, 1200)));
    }
    packets.sort_unstable();
    packets
        .into_iter()
        .map(|(at, size)| (Time::from_nanos(at), size))
        .collect()
}

/// A passage as the capture points see it.
pub(crate) struct Seen {
    pub(crate) at: Time,
    pub(crate) id: u64,
    pub(crate) size: u32,
}

/// What goes in, and what comes out.
pub(crate) fn drive(known: Known, packets: &[(Time, u32)]) -> [Vec<Seen>; 2] {
    let parts = Parts {
        loss: vec![known.loss],
        ..Parts::new(known.rate, known.queue, known.delay)
    };
    let mut link = Link::new(LinkId(0), parts);
    let (mut entered, mut left) = (Vec::new(), Vec::new());
    let mut events = Vec::new();
    let mut drain = |link: &mut Link, until: Time, events: &mut Vec<_>| {
        while let Some(next) = link.next_event().filter(|next| *next <= until) {
            left.extend(link.deliver(next, events).map(|delivery| Seen {
                at: delivery.at,
                id: delivery.packet.id,
                size: delivery.packet.size,
            }));
            events.clear();
        }
    };
    for (id, (at, size)) in packets.iter().enumerate() {
        drain(&mut link, *at, &mut events);
        let id = id as u64;
        entered.push(Seen {
            at: *at,
            id,
            size: *size,
        });
        let packet = Packet {
            id,
            flow: FlowId(0),
            leg: Leg::Outward,
            path: 0,
            hop: 0,
            damaged: false,
            protocol: Protocol::Udp,
            ecn: Ecn::NotEct,
            size: *size,
            sent: *at,
            payload: Payload::Opaque,
        };
        link.arrive(*at, packet, &mut events);
    }
    drain(&mut link, Time::MAX, &mut events);
    [entered, left]
}

/// A pcapng file of raw IPv4 with an interface for each point.
pub(crate) fn pcapng(points: &[(&str, &[Seen])]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut section = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
    section.extend([1, 0, 0, 0]);
    section.extend([0xff; 8]);
    block(&mut file, 0x0a0d_0d0a, &section);
    for (name, _) in points {
        let mut body = [101u16.to_le_bytes(), [0; 2], [0; 2], [0; 2]].concat();
        option(&mut body, 2, name.as_bytes());
        option(&mut body, 9, &[9]);
        option(&mut body, 0, &[]);
        block(&mut file, 1, &body);
    }
    for (interface, (_, seen)) in points.iter().enumerate() {
        for packet in *seen {
            let nanos = 1_700_000_000_000_000_000 + packet.at.as_nanos();
            let data = ipv4(packet);
            let mut body = Vec::new();
            for word in [
                interface as u32,
                (nanos >> 32) as u32,
                nanos as u32,
                data.len() as u32,
                packet.size,
            ] {
                body.extend(word.to_le_bytes());
            }
            body.extend(data);
            block(&mut file, 6, &body);
        }
    }
    file
}

/// A classic capture with nanoseconds.
pub(crate) fn pcap(seen: &[Seen], clock_ahead: u64) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_3c4d, 0x0004_0002, 0, 0, 65_535, 101u32] {
        file.extend(word.to_le_bytes());
    }
    for packet in seen {
        let nanos = 1_700_000_000_000_000_000 + clock_ahead + packet.at.as_nanos();
        let data = ipv4(packet);
        for word in [
            (nanos / SECOND) as u32,
            (nanos % SECOND) as u32,
            data.len() as u32,
            packet.size,
        ] {
            file.extend(word.to_le_bytes());
        }
        file.extend(data);
    }
    file
}

/// IPv4, UDP and RTP headers, as much as a small snap length keeps.
fn ipv4(packet: &Seen) -> Vec<u8> {
    let size = (packet.size as u16).to_be_bytes();
    let udp = (packet.size as u16 - 20).to_be_bytes();
    let id = (packet.id as u16).to_be_bytes();
    let mut data = vec![
        0x45, 0, size[0], size[1], id[0], id[1], 0x40, 0, 64, 17, 0, 0,
    ];
    data.extend([192, 0, 2, 1, 192, 0, 2, 2]);
    data.extend([0xc3, 0x50, 0xc3, 0x51, udp[0], udp[1], 0, 0]);
    data.extend([0x80, 96, id[0], id[1]]);
    data.extend(((packet.id * 1800) as u32).to_be_bytes());
    data.extend([1, 2, 3, 4]);
    data
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let length = (12 + body.len().next_multiple_of(4)) as u32;
    file.extend(kind.to_le_bytes());
    file.extend(length.to_le_bytes());
    file.extend(body);
    file.resize(file.len().next_multiple_of(4), 0);
    file.extend(length.to_le_bytes());
}
