//! Expectations judged: `call.freeze_ratio <= 1%`, per seed and on the median
//! over the seeds of a case.
//!
//! A seed in which the metric does not apply counts as the worst value
//! possible, so that a median fails when it would have to rest on absent
//! values.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::results::{CaseResult, ExpectationResult};
use crate::stats::median;

/// How a metric is compared with the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    AtMost,
    AtLeast,
    Below,
    Above,
}

/// A condition on one metric of one flow or link.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The flow or link.
    pub subject: String,
    /// The metric's name.
    pub metric: String,
    operator: Operator,
    limit: f64,
}

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no condition: expected `subject.metric <= value` with <=, <, >= or >, such as `call.freeze_ratio <= 1%`"
)]
pub struct ConditionError(String);

impl Condition {
    /// Reads `subject.metric <= value`; `%` makes the value a ratio.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        Self::read(text).ok_or_else(|| ConditionError(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let (left, rest) = text.split_at(text.find(['<', '>'])?);
        let (operator, limit) = if let Some(limit) = rest.strip_prefix("<=") {
            (Operator::AtMost, limit)
        } else if let Some(limit) = rest.strip_prefix(">=") {
            (Operator::AtLeast, limit)
        } else if let Some(limit) = rest.strip_prefix('<') {
            (Operator::Below, limit)
        } else {
            (Operator::Above, rest.strip_prefix('>')?)
        };
        let (subject, metric) = left.trim().split_once('.')?;
        let limit = limit.trim();
        let limit = match limit.strip_suffix('%') {
            Some(percent) => percent.parse::<f64>().ok()? / 100.0,
            None => limit.parse().ok()?,
        };
        let named = !subject.is_empty() && !metric.is_empty() && limit.is_finite();
        named.then(|| Self {
            subject: subject.to_owned(),
            metric: metric.to_owned(),
            operator,
            limit,
        })
    }

    /// Whether a value satisfies the condition.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        match self.operator {
            Operator::AtMost => value <= self.limit,
            Operator::AtLeast => value >= self.limit,
            Operator::Below => value < self.limit,
            Operator::Above => value > self.limit,
        }
    }

    /// The value that satisfies it least.
    fn worst(&self) -> f64 {
        match self.operator {
            Operator::AtMost | Operator::Below => f64::INFINITY,
            Operator::AtLeast | Operator::Above => f64::NEG_INFINITY,
        }
    }

    /// Judges one seed; `expr` is the condition as written.
    #[must_use]
    pub fn judge(&self, expr: &str, case: &CaseResult) -> ExpectationResult {
        let value = case.metric(&self.subject, &self.metric);
        ExpectationResult {
            expr: expr.to_owned(),
            ok: value.is_some_and(|v| self.holds(v)),
            value,
        }
    }
}

/// Judges expectations, as written, for one seed.
///
/// # Errors
/// The first text that is no condition.
pub fn judge_seed<'a>(
    expressions: impl IntoIterator<Item = &'a str>,
    case: &CaseResult,
) -> Result<Vec<ExpectationResult>, ConditionError> {
    expressions
        .into_iter()
        .map(|expr| Ok(Condition::parse(expr)?.judge(expr, case)))
        .collect()
}

/// An expectation judged on the median over the seeds of a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// Name of the scenario.
    pub scenario: String,
    /// Axes and `--set` values of the case.
    pub params: BTreeMap<String, String>,
    /// As written.
    pub expr: String,
    /// Whether the median satisfies it.
    pub ok: bool,
    /// The median; absent when it rests on seeds in which the metric did not
    /// apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median: Option<f64>,
    /// Number of seeds.
    pub seeds: usize,
    /// Seeds that alone would pass.
    pub passed: usize,
}

/// Judges all expectations of a run on the medians over seeds, in order of
/// their first appearance.
///
/// # Errors
/// The first expectation in the results that is no condition.
pub fn judge(cases: &[CaseResult]) -> Result<Vec<Judgement>, ConditionError> {
    let mut order = Vec::new();
    let mut groups: BTreeMap<_, Vec<&ExpectationResult>> = BTreeMap::new();
    for case in cases {
        for expectation in &case.expectations {
            let key = (&case.scenario, &case.params, &expectation.expr);
            groups
                .entry(key)
                .or_insert_with(|| {
                    order.push(key);
                    Vec::new()
                })
                .push(expectation);
        }
    }
    order
        .into_iter()
        .map(|key| {
            let (scenario, params, expr) = key;
            let results = &groups[&key];
            let condition = Condition::parse(expr)?;
            let values: Vec<f64> = results
                .iter()
                .map(|r| r.value.unwrap_or_else(|| condition.worst()))
                .collect();
            let median = median(&values).filter(|median| median.is_finite());
            Ok(Judgement {
                scenario: scenario.clone(),
                params: params.clone(),
                expr: expr.clone(),
                ok: median.is_some_and(|median| condition.holds(median)),
                median,
                seeds: results.len(),
                passed: results.iter().filter(|r| r.ok).count(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::testing::case;

    #[test]
    fn conditions_hold_by_their_operator() {
        for (text, below, at, above) in [
            ("call.freeze_ratio <= 1%", true, true, false),
            ("call.freeze_ratio < 1%", true, false, false),
            ("call.freeze_ratio >= 0.01", false, true, true),
            ("call.freeze_ratio>0.01", false, false, true),
        ] {
            let condition = Condition::parse(text).unwrap();
            assert_eq!(
                (condition.subject.as_str(), condition.metric.as_str()),
                ("call", "freeze_ratio")
            );
            assert_eq!(
                [0.009, 0.01, 0.011].map(|v| condition.holds(v)),
                [below, at, above],
                "{text}"
            );
        }
        for text in [
            "call.x = 1",
            "x <= 1",
            ".x <= 1",
            "call. <= 1",
            "call.x <= one",
            "call.x <=",
            "call.x <= NaN",
            "",
        ] {
            assert!(Condition::parse(text).is_err(), "{text}");
        }
    }

    fn judged(values: &[Option<f64>], expr: &str) -> Judgement {
        let cases: Vec<CaseResult> = values
            .iter()
            .enumerate()
            .map(|(seed, value)| {
                let metrics: Vec<(&str, f64)> =
                    value.iter().map(|&v| ("freeze_ratio", v)).collect();
                let mut case = case("s", &[], seed as u64 + 1, &metrics);
                case.expectations = judge_seed([expr], &case).unwrap();
                case
            })
            .collect();
        let mut all = judge(&cases).unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    #[test]
    fn the_median_decides() {
        let found = judged(
            &[Some(0.0), Some(0.5), Some(0.01)],
            "call.freeze_ratio <= 1%",
        );
        assert_eq!(
            (found.ok, found.median, found.seeds, found.passed),
            (true, Some(0.01), 3, 2)
        );
        assert!(
            !judged(
                &[Some(0.0), Some(0.5), Some(0.02)],
                "call.freeze_ratio <= 1%"
            )
            .ok
        );
        // Two seeds: the mean of both.
        assert_eq!(
            judged(&[Some(0.0), Some(0.03)], "call.freeze_ratio <= 1%").median,
            Some(0.015)
        );
    }

    #[test]
    fn absent_values_are_the_worst_ones() {
        assert!(judged(&[Some(0.0), None, Some(0.01)], "call.freeze_ratio <= 1%").ok);
        for expr in ["call.freeze_ratio <= 1%", "call.freeze_ratio >= 0"] {
            let found = judged(&[None, Some(0.0), None], expr);
            assert_eq!((found.ok, found.median), (false, None));
            assert!(!judged(&[None], expr).ok);
        }
    }

    #[test]
    fn flows_come_before_links_and_cases_apart() {
        let mut one = case("s", &[("a", "x")], 1, &[("loss_ratio", 0.5)]);
        one.links[0].metrics.insert("utilisation".into(), 0.7);
        one.expectations = judge_seed(
            [
                "call.loss_ratio <= 1",
                "forward.utilisation >= 0.8",
                "nobody.x > 0",
            ],
            &one,
        )
        .unwrap();
        let ok: Vec<bool> = one.expectations.iter().map(|e| e.ok).collect();
        assert_eq!(ok, [true, false, false]);
        let mut two = case("s", &[("a", "y")], 1, &[]);
        two.expectations = judge_seed(["call.loss_ratio <= 1"], &two).unwrap();
        let judgements = judge(&[one, two]).unwrap();
        assert_eq!(
            judgements.iter().map(|j| j.ok).collect::<Vec<_>>(),
            [true, false, false, false]
        );
    }
}
