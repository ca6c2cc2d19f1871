//! Links, packets and a driver for the tests.

use std::collections::VecDeque;

use weaknet_core::event::{DropReason, Event};
use weaknet_core::packet::{
    Class, Ecn, FlowId, Leg, LinkId, Packet, Payload, Protocol, SessionMessage,
};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Kind, Plugin, Streams, Time};
use weaknet_netem::model::{Queue, QueueContext, QueueDiscipline, Queued};
use weaknet_netem::{Delivery, Link, Parts, delay, rate};

pub(crate) fn build<P: Plugin>(plugin: &P, seed: u64) -> <P::Kind as Kind>::Product {
    let (streams, assets) = (Streams::new(seed), Assets::default());
    plugin
        .build(&BuildContext {
            path: "link",
            streams: &streams,
            assets: &assets,
        })
        .unwrap()
}

/// A clean link.
pub(crate) fn parts(rate: &str, queue: Queue, delay: &str) -> Parts {
    let rate = if rate == "unlimited" {
        build(&rate::UnlimitedRate {}, 1)
    } else {
        build(&rate::ConstantRate(rate.parse().unwrap()), 1)
    };
    let delay = build(&delay::ConstantDelay(delay.parse().unwrap()), 1);
    Parts::new(rate, queue, delay)
}

pub(crate) fn link(parts: Parts) -> Link {
    Link::new(LinkId(0), parts)
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
        protocol: Protocol::Udp,
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

/// What a test lets arrive at a link.
pub(crate) trait Offered {
    fn packet(&self, id: u64) -> Packet;
}

impl Offered for Packet {
    fn packet(&self, _: u64) -> Packet {
        self.clone()
    }
}

/// When, and how large.
impl Offered for (Time, u32) {
    fn packet(&self, id: u64) -> Packet {
        packet(id, self.1, self.0)
    }
}

/// Sends packets by ascending time and lets everything happen in order.
pub(crate) fn drive(
    link: &mut Link,
    packets: &[impl Offered],
    events: &mut Vec<(Time, Event)>,
) -> Vec<Delivery> {
    run(link, packets, events, |_| {}, |_, _, _| {})
}

/// The same, with the books balanced at every step. Whenever all that is due has
/// happened, `check` sees the link, the instant and what has been delivered so
/// far.
pub(crate) fn drive_watched(
    link: &mut Link,
    packets: &[impl Offered],
    events: &mut Vec<(Time, Event)>,
    check: impl FnMut(&Link, Time, &[Delivery]),
) -> Vec<Delivery> {
    run(link, packets, events, keeps_its_books, check)
}

fn run(
    link: &mut Link,
    packets: &[impl Offered],
    events: &mut Vec<(Time, Event)>,
    at_every_step: impl Fn(&Link),
    mut check: impl FnMut(&Link, Time, &[Delivery]),
) -> Vec<Delivery> {
    let mut out = Vec::new();
    let mut drain = |link: &mut Link, until: Time, events: &mut Vec<(Time, Event)>| {
        while let Some(next) = link.next_event().filter(|next| *next <= until) {
            while let Some(delivery) = link.deliver(next, events) {
                out.push(delivery);
                at_every_step(link);
            }
            at_every_step(link);
            check(link, next, &out);
        }
    };
    for (id, offered) in packets.iter().enumerate() {
        let packet = offered.packet(id as u64);
        let now = packet.sent;
        drain(link, now, events);
        link.arrive(now, packet, events);
        at_every_step(link);
        drain(link, now, events);
    }
    drain(link, Time::MAX, events);
    out
}

/// Nothing is lost or made unseen, in packets and in bytes.
fn keeps_its_books(link: &Link) {
    let counts = link.counts();
    assert_eq!(
        counts.arrived + counts.copied,
        counts.delivered + counts.dropped + counts.lost + counts.inside
    );
}

/// Strict FIFO as a discipline of the general path: it must give what the
/// closed form gives.
pub(crate) struct StrictFifo {
    limit: u64,
    waiting: VecDeque<Queued>,
}

impl StrictFifo {
    pub(crate) fn boxed(limit: u64) -> Box<Self> {
        Box::new(Self {
            limit,
            waiting: VecDeque::new(),
        })
    }
}

impl QueueDiscipline for StrictFifo {
    fn enqueue(&mut self, queued: Queued, cx: &mut QueueContext<'_>) {
        // A packet for the idle serialiser passes through here, hence at least one.
        self.waiting.push_back(queued);
        if self.waiting.len() as u64 > self.limit.max(1)
            && let Some(queued) = self.waiting.pop_back()
        {
            cx.drop(queued, DropReason::Overflow);
        }
    }
    fn dequeue(&mut self, _: &mut QueueContext<'_>) -> Option<Queued> {
        self.waiting.pop_front()
    }
    fn packets(&self) -> u64 {
        self.waiting.len() as u64
    }
    fn bytes(&self) -> u64 {
        self.waiting
            .iter()
            .map(|queued| u64::from(queued.packet.size))
            .sum()
    }
}
