//! Expectations: `call.freeze_ratio <= 1%`.

use weaknet_core::Ratio;

use super::error::{Diagnostic, Place};
use super::model::{Comparison, Expectation};
use crate::metrics::{Definition, Subject};

const FORM: &str = "expected `subject.metric <= value`, such as `call.freeze_ratio <= 1%`";
/// Longer operators first.
const OPERATORS: [(&str, Comparison); 4] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("<", Comparison::Below),
    (">", Comparison::Above),
];

/// What expectations may speak of.
pub struct Subjects<'a> {
    /// Names of the flows.
    pub flows: &'a [&'a str],
    /// Names of the links.
    pub links: &'a [&'a str],
    /// All metrics.
    pub metrics: &'a [Definition],
}

impl Subjects<'_> {
    /// Reads an expectation.
    ///
    /// # Errors
    /// When it has another form, or names what is not there.
    pub fn parse(&self, text: &str, place: &Place) -> Result<Expectation, Diagnostic> {
        let (left, op, right) = split(text).ok_or_else(|| Diagnostic::new(place, FORM))?;
        let (subject, metric) = left
            .split_once('.')
            .ok_or_else(|| Diagnostic::new(place, FORM))?;
        let sort = match (self.flows.contains(&subject), self.links.contains(&subject)) {
            (true, _) => Subject::Flow,
            (_, true) => Subject::Link,
            _ => {
                let known = self.flows.iter().chain(self.links).copied();
                return Err(Diagnostic::unknown(place, "flow or link", subject, known));
            }
        };
        let fitting = || {
            self.metrics
                .iter()
                .filter(move |m| m.subjects.contains(&sort))
                .map(|m| m.name)
        };
        if !fitting().any(|name| name == metric) {
            let what = match sort {
                Subject::Flow => "metric of a flow",
                Subject::Link => "metric of a link",
            };
            return Err(unknown_metric(place, what, metric, fitting()));
        }
        Ok(Expectation {
            subject: subject.to_owned(),
            metric: metric.to_owned(),
            op,
            value: value(right, place)?,
            text: text.to_owned(),
            place: place.clone(),
        })
    }
}

/// There are many metrics: only the nearest is named.
fn unknown_metric<'a>(
    place: &Place,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let unknown = Diagnostic::new(place, format!("unknown {what} `{name}`"));
    match weaknet_core::text::nearest(name, known) {
        Some(nearest) => unknown.help(format!("did you mean `{nearest}`?")),
        None => unknown.help("`weaknet list metrics` shows all of them"),
    }
}

/// Splits a condition at its operator.
fn split(text: &str) -> Option<(&str, Comparison, &str)> {
    let at = text.find(['<', '>'])?;
    let (operator, op) = OPERATORS
        .into_iter()
        .find(|(operator, _)| text[at..].starts_with(operator))?;
    Some((text[..at].trim(), op, text[at + operator.len()..].trim()))
}

fn value(text: &str, place: &Place) -> Result<f64, Diagnostic> {
    if text.ends_with('%') {
        let ratio: Ratio = text
            .parse()
            .map_err(|e: weaknet_core::QuantityError| Diagnostic::new(place, e.to_string()))?;
        return Ok(ratio.as_f64());
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(Diagnostic::new(
            place,
            format!("expected a number or a share such as `1%`, found `{text}`"),
        )
        .help("metrics carry their unit in their name: `call.frame_delay_p95_ms <= 400`")),
    }
}
