//! Links and nodes for the tests.

use weaknet_core::event::{Event, EventSink};
use weaknet_core::packet::{Ecn, FlowId, Leg, LinkId, Packet, Payload, Protocol};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Node, Outbox, Plugin, Span, Streams, Time};
use weaknet_netem::{Link, Parts, delay, loss, queue, rate};
use weaknet_sim::{Flow, Path, World};

/// A link with a rate (`unlimited` or a number), a delay and a loss.
pub(crate) fn link(id: u16, rate: &str, delay: &str, loss: &str) -> Link {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let path = format!("link{id}");
    let cx = BuildContext {
        path: &path,
        streams: &streams,
        assets: &assets,
    };
    let rate = match rate {
        "unlimited" => rate::UnlimitedRate {}.build(&cx),
        number => rate::ConstantRate(number.parse().unwrap()).build(&cx),
    };
    let queue = queue::DropTail::default().build(&cx).unwrap();
    let delay = delay::ConstantDelay(delay.parse().unwrap()).build(&cx);
    let loss = loss::Bernoulli(loss.parse().unwrap()).build(&cx).unwrap();
    let parts = Parts {
        loss: vec![loss],
        ..Parts::new(rate.unwrap(), queue, delay.unwrap())
    };
    Link::new(LinkId(id), parts)
}

/// A link without rate and loss.
pub(crate) fn pipe(id: u16, delay: &str) -> Link {
    link(id, "unlimited", delay, "0%")
}

/// Sends packets of one size at a constant pace.
#[derive(Clone)]
pub(crate) struct Pacer {
    pub(crate) flow: u16,
    pub(crate) next: Time,
    pub(crate) every: Span,
    pub(crate) size: u32,
    pub(crate) left: u64,
}

impl Pacer {
    pub(crate) fn new(flow: u16, start: Time, every: Span, size: u32, count: u64) -> Self {
        Self {
            flow,
            next: start,
            every,
            size,
            left: count,
        }
    }
}

pub(crate) fn packet(flow: u16, leg: Leg, id: u64, size: u32, now: Time) -> Packet {
    let flow = FlowId(flow);
    Packet {
        id,
        flow,
        leg,
        path: 0,
        hop: 0,
        ecn: Ecn::NotEct,
        damaged: false,
        protocol: Protocol::Udp,
        size,
        sent: now,
        payload: Payload::Opaque,
    }
}

fn received(packet: &Packet, out: &mut Outbox<'_>) {
    let one_way = out.now() - packet.sent;
    out.event(Event::Received {
        packet: packet.tag(),
        one_way,
    });
}

impl Node for Pacer {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        received(packet, out);
    }
    fn wake(&mut self, out: &mut Outbox<'_>) {
        if self.left > 0 && self.next <= out.now() {
            self.left -= 1;
            self.next += self.every;
            let packet = packet(self.flow, Leg::Outward, self.left, self.size, out.now());
            out.event(Event::Sent {
                packet: packet.tag(),
                payload: 0,
            });
            out.send(packet);
        }
    }
    fn next_wake(&self) -> Option<Time> {
        (self.left > 0).then_some(self.next)
    }
}

/// Answers each packet with a small one.
#[derive(Clone)]
pub(crate) struct Answer;

impl Node for Answer {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        received(packet, out);
        let answer = self::packet(packet.flow.0, Leg::Return, packet.id, 60, out.now());
        out.event(Event::Sent {
            packet: answer.tag(),
            payload: 0,
        });
        out.send(answer);
    }
    fn wake(&mut self, _: &mut Outbox<'_>) {}
    fn next_wake(&self) -> Option<Time> {
        None
    }
}

/// A flow that can be made again: its sender and the links of its two legs.
pub(crate) type Plan = (Pacer, Vec<u16>, Vec<u16>);

pub(crate) fn flow(sender: Pacer, outward: &[u16], back: &[u16]) -> Flow {
    let route = |links: &[u16]| links.iter().copied().map(LinkId).collect();
    Flow {
        sender: Box::new(sender),
        receiver: Box::new(Answer),
        paths: vec![Path {
            outward: route(outward),
            back: route(back),
        }],
    }
}

pub(crate) fn run(
    links: Vec<Link>,
    flows: Vec<Flow>,
    until: Time,
    sink: &mut dyn EventSink,
) -> World {
    let mut world = World::new(links, flows).unwrap();
    world.run(until, sink).unwrap();
    world
}

/// `Received` events: when, which flow and leg, which packet.
pub(crate) fn arrivals(events: &[(Time, Event)]) -> Vec<(Time, u16, Leg, u64)> {
    let arrival = |(at, event): &(Time, Event)| match event {
        Event::Received { packet, .. } => Some((*at, packet.flow.0, packet.leg, packet.id)),
        _ => None,
    };
    events.iter().filter_map(arrival).collect()
}
