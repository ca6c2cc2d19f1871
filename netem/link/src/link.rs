//! A link: queue discipline -> serialiser -> propagation pipe, with loss before
//! the queue or after the serialiser.
//!
//! A FIFO with tail drop runs in closed form: a packet's departure, fate and
//! release are settled when it arrives, and the only thing that can happen next
//! is the release at the head of a ring. Other disciplines take the general
//! path, where each end of a service is an event; both give the same departures
//! for the same order of service.
//!
//! Instants: a packet lost before the queue is lost when it arrives; one lost
//! after the serialiser has used link time and is lost when its last bit has
//! left the serialiser. Services that end at the instant of an arrival have
//! ended before it.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::Time;
use weaknet_core::event::{DropReason, Event, EventSink};
use weaknet_core::packet::{LinkId, Packet, Tag};

use crate::counts::{Counts, Tally};
use crate::fifo::{Fifo, Service};
use crate::model::{DelayModel, LossModel, Queue, Queued, RateModel};
use crate::pipe::{InFlight, Pipe};
use crate::station::Station;

/// Where a link loses packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossAt {
    /// On arrival: a lost packet uses neither queue nor link time.
    BeforeQueue,
    /// Behind the serialiser: a lost packet has used link time.
    #[default]
    AfterLink,
}

/// What a link is made of.
pub struct Parts {
    /// How fast it serialises.
    pub rate: Box<dyn RateModel>,
    /// What waits for the serialiser.
    pub queue: Queue,
    /// How long packets travel.
    pub delay: Box<dyn DelayModel>,
    /// Which packets get lost.
    pub loss: Box<dyn LossModel>,
    /// Where they get lost.
    pub loss_at: LossAt,
}

/// A packet at the far end of a link.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// When it got there.
    pub at: Time,
    /// The packet.
    pub packet: Packet,
}

enum Server {
    ClosedForm(Fifo),
    General(Station),
}

/// A link, as a state machine over logical time.
///
/// A driver calls with non-falling times. It takes what [`Link::deliver`]
/// returns whenever [`Link::next_event`] has come, and before each arrival that
/// is later than that.
pub struct Link {
    id: LinkId,
    rate: Box<dyn RateModel>,
    server: Server,
    delay: Box<dyn DelayModel>,
    loss: Box<dyn LossModel>,
    loss_at: LossAt,
    pipe: Pipe,
    /// Packets that are lost when they have left the serialiser, and when.
    doomed: VecDeque<(Time, Tag)>,
    /// Number of packets that were given an end of service.
    departures: u64,
    arrived: Tally,
    delivered: Tally,
    dropped: Tally,
    lost: Tally,
    /// Room for what a queue discipline drops in one call.
    refused: Vec<(Queued, DropReason)>,
}

impl Link {
    /// A link at rest.
    #[must_use]
    pub fn new(id: LinkId, parts: Parts) -> Self {
        let Parts {
            rate,
            queue,
            delay,
            loss,
            loss_at,
        } = parts;
        let server = match queue {
            Queue::DropTail(limit) => Server::ClosedForm(Fifo::new(limit)),
            Queue::Active(discipline) => Server::General(Station::new(discipline)),
        };
        Self {
            id,
            rate,
            server,
            pipe: Pipe::new(delay.reorders()),
            delay,
            loss,
            loss_at,
            doomed: VecDeque::new(),
            departures: 0,
            arrived: Tally::default(),
            delivered: Tally::default(),
            dropped: Tally::default(),
            lost: Tally::default(),
            refused: Vec::new(),
        }
    }

    /// Its identity in events.
    #[must_use]
    pub const fn id(&self) -> LinkId {
        self.id
    }

    /// Takes a packet that arrives at `now`.
    pub fn arrive(&mut self, now: Time, packet: Packet, sink: &mut dyn EventSink) {
        self.settle(now, sink);
        let tag = packet.tag();
        let number = self.arrived.packets;
        self.arrived += Tally::one(packet.size);
        sink.event(
            now,
            &Event::LinkArrive {
                link: self.id,
                packet: tag,
            },
        );
        if self.loss_at == LossAt::BeforeQueue && self.loss.lose(number, now) {
            self.lose(now, tag, sink);
            return;
        }
        match &mut self.server {
            Server::ClosedForm(fifo) => match fifo.admit(now, packet.size, &mut *self.rate) {
                Some(service) => self.leave(service, now, packet),
                None => self.refuse(now, tag, DropReason::Overflow, sink),
            },
            Server::General(station) => {
                station.arrive(
                    Queued {
                        arrived: now,
                        packet,
                    },
                    &mut *self.rate,
                    &mut self.refused,
                );
                self.report_refused(now, sink);
            }
        }
    }

    /// When something happens next if no packet arrives.
    #[must_use]
    pub fn next_event(&self) -> Option<Time> {
        let departure = match &self.server {
            Server::ClosedForm(_) => Time::MAX,
            Server::General(station) => station.next_departure().unwrap_or(Time::MAX),
        };
        let doomed = self.doomed.front().map_or(Time::MAX, |(at, _)| *at);
        let release = self.pipe.next_release().unwrap_or(Time::MAX);
        let next = departure.min(doomed).min(release);
        (next < Time::MAX).then_some(next)
    }

    /// Lets everything happen that is due by `now`, up to the next packet that
    /// reaches the far end; `None` when there is no further one. Events carry
    /// the instants at which they are due, however late the call.
    pub fn deliver(&mut self, now: Time, sink: &mut dyn EventSink) -> Option<Delivery> {
        loop {
            let next = self.next_event().filter(|next| *next <= now)?;
            self.settle(next, sink);
            while let Some(&(at, tag)) = self.doomed.front().filter(|(at, _)| *at <= next) {
                self.doomed.pop_front();
                self.lose(at, tag, sink);
            }
            if let Some(in_flight) = self.pipe.pop_due(next) {
                let InFlight {
                    release,
                    arrived,
                    waited,
                    packet,
                    ..
                } = in_flight;
                self.delivered += Tally::one(packet.size);
                sink.event(
                    release,
                    &Event::LinkDeliver {
                        link: self.id,
                        packet: packet.tag(),
                        waited,
                        total: release - arrived,
                    },
                );
                return Some(Delivery {
                    at: release,
                    packet,
                });
            }
        }
    }

    /// Ends all services that are due by `now`. In closed form they have been
    /// settled before.
    #[inline]
    fn settle(&mut self, now: Time, sink: &mut dyn EventSink) {
        if let Server::General(_) = self.server {
            self.end_services(now, sink);
        }
    }

    #[inline(never)]
    fn end_services(&mut self, now: Time, sink: &mut dyn EventSink) {
        while let Server::General(station) = &mut self.server {
            let Some((service, Queued { arrived, packet })) =
                station.depart(now, &mut *self.rate, &mut self.refused)
            else {
                return;
            };
            self.report_refused(service.finish, sink);
            self.leave(service, arrived, packet);
        }
    }

    /// Settles what becomes of a packet behind the serialiser.
    #[inline(always)]
    fn leave(&mut self, service: Service, arrived: Time, packet: Packet) {
        let index = self.departures;
        self.departures += 1;
        let release = if service.finish == Time::MAX {
            Time::MAX
        } else if self.loss_at == LossAt::AfterLink && self.loss.lose(index, service.finish) {
            self.doomed.push_back((service.finish, packet.tag()));
            return;
        } else {
            self.delay.release(index, service.finish)
        };
        self.pipe.push(InFlight {
            release,
            index,
            arrived,
            waited: service.start - arrived,
            packet,
        });
    }

    fn lose(&mut self, at: Time, packet: Tag, sink: &mut dyn EventSink) {
        self.lost += Tally::one(packet.size);
        sink.event(
            at,
            &Event::LinkDrop {
                link: self.id,
                packet,
                reason: DropReason::Loss,
            },
        );
    }

    fn refuse(&mut self, at: Time, packet: Tag, reason: DropReason, sink: &mut dyn EventSink) {
        self.dropped += Tally::one(packet.size);
        sink.event(
            at,
            &Event::LinkDrop {
                link: self.id,
                packet,
                reason,
            },
        );
    }

    fn report_refused(&mut self, at: Time, sink: &mut dyn EventSink) {
        let mut refused = std::mem::take(&mut self.refused);
        for (queued, reason) in refused.drain(..) {
            self.refuse(at, queued.packet.tag(), reason, sink);
        }
        self.refused = refused;
    }

    /// What became of the packets so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let doomed = self.doomed.iter().map(|(_, tag)| tag.size);
        let settled: Tally = self.pipe.sizes().chain(doomed).map(Tally::one).sum();
        let inside = match &self.server {
            Server::ClosedForm(_) => settled,
            Server::General(station) => settled + station.inside(),
        };
        let &Self {
            arrived,
            delivered,
            dropped,
            lost,
            ..
        } = self;
        Counts {
            arrived,
            delivered,
            dropped,
            lost,
            inside,
        }
    }

    /// What waits for the serialiser at `now`, the packet in service excluded.
    #[must_use]
    pub fn waiting(&self, now: Time) -> Tally {
        match &self.server {
            Server::ClosedForm(fifo) => fifo.waiting(now),
            Server::General(station) => station.waiting(),
        }
    }

    /// Bits that it would carry in [from, to) when fully used; `None`:
    /// unlimited.
    #[must_use]
    pub fn capacity(&self, from: Time, to: Time) -> Option<f64> {
        self.rate.capacity(from, to)
    }
}
