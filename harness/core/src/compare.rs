//! Two runs compared: what changed, by how much, and whether seeds alone could
//! explain it.
//!
//! Cases are matched by scenario, parameters and seed, never by their id, which
//! changes with the scenario's content. A parameter that has one value
//! throughout each run tells no cases apart: where it differs between the runs
//! it is the change under test ([`Change`]). Seeds are pairs: the same random loss
//! and delay meet both runs, so that the differences per seed vary far less
//! than the values. The interval is the 95 % interval of the mean difference
//! ([`crate::stats::mean_interval`]).
//!
//! Verdicts: no change when all differences are zero or the interval holds
//! zero; better or worse by the metric's own direction, changed when it has
//! none. One seed has no interval: a difference there is unclear.

mod fail_if;
mod matching;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use self::fail_if::{FailIf, FailIfError};
use self::matching::{CaseKey, Matching};
use crate::metrics::{Better, Definition, Subject};
use crate::results::{CaseResult, Summary};
use crate::stats::{mean, mean_interval};

/// What became of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Better, by more than seeds explain.
    Better,
    /// Worse, by more than seeds explain.
    Worse,
    /// Different, for a metric without a direction.
    Changed,
    /// Equal, or as different as seeds make it.
    NoChange,
    /// Different in the only seed there is.
    Unclear,
}

impl Verdict {
    /// The verdict in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Changed => "changed",
            Self::NoChange => "no change",
            Self::Unclear => "unclear (one seed)",
        }
    }
}

/// One metric of one flow or link in one case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Name of the scenario.
    pub scenario: String,
    /// Axes and `--set` values of the case.
    pub params: BTreeMap<String, String>,
    /// Whether a flow or a link is meant.
    pub kind: Subject,
    /// Its name.
    pub subject: String,
    /// The metric.
    pub metric: String,
    /// Which way it improves.
    pub better: Better,
    /// Seeds with a value in both runs.
    pub seeds: usize,
    /// Mean over those seeds in the base run.
    pub base: f64,
    /// Mean over those seeds in the new run.
    pub new: f64,
    /// Mean of new - base.
    pub difference: f64,
    /// 95 % interval of the difference; absent with one seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// What became of it.
    pub verdict: Verdict,
}

impl Row {
    /// How much worse it got, in the metric's unit; negative when it got
    /// better, zero without a direction.
    #[must_use]
    pub fn worsening(&self) -> f64 {
        match self.better {
            Better::Lower => self.difference,
            Better::Higher => -self.difference,
            Better::Neither => 0.0,
        }
    }
}

/// Where in a run a case or a metric stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// In the base run only.
    Base,
    /// In the new run only.
    New,
}

/// A case without a counterpart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct UnmatchedCase {
    /// Which run has it.
    pub side: Side,
    /// Name of the scenario.
    pub scenario: String,
    /// Axes and `--set` values.
    pub params: BTreeMap<String, String>,
    /// The seed.
    pub seed: String,
}

/// A metric that applies in one of two matched cases only, such as a frame
/// delay where no frame was shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct UnmatchedMetric {
    /// Which run has it.
    pub side: Side,
    /// Name of the scenario.
    pub scenario: String,
    /// Axes and `--set` values.
    pub params: BTreeMap<String, String>,
    /// The flow or link.
    pub subject: String,
    /// The metric.
    pub metric: String,
    /// In how many seeds.
    pub seeds: usize,
}

/// A parameter with one value throughout the base run and another one
/// throughout the new run, as `--set` makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Name of the scenario.
    pub scenario: String,
    /// The path.
    pub param: String,
    /// Its value in the base run; absent when that run leaves it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Its value in the new run; absent when that run leaves it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// Two runs compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// What the command lines of the runs set differently.
    pub changes: Vec<Change>,
    /// One row per case, flow or link, and metric, in order of the new run.
    pub rows: Vec<Row>,
    /// Cases without a counterpart.
    pub unmatched_cases: Vec<UnmatchedCase>,
    /// Metrics without a counterpart.
    pub unmatched_metrics: Vec<UnmatchedMetric>,
}

/// Why two runs cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// A run has a case twice.
    #[error(
        "{side} run has scenario `{scenario}`, seed {seed} more than once with the same parameters"
    )]
    Twice {
        /// `base` or `new`.
        side: &'static str,
        /// Name of the scenario.
        scenario: String,
        /// The seed.
        seed: String,
    },
    /// Nothing matches.
    #[error("the runs have no case in common: scenario, parameters and seed must be equal")]
    NothingInCommon,
}

type Index<'a> = BTreeMap<CaseKey<'a>, &'a CaseResult>;

fn index<'a>(
    run: &'a Summary,
    side: &'static str,
    matching: &Matching<'a>,
) -> Result<Index<'a>, CompareError> {
    let mut index = Index::new();
    for case in &run.cases {
        if index.insert(matching.key(case), case).is_some() {
            return Err(CompareError::Twice {
                side,
                scenario: case.scenario.clone(),
                seed: case.seed.clone(),
            });
        }
    }
    Ok(index)
}

/// Every value of a case with the flow or link and metric that it belongs to.
fn values(case: &CaseResult) -> impl Iterator<Item = ((Subject, &str, &str), f64)> {
    let flows = case.flows.iter().map(|scores| (Subject::Flow, scores));
    let links = case.links.iter().map(|scores| (Subject::Link, scores));
    flows.chain(links).flat_map(|(kind, scores)| {
        scores
            .metrics
            .iter()
            .map(move |(metric, &value)| ((kind, scores.name.as_str(), metric.as_str()), value))
    })
}

/// The values of one metric over seeds.
#[derive(Default)]
struct Pairs {
    base: Vec<f64>,
    new: Vec<f64>,
    only_base: usize,
    only_new: usize,
}

impl Pairs {
    fn add(&mut self, base: Option<f64>, new: Option<f64>) {
        match (base, new) {
            (Some(base), Some(new)) => {
                self.base.push(base);
                self.new.push(new);
            }
            (Some(_), None) => self.only_base += 1,
            (None, Some(_)) => self.only_new += 1,
            (None, None) => {}
        }
    }
}

/// Compares two runs. `definitions` say which way metrics improve; metrics
/// that they do not know have no direction.
///
/// # Errors
/// When a run has a case twice or the runs have none in common.
pub fn compare<'d>(
    base: &Summary,
    new: &Summary,
    definitions: impl IntoIterator<Item = &'d Definition>,
) -> Result<Comparison, CompareError> {
    let better: BTreeMap<&str, Better> = definitions
        .into_iter()
        .map(|d| (d.name, d.better))
        .collect();
    let matching = Matching::new(base, new);
    let base_index = index(base, "base", &matching)?;
    let new_index = index(new, "new", &matching)?;
    let unmatched = |side, run: &Summary, other: &Index<'_>| -> Vec<UnmatchedCase> {
        let alone = run
            .cases
            .iter()
            .filter(|&case| !other.contains_key(&matching.key(case)));
        alone
            .map(|case| UnmatchedCase {
                side,
                scenario: case.scenario.clone(),
                params: case.params.clone(),
                seed: case.seed.clone(),
            })
            .collect()
    };
    let mut unmatched_cases = unmatched(Side::Base, base, &new_index);
    unmatched_cases.extend(unmatched(Side::New, new, &base_index));

    // Cases in order of the new run.
    let mut groups: Vec<(&CaseResult, Vec<(&CaseResult, &CaseResult)>)> = Vec::new();
    let mut places: BTreeMap<_, usize> = BTreeMap::new();
    for case in &new.cases {
        let Some(&partner) = base_index.get(&matching.key(case)) else {
            continue;
        };
        let place = *places
            .entry((&case.scenario, &case.params))
            .or_insert(groups.len());
        if place == groups.len() {
            groups.push((case, Vec::new()));
        }
        groups[place].1.push((partner, case));
    }
    if groups.is_empty() {
        return Err(CompareError::NothingInCommon);
    }
    let (mut rows, mut unmatched_metrics) = (Vec::new(), Vec::new());
    for (case, pairs) in groups {
        compare_case(case, &pairs, &better, &mut rows, &mut unmatched_metrics);
    }
    Ok(Comparison {
        changes: matching.changes(),
        rows,
        unmatched_cases,
        unmatched_metrics,
    })
}

/// Compares one case over its seeds, given as pairs of base and new.
fn compare_case(
    case: &CaseResult,
    seeds: &[(&CaseResult, &CaseResult)],
    better: &BTreeMap<&str, Better>,
    rows: &mut Vec<Row>,
    unmatched: &mut Vec<UnmatchedMetric>,
) {
    // Flows, then links, in order of the scenario.
    let flows = case
        .flows
        .iter()
        .map(|scores| (Subject::Flow, scores.name.as_str()));
    let links = case
        .links
        .iter()
        .map(|scores| (Subject::Link, scores.name.as_str()));
    let mut subjects: Vec<(Subject, &str)> = flows.chain(links).collect();
    let mut metrics: BTreeMap<(usize, &str), Pairs> = BTreeMap::new();
    for (base, new) in seeds {
        let (base, new): (BTreeMap<_, _>, BTreeMap<_, _>) =
            (values(base).collect(), values(new).collect());
        let names: BTreeSet<_> = base.keys().chain(new.keys()).copied().collect();
        for name in names {
            let (kind, subject, metric) = name;
            let place = subjects
                .iter()
                .position(|&s| s == (kind, subject))
                .unwrap_or_else(|| {
                    subjects.push((kind, subject));
                    subjects.len() - 1
                });
            metrics
                .entry((place, metric))
                .or_default()
                .add(base.get(&name).copied(), new.get(&name).copied());
        }
    }
    for ((place, metric), pairs) in metrics {
        let (kind, subject) = subjects[place];
        for (side, seeds) in [(Side::Base, pairs.only_base), (Side::New, pairs.only_new)] {
            if seeds > 0 {
                unmatched.push(UnmatchedMetric {
                    side,
                    scenario: case.scenario.clone(),
                    params: case.params.clone(),
                    subject: subject.to_owned(),
                    metric: metric.to_owned(),
                    seeds,
                });
            }
        }
        let better = better.get(metric).copied().unwrap_or(Better::Neither);
        let differences: Vec<f64> = pairs
            .new
            .iter()
            .zip(&pairs.base)
            .map(|(new, base)| new - base)
            .collect();
        let (Some(base), Some(new), Some(difference)) =
            (mean(&pairs.base), mean(&pairs.new), mean(&differences))
        else {
            continue;
        };
        let interval = mean_interval(
            &differences,
            &format!("{}/{subject}/{metric}", case.scenario),
        );
        rows.push(Row {
            scenario: case.scenario.clone(),
            params: case.params.clone(),
            kind,
            subject: subject.to_owned(),
            metric: metric.to_owned(),
            better,
            seeds: differences.len(),
            base,
            new,
            difference,
            interval,
            verdict: verdict(&differences, interval, better),
        });
    }
}

fn verdict(differences: &[f64], interval: Option<[f64; 2]>, better: Better) -> Verdict {
    if differences.iter().all(|&d| d == 0.0) {
        return Verdict::NoChange;
    }
    let Some([low, high]) = interval else {
        return Verdict::Unclear;
    };
    let rose = low > 0.0;
    match (rose || high < 0.0, better) {
        (false, _) => Verdict::NoChange,
        (true, Better::Neither) => Verdict::Changed,
        (true, Better::Higher) if rose => Verdict::Better,
        (true, Better::Lower) if !rose => Verdict::Better,
        (true, _) => Verdict::Worse,
    }
}

#[cfg(test)]
mod tests;
