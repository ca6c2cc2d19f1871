//! Disciplines alone on a link, and cells under load from several senders.

use weaknet_core::event::Event;
use weaknet_core::packet::{FlowId, Leg, LinkId, Packet};
use weaknet_core::{Plugin, Span, Time};

use crate::delay::ConstantDelay;
use crate::model::Qdisc;
use crate::rate::UnlimitedRate;
use crate::testing::{self, build, build_seeded};
use crate::{Link, Parts};

pub(super) type Events = Vec<(Time, Event)>;

/// The discipline in a link that adds nothing to it.
pub(super) fn link<P: Plugin<Kind = Qdisc>>(config: &P, seed: u64) -> Link {
    let rate = build(&UnlimitedRate {}).unwrap();
    let delay = build(&ConstantDelay(Span::ZERO)).unwrap();
    let queue = build_seeded(config, seed).unwrap();
    Link::new(LinkId(0), Parts::new(rate, queue, delay))
}

pub(super) fn packet(flow: u16, leg: Leg, id: u64, size: u32) -> Packet {
    Packet {
        leg,
        ..testing::packet(id, flow, size)
    }
}

/// Lets packets arrive in order of time and everything happen until `until`.
/// Returns what is delivered: when, and what.
pub(super) fn drive(
    link: &mut Link,
    arrivals: impl IntoIterator<Item = (Time, Packet)>,
    until: Time,
    events: &mut Events,
) -> Vec<(Time, Packet)> {
    let mut out = Vec::new();
    let mut drain = |link: &mut Link, until: Time, events: &mut Events| {
        while let Some(next) = link.next_event().filter(|next| *next <= until) {
            let delivery = link.deliver(next, events);
            out.extend(delivery.map(|delivery| (delivery.at, delivery.packet)));
        }
    };
    for (at, packet) in arrivals {
        drain(link, at, events);
        link.arrive(at, packet, events);
    }
    drain(link, until, events);
    out
}

/// So many packets of one size at time zero, for each of the flows.
pub(super) fn backlog(flows: u16, each: u64, size: u32) -> Vec<(Time, Packet)> {
    let of = |flow| (0..each).map(move |id| packet(flow, Leg::Outward, id, size));
    let all = (0..flows).flat_map(of);
    all.map(|packet| (Time::ZERO, packet)).collect()
}

/// Packets delivered of each flow.
pub(super) fn shares(delivered: &[(Time, Packet)], flows: u16) -> Vec<u64> {
    let of = |flow| {
        let own = delivered.iter().filter(|(_, p)| p.flow == FlowId(flow));
        own.count() as u64
    };
    (0..flows).map(of).collect()
}
