//! `weaknet live`: real applications behind the link of a scenario.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use weaknet_harness::files::Folders;
use weaknet_harness::plan::{Case, Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::scenario::model::Topology;
use weaknet_harness::world;
use weaknet_live::{
    Clock, Emulator, Ended, Ends, LEFT, LiveError, Namespaces, Options, RIGHT, Shell, Watch,
};
use weaknet_netem::Link;

use super::shipped;
use crate::args::{FirstProcess, Live};
use crate::exit::{Exit, Failure};
use crate::screen;

mod flows;
mod summary;

pub(super) fn run(args: &Live, registry: &Registry) -> Result<(), Failure> {
    if args.flows {
        return flows::run(args, registry);
    }
    let links = links(&case(args, registry)?)?;
    // Before anything starts a thread: see there.
    let namespaces = Namespaces::create(Ends {
        super_frames: !args.mtu_exact,
    })?;
    let commands = commands(args)?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    let options = Options {
        spin: !args.no_spin,
    };
    let links = links.map(|link| (link, Box::new(()) as Box<dyn Watch>));
    let emulator = Emulator::start(namespaces.devices(), links, Clock::start(), options)?;
    let ended = namespaces.run(commands, &|| stop.load(Ordering::Relaxed));
    let report = emulator.stop()?;
    let ended = ended?;
    namespaces.finish();
    for line in summary::lines(&report) {
        screen::note(&line);
    }
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::new(Exit::Interrupted, "interrupted"));
    }
    let failed = ended.into_iter().flatten().find(|ended| ended.code != 0);
    failed.map_or(Ok(()), |Ended { code }| Err(Exit::OfCommand(code).into()))
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

/// The one case whose network is meant.
fn case(args: &Live, registry: &Registry) -> Result<Case, Failure> {
    let path = args.path.as_deref().unwrap_or("clean");
    let plan = Plan::load(
        &Request {
            paths: vec![shipped::resolve(path)?],
            sets: args.sets.clone(),
            seed: args.seed,
            folders: Folders::from_env(args.trace_dir.as_deref()),
            needs_flows: false,
            ..Request::default()
        },
        registry,
    )?;
    let mut cases = plan.cases.into_iter();
    let case = cases.next();
    let case = case.ok_or_else(|| Failure::new(Exit::NothingSelected, "there is no case"))?;
    if cases.any(|other| other.params != case.params) {
        let message = format!("{path} has a matrix: choose with --set, as for `weaknet run`");
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(case)
}

fn links(case: &Case) -> Result<[Link; 2], Failure> {
    let bad = |message: String| Failure::new(Exit::BadData, message);
    if case.scenario.network.topology != Topology::Ends {
        return Err(bad(
            "a live link has two ends: expected `forward:` and `backward:`, found `links:`"
                .to_owned(),
        ));
    }
    let links = world::links(&case.scenario, case.seed, &case.assets)
        .map_err(|error| bad(error.to_string()))?;
    <[Link; 2]>::try_from(links).map_err(|_| bad("expected two links".to_owned()))
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
