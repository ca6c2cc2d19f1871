//! `--fail-if`: which changes make a comparison fail.
//!
//! ```text
//! SUBJECT.METRIC worse            the verdict of any matching row is worse
//! SUBJECT.METRIC worse by 10      ... and the mean got worse by more than 10 in the metric's unit
//! SUBJECT.METRIC worse by 5%      ... and by more than 5 % of the base's mean
//! any worse                       the same as *.* worse
//! ```
//!
//! SUBJECT is a flow or link, METRIC a metric; `*` stands for all. With one
//! seed there is no verdict of worse: `worse` alone never holds then, `worse
//! by` looks at the difference only.

use std::str::FromStr;

use weaknet_core::text::nearest;

use super::{Comparison, Row, Verdict};
use crate::metrics::{Better, Definition};

const FORM: &str = "expected `SUBJECT.METRIC worse`, `SUBJECT.METRIC worse by 10`, `SUBJECT.METRIC worse by 5%` or `any worse`";

/// A condition on a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct FailIf {
    subject: Pattern,
    metric: Pattern,
    margin: Option<Margin>,
    text: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Pattern {
    Any,
    Name(String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Margin {
    /// In the metric's unit.
    Absolute(f64),
    /// As a share of the base's mean.
    Relative(f64),
}

/// Why a condition cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FailIfError {
    /// Another form.
    #[error("`{0}` is no condition: {FORM}")]
    Form(String),
    /// No such metric.
    #[error("unknown metric `{name}`{}", hint(.nearest))]
    Metric {
        /// As written.
        name: String,
        /// The known name closest to it.
        nearest: Option<String>,
    },
    /// The metric cannot get worse.
    #[error("`{0}` has no better or worse: it only describes")]
    Neutral(String),
    /// No row of the comparison matches.
    #[error("nothing to compare for `{text}`: no such flow or link has that metric in both runs{}", hint(.nearest))]
    NoRow {
        /// As written.
        text: String,
        /// The flow or link with the closest name.
        nearest: Option<String>,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

impl Pattern {
    fn new(text: &str) -> Option<Self> {
        match text {
            "" => None,
            "*" => Some(Self::Any),
            name => Some(Self::Name(name.to_owned())),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Name(own) => own == name,
        }
    }
}

impl FromStr for FailIf {
    type Err = FailIfError;

    fn from_str(text: &str) -> Result<Self, FailIfError> {
        let form = || FailIfError::Form(text.to_owned());
        let words: Vec<&str> = text.split_whitespace().collect();
        let (what, margin) = match words[..] {
            [what, "worse"] => (what, None),
            [what, "worse", "by", margin] => (what, Some(Margin::new(margin).ok_or_else(form)?)),
            _ => return Err(form()),
        };
        let (subject, metric) = if what == "any" {
            ("*", "*")
        } else {
            what.split_once('.').ok_or_else(form)?
        };
        Ok(Self {
            subject: Pattern::new(subject).ok_or_else(form)?,
            metric: Pattern::new(metric).ok_or_else(form)?,
            margin,
            text: text.to_owned(),
        })
    }
}

impl Margin {
    fn new(text: &str) -> Option<Self> {
        let number = |text: &str| {
            text.parse::<f64>()
                .ok()
                .filter(|x| x.is_finite() && *x >= 0.0)
        };
        match text.strip_suffix('%') {
            Some(percent) => Some(Self::Relative(number(percent)? / 100.0)),
            None => Some(Self::Absolute(number(text)?)),
        }
    }

    fn exceeded(self, row: &Row) -> bool {
        let limit = match self {
            Self::Absolute(limit) => limit,
            Self::Relative(share) => share * row.base.abs(),
        };
        row.worsening() > limit
    }
}

impl FailIf {
    /// The condition as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Checks the metric's name, before anything is compared.
    ///
    /// # Errors
    /// When no metric has that name or it has no direction.
    pub fn check<'d>(
        &self,
        definitions: impl IntoIterator<Item = &'d Definition>,
    ) -> Result<(), FailIfError> {
        let Pattern::Name(name) = &self.metric else {
            return Ok(());
        };
        let known: Vec<&Definition> = definitions.into_iter().collect();
        match known.iter().find(|d| d.name == name) {
            Some(definition) if definition.better == Better::Neither => {
                Err(FailIfError::Neutral(name.clone()))
            }
            Some(_) => Ok(()),
            None => {
                let nearest = nearest(name, known.iter().map(|d| d.name)).map(str::to_owned);
                Err(FailIfError::Metric {
                    name: name.clone(),
                    nearest,
                })
            }
        }
    }

    /// The rows that make the comparison fail; none: it passes.
    ///
    /// # Errors
    /// When the condition speaks of a flow, link or metric that the comparison
    /// does not have: a guard that guards nothing is a mistake.
    pub fn failures<'c>(&self, comparison: &'c Comparison) -> Result<Vec<&'c Row>, FailIfError> {
        let fits =
            |row: &&Row| self.subject.matches(&row.subject) && self.metric.matches(&row.metric);
        let mut rows = comparison.rows.iter().filter(fits).peekable();
        if rows.peek().is_none() {
            let names = comparison.rows.iter().map(|row| row.subject.as_str());
            let nearest = match &self.subject {
                Pattern::Name(name) if comparison.rows.iter().all(|row| row.subject != *name) => {
                    nearest(name, names)
                }
                _ => None,
            };
            return Err(FailIfError::NoRow {
                text: self.text.clone(),
                nearest: nearest.map(str::to_owned),
            });
        }
        Ok(rows.filter(|row| self.holds(row)).collect())
    }

    fn holds(&self, row: &Row) -> bool {
        match (row.verdict, self.margin) {
            (Verdict::Worse, None) => true,
            (Verdict::Worse | Verdict::Unclear, Some(margin)) => margin.exceeded(row),
            _ => false,
        }
    }
}
