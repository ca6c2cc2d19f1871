//! Both directions of a link, running.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use weaknet_core::event::DropReason;
use weaknet_core::packet::Leg;
use weaknet_core::{Span, Time};
use weaknet_netem::{Chain, Change, Tally};

use crate::clock::Clock;
use crate::error::LiveError;
use crate::port::Port;
use crate::priority;
use crate::spans::{Quantiles, Spans};
use crate::watch::{Both, Watch};
use crate::worker::{Bell, Desk, Direction, Seen, Worker};

/// How to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether workers may spin before departures, with a tenth of a processor at
    /// most.
    pub spin: bool,
    /// Whether packets that leave together are handed over in one piece, which is
    /// faster. Without, captures at the ends show the packets that the link let go.
    pub super_frames: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            spin: true,
            super_frames: true,
        }
    }
}

/// Two workers between two devices.
pub struct Emulator {
    workers: [Running; 2],
    /// What each worker reads from, for its statistics.
    sources: [Box<dyn Port>; 2],
    clock: Clock,
    /// What was seen before the intervals that were asked for.
    before: [Seen; 2],
}

struct Running {
    thread: JoinHandle<io::Result<Seen>>,
    bell: Arc<Bell>,
}

/// What a run was.
#[derive(Debug, Clone)]
pub struct Report {
    /// From left to right, and back.
    pub directions: [DirectionReport; 2],
    /// How late packets left, both directions together.
    pub lateness: Quantiles,
}

/// What happened in one direction.
#[derive(Debug, Clone)]
pub struct DirectionReport {
    /// What arrived at the link.
    pub arrived: Tally,
    /// What it delivered.
    pub delivered: Tally,
    /// Packets that links dropped, by reason.
    pub drops: Vec<(DropReason, u64)>,
    /// Frames that the system dropped before the link saw them, since the start.
    pub unseen: u64,
    /// Packets that the device at the far end did not take.
    pub refused: u64,
    /// What came and was no IP packet.
    pub strange: u64,
    /// How long delivered packets were on all links.
    pub delay: Quantiles,
    /// The longest that one of them waited in a queue.
    pub waited: Span,
    /// How late packets left.
    pub lateness: Quantiles,
}

/// What a direction has done lately.
#[derive(Debug, Clone)]
pub struct Interval {
    /// What happened since the last question.
    pub recent: DirectionReport,
    /// What happened since the start.
    pub total: DirectionReport,
    /// What waits for the serialiser now.
    pub waiting: Tally,
    /// Bits that the link could have carried since the last question; `None`: without
    /// limit.
    pub capacity: Option<f64>,
    /// The time of the answer.
    pub at: Time,
}

impl Emulator {
    /// Starts both directions, from left to right and back, now.
    ///
    /// # Errors
    /// When the system has no thread for them.
    pub fn start<P: Port + Clone + 'static>(
        devices: [P; 2],
        links: [impl Into<Chain>; 2],
        options: Options,
    ) -> Result<Self, LiveError> {
        let links = links.map(|link| (link.into(), Box::new(()) as _));
        Self::start_watched(devices, links, Clock::start(), options)
    }

    /// The same with who sees what each link does, and the clock of the run.
    ///
    /// # Errors
    /// When the system has no thread for them.
    pub fn start_watched<P: Port + Clone + 'static>(
        [left, right]: [P; 2],
        [forward, backward]: [(Chain, Box<dyn Watch>); 2],
        clock: Clock,
        options: Options,
    ) -> Result<Self, LiveError> {
        let failed = || LiveError::system::<io::Error>("start a worker");
        let start = |name: &str, (links, watch), from: &P, to: &P, leg| {
            let bell = Arc::new(Bell::new().map_err(failed())?);
            let worker = Worker::new(Direction {
                links,
                watch,
                from: Box::new(from.clone()),
                to: Box::new(to.clone()),
                leg,
                clock,
                spin: options.spin,
                joins: options.super_frames,
                bell: Arc::clone(&bell),
            });
            let thread = thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || {
                    // Sleeps end 50 us later without it; it takes no privilege.
                    let _ = nix::sys::prctl::set_timerslack(1);
                    priority::raise();
                    worker.run()
                })
                .map_err(failed())?;
            Ok(Running { thread, bell })
        };
        Ok(Self {
            workers: [
                start("forward", forward, &left, &right, Leg::Outward)?,
                start("backward", backward, &right, &left, Leg::Return)?,
            ],
            sources: [Box::new(left), Box::new(right)],
            clock,
            before: Default::default(),
        })
    }

    /// The clock of the run.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// Has the worker of a direction (0: from left to right, 1: back) do something; its
    /// answer.
    fn ask<T: Send + 'static>(
        &self,
        direction: usize,
        what: impl FnOnce(Desk<'_>) -> T + Send + 'static,
    ) -> Result<T, LiveError> {
        let (answer, answered) = mpsc::channel();
        self.workers[direction.min(1)]
            .bell
            // Nobody may wait for it any more.
            .order(Box::new(move |desk| drop(answer.send(what(desk)))));
        answered.recv().map_err(|_| LiveError::Worker)
    }

    /// Frames of a direction that no worker saw; none where nobody counts them.
    fn unseen(&self, direction: usize) -> u64 {
        self.sources[direction].dropped().unwrap_or(0)
    }

    /// Changes the links of a direction, each by its own change; the time from which on
    /// they are other ones.
    ///
    /// # Errors
    /// When the worker has ended.
    pub fn change(&self, direction: usize, changes: Vec<Change>) -> Result<Time, LiveError> {
        self.ask(direction, |desk| {
            let mut sink = Both(desk.seen, &mut *desk.watch);
            desk.links.change(desk.now, changes, &mut sink);
            desk.now
        })
    }

    /// What both directions have done since the last question, or since the start;
    /// `since` is the time of the last answer.
    ///
    /// # Errors
    /// When a worker has ended.
    pub fn interval(&mut self, since: Time) -> Result<[Interval; 2], LiveError> {
        let mut ask = |direction: usize| {
            let fresh = Seen::default();
            let (seen, waiting, capacity, at) = self.ask(direction, move |desk| {
                let seen = std::mem::replace(desk.seen, fresh);
                let waiting = desk.links.waiting(desk.now);
                let capacity = desk.links.capacity(since, desk.now);
                (seen, waiting, capacity, desk.now)
            })?;
            self.before[direction].add(&seen);
            Ok(Interval {
                recent: seen.report(self.unseen(direction)),
                total: self.before[direction].report(self.unseen(direction)),
                waiting,
                capacity,
                at,
            })
        };
        Ok([ask(0)?, ask(1)?])
    }

    /// Stops both directions. What is still on the link is lost.
    ///
    /// # Errors
    /// When a device failed while they ran.
    pub fn stop(self) -> Result<Report, LiveError> {
        for worker in &self.workers {
            worker.bell.stop();
        }
        let unseen = [0, 1].map(|direction| self.unseen(direction));
        let mut all = Spans::default();
        let mut end = |worker: Running, mut seen: Seen, unseen: u64| {
            let rest = worker.thread.join().map_err(|_| LiveError::Worker)?;
            seen.add(&rest.map_err(LiveError::system("pass packets on"))?);
            all.add(&seen.lateness);
            Ok(seen.report(unseen))
        };
        let ([forward, backward], [there, back]) = (self.workers, self.before);
        let directions = [
            end(forward, there, unseen[0])?,
            end(backward, back, unseen[1])?,
        ];
        Ok(Report {
            directions,
            lateness: all.quantiles(),
        })
    }
}

impl Seen {
    fn report(&self, unseen: u64) -> DirectionReport {
        DirectionReport {
            unseen,
            arrived: self.arrived,
            delivered: self.delivered,
            drops: self.drops.clone(),
            refused: self.refused,
            strange: self.strange,
            delay: self.delay.quantiles(),
            waited: self.waited,
            lateness: self.lateness.quantiles(),
        }
    }
}
