//! Cells under load, for the tests of disciplines that serve several senders.

use weaknet_core::event::Event;
use weaknet_core::packet::{Ecn, FlowId, Leg, LinkId, Packet, Payload};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Streams, Time};

use crate::delay::ConstantDelay;
use crate::model::{Qdisc, Queue};
use crate::rate::UnlimitedRate;
use crate::{Link, Parts};

pub(super) type Events = Vec<(Time, Event)>;

pub(super) fn build<P: Plugin<Kind = Qdisc>>(config: &P, seed: u64) -> Result<Queue, BuildError> {
    let (streams, assets) = (Streams::new(seed), Assets::default());
    config.build(&BuildContext {
        path: "air/queue",
        streams: &streams,
        assets: &assets,
    })
}

/// The discipline in a link that adds nothing to it.
pub(super) fn link<P: Plugin<Kind = Qdisc>>(config: &P, seed: u64) -> Link {
    let (streams, assets) = (Streams::new(seed), Assets::default());
    let cx = BuildContext {
        path: "air",
        streams: &streams,
        assets: &assets,
    };
    let rate = UnlimitedRate {}.build(&cx).unwrap();
    let delay = ConstantDelay(Span::ZERO).build(&cx).unwrap();
    Link::new(
        LinkId(0),
        Parts::new(rate, build(config, seed).unwrap(), delay),
    )
}

pub(super) fn packet(flow: u16, leg: Leg, id: u64, size: u32) -> Packet {
    Packet {
        id,
        flow: FlowId(flow),
        leg,
        path: 0,
        hop: 0,
        ecn: Ecn::NotEct,
        damaged: false,
        size,
        sent: Time::ZERO,
        payload: Payload::Opaque,
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
