//! An oracle: the rule of order, word for word, with a scan over everything.

use weaknet_core::event::EventSink;
use weaknet_core::packet::{Leg, LinkId, Packet};
use weaknet_core::{Node, Outbox, Time};
use weaknet_netem::Link;

use crate::support::{Answer, Plan};

pub(crate) struct PlainDriver {
    pub(crate) links: Vec<Link>,
    pub(crate) nodes: Vec<Box<dyn Node>>,
    pub(crate) routes: Vec<Vec<u16>>,
}

impl PlainDriver {
    pub(crate) fn new(links: Vec<Link>, flows: Vec<Plan>) -> Self {
        let (mut nodes, mut routes): (Vec<Box<dyn Node>>, _) = (Vec::new(), Vec::new());
        for (sender, outward, back) in flows {
            nodes.push(Box::new(sender));
            nodes.push(Box::new(Answer));
            routes.extend([outward, back]);
        }
        Self {
            links,
            nodes,
            routes,
        }
    }

    pub(crate) fn run(&mut self, until: Time, sink: &mut dyn EventSink) {
        loop {
            let links = self
                .links
                .iter()
                .enumerate()
                .filter_map(|(i, link)| Some((link.next_event()?, 0, i)));
            let nodes = self
                .nodes
                .iter()
                .enumerate()
                .filter_map(|(i, node)| Some((node.next_wake()?, 1, i)));
            let Some((now, class, id)) = links.chain(nodes).min().filter(|(at, ..)| *at < until)
            else {
                return;
            };
            if class == 1 {
                self.turn(now, id, None, sink);
            } else if let Some(delivery) = self.links[id].deliver(now, sink) {
                let packet = Packet {
                    hop: delivery.packet.hop + 1,
                    ..delivery.packet
                };
                self.pass_on(now, packet, sink);
            }
        }
    }

    fn turn(&mut self, now: Time, node: usize, packet: Option<Packet>, sink: &mut dyn EventSink) {
        let mut sent = Vec::new();
        let mut out = Outbox::new(now, &mut sent, sink);
        match packet {
            Some(mut packet) => self.nodes[node].receive(&mut packet, &mut out),
            None => self.nodes[node].wake(&mut out),
        }
        for packet in sent {
            self.pass_on(now, packet, sink);
        }
    }

    fn pass_on(&mut self, now: Time, packet: Packet, sink: &mut dyn EventSink) {
        let origin = 2 * usize::from(packet.flow.0) + usize::from(packet.leg == Leg::Return);
        match self.routes[origin]
            .get(usize::from(packet.hop))
            .map(|link| LinkId(*link))
        {
            Some(LinkId(link)) => self.links[usize::from(link)].arrive(now, packet, sink),
            None => self.turn(now, origin ^ 1, Some(packet), sink),
        }
    }
}
