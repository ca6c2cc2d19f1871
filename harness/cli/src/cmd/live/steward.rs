//! Who looks after a running link: changes it, and says once a second how it is.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use weaknet_core::{Span, Time};
use weaknet_harness::capture::reason_name;
use weaknet_harness::live::Setup;
use weaknet_harness::registry::Registry;
use weaknet_live::{Emulator, Interval, LiveError, Report};

use super::recorder::Recorder;
use super::snapshot::{Change, Command, Delay, Direction, Drops, EmulationError, Snapshot};

/// How often it says how the link is.
const SECOND: Duration = Duration::from_secs(1);
/// Changes that are shown.
const SHOWN: usize = 20;

/// What it is asked for.
pub(super) enum Wish {
    /// To do something; the answer is empty, or says what is wrong.
    Do(Command, Sender<Result<(), String>>),
    /// To say how the link is, from now on.
    Tell(Sender<Snapshot>),
    /// To end.
    Stop,
}

/// What a run was.
pub(super) struct Ended {
    pub(super) report: Report,
    pub(super) recorder: Option<Recorder>,
    /// Changes by hand.
    pub(super) changes: Vec<Change>,
    pub(super) duration: Time,
}

/// A change for a time.
struct Passing {
    until: Instant,
    sets: Vec<String>,
}

pub(super) struct Steward<'r> {
    emulator: Emulator,
    registry: &'r Registry,
    recorder: Option<Recorder>,
    /// As it was at the start.
    first: Setup,
    /// As it is.
    setup: Setup,
    sets: Vec<String>,
    passing: Vec<Passing>,
    changes: Vec<Change>,
    watchers: Vec<Sender<Snapshot>>,
    since: Time,
}

impl<'r> Steward<'r> {
    pub(super) fn new(
        emulator: Emulator,
        setup: Setup,
        recorder: Option<Recorder>,
        registry: &'r Registry,
    ) -> Self {
        Self {
            since: emulator.clock().now(),
            emulator,
            registry,
            recorder,
            first: setup.clone(),
            setup,
            sets: Vec::new(),
            passing: Vec::new(),
            changes: Vec::new(),
            watchers: Vec::new(),
        }
    }

    /// Works until asked to stop.
    pub(super) fn run(mut self, wishes: &Receiver<Wish>) -> Result<Ended, LiveError> {
        let mut next = Instant::now() + SECOND;
        loop {
            let ends = self.passing.iter().map(|passing| passing.until).min();
            let until = ends.map_or(next, |end| end.min(next));
            match wishes.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Wish::Do(command, answer)) => {
                    // Nobody may wait for it any more.
                    let _ = answer.send(self.obey(command));
                }
                Ok(Wish::Tell(watcher)) => {
                    if self.watchers.is_empty() {
                        // What was before is nobody's last second.
                        self.since = self.emulator.interval(self.since)?[0].at;
                        next = Instant::now() + SECOND;
                    }
                    self.watchers.push(watcher);
                }
                Ok(Wish::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            let before = self.passing.len();
            self.passing.retain(|passing| passing.until > now);
            if self.passing.len() < before {
                // What it goes back to has been in force before.
                let _ = self.apply("outage or handover over".to_owned());
            }
            if now >= next {
                next += SECOND;
                self.tell()?;
            }
        }
        let clock = self.emulator.clock();
        let report = self.emulator.stop()?;
        // Without digits that say nothing.
        let duration = clock.now().as_nanos().next_multiple_of(1_000_000);
        let duration = Time::from_nanos(duration);
        Ok(Ended {
            report,
            recorder: self.recorder,
            changes: self.changes,
            duration,
        })
    }

    fn obey(&mut self, command: Command) -> Result<(), String> {
        let firsts = self.setup.paths().map(|paths| paths.into_iter().next());
        let both = |what: &str| -> Vec<String> {
            let firsts = firsts.iter().flatten();
            firsts.map(|path| format!("{path}.{what}")).collect()
        };
        match command {
            Command::Watch {} => Ok(()),
            Command::Set(sets) => {
                let before = self.sets.len();
                self.sets.extend(sets.iter().cloned());
                let applied = self.apply(sets.join(" "));
                if applied.is_err() {
                    self.sets.truncate(before);
                }
                applied
            }
            Command::Outage { seconds } => self.pass("outage", both("loss=100%"), seconds),
            Command::Handover { seconds } => {
                self.pass("handover", both("rate={steps: [[0s, 0bps]]}"), seconds)
            }
        }
    }

    fn pass(&mut self, name: &str, sets: Vec<String>, seconds: f64) -> Result<(), String> {
        let length = Duration::try_from_secs_f64(seconds)
            .map_err(|_| format!("expected a number of seconds, found {seconds}"))?;
        let until = Instant::now() + length;
        self.passing.push(Passing { until, sets });
        let applied = self.apply(format!("{name} for {seconds} s"));
        if applied.is_err() {
            self.passing.pop();
        }
        applied
    }

    /// Makes the link what the changes in force make of the scenario.
    fn apply(&mut self, text: String) -> Result<(), String> {
        let passing = self.passing.iter().flat_map(|passing| &passing.sets);
        let sets: Vec<String> = self.sets.iter().chain(passing).cloned().collect();
        let next = self.first.with(&sets, self.registry);
        let next = next.map_err(|error| error.to_string())?;
        let changes = self
            .setup
            .changes(&next)
            .map_err(|error| error.to_string())?;
        for (way, changes) in changes.into_iter().enumerate() {
            let at = self.emulator.change(way, changes);
            let at = at.map_err(|error| error.to_string())?;
            if let (Some(recorder), Some(link)) = (&self.recorder, self.setup.ways()[way].first()) {
                recorder.set(at, link.0, &sets);
            }
        }
        self.setup = next;
        self.changes.push(Change {
            time_s: self.emulator.clock().now().as_secs_f64(),
            text,
        });
        Ok(())
    }

    /// Says how the link has been since the last time.
    fn tell(&mut self) -> Result<(), LiveError> {
        if self.watchers.is_empty() {
            return Ok(());
        }
        let intervals = self.emulator.interval(self.since)?;
        let since = std::mem::replace(&mut self.since, intervals[0].at);
        let mut paths = self.setup.paths().into_iter();
        let [forward, backward] = intervals.map(|interval| Direction {
            links: paths.next().unwrap_or_default(),
            ..direction(&interval, interval.at.since(since))
        });
        let snapshot = Snapshot {
            name: self.setup.case().scenario.name.clone(),
            time_s: self.since.as_secs_f64(),
            forward,
            backward,
            changes: self
                .changes
                .iter()
                .rev()
                .take(SHOWN)
                .rev()
                .cloned()
                .collect(),
        };
        self.watchers
            .retain(|watcher| watcher.send(snapshot.clone()).is_ok());
        Ok(())
    }
}

fn direction(interval: &Interval, length: Span) -> Direction {
    let Interval {
        recent,
        total,
        waiting,
        capacity,
        ..
    } = interval;
    let per_second = |bits: f64| (bits / length.as_secs_f64()).round() as u64;
    let micros = |span: Span| span.as_nanos() as f64 / 1e3;
    let dropped: u64 = recent.drops.iter().map(|(_, count)| count).sum();
    Direction {
        capacity_bps: capacity.map(per_second),
        in_bps: per_second(recent.arrived.bytes as f64 * 8.0),
        out_bps: per_second(recent.delivered.bytes as f64 * 8.0),
        queue_bytes: waiting.bytes,
        queue_packets: waiting.packets,
        queue_delay_ms: recent.waited.as_millis_f64(),
        one_way_delay_ms: (recent.delay.count > 0).then(|| Delay {
            p50: recent.delay.p50.as_millis_f64(),
            p95: recent.delay.p95.as_millis_f64(),
        }),
        loss: dropped as f64 / recent.arrived.packets.max(1) as f64,
        drops: total
            .drops
            .iter()
            .map(|(reason, packets)| Drops {
                reason: reason_name(*reason).to_owned(),
                packets: *packets,
            })
            .collect(),
        emulation_error_us: (total.lateness.count > 0).then(|| EmulationError {
            p50: micros(total.lateness.p50),
            p99: micros(total.lateness.p99),
            max: micros(total.lateness.max),
        }),
        system_drops: total.refused + total.unseen,
        links: Vec::new(),
        set_loss: None,
        set_delay_ms: None,
    }
}
