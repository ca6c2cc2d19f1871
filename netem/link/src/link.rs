//! A link: queue discipline -> serialiser -> propagation pipe, with impairments
//! at declared places.
//!
//! A FIFO with tail drop runs in closed form: a packet's departure, fate and
//! release are settled when it arrives, and the only thing that can happen next
//! is the release at the head of a ring. Other disciplines take the general
//! path, where each end of a service is an event; both give the same departures
//! for the same order of service.
//!
//! # Order of operations
//! On arrival: 1. the ECN field is treated; 2. a packet above the MTU is
//! dropped; 3. loss models placed `before_queue` (policers are always there);
//! 4. the queue discipline. Then 5. the serialiser. Behind it: 6. loss models
//! placed `after_link`; 7. corruption; 8. duplication, so that the copy of a
//! damaged packet is damaged; 9. displacement and delay. Every loss model is
//! asked about every packet that reaches its place, so that none shifts the
//! draws of another; the first that loses it gives the reason. The order of
//! Linux netem is another one: see the queue discipline `netem`.
//!
//! Instants: a packet lost before the queue is lost when it arrives; one lost
//! after the serialiser has used link time and is lost when its last bit has
//! left the serialiser. Services that end at the instant of an arrival have
//! ended before it.

use std::collections::VecDeque;

use weaknet_core::event::{DropReason, Event, EventSink};
use weaknet_core::packet::{Ecn, LinkId, Packet, Tag};
use weaknet_core::{Span, Time};

use crate::counts::{Counts, Tally};
use crate::fifo::{Fifo, Service};
use crate::model::{
    Blocks, DelayModel, EcnField, LossAt, LossModel, Passage, Queue, Queued, RateModel, Tap,
    Verdict,
};
use crate::parts::Parts;
use crate::passage::Numbering;
use crate::pipe::{InFlight, Pipe};
use crate::queue;
use crate::rarities::{Aftermath, Rarities};
use crate::station::{Station, Step};

mod change;

pub use change::Change;

/// A packet at the far end of a link.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// When it got there.
    pub at: Time,
    /// The packet.
    pub packet: Packet,
}

/// A packet at the far end of a link, where the link has left it.
#[derive(Debug)]
pub struct Released<'a> {
    /// When it got there.
    pub at: Time,
    /// The packet, to be moved on by [`Packet::take`].
    pub packet: &'a mut Packet,
    /// [`Link::next_event`].
    pub next: Option<Time>,
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
    delay: Vec<Box<dyn DelayModel>>,
    /// What all delay models together add when none of them need be asked.
    constant_delay: Span,
    loss_before: Vec<Box<dyn LossModel>>,
    loss_after: Vec<Box<dyn LossModel>>,
    mtu: u32,
    ecn: EcnField,
    blocks: Blocks,
    rarities: Option<Box<Rarities>>,
    tap: Option<Box<dyn Tap>>,
    pipe: Pipe,
    /// What happens behind the serialiser, and when.
    aftermath: VecDeque<(Time, Aftermath)>,
    /// When something happens next if no packet arrives; [`Time::MAX`]: never.
    next: Time,
    arrivals: Numbering,
    departures: Numbering,
    arrived: Tally,
    copied: Tally,
    delivered: Tally,
    dropped: Tally,
    lost: Tally,
    /// Room for what a queue discipline reports in one call.
    verdicts: Vec<Verdict>,
}

impl Link {
    /// A link at rest.
    #[must_use]
    pub fn new(id: LinkId, parts: Parts) -> Self {
        let server = match parts.queue {
            Queue::DropTail(limit) => Server::ClosedForm(Fifo::new(limit)),
            Queue::Active(discipline) => Server::General(Station::new(discipline)),
        };
        let rarities = Rarities {
            corrupt: parts.corrupt,
            duplicate: parts.duplicate,
            reorder: parts.reorder,
        };
        let rarities = rarities.effective();
        let free = parts.delay.iter().any(|stage| stage.reorders());
        let displaces = rarities.as_ref().is_some_and(|some| some.displaces());
        let mut link = Self {
            id,
            rate: parts.rate,
            server,
            delay: Vec::new(),
            constant_delay: Span::ZERO,
            loss_before: Vec::new(),
            loss_after: Vec::new(),
            mtu: u32::MAX,
            ecn: parts.ecn,
            blocks: parts.blocks,
            rarities,
            tap: None,
            pipe: if free || displaces {
                Pipe::reordering(free)
            } else {
                Pipe::ordered()
            },
            aftermath: VecDeque::new(),
            next: Time::MAX,
            arrivals: Numbering::new(parts.draws),
            departures: Numbering::new(parts.draws),
            arrived: Tally::default(),
            copied: Tally::default(),
            delivered: Tally::default(),
            dropped: Tally::default(),
            lost: Tally::default(),
            verdicts: Vec::new(),
        };
        link.set_delay(parts.delay);
        link.set_loss(parts.loss, parts.loss_at);
        link.set_mtu(parts.mtu);
        link
    }

    /// The same for a link whose parts may [change](Self::change) while it runs: the
    /// end of each service is an event of its own, which takes longer to compute and
    /// comes to the same.
    #[must_use]
    pub fn changeable(id: LinkId, mut parts: Parts) -> Self {
        if let Queue::DropTail(limit) = parts.queue {
            parts.queue = queue::active_drop_tail(limit);
        }
        let free = parts.delay.iter().any(|stage| stage.reorders());
        Self {
            pipe: Pipe::reordering(free),
            ..Self::new(id, parts)
        }
    }

    fn set_delay(&mut self, stages: Vec<Box<dyn DelayModel>>) {
        let constants: Option<Vec<Span>> = stages.iter().map(|stage| stage.constant()).collect();
        (self.delay, self.constant_delay) = match constants {
            Some(spans) => (Vec::new(), spans.into_iter().sum()),
            None => (stages, Span::ZERO),
        };
    }

    fn set_loss(&mut self, models: Vec<Box<dyn LossModel>>, at: LossAt) {
        (self.loss_before, self.loss_after) = models
            .into_iter()
            .filter(|model| !model.never())
            .partition(|model| model.place().unwrap_or(at) == LossAt::BeforeQueue);
    }

    fn set_mtu(&mut self, mtu: Option<u32>) {
        self.mtu = mtu.unwrap_or(u32::MAX);
    }

    /// Its identity in events.
    #[must_use]
    pub const fn id(&self) -> LinkId {
        self.id
    }

    /// Lets someone see all packets from now on.
    pub fn set_tap(&mut self, tap: Box<dyn Tap>) {
        self.tap = Some(tap);
    }

    /// Takes a packet that arrives at `now`.
    pub fn arrive<S: EventSink + ?Sized>(&mut self, now: Time, mut packet: Packet, sink: &mut S) {
        self.arrive_from(&mut packet, now, sink);
    }

    /// Takes a packet that arrives at `now` out of its place, which is
    /// [`Packet::VACANT`] afterwards.
    #[inline(always)]
    pub fn arrive_from<S: EventSink + ?Sized>(
        &mut self,
        packet: &mut Packet,
        now: Time,
        sink: &mut S,
    ) {
        if let Server::General(_) = self.server {
            self.run_station(now, sink);
            self.take_in(now, packet, sink);
            self.next = self.soonest();
        } else {
            self.take_in(now, packet, sink);
        }
    }

    #[inline(always)]
    fn take_in<S: EventSink + ?Sized>(&mut self, now: Time, packet: &mut Packet, sink: &mut S) {
        self.arrived += Tally::one(packet.size);
        sink.event(
            now,
            &Event::LinkArrive {
                link: self.id,
                packet: packet.tag(),
            },
        );
        if let Some(tap) = &mut self.tap {
            tap.arrived(now, packet);
        }
        if !self.admit(now, packet, sink) {
            *packet = Packet::VACANT;
            return;
        }
        match &mut self.server {
            Server::ClosedForm(fifo) => match fifo.admit(now, packet.size, &mut *self.rate) {
                Some(service) => self.leave(service, now, packet),
                None => {
                    self.refuse(now, packet, DropReason::Overflow, sink);
                    *packet = Packet::VACANT;
                }
            },
            Server::General(station) => {
                let queued = Queued {
                    arrived: now,
                    packet: packet.take(),
                };
                station.arrive(queued, &mut *self.rate, &mut self.verdicts);
                self.report(now, sink);
            }
        }
    }

    /// What stands between a packet and the queue: whether it got through.
    #[inline(always)]
    fn admit<S: EventSink + ?Sized>(
        &mut self,
        now: Time,
        packet: &mut Packet,
        sink: &mut S,
    ) -> bool {
        if self.blocks.drops(packet.protocol) {
            self.refuse(now, packet, DropReason::Filtered, sink);
            return false;
        }
        if packet.ecn != Ecn::NotEct && self.ecn != EcnField::Pass {
            match (self.ecn, packet.ecn) {
                (EcnField::Bleach, _) => packet.ecn = Ecn::NotEct,
                (EcnField::Ect1ToEct0, Ecn::Ect1) => packet.ecn = Ecn::Ect0,
                (EcnField::MarkAll, _) => packet.ecn = Ecn::Ce,
                (EcnField::DropEct, _) => {
                    self.refuse(now, packet, DropReason::Filtered, sink);
                    return false;
                }
                _ => {}
            }
        }
        if packet.size > self.mtu {
            self.refuse(now, packet, DropReason::TooBig, sink);
            return false;
        }
        if !self.loss_before.is_empty() {
            let passage = self.arrivals.pass(now, packet.size);
            if let Some(reason) = lose(&mut self.loss_before, passage) {
                self.lose(now, packet, reason, sink);
                return false;
            }
        }
        true
    }

    /// When something happens next if no packet arrives.
    #[must_use]
    #[inline]
    pub fn next_event(&self) -> Option<Time> {
        (self.next < Time::MAX).then_some(self.next)
    }

    /// [`Self::next`] from all that there is.
    #[inline]
    fn soonest(&self) -> Time {
        let step = match &self.server {
            Server::ClosedForm(_) => Time::MAX,
            Server::General(station) => station.next_step().unwrap_or(Time::MAX),
        };
        let aftermath = self.aftermath.front().map_or(Time::MAX, |(at, _)| *at);
        let release = self.pipe.next_release().unwrap_or(Time::MAX);
        step.min(aftermath).min(release)
    }

    /// Lets everything happen that is due by `now`, up to the next packet that
    /// reaches the far end; `None` when there is no further one. Events carry
    /// the instants at which they are due, however late the call.
    pub fn deliver<S: EventSink + ?Sized>(&mut self, now: Time, sink: &mut S) -> Option<Delivery> {
        let Released { at, packet, .. } = self.release(now, sink)?;
        let packet = packet.take();
        Some(Delivery { at, packet })
    }

    /// As [`Link::deliver`], with the packet left where it is for the caller to
    /// move on.
    #[inline]
    pub fn release<S: EventSink + ?Sized>(
        &mut self,
        now: Time,
        sink: &mut S,
    ) -> Option<Released<'_>> {
        let mut before = None;
        loop {
            let next = self.next_event().filter(|next| *next <= now)?;
            if let (Server::ClosedForm(_), Pipe::Ordered(ring, _)) = (&self.server, &mut self.pipe)
                && self.aftermath.is_empty()
            {
                // Nothing else than a release can be due.
                ring.pop();
                self.next = ring.front().map_or(Time::MAX, |first| first.release);
                return Some(self.hand_over(sink));
            }
            if before == Some(next) {
                // Nothing came of it: whoever asked for this instant asks again.
                return None;
            }
            before = Some(next);
            if let Server::General(_) = self.server {
                self.run_station(next, sink);
            }
            if !self.aftermath.is_empty() {
                self.run_aftermath(next, sink);
            }
            let is_due = self.pipe.pop_due(next);
            self.next = self.soonest();
            if is_due {
                return Some(self.hand_over(sink));
            }
        }
    }

    /// Reports the packet that was taken out of the pipe.
    #[inline(always)]
    fn hand_over<S: EventSink + ?Sized>(&mut self, sink: &mut S) -> Released<'_> {
        let next = self.next_event();
        let in_flight = self.pipe.popped();
        let (at, waited) = (in_flight.release, in_flight.waited);
        let total = at - in_flight.arrived;
        let packet = &mut in_flight.packet;
        self.delivered += Tally::one(packet.size);
        sink.event(
            at,
            &Event::LinkDeliver {
                link: self.id,
                packet: packet.tag(),
                waited,
                total,
            },
        );
        if let Some(tap) = &mut self.tap {
            tap.delivered(at, packet, waited, total);
        }
        Released { at, packet, next }
    }

    /// Lets what happens behind the serialiser by `now` happen.
    #[inline(never)]
    fn run_aftermath<S: EventSink + ?Sized>(&mut self, now: Time, sink: &mut S) {
        while let Some((at, what)) = self.aftermath.pop_front_if(|(at, _)| *at <= now) {
            match what {
                Aftermath::Lost(packet, reason) => self.lose(at, &packet, reason, sink),
                Aftermath::Copied(tag) => self.copy(at, tag, sink),
            }
        }
    }

    /// Lets everything happen at the serialiser that is due by `now`. In closed
    /// form it has been settled before.
    #[inline(never)]
    fn run_station<S: EventSink + ?Sized>(&mut self, now: Time, sink: &mut S) {
        let mut asked = None;
        while let Server::General(station) = &mut self.server {
            match station.step(now, &mut *self.rate, &mut self.verdicts) {
                Some(Step::Departed(service, mut queued)) => {
                    self.report(service.finish, sink);
                    self.leave(service, queued.arrived, &mut queued.packet);
                }
                Some(Step::Asked(at)) => {
                    self.report(at, sink);
                    if asked.replace(at) == Some(at) {
                        return;
                    }
                }
                None => return,
            }
        }
    }

    /// Settles what becomes of a packet behind the serialiser.
    #[inline(always)]
    fn leave(&mut self, service: Service, arrived: Time, packet: &mut Packet) {
        let at = service.finish;
        let passage = self.departures.pass(at, packet.size);
        let waited = service.start - arrived;
        let mut release = at + self.constant_delay;
        if at < Time::MAX {
            if let Some(reason) = lose(&mut self.loss_after, passage) {
                let lost = Aftermath::Lost(packet.take(), reason);
                self.aftermath.push_back((at, lost));
                self.next = self.next.min(at);
                return;
            }
            for stage in &mut self.delay {
                release = stage.release(Passage {
                    at: release,
                    ..passage
                });
            }
        }
        match &mut self.rarities {
            Some(rarities) if at < Time::MAX => {
                let in_flight = InFlight {
                    release,
                    arrived,
                    waited,
                    packet: packet.take(),
                };
                rarities.leave(passage, in_flight, &mut self.pipe, &mut self.aftermath);
                self.next = self.soonest();
            }
            _ => {
                let release = self.pipe.push_from(packet, release, arrived, waited);
                self.next = self.next.min(release);
            }
        }
    }

    #[cold]
    fn lose<S: EventSink + ?Sized>(
        &mut self,
        at: Time,
        packet: &Packet,
        reason: DropReason,
        sink: &mut S,
    ) {
        self.lost += Tally::one(packet.size);
        self.report_drop(at, packet, reason, sink);
    }

    #[cold]
    fn refuse<S: EventSink + ?Sized>(
        &mut self,
        at: Time,
        packet: &Packet,
        reason: DropReason,
        sink: &mut S,
    ) {
        self.dropped += Tally::one(packet.size);
        self.report_drop(at, packet, reason, sink);
    }

    fn report_drop<S: EventSink + ?Sized>(
        &mut self,
        at: Time,
        packet: &Packet,
        reason: DropReason,
        sink: &mut S,
    ) {
        let (link, tag) = (self.id, packet.tag());
        sink.event(
            at,
            &Event::LinkDrop {
                link,
                packet: tag,
                reason,
            },
        );
        if let Some(tap) = &mut self.tap {
            tap.dropped(at, packet, reason);
        }
    }

    fn copy<S: EventSink + ?Sized>(&mut self, at: Time, packet: Tag, sink: &mut S) {
        self.copied += Tally::one(packet.size);
        let link = self.id;
        sink.event(at, &Event::LinkCopy { link, packet });
        if let Some(tap) = &mut self.tap {
            tap.copied(at, packet);
        }
    }

    /// Reports what a queue discipline has done.
    fn report<S: EventSink + ?Sized>(&mut self, at: Time, sink: &mut S) {
        if self.verdicts.is_empty() {
            return;
        }
        let mut verdicts = std::mem::take(&mut self.verdicts);
        for verdict in verdicts.drain(..) {
            match verdict {
                Verdict::Drop(queued, reason) if reason == DropReason::Loss => {
                    self.lose(at, &queued.packet, reason, sink);
                }
                Verdict::Drop(queued, reason) => self.refuse(at, &queued.packet, reason, sink),
                Verdict::Copy(tag) => self.copy(at, tag, sink),
                Verdict::Mark(packet) => {
                    let link = self.id;
                    sink.event(at, &Event::LinkMark { link, packet });
                    if let Some(tap) = &mut self.tap {
                        tap.marked(at, packet);
                    }
                }
            }
        }
        self.verdicts = verdicts;
    }

    /// What became of the packets so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let (mut doomed, mut unborn) = (Tally::default(), Tally::default());
        for (_, what) in &self.aftermath {
            match what {
                Aftermath::Lost(packet, _) => doomed += Tally::one(packet.size),
                Aftermath::Copied(tag) => unborn += Tally::one(tag.size),
            }
        }
        let in_pipe: Tally = self.pipe.sizes().map(Tally::one).sum();
        let at_server = match &self.server {
            Server::ClosedForm(_) => Tally::default(),
            Server::General(station) => station.inside(),
        };
        let &Self {
            arrived,
            copied,
            delivered,
            dropped,
            lost,
            ..
        } = self;
        Counts {
            arrived,
            // A copy exists from the instant of its event on, and is in the
            // pipe before.
            copied: copied + unborn,
            delivered,
            dropped,
            lost,
            inside: in_pipe + doomed + at_server,
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

/// Asks all models about a packet; the reason of the first that loses it.
#[inline(always)]
fn lose(models: &mut [Box<dyn LossModel>], passage: Passage) -> Option<DropReason> {
    let mut reason = None;
    for model in models {
        if model.lose(passage) && reason.is_none() {
            reason = Some(model.reason());
        }
    }
    reason
}
