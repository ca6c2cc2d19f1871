//! One case over real sockets.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use weaknet_core::Span;
use weaknet_core::packet::{FlowId, Leg, LinkId};
use weaknet_harness::capture::flow_format;
use weaknet_harness::plan::Case;
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::{Observer, Outcome};
use weaknet_harness::scenario::model::End;
use weaknet_harness::world::{self, RunParts};
use weaknet_live::endpoint::{
    Datagrams, DepartureObserver, Endpoint, Endpoints, EventMerge, FlowPorts, Ledger, LinkObserver,
};
use weaknet_live::{Clock, Emulator, LEFT, LiveError, Namespaces, Options, RIGHT, Watch};
use weaknet_netem::{Chain, Link};

use crate::cmd::live::{machine, summary};
use crate::exit::{Exit, Failure};
use crate::screen;

/// How often events are handed to those who score them.
const LOOK: Duration = Duration::from_millis(20);
/// Events are handed on when they are so old: links tell of what has passed, and no
/// thread sleeps so long.
const HOLD: Span = Span::from_secs(1);

/// Runs one case for as long as it takes; `None` when it was interrupted.
pub(super) fn run_live(
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

    let before = machine::Stolen::now();
    let clock = Clock::start();
    let emulator = Emulator::start_watched(namespaces.devices(), links, clock, options)?;
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
    for line in summary::report_lines(&report, case.scenario.max_error_p99) {
        screen::note(&line);
    }
    if let Some(warning) = summary::warning_of_steal(before.since()) {
        screen::note(&format!("warning: {warning}"));
    }
    tell(&datagrams, events.late());
    Ok(Some(observer.finish()))
}

/// A link and who tells how late its packets leave.
type Observed = (Chain, Box<dyn Watch>);

/// The two links, each with who tells of its packets and of how late they leave.
fn observed(
    links: Vec<Link>,
    ledger: &Ledger,
    events: &mut EventMerge,
) -> Result<[Observed; 2], Failure> {
    let mut observed = Vec::new();
    for (id, mut link) in (0..).map(LinkId).zip(links) {
        let packets = LinkObserver::new(id, ledger.clone(), events.feed());
        link.set_tap(Box::new(packets));
        let departures = DepartureObserver::new(id, events.feed());
        observed.push((link.into(), Box::new(departures) as Box<dyn Watch>));
    }
    let two = <[Observed; 2]>::try_from(observed);
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
fn tell(datagrams: &Datagrams, late: u64) {
    screen::note(&format!(
        "endpoints: {} datagrams sent, {} received",
        datagrams.sent, datagrams.received
    ));
    if datagrams.larger > 0 {
        screen::note(&format!(
            "{} packets had {} bytes more of headers than simulated ones",
            datagrams.larger, datagrams.excess
        ));
    }
    for (count, what) in [
        (
            datagrams.too_long,
            "packets longer than 1500 bytes were not sent",
        ),
        (datagrams.refused, "datagrams were refused by the system"),
        (datagrams.unread, "datagrams were not understood"),
        (late, "events were more than a second late"),
    ] {
        if count > 0 {
            screen::note(&format!("{count} {what}"));
        }
    }
}
