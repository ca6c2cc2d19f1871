//! Expectations judged over seeds: on the median (contract section 3).

use std::collections::BTreeSet;

use weaknet_harness::results::{CaseResult, ExpectationResult};

use super::columns::Column;
use super::groups::Group;

/// One expectation of one group, judged over its seeds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    /// Index of the group.
    pub(crate) group: usize,
    /// The flow or link that it is about.
    pub(crate) subject: Option<String>,
    /// As written.
    pub(crate) expr: String,
    /// Whether the median meets it.
    pub(crate) ok: bool,
    /// The median as shown, with its unit; `None` if no seed has a value.
    pub(crate) median: Option<String>,
    /// Seeds that pass on their own.
    pub(crate) seeds_ok: usize,
    /// Seeds judged.
    pub(crate) seeds: usize,
}

/// `subject.metric op threshold`, split.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Parts<'e> {
    subject: &'e str,
    metric: &'e str,
    op: &'e str,
    threshold: Option<f64>,
}

fn split(expr: &str) -> Option<Parts<'_>> {
    let at = expr.find(['<', '>'])?;
    let (left, right) = expr.split_at(at);
    let op = if right[1..].starts_with('=') {
        &right[..2]
    } else {
        &right[..1]
    };
    let number = right[op.len()..].trim();
    let threshold = match number.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok().map(|p| p / 100.0),
        None => number.parse().ok(),
    };
    let (subject, metric) = left.trim().rsplit_once('.')?;
    Some(Parts {
        subject,
        metric,
        op,
        threshold,
    })
}

/// The metrics that expectations name.
pub(crate) fn expected_metrics(cases: &[CaseResult]) -> BTreeSet<&str> {
    cases
        .iter()
        .flat_map(|case| &case.expectations)
        .filter_map(|expectation| Some(split(&expectation.expr)?.metric))
        .collect()
}

/// Judges every expectation of every group.
pub(crate) fn judge(cases: &[CaseResult], groups: &[Group<'_>]) -> Vec<Judgement> {
    let mut judgements = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let mut exprs: Vec<&str> = Vec::new();
        for case in group.cases.iter().filter_map(|&at| cases.get(at)) {
            for expectation in &case.expectations {
                if !exprs.contains(&expectation.expr.as_str()) {
                    exprs.push(&expectation.expr);
                }
            }
        }
        for expr in exprs {
            let found: Vec<&ExpectationResult> = group
                .cases
                .iter()
                .filter_map(|&at| cases.get(at)?.expectations.iter().find(|e| e.expr == expr))
                .collect();
            judgements.push(judge_one(index, expr, &found));
        }
    }
    judgements
}

fn judge_one(group: usize, expr: &str, found: &[&ExpectationResult]) -> Judgement {
    let seeds = found.len();
    let seeds_ok = found.iter().filter(|e| e.ok).count();
    let mut values: Vec<f64> = found.iter().filter_map(|e| e.value).collect();
    values.sort_by(f64::total_cmp);
    let median = median(&values);
    let parts = split(expr);
    // A comparison with a threshold is monotone, so the median passes if most
    // seeds do. Only an even split needs the median itself.
    let ok = match (seeds_ok * 2).cmp(&seeds) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => {
            values.len() == seeds && parts.is_some_and(|p| meets(p, median).unwrap_or(false))
        }
    };
    let shown = median.map(|value| match parts {
        Some(parts) => Column::new(parts.metric, &[], value.abs()).format_with_unit(value),
        None => format!("{value}"),
    });
    let subject = parts.map(|parts| parts.subject.to_owned());
    Judgement {
        group,
        subject,
        expr: expr.to_owned(),
        ok,
        median: shown,
        seeds_ok,
        seeds,
    }
}

fn meets(parts: Parts<'_>, value: Option<f64>) -> Option<bool> {
    let (value, threshold) = (value?, parts.threshold?);
    Some(match parts.op {
        "<=" => value <= threshold,
        "<" => value < threshold,
        ">=" => value >= threshold,
        _ => value > threshold,
    })
}

fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*sorted.get(sorted.len() / 2 - 1)?, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(ok: bool, value: Option<f64>) -> ExpectationResult {
        ExpectationResult {
            expr: "call.freeze_ratio <= 1%".into(),
            ok,
            value,
        }
    }

    fn verdict(seeds: &[ExpectationResult]) -> Judgement {
        judge_one(
            0,
            "call.freeze_ratio <= 1%",
            &seeds.iter().collect::<Vec<_>>(),
        )
    }

    #[test]
    fn splits_names_with_points() {
        let parts = split("leg.one.freeze_ratio >= 0.5%").unwrap();
        assert_eq!(
            (parts.subject, parts.metric, parts.op),
            ("leg.one", "freeze_ratio", ">=")
        );
        assert_eq!(parts.threshold, Some(0.005));
        assert_eq!(split("nonsense"), None);
    }

    #[test]
    fn odd_counts_follow_the_majority() {
        let seeds = [
            seed(true, Some(0.0)),
            seed(false, Some(0.5)),
            seed(true, Some(0.009)),
        ];
        let judged = verdict(&seeds);
        assert!(judged.ok);
        assert_eq!(judged.median.as_deref(), Some("0.90 %"));
        assert_eq!((judged.seeds_ok, judged.seeds), (2, 3));
    }

    #[test]
    fn even_split_is_decided_by_the_median() {
        assert!(verdict(&[seed(true, Some(0.002)), seed(false, Some(0.016))]).ok);
        assert!(!verdict(&[seed(true, Some(0.008)), seed(false, Some(0.016))]).ok);
    }

    #[test]
    fn a_seed_without_a_value_is_never_a_pass() {
        assert!(!verdict(&[seed(true, Some(0.0)), seed(false, None)]).ok);
        assert_eq!(verdict(&[seed(false, None)]).median, None);
    }
}
