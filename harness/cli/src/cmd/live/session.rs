//! A live run from its arguments to its summary, whatever its devices are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use weaknet_harness::live::{About, Setup};
use weaknet_harness::registry::Registry;
use weaknet_live::{Clock, Emulator, LiveError, Options, Port, Watch};

use super::super::run::VERSION;
use super::recorder::Recorder;
use super::results::Results;
use super::steward::{Ended, Steward, Wish};
use super::summary::Summary;
use super::{control, machine};
use crate::args::Live;
use crate::exit::{Exit, Failure};
use crate::screen;

/// A run that is prepared.
pub(super) struct Session<'a> {
    pub(super) args: &'a Live,
    registry: &'a Registry,
    setup: Setup,
    about: About,
    results: Results,
}

/// Who sees what each link does.
type Watches = [Box<dyn Watch>; 2];

/// What a run was, and whether it was interrupted.
pub(super) struct Ran {
    ended: Ended,
    /// Share of processor time taken away.
    stolen: f64,
    interrupted: bool,
}

impl<'a> Session<'a> {
    /// Reads the scenario and prepares for results. Starts no thread.
    pub(super) fn begin(args: &'a Live, registry: &'a Registry) -> Result<Self, Failure> {
        let path = args.path.as_deref().unwrap_or("clean");
        let request = super::request(path, &args.sets, args.seed, args.trace_dir.as_deref())?;
        let setup = Setup::of_flow(request, args.route.clone(), registry)?;
        let about = About {
            path: path.to_owned(),
            sets: args.sets.clone(),
            seed: setup.case().seed,
            version: VERSION.to_owned(),
            route: args.route.clone(),
        };
        let results = Results::begin(args, &setup)?;
        Ok(Self {
            args,
            registry,
            setup,
            about,
            results,
        })
    }

    /// Runs the link between two devices while `what` runs, which is told when to stop.
    pub(super) fn emulate<P: Port + Clone + 'static, T>(
        &self,
        devices: [P; 2],
        what: impl FnOnce(&AtomicBool) -> T,
    ) -> Result<(T, Ran), Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
            .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
        let before = machine::Stolen::now();
        let (recorder, [there, back]) = self.watches()?;
        let [forward, backward] = self.setup.links()?;
        let options = Options {
            spin: !self.args.no_spin,
            super_frames: !self.args.mtu_exact,
        };
        let links = [(forward, there), (backward, back)];
        let emulator = Emulator::start_watched(devices, links, Clock::start(), options)?;
        let steward = Steward::new(emulator, self.setup.clone(), recorder, self.registry);
        let (result, ended) = thread::scope(|scope| {
            let (wishes, wished) = channel();
            let steward = scope.spawn(move || steward.run(&wished));
            listen(&wishes);
            let result = what(&stop);
            // It may have ended because a device failed.
            let _ = wishes.send(Wish::Stop);
            (result, steward.join())
        });
        let ran = Ran {
            ended: ended.map_err(|_| Failure::from(LiveError::Worker))??,
            stolen: before.since(),
            interrupted: stop.load(Ordering::Relaxed),
        };
        Ok((result, ran))
    }

    /// Who sees what the links do.
    fn watches(&self) -> Result<(Option<Recorder>, Watches), Failure> {
        let Some(path) = self.results.recording() else {
            return Ok((None, [Box::new(()), Box::new(())]));
        };
        let (recorder, [there, back]) =
            Recorder::begin(path, &self.about, self.setup.ways(), self.args.snaplen())?;
        Ok((Some(recorder), [Box::new(there), Box::new(back)]))
    }

    /// Says what the run was, and keeps what is to be kept; `loopback` are bytes that
    /// went past the link at each end.
    pub(super) fn conclude(self, ran: Ran, loopback: [u64; 2]) -> Result<(), Failure> {
        let summary = Summary::new(&self.setup, &ran.ended, ran.stolen, loopback);
        for line in summary.lines() {
            screen::note(&line);
        }
        if self.args.json {
            screen::print(&format!("{}\n", summary.json()));
        }
        self.results
            .finish(self.args, &self.setup, ran.ended, self.registry)?;
        if ran.interrupted {
            return Err(Failure::new(Exit::Interrupted, "interrupted"));
        }
        Ok(())
    }
}

/// Says where the link can be changed; without that it goes on.
fn listen(wishes: &Sender<Wish>) {
    match control::listen(wishes) {
        Ok(name) => screen::note(&format!(
            "link {name}: `weaknet ctl` changes and watches it"
        )),
        Err(error) => screen::note(&format!("no control socket: {error}")),
    }
}
