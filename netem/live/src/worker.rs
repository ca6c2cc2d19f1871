//! One direction: from one device through a link to the other.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::EventFd;
use nix::sys::time::TimeSpec;
use weaknet_core::event::{DropReason, Event, EventSink};
use weaknet_core::packet::{FlowId, Leg, Packet, Payload};
use weaknet_core::{Span, Time};
use weaknet_netem::{Counts, Link};

use crate::clock::Clock;
use crate::lateness::Lateness;
use crate::offload::{self, Offload, Train, split};
use crate::port::Port;
use crate::spin::{BEFORE, Budget};

mod header;

/// Frames that are read before departures are looked at again.
const BATCH: usize = 64;
/// Buffers that are kept for later packets.
const SPARE: usize = 4_096;

/// What a direction is made of.
pub(crate) struct Direction {
    pub(crate) link: Link,
    pub(crate) from: Box<dyn Port>,
    pub(crate) to: Box<dyn Port>,
    pub(crate) leg: Leg,
    pub(crate) clock: Clock,
    pub(crate) spin: bool,
    pub(crate) stop: Arc<Stop>,
}

/// Ends workers, also those that sleep.
pub(crate) struct Stop {
    asked: AtomicBool,
    wake: EventFd,
}

impl Stop {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            asked: AtomicBool::new(false),
            wake: EventFd::new()?,
        })
    }

    pub(crate) fn ask(&self) {
        self.asked.store(true, Ordering::Release);
        // A full counter wakes as well.
        let _ = self.wake.write(1);
    }

    fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }
}

/// What a worker has seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) counts: Counts,
    pub(crate) lateness: Lateness,
    /// Packets that the device at the far end did not take.
    pub(crate) refused: u64,
    /// What is no IP packet.
    pub(crate) strange: u64,
    pub(crate) drops: Drops,
}

/// Packets that the link dropped, by reason.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drops(pub(crate) Vec<(DropReason, u64)>);

impl EventSink for Drops {
    fn event(&mut self, _: Time, event: &Event) {
        if let Event::LinkDrop { reason, .. } = *event {
            match self.0.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, count)) => *count += 1,
                None => self.0.push((reason, 1)),
            }
        }
    }
}

pub(crate) struct Worker {
    direction: Direction,
    budget: Budget,
    seen: Seen,
    ids: u64,
    frame: Vec<u8>,
    /// What leaves next, and when its packets should have left.
    train: Train,
    due: Vec<Time>,
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
        while !self.direction.stop.is_asked() {
            self.deliver()?;
            if self.take_in()? < BATCH {
                self.rest()?;
            }
        }
        self.seen.counts = self.direction.link.counts();
        Ok(self.seen)
    }

    /// Sends what is due.
    fn deliver(&mut self) -> io::Result<()> {
        loop {
            let now = self.direction.clock.now();
            let link = &mut self.direction.link;
            let Some(delivery) = link.deliver(now, &mut self.seen.drops) else {
                return self.depart();
            };
            let Payload::Bytes(mut bytes) = delivery.packet.payload else {
                continue;
            };
            header::set_ecn(&mut bytes, delivery.packet.ecn);
            let damaged = delivery.packet.damaged;
            if let Some(bytes) = self.train.add(bytes, damaged) {
                self.depart()?;
                // Anything may be the first one.
                let _ = self.train.add(bytes, damaged);
            }
            self.due.push(delivery.at);
        }
    }

    /// Sends the train that stands ready.
    fn depart(&mut self) -> io::Result<()> {
        if self.train.is_empty() {
            return Ok(());
        }
        let now = self.direction.clock.now();
        for due in self.due.drain(..) {
            self.seen.lateness.record(due, now);
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
        for count in 0..BATCH {
            let Self {
                direction:
                    Direction {
                        link,
                        from,
                        leg,
                        clock,
                        ..
                    },
                seen,
                ids,
                frame,
                spare,
                ..
            } = self;
            let Some(length) = from.receive(frame)? else {
                return Ok(count);
            };
            let now = clock.now();
            let Some((offload, frame)) =
                Offload::read(&frame[..length]).zip(frame.get(offload::HEADER..length))
            else {
                seen.strange += 1;
                continue;
            };
            let arrive = |bytes: Vec<u8>| {
                let Some(ecn) = header::ecn(&bytes) else {
                    seen.strange += 1;
                    return;
                };
                let packet = Packet {
                    id: *ids,
                    leg: *leg,
                    flow: FlowId(0),
                    ecn,
                    protocol: header::protocol(&bytes),
                    size: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                    sent: now,
                    payload: Payload::Bytes(bytes),
                    ..Packet::VACANT
                };
                *ids += 1;
                link.arrive(now, packet, &mut seen.drops);
            };
            split(offload, frame, || spare.pop().unwrap_or_default(), arrive);
        }
        Ok(BATCH)
    }

    /// Waits for the next departure or arrival.
    fn rest(&mut self) -> io::Result<()> {
        let Some(at) = self.direction.link.next_event() else {
            return self.sleep(None);
        };
        let now = self.direction.clock.now();
        let left = at.since(now);
        if left == Span::ZERO {
            Ok(())
        } else if left > BEFORE {
            self.sleep(Some(left - BEFORE))
        } else if self.budget.may_spin(now) {
            Ok(())
        } else {
            self.sleep(Some(left))
        }
    }

    fn sleep(&mut self, most: Option<Span>) -> io::Result<()> {
        let Direction {
            from, stop, clock, ..
        } = &self.direction;
        self.budget.stop(clock.now());
        let wait_for = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = [wait_for(from.fd()), wait_for(stop.wake.as_fd())];
        let most = most.map(|span| TimeSpec::from(Duration::from_nanos(span.as_nanos())));
        match ppoll(&mut fds, most, None) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether nothing will ever be taken again.
fn is_end(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EBADF | libc::EBADFD))
}
