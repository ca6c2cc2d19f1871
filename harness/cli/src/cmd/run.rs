//! `weaknet run`: the main job.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use indicatif::{ProgressBar, ProgressStyle};
use weaknet_harness::capture::{CaptureOptions, Captures};
use weaknet_harness::expectations;
use weaknet_harness::plan::{Case, Plan};
use weaknet_harness::registry::Registry;
use weaknet_harness::results::Summary;
use weaknet_harness::runner::{Outcome, run_all};
use weaknet_harness::store::{Manifest, OutMode, RunDir, RunWriter, StoreError};

use super::report;
use crate::args::{Captured, Run};
use crate::exit::{Exit, Failure};
use crate::screen;

/// The version that results are marked with.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) fn run(args: &Run, registry: &Registry) -> Result<(), Failure> {
    let started = now();
    report::check_rank(&args.rank, registry)?;
    let plan = Plan::load(&super::request(&args.selection)?, registry)?;
    let out = args.out.clone().unwrap_or_else(|| default_out(&plan, args));
    let mode = if args.resume {
        OutMode::Resume
    } else {
        OutMode::Replace
    };
    let writer = RunWriter::begin(&out, mode, VERSION).map_err(cannot_begin)?;
    let captures = captures(args, &writer)?;
    let is_done = |case: &Case| {
        writer.is_finished(&case.id) && captures.as_ref().is_none_or(|captures| captures.has(case))
    };
    let todo: Vec<&Case> = plan.cases.iter().filter(|case| !is_done(case)).collect();
    if todo.len() < plan.cases.len() {
        screen::note(&format!(
            "{} of {} cases are done already",
            plan.cases.len() - todo.len(),
            plan.cases.len()
        ));
    }

    let stop = interruptible()?;
    let progress = Progress::new(todo.len());
    let broken: Mutex<Option<StoreError>> = Mutex::default();
    let done = |case: &Case, outcome: Outcome| {
        if let Err(error) = writer.case(&outcome.result, &outcome.series) {
            broken
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(error);
            stop.store(true, Ordering::Relaxed);
        }
        progress.done(case);
    };
    let jobs = args.jobs.map(usize::from);
    let ran = run_all(&todo, registry, jobs, captures.as_ref(), &stop, &done);
    progress.finish();
    if let Some(error) = broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(store_failure(error));
    }
    ran.map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;

    let done = Done {
        writer,
        cases: &plan.cases,
        command: command(args),
        started,
    };
    let summary = done.publish(registry, &args.rank, args.json)?;
    if summary.cases.len() < plan.cases.len() {
        let message = format!(
            "interrupted after {} of {} cases; go on with --resume",
            summary.cases.len(),
            plan.cases.len()
        );
        return Err(Failure::new(Exit::Interrupted, message));
    }
    judge(&summary)
}

/// A run whose cases have been written.
pub(super) struct Done<'p> {
    pub(super) writer: RunWriter,
    /// Those of the plan, in its order.
    pub(super) cases: &'p [Case],
    pub(super) command: Vec<String>,
    pub(super) started: String,
}

impl Done<'_> {
    /// Puts the run in its place and prints what came of it.
    pub(super) fn publish(
        self,
        registry: &Registry,
        rank: &[String],
        json: bool,
    ) -> Result<Summary, Failure> {
        let (run, summary) = self.write(registry, rank)?;
        if json {
            let json = serde_json::to_string_pretty(&summary)
                .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
            screen::print(&format!("{json}\n"));
        } else {
            screen::print(&report::table(&run, registry, rank)?);
        }
        screen::note(&format!("wrote {}", shown(run.path()).display()));
        Ok(summary)
    }

    /// Puts the run in its place.
    pub(super) fn write(
        self,
        registry: &Registry,
        rank: &[String],
    ) -> Result<(RunDir, Summary), Failure> {
        let ids = self.cases.iter().map(|case| case.id.as_str());
        let summary = self.writer.summary(ids);
        let manifest = Manifest::new(
            &summary,
            self.cases.len(),
            VERSION,
            self.command,
            [self.started, now()],
        );
        let out = self
            .writer
            .finish(&summary, &resolved(self.cases), &manifest)
            .map_err(store_failure)?;
        let run = RunDir::open(&out).map_err(store_failure)?;
        report::write(&run, registry, rank)?;
        Ok((run, summary))
    }
}

/// Fails when an expectation does.
pub(super) fn judge(summary: &Summary) -> Result<(), Failure> {
    let judged = expectations::judge(&summary.cases)
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    let failed = judged.iter().filter(|judgement| !judgement.ok).count();
    if failed > 0 {
        return Err(Failure::new(
            Exit::ExpectationFailed,
            format!("{failed} of {} expectations failed", judged.len()),
        ));
    }
    Ok(())
}

/// Where captures go; `None` when none are asked for.
fn captures(args: &Run, writer: &RunWriter) -> Result<Option<Captures>, Failure> {
    if args.capture.is_empty() {
        return Ok(None);
    }
    let asked = |kind| args.capture.contains(&kind) || args.capture.contains(&Captured::All);
    let options = CaptureOptions {
        pcapng: asked(Captured::Pcapng),
        qlog: asked(Captured::Qlog),
        snaplen: args.capture_snaplen,
        version: VERSION.to_owned(),
    };
    let root = writer.captures().map_err(store_failure)?;
    Ok(Some(Captures::new(root, options)))
}

/// `results/runs/<name>`, where the name is the scenario's or, for several,
/// that of the first path.
fn default_out(plan: &Plan, args: &Run) -> PathBuf {
    let mut names: Vec<&str> = plan
        .cases
        .iter()
        .map(|case| case.scenario.name.as_str())
        .collect();
    names.dedup();
    let stem = || {
        let path = Path::new(args.selection.paths.first().map_or("", String::as_str));
        path.file_stem().map_or_else(
            || "run".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        )
    };
    let name = if let [one] = names.as_slice() {
        (*one).to_owned()
    } else {
        stem()
    };
    in_runs(&name)
}

/// Where a run of this name goes.
pub(super) fn in_runs(name: &str) -> PathBuf {
    let safe = |c: char| {
        if c.is_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = name.chars().map(safe).collect();
    Path::new("results/runs").join(name.trim_start_matches('.'))
}

/// The command that gives the same results: what only chooses where and how
/// fast is left out.
fn command(args: &Run) -> Vec<String> {
    let selection = &args.selection;
    let mut command = vec!["weaknet".to_owned(), "run".to_owned()];
    command.extend(selection.paths.iter().cloned());
    let mut option = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            command.extend([format!("--{name}"), value]);
        }
    };
    option("seeds", selection.seeds.map(|n| n.to_string()));
    option("seed", selection.seed.map(|n| n.to_string()));
    for set in &selection.sets {
        option("set", Some(set.clone()));
    }
    option("case", selection.case.clone());
    for kind in &args.capture {
        option("capture", Some(kind.name().to_owned()));
    }
    option(
        "capture-snaplen",
        args.capture_snaplen.map(|n| n.to_string()),
    );
    command
}

/// Every resolved scenario of the plan, one YAML document each.
fn resolved(cases: &[Case]) -> String {
    let mut text = String::new();
    let mut last = None;
    for case in cases {
        if last.replace((&case.scenario.name, &case.params))
            == Some((&case.scenario.name, &case.params))
        {
            continue;
        }
        if !text.is_empty() {
            text.push_str("---\n");
        }
        for (path, value) in &case.params {
            text.push_str(&format!("# {path} = {value}\n"));
        }
        text.push_str(&serde_yaml::to_string(&case.scenario.canonical()).unwrap_or_default());
    }
    text
}

/// A flag that becomes true at the first interrupt; the second one kills.
fn interruptible() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        screen::note("interrupted: finishing the cases that have begun");
    })
    .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    Ok(stop)
}

pub(super) fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

fn shown(path: &Path) -> &Path {
    std::env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok())
        .unwrap_or(path)
}

pub(super) fn cannot_begin(error: StoreError) -> Failure {
    Failure::new(Exit::Usage, error.to_string())
}

pub(super) fn store_failure(error: StoreError) -> Failure {
    Failure::new(Exit::Internal, error.to_string())
}

/// A bar on a terminal, a line per case in a pipe.
struct Progress {
    bar: Option<ProgressBar>,
    total: usize,
    finished: std::sync::atomic::AtomicUsize,
}

impl Progress {
    fn new(total: usize) -> Self {
        let bar = (std::io::stderr().is_terminal() && total > 1).then(|| {
            let style =
                ProgressStyle::with_template("{bar:30} {pos}/{len} runs, {eta} left  {msg}");
            ProgressBar::new(total as u64)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self {
            bar,
            total,
            finished: std::sync::atomic::AtomicUsize::new(0),
        }
    }

    fn done(&self, case: &Case) {
        let finished = self.finished.fetch_add(1, Ordering::Relaxed) + 1;
        let name = &case.scenario.name;
        match &self.bar {
            Some(bar) => {
                bar.set_message(name.clone());
                bar.inc(1);
            }
            None => screen::note(&format!(
                "{finished}/{} {name} seed {} ({})",
                self.total, case.seed, case.id
            )),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
