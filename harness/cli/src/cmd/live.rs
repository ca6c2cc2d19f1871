//! `weaknet live`: real applications behind the link of a scenario.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use weaknet_harness::files::Folders;
use weaknet_harness::live::SetupError;
use weaknet_harness::plan::Request;
use weaknet_harness::registry::Registry;
use weaknet_live::{Ended, Ends, LEFT, LiveError, Namespaces, PortChoice, RIGHT, Shell};

use super::shipped;
use crate::args::{FirstProcess, Live, LivePort};
use crate::exit::{Exit, Failure};
use crate::screen;

mod between;
mod client;
mod control;
mod ctl;
mod dashboard;
mod flows;
mod machine;
mod recorder;
mod replay;
mod results;
mod session;
mod snapshot;
mod steward;
mod summary;

pub(super) use ctl::run as control;
pub(super) use replay::run as replay;

use session::Session;

pub(super) fn run(args: &Live, registry: &Registry) -> Result<(), Failure> {
    if args.flows {
        return flows::run(args, registry);
    }
    let session = Session::begin(args, registry)?;
    match args.between.as_slice() {
        [left, right] => between::run(session, [left, right]),
        _ => in_namespaces(session),
    }
}

/// Commands at both ends, until they have ended.
fn in_namespaces(session: Session<'_>) -> Result<(), Failure> {
    let args = session.args;
    let namespaces = namespaces(args, !args.mtu_exact)?;
    let commands = commands(args)?;
    let (ran, run) = session.emulate(namespaces.devices(), |stop| {
        namespaces.run(commands, &|| stop.load(Ordering::Relaxed))
    })?;
    let loopback = machine::loopback(&namespaces);
    namespaces.finish();
    let ran = ran?;
    session.conclude(run, loopback)?;
    let failed = ran.into_iter().flatten().find(|ended| ended.code != 0);
    failed.map_or(Ok(()), |Ended { code }| Err(Exit::OfCommand(code).into()))
}

/// The ends, with the devices that the arguments ask for. Before anything starts a
/// thread: see there.
fn namespaces(args: &Live, super_frames: bool) -> Result<Namespaces, Failure> {
    let namespaces = Namespaces::create(Ends {
        super_frames,
        port: args.port.into(),
        outside: args.outside,
    })?;
    if let Some(why) = namespaces.why_not_tun() {
        screen::note(&format!(
            "note: pairs of Ethernet devices at the ends: {why}"
        ));
    }
    Ok(namespaces)
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
        let exit = match error {
            LiveError::Interface { .. } => Exit::Usage,
            _ if error.is_permission() => Exit::NotPermitted,
            _ => Exit::Internal,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Plan(error) => error.into(),
            SetupError::Nothing => Self::new(Exit::NothingSelected, error.to_string()),
            SetupError::Matrix(_) | SetupError::Ends => Self::new(Exit::Usage, error.to_string()),
            SetupError::Flows
            | SetupError::Flow { .. }
            | SetupError::Twice(_)
            | SetupError::Route
            | SetupError::World(_) => Self::new(Exit::BadData, error.to_string()),
        }
    }
}

impl From<LivePort> for PortChoice {
    fn from(port: LivePort) -> Self {
        match port {
            LivePort::Auto => Self::Auto,
            LivePort::Tun => Self::Tun,
            LivePort::Veth => Self::Veth,
        }
    }
}
