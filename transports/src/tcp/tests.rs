use std::collections::BTreeMap;

use proptest::prelude::*;
use weaknet_core::packet::{Ecn, FlowId, Leg, Packet, Payload, Protocol};
use weaknet_core::plugin::{Assets, BuildContext, Plugin};
use weaknet_core::rng::Streams;
use weaknet_core::tcp::TcpContent;
use weaknet_core::{Bitrate, Bytes, Outbox, Span, Time};

use super::config::{Framing, TcpConfig};
use super::connection::Connection;
use crate::cc::cubic::Cubic;
use crate::session::End;

const DELAY: Span = Span::from_millis(25);

/// Two ends and a link of 10 Mbit/s each way.
struct Wire {
    ends: [Connection; 2],
    busy: [Time; 2],
    way: BTreeMap<(Time, u64), (usize, Packet)>,
    count: u64,
    now: Time,
    /// When which datagram was read, by its number.
    read: Vec<(Time, u64)>,
    ready: Option<Time>,
}

fn datagram(number: u64, size: u32) -> Packet {
    Packet {
        id: number,
        flow: FlowId(0),
        leg: Leg::Outward,
        path: 0,
        hop: 0,
        ecn: Ecn::NotEct,
        damaged: false,
        protocol: Protocol::Tcp,
        size,
        sent: Time::ZERO,
        payload: Payload::Opaque,
    }
}

impl Wire {
    fn new(framing: Framing) -> Self {
        let cx = BuildContext {
            path: "call",
            streams: &Streams::new(1),
            assets: &Assets::default(),
        };
        let ends = [End::Sender, End::Receiver].map(|end| {
            Connection::new(TcpConfig {
                flow: FlowId(0),
                end,
                framing,
                send_buffer: Bytes::new(65_536),
                controller: Cubic::default().build(&cx).unwrap(),
            })
        });
        let mut wire = Self {
            ends,
            busy: [Time::ZERO; 2],
            way: BTreeMap::new(),
            count: 0,
            now: Time::ZERO,
            read: Vec::new(),
            ready: None,
        };
        wire.ends[0].open(Time::ZERO, 1);
        wire
    }

    fn step(&mut self, lose: &mut impl FnMut(&Packet) -> bool) {
        let mut sink = ();
        for end in 0..2 {
            let mut sent = Vec::new();
            let mut out = Outbox::new(self.now, &mut sent, &mut sink);
            self.ends[end].pump(&mut out);
            self.put(end, sent, lose);
        }
    }

    fn put(&mut self, from: usize, sent: Vec<Packet>, lose: &mut impl FnMut(&Packet) -> bool) {
        for packet in sent {
            assert_eq!(packet.protocol, Protocol::Tcp);
            self.count += 1;
            let size = Bytes::new(packet.size.into());
            let done = self.busy[from].max(self.now) + Bitrate::from_mbps(10).time_for(size);
            self.busy[from] = done;
            if !lose(&packet) {
                self.way
                    .insert((done + DELAY, self.count), (1 - from, packet));
            }
        }
    }

    /// Runs to `until`; at the times in `writes` the sender's end writes
    /// datagrams of these sizes. Says how many it took.
    fn run(
        &mut self,
        until: Time,
        writes: &[(Time, u32)],
        mut lose: impl FnMut(&Packet) -> bool,
    ) -> Vec<u64> {
        let (mut taken, mut written) = (Vec::new(), 0);
        loop {
            self.step(&mut lose);
            if self.ready.is_none() && self.ends[0].is_ready() {
                self.ready = Some(self.now);
            }
            while let Some((_, size)) = writes.get(written).filter(|(at, _)| *at <= self.now) {
                if self.ends[0].write(datagram(written as u64, *size)) {
                    taken.push(written as u64);
                }
                written += 1;
                self.step(&mut lose);
            }
            let wakes = self.ends.iter().filter_map(Connection::next_wake);
            let arrival = self.way.keys().next().map(|(at, _)| *at);
            let write = writes.get(written).map(|(at, _)| *at);
            let Some(next) = wakes.chain(arrival).chain(write).min() else {
                return taken;
            };
            if next > until {
                return taken;
            }
            self.now = self.now.max(next);
            while let Some(entry) = self.way.first_entry().filter(|e| e.key().0 <= self.now) {
                let (to, packet) = entry.remove();
                let (mut sent, mut sink) = (Vec::new(), ());
                let mut out = Outbox::new(self.now, &mut sent, &mut sink);
                if let Payload::Tcp(segment) = packet.payload {
                    self.ends[to].on_segment(packet.ecn, *segment, &mut out);
                }
                while let Some(datagram) = self.ends[to].read() {
                    self.read.push((self.now, datagram.id));
                }
                self.put(to, sent, &mut lose);
            }
        }
    }
}

fn is_data(packet: &Packet) -> bool {
    matches!(&packet.payload, Payload::Tcp(segment) if matches!(segment.content, TcpContent::Data(..)))
}

#[test]
fn channels_open_after_their_round_trips() {
    for (framing, round_trips) in [
        (Framing::Rfc4571, 1),
        (Framing::ChannelData, 3),
        (Framing::ChannelDataTls, 4),
    ] {
        let mut wire = Wire::new(framing);
        wire.run(Time::from_secs(2), &[], |_| false);
        let took = wire.ready.unwrap().since(Time::ZERO).as_millis_f64();
        // And what the segments take on the link: at most 6.6 kB, 5.3 ms.
        let least = 50.0 * f64::from(round_trips);
        assert!((least..least + 5.5).contains(&took), "{framing:?}: {took}");
    }
}

#[test]
fn a_lost_syn_costs_a_second() {
    let mut wire = Wire::new(Framing::Rfc4571);
    let mut first = true;
    wire.run(Time::from_secs(3), &[], |_| std::mem::take(&mut first));
    let took = wire.ready.unwrap().since(Time::ZERO);
    // 60 B at 10 Mbit/s each way are 96 us.
    assert_eq!(took, Span::from_micros(1_050_096));
}

#[test]
fn a_lost_segment_holds_up_those_behind_it() {
    let mut wire = Wire::new(Framing::Rfc4571);
    let writes: Vec<_> = (0..50)
        .map(|n| (Time::from_millis(500 + 10 * n), 1_000))
        .collect();
    let mut data = 0;
    let taken = wire.run(Time::from_secs(3), &writes, |packet| {
        data += u32::from(is_data(packet));
        data == 11 && is_data(packet)
    });
    assert_eq!(taken.len(), 50);
    let numbers: Vec<u64> = wire.read.iter().map(|(_, n)| *n).collect();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());
    let delay = |n: usize| wire.read[n].0 - writes[n].0;
    // 974 B and 52 B of headers take 820.8 us.
    let clean = DELAY + Span::from_nanos(820_800);
    assert!((0..10).all(|n| delay(n) == clean));
    // The acknowledgement of the next one comes 9/8 of a round trip after the
    // departure of the lost one, and the retransmission brings all that came
    // meanwhile at one instant.
    let told = Span::from_millis(10) + clean + ack_time() + DELAY;
    assert_eq!(delay(10), told + clean);
    let together = wire.read[10].0;
    let same = wire.read.iter().filter(|(at, _)| *at == together).count();
    // Those written until it was told.
    assert_eq!(same, 7);
    assert!((17..50).all(|n| delay(n) == clean));
}

/// 64 B of acknowledgement with one block of SACK.
fn ack_time() -> Span {
    Span::from_nanos(51_200)
}

#[test]
fn what_does_not_fit_the_send_buffer_is_dropped_whole() {
    let mut wire = Wire::new(Framing::Rfc4571);
    let writes: Vec<_> = (0..100).map(|_| (Time::from_millis(500), 1_228)).collect();
    let taken = wire.run(Time::from_secs(5), &writes, |_| false);
    // 1202 B each: 54 fit into 65536 B.
    assert_eq!(taken, (0..54).collect::<Vec<_>>());
    let read: Vec<u64> = wire.read.iter().map(|(_, n)| *n).collect();
    assert_eq!(read, taken);
}

#[test]
fn a_new_connection_forgets_the_old_one() {
    let mut wire = Wire::new(Framing::Rfc4571);
    let early = [(Time::from_millis(100), 1_000)];
    wire.run(Time::from_millis(200), &early, is_data);
    assert!(wire.read.is_empty());
    wire.ends[0].open(wire.now, 2);
    wire.ends[0].open(wire.now, 1);
    assert!(!wire.ends[0].is_ready());
    let late = [(Time::from_millis(400), 800)];
    wire.run(Time::from_secs(5), &late, |_| false);
    assert_eq!(wire.read.len(), 1, "only what was written later");
}

proptest! {
    /// Whatever is lost on the way, all that was taken is read, in order, once.
    #[test]
    fn everything_arrives_in_order(
        sizes in prop::collection::vec((0u64..40, 30u32..3_000), 1..120),
        losses in prop::collection::vec(prop::bool::weighted(0.15), 400),
        framing in prop::sample::select(vec![
            Framing::Rfc4571,
            Framing::ChannelData,
            Framing::ChannelDataTls,
        ]),
    ) {
        let mut wire = Wire::new(framing);
        let mut at = Time::from_millis(600);
        let writes: Vec<_> = sizes
            .iter()
            .map(|(gap, size)| {
                at += Span::from_millis(*gap);
                (at, *size)
            })
            .collect();
        let mut losses = losses.into_iter();
        let taken = wire.run(Time::from_secs(600), &writes, |_| losses.next().unwrap_or(false));
        let read: Vec<u64> = wire.read.iter().map(|(_, n)| *n).collect();
        prop_assert_eq!(read, taken);
    }
}
