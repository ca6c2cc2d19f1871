//! What the kit found.

use std::fmt;

use super::rule::Rule;

/// How a controller did by one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It keeps the rule; with the figures that show it, if there are any.
    Pass(String),
    /// It breaks the rule: when, with which values.
    Fail(String),
    /// The rule does not apply, and why.
    NotApplicable(String),
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// How the controller did.
    pub verdict: Verdict,
}

/// What the kit found, one entry per rule. Prints as a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub(super) const fn new(findings: Vec<Finding>) -> Self {
        Self { findings }
    }

    /// All findings, in the order of [`Rule::ALL`].
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The rules that were broken.
    #[must_use]
    pub fn failures(&self) -> Vec<Rule> {
        let failed = |finding: &&Finding| matches!(finding.verdict, Verdict::Fail(_));
        self.findings
            .iter()
            .filter(failed)
            .map(|finding| finding.rule)
            .collect()
    }

    /// Whether no rule was broken.
    #[must_use]
    pub fn is_pass(&self) -> bool {
        self.failures().is_empty()
    }

    /// For tests.
    ///
    /// # Panics
    /// With the whole table, if a rule was broken.
    pub fn assert(&self) {
        assert!(self.is_pass(), "\n{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { rule, verdict } in &self.findings {
            let name = rule.name();
            match verdict {
                Verdict::Pass(figures) if figures.is_empty() => {
                    writeln!(f, "pass  {name:<18}  {}", rule.statement())?;
                }
                Verdict::Pass(figures) => writeln!(f, "pass  {name:<18}  {figures}")?,
                Verdict::NotApplicable(why) => {
                    writeln!(f, "n/a   {name:<18}  {}", indented(why))?;
                }
                Verdict::Fail(why) => {
                    let (statement, why) = (rule.statement(), indented(why));
                    writeln!(
                        f,
                        "FAIL  {name:<18}  demanded: {statement}\n{:26}found: {why}",
                        ""
                    )?;
                }
            }
        }
        Ok(())
    }
}

/// Further lines under the first.
fn indented(text: &str) -> String {
    text.replace('\n', "\n                          ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_people_understand() {
        let finding = |rule, verdict| Finding { rule, verdict };
        let report = Report::new(vec![
            finding(Rule::Copies, Verdict::Pass(String::new())),
            finding(Rule::Outage, Verdict::Pass("92 % in use".to_owned())),
            finding(
                Rule::Overload,
                Verdict::NotApplicable("a constant rate".to_owned()),
            ),
            finding(
                Rule::Determinism,
                Verdict::Fail("1.250 s: 1 Mbps, then 2 Mbps".to_owned()),
            ),
        ]);
        let table = "\
pass  copies              a copy made on the way goes on identically
pass  outage              92 % in use
n/a   overload            a constant rate
FAIL  determinism         demanded: the same input gives the same output
                          found: 1.250 s: 1 Mbps, then 2 Mbps
";
        assert_eq!(report.to_string(), table);
        assert_eq!(report.failures(), [Rule::Determinism]);
        assert!(!report.is_pass());
    }
}
