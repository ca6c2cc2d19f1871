//! `weaknet bench`: how fast the engine is on this machine.
//!
//! Implements: CPU time of the thread that runs a workload, the least of several
//! runs. What a packet costs is the slope between a short and a long run, so
//! that start-up does not count.

mod clock;
mod machine;
mod text;

use serde::Serialize;
use weaknet_core::Time;
use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::run_case;
use weaknet_harness::workload::{self, Part};
use weaknet_sim::World;

use super::shipped;
use crate::args::Bench;
use crate::exit::{Exit, Failure};
use crate::screen;
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

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Figures {
    machine: Machine,
    /// Simulated seconds of the short and the long run.
    seconds: [u64; 2],
    /// Of so many runs the least counts.
    runs: u32,
    bulk: Vec<Bulk>,
    media: Media,
    /// Absent when the scenario is not to be found.
    call: Option<Call>,
    plain_link_ns: f64,
    links: Vec<LinkPart>,
    /// Most memory that the process has had, in MiB.
    peak_mib: Option<f64>,
}

/// Workload T.
#[derive(Debug, Serialize)]
struct Bulk {
    flows: u16,
    /// Data packets over the bottleneck in the long run.
    packets: u64,
    cpu_s: f64,
    ns_per_packet: f64,
    packets_per_cpu_s: f64,
    /// Cost of a packet late in the run over that in the short run.
    growth: f64,
}

/// Workload M.
#[derive(Debug, Serialize)]
struct Media {
    packets: u64,
    cpu_s: f64,
    ns_per_packet: f64,
    packets_per_cpu_s: f64,
    times_real_time: f64,
}

/// The standard call with everything that it does, in process.
#[derive(Debug, Serialize)]
struct Call {
    seconds: f64,
    cpu_s: f64,
    times_real_time: f64,
}

/// A link with one part exchanged.
#[derive(Debug, Serialize)]
struct LinkPart {
    kind: &'static str,
    name: &'static str,
    config: String,
    /// Or why it could not be measured.
    result: Result<Cost, String>,
}

/// What a packet costs.
#[derive(Debug, Serialize)]
struct Cost {
    ns_per_packet: f64,
    /// More than over the plain link.
    extra_ns: f64,
}

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
    let plain_link_ns = single(effort, registry, None)?;
    let links = workload::parts(registry).into_iter().map(|part| {
        let cost = single(effort, registry, Some(&part)).map(|ns_per_packet| Cost {
            ns_per_packet,
            extra_ns: ns_per_packet - plain_link_ns,
        });
        let Part { kind, name, config } = part;
        LinkPart {
            kind,
            name,
            config,
            result: cost,
        }
    });
    Ok(Figures {
        machine,
        seconds: effort.seconds,
        runs: effort.runs,
        bulk,
        media,
        call,
        plain_link_ns,
        links: links.collect(),
        peak_mib: machine::peak_mib(),
    })
}

/// Least CPU time, and packets that arrived at the first link.
struct Sample {
    cpu_s: f64,
    packets: u64,
}

/// Runs a world that is built anew each time.
fn sample(runs: u32, build: &dyn Fn() -> Result<(World, Time), String>) -> Result<Sample, String> {
    let mut least = Sample {
        cpu_s: f64::INFINITY,
        packets: 0,
    };
    for _ in 0..runs {
        let (mut world, end) = build()?;
        let (done, cpu_s) = clock::cpu(|| world.run(end, &mut ()));
        done.map_err(|stuck| stuck.to_string())?;
        least.cpu_s = least.cpu_s.min(cpu_s);
        least.packets = world.links()[0].counts().delivered.packets;
    }
    Ok(least)
}

/// Nanoseconds per packet between a short and a long run.
fn slope(short: &Sample, long: &Sample) -> f64 {
    (long.cpu_s - short.cpu_s) * 1e9 / (long.packets - short.packets).max(1) as f64
}

fn bulk(effort: Effort, flows: u16) -> Result<Bulk, String> {
    let of = |seconds: u64| {
        sample(effort.runs, &|| {
            let world = workload::bulk(flows).map_err(|error| error.to_string())?;
            Ok((world, Time::from_secs(seconds)))
        })
    };
    let [short, long] = [of(effort.seconds[0])?, of(effort.seconds[1])?];
    let ns_per_packet = slope(&short, &long);
    Ok(Bulk {
        flows,
        packets: long.packets,
        cpu_s: long.cpu_s,
        ns_per_packet,
        packets_per_cpu_s: 1e9 / ns_per_packet,
        growth: ns_per_packet * short.packets as f64 / (short.cpu_s * 1e9),
    })
}

fn media(effort: Effort) -> Result<Media, String> {
    let of = |seconds: u64| {
        sample(effort.runs, &|| {
            let world = workload::media().map_err(|error| error.to_string())?;
            Ok((world, Time::from_secs(seconds)))
        })
    };
    let [short, long] = [of(effort.seconds[0])?, of(effort.seconds[1])?];
    let ns_per_packet = slope(&short, &long);
    Ok(Media {
        packets: long.packets,
        cpu_s: long.cpu_s,
        ns_per_packet,
        packets_per_cpu_s: 1e9 / ns_per_packet,
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
    let mut least = f64::INFINITY;
    for _ in 0..effort.runs {
        let (outcome, cpu_s) = clock::cpu(|| run_case(case, registry));
        outcome.map_err(|error| error.to_string())?;
        least = least.min(cpu_s);
    }
    let seconds = case.scenario.duration.as_secs_f64();
    Ok(Some(Call {
        seconds,
        cpu_s: least,
        times_real_time: seconds / least,
    }))
}

/// Nanoseconds per packet over one link.
fn single(effort: Effort, registry: &Registry, part: Option<&Part>) -> Result<f64, String> {
    let [short, long] = effort.packets.map(|packets| {
        let of = sample(effort.runs, &|| workload::single(registry, part, packets));
        // Packets that are dropped or lost have their cost too.
        of.map(|sample| Sample { packets, ..sample })
    });
    Ok(slope(&short?, &long?))
}
