//! Links, packets and a driver for the tests.

use weaknet_core::event::Event;
use weaknet_core::packet::{Class, Ecn, FlowId, Leg, LinkId, Packet, Payload, SessionMessage};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Kind, Plugin, Streams, Time};
use weaknet_netem::model::{Queue, RateModel};
use weaknet_netem::{Delivery, Link, Parts, delay, rate};

pub(crate) fn build<P: Plugin>(plugin: &P, seed: u64) -> <P::Kind as Kind>::Product {
    let (streams, assets) = (Streams::new(seed), Assets::default());
    plugin
        .build(&BuildContext {
            path: "link/queue",
            streams: &streams,
            assets: &assets,
        })
        .unwrap()
}

/// A link without delay.
pub(crate) fn link(rate: Box<dyn RateModel>, queue: Queue) -> Link {
    let delay = build(&delay::ConstantDelay("0ms".parse().unwrap()), 1);
    Link::new(LinkId(0), Parts::new(rate, queue, delay))
}

pub(crate) fn constant(rate: &str) -> Box<dyn RateModel> {
    build(&rate::ConstantRate(rate.parse().unwrap()), 1)
}

pub(crate) fn packet(id: u64, size: u32, sent: Time) -> Packet {
    Packet {
        id,
        flow: FlowId(0),
        leg: Leg::Outward,
        path: 0,
        hop: 0,
        ecn: Ecn::NotEct,
        damaged: false,
        size,
        sent,
        payload: Payload::Opaque,
    }
}

/// What makes a packet of a class, for classes that need no RTP header.
pub(crate) fn payload(class: Class) -> Payload {
    match class {
        Class::Rtcp => Payload::Rtcp(Vec::new()),
        Class::Session => Payload::Session(SessionMessage::BindingRequest { transaction: 0 }),
        _ => Payload::Opaque,
    }
}

/// Sends packets by ascending `sent` and lets everything happen in order.
/// Whenever all that is due has happened, `check` sees the link, the instant
/// and what has been delivered so far.
pub(crate) fn drive(
    link: &mut Link,
    packets: &[Packet],
    events: &mut Vec<(Time, Event)>,
    mut check: impl FnMut(&Link, Time, &[Delivery]),
) -> Vec<Delivery> {
    let mut out = Vec::new();
    let mut drain = |link: &mut Link, until: Time, events: &mut Vec<(Time, Event)>| {
        while let Some(next) = link.next_event().filter(|next| *next <= until) {
            while let Some(delivery) = link.deliver(next, events) {
                out.push(delivery);
            }
            check(link, next, &out);
        }
    };
    for packet in packets {
        drain(link, packet.sent, events);
        link.arrive(packet.sent, packet.clone(), events);
        drain(link, packet.sent, events);
    }
    drain(link, Time::MAX, events);
    out
}
