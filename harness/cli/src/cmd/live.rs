//! `weaknet live`: real applications behind the link of a scenario.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use weaknet_harness::files::Folders;
use weaknet_harness::live::{About, Setup, SetupError};
use weaknet_harness::plan::Request;
use weaknet_harness::registry::Registry;
use weaknet_live::{
    Clock, Emulator, Ended, Ends, LEFT, LiveError, Namespaces, Options, RIGHT, Shell, Watch,
};

use super::run::VERSION;
use super::shipped;
use crate::args::{FirstProcess, Live};
use crate::exit::{Exit, Failure};
use crate::screen;

mod control;
mod ctl;
mod flows;
mod machine;
mod recorder;
mod replay;
mod results;
mod snapshot;
mod steward;
mod summary;

pub(super) use ctl::run as control;
pub(super) use replay::run as replay;

use recorder::Recorder;
use results::Results;
use steward::{Steward, Wish};

pub(super) fn run(args: &Live, registry: &Registry) -> Result<(), Failure> {
    if args.flows {
        return flows::run(args, registry);
    }
    let path = args.path.as_deref().unwrap_or("clean");
    let setup = Setup::load(
        request(path, &args.sets, args.seed, args.trace_dir.as_deref())?,
        registry,
    )?;
    let links = setup.links()?;
    let about = About {
        path: path.to_owned(),
        sets: args.sets.clone(),
        seed: setup.case().seed,
        version: VERSION.to_owned(),
    };
    let results = Results::begin(args, &setup)?;
    // Before anything starts a thread: see there.
    let namespaces = Namespaces::create(Ends {
        super_frames: !args.mtu_exact,
    })?;
    let commands = commands(args)?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;

    let before = machine::Stolen::now();
    let (recorder, watches) = match results.recording() {
        None => (None, [Box::new(()) as Box<dyn Watch>, Box::new(())]),
        Some(path) => {
            let (recorder, relays) = Recorder::begin(path, &about)?;
            (Some(recorder), relays.map(|relay| Box::new(relay) as _))
        }
    };
    let [forward, backward] = links;
    let [there, back] = watches;
    let emulator = Emulator::start(
        namespaces.devices(),
        [(forward, there), (backward, back)],
        Clock::start(),
        Options {
            spin: !args.no_spin,
        },
    )?;
    let steward = Steward::new(emulator, setup.clone(), recorder, registry);
    let (ran, ended) = thread::scope(|scope| {
        let (wishes, wished) = channel();
        let steward = scope.spawn(move || steward.run(&wished));
        listen(&wishes);
        let ran = namespaces.run(commands, &|| stop.load(Ordering::Relaxed));
        // It may have ended because a device failed.
        let _ = wishes.send(Wish::Stop);
        (ran, steward.join())
    });
    let ended = ended.map_err(|_| Failure::from(LiveError::Worker))??;
    let loopback = machine::loopback(&namespaces);
    namespaces.finish();
    let ran = ran?;
    let summary = summary::Summary::new(&setup, &ended, before.since(), loopback);
    for line in summary.lines() {
        screen::note(&line);
    }
    if args.json {
        screen::print(&format!("{}\n", summary.json()));
    }
    results.finish(args, &setup, ended, registry)?;
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::new(Exit::Interrupted, "interrupted"));
    }
    let failed = ran.into_iter().flatten().find(|ended| ended.code != 0);
    failed.map_or(Ok(()), |Ended { code }| Err(Exit::OfCommand(code).into()))
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

/// The network of a scenario or preset.
fn request(
    path: &str,
    sets: &[String],
    seed: Option<u64>,
    trace_dir: Option<&Path>,
) -> Result<Request, Failure> {
    Ok(Request {
        paths: vec![shipped::resolve(path)?],
        sets: sets.to_vec(),
        seed,
        folders: Folders::from_env(trace_dir),
        needs_flows: false,
        ..Request::default()
    })
}

/// What the first process of a namespace does.
pub(super) fn first_process(args: &FirstProcess) -> Result<(), Failure> {
    match weaknet_live::run_as_first_process(&args.command) {
        Ok(0) => Ok(()),
        Ok(code) => Err(Exit::OfCommand(code).into()),
        // As shells say it.
        Err(error @ LiveError::Command { .. }) => {
            let code = if error.is_permission() { 126 } else { 127 };
            Err(Failure::new(Exit::OfCommand(code), error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

/// What runs at the left and at the right end; a shell when nothing is said.
fn commands(args: &Live) -> Result<[Option<Shell>; 2], Failure> {
    let weaknet = std::env::current_exe().map_err(|error| {
        Failure::new(Exit::Internal, format!("failed to find weaknet: {error}"))
    })?;
    let shell = |command, peer| Shell {
        command,
        first: (
            PathBuf::from(&weaknet),
            vec!["first-process".to_owned(), "--".to_owned()],
        ),
        peer,
    };
    let line = |line: &String| vec!["sh".to_owned(), "-c".to_owned(), line.clone()];
    if args.left.is_none() && args.right.is_none() {
        let command = if args.command.is_empty() {
            vec![std::env::var("SHELL").unwrap_or_else(|_| "sh".to_owned())]
        } else {
            args.command.clone()
        };
        return Ok([Some(shell(command, RIGHT)), None]);
    }
    Ok([
        args.left.as_ref().map(|left| shell(line(left), RIGHT)),
        args.right.as_ref().map(|right| shell(line(right), LEFT)),
    ])
}

impl From<LiveError> for Failure {
    fn from(error: LiveError) -> Self {
        let exit = if error.is_permission() {
            Exit::NotPermitted
        } else {
            Exit::Internal
        };
        Self::new(exit, error.to_string())
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Plan(error) => error.into(),
            SetupError::Nothing => Self::new(Exit::NothingSelected, error.to_string()),
            SetupError::Matrix(_) => Self::new(Exit::Usage, error.to_string()),
            SetupError::Topology | SetupError::World(_) => {
                Self::new(Exit::BadData, error.to_string())
            }
        }
    }
}
