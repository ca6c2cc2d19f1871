//! One direction: from one device through links to the other.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use weaknet_core::packet::{Leg, Packet, Payload};
use weaknet_core::{Span, Time};
use weaknet_netem::{Chain, Tally};

use crate::clock::Clock;
use crate::offload::{self, Offload, Train, split};
use crate::port::Port;
use crate::spin::Budget;
use crate::watch::{Both, Watch};

mod bell;
mod header;
mod seen;

pub(crate) use bell::{Bell, Desk};
pub(crate) use seen::Seen;

/// Frames that are read before departures are looked at again.
const BATCH: usize = 64;
/// And packets in super-frames, of which there may be dozens in one frame.
const PACKETS: u64 = 256;
/// Buffers that are kept for later packets.
const SPARE: usize = 4_096;

/// What a direction is made of.
pub(crate) struct Direction {
    pub(crate) links: Chain,
    pub(crate) watch: Box<dyn Watch>,
    pub(crate) from: Box<dyn Port>,
    pub(crate) to: Box<dyn Port>,
    pub(crate) leg: Leg,
    pub(crate) clock: Clock,
    pub(crate) spin: bool,
    /// Whether packets that leave together are written as one super-frame.
    pub(crate) joins: bool,
    pub(crate) bell: Arc<Bell>,
}

pub(crate) struct Worker {
    direction: Direction,
    budget: Budget,
    seen: Seen,
    ids: u64,
    frame: Vec<u8>,
    /// What leaves next: the numbers of its packets, and when they should have left.
    train: Train,
    due: Vec<(u64, Time)>,
    spare: Vec<Vec<u8>>,
}

impl Worker {
    pub(crate) fn new(direction: Direction) -> Self {
        Self {
            budget: Budget::new(direction.spin),
            direction,
            seen: Seen::default(),
            ids: 0,
            frame: vec![0; offload::LONGEST],
            train: Train::default(),
            due: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Works until asked to stop.
    pub(crate) fn run(mut self) -> io::Result<Seen> {
        while !self.direction.bell.is_stopped() {
            self.collect(self.direction.clock.now())?;
            self.depart()?;
            let count = self.take_in()?;
            self.depart()?;
            self.obey()?;
            if count < BATCH {
                self.rest()?;
            }
        }
        let now = self.direction.clock.now();
        self.collect(now)?;
        self.depart()?;
        self.direction.watch.ended(now);
        Ok(std::mem::take(&mut self.seen))
    }

    /// Does what others want, each when all that is due by then has left the links.
    fn obey(&mut self) -> io::Result<()> {
        for order in self.direction.bell.take() {
            let now = self.direction.clock.now();
            self.collect(now)?;
            order(Desk {
                now,
                links: &mut self.direction.links,
                seen: &mut self.seen,
                watch: &mut *self.direction.watch,
            });
        }
        self.depart()
    }

    /// Takes from the links what is due by `now`; what cannot leave with the others
    /// makes those leave first.
    fn collect(&mut self, now: Time) -> io::Result<()> {
        loop {
            let Direction { links, watch, .. } = &mut self.direction;
            let mut sink = Both(&mut self.seen, &mut **watch);
            let Some(delivery) = links.deliver(now, &mut sink) else {
                return Ok(());
            };
            self.seen.delivered += Tally::one(delivery.packet.size);
            let on_links = delivery.at.since(delivery.packet.sent);
            self.seen.delay.record(on_links);
            let Payload::Bytes(mut bytes) = delivery.packet.payload else {
                continue;
            };
            header::set_ecn(&mut bytes, delivery.packet.ecn);
            let damaged = delivery.packet.damaged;
            if !self.direction.joins {
                self.depart()?;
            }
            if let Some(bytes) = self.train.add(bytes, damaged) {
                self.depart()?;
                // Anything may be the first one.
                let _ = self.train.add(bytes, damaged);
            }
            self.budget.departure(delivery.at);
            self.due.push((delivery.packet.id, delivery.at));
        }
    }

    /// Sends the train that stands ready.
    fn depart(&mut self) -> io::Result<()> {
        if self.train.is_empty() {
            return Ok(());
        }
        let now = self.direction.clock.now();
        for ((packet, due), bytes) in self.due.drain(..).zip(self.train.packets()) {
            self.seen.lateness.record(now.since(due));
            self.direction.watch.departed(packet, bytes, due, now);
        }
        let mut head = [0; offload::HEADER];
        match self.direction.to.send(&self.train.parts(&mut head)) {
            Ok(()) => {}
            Err(error) if is_end(&error) => return Err(error),
            Err(_) => self.seen.refused += self.train.len() as u64,
        }
        for bytes in self.train.clear() {
            if self.spare.len() < SPARE {
                self.spare.push(bytes);
            }
        }
        Ok(())
    }

    /// Reads what has come, at most a batch; how many frames that were.
    fn take_in(&mut self) -> io::Result<usize> {
        let until = self.ids + PACKETS;
        for count in 0..BATCH {
            if self.ids >= until {
                break;
            }
            let Some(length) = self.direction.from.receive(&mut self.frame)? else {
                return Ok(count);
            };
            let now = self.direction.clock.now();
            if self
                .direction
                .links
                .next_event()
                .is_some_and(|at| at <= now)
            {
                self.collect(now)?;
            }
            let Self {
                direction: Direction {
                    links, watch, leg, ..
                },
                seen,
                ids,
                frame,
                spare,
                ..
            } = self;
            let Some((offload, frame)) =
                Offload::read(&frame[..length]).zip(frame.get(offload::HEADER..length))
            else {
                seen.strange += 1;
                continue;
            };
            let arrive = |bytes: Vec<u8>| {
                let Some(fields) = header::read(&bytes) else {
                    seen.strange += 1;
                    return;
                };
                let packet = Packet {
                    id: *ids,
                    leg: *leg,
                    flow: fields.flow,
                    ecn: fields.ecn,
                    protocol: fields.protocol,
                    size: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                    sent: now,
                    payload: Payload::Bytes(bytes),
                    ..Packet::VACANT
                };
                *ids += 1;
                seen.arrived += Tally::one(packet.size);
                watch.arriving(now, &packet);
                links.arrive(now, packet, &mut Both(seen, &mut **watch));
            };
            split(offload, frame, || spare.pop().unwrap_or_default(), arrive);
        }
        Ok(BATCH)
    }

    /// Waits for the next departure or arrival.
    fn rest(&mut self) -> io::Result<()> {
        let Some(at) = self.direction.links.next_event() else {
            return self.sleep(None);
        };
        let now = self.direction.clock.now();
        let left = at.since(now);
        if left == Span::ZERO || self.budget.may_spin(now, left) {
            Ok(())
        } else {
            self.sleep(Some(self.budget.sleep(left)))
        }
    }

    fn sleep(&mut self, most: Option<Span>) -> io::Result<()> {
        let Direction {
            watch,
            from,
            bell,
            clock,
            ..
        } = &mut self.direction;
        self.budget.stop(clock.now());
        watch.resting(most);
        let wait_for = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = [wait_for(from.fd()), wait_for(bell.fd())];
        let most = most.map(|span| TimeSpec::from(Duration::from_nanos(span.as_nanos())));
        match ppoll(&mut fds, most, None) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        if fds[1].any() == Some(true) {
            bell.hush();
        }
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.direction.bell.close();
    }
}

/// Whether nothing will ever be taken again.
fn is_end(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EBADF | libc::EBADFD))
}
