//! `weaknet bench`: how fast the engine is on this machine.
//!
//! Implements: CPU time of the thread that runs a workload, the least of several
//! runs. What a packet or an event costs is the slope between a short and a long
//! run, so that start-up does not count. Events are those of `World::handled`.

mod clock;
mod figures;
mod machine;
mod text;

use weaknet_core::Time;
use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::run_case;
use weaknet_harness::workload::{self, Part};
use weaknet_harness::world;
use weaknet_sim::World;

use super::shipped;
use crate::args::Bench;
use crate::exit::{Exit, Failure};
use crate::screen;
use figures::{Bulk, Call, Cost, Figures, LinkCost, LinkPart, Media};
use machine::Machine;

/// Numbers of bulk flows.
const FLOWS: [u16; 3] = [1, 8, 64];

/// How long and how often.
#[derive(Clone, Copy)]
struct Effort {
    /// Lengths of the short and the long run, in simulated seconds.
    seconds: [u64; 2],
    /// Packets through a single link, short and long.
    packets: [u64; 2],
    /// Runs of which the least counts.
    runs: u32,
}

const FULL: Effort = Effort {
    seconds: [60, 600],
    packets: [40_000, 240_000],
    runs: 5,
};

const QUICK: Effort = Effort {
    seconds: [6, 30],
    packets: [8_000, 40_000],
    runs: 2,
};

pub(super) fn run(args: &Bench, registry: &Registry) -> Result<(), Failure> {
    let effort = if args.quick { QUICK } else { FULL };
    let figures =
        measure(effort, registry).map_err(|message| Failure::new(Exit::Internal, message))?;
    screen::print(&if args.json {
        let value = serde_json::to_value(&figures)
            .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
        format!("{value:#}\n")
    } else if args.markdown {
        text::markdown(&figures)
    } else {
        text::plain(&figures)
    });
    Ok(())
}

fn measure(effort: Effort, registry: &Registry) -> Result<Figures, String> {
    let machine = Machine::here();
    let bulk = FLOWS.into_iter().map(|flows| bulk(effort, flows));
    let bulk = bulk.collect::<Result<Vec<Bulk>, String>>()?;
    let media = media(effort)?;
    let call = call(effort, registry)?;
    let plain_link = single(effort, registry, None)?;
    let links = workload::parts(registry).into_iter().map(|part| {
        let result = single(effort, registry, Some(&part)).map(|cost| LinkCost {
            cost,
            extra_ns_per_packet: cost.ns_per_packet - plain_link.ns_per_packet,
            extra_ns_per_event: cost.ns_per_event - plain_link.ns_per_event,
        });
        let Part { kind, name, config } = part;
        LinkPart {
            kind,
            name,
            config,
            result,
        }
    });
    Ok(Figures {
        machine,
        seconds: effort.seconds,
        runs: effort.runs,
        bulk,
        media,
        call,
        plain_link,
        links: links.collect(),
        peak_mib: machine::peak_mib(),
    })
}

/// Least CPU time, packets that arrived at the far end of the first link, and
/// events that the world handled.
#[derive(Clone, Copy)]
struct Sample {
    cpu_s: f64,
    packets: u64,
    events: u64,
}

/// Runs a world that is built anew each time.
fn sample(runs: u32, build: &dyn Fn() -> Result<(World, Time), String>) -> Result<Sample, String> {
    let mut least = Sample {
        cpu_s: f64::INFINITY,
        packets: 0,
        events: 0,
    };
    for _ in 0..runs {
        let (mut world, end) = build()?;
        let (done, cpu_s) = clock::cpu(|| world.run(end, &mut ()));
        done.map_err(|stuck| stuck.to_string())?;
        least = Sample {
            cpu_s: least.cpu_s.min(cpu_s),
            packets: world.links()[0].counts().delivered.packets,
            events: world.handled(),
        };
    }
    Ok(least)
}

/// What a packet and an event cost between a short and a long run.
fn slope(short: Sample, long: Sample) -> Cost {
    let ns = (long.cpu_s - short.cpu_s) * 1e9;
    let packets = (long.packets - short.packets).max(1) as f64;
    let events = (long.events - short.events).max(1) as f64;
    Cost {
        ns_per_packet: ns / packets,
        ns_per_event: ns / events,
        events_per_packet: events / packets,
    }
}

/// Runs a workload for the short and the long time.
fn timed(effort: Effort, build: &dyn Fn() -> Result<World, String>) -> Result<[Sample; 2], String> {
    let of = |seconds: u64| sample(effort.runs, &|| Ok((build()?, Time::from_secs(seconds))));
    let [short, long] = effort.seconds.map(of);
    Ok([short?, long?])
}

fn bulk(effort: Effort, flows: u16) -> Result<Bulk, String> {
    let build = || workload::bulk(flows).map_err(|error| error.to_string());
    let [short, long] = timed(effort, &build)?;
    let cost = slope(short, long);
    Ok(Bulk {
        flows,
        packets: long.packets,
        events: long.events,
        cpu_s: long.cpu_s,
        cost,
        growth: cost.ns_per_packet * short.packets as f64 / (short.cpu_s * 1e9),
    })
}

fn media(effort: Effort) -> Result<Media, String> {
    let build = || workload::media().map_err(|error| error.to_string());
    let [short, long] = timed(effort, &build)?;
    let cost = slope(short, long);
    Ok(Media {
        packets: long.packets,
        events: long.events,
        cpu_s: long.cpu_s,
        cost,
        times_real_time: effort.seconds[1] as f64 / long.cpu_s,
    })
}

/// The scenario `call600`, planned before, without files and reports.
fn call(effort: Effort, registry: &Registry) -> Result<Option<Call>, String> {
    let found = shipped::scenarios()
        .into_iter()
        .find(|one| one.name == "call600");
    let Some(found) = found else {
        return Ok(None);
    };
    let request = Request {
        paths: vec![found.path.display().to_string()],
        ..Request::default()
    };
    let plan =
        Plan::load(&request, registry).map_err(|error| Failure::from(error).messages.join("; "))?;
    let Some(case) = plan.cases.first() else {
        return Ok(None);
    };
    let mut cpu_s = f64::INFINITY;
    for _ in 0..effort.runs {
        let (outcome, one) = clock::cpu(|| run_case(case, registry));
        outcome.map_err(|error| error.to_string())?;
        cpu_s = cpu_s.min(one);
    }
    // The same run once more with nobody watching, to count.
    let counted = sample(1, &|| {
        let built = world::build(&case.scenario, case.seed, &case.assets);
        let (world, facts) = built.map_err(|error| error.to_string())?;
        Ok((world, facts.duration))
    })?;
    let start = Sample {
        cpu_s: 0.0,
        packets: 0,
        events: 0,
    };
    let seconds = case.scenario.duration.as_secs_f64();
    Ok(Some(Call {
        seconds,
        packets: counted.packets,
        events: counted.events,
        cpu_s,
        cost: slope(start, Sample { cpu_s, ..counted }),
        times_real_time: seconds / cpu_s,
    }))
}

/// What a packet costs over one link. Packets that are dropped or lost count:
/// they have their cost too.
fn single(effort: Effort, registry: &Registry, part: Option<&Part>) -> Result<Cost, String> {
    let [short, long] = effort.packets.map(|packets| {
        let of = sample(effort.runs, &|| workload::single(registry, part, packets));
        of.map(|sample| Sample { packets, ..sample })
    });
    Ok(slope(short?, long?))
}
