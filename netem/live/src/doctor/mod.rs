//! What shaping is like on this machine, here and now.
//!
//! Measures what live links are made of and judges each figure by a limit: wake-ups of
//! threads, what passes through the devices at most, round trips, rates and losses
//! behind links of our own between two namespaces. Figures hold for the machine as it is
//! while they are measured; its load and the time that a host took away are part of
//! them.
//!
//! Implements: conformance of each knob by itself, as studies of NetEm have it
//! (Jurgelionis et al., ICCCN 2011), with the plain forwarder of the same run as
//! reference.
//! Not modelled: other loads than the one that is there.

pub mod bins;
pub mod runs;

mod ceiling;
mod check;
mod datagrams;
mod delay;
mod loss;
mod machine;
mod port;
mod rate;
mod site;
mod steal;
mod timer;

use std::time::Duration;

use serde::Serialize;

pub use check::{Bound, Check, Figure, Limit, Verdict};
pub use machine::{Facility, Machine};
pub use port::Port;

use crate::end::{Ends, Namespaces};
use crate::error::LiveError;
use check::Question;
use steal::Ticks;

/// How long to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Wake-ups of a thread.
    waits: u32,
    /// Time at the ceiling.
    flood: Duration,
    /// Round trips.
    echoes: u32,
    /// Time at a rate.
    rate: Duration,
    /// Packets to lose some of.
    packets: u64,
}

impl Effort {
    /// About three quarters of a minute.
    pub const FULL: Self = Self {
        waits: 1_000,
        flood: Duration::from_secs(2),
        echoes: 1_000,
        rate: Duration::from_secs(2),
        packets: 20_000,
    };

    /// Some seconds, less exact.
    pub const QUICK: Self = Self {
        waits: 250,
        flood: Duration::from_millis(400),
        echoes: 200,
        rate: Duration::from_millis(600),
        packets: 10_000,
    };
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct Diagnosis {
    /// What this is, with its version.
    pub schema: &'static str,
    /// The machine.
    pub machine: Machine,
    /// What is at the ends of a link, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// What was measured. Without a live link only what needs none.
    pub checks: Vec<Check>,
    /// The worst of it; not possible only when no live link is.
    pub verdict: Verdict,
    /// What to do about it.
    pub advice: Vec<String>,
    /// Why there is no live link, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
}

const STEAL: Question = Question {
    name: "machine_steal",
    what: "processor time that the host took away",
    limits: &[Limit::at_most("percent", 1.0)],
    because: "a packet that is due while the processor is away leaves late",
};

const LOAD: Question = Question {
    name: "machine_load",
    what: "load of the last minute, per processor",
    limits: &[Limit::at_most("per_processor", 0.5)],
    because: "above it threads wait for a processor, and figures are those of the load",
};

/// Examines this machine. Has to be called before this process has any thread when it is
/// not root's. Calls `tell` with what is measured next.
pub fn examine(effort: Effort, tell: &dyn Fn(&str)) -> Diagnosis {
    let machine = Machine::here();
    let before = Ticks::now();
    // First of all: see there.
    let ends = namespaces();
    tell("timers");
    let timers = timer::examine(effort);
    let (port, links, obstacle) = match ends {
        Ok([packets, super_frames]) => {
            let links = links(effort, &packets, &super_frames, tell);
            packets.finish();
            super_frames.finish();
            let obstacle = if links.iter().all(|check| check.failure.is_some()) {
                links.iter().find_map(|check| check.failure.clone())
            } else {
                None
            };
            (Some(Port::of(&machine)), links, obstacle)
        }
        Err(error) => (None, Vec::new(), Some(error.to_string())),
    };
    let mut checks = surroundings(&machine, before);
    checks.extend(timers);
    checks.extend(links);
    Diagnosis {
        schema: "weaknet.doctor/1",
        port,
        verdict: match obstacle {
            Some(_) => Verdict::NotPossible,
            // It works, if not at every rate.
            None => worst(&checks).min(Verdict::Degraded),
        },
        advice: match &obstacle {
            Some(obstacle) => vec![obstacle.clone()],
            None => advice(&machine, &checks),
        },
        machine,
        checks,
        obstacle,
    }
}

/// Ends that hand over packets, and ends that hand over super-frames.
fn namespaces() -> Result<[Namespaces; 2], LiveError> {
    let of = |super_frames| {
        Namespaces::create(Ends {
            super_frames,
            ..Ends::default()
        })
    };
    Ok([of(false)?, of(true)?])
}

/// What takes links between ends.
fn links(
    effort: Effort,
    packets: &Namespaces,
    super_frames: &Namespaces,
    tell: &dyn Fn(&str),
) -> Vec<Check> {
    tell("ceilings");
    let mut checks = Vec::from(ceiling::examine_packets(effort, packets));
    checks.push(ceiling::examine_super_frames(effort, super_frames));
    tell("delays");
    checks.extend(delay::examine(effort, super_frames));
    tell("rates");
    checks.extend(rate::examine(effort, super_frames));
    tell("losses");
    checks.extend(loss::examine(effort, super_frames));
    checks
}

/// What the machine did besides.
fn surroundings(machine: &Machine, before: Option<Ticks>) -> Vec<Check> {
    let load = machine.load.map(|load| load / machine.processors as f64);
    let steal = before
        .zip(Ticks::now())
        .map(|(before, now)| now.stolen_percent_since(before));
    [(LOAD, "per_processor", load), (STEAL, "percent", steal)]
        .into_iter()
        .filter_map(|(question, name, value)| {
            Some(question.answer(Ok::<_, String>(vec![(name, value?)])))
        })
        .collect()
}

fn worst(checks: &[Check]) -> Verdict {
    let verdicts = checks.iter().map(|check| check.verdict);
    verdicts.max().unwrap_or(Verdict::Good)
}

/// What to do, the most effective first.
fn advice(machine: &Machine, checks: &[Check]) -> Vec<String> {
    let is_bad = |prefix: &str| {
        let of = checks.iter().filter(|check| check.name.starts_with(prefix));
        of.into_iter().any(|check| check.verdict != Verdict::Good)
    };
    let mut advice = Vec::new();
    let mut add = |applies: bool, text: &str| {
        if applies {
            advice.push(text.to_owned());
        }
    };
    add(
        is_bad("machine_load"),
        "other programs compete for the processors: end them and measure again",
    );
    add(
        is_bad("machine_steal"),
        "the host of this virtual machine gives its processors to others: use another host, or \
         one with dedicated processors",
    );
    add(
        machine.processors < 2 && worst(checks) != Verdict::Good,
        "one processor for two directions and the applications: give it two or more",
    );
    add(
        is_bad("timer") || is_bad("delay"),
        "late wake-ups: runs report their own error (`emulation error`); judge them by it",
    );
    add(
        is_bad("ceiling") || is_bad("rate"),
        "stay at rates whose line is good; faster ones are limited by the machine",
    );
    add(
        is_bad("loss"),
        "losses differ from the model: packets are dropped outside of the link; repeat without \
         load, and report it if it stays",
    );
    advice
}
