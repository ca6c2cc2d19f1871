//! What a run leaves behind: `summary.json` and the time series.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The name of the summary's form; a number at its end rises when old readers
/// would misread it.
pub const SUMMARY_SCHEMA: &str = "weaknet.summary/1";

/// `summary.json`: everything that scores, expectations and comparisons need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SUMMARY_SCHEMA`].
    pub schema: String,
    /// Digest over the digests of all cases, in order.
    pub digest: String,
    /// One entry per case and seed.
    pub cases: Vec<CaseResult>,
}

/// One case with one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// Identifies scenario content, parameters and seed.
    pub id: String,
    /// Name of the scenario.
    pub scenario: String,
    /// The matrix axes and `--set` values of this case, as written.
    pub params: BTreeMap<String, String>,
    /// The seed, as text because JSON numbers end at 2^53.
    pub seed: String,
    /// Digest of this case's results and resolved scenario.
    pub digest: String,
    /// Digest of what happened on the links, whatever was scored.
    pub trajectory: String,
    /// Scores by flow, in order of the scenario.
    pub flows: Vec<SubjectScores>,
    /// Scores by link, in order of the scenario.
    pub links: Vec<SubjectScores>,
    /// Expectations as judged for this seed.
    pub expectations: Vec<ExpectationResult>,
}

/// The scores of one flow or link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubjectScores {
    /// Its name.
    pub name: String,
    /// Metric name to value.
    pub metrics: BTreeMap<String, f64>,
}

/// An expectation judged for one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpectationResult {
    /// As written.
    pub expr: String,
    /// Whether this seed alone would pass.
    pub ok: bool,
    /// The value found; absent when the metric did not apply.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<f64>,
}

/// Time series of one case and seed on a regular grid: `series/<id>.csv`.
///
/// The first column is `t_s`, the start of each bin; the others are named
/// `flow.<name>.<quantity>` or `link.<name>.<quantity>` with the unit at the
/// end of the quantity. An empty field means that there is no value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Width of a bin in seconds.
    pub step_s: f64,
    /// Column names, without `t_s`.
    pub columns: Vec<String>,
    /// Values by column, then by bin; NaN: no value.
    pub values: Vec<Vec<f64>>,
}
