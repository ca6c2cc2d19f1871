//! `weaknet live --flows`: the flows of a scenario over real sockets, scored like
//! simulated ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use weaknet_harness::files::Folders;
use weaknet_harness::plan::{Case, Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::store::{OutMode, RunWriter};
use weaknet_live::Options;

use crate::args::Live;
use crate::cmd::run::{self, Done};
use crate::cmd::shipped;
use crate::exit::{Exit, Failure};
use crate::screen;

mod check;
mod drive;
mod side_by_side;

pub(super) fn run(args: &Live, registry: &Registry) -> Result<(), Failure> {
    let started = run::now();
    let cases = cases(args, registry)?;
    for case in &cases {
        check::can_run(case)?;
    }
    let name = cases.first().map_or("", |case| case.scenario.name.as_str());
    let scoring = &args.scoring;
    let default_out = || run::in_runs(&format!("{name}-live"));
    let out = args.out.clone().unwrap_or_else(default_out);
    // Packets are single ones.
    let namespaces = super::namespaces(args, false)?;
    let writer =
        RunWriter::begin(&out, OutMode::Replace, run::VERSION).map_err(run::cannot_begin)?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    let options = Options {
        spin: !args.no_spin,
        super_frames: false,
    };
    for case in &cases {
        let Some(outcome) = drive::run_live(case, &namespaces, options, registry, &stop)? else {
            break;
        };
        writer
            .case(&outcome.result, &outcome.series)
            .map_err(run::store_failure)?;
    }
    namespaces.finish();
    let simulated = if scoring.compare && !stop.load(Ordering::Relaxed) {
        Some(side_by_side::simulate(&cases, registry, &writer, &stop)?)
    } else {
        None
    };
    let done = Done {
        writer,
        cases: &cases,
        command: command(args),
        started,
    };
    let summary = done.publish(registry, &[], args.json)?;
    if let Some(simulated) = &simulated
        && !args.json
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
