//! The plan: every case of the scenario files with every seed, checked before
//! anything runs.

mod paths;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Kind, Streams, Time};
use weaknet_transports::fec::Schemes;

use crate::files::Folders;
use crate::metrics::Definition;
use crate::registry::{Registry, Spec};
use crate::scenario::document::Seeds;
use crate::scenario::error::{Diagnostic, Diagnostics};
use crate::scenario::extends::{self, Merged};
use crate::scenario::model::{Call, Load, Scenario};
use crate::scenario::overrides::{self, Axis, AxisValue};
use crate::scenario::resolve::{Terms, resolve};
use crate::scenario::tree::Node;

pub use paths::scenario_files;

/// More runs than this are refused unless asked for.
pub const DEFAULT_LIMIT: u64 = 100_000;

/// What to plan.
#[derive(Debug, Clone)]
pub struct Request {
    /// Scenario files, folders of them, or patterns with `*`.
    pub paths: Vec<String>,
    /// The arguments of `--set`.
    pub sets: Vec<String>,
    /// This many seeds instead of the scenarios' own.
    pub seeds: Option<u64>,
    /// This seed only.
    pub seed: Option<u64>,
    /// Only cases whose id begins like this.
    pub case: Option<String>,
    /// Where to look for traces.
    pub folders: Folders,
    /// How many runs there may be.
    pub limit: u64,
    /// Whether a scenario without flows is refused: it leaves nothing to
    /// measure.
    pub needs_flows: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            sets: Vec::new(),
            seeds: None,
            seed: None,
            case: None,
            folders: Folders::default(),
            limit: DEFAULT_LIMIT,
            needs_flows: false,
        }
    }
}

/// All runs to do, in order: by file, then case, then seed.
#[derive(Debug)]
pub struct Plan {
    /// One entry per case and seed.
    pub cases: Vec<Case>,
}

/// One case with one seed.
pub struct Case {
    /// Its position among all cases of the request, `case` aside.
    pub index: usize,
    /// Twelve hexadecimal digits made of the resolved scenario, the seed and
    /// the version of weaknet.
    pub id: String,
    /// The scenario, shared by its seeds.
    pub scenario: Arc<Scenario>,
    /// The matrix axes and `--set` values of this case, as written.
    pub params: BTreeMap<String, String>,
    /// The seed.
    pub seed: u64,
    /// The files that the scenario can name.
    pub assets: Arc<Assets>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {:?} seed {}",
            self.id, self.scenario.name, self.params, self.seed
        )
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The request itself makes no sense, an argument of `--set` for example.
    #[error("{0}")]
    Usage(Diagnostics),
    /// Nothing was selected.
    #[error("{0}")]
    Nothing(String),
    /// Scenario or data files are at fault.
    #[error("{0}")]
    Bad(Diagnostics),
}

impl PlanError {
    /// The exit code of the command.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Nothing(_) => 4,
            Self::Bad(_) => 65,
        }
    }
}

impl From<Diagnostics> for PlanError {
    fn from(errors: Diagnostics) -> Self {
        Self::Bad(errors)
    }
}

impl From<Diagnostic> for PlanError {
    fn from(error: Diagnostic) -> Self {
        Self::Bad(error.into())
    }
}

impl Plan {
    /// Loads, expands and checks everything that the request asks for. Every
    /// plug-in is built once, so that a missing or malformed trace shows here.
    ///
    /// # Errors
    /// See [`PlanError`]; errors of all files are collected.
    pub fn load(request: &Request, registry: &Registry) -> Result<Self, PlanError> {
        registry
            .check()
            .map_err(|message| PlanError::Usage(Diagnostic::bare(message).into()))?;
        let metrics = registry
            .definitions()
            .map_err(|message| PlanError::Usage(Diagnostic::bare(message).into()))?;
        let sets = request.sets.iter().map(|set| overrides::parse_set(set));
        let sets = sets
            .collect::<Result<Vec<Axis>, Diagnostic>>()
            .map_err(|error| PlanError::Usage(error.into()))?;
        let files = scenario_files(&request.paths)?;
        if files.is_empty() {
            return Err(PlanError::Nothing(format!(
                "no scenario files in {}",
                request.paths.join(", ")
            )));
        }
        let mut planner = Planner {
            registry,
            metrics: &metrics,
            request,
            sets: &sets,
            seeds: request
                .seed
                .map(|seed| Seeds::List(vec![seed]))
                .or_else(|| request.seeds.map(Seeds::Count)),
            cases: Vec::new(),
            names: BTreeMap::new(),
            ids: BTreeMap::new(),
            built: BTreeSet::new(),
            found: Vec::new(),
            unbuildable: false,
        };
        for file in &files {
            if let Err(errors) = planner.file(file) {
                planner.found.extend(errors.0);
            }
        }
        planner.finish()
    }
}

struct Planner<'a> {
    registry: &'a Registry,
    metrics: &'a [Definition],
    request: &'a Request,
    sets: &'a [Axis],
    seeds: Option<Seeds>,
    cases: Vec<Case>,
    /// The file that first used a scenario's name.
    names: BTreeMap<String, PathBuf>,
    /// The case that first had an id.
    ids: BTreeMap<String, String>,
    /// Plug-ins that have been built, and with which files.
    built: BTreeSet<(PathBuf, String)>,
    found: Vec<Diagnostic>,
    /// Whether a plug-in could not be built, for want of a file as a rule.
    unbuildable: bool,
}

impl Planner<'_> {
    fn file(&mut self, path: &Path) -> Result<(), Diagnostics> {
        let Merged { mut tree, folders } = extends::load(path)?;
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or("scenario")
            .to_owned();
        let mut axes = overrides::take_matrix(&mut tree)?;
        let judge = |trial: &Node| self.judge(trial, &stem);
        for set in self.sets {
            axes.retain(|axis| !overrides::replaces(set, axis, &tree, &judge));
            axes.push(set.clone());
        }
        let cases = self.count(&axes)?;
        let assets = Assets::new(self.request.folders.beside(&folders));
        for number in 0..cases {
            let chosen = combination(&axes, number);
            let scenario = Arc::new(self.case(&tree, &chosen, &stem, cases)?);
            if self.request.needs_flows && scenario.flows.is_empty() {
                return Err(no_flows(&tree).into());
            }
            let assets = Arc::new(assets.until(Time::from(scenario.duration)));
            self.build_all(&scenario, &folders, &assets)?;
            let first = self
                .names
                .entry(scenario.name.clone())
                .or_insert_with(|| path.to_path_buf());
            if first != path {
                let message = format!(
                    "two scenarios are called `{}`: the other is `{}`",
                    scenario.name,
                    first.display()
                );
                return Err(match tree.get("name") {
                    Some(name) => Diagnostic::new(name.place(), message),
                    None => Diagnostic::bare(format!("{}: {message}", path.display())),
                }
                .into());
            }
            let params: BTreeMap<String, String> = chosen
                .iter()
                .map(|(axis, value)| (axis.path.written.clone(), value.written.clone()))
                .collect();
            self.add(&scenario, &params, &assets)?;
        }
        Ok(())
    }

    /// How many cases the axes make.
    fn count(&self, axes: &[Axis]) -> Result<u64, Diagnostic> {
        let limit = self.request.limit;
        let exact = axes.iter().try_fold(1_u128, |product, axis| {
            product.checked_mul(axis.values.len() as u128)
        });
        let Some(last) = axes.iter().max_by_key(|axis| axis.values.len()) else {
            return Ok(1);
        };
        match exact {
            Some(count) if count <= u128::from(limit) => Ok(u64::try_from(count).unwrap_or(limit)),
            _ => {
                let count = exact.map_or_else(
                    || format!("more than {}", u128::MAX),
                    |count| count.to_string(),
                );
                let message =
                    format!("the matrix has {count} cases: more than the limit of {limit}");
                Err(Diagnostic::new(&last.place, message))
            }
        }
    }

    fn terms<'b>(&'b self, stem: &'b str, cases: u64) -> Terms<'b> {
        Terms {
            registry: self.registry,
            metrics: self.metrics,
            stem,
            seeds: self.seeds.as_ref(),
            cases,
            limit: self.request.limit,
        }
    }

    /// What is wrong with a tree.
    fn judge(&self, tree: &Node, stem: &str) -> Vec<Diagnostic> {
        resolve(tree, self.terms(stem, 1)).map_or_else(|errors| errors.0, |_| Vec::new())
    }

    fn case(
        &self,
        tree: &Node,
        chosen: &[(&Axis, &AxisValue)],
        stem: &str,
        cases: u64,
    ) -> Result<Scenario, Diagnostics> {
        let mut tree = tree.clone();
        for (axis, value) in chosen {
            overrides::apply(&mut tree, &axis.path, &value.node, &|trial| {
                self.judge(trial, stem)
            })
            .map_err(Diagnostics)?;
        }
        resolve(&tree, self.terms(stem, cases))
    }

    fn add(
        &mut self,
        scenario: &Arc<Scenario>,
        params: &BTreeMap<String, String>,
        assets: &Arc<Assets>,
    ) -> Result<(), Diagnostic> {
        let runs = (self.cases.len() + scenario.seeds.len()) as u64;
        if runs > self.request.limit {
            let message = format!(
                "{runs} runs and more: more than the limit of {}",
                self.request.limit
            );
            return Err(Diagnostic::bare(message));
        }
        let content = sorted_text(&scenario.identity());
        for &seed in &scenario.seeds {
            let id = case_id(&content, seed);
            let what = format!("`{}` with {params:?}", scenario.name);
            if let Some(other) = self.ids.insert(id.clone(), what.clone()) {
                let error = Diagnostic::bare(format!(
                    "two cases are one and the same: {other} and {what}"
                ));
                return Err(error.help("an axis has a value twice, in two spellings perhaps"));
            }
            self.cases.push(Case {
                index: self.cases.len(),
                id,
                scenario: Arc::clone(scenario),
                params: params.clone(),
                seed,
                assets: Arc::clone(assets),
            });
        }
        Ok(())
    }

    /// Builds every plug-in of the scenario that has not been built before.
    fn build_all(
        &mut self,
        scenario: &Scenario,
        folders: &[PathBuf],
        assets: &Assets,
    ) -> Result<(), Diagnostics> {
        let streams = Streams::new(0);
        let folder = folders.first().cloned().unwrap_or_default();
        let mut check = Check {
            folder,
            built: &mut self.built,
            found: Vec::new(),
            streams: &streams,
            assets,
        };
        for link in &scenario.network.links {
            check.build(&link.rate);
            link.delay.iter().for_each(|stage| check.build(stage));
            link.loss.iter().for_each(|model| check.build(model));
            check.build(&link.corrupt);
            check.build(&link.duplicate);
            check.build(&link.reorder);
            check.build(&link.queue);
        }
        for flow in &scenario.flows {
            match &flow.load {
                Load::Call(call) => check.call(call),
                Load::Bulk(bulk) => check.build(&bulk.congestion_control),
                Load::Messages(messages) => {
                    messages
                        .congestion_control
                        .iter()
                        .for_each(|c| check.build(c));
                }
                Load::Traffic(traffic) => check.build(traffic),
            }
        }
        if check.found.is_empty() {
            Ok(())
        } else {
            self.unbuildable = true;
            Err(Diagnostics(check.found))
        }
    }

    /// The command line is at fault when its own words are all that is wrong.
    /// Each mistake is told once, however many files meet it.
    fn refusal(self) -> PlanError {
        let of_command_line = |error: &Diagnostic| {
            let place = error.place.as_ref();
            place.is_some_and(|place| place.source().name == overrides::SOURCE_NAME)
        };
        let usage = !self.unbuildable && self.found.iter().all(of_command_line);
        let mut told: Vec<Diagnostic> = Vec::new();
        for error in self.found {
            if !told.contains(&error) {
                told.push(error);
            }
        }
        if usage {
            PlanError::Usage(Diagnostics(told))
        } else {
            PlanError::Bad(Diagnostics(told))
        }
    }

    fn finish(self) -> Result<Plan, PlanError> {
        if !self.found.is_empty() {
            return Err(self.refusal());
        }
        let mut cases = self.cases;
        if let Some(prefix) = &self.request.case {
            cases.retain(|case| case.id.starts_with(prefix.as_str()));
            if cases.is_empty() {
                return Err(PlanError::Nothing(format!(
                    "no case has an id that begins with `{prefix}`"
                )));
            }
        }
        Ok(Plan { cases })
    }
}

fn no_flows(tree: &Node) -> Diagnostic {
    let place = tree.get("flows").map_or_else(|| tree.place(), Node::place);
    Diagnostic::new(
        place,
        "a scenario without flows has nothing to run: expected at least one under `flows:`",
    )
    .help("the smallest is `flows: [{name: call, media: {video: {}}}]`")
}

struct Check<'a> {
    folder: PathBuf,
    built: &'a mut BTreeSet<(PathBuf, String)>,
    found: Vec<Diagnostic>,
    streams: &'a Streams,
    assets: &'a Assets,
}

impl<'a> Check<'a> {
    fn call(&mut self, call: &Call) {
        self.build(&call.congestion_control);
        self.fec(call);
        self.build(&call.protection);
        self.build(&call.arq);
        self.build(&call.jitter_buffer);
        self.build(&call.audio_buffer);
        self.build(&call.pacer);
        if let Some(video) = &call.media.video {
            self.build(&video.source);
        }
        if let Some(audio) = &call.media.audio {
            self.build(&audio.source);
        }
    }

    /// The schemes one by one, then together.
    fn fec(&mut self, call: &Call) {
        call.fec.iter().for_each(|spec| self.build(spec));
        let key = format!("{:?} {}", call.fec, call.media.audio.is_some());
        if !self.built.insert((self.folder.clone(), key)) {
            return;
        }
        let mut schemes = Schemes::default();
        let cx = self.context();
        for spec in &call.fec {
            let Ok(scheme) = spec.build(&cx) else {
                continue;
            };
            if let Err(error) = schemes.add(scheme, call.media.audio.is_some()) {
                self.found.push(spec.diagnose(&error));
            }
        }
    }

    fn context(&self) -> BuildContext<'a> {
        BuildContext {
            path: "check",
            streams: self.streams,
            assets: self.assets,
        }
    }

    fn build<K: Kind>(&mut self, spec: &Spec<K>) {
        // Files are read as far as the run goes.
        let until = self.assets.horizon().as_nanos();
        let key = format!("{} {} {} {until}", K::NAME, spec.name(), spec.config());
        if !self.built.insert((self.folder.clone(), key)) {
            return;
        }
        if let Err(error) = spec.build(&self.context()) {
            self.found.push(spec.diagnose(&error));
        }
    }
}

/// The values of case number `number`; the last axis turns fastest.
fn combination(axes: &[Axis], number: u64) -> Vec<(&Axis, &AxisValue)> {
    let mut rest = usize::try_from(number).unwrap_or(usize::MAX);
    let mut chosen: Vec<(&Axis, &AxisValue)> = axes
        .iter()
        .rev()
        .map(|axis| {
            let value = &axis.values[rest % axis.values.len()];
            rest /= axis.values.len();
            (axis, value)
        })
        .collect();
    chosen.reverse();
    chosen
}

fn case_id(content: &str, seed: u64) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("weaknet 2026 case id v1");
    for part in [env!("CARGO_PKG_VERSION"), &seed.to_string(), content] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let hex = hasher.finalize().to_hex();
    hex[..12].to_owned()
}

/// JSON with sorted keys, whatever order the library keeps them in.
fn sorted_text(value: &Json) -> String {
    match value {
        Json::Object(map) => {
            let sorted: BTreeMap<&String, String> = map
                .iter()
                .map(|(key, value)| (key, sorted_text(value)))
                .collect();
            let pairs: Vec<String> = sorted
                .iter()
                .map(|(key, text)| format!("{}:{text}", Json::from(key.as_str())))
                .collect();
            format!("{{{}}}", pairs.join(","))
        }
        Json::Array(items) => format!(
            "[{}]",
            items.iter().map(sorted_text).collect::<Vec<_>>().join(",")
        ),
        single => single.to_string(),
    }
}
