//! What a run leaves behind: `summary.json` and the time series.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metrics::{RunFacts, Scores};

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

/// A score as it is stored: rounded to six decimals, far below any metric's
/// resolution, so that files and digests carry no noise of binary fractions.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    let scaled = value * 1e6;
    // From 2^53 on a float has no fraction to round. Adding zero turns -0 into 0.
    if scaled.abs() < 9_007_199_254_740_992.0 {
        scaled.round() / 1e6 + 0.0
    } else {
        value
    }
}

/// The scores of a run by the names of its flows and links, rounded.
#[must_use]
pub fn named_scores(run: &RunFacts, scores: &Scores) -> (Vec<SubjectScores>, Vec<SubjectScores>) {
    let named = |name: &String, metrics: &BTreeMap<&'static str, f64>| SubjectScores {
        name: name.clone(),
        metrics: metrics
            .iter()
            .map(|(&name, &value)| (name.to_owned(), rounded(value)))
            .collect(),
    };
    let flows = run
        .flows
        .iter()
        .zip(&scores.flows)
        .map(|(facts, metrics)| named(&facts.name, metrics));
    let links = run
        .links
        .iter()
        .zip(&scores.links)
        .map(|(facts, metrics)| named(&facts.name, metrics));
    (flows.collect(), links.collect())
}

impl CaseResult {
    /// The value of a metric of a flow or, when no flow has that name, a link.
    #[must_use]
    pub fn metric(&self, subject: &str, metric: &str) -> Option<f64> {
        let named = |scores: &&SubjectScores| scores.name == subject;
        let scores = self
            .flows
            .iter()
            .find(named)
            .or_else(|| self.links.iter().find(named))?;
        scores.metrics.get(metric).copied()
    }
}

impl Summary {
    /// The summary of these cases, with its digest.
    #[must_use]
    pub fn new(cases: Vec<CaseResult>) -> Self {
        let digest = crate::store::digest(cases.iter().map(|case| case.digest.as_bytes()));
        Self {
            schema: SUMMARY_SCHEMA.to_owned(),
            digest,
            cases,
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A case with one flow `call` and one link `forward`.
    pub(crate) fn case(
        scenario: &str,
        params: &[(&str, &str)],
        seed: u64,
        metrics: &[(&str, f64)],
    ) -> CaseResult {
        let scores = |name: &str, metrics: &[(&str, f64)]| SubjectScores {
            name: name.to_owned(),
            metrics: metrics
                .iter()
                .map(|&(name, value)| (name.to_owned(), value))
                .collect(),
        };
        let params: BTreeMap<String, String> = params
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let (flows, links) = (vec![scores("call", metrics)], vec![scores("forward", &[])]);
        let values: Vec<&String> = params.values().collect();
        CaseResult {
            id: format!("{scenario}-{values:?}-{seed}").replace(['[', ']', '"', ' ', ','], ""),
            digest: crate::store::case_digest("{}", &flows, &links),
            scenario: scenario.to_owned(),
            params,
            seed: seed.to_string(),
            trajectory: "t".to_owned(),
            flows,
            links,
            expectations: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scores_lose_their_noise() {
        assert_eq!(rounded(0.1 + 0.2), 0.3);
        assert_eq!(rounded(0.012_345_649), 0.012_346);
        assert!(rounded(-1e-9).is_sign_positive());
        assert_eq!(rounded(1e300), 1e300);
    }

    proptest! {
        #[test]
        fn rounding_is_idempotent_and_close(value in -1e9..1e9f64) {
            let once = rounded(value);
            prop_assert_eq!(rounded(once), once);
            prop_assert!((once - value).abs() <= 0.5e-6 * (1.0 + 1e-6) + value.abs() * f64::EPSILON);
        }
    }
}
