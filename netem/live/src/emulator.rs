//! Both directions of a link, running.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use weaknet_core::event::DropReason;
use weaknet_core::packet::Leg;
use weaknet_netem::{Counts, Link};

use crate::clock::Clock;
use crate::error::LiveError;
use crate::lateness::{Lateness, Quantiles};
use crate::port::Port;
use crate::worker::{Direction, Seen, Stop, Worker};

/// How to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether workers may spin before departures, with a tenth of a processor at
    /// most.
    pub spin: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { spin: true }
    }
}

/// Two workers between two devices.
pub struct Emulator {
    clock: Clock,
    workers: [JoinHandle<io::Result<Seen>>; 2],
    stop: Arc<Stop>,
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
    /// Packets and bytes at the link.
    pub counts: Counts,
    /// Packets that the link dropped, by reason.
    pub drops: Vec<(DropReason, u64)>,
    /// Packets that the device at the far end did not take.
    pub refused: u64,
    /// What came and was no IP packet.
    pub strange: u64,
    /// How late packets left.
    pub lateness: Quantiles,
}

impl Emulator {
    /// Starts both directions: `forward` from left to right, `backward` back.
    ///
    /// # Errors
    /// When the system has no thread for them.
    pub fn start<P: Port + Clone + 'static>(
        [left, right]: [P; 2],
        [forward, backward]: [Link; 2],
        options: Options,
    ) -> Result<Self, LiveError> {
        let failed = || LiveError::system::<io::Error>("start a worker");
        let stop = Arc::new(Stop::new().map_err(failed())?);
        let clock = Clock::start();
        let start = |name: &str, link, from: &P, to: &P, leg| {
            let worker = Worker::new(Direction {
                link,
                from: Box::new(from.clone()),
                to: Box::new(to.clone()),
                leg,
                clock,
                spin: options.spin,
                stop: Arc::clone(&stop),
            });
            thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || {
                    // Sleeps end 50 us later without it; it takes no privilege.
                    let _ = nix::sys::prctl::set_timerslack(1);
                    worker.run()
                })
                .map_err(failed())
        };
        let workers = [
            start("forward", forward, &left, &right, Leg::Outward)?,
            start("backward", backward, &right, &left, Leg::Return)?,
        ];
        Ok(Self {
            clock,
            workers,
            stop,
        })
    }

    /// The clock of this run.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// Stops both directions. What is still on the link is lost.
    ///
    /// # Errors
    /// When a device failed while they ran.
    pub fn stop(self) -> Result<Report, LiveError> {
        self.stop.ask();
        let mut all = Lateness::default();
        let mut end = |worker: JoinHandle<io::Result<Seen>>| {
            let seen = worker.join().map_err(|_| LiveError::Worker)?;
            let seen = seen.map_err(LiveError::system("pass packets on"))?;
            all.add(&seen.lateness);
            Ok(DirectionReport {
                counts: seen.counts,
                drops: seen.drops.0,
                refused: seen.refused,
                strange: seen.strange,
                lateness: seen.lateness.quantiles(),
            })
        };
        let [forward, backward] = self.workers;
        let directions = [end(forward)?, end(backward)?];
        Ok(Report {
            directions,
            lateness: all.quantiles(),
        })
    }
}
