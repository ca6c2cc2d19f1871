//! `weaknet live --flows`: the flows of a scenario over real sockets, scored like
//! simulated ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use weaknet_core::Span;
use weaknet_core::packet::{FlowId, Leg, LinkId};
use weaknet_harness::capture::flow_format;
use weaknet_harness::files::Folders;
use weaknet_harness::plan::{Case, Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::{Observer, Outcome};
use weaknet_harness::scenario::model::End;
use weaknet_harness::store::{OutMode, RunWriter};
use weaknet_harness::world::{self, RunParts};
use weaknet_live::endpoint::{
    Datagrams, DepartureObserver, Endpoint, Endpoints, EventMerge, FlowPorts, Ledger, LinkObserver,
};
use weaknet_live::{
    Clock, Emulator, Ends, LEFT, LiveError, Namespaces, Options, RIGHT, Report, Watch,
};
use weaknet_netem::Link;

use super::summary;
use crate::args::Live;
use crate::cmd::run::{self, Done};
use crate::cmd::shipped;
use crate::exit::{Exit, Failure};
use crate::screen;

mod check;
mod side_by_side;

/// How often events are handed to those who score them.
const LOOK: Duration = Duration::from_millis(20);
/// Events are handed on when they are so old: links tell of what has passed, and no
/// thread sleeps so long.
const HOLD: Span = Span::from_secs(1);

pub(super) fn run(args: &Live, registry: &Registry) -> Result<(), Failure> {
    let started = run::now();
    let cases = cases(args, registry)?;
    for case in &cases {
        check::can_run(case)?;
    }
    let name = cases.first().map_or("", |case| case.scenario.name.as_str());
    let scoring = &args.scoring;
    let default_out = || run::in_runs(&format!("{name}-live"));
    let out = scoring.out.clone().unwrap_or_else(default_out);
    let writer =
        RunWriter::begin(&out, OutMode::Replace, run::VERSION).map_err(run::cannot_begin)?;
    // Before anything starts a thread: see there. Packets are single ones.
    let namespaces = Namespaces::create(Ends {
        super_frames: false,
    })?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    let options = Options {
        spin: !args.no_spin,
    };
    for case in &cases {
        let Some(outcome) = run_live(case, &namespaces, options, registry, &stop)? else {
            break;
        };
        writer
            .case(&outcome.result, &outcome.series)
            .map_err(run::store_failure)?;
    }
    namespaces.finish();
    let simulated = match scoring.compare && !stop.load(Ordering::Relaxed) {
        true => Some(side_by_side::simulate(&cases, registry, &writer)?),
        false => None,
    };
    let done = Done {
        writer,
        cases: &cases,
        command: command(args),
        started,
    };
    let summary = done.publish(registry, &[], scoring.json)?;
    if let Some(simulated) = &simulated
        && !scoring.json
    {
        let table = side_by_side::table(simulated, &summary, registry)?;
        screen::print(&format!("\n{table}"));
    }
    if summary.cases.len() < cases.len() {
        let (done, all) = (summary.cases.len(), cases.len());
        let message = format!("interrupted after {done} of {all} cases");
        return Err(Failure::new(Exit::Interrupted, message));
    }
    run::judge(&summary)
}

/// One scenario without a matrix, with the seeds that are asked for.
fn cases(args: &Live, registry: &Registry) -> Result<Vec<Case>, Failure> {
    let path = args.path.as_deref().unwrap_or_default();
    let plan = Plan::load(
        &Request {
            paths: vec![shipped::resolve(path)?],
            sets: args.sets.clone(),
            seed: args.seed,
            seeds: args.scoring.seeds,
            folders: Folders::from_env(args.trace_dir.as_deref()),
            needs_flows: true,
            ..Request::default()
        },
        registry,
    )?;
    let mut cases = plan.cases;
    let mut rest = cases.iter().skip(1);
    if rest.any(|other| Some(&other.params) != cases.first().map(|first| &first.params)) {
        let message = format!("{path} has a matrix: choose with --set, as for `weaknet run`");
        return Err(Failure::new(Exit::Usage, message));
    }
    if args.scoring.seeds.is_none() {
        cases.truncate(1);
    }
    Ok(cases)
}

/// The command that does the same again.
fn command(args: &Live) -> Vec<String> {
    let mut command = vec![
        "weaknet".to_owned(),
        "live".to_owned(),
        "--flows".to_owned(),
    ];
    command.extend(args.path.clone());
    let mut option = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            command.extend([format!("--{name}"), value]);
        }
    };
    option("seeds", args.scoring.seeds.map(|n| n.to_string()));
    option("seed", args.seed.map(|n| n.to_string()));
    for set in &args.sets {
        option("set", Some(set.clone()));
    }
    command
}

/// Runs one case for as long as it takes; `None` when it was interrupted.
fn run_live(
    case: &Case,
    namespaces: &Namespaces,
    options: Options,
    registry: &Registry,
    stop: &AtomicBool,
) -> Result<Option<Outcome>, Failure> {
    let parts = world::parts(
        &case.scenario,
        case.seed,
        &case.assets,
        &|_, _, _| None,
        None,
    )
    .map_err(|error| Failure::new(Exit::BadData, error.to_string()))?;
    let RunParts {
        links,
        flows,
        facts,
        ..
    } = parts;
    let (ledger, mut events) = (Ledger::default(), EventMerge::default());
    let links = observed(links, &ledger, &mut events)?;
    let ends = endpoints(case, flows, namespaces)?;
    let mut observer = Observer::new(case, &facts, registry)
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    let until = facts.duration;
    screen::note(&format!(
        "{} seed {}: {} s in real time",
        case.scenario.name,
        case.seed,
        until.as_secs_f64()
    ));

    let clock = Clock::start();
    let emulator = Emulator::start(namespaces.devices(), links, clock, options)?;
    let endpoints = Endpoints::start(ends, clock, until, &ledger, &mut events)?;
    while clock.now() < until && !stop.load(Ordering::Relaxed) && !endpoints.has_ended() {
        std::thread::sleep(LOOK);
        events.hand_on(clock.now().saturating_sub(HOLD), &mut observer);
    }
    if clock.now() < until {
        endpoints.stop();
    }
    let datagrams = endpoints.finish()?;
    let report = emulator.stop()?;
    if stop.load(Ordering::Relaxed) {
        return Ok(None);
    }
    events.hand_on(until, &mut observer);
    tell(&report, &datagrams, events.late());
    Ok(Some(observer.finish()))
}

/// The two links, each with who tells of its packets and of how late they leave.
fn observed(
    links: Vec<Link>,
    ledger: &Ledger,
    events: &mut EventMerge,
) -> Result<[(Link, Box<dyn Watch>); 2], Failure> {
    let mut observed = Vec::new();
    for (id, mut link) in (0..).map(LinkId).zip(links) {
        let packets = LinkObserver::new(id, ledger.clone(), events.feed());
        link.set_tap(Box::new(packets));
        let departures = DepartureObserver::new(id, events.feed());
        observed.push((link, Box::new(departures) as Box<dyn Watch>));
    }
    let two = <[(Link, Box<dyn Watch>); 2]>::try_from(observed);
    two.map_err(|_| Failure::new(Exit::BadData, "expected two links".to_owned()))
}

/// The endpoints of the left and of the right end, with their sockets.
fn endpoints(
    case: &Case,
    flows: Vec<weaknet_sim::Flow>,
    namespaces: &Namespaces,
) -> Result<Vec<Vec<Endpoint>>, Failure> {
    let hosts = [LEFT.v4, RIGHT.v4];
    let mut ends = vec![Vec::new(), Vec::new()];
    let specs = (0..).map(FlowId).zip(&case.scenario.flows);
    for ((id, spec), flow) in specs.zip(flows) {
        let ports = FlowPorts::of(id).ok_or_else(|| {
            let message = format!("{} flows: expected no more than ports", id.0);
            Failure::new(Exit::BadData, message)
        })?;
        let first = usize::from(spec.from == End::B);
        for (leg, node, end) in [
            (Leg::Outward, flow.sender, first),
            (Leg::Return, flow.receiver, 1 - first),
        ] {
            let addresses = Endpoint::addresses(ports, leg, [hosts[end], hosts[1 - end]]);
            let socket = namespaces.within(end, move || Endpoint::open(addresses))?;
            ends[end].push(Endpoint {
                node,
                flow: id,
                leg,
                addresses,
                socket: socket.map_err(LiveError::socket)?,
                formats: [flow_format(case, spec), flow_format(case, spec)],
            });
        }
    }
    Ok(ends)
}

/// What happened beside the scores.
fn tell(report: &Report, datagrams: &Datagrams, late: u64) {
    for line in summary::lines(report) {
        screen::note(&line);
    }
    screen::note(&format!(
        "endpoints: {} datagrams sent, {} received",
        datagrams.sent, datagrams.received
    ));
    for (count, what) in [
        (
            datagrams.too_long,
            "packets longer than 1500 bytes were not sent",
        ),
        (datagrams.refused, "datagrams were refused by the system"),
        (
            datagrams.resized,
            "packets had another size than simulated ones",
        ),
        (datagrams.unread, "datagrams were not understood"),
        (late, "events were more than a second late"),
    ] {
        if count > 0 {
            screen::note(&format!("{count} {what}"));
        }
    }
}
