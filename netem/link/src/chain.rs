//! Links in a row.

use weaknet_core::Time;
use weaknet_core::event::EventSink;
use weaknet_core::packet::{LinkId, Packet};

use crate::counts::Tally;
use crate::link::{Change, Delivery, Link};

/// One link, or several in a row: what leaves one arrives at the next at the same
/// instant. Everything happens in the order of logical time, however late the calls.
pub struct Chain {
    first: Link,
    rest: Vec<Link>,
}

impl From<Link> for Chain {
    fn from(link: Link) -> Self {
        Self::new(link, Vec::new())
    }
}

impl Chain {
    /// Links in the order in which packets pass them.
    #[must_use]
    pub const fn new(first: Link, rest: Vec<Link>) -> Self {
        Self { first, rest }
    }

    /// The links, the first one first.
    pub fn links(&self) -> impl DoubleEndedIterator<Item = &Link> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    fn links_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Link> {
        std::iter::once(&mut self.first).chain(&mut self.rest)
    }

    /// The link where packets arrive, and the one from which they are delivered.
    #[must_use]
    pub fn ends(&self) -> [LinkId; 2] {
        [
            self.first.id(),
            self.rest.last().unwrap_or(&self.first).id(),
        ]
    }

    /// Takes a packet that arrives at `now` at the first link.
    pub fn arrive<S: EventSink + ?Sized>(&mut self, now: Time, packet: Packet, sink: &mut S) {
        self.first.arrive(now, packet, sink);
    }

    /// When something happens next if no packet arrives.
    #[must_use]
    pub fn next_event(&self) -> Option<Time> {
        self.links().filter_map(Link::next_event).min()
    }

    /// As [`Link::deliver`], of the last link.
    pub fn deliver<S: EventSink + ?Sized>(&mut self, now: Time, sink: &mut S) -> Option<Delivery> {
        if self.rest.is_empty() {
            return self.first.deliver(now, sink);
        }
        loop {
            let at = self.next_event().filter(|at| *at <= now)?;
            let mut links = self.links_mut();
            let link = links.find(|link| link.next_event() == Some(at))?;
            if let Some(delivery) = link.deliver(at, sink) {
                match links.next() {
                    Some(next) => next.arrive(delivery.at, delivery.packet, sink),
                    None => return Some(delivery),
                }
            }
        }
    }

    /// Changes the links; of missing ones nothing changes.
    pub fn change<S: EventSink + ?Sized>(
        &mut self,
        now: Time,
        changes: impl IntoIterator<Item = Change>,
        sink: &mut S,
    ) {
        for (link, change) in self.links_mut().zip(changes) {
            link.change(now, change, sink);
        }
    }

    /// What waits in queues.
    #[must_use]
    pub fn waiting(&self, now: Time) -> Tally {
        let mut all = Tally::default();
        for link in self.links() {
            all += link.waiting(now);
        }
        all
    }

    /// Bits that the slowest link can carry; `None` when none has a limit.
    #[must_use]
    pub fn capacity(&self, from: Time, to: Time) -> Option<f64> {
        let capacities = self.links().filter_map(|link| link.capacity(from, to));
        capacities.min_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::event::Event;
    use weaknet_core::plugin::Assets;
    use weaknet_core::{Bitrate, BuildContext, Plugin as _, Span, Streams};

    use super::*;
    use crate::queue::{DropTail, QueueLimit};
    use crate::{Parts, delay, rate};

    fn link(id: u16, mbps: u64, millis: u64, room: u64) -> Link {
        let (streams, assets) = (Streams::new(1), Assets::default());
        let cx = BuildContext {
            path: "test",
            streams: &streams,
            assets: &assets,
        };
        let rate = rate::ConstantRate(Bitrate::from_mbps(mbps));
        let queue = DropTail {
            limit: QueueLimit::Packets(room),
            ..DropTail::default()
        };
        let delay = delay::ConstantDelay(Span::from_millis(millis));
        let parts = Parts::new(
            rate.build(&cx).unwrap(),
            queue.build(&cx).unwrap(),
            delay.build(&cx).unwrap(),
        );
        Link::changeable(LinkId(id), parts)
    }

    fn packet(id: u64) -> Packet {
        Packet {
            id,
            size: 1_250,
            ..Packet::VACANT
        }
    }

    /// What a burst became: events, and packets with the times of their delivery.
    type Course = (Vec<(Time, Event)>, Vec<(u64, Time)>);

    /// When it is looked for at these times.
    fn events(times: impl Iterator<Item = Time>) -> Course {
        let mut chain = Chain::new(
            link(4, 10, 5, 100),
            vec![link(7, 5, 10, 3), link(2, 1, 1, 9)],
        );
        assert_eq!(chain.ends(), [LinkId(4), LinkId(2)]);
        let (mut events, mut delivered) = (Vec::new(), Vec::new());
        for id in 0..10 {
            chain.arrive(Time::ZERO, packet(id), &mut events);
        }
        for now in times {
            while let Some(delivery) = chain.deliver(now, &mut events) {
                delivered.push((delivery.packet.id, delivery.at));
            }
        }
        assert_eq!(chain.next_event(), None);
        (events, delivered)
    }

    #[test]
    fn what_leaves_one_link_arrives_at_the_next() {
        let (_, delivered) = events(std::iter::once(Time::from_secs(1)));
        // 1, 2 and 10 ms of service, 5, 10 and 1 ms on the way.
        assert_eq!(delivered[0], (0, Time::from_millis(29)));
        assert_eq!(delivered[1], (1, Time::from_millis(39)));
        // Every millisecond one comes to the second link, which takes two for each: it
        // has room for three, and drops one of two from then on.
        let ids: Vec<u64> = delivered.iter().map(|(id, _)| *id).collect();
        assert!(
            ids.len() < 10 && ids.starts_with(&[0, 1, 2, 3, 4]),
            "{ids:?}"
        );
    }

    #[test]
    fn it_is_the_same_however_late_the_calls() {
        let late = events(std::iter::once(Time::from_secs(1)));
        let often = events((0..1_000).map(Time::from_millis));
        assert_eq!(late, often);
        let times: Vec<Time> = late.0.iter().map(|(at, _)| *at).collect();
        assert!(times.is_sorted());
        let arrivals = |id| {
            let came = |(_, event): &&(Time, Event)| matches!(event, Event::LinkArrive { link, .. } if *link == LinkId(id));
            late.0.iter().filter(came).count()
        };
        assert_eq!(arrivals(4), 10);
        assert_eq!(arrivals(2), late.1.len());
    }
}
