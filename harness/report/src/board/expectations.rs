//! Expectations as the run itself judges them, put beside their groups.

use std::collections::BTreeSet;

use weaknet_harness::expectations::{self, Condition, ConditionError};
use weaknet_harness::results::CaseResult;

use super::columns::Column;
use super::groups::Group;

/// One expectation of one group, judged over its seeds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    /// Index of the group.
    pub(crate) group: usize,
    /// The flow or link that it is about.
    pub(crate) subject: String,
    /// The metric.
    pub(crate) metric: String,
    /// As written.
    pub(crate) expr: String,
    /// Whether the median meets it.
    pub(crate) ok: bool,
    /// The median as shown, with its unit; `None` if it would rest on absent
    /// values.
    pub(crate) median: Option<String>,
    /// Seeds that pass on their own.
    pub(crate) seeds_ok: usize,
    /// Seeds judged.
    pub(crate) seeds: usize,
}

/// Judges every expectation of every group.
pub(crate) fn judge(
    cases: &[CaseResult],
    groups: &[Group<'_>],
) -> Result<Vec<Judgement>, ConditionError> {
    let mut judgements = Vec::new();
    for judged in expectations::judge(cases)? {
        let group = groups
            .iter()
            .position(|group| group.scenario == judged.scenario && *group.params == judged.params);
        let Some(group) = group else { continue };
        let Condition {
            subject, metric, ..
        } = Condition::parse(&judged.expr)?;
        let median = judged
            .median
            .map(|value| Column::new(&metric, &[], value.abs()).format_with_unit(value));
        judgements.push(Judgement {
            group,
            subject,
            metric,
            expr: judged.expr,
            ok: judged.ok,
            median,
            seeds_ok: judged.passed,
            seeds: judged.seeds,
        });
    }
    judgements.sort_by_key(|judgement| judgement.group);
    Ok(judgements)
}

/// The metrics that expectations name: those that some group fails, and those
/// that all meet.
pub(crate) fn metrics(judgements: &[Judgement]) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let named = |ok: bool| {
        judgements
            .iter()
            .filter(move |judgement| judgement.ok == ok)
            .map(|judgement| judgement.metric.as_str())
    };
    let failed: BTreeSet<&str> = named(false).collect();
    let met = named(true).filter(|metric| !failed.contains(metric));
    (failed.clone(), met.collect())
}
