//! Runs the cases of a plan, several at a time, and hands their results on as
//! they finish.
//!
//! A run is a pure function of its case: which thread runs it, and when, shows
//! nowhere in the result.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use weaknet_core::event::EventSink;
use weaknet_core::{BuildContext, Event, Streams, Time};
use weaknet_sim::{Stuck, Trajectory};

use crate::capture::{CaptureError, Captures, CaseCapture};
use crate::metrics::{RunFacts, Scorer, Scores};
use crate::plan::Case;
use crate::record::SeriesRecorder;
use crate::registry::Registry;
use crate::results::{CaseResult, ExpectationResult, Series, named_scores};
use crate::scenario::model::Expectation;
use crate::store::case_digest;
use crate::world::{self, Arrivals, Built, OwnEnds, WorldError};

/// Why a case yielded no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// It could not be built.
    #[error("case {case} ({name}): {source}")]
    World {
        /// Its id.
        case: String,
        /// Its scenario.
        name: String,
        /// Why.
        source: WorldError,
    },
    /// A component asked to be woken for ever at one instant.
    #[error("case {case} ({name}): {source}")]
    Stuck {
        /// Its id.
        case: String,
        /// Its scenario.
        name: String,
        /// Where and when.
        source: Stuck,
    },
    /// Its captures could not be written.
    #[error("case {case} ({name}): {source}")]
    Capture {
        /// Its id.
        case: String,
        /// Its scenario.
        name: String,
        /// Why.
        source: CaptureError,
    },
    /// A metric set cannot be built.
    #[error("metric sets: {0}")]
    Metrics(String),
}

/// What one case yields.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Scores and digests.
    pub result: CaseResult,
    /// Time series.
    pub series: Series,
}

/// Watches the run of a case, whoever drives it: what has been published when it is
/// over makes the outcome.
pub struct Observer<'r> {
    case: &'r Case,
    facts: &'r RunFacts,
    scorer: Scorer<'r>,
    recorder: SeriesRecorder<'r>,
    trajectory: Trajectory,
}

impl<'r> Observer<'r> {
    /// Begins to watch.
    ///
    /// # Errors
    /// When a metric set cannot be built.
    pub fn new(case: &'r Case, facts: &'r RunFacts, registry: &Registry) -> Result<Self, RunError> {
        let streams = Streams::new(case.seed);
        let cx = BuildContext {
            path: "metrics",
            streams: &streams,
            assets: &case.assets,
        };
        let mut sets = Vec::new();
        for set in registry.metric_sets().map_err(RunError::Metrics)? {
            let failed = |error| RunError::Metrics(format!("`{}`: {error}", set.name()));
            sets.push(set.build(&cx).map_err(failed)?);
        }
        Ok(Self {
            case,
            facts,
            scorer: Scorer::new(facts, sets),
            recorder: SeriesRecorder::new(facts),
            trajectory: Trajectory::new(),
        })
    }

    /// The outcome, when the run is over.
    #[must_use]
    pub fn finish(self) -> Outcome {
        let series = self.recorder.finish();
        let trajectory = format!("{:016x}", self.trajectory.digest());
        let scores = self.scorer.finish();
        Outcome {
            result: case_result(self.case, self.facts, &scores, trajectory),
            series,
        }
    }
}

impl EventSink for Observer<'_> {
    fn event(&mut self, at: Time, event: &Event) {
        self.scorer.event(at, event);
        self.recorder.event(at, event);
        self.trajectory.event(at, event);
    }
}

/// Everything that watches a simulated run.
struct Watchers<'r> {
    observer: Observer<'r>,
    capture: Option<CaseCapture>,
}

impl EventSink for Watchers<'_> {
    fn event(&mut self, at: Time, event: &Event) {
        self.observer.event(at, event);
        if let Some(capture) = &mut self.capture {
            capture.event(at, event);
        }
    }
}

/// Runs one case.
///
/// # Errors
/// See [`RunError`].
pub fn run_case(case: &Case, registry: &Registry) -> Result<Outcome, RunError> {
    run_captured(case, registry, None)
}

/// Runs one case and writes its captures; these are complete when it returns.
/// The outcome is the same with and without them.
///
/// # Errors
/// See [`RunError`].
pub fn run_captured(
    case: &Case,
    registry: &Registry,
    captures: Option<&Captures>,
) -> Result<Outcome, RunError> {
    run(case, registry, captures, &|_, _, _| None)
}

/// Runs one case with ends of one's own for some of its flows.
///
/// # Errors
/// See [`RunError`].
pub fn run_with_ends(
    case: &Case,
    registry: &Registry,
    own_ends: &OwnEnds<'_>,
) -> Result<Outcome, RunError> {
    run(case, registry, None, own_ends)
}

fn run(
    case: &Case,
    registry: &Registry,
    captures: Option<&Captures>,
    own_ends: &OwnEnds<'_>,
) -> Result<Outcome, RunError> {
    let (id, name) = (|| case.id.clone(), || case.scenario.name.clone());
    let Built {
        mut world, facts, ..
    } = build(case, own_ends)?;
    let observer = Observer::new(case, &facts, registry)?;
    let broken = |source| RunError::Capture {
        case: id(),
        name: name(),
        source,
    };
    let capture = captures
        .map(|captures| captures.begin(case, &facts, &mut world))
        .transpose()
        .map_err(broken)?;
    let mut watchers = Watchers { observer, capture };
    world
        .run(facts.duration, &mut watchers)
        .map_err(|source| RunError::Stuck {
            case: id(),
            name: name(),
            source,
        })?;
    if let Some(capture) = watchers.capture {
        capture.finish().map_err(broken)?;
    }
    Ok(watchers.observer.finish())
}

/// Builds the world of a case; runs it once ahead when a part of it wants to know
/// when frames will be complete.
fn build(case: &Case, own_ends: &OwnEnds<'_>) -> Result<Built, RunError> {
    let build = |arrivals: Option<&Arrivals>| {
        world::build_knowing(&case.scenario, case.seed, &case.assets, own_ends, arrivals).map_err(
            |source| RunError::World {
                case: case.id.clone(),
                name: case.scenario.name.clone(),
                source,
            },
        )
    };
    let mut first = build(None)?;
    if !first.wants_arrivals {
        return Ok(first);
    }
    let mut seen = SeenArrivals::default();
    first
        .world
        .run(first.facts.duration, &mut seen)
        .map_err(|source| RunError::Stuck {
            case: case.id.clone(),
            name: case.scenario.name.clone(),
            source,
        })?;
    build(Some(&seen.0))
}

/// Notes when the frames that were shown had been complete.
#[derive(Default)]
struct SeenArrivals(Arrivals);

impl EventSink for SeenArrivals {
    fn event(&mut self, _: Time, event: &Event) {
        if let Event::FrameRendered { flow, times, .. } = event {
            let frames = self.0.entry(*flow).or_default();
            frames.push((times.captured, times.complete));
        }
    }
}

fn case_result(case: &Case, facts: &RunFacts, scores: &Scores, trajectory: String) -> CaseResult {
    let (flows, links) = named_scores(facts, scores);
    let resolved = case.scenario.identity().to_string();
    let mut result = CaseResult {
        id: case.id.clone(),
        scenario: case.scenario.name.clone(),
        params: case.params.clone(),
        seed: case.seed.to_string(),
        digest: case_digest(&resolved, &flows, &links),
        trajectory,
        flows,
        links,
        expectations: Vec::new(),
    };
    let judge = |expectation: &Expectation| {
        let value = result.metric(&expectation.subject, &expectation.metric);
        ExpectationResult {
            expr: expectation.text.clone(),
            ok: value.is_some_and(|value| expectation.op.holds(value, expectation.value)),
            value,
        }
    };
    result.expectations = case.scenario.expect.iter().map(judge).collect();
    result
}

/// Runs all `cases` on `jobs` threads (`None`: one per core). `done` is called
/// once per finished case, in no particular order, from any thread. Cases that
/// have not begun when `stop` becomes true, or when captures could not be
/// written, are left out.
///
/// # Errors
/// The first error in order of the cases.
pub fn run_all(
    cases: &[&Case],
    registry: &Registry,
    jobs: Option<usize>,
    captures: Option<&Captures>,
    stop: &AtomicBool,
    done: &(dyn Fn(&Case, Outcome) + Sync),
) -> Result<(), RunError> {
    let one = |case: &&Case| -> Result<(), RunError> {
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let ran = run_captured(case, registry, captures);
        if let Err(RunError::Capture { .. }) = ran {
            // A full disk stays full.
            stop.store(true, Ordering::Relaxed);
        }
        ran.map(|outcome| done(case, outcome))
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs.unwrap_or(0))
        .build();
    let results: Vec<Result<(), RunError>> = match pool {
        Ok(pool) if cases.len() > 1 => pool.install(|| cases.par_iter().map(one).collect()),
        // A single case, or a system that gives no threads: run here.
        _ => cases.iter().map(one).collect(),
    };
    results.into_iter().collect()
}
