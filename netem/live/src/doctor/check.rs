//! A figure against its limit.

use serde::{Serialize, Serializer};

/// How something is, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within all limits.
    Good,
    /// It works, less exactly or less fast than the limits ask for.
    Degraded,
    /// It does not work here.
    NotPossible,
}

/// Something measured: a name that ends in its unit, and a value.
pub type Figure = (&'static str, f64);

/// Where a figure stops being good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The figure.
    pub figure: &'static str,
    /// What it may be.
    pub bound: Bound,
}

/// A side of a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Good up to this.
    AtMost(f64),
    /// Good from this on.
    AtLeast(f64),
    /// Good from the first on; below the second it does not work at all.
    Between(f64, f64),
}

impl Limit {
    pub(super) const fn at_most(figure: &'static str, most: f64) -> Self {
        let bound = Bound::AtMost(most);
        Self { figure, bound }
    }

    pub(super) const fn at_least(figure: &'static str, least: f64) -> Self {
        let bound = Bound::AtLeast(least);
        Self { figure, bound }
    }

    pub(super) const fn between(figure: &'static str, good: f64, works: f64) -> Self {
        let bound = Bound::Between(good, works);
        Self { figure, bound }
    }
}

impl Bound {
    /// What a value within or beyond it means. What is no number is not good.
    fn judge(self, value: f64) -> Verdict {
        match self {
            Self::AtMost(most) if value <= most => Verdict::Good,
            Self::AtLeast(least) | Self::Between(least, _) if value >= least => Verdict::Good,
            Self::Between(_, works) if value < works => Verdict::NotPossible,
            _ => Verdict::Degraded,
        }
    }
}

/// One line of a diagnosis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Its name, which stays the same from version to version.
    pub name: &'static str,
    /// What was measured, for people.
    pub what: &'static str,
    /// The figures.
    #[serde(serialize_with = "as_map")]
    pub figures: Vec<Figure>,
    /// Where they stop being good.
    #[serde(serialize_with = "limits_as_map")]
    pub limits: Vec<Limit>,
    /// Why there.
    pub because: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// Why it could not be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What is measured, and what is asked of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) limits: &'static [Limit],
    pub(super) because: &'static str,
}

impl Question {
    /// The answer: figures, or why there are none.
    pub(super) fn answer<E: ToString>(self, figures: Result<Vec<Figure>, E>) -> Check {
        let (figures, failure) = match figures {
            Ok(figures) => (figures, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let verdict = match &failure {
            Some(_) => Verdict::NotPossible,
            None => {
                let value = |name| figures.iter().find(|(known, _)| *known == name);
                let verdicts = self.limits.iter().map(|limit| {
                    let value = value(limit.figure).map_or(f64::NAN, |(_, value)| *value);
                    limit.bound.judge(value)
                });
                verdicts.max().unwrap_or(Verdict::Good)
            }
        };
        Check {
            name: self.name,
            what: self.what,
            figures,
            limits: self.limits.to_vec(),
            because: self.because,
            verdict,
            failure,
        }
    }
}

fn as_map<S: Serializer>(figures: &[Figure], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(figures.iter().copied())
}

fn limits_as_map<S: Serializer>(limits: &[Limit], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(limits.iter().map(|limit| {
        let (key, value) = match limit.bound {
            Bound::AtMost(most) => ("at_most", most),
            Bound::AtLeast(least) | Bound::Between(least, _) => ("at_least", least),
        };
        (
            limit.figure,
            std::collections::BTreeMap::from([(key, value)]),
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Question = Question {
        name: "speed",
        what: "speed",
        limits: &[
            Limit::between("rate_percent", 99.0, 90.0),
            Limit::at_most("p99_us", 500.0),
        ],
        because: "reasons",
    };

    fn verdict(rate: f64, p99: f64) -> Verdict {
        let figures = vec![("rate_percent", rate), ("p99_us", p99)];
        QUESTION.answer(Ok::<_, String>(figures)).verdict
    }

    #[test]
    fn the_worst_figure_counts() {
        assert_eq!(verdict(99.0, 500.0), Verdict::Good);
        assert_eq!(verdict(98.9, 500.0), Verdict::Degraded);
        assert_eq!(verdict(99.0, 501.0), Verdict::Degraded);
        assert_eq!(verdict(89.9, 1.0), Verdict::NotPossible);
        assert_eq!(verdict(f64::NAN, 1.0), Verdict::Degraded);
    }

    #[test]
    fn what_is_missing_is_not_good() {
        let check = QUESTION.answer(Ok::<_, String>(vec![("rate_percent", 100.0)]));
        assert_eq!(check.verdict, Verdict::Degraded);
        let check = QUESTION.answer(Err("no way"));
        assert_eq!(check.verdict, Verdict::NotPossible);
        assert_eq!(check.failure.as_deref(), Some("no way"));
    }
}
