//! Links, nodes and routes, and the loop that drives them.

use std::collections::VecDeque;

use weaknet_core::event::{Event, EventSink};
use weaknet_core::packet::{FlowId, Leg, LinkId, Packet};
use weaknet_core::{Node, Outbox, Time};
use weaknet_netem::{Link, Released, Tap};

use crate::agenda::Agenda;
use crate::component::{Component, origin};
use crate::routes::{Path, Routes};

/// Events at one instant after which a run is given up.
const MOST_AT_ONE_INSTANT: u64 = 1_000_000;

/// A flow: its two ends and the links between them.
pub struct Flow {
    /// The end that sends on the outward leg.
    pub sender: Box<dyn Node>,
    /// The end that sends on the return leg.
    pub receiver: Box<dyn Node>,
    /// Its paths, at least one. Each packet takes the one that it names by
    /// position, on either leg. A packet that names a path that is not there
    /// goes nowhere: [`Event::NoPath`] tells.
    pub paths: Vec<Path>,
}

/// Why links and flows do not make a world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Links are numbered by their position.
    #[error("the link at position {position} says that it is link {}", id.0)]
    Numbering {
        /// Its position.
        position: usize,
        /// Its own id.
        id: LinkId,
    },
    /// A route names a link that is not there.
    #[error("a route of flow {flow} names link {}, which does not exist", link.0)]
    NoSuchLink {
        /// The flow's position.
        flow: usize,
        /// The link.
        link: LinkId,
    },
    /// A route has more links than a packet can count.
    #[error("a route of flow {flow} has {length} links: expected at most 255")]
    TooLong {
        /// The flow's position.
        flow: usize,
        /// Its number of links.
        length: usize,
    },
    /// A flow has no path, or more than a packet can name.
    #[error("flow {flow} has {count} paths: expected 1 to 256")]
    Paths {
        /// The flow's position.
        flow: usize,
        /// Its number of paths.
        count: usize,
    },
    /// There are more flows than ids.
    #[error("there are {0} flows: expected at most 65536")]
    TooMany(usize),
}

/// Time stands still: the components act again and again at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{component} acts at {} for ever: {MOST_AT_ONE_INSTANT} events without time passing", at.since_start())]
pub struct Stuck {
    /// The instant.
    pub at: Time,
    /// Who acted last.
    pub component: Component,
}

/// Everything that takes part in a run.
pub struct World {
    links: Vec<Link>,
    /// Two per flow: sender, receiver.
    nodes: Vec<Box<dyn Node>>,
    routes: Routes,
    link_agenda: Agenda,
    node_agenda: Agenda,
    now: Time,
    events_at_now: u64,
    /// Events before `now`.
    events_before: u64,
    /// What a node has just sent.
    sent: Vec<Packet>,
    /// Packets on empty routes.
    direct: VecDeque<Packet>,
}

impl World {
    /// A world at time zero. The link at position i must have id i.
    ///
    /// # Errors
    /// See [`Misfit`].
    pub fn new(links: Vec<Link>, flows: Vec<Flow>) -> Result<Self, Misfit> {
        if let Some((position, link)) = links
            .iter()
            .enumerate()
            .find(|(i, link)| usize::from(link.id().0) != *i)
        {
            return Err(Misfit::Numbering {
                position,
                id: link.id(),
            });
        }
        if flows.len() > usize::from(u16::MAX) + 1 {
            return Err(Misfit::TooMany(flows.len()));
        }
        let (mut nodes, mut routes) = (Vec::new(), Routes::default());
        for (position, flow) in flows.into_iter().enumerate() {
            check_paths(position, &flow.paths, links.len())?;
            let legs = flow.paths.into_iter().map(|path| (path.outward, path.back));
            let (outward, back): (Vec<_>, Vec<_>) = legs.unzip();
            for (node, paths) in [(flow.sender, outward), (flow.receiver, back)] {
                nodes.push(node);
                routes.push(paths);
            }
        }
        let (link_agenda, node_agenda) = (Agenda::new(links.len()), Agenda::new(nodes.len()));
        let (sent, direct) = (Vec::new(), VecDeque::new());
        Ok(Self {
            links,
            nodes,
            routes,
            link_agenda,
            node_agenda,
            now: Time::ZERO,
            events_at_now: 0,
            events_before: 0,
            sent,
            direct,
        })
    }

    /// The links, by their ids.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Events that have been handled so far: each turn of a link, with the packet
    /// that leaves it, and each wake of a node.
    #[must_use]
    pub const fn handled(&self) -> u64 {
        self.events_before + self.events_at_now
    }

    /// Lets someone see all packets on a link from now on. Nothing happens when
    /// there is no such link.
    pub fn set_tap(&mut self, link: LinkId, tap: Box<dyn Tap>) {
        if let Some(link) = self.links.get_mut(usize::from(link.0)) {
            link.set_tap(tap);
        }
    }

    /// Runs all events before `until`; those at `until` are left for the next
    /// call.
    ///
    /// # Errors
    /// When events follow each other at one instant without end.
    pub fn run<S: EventSink + ?Sized>(&mut self, until: Time, sink: &mut S) -> Result<(), Stuck> {
        for link in 0..self.links.len() {
            self.note_link(link);
        }
        for node in 0..self.nodes.len() {
            self.note_node(node);
        }
        loop {
            let ((link_at, link), (node_at, node)) =
                (self.link_agenda.first(), self.node_agenda.first());
            let at = link_at.min(node_at);
            if at >= until {
                return Ok(());
            }
            if at > self.now {
                self.now = at;
                self.events_before += self.events_at_now;
                self.events_at_now = 0;
            }
            if link_at <= node_at {
                self.run_link(link, sink)?;
            } else {
                self.wake(node, sink)?;
            }
            if !self.direct.is_empty() {
                self.receive_direct(sink)?;
            }
        }
    }

    #[inline(always)]
    fn run_link<S: EventSink + ?Sized>(&mut self, link: usize, sink: &mut S) -> Result<(), Stuck> {
        self.count(link)?;
        let Some(Released { packet, next, .. }) = self.links[link].release(self.now, sink) else {
            self.note_link(link);
            return Ok(());
        };
        self.link_agenda.set(link, next);
        let hop = packet.hop.saturating_add(1);
        if let Some(next) = self.routes.next_link(packet, hop) {
            let mut packet = packet.take();
            packet.hop = hop;
            self.put_on(next, packet, sink);
            return Ok(());
        }
        let node = peer(packet);
        packet.hop = hop;
        hand_over(
            &mut self.nodes[node],
            packet,
            self.now,
            &mut self.sent,
            sink,
        );
        self.send(node, sink);
        Ok(())
    }

    #[inline(never)]
    fn put_on<S: EventSink + ?Sized>(&mut self, link: usize, packet: Packet, sink: &mut S) {
        self.links[link].arrive(self.now, packet, sink);
        self.note_link(link);
    }

    /// Hands over what was sent on empty routes.
    #[inline(never)]
    fn receive_direct<S: EventSink + ?Sized>(&mut self, sink: &mut S) -> Result<(), Stuck> {
        while let Some(mut packet) = self.direct.pop_front() {
            let node = peer(&packet);
            self.count(self.links.len() + node)?;
            let end = &mut self.nodes[node];
            hand_over(end, &mut packet, self.now, &mut self.sent, sink);
            self.send(node, sink);
        }
        Ok(())
    }

    #[inline(never)]
    fn wake<S: EventSink + ?Sized>(&mut self, node: usize, mut sink: &mut S) -> Result<(), Stuck> {
        self.count(self.links.len() + node)?;
        self.nodes[node].wake(&mut Outbox::new(self.now, &mut self.sent, &mut sink));
        self.send(node, sink);
        Ok(())
    }

    /// Sends what a node has put into its outbox. Whose packet it is and where
    /// it stands on its route is for the world to say.
    #[inline(always)]
    fn send<S: EventSink + ?Sized>(&mut self, node: usize, sink: &mut S) {
        self.note_node(node);
        if self.sent.is_empty() {
            return;
        }
        let (flow, leg) = end(node);
        for packet in &mut self.sent {
            if (packet.flow, packet.leg, packet.hop) != (flow, leg, 0) {
                (packet.flow, packet.leg, packet.hop) = (flow, leg, 0);
            }
            match self.routes.next_link(packet, 0) {
                Some(first) => {
                    let link = &mut self.links[first];
                    link.arrive_from(packet, self.now, sink);
                    self.link_agenda.set(first, link.next_event());
                }
                None if self.routes.has_path(packet) => self.direct.push_back(packet.take()),
                None => {
                    let packet = packet.take().tag();
                    sink.event(self.now, &Event::NoPath { packet });
                }
            }
        }
        // All places are vacant: there is nothing to drop.
        self.sent.drain(..).for_each(std::mem::forget);
    }

    #[inline(always)]
    fn note_link(&mut self, link: usize) {
        self.link_agenda.set(link, self.links[link].next_event());
    }

    #[inline(always)]
    fn note_node(&mut self, node: usize) {
        // A wish in the past means now.
        let wish = self.nodes[node].next_wake().map(|at| at.max(self.now));
        self.node_agenda.set(node, wish);
    }

    /// Counts an event of the component at a position: links first, then nodes.
    #[inline(always)]
    fn count(&mut self, position: usize) -> Result<(), Stuck> {
        self.events_at_now += 1;
        if self.events_at_now > MOST_AT_ONE_INSTANT {
            return Err(self.stuck(position));
        }
        Ok(())
    }

    #[cold]
    fn stuck(&self, position: usize) -> Stuck {
        let component = match position.checked_sub(self.links.len()) {
            None => Component::Link(self.links[position].id()),
            Some(node) => {
                let (flow, leg) = end(node);
                Component::Node(flow, leg)
            }
        };
        Stuck {
            at: self.now,
            component,
        }
    }
}

/// Gives a node what has arrived for it.
#[inline(always)]
fn hand_over<S: EventSink + ?Sized>(
    node: &mut Box<dyn Node>,
    packet: &mut Packet,
    now: Time,
    sent: &mut Vec<Packet>,
    mut sink: &mut S,
) {
    if packet.damaged {
        let packet = packet.tag();
        sink.event(now, &Event::Damaged { packet });
    } else {
        node.receive(packet, &mut Outbox::new(now, sent, &mut sink));
    }
    packet.clear();
}

/// Whether a flow's paths can be taken.
fn check_paths(flow: usize, paths: &[Path], links: usize) -> Result<(), Misfit> {
    if paths.is_empty() || paths.len() > usize::from(u8::MAX) + 1 {
        let count = paths.len();
        return Err(Misfit::Paths { flow, count });
    }
    for route in paths.iter().flat_map(|path| [&path.outward, &path.back]) {
        if let Some(&link) = route.iter().find(|link| usize::from(link.0) >= links) {
            return Err(Misfit::NoSuchLink { flow, link });
        }
        let length = route.len();
        if length > usize::from(u8::MAX) {
            return Err(Misfit::TooLong { flow, length });
        }
    }
    Ok(())
}

/// The node that a packet is for: the ends of a flow stand side by side.
fn peer(packet: &Packet) -> usize {
    origin(packet) ^ 1
}

/// Which end of which flow a node is, by the leg that it sends on.
fn end(node: usize) -> (FlowId, Leg) {
    let leg = if node.is_multiple_of(2) {
        Leg::Outward
    } else {
        Leg::Return
    };
    (FlowId((node / 2) as u16), leg)
}
