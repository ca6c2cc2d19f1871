//! Which cases of two runs are the same case.

use std::collections::{BTreeMap, BTreeSet};

use super::Change;
use crate::results::{CaseResult, Summary};

/// Scenario, the parameters that tell its cases apart, and seed.
pub(super) type CaseKey<'a> = (&'a str, BTreeMap<&'a str, &'a str>, &'a str);

/// The values of a parameter throughout a run; `None`: some cases leave it
/// alone.
type Values<'a> = BTreeSet<Option<&'a str>>;

/// The values of all parameters of a scenario in both runs.
pub(super) struct Matching<'a> {
    scenarios: BTreeMap<&'a str, BTreeMap<&'a str, [Values<'a>; 2]>>,
}

impl<'a> Matching<'a> {
    pub(super) fn new(base: &'a Summary, new: &'a Summary) -> Self {
        let mut scenarios: BTreeMap<&str, BTreeMap<&str, [Values<'_>; 2]>> = BTreeMap::new();
        for case in base.cases.iter().chain(&new.cases) {
            let params = scenarios.entry(&case.scenario).or_default();
            for param in case.params.keys() {
                params.entry(param).or_default();
            }
        }
        for (side, run) in [base, new].into_iter().enumerate() {
            for case in &run.cases {
                for (param, values) in scenarios.entry(&case.scenario).or_default() {
                    values[side].insert(case.params.get(*param).map(String::as_str));
                }
            }
        }
        Self { scenarios }
    }

    /// What a case is called in both runs.
    pub(super) fn key(&self, case: &'a CaseResult) -> CaseKey<'a> {
        let telling = |param: &str| {
            let values = self.scenarios.get(case.scenario.as_str())?.get(param)?;
            Some(values.iter().any(|values| values.len() > 1))
        };
        let params = case.params.iter();
        let params = params.filter(|(param, _)| telling(param).unwrap_or(true));
        let params = params.map(|(param, value)| (param.as_str(), value.as_str()));
        (&case.scenario, params.collect(), &case.seed)
    }

    /// What differs between the runs without telling cases apart.
    pub(super) fn changes(&self) -> Vec<Change> {
        let only = |values: &Values<'a>| values.first().copied().filter(|_| values.len() == 1);
        let mut changes = Vec::new();
        for (scenario, params) in &self.scenarios {
            for (param, [base, new]) in params {
                let (Some(base), Some(new)) = (only(base), only(new)) else {
                    continue;
                };
                if base != new {
                    changes.push(Change {
                        scenario: (*scenario).to_owned(),
                        param: (*param).to_owned(),
                        base: base.map(str::to_owned),
                        new: new.map(str::to_owned),
                    });
                }
            }
        }
        changes
    }
}
